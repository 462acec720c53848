"""Bodies and answers: providers and their bank accounts."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from but_gateway.db.fields import TownKeys
from but_gateway.kit.iban import mask_iban
from but_gateway.registers.municipalities.scalars import Holder, Iban
from but_gateway.registers.providers.model import BankAccount, ProviderRecord
from but_gateway.web.body import AnswerModel, Day, Key, Line, StrictModel

_PROVIDER: dict[str, JsonValue] = {
    "account": "mensa-rheinland",
    "name": "Mensa Rheinland GmbH",
    "kind": "caterer",
    "status": "active",
    "suspended_from": None,
    "undertaking_signed_on": "2025-12-01",
    "creditor_number": "0700101",
    "contact_email": "abrechnung@mensa-rheinland.example",
    "vat_id": "DE123456789",
    "tax_number": "5117/5432/0001",
}
_TUTOR: dict[str, JsonValue] = {"account": None, "name": "Lernhaus Musterstadt", "kind": "tutor", "undertaking_signed_on": "2026-01-15"}
_ACCOUNT_ID = "0198f0c2-0000-7000-8000-000000000001"

Short = Annotated[Line, Field(max_length=35)]


class ProviderIn(StrictModel):
    """(Leistungs-)Anbieter, wie ihn die Kommune führt."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROVIDER, _TUTOR]})

    account: Key | None = Field(
        None, description="Zugang, der für den Anbieter handelt; ohne kann er nichts einreichen", examples=["mensa-rheinland"]
    )
    name: Line = Field(description="Name des Anbieters", examples=["Mensa Rheinland GmbH"])
    kind: Literal["caterer", "tutor", "club", "school", "other"] = Field(
        description="Art: Caterer, Lernförderung, Verein, Schule, sonstiger Anbieter"
    )
    status: Literal["active", "suspended", "ended"] = Field(
        "active", description="Stand: aktiv, gesperrt (seine Positionen werden Klärfälle) oder beendet"
    )
    suspended_from: Day | None = Field(None, description="Gesperrt ab diesem Tag des Eingangs; ohne Angabe sofort")
    undertaking_signed_on: Day | None = Field(
        None, description="Tag der Verpflichtungserklärung (§ 78 SGB X); ohne sie werden keine Rechnungen angenommen"
    )
    creditor_number: Short | None = Field(None, description="Kreditorennummer im Finanzverfahren", examples=["0700101"])
    contact_email: Annotated[str, StringConstraints(strict=True, max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")] | None = (
        Field(None, description="E-Mail-Adresse für Rückfragen", examples=["abrechnung@mensa-rheinland.example"])
    )
    vat_id: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}[A-Z0-9+*]{2,12}$")] | None = Field(
        None, description="Umsatzsteuer-Identifikationsnummer", examples=["DE123456789"]
    )
    tax_number: Short | None = Field(None, description="Steuernummer; wird verschlüsselt gespeichert", examples=["5117/5432/0001"])


class ProviderOut(ProviderIn, AnswerModel):
    """(Leistungs-)Anbieter, wie er gespeichert ist."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "c1", **_PROVIDER}]})

    key: Key = Field(description="Schlüssel des Anbieters", examples=["c1"])

    @classmethod
    def of(cls, record: ProviderRecord, keys: TownKeys) -> Self:
        """The answer for a provider."""
        plain = {field: getattr(record, field) for field in cls.model_fields if field != "tax_number"}
        return cls.model_validate({**plain, "tax_number": record.tax_number(keys)})


class ProvidersOut(AnswerModel):
    """Anbieter, älteste zuerst."""

    items: list[ProviderOut] = Field(description="Die Anbieter")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")


class BankAccountIn(StrictModel):
    """Bankverbindung eines Anbieters, die vorgeschlagen wird."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"iban": "DE36100100100004711000", "holder": "Mensa Rheinland GmbH"}]})

    iban: Iban = Field(description="IBAN")
    holder: Holder = Field(description="Kontoinhaber (höchstens 70 Zeichen)", examples=["Mensa Rheinland GmbH"])


class BankAccountState(AnswerModel):
    """Stand einer Bankverbindung. Die Angaben selbst stehen nur in der Liste."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _ACCOUNT_ID, "state": "proposed", "usable_from": None},
                {"id": _ACCOUNT_ID, "state": "confirmed", "usable_from": "2026-11-25"},
            ]
        }
    )

    id: UUID = Field(description="Kennung der Bankverbindung")
    state: Literal["proposed", "confirmed"] = Field(description="Vorgeschlagen, oder von einer zweiten Person bestätigt")
    usable_from: date | None = Field(description="Ab wann an sie gezahlt wird; null, solange sie nicht bestätigt ist")


class BankAccountOut(BankAccountState):
    """Bankverbindung eines Anbieters."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ACCOUNT_ID,
                    "state": "confirmed",
                    "usable_from": "2026-11-25",
                    "iban": "DE36100100100004711000",
                    "holder": "Mensa Rheinland GmbH",
                    "proposed_by": "https://gateway.example|p-7f3a",
                    "proposed_at": "2026-11-19T09:12:00Z",
                    "confirmed_by": "https://gateway.example|p-b21c",
                    "confirmed_at": "2026-11-20T10:40:00Z",
                }
            ]
        }
    )

    iban: str = Field(description="IBAN; für die Rechnungsprüfung gekürzt")
    holder: str = Field(description="Kontoinhaber")
    proposed_by: str = Field(description="Wer sie vorgeschlagen hat")
    proposed_at: datetime = Field(description="Wann")
    confirmed_by: str | None = Field(description="Wer sie bestätigt hat")
    confirmed_at: datetime | None = Field(description="Wann")

    @classmethod
    def of(cls, account: BankAccount, keys: TownKeys, *, masked: bool) -> Self:
        """The answer for a bank account; ``masked``: country, check digits and last four characters only."""
        iban = account.iban(keys)
        return cls.model_validate(
            {
                "id": account.id,
                "state": account.state,
                "usable_from": account.usable_from,
                "iban": mask_iban(iban) if masked else iban,
                "holder": account.holder(keys),
                "proposed_by": account.proposed_by,
                "proposed_at": account.proposed_at,
                "confirmed_by": account.confirmed_by,
                "confirmed_at": account.confirmed_at,
            }
        )


class BankAccountsOut(AnswerModel):
    """Bankverbindungen, älteste zuerst."""

    items: list[BankAccountOut] = Field(description="Die Bankverbindungen")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")

"""Rows of a grant import, as the town's case system sends them."""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from but_gateway.law.basis import LegalBasis
from but_gateway.web.body import Cents, Day, Flag, Key, Line, StrictModel, Whole
from but_gateway.web.faults import problem_of
from but_gateway.web.problems import Fault

Benefit = Literal["lunch", "tutoring", "participation", "day_trip", "class_trip", "school_supplies", "school_transport"]
Basis = Literal["sgb2", "bkgg", "sgb12_3", "sgb12_4", "asylblg_2", "asylblg_3"]
Subject = Literal[
    "mathematik", "deutsch", "englisch", "franzoesisch", "latein", "spanisch", "physik", "chemie", "biologie", "sachunterricht",
    "geschichte", "erdkunde", "politik", "lesen_schreiben", "rechnen", "deutsch_als_zweitsprache", "weitere",
]  # fmt: skip
CardNumber = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./_-]{2,38}[A-Za-z0-9]$")]
MINUTES_MAX: Final = 1_000_000
DAYS_MAX: Final = 10_000
EXAMPLE: Final[dict[str, Any]] = {
    "child": {"key": "A", "family_name": "Müller", "given_names": "Sören", "date_of_birth": "2017-04-02"},
    "entitlement": {"key": "A-lunch", "benefit": "lunch", "number": None, "information_allowed": True},
    "grant": {
        "key": "A-lunch-2026",
        "legal_basis": "sgb2",
        "valid_from": "2026-09-01",
        "valid_to": "2027-08-31",
        "applied_on": None,
        "status": "active",
        "attends": "school",
        "facility": "s1",
        "provider": None,
        "budget": {"kind": "unlimited"},
        "tutoring": None,
        "revocation": None,
    },
}


class ChildIn(StrictModel):
    """Leistungsberechtigte Person."""

    key: Key = Field(description="Schlüssel des Kindes im Fachverfahren")
    family_name: Line = Field(description="Familienname")
    given_names: Line = Field(description="Vornamen")
    date_of_birth: Day = Field(description="Geburtsdatum")


class EntitlementIn(StrictModel):
    """Berechtigung: ein Kind, eine Leistungsart."""

    key: Key = Field(description="Schlüssel der Berechtigung")
    benefit: Benefit = Field(description="Leistungsart")
    number: CardNumber | None = Field(None, description="Nummer einer vorhandenen Karte; leer = das Gateway vergibt eine")
    information_allowed: Flag = Field(description="Ob Anbieter auf Anfrage eine Auskunft erhalten dürfen (Einwilligung der Familie)")


class UnlimitedBudget(StrictModel):
    """Ohne Obergrenze."""

    kind: Literal["unlimited"]


class MinutesBudget(StrictModel):
    """Kontingent in Minuten (Lernförderung)."""

    kind: Literal["minutes"]
    minutes: Whole = Field(ge=0, le=MINUTES_MAX)


class DaysBudget(StrictModel):
    """Kontingent in Tagen (Mittagsverpflegung)."""

    kind: Literal["days"]
    days: Whole = Field(ge=0, le=DAYS_MAX)


class AmountBudget(StrictModel):
    """Budget in Euro."""

    kind: Literal["amount"]
    amount: Cents = Field(ge=0)


class TutoringIn(StrictModel):
    """Bedingungen einer Lernförderung."""

    subjects: list[Subject] = Field(max_length=20, description="Bestätigte Fächer; leer = alle")
    form: Literal["individual", "group", "any"] = Field(description="Einzel- oder Gruppenunterricht")


class RevocationIn(StrictModel):
    """Aufhebung einer Bewilligung."""

    effective_from: Day = Field(description="Tag, ab dem die Aufhebung wirkt")
    notified_on: Day | None = Field(None, description="Tag, an dem die Anbieter unterrichtet wurden; leer = noch nicht")


class GrantIn(StrictModel):
    """Bewilligung."""

    key: Key = Field(description="Schlüssel der Bewilligung")
    legal_basis: Basis = Field(description="Rechtskreis")
    valid_from: Day = Field(description="Erster Tag")
    valid_to: Day = Field(description="Letzter Tag")
    applied_on: Day | None = Field(None, description="Tag des gesonderten Antrags (Lernförderung)")
    status: Literal["active", "provisional", "disputed"] = Field(
        "active", description="bewilligt, vorläufig (zahlt) oder strittig (Klärfall)"
    )
    attends: Literal["school", "daycare", "childminder"] | None = Field(None, description="Besucht Schule, Kita oder Kindertagespflege")
    facility: Key | None = Field(None, description="Einrichtung")
    provider: Key | None = Field(None, description="Anbieter, wenn der Bescheid einen nennt")
    budget: Annotated[UnlimitedBudget | MinutesBudget | DaysBudget | AmountBudget, Field(discriminator="kind")] | None = Field(
        None, description="Kontingent oder Budget; leer = ohne Obergrenze, bei Teilhabe nach Gesetz und Ansparmodus"
    )
    tutoring: TutoringIn | None = Field(None, description="Nur Lernförderung")
    revocation: RevocationIn | None = Field(None, description="Aufhebung")

    @property
    def basis(self) -> LegalBasis:
        """The legal basis as law knows it."""
        return LegalBasis(self.legal_basis)


class RowIn(StrictModel):
    """Eine Zeile: Kind, Berechtigung und Bewilligung."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    child: ChildIn
    entitlement: EntitlementIn
    grant: GrantIn


def read_row(value: object) -> RowIn | list[Fault]:
    """The row, or all faults of its form with pointers relative to the row. Never echoes what was sent."""
    try:
        return RowIn.model_validate(value)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        return list(problem_of(found, value).faults)

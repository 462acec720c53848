"""What staff sees of an entitlement."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from but_gateway.kit.money import print_money
from but_gateway.registers.entitlements.register_store import Registered
from but_gateway.registers.entitlements.schemas import EXAMPLE, Basis, Benefit
from but_gateway.web.body import AnswerModel, Day


class ChildOut(AnswerModel):
    """Leistungsberechtigte Person."""

    key: str
    family_name: str
    given_names: str
    date_of_birth: str


class RevocationOut(AnswerModel):
    """Aufhebung."""

    effective_from: Day
    notified_on: Day | None


class TutoringOut(AnswerModel):
    """Bedingungen einer Lernförderung."""

    subjects: list[str]
    form: str


class VersionOut(AnswerModel):
    """Eine Fassung der Bewilligung, wie sie ab ihrer Aufnahme bekannt war."""

    version: int
    recorded_at: datetime
    legal_basis: Basis
    valid_from: Day
    valid_to: Day
    applied_on: Day | None
    status: str
    attends: str | None
    facility: str | None
    provider: str | None
    budget: dict[str, Any] = Field(description="Wie eingeliefert; `saving` = Teilhabe nach Gesetz und Ansparmodus, mit dem Gesamtbetrag")
    tutoring: TutoringOut | None
    revocation: RevocationOut | None
    flags: list[str] = Field(description="Hinweise bei der Einlieferung (E-03, E-11, E-12)")


class GrantOut(AnswerModel):
    """Eine Bewilligung: Verbrauch und alle Fassungen, die jüngste zuletzt."""

    key: str
    current_version: int
    used: int = Field(description="Verbraucht, in der Einheit des Budgets (Minuten, Tage, Cent)")
    reserved: int = Field(description="Vorgemerkt für Klärfälle, in derselben Einheit")
    versions: list[VersionOut]


class EntitlementOut(AnswerModel):
    """Eine Berechtigung mit ihren Bewilligungen."""

    key: str
    benefit: Benefit
    information_allowed: bool
    entitlement_number: str | None
    child: ChildOut
    grants: list[GrantOut]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "key": "A-lunch",
                    "benefit": "lunch",
                    "information_allowed": True,
                    "entitlement_number": "7K3M-9QXT-2VAB4",
                    "child": EXAMPLE["child"],
                    "grants": [],
                }
            ]
        }
    )


class EntitlementsOut(AnswerModel):
    """Berechtigungen der Kommune."""

    items: list[EntitlementOut]
    next_cursor: str | None


def entitlement_out(record: Registered) -> EntitlementOut:
    """The answer for an entitlement."""
    grants: dict[str, GrantOut] = {}
    for row in record.versions:
        grant = grants.get(row["key"])
        if grant is None:
            grant = GrantOut(
                key=row["key"], current_version=row["current_version"], used=row["used"], reserved=row["reserved"], versions=[]
            )
            grants[row["key"]] = grant
        grant.versions.append(_version(row))
    return EntitlementOut.model_validate(
        {
            "key": record.key,
            "benefit": record.benefit,
            "information_allowed": record.information_allowed,
            "entitlement_number": record.number,
            "child": record.child,
            "grants": list(grants.values()),
        }
    )


_PLAIN = (
    "version", "recorded_at", "legal_basis", "valid_from", "valid_to", "applied_on", "status", "attends", "facility", "provider", "flags",
)  # fmt: skip


def _version(row: Mapping[str, Any]) -> VersionOut:
    revocation = {"effective_from": row["revoked_from"], "notified_on": row["notified_on"]} if row["revoked_from"] else None
    tutoring = {"subjects": row["subjects"], "form": row["tutoring_form"]} if row["tutoring_form"] else None
    budget = _budget(row["budget_kind"], row["budget_limit"])
    return VersionOut.model_validate(
        {name: row[name] for name in _PLAIN} | {"budget": budget, "tutoring": tutoring, "revocation": revocation}
    )


def _budget(kind: Literal["unlimited", "minutes", "days", "amount", "saving"], limit: int | None) -> dict[str, Any]:
    if limit is None:
        return {"kind": kind}
    return {"kind": kind, **({kind: limit} if kind in ("minutes", "days") else {"amount": print_money(limit)})}

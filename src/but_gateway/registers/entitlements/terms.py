"""What one version of a grant says, worked out from an import row; what the rules of import say of it (E-03, E-11, E-12)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from but_gateway.kit.period import DayRange, Month
from but_gateway.law.parameters import FIRST_DAY, law_at, turning_days
from but_gateway.registers.entitlements.schemas import AmountBudget, DaysBudget, GrantIn, MinutesBudget, RowIn
from but_gateway.rules.savings import savings_of
from but_gateway.web.problems import Fault, Text

TUTORING: Final = "tutoring"
PARTICIPATION: Final = "participation"
SAVING: Final = "saving"  # budget kind: participation from law by the town's saving mode
PERIOD_DAYS_MAX: Final = 3660

FLAG_TEXTS: Final = {
    "E-03": Text(
        "Eine Bewilligung nach dem BKGG umfasst ganze Monate (§ 5 (1) BKGG). Wir zählen sie vom Ersten bis zum Monatsende. Bitte prüfen.",
        "A BKGG grant covers whole months (§ 5 (1) BKGG). We count from the first to the last day of its months. Please check.",
    ),
    "E-11": Text(
        "Für Lernförderung in diesem Zeitraum ist ein gesonderter Antrag nötig (§ 37 (1) S. 2 SGB II); das Antragsdatum fehlt. "
        "Leistungen gehen in die Klärung.",
        "Tutoring in this period needs an application of its own (§ 37 (1) S. 2 SGB II); its date is missing. Services go to review.",
    ),
    "E-12": Text(
        "Die Bewilligung beginnt vor dem gesonderten Antrag (§ 37 (2) S. 1 SGB II). Leistungen gehen in die Klärung.",
        "The grant begins before its own application (§ 37 (2) S. 1 SGB II). Services go to review.",
    ),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """A grant version without its number. Days are closed ranges; ``limit`` in minutes, days or cents, None = unlimited."""

    legal_basis: str
    valid_from: date
    valid_to: date
    applied_on: date | None
    status: str
    attends: str | None
    facility_id: UUID | None
    provider_id: UUID | None
    budget_kind: str
    limit: int | None
    subjects: tuple[str, ...]
    tutoring_form: str | None
    revoked_from: date | None
    notified_on: date | None
    flags: tuple[str, ...]


def terms_of(row: RowIn, facility_id: UUID | None, provider_id: UUID | None) -> Terms:
    """The terms of a row without semantic faults (``faults_of``). A bkgg grant is widened to whole months (E-03)."""
    grant = row.grant
    days, widened = _days(grant)
    kind, limit = _budget(row, days)
    tutoring = grant.tutoring if row.entitlement.benefit == TUTORING else None
    flags = (("E-03",) if widened else ()) + (_application_flags(grant, days) if row.entitlement.benefit == TUTORING else ())
    return Terms(
        legal_basis=grant.legal_basis,
        valid_from=days.first,
        valid_to=days.last,
        applied_on=grant.applied_on,
        status=grant.status,
        attends=grant.attends,
        facility_id=facility_id,
        provider_id=provider_id,
        budget_kind=kind,
        limit=limit,
        subjects=tuple(sorted(set(tutoring.subjects))) if tutoring else (),
        tutoring_form=tutoring.form if tutoring else None,
        revoked_from=grant.revocation.effective_from if grant.revocation else None,
        notified_on=grant.revocation.notified_on if grant.revocation else None,
        flags=flags,
    )


def faults_of(row: RowIn, today: date) -> list[Fault]:
    """What is wrong with a row by itself: days in the wrong order, before the law began, budgets that do not fit the benefit."""
    return list(_faults(row, today))


def _faults(row: RowIn, today: date) -> Iterator[Fault]:
    grant, benefit = row.grant, row.entitlement.benefit
    if row.child.date_of_birth > today:
        yield Fault(
            "/child/date_of_birth", "in_future", Text("Das Geburtsdatum liegt in der Zukunft.", "The date of birth lies in the future.")
        )
    if grant.valid_to < grant.valid_from:
        text = Text("Der letzte Tag liegt vor dem ersten.", "The last day lies before the first.")
        yield Fault("/grant/valid_to", "before_valid_from", text)
    elif (grant.valid_to - grant.valid_from).days > PERIOD_DAYS_MAX:
        yield Fault("/grant/valid_to", "too_long", Text("Der Zeitraum ist länger als zehn Jahre.", "The period is longer than ten years."))
    if grant.valid_from < FIRST_DAY:
        text = Text("Vor dem 01.01.2011 ist kein Recht geladen.", "No law is loaded before 2011-01-01.")
        yield Fault("/grant/valid_from", "law_not_loaded", text)
    if isinstance(grant.budget, MinutesBudget) and benefit != TUTORING:
        text = Text("Minuten gibt es nur bei Lernförderung.", "Minutes exist for tutoring only.")
        yield Fault("/grant/budget/kind", "wrong_budget_kind", text)
    if isinstance(grant.budget, DaysBudget) and benefit != "lunch":
        text = Text("Tage gibt es nur bei der Mittagsverpflegung.", "Days exist for lunch only.")
        yield Fault("/grant/budget/kind", "wrong_budget_kind", text)
    if grant.tutoring is not None and benefit != TUTORING:
        text = Text("Dieses Feld gibt es nur bei Lernförderung.", "This field exists for tutoring only.")
        yield Fault("/grant/tutoring", "not_tutoring", text)


def _days(grant: GrantIn) -> tuple[DayRange, bool]:
    days = DayRange(grant.valid_from, grant.valid_to)
    if grant.legal_basis != "bkgg" or not law_at(grant.valid_from).bkgg_whole_months:
        return days, False
    months = DayRange(Month.of(days.first).first, Month.of(days.last).last)
    return months, months != days


def _budget(row: RowIn, days: DayRange) -> tuple[str, int | None]:
    match row.grant.budget:
        case MinutesBudget(minutes=minutes):
            return "minutes", minutes
        case DaysBudget(days=count):
            return "days", count
        case AmountBudget(amount=amount):
            return "amount", amount
        case None if row.entitlement.benefit == PARTICIPATION:
            last = last_day_before_age(row.child.date_of_birth, law_at(days.first).participation_age_limit_years)
            return SAVING, 0 if last < days.first else savings_of("period_total", days, days.first, days.last, last).limit
        case _:
            return "unlimited", None


def _application_flags(grant: GrantIn, days: DayRange) -> tuple[str, ...]:
    """E-11: no date of the application although one is needed; E-12: the grant begins before it."""
    if grant.applied_on is None:
        return ("E-11",) if _application_needed(grant, days) else ()
    before = grant.applied_on - timedelta(days=1)
    if days.first > before:
        return ()
    return ("E-12",) if _application_needed(grant, DayRange(days.first, min(before, days.last))) else ()


def _application_needed(grant: GrantIn, days: DayRange) -> bool:
    turns = [day for day in turning_days() if days.first < day <= days.last]
    return any(law_at(day).needs_separate_application(TUTORING, grant.basis) for day in (days.first, *turns))


def last_day_before_age(born: date, years: int) -> date:
    """The last day before a birthday (§§ 187 (2), 188 (2) BGB); somebody born on 29 February has it on 1 March of a common year."""
    try:
        birthday = born.replace(year=born.year + years)
    except ValueError:
        birthday = date(born.year + years, 3, 1)
    return birthday - timedelta(days=1)

"""M: lunch by the month, as a flat rate (Pauschale) or as a count of meals."""

from datetime import date
from typing import Final

from but_gateway.kit.money import divide_half_up
from but_gateway.kit.period import Month
from but_gateway.rules.context import LUNCH, Context
from but_gateway.rules.examples import COUNTED_MONTH, FLAT_MONTH, OCTOBER, fires, passes
from but_gateway.rules.facts import Form
from but_gateway.rules.rule import NOTE, REDUCE, REVIEW, reduction, rule
from but_gateway.rules.verdict import Effect, Finding

_LUNCH: Final = (LUNCH,)
_MONTH: Final = (Form.MONTH,)
# § 41 (1) SGB II counts a month as 30 days.
MONTH_DAYS: Final = 30


@rule(
    "M-09",
    effect=NOTE,
    condition="Monatspauschale: der Monat ist bewilligt, das Kind kam wenigstens einmal, die Fehltage bleiben unter der Schwelle.",
    basis="§ 29 (1) S. 4 SGB II",
    benefits=_LUNCH,
    forms=_MONTH,
    examples=(
        fires("Das Kind kam an 12 von 21 Tagen.", FLAT_MONTH),
        fires(
            "Die Fehltage bleiben unter der Schwelle.",
            FLAT_MONTH,
            situation={"absence_days_run": 4},
            agreement={"absence_threshold_days": 5},
        ),
        passes(
            "Die Fehltage erreichen die Schwelle.", FLAT_MONTH, situation={"absence_days_run": 5}, agreement={"absence_threshold_days": 5}
        ),
        passes("9 von 21 Tagen fehlte es, die Schwelle sind 9.", FLAT_MONTH, agreement={"absence_threshold_days": 9}),
        fires("9 von 21 Tagen fehlte es, die Schwelle sind 10.", FLAT_MONTH, agreement={"absence_threshold_days": 10}),
        passes("Das Kind kam nie.", FLAT_MONTH, claim={"attended_days": 0}),
        passes("Nur ein Teil des Monats ist bewilligt.", FLAT_MONTH, grant={"valid_to": date(2026, 10, 15)}),
        passes("Keine Bewilligung.", FLAT_MONTH, facts={"grants": ()}),
        passes("Gezählte Essen sind keine Pauschale.", COUNTED_MONTH),
    ),
)
def flat_month_in_order(c: Context) -> Finding | None:
    """A flat month that is paid whole."""
    if not c.flat or c.grant is None or len(c.covered_days) != len(c.month_days) or not _took_part(c):
        return None
    return Finding("M-09", Effect.NOTE)


@rule(
    "M-10",
    effect=REDUCE,
    condition="Monatspauschale: nur ein Teil des Monats ist bewilligt. Gezahlt wird anteilig nach Öffnungstagen oder nach Dreißigsteln.",
    basis="Einstellung der Kommune; entsprechend § 41 (1) SGB II",
    benefits=_LUNCH,
    forms=_MONTH,
    examples=(
        fires("Bewilligt bis 15. Oktober: 10 von 21 Öffnungstagen.", FLAT_MONTH, grant={"valid_to": date(2026, 10, 15)}),
        fires(
            "Dieselbe Bewilligung nach Dreißigsteln: 15 von 30.",
            FLAT_MONTH,
            grant={"valid_to": date(2026, 10, 15)},
            town={"flat_proration": "calendar_30ths"},
        ),
        passes("Der ganze Monat ist bewilligt.", FLAT_MONTH),
        passes("Der ganze Monat, gerechnet nach Dreißigsteln.", FLAT_MONTH, town={"flat_proration": "calendar_30ths"}),
        passes(
            "30 von 31 Tagen sind nach Dreißigsteln ein ganzer Monat.",
            FLAT_MONTH,
            grant={"valid_from": date(2026, 10, 2)},
            town={"flat_proration": "calendar_30ths"},
        ),
        passes("Nichts ist bewilligt (E-01).", FLAT_MONTH, grant={"valid_to": date(2026, 9, 30)}),
        passes("Gezählte Essen (M-18).", COUNTED_MONTH, grant={"valid_to": date(2026, 10, 15)}),
    ),
)
def part_of_month(c: Context) -> Finding | None:
    """Covered opening days by all opening days of the month, or covered calendar days (at most 30) by 30, half cents up."""
    if not c.flat or c.grant is None:
        return None
    covered, total = len(c.covered_days), len(c.month_days)
    if c.town.flat_proration == "calendar_30ths":
        days = tuple(Month.of(c.day).days)
        covered, total = sum(any(c.covers(index, day) for index in c.bearing) for day in days), MONTH_DAYS
        covered = total if covered == len(days) else min(covered, total)
    if covered >= total:
        return None
    values = {"covered_days": str(covered), "open_days": str(total)}
    return reduction(c, "M-10", divide_half_up(c.left * covered, total), values)


@rule(
    "M-11",
    effect=REVIEW,
    condition="Monatspauschale: das Kind kam im ganzen Monat nicht, oder die Fehltage erreichen die vereinbarte Schwelle.",
    basis="„bei Teilnahme“, § 28 (6) SGB II; Vereinbarung",
    benefits=_LUNCH,
    forms=_MONTH,
    examples=(
        fires("Das Kind kam nie.", FLAT_MONTH, claim={"attended_days": 0}),
        fires("Die Teilnahme ist nicht angegeben.", FLAT_MONTH, claim={"attended_days": None}),
        fires(
            "Die Fehltage erreichen die Schwelle.", FLAT_MONTH, situation={"absence_days_run": 5}, agreement={"absence_threshold_days": 5}
        ),
        fires("9 von 21 Tagen fehlte es, die Schwelle sind 9.", FLAT_MONTH, agreement={"absence_threshold_days": 9}),
        passes("9 von 21 Tagen fehlte es, die Schwelle sind 10.", FLAT_MONTH, agreement={"absence_threshold_days": 10}),
        passes("Das Kind kam einmal.", FLAT_MONTH, claim={"attended_days": 1}),
        passes("Gezählte Essen sind keine Pauschale.", COUNTED_MONTH),
    ),
)
def no_participation(c: Context) -> Finding | None:
    """A flat rate presumes participation; a person decides where there was none or too little."""
    if not c.flat or _took_part(c):
        return None
    return Finding("M-11", Effect.REVIEW, {"month": str(Month.of(c.day))})


@rule(
    "M-18",
    effect=REDUCE,
    condition="Monatszählung: mehr Essen als bewilligte Öffnungstage des Monats.",
    basis="§ 28 (6) S. 3 SGB II",
    benefits=_LUNCH,
    forms=_MONTH,
    examples=(
        fires("22 Essen an 21 Öffnungstagen.", COUNTED_MONTH, situation={"quantity": 22, "claimed": 9900}),
        fires("20 Essen, bewilligt sind 10 Öffnungstage.", COUNTED_MONTH, grant={"valid_to": date(2026, 10, 15)}),
        fires("Die Einrichtung hatte den ganzen Monat geschlossen.", COUNTED_MONTH, situation={"open_days": ()}),
        passes("21 Essen an 21 Öffnungstagen.", COUNTED_MONTH, situation={"quantity": len(OCTOBER), "claimed": 450 * len(OCTOBER)}),
        passes("Nichts ist bewilligt (E-01).", COUNTED_MONTH, grant={"valid_to": date(2026, 9, 30)}),
        passes("Eine Pauschale zählt nicht.", FLAT_MONTH, situation={"quantity": 22}),
    ),
)
def more_than_open(c: Context) -> Finding | None:
    """What is left × covered opening days / meals billed, half cents up. Without opening days nothing is payable."""
    if c.flat or c.grant is None:
        return None
    billed = c.situation.quantity
    days = len(c.covered_days) if c.situation.open_days else 0
    if billed <= days:
        return None
    return reduction(c, "M-18", divide_half_up(c.left * days, billed), {"billed": str(billed), "open_days": str(days)})


def _took_part(c: Context) -> bool:
    """At least one day attended and, where a threshold is agreed, fewer absent days: their longest run where it is known, else all."""
    attended, threshold = c.claim.attended_days or 0, c.agreement.absence_threshold_days
    if threshold is not None:
        run = c.situation.absence_days_run
        if (len(c.covered_days) - attended if run is None else run) >= threshold:
            return False
    return attended >= 1

"""The catalogue: every rule in its total order, by id, and the rules that are asked about a position."""

from bisect import bisect_right
from datetime import date, timedelta
from functools import cache
from typing import Final

from but_gateway.rules import budget, correction, entitlement, header, identity, lunch, lunch_month, other_benefits, provider, tax, tutoring
from but_gateway.rules.facts import Form
from but_gateway.rules.rule import Check, Rule
from but_gateway.rules.version import RULE_SET

__all__ = ["BY_ID", "CATALOGUE", "CORRECTION_RULES", "ELSEWHERE", "IDENTITY_RULES", "RULE_SET", "checks_for", "turning_days"]

# One of these alone answers a position whose identity fails.
IDENTITY_RULES: Final = (identity.unknown_number, identity.birth_date_not_confirmed, identity.name_differs, identity.number_missing)

# The order in which findings stand and reductions are applied. It is that of the published catalogue, with two exceptions: the
# recorded duration (L-04) comes before the conversion into units (L-03) that goes on from it, and budgets come after all other
# reductions, because they bear only what is really paid.
CATALOGUE: Final[tuple[Rule, ...]] = (
    header.in_the_future,
    header.late,
    header.bank_details_differ,
    header.invalid_amount,
    header.law_not_loaded,
    *IDENTITY_RULES,
    entitlement.outside_period,
    entitlement.no_grant,
    entitlement.not_whole_months,
    entitlement.too_old,
    entitlement.double_grant,
    entitlement.revoked,
    entitlement.protected,
    entitlement.disputed,
    entitlement.flagged_import,
    entitlement.maybe_barred,
    entitlement.paid_by_family,
    provider.no_agreement,
    provider.suspended,
    provider.other_provider,
    provider.over_agreed_price,
    provider.under_agreed_price,
    provider.over_ceiling,
    provider.relative,
    provider.not_agreed,
    lunch.billed_before,
    lunch.other_attributed,
    lunch.contested,
    lunch.one_portion,
    lunch.closed_day,
    lunch.holiday_care,
    lunch.not_attended,
    lunch.late_cancellation,
    lunch_month.flat_month_in_order,
    lunch_month.part_of_month,
    lunch_month.no_participation,
    lunch.other_meal,
    lunch.separate_drink,
    lunch.own_share,
    lunch.no_cooperation,
    lunch.other_facility,
    lunch_month.more_than_open,
    tutoring.wrong_subject,
    tutoring.over_recorded,
    tutoring.over_duration,
    tutoring.group_granted,
    tutoring.group_too_large,
    tutoring.lesson_missed,
    tutoring.cancellation_fee,
    tutoring.overlapping_time,
    tutoring.tutor_overlap,
    tutoring.many_units,
    tutoring.on_sunday,
    tutoring.proof_missing,
    other_benefits.billed_twice,
    other_benefits.cash_only,
    other_benefits.of_age,
    other_benefits.unlisted_activity,
    other_benefits.equipment,
    other_benefits.pocket_money,
    budget.minutes_used_up,
    budget.savings_used_up,
    budget.budget_used_up,
    budget.number_replaced,
    tax.rate_differs,
    tax.small_business_shows_tax,
    tax.exemption_unnamed,
    correction.more_than_approved,
)
BY_ID: Final = {one.id: one for one in CATALOGUE}
CORRECTION_RULES: Final = (header.invalid_amount, correction.more_than_approved)
_OWN_PATH: Final = frozenset(one.id for one in (*IDENTITY_RULES, provider.no_agreement, correction.more_than_approved))

# Ids of the published catalogue that decide no position of themselves, and where they live (German, for staff).
ELSEWHERE: Final = {
    "H-01": "weist die ganze Rechnung ab: die Nummer ist vergeben",
    "H-02": "weist die ganze Rechnung ab: eine Pflichtangabe fehlt",
    "H-03": "weist die ganze Rechnung ab: Summen stimmen nicht",
    "H-05": "weist die ganze Rechnung ab: der Zeitraum ist zu kurz",
    "I-03": "der Name stimmt: kein Befund",
    "E-05": "ohne Altersgrenze: kein Befund",
    "E-10": "andere Kommune zuständig: derselbe Befund wie E-01",
    "E-11": "beanstandet das Einlesen der Bewilligung",
    "P-02": "weist die ganze Rechnung ab: die Verpflichtungserklärung fehlt",
    "M-17": "nicht in dieser Fassung: die Angabe fehlt",
    "L-13": "Unterricht in den Ferien: kein Befund",
    "L-15": "nicht in dieser Fassung: die Angabe fehlt",
    "L-16": "nicht in dieser Fassung: die Angabe fehlt",
    "L-17": "nicht in dieser Fassung: die Angabe fehlt",
    "X-07": "nicht in dieser Fassung: die Angabe fehlt",
    "X-08": "nicht in dieser Fassung: die Angabe fehlt",
    "B-02": "gleichzeitige Zeilen: eine nach der anderen, unter der Sperre des Kindes",
    "B-03": "abgelehnte und stornierte Zeilen geben ihr Budget frei",
    "S-01": "Storno vor der Abrechnung: die Positionen sind storniert",
    "S-02": "Berichtigung nach der Zahlung: Verrechnung mit der nächsten",
    "S-04": "Neue Rechnung nach Storno: wird ganz normal entschieden",
    "S-05": "Vier-Augen-Prinzip bei Feststellung und Anordnung",
    "S-06": "Ein Lauf trennt nach Rechtskreis, Leistung und Haushaltsjahr",
    "S-07": "Der Verwendungszweck nennt nur die Referenz",
    "S-08": "Aufhebung nach der Zahlung: keine Rückforderung beim Anbieter",
    "S-09": "Gebucht wird nach dem Tag der Zahlung",
    "S-10": "Hinweis, wenn das Zahlungsziel gefährdet ist",
}


def turning_days() -> tuple[date, ...]:
    """The days on which the set of rules in force changes, in order."""
    days = {one.since for one in CATALOGUE if one.since is not None}
    days |= {one.until + timedelta(days=1) for one in CATALOGUE if one.until is not None}
    return tuple(sorted(days))


_TURNING_DAYS: Final = turning_days()


def checks_for(benefit: str, form: Form, day: date) -> tuple[Check, ...]:
    """The checks of all rules asked about a position of a confirmed child with an agreement, in catalogue order."""
    return _checks(benefit, form, bisect_right(_TURNING_DAYS, day))


@cache
def _checks(benefit: str, form: Form, epoch: int) -> tuple[Check, ...]:
    day = _TURNING_DAYS[epoch - 1] if epoch else date.min
    return tuple(one.check for one in CATALOGUE if one.id not in _OWN_PATH and one.applies(benefit, form, day))

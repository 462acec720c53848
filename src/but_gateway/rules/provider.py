"""P: the provider, the agreement, prices and agreed items."""

from datetime import date
from typing import Final

from but_gateway.kit.money import print_money
from but_gateway.rules.context import LUNCH, TUTORING, Context
from but_gateway.rules.examples import CLUB_FEE, COUNTED_MONTH, FLAT_MONTH, LESSON, MEAL, fires, on, passes
from but_gateway.rules.facts import DatedPrice, Form
from but_gateway.rules.pricing import FEE, GROUP, INDIVIDUAL, USUAL_ITEMS, price_of_minutes, price_on, terms_of
from but_gateway.rules.rule import NOTE, REDUCE, REJECT, REVIEW, reduction, rule
from but_gateway.rules.verdict import Effect, Finding

# Items about which another rule of the benefit speaks: it says more than "not agreed".
_SPOKEN_FOR: Final = {
    LUNCH: frozenset({"drink", "breakfast", "snack"}),
    "participation": frozenset({"equipment"}),
    "day_trip": frozenset({"pocket_money"}),
    "class_trip": frozenset({"pocket_money"}),
}
_CAP_400: Final = {"lunch_price_ceilings": (DatedPrice(LUNCH, date(2026, 1, 1), 400),)}


@rule(
    "P-01",
    effect=REJECT,
    condition="Für Leistungsart und Einrichtung gibt es am Leistungstag keine Vereinbarung.",
    basis="Vereinbarung mit der Kommune, § 29 (1) SGB II",
    examples=(
        fires("Die Vereinbarung ist abgelaufen.", MEAL, facts={"agreement": None}),
        passes("Die Vereinbarung gilt.", MEAL),
    ),
)
def no_agreement(c: Context) -> Finding | None:
    """The one finding of such a position: nothing is said about the grant."""
    return Finding("P-01", Effect.REJECT, {"day": c.day.isoformat()}) if c.facts.agreement is None else None


@rule(
    "P-03",
    effect=REVIEW,
    condition="Der Anbieter ist gesperrt: was ab dem Tag der Sperre eingeht, wird geprüft.",
    basis="LSG NRW, L 7 AS 1956/17 B ER",
    examples=(
        fires("Der Anbieter ist ohne Datum gesperrt.", MEAL, provider={"status": "suspended"}),
        fires("Die Sperre gilt seit dem Tag des Eingangs.", MEAL, provider={"status": "suspended", "suspended_from": date(2026, 11, 2)}),
        passes("Die Sperre beginnt erst später.", MEAL, provider={"status": "suspended", "suspended_from": date(2026, 11, 3)}),
        passes("Der Anbieter ist nicht gesperrt.", MEAL),
    ),
)
def suspended(c: Context) -> Finding | None:
    """All that is received while the provider is suspended, whatever its service day."""
    provider = c.provider
    if provider.status != "suspended":
        return None
    if provider.suspended_from is not None and c.situation.received_on < provider.suspended_from:
        return None
    return Finding("P-03", Effect.REVIEW)


@rule(
    "P-04",
    effect=REJECT,
    condition="Die Bewilligung nennt einen anderen Anbieter.",
    basis="Bewilligungsbescheid",
    examples=(
        fires("Bewilligt ist ein anderer Anbieter.", MEAL, grant={"provider_named": True}),
        passes("Bewilligt ist dieser Anbieter.", MEAL, grant={"provider_named": True, "provider_is_this": True}),
        passes("Die Bewilligung nennt niemanden.", MEAL),
    ),
)
def other_provider(c: Context) -> Finding | None:
    """Grants that fit are chosen first (E-06), so none of them names this provider."""
    grant = c.grant
    if grant is None or not grant.provider_named or grant.provider_is_this:
        return None
    return Finding("P-04", Effect.REJECT)


@rule(
    "P-05",
    effect=REDUCE,
    condition="Der Preis je Einheit ist höher als am Leistungstag vereinbart.",
    basis="Vereinbarung; angemessene Aufwendungen, § 28 SGB II",
    examples=(
        fires("4,50 € am 14. September, vereinbart sind bis dahin 4,20 €.", MEAL, situation=on(date(2026, 9, 14))),
        fires("24,00 € je Einheit statt 22,50 €.", LESSON, situation={"claimed": 4800}, claim={"unit_price": 2400}),
        fires("Ein pauschaler Monat doppelt berechnet.", FLAT_MONTH, situation={"quantity": 2, "claimed": 12000}),
        passes("Der vereinbarte Preis.", MEAL),
        passes("Ein günstigerer Preis.", MEAL, situation={"claimed": 420}, claim={"unit_price": 420}),
        passes("Ohne Preisliste gelten die tatsächlichen Kosten.", CLUB_FEE),
    ),
)
def over_agreed_price(c: Context) -> Finding | None:
    """Compares unit prices; a flat month's whole claim with the flat rate. A lesson is paid for the billed minutes at the agreed price."""
    agreed = c.agreed
    if agreed is None:
        return None
    billed = c.claim.unit_price
    if c.flat:
        billed = max(billed, c.situation.claimed)
    if billed <= agreed:
        return None
    lesson = c.claim.lesson
    if lesson is not None:
        payable = price_of_minutes(lesson.minutes, agreed, terms_of(c.agreement).unit_minutes)
    else:
        payable = agreed if c.flat else agreed * c.situation.quantity
    return reduction(c, "P-05", payable, {"agreed": print_money(agreed), "billed": print_money(billed)})


@rule(
    "P-06",
    effect=NOTE,
    condition="Der Preis je Einheit ist niedriger als vereinbart: gezahlt wird, was berechnet ist.",
    basis="tatsächliche Aufwendungen, § 28 (2), (6) SGB II",
    examples=(
        fires("4,20 € statt vereinbarter 4,50 €.", MEAL, situation={"claimed": 420}, claim={"unit_price": 420}),
        passes("Der vereinbarte Preis.", MEAL),
        passes(
            "Ein Ausfallentgelt ist kein günstiger Unterricht.",
            LESSON,
            situation={"claimed": 1125},
            claim={"unit_price": 1125, "attended": False},
        ),
    ),
)
def under_agreed_price(c: Context) -> Finding | None:
    """Actual cost."""
    agreed = c.agreed
    billed = c.claim.unit_price
    if agreed is None or billed >= agreed or not c.claim.attended:
        return None
    return Finding("P-06", Effect.NOTE, {"agreed": print_money(agreed), "billed": print_money(billed)})


@rule(
    "P-07",
    effect=REDUCE,
    condition="Der Preis je Essen liegt über dem Höchstbetrag der Kommune.",
    basis="Einstellung der Kommune",
    benefits=(LUNCH,),
    examples=(
        fires("4,50 € bei einem Höchstbetrag von 4,00 €.", MEAL, town=_CAP_400),
        fires("Gezählte Essen eines Monats.", COUNTED_MONTH, town=_CAP_400),
        passes("Der Höchstbetrag gilt erst später.", MEAL, town={"lunch_price_ceilings": (DatedPrice(LUNCH, date(2026, 10, 6), 400),)}),
        passes("Der Preis liegt nicht darüber.", MEAL, town=_CAP_400, situation={"claimed": 400}, claim={"unit_price": 400}),
        passes("Eine Monatspauschale ist kein Preis je Essen.", FLAT_MONTH, town=_CAP_400),
        passes("Es gibt keinen Höchstbetrag.", MEAL),
    ),
)
def over_ceiling(c: Context) -> Finding | None:
    """The municipal ceiling is a price per meal; it does not bound flat rates."""
    ceilings = c.town.lunch_price_ceilings
    if not ceilings or c.flat:
        return None
    ceiling = price_on(ceilings, c.item, c.day)
    if ceiling is None or c.claim.unit_price <= ceiling:
        return None
    return reduction(c, "P-07", ceiling * c.situation.quantity, {"ceiling": print_money(ceiling)})


@rule(
    "P-08",
    effect=REJECT,
    condition="Unterrichtet hat jemand aus der Familie des Kindes.",
    basis="Einstellung der Kommune",
    benefits=(TUTORING,),
    examples=(
        fires("Die Tante unterrichtet.", LESSON, claim={"relative": True}),
        passes("Die Kommune lässt Angehörige zu.", LESSON, claim={"relative": True}, town={"relatives_excluded": False}),
        passes("Niemand aus der Familie unterrichtet.", LESSON),
    ),
)
def relative(c: Context) -> Finding | None:
    """Tutoring by relatives, where the town excludes it."""
    return Finding("P-08", Effect.REJECT) if c.claim.relative and c.town.relatives_excluded else None


@rule(
    "P-09",
    effect=REJECT,
    condition="Die Position ist nicht vereinbart: weder ihr Gegenstand noch diese Art der Abrechnung.",
    basis="Vereinbarung",
    examples=(
        fires("Arbeitsmaterial zur Lernförderung.", LESSON, claim={"item": "material", "lesson": None}),
        fires("Einzelne Essen, vereinbart ist eine Monatspauschale.", MEAL, agreement={"mode": "flat"}),
        fires("Eine Monatszählung, vereinbart sind Tage.", COUNTED_MONTH, agreement={"evidence": "dates"}),
        fires("Ein Essen über mehrere Tage.", MEAL, claim={"form": Form.RANGE}),
        fires("Unterricht als Monat.", LESSON, claim={"form": Form.MONTH}),
        fires("Für den Gegenstand gilt noch kein Preis.", MEAL, situation=on(date(2025, 12, 31))),
        fires("Zum Beitrag kommt Material, tatsächliche Kosten sind nur für den Beitrag vereinbart.", CLUB_FEE, claim={"item": "material"}),
        fires(
            "Bewilligt ist die Gruppe, vereinbart nur Einzelunterricht.",
            LESSON,
            grant={"tutoring_form": "group"},
            agreement={"prices": (DatedPrice(INDIVIDUAL, date(2026, 1, 1), 2250),)},
        ),
        passes("Das vereinbarte Mittagessen.", MEAL),
        passes("Der Beitrag zu tatsächlichen Kosten.", CLUB_FEE),
        passes("Über Getränke spricht M-13.", MEAL, claim={"item": "drink"}),
        passes("Bewilligt und vereinbart ist die Gruppe.", LESSON, grant={"tutoring_form": "group"}),
        passes("Eine vereinbarte Monatszählung.", COUNTED_MONTH),
        passes("Eine vereinbarte Pauschale.", FLAT_MONTH),
    ),
)
def not_agreed(c: Context) -> Finding | None:
    """Neither item nor way of charging can be paid under this agreement."""
    benefit = c.claim.benefit
    item = c.item
    if item in _SPOKEN_FOR.get(benefit, ()):
        return None
    if not _form_agreed(c, benefit):
        return Finding("P-09", Effect.REJECT, {"item": item})
    agreed = c.agreed is not None if c.agreement.prices else item in USUAL_ITEMS.get(benefit, FEE)
    if not agreed:
        return Finding("P-09", Effect.REJECT, {"item": item})
    if item == INDIVIDUAL and _only_group_granted(c) and price_on(c.agreement.prices, GROUP, c.day) is None:
        return Finding("P-09", Effect.REJECT, {"item": GROUP})
    return None


def _form_agreed(c: Context, benefit: str) -> bool:
    """Whether lunch is charged as agreed (days, counted month, flat month) and a lesson by its day."""
    form = c.claim.form
    if benefit == LUNCH:
        if c.agreement.mode == "flat":
            return form is Form.MONTH
        return form is Form.DAY or (form is Form.MONTH and c.agreement.evidence == "monthly_count")
    return benefit != TUTORING or form is Form.DAY


def _only_group_granted(c: Context) -> bool:
    return c.claim.lesson is not None and c.grant is not None and c.grant.tutoring_form == GROUP

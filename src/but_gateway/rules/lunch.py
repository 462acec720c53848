"""M: lunch (Mittagsverpflegung). What holds for whole months only stands in lunch_month.py."""

from datetime import date
from typing import Final

from but_gateway.kit.money import divide_half_up, print_money, print_share, share_of
from but_gateway.rules.context import LUNCH, Context, fits_facility
from but_gateway.rules.examples import FLAT_MONTH, MEAL, fires, on, passes
from but_gateway.rules.facts import Closed, DatedPrice, Form, Rival, SlotState
from but_gateway.rules.pricing import price_on
from but_gateway.rules.rule import REDUCE, REJECT, REVIEW, reduction, rule
from but_gateway.rules.verdict import Effect, Finding

_LUNCH: Final = (LUNCH,)
_DAY: Final = (Form.DAY,)
_MISSED: Final = {"attended": False}
_HALF: Final = {"late_cancellation_share": 5000}
_OLD_PRICES: Final = {"prices": (DatedPrice(LUNCH, date(2019, 1, 1), 350),)}
_OLD_GRANT: Final = {"legal_basis": "sgb12_3", "valid_from": date(2019, 1, 1), "valid_to": date(2019, 12, 31)}
_AT_HORT: Final = {"kind": "after_school"}


def _rival(state: SlotState = SlotState.HELD, *, own: bool = False, theirs: bool = False, mine: bool = False) -> dict[str, object]:
    return {"rival": Rival(own, state, attributed=theirs, this_attributed=mine)}


@rule(
    "M-01",
    effect=REJECT,
    condition="Derselbe Anbieter hat für dieses Kind und diesen Tag (oder Monat) schon ein Mittagessen abgerechnet.",
    basis="ein Mittagessen je Tag, § 28 (6) SGB II",
    benefits=_LUNCH,
    examples=(
        fires("Der Tag steht schon auf einer früheren Rechnung.", MEAL, situation=_rival(own=True)),
        fires("Der Tag ist schon bezahlt.", MEAL, situation=_rival(SlotState.SETTLED, own=True)),
        fires("Der Monat ist schon abgerechnet.", FLAT_MONTH, situation=_rival(own=True)),
        passes("Ein anderer Anbieter hat ihn abgerechnet.", MEAL, situation=_rival()),
        passes("Der Tag ist frei.", MEAL),
    ),
)
def billed_before(c: Context) -> Finding | None:
    """The later claim of the same provider for the same slot."""
    rival = c.situation.rival
    if rival is None or not rival.same_provider:
        return None
    return Finding("M-01", Effect.REJECT, {"day": c.day.isoformat()})


@rule(
    "M-02",
    effect=REJECT,
    condition="Ein anderer Anbieter hat den Tag abgerechnet, und die Bewilligung ordnet ihn diesem zu.",
    basis="Bewilligungsbescheid",
    benefits=_LUNCH,
    forms=_DAY,
    examples=(
        fires("Die Bewilligung nennt den anderen.", MEAL, situation=_rival(theirs=True)),
        passes("Die Bewilligung nennt diesen Anbieter.", MEAL, situation=_rival(mine=True)),
        passes("Die Bewilligung nennt beide oder keinen (M-03).", MEAL, situation=_rival(theirs=True, mine=True)),
        passes("Der Tag ist frei.", MEAL),
    ),
)
def other_attributed(c: Context) -> Finding | None:
    """Grant or facility point to the other claim and not to this one."""
    rival = c.situation.rival
    if rival is None or rival.same_provider or not rival.attributed or rival.this_attributed:
        return None
    return Finding("M-02", Effect.REJECT, {"day": c.day.isoformat()})


@rule(
    "M-03",
    effect=REVIEW,
    condition="Zwei Anbieter rechnen dasselbe Mittagessen ab, und nichts entscheidet zwischen ihnen; oder der andere ist schon bezahlt.",
    basis="ein Mittagessen je Tag, § 28 (6) SGB II",
    benefits=_LUNCH,
    examples=(
        fires("Die Bewilligung nennt keinen von beiden.", MEAL, situation=_rival()),
        fires("Die Bewilligung passt zu beiden.", MEAL, situation=_rival(SlotState.CONTESTED, theirs=True, mine=True)),
        fires("Die Bewilligung nennt diesen, doch der andere ist bezahlt.", MEAL, situation=_rival(SlotState.SETTLED, mine=True)),
        fires("Zwei Anbieter rechnen denselben Monat ab.", FLAT_MONTH, situation=_rival(theirs=True)),
        passes("Die Bewilligung nennt diesen Anbieter.", MEAL, situation=_rival(mine=True)),
        passes("Die Bewilligung nennt den anderen (M-02).", MEAL, situation=_rival(theirs=True)),
        passes("Es war derselbe Anbieter (M-01).", MEAL, situation=_rival(own=True)),
    ),
)
def contested(c: Context) -> Finding | None:
    """Nothing attributes the slot to one of two providers. Months are never attributed by rule."""
    rival = c.situation.rival
    if rival is None or rival.same_provider:
        return None
    if not c.month and rival.attributed != rival.this_attributed and not (rival.this_attributed and rival.state is SlotState.SETTLED):
        return None
    return Finding("M-03", Effect.REVIEW, {"day": c.day.isoformat()})


@rule(
    "M-04",
    effect=REDUCE,
    condition="Mehr als eine Portion für ein Kind an einem Tag.",
    basis="ein Mittagessen je Tag, § 28 (6) SGB II",
    benefits=_LUNCH,
    forms=_DAY,
    examples=(
        fires("Zwei Portionen zu 4,50 €.", MEAL, situation={"quantity": 2, "claimed": 900}),
        passes("Eine Portion.", MEAL),
    ),
)
def one_portion(c: Context) -> Finding | None:
    """The price of one: what is left by the number billed, half cents up."""
    quantity = c.situation.quantity
    if quantity <= 1:
        return None
    return reduction(c, "M-04", divide_half_up(c.left, quantity), {"quantity": str(quantity)})


@rule(
    "M-05",
    effect=REJECT,
    condition="Die Einrichtung war an diesem Tag geschlossen: Wochenende, Feiertag, Schulferien oder Schließtag.",
    basis="§ 28 (6) S. 3 SGB II",
    benefits=_LUNCH,
    forms=_DAY,
    examples=(
        fires("Ein Samstag.", MEAL, situation={"closed": Closed.WEEKEND}),
        fires("Schulferien in der Schule.", MEAL, situation={"closed": Closed.SCHOOL_HOLIDAY}),
        fires("Ein Schließtag im Hort.", MEAL, situation={"closed": Closed.CLOSURE}, facility=_AT_HORT),
        passes("Schulferien im Hort (M-06).", MEAL, situation={"closed": Closed.SCHOOL_HOLIDAY}, facility=_AT_HORT),
        passes("Ein Öffnungstag.", MEAL),
    ),
)
def closed_day(c: Context) -> Finding | None:
    """By the calendar of the facility on the line."""
    closed = c.situation.closed
    if closed is None or _holiday_care(c):
        return None
    return Finding("M-05", Effect.REJECT, {"day": c.day.isoformat(), "reason": closed.value})


@rule(
    "M-06",
    effect=(Effect.REVIEW, Effect.REJECT),
    condition="Ein Essen in der Ferienbetreuung. Die Kommune nimmt es an, prüft es oder lehnt es ab.",
    basis="§ 28 (6) S. 2, 3 SGB II",
    benefits=_LUNCH,
    forms=_DAY,
    examples=(
        fires("Die Kommune prüft.", MEAL, situation={"closed": Closed.SCHOOL_HOLIDAY}, facility=_AT_HORT),
        fires(
            "Die Kommune lehnt ab.", MEAL, situation={"closed": Closed.SCHOOL_HOLIDAY}, facility=_AT_HORT, town={"holiday_lunch": "reject"}
        ),
        passes(
            "Die Kommune nimmt an.", MEAL, situation={"closed": Closed.SCHOOL_HOLIDAY}, facility=_AT_HORT, town={"holiday_lunch": "accept"}
        ),
        passes("Die Schule ist geschlossen (M-05).", MEAL, situation={"closed": Closed.SCHOOL_HOLIDAY}),
        passes("Ein Schultag im Hort.", MEAL, facility=_AT_HORT),
    ),
)
def holiday_care(c: Context) -> Finding | None:
    """Whether holiday care is under the school's responsibility is open; the town's setting answers."""
    if c.situation.closed is None or not _holiday_care(c) or c.town.holiday_lunch == "accept":
        return None
    effect = Effect.REJECT if c.town.holiday_lunch == "reject" else Effect.REVIEW
    return Finding("M-06", effect, {"day": c.day.isoformat()})


@rule(
    "M-07",
    effect=REJECT,
    condition="Das Kind hat nicht teilgenommen, und eine verspätete Abmeldung ist nicht vereinbart oder lag nicht vor.",
    basis="§ 28 (6) SGB II; Vereinbarung",
    benefits=_LUNCH,
    forms=_DAY,
    examples=(
        fires("Das Kind war nicht da.", MEAL, claim=_MISSED),
        fires("Verspätet abgemeldet, aber nichts vereinbart.", MEAL, claim={"attended": False, "cancelled_late": True}),
        fires("Vereinbart, aber rechtzeitig abgemeldet.", MEAL, claim=_MISSED, agreement=_HALF),
        passes("Verspätet abgemeldet und vereinbart (M-08).", MEAL, claim={"attended": False, "cancelled_late": True}, agreement=_HALF),
        passes("Das Kind war da.", MEAL),
    ),
)
def not_attended(c: Context) -> Finding | None:
    """Per use means: eaten, or cancelled too late under an agreement that pays for it."""
    claim = c.claim
    if claim.attended or (claim.cancelled_late and c.agreement.late_cancellation_share is not None):
        return None
    return Finding("M-07", Effect.REJECT, {"day": c.day.isoformat()})


@rule(
    "M-08",
    effect=REDUCE,
    condition="Zu spät abgemeldet: gezahlt wird der vereinbarte Anteil am Preis.",
    basis="Vereinbarung",
    benefits=_LUNCH,
    forms=_DAY,
    examples=(
        fires("Die Hälfte ist vereinbart.", MEAL, claim={"attended": False, "cancelled_late": True}, agreement=_HALF),
        fires(
            "Ohne Preisliste zählt der berechnete Preis.",
            MEAL,
            claim={"attended": False, "cancelled_late": True},
            agreement={**_HALF, "prices": ()},
        ),
        passes(
            "Berechnet ist schon der Anteil.",
            MEAL,
            situation={"claimed": 225},
            claim={"attended": False, "cancelled_late": True, "unit_price": 225},
            agreement=_HALF,
        ),
        passes("Nichts ist vereinbart (M-07).", MEAL, claim={"attended": False, "cancelled_late": True}),
        passes("Das Kind war da.", MEAL, agreement=_HALF),
    ),
)
def late_cancellation(c: Context) -> Finding | None:
    """The agreed share of the agreed price (of the ceiling where it is lower), half cents up."""
    share = c.agreement.late_cancellation_share
    if share is None or c.claim.attended or not c.claim.cancelled_late:
        return None
    price = c.claim.unit_price if c.agreed is None else c.agreed
    ceiling = price_on(c.town.lunch_price_ceilings, c.item, c.day)
    if ceiling is not None:
        price = min(price, ceiling)
    return reduction(c, "M-08", share_of(price, share), {"share": print_share(share)})


@rule(
    "M-12",
    effect=REJECT,
    condition="Frühstück oder Zwischenmahlzeit. Bezahlt wird nur das gemeinschaftliche Mittagessen.",
    basis="§ 28 (6) SGB II",
    benefits=_LUNCH,
    examples=(
        fires("Ein Frühstück.", MEAL, claim={"item": "breakfast"}),
        fires("Ein Imbiss.", MEAL, claim={"item": "snack"}),
        passes("Das Mittagessen.", MEAL),
    ),
)
def other_meal(c: Context) -> Finding | None:
    """Only the communal lunch."""
    return Finding("M-12", Effect.REJECT, {"item": c.item}) if c.item in {"breakfast", "snack"} else None


@rule(
    "M-13",
    effect=REJECT,
    condition="Ein Getränk, das einzeln berechnet ist.",
    basis="§ 28 (6) SGB II",
    benefits=_LUNCH,
    examples=(
        fires("Ein Getränk zu 1,00 €.", MEAL, situation={"claimed": 100}, claim={"item": "drink", "unit_price": 100}),
        passes("Das Mittagessen.", MEAL),
    ),
)
def separate_drink(c: Context) -> Finding | None:
    """Never paid; where the agreement includes a drink it is part of the price."""
    return Finding("M-13", Effect.REJECT) if c.item == "drink" else None


@rule(
    "M-14",
    effect=REDUCE,
    condition="Bis 31. Juli 2019 trug die Familie je Essen einen Eigenanteil.",
    basis="§ 5a Nr. 3 Alg II-V in der bis 31.07.2019 geltenden Fassung",
    benefits=_LUNCH,
    until=date(2019, 7, 31),
    examples=(
        fires(
            "Ein Essen zu 3,50 € am 31. Juli 2019.",
            MEAL,
            situation={**on(date(2019, 7, 31)), "claimed": 350},
            claim={"unit_price": 350},
            agreement=_OLD_PRICES,
            grant=_OLD_GRANT,
        ),
        passes(
            "Dasselbe Essen am 1. August 2019.",
            MEAL,
            situation={**on(date(2019, 8, 1)), "claimed": 350},
            claim={"unit_price": 350},
            agreement=_OLD_PRICES,
            grant=_OLD_GRANT,
        ),
        passes("Nicht gegessen, kein Eigenanteil.", MEAL, situation=on(date(2019, 7, 31)), claim=_MISSED),
        passes("Für den Tag ist kein Recht geladen.", MEAL, situation=on(date(2010, 12, 31))),
    ),
)
def own_share(c: Context) -> Finding | None:
    """The own share of the day's law for every meal taken."""
    if c.law is None:
        return None
    share = c.law.lunch_own_share_cents
    return reduction(c, "M-14", c.left - share * _meals(c), {"own_share": print_money(share)})


@rule(
    "M-15",
    effect=REJECT,
    condition="Ein Schulkind isst in Hort oder Kita, und es gibt keinen Kooperationsvertrag mit der Schule.",
    basis="§ 28 (6) S. 2 SGB II",
    benefits=_LUNCH,
    examples=(
        fires("Ein Hort ohne Vertrag.", MEAL, facility=_AT_HORT),
        fires("Eine Kita ohne Vertrag.", MEAL, facility={"kind": "daycare"}),
        passes("Ein Hort mit Vertrag.", MEAL, facility={"kind": "after_school", "has_cooperating_school": True}),
        passes("Ein Kitakind in der Kita.", MEAL, facility={"kind": "daycare"}, grant={"attends": "daycare"}),
        passes("Die Schule selbst.", MEAL),
    ),
)
def no_cooperation(c: Context) -> Finding | None:
    """A pupil's lunch outside school needs the school's responsibility."""
    facility, grant = c.facility, c.grant
    if facility is None or grant is None or grant.attends != "school":
        return None
    if facility.kind not in {"daycare", "after_school"} or facility.has_cooperating_school:
        return None
    return Finding("M-15", Effect.REJECT)


@rule(
    "M-16",
    effect=REVIEW,
    condition="Die Einrichtung auf der Zeile ist nicht die bewilligte.",
    basis="Bewilligungsbescheid",
    benefits=_LUNCH,
    examples=(
        fires("Bewilligt ist eine andere Schule.", MEAL, grant={"facility_is_this": False}),
        passes("Bewilligt ist diese Schule oder ein Hort, der mit ihr zusammenarbeitet.", MEAL),
        passes("Die Bewilligung nennt keine.", MEAL, grant={"facility_named": False, "facility_is_this": False}),
    ),
)
def other_facility(c: Context) -> Finding | None:
    """Perhaps a change of school that nobody has reported yet."""
    return Finding("M-16", Effect.REVIEW) if c.grant is not None and not fits_facility(c.grant) else None


def _holiday_care(c: Context) -> bool:
    """Whether after-school care was open in the school's holidays."""
    return c.situation.closed is Closed.SCHOOL_HOLIDAY and c.facility is not None and c.facility.kind == "after_school"


def _meals(c: Context) -> int:
    """Meals taken: one a day, those counted, or the days attended of a flat month."""
    if c.flat:
        return c.claim.attended_days or 0
    if c.month:
        return c.situation.quantity
    return 1 if c.claim.attended else 0

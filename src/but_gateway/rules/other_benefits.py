"""X and D: participation, trips, the benefits paid in cash only, and claims for the same service twice. X-03 stands in budget.py."""

from typing import Final

from but_gateway.rules.context import PARTICIPATION, TUTORING, Context
from but_gateway.rules.examples import CLASS_TRIP, CLUB_FEE, LESSON, fires, passes
from but_gateway.rules.facts import Overlap
from but_gateway.rules.rule import REJECT, REVIEW, rule
from but_gateway.rules.verdict import Effect, Finding

CASH_ONLY: Final = frozenset({"school_supplies", "school_transport"})
_PARTICIPATION: Final = (PARTICIPATION,)
_BUT_LUNCH: Final = ("tutoring", "participation", "day_trip", "class_trip", "school_supplies", "school_transport")


@rule(
    "D-01",
    effect=(Effect.REVIEW, Effect.REJECT),
    condition="Für dieselbe Zeit ist dasselbe schon abgerechnet: vom selben Anbieter doppelt, von einem anderen zu prüfen.",
    basis="Leistung nur einmal, § 28 SGB II",
    benefits=_BUT_LUNCH,
    examples=(
        fires("Derselbe Beitrag zum zweiten Mal.", CLUB_FEE, situation={"overlap": Overlap(same_provider=True)}),
        fires("Ein zweiter Verein für denselben Monat.", CLUB_FEE, situation={"overlap": Overlap(same_provider=False)}),
        fires("Derselbe Unterricht, derselbe Beginn.", LESSON, situation={"overlap": Overlap(same_provider=True, same_start=True)}),
        passes("Überschneidender Unterricht (L-09).", LESSON, situation={"overlap": Overlap(same_provider=True)}),
        passes("Nichts überschneidet sich.", CLUB_FEE),
    ),
)
def billed_twice(c: Context) -> Finding | None:
    """Same entitlement and item at an overlapping time; lessons compare their recorded beginning."""
    overlap = c.situation.overlap
    if overlap is None:
        return None
    if c.claim.benefit == TUTORING:
        if not (overlap.same_provider and overlap.same_start):
            return None
        effect = Effect.REJECT
    else:
        effect = Effect.REJECT if overlap.same_provider else Effect.REVIEW
    return Finding("D-01", effect, {"day": c.day.isoformat()})


@rule(
    "X-01",
    effect=REJECT,
    condition="Schulbedarf und Schülerbeförderung werden nur an die Familie gezahlt.",
    basis="§ 29 (1) S. 3 SGB II",
    benefits=CASH_ONLY,
    examples=(
        fires("Ein Anbieter rechnet Schulbedarf ab.", CLUB_FEE, claim={"benefit": "school_supplies"}),
        fires("Auch ohne Vereinbarung ist das der Grund.", CLUB_FEE, claim={"benefit": "school_transport"}, facts={"agreement": None}),
        passes("Ein Vereinsbeitrag.", CLUB_FEE),
    ),
)
def cash_only(c: Context) -> Finding | None:
    """Cash benefits: no agreement can exist, so this is said instead of P-01."""
    return Finding("X-01", Effect.REJECT) if c.claim.benefit in CASH_ONLY else None


@rule(
    "X-02",
    effect=REJECT,
    condition="Das Kind hat am ersten Tag das 18. Lebensjahr vollendet.",
    basis="§ 28 (7) SGB II; § 34 (7) SGB XII",
    benefits=_PARTICIPATION,
    examples=(
        fires("Der Beitrag beginnt am 18. Geburtstag.", CLUB_FEE, situation={"age": 18}),
        passes("Der Beitrag beginnt am Tag davor.", CLUB_FEE, situation={"age": 17}),
        passes("Ausflüge kennen diese Grenze nicht.", CLASS_TRIP, situation={"age": 18}),
    ),
)
def of_age(c: Context) -> Finding | None:
    """Participation ends with the 18th birthday under every legal basis."""
    if c.law is None or c.situation.age < c.law.participation_age_limit_years:
        return None
    return Finding("X-02", Effect.REJECT)


@rule(
    "X-04",
    effect=REVIEW,
    condition="Das Angebot steht nicht in der Liste der Teilhabe.",
    basis="§ 28 (7) S. 1 Nr. 1–3 SGB II",
    benefits=_PARTICIPATION,
    examples=(
        fires("Ein sonstiges Angebot.", CLUB_FEE, claim={"activity": "other"}),
        passes("Sport.", CLUB_FEE),
    ),
)
def unlisted_activity(c: Context) -> Finding | None:
    """Whether it counts as participation is a person's decision."""
    return Finding("X-04", Effect.REVIEW) if c.claim.activity == "other" else None


@rule(
    "X-05",
    effect=REVIEW,
    condition="Ausrüstung und andere weitere Aufwendungen: eine Entscheidung im Einzelfall.",
    basis="§ 28 (7) S. 2 SGB II",
    benefits=_PARTICIPATION,
    examples=(
        fires("Fußballschuhe.", CLUB_FEE, claim={"item": "equipment"}),
        passes("Der Beitrag.", CLUB_FEE),
    ),
)
def equipment(c: Context) -> Finding | None:
    """Further expenses beside the fee."""
    return Finding("X-05", Effect.REVIEW) if c.item == "equipment" else None


@rule(
    "X-06",
    effect=REJECT,
    condition="Taschengeld auf Ausflügen und Klassenfahrten.",
    basis="§ 28 (2) SGB II",
    benefits=("day_trip", "class_trip"),
    examples=(
        fires("Taschengeld zur Klassenfahrt.", CLASS_TRIP, claim={"item": "pocket_money"}),
        passes("Die Kosten der Fahrt.", CLASS_TRIP),
    ),
)
def pocket_money(c: Context) -> Finding | None:
    """Not part of the actual cost of a trip."""
    return Finding("X-06", Effect.REJECT, {"item": c.item}) if c.item == "pocket_money" else None

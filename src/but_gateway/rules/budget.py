"""B: budgets (L-02 and X-03 are B-01 on minutes and on participation) and numbers that were replaced."""

from datetime import date

from but_gateway.kit.money import print_money
from but_gateway.rules.context import PARTICIPATION, Context
from but_gateway.rules.examples import CLUB_FEE, COUNTED_MONTH, FLAT_MONTH, LESSON, MEAL, fires, passes
from but_gateway.rules.facts import Budget, Grant
from but_gateway.rules.rule import REDUCE, REJECT, reduction, rule
from but_gateway.rules.spread import plan_of
from but_gateway.rules.verdict import Effect, Finding

_TWENTY_DAYS = {"budget": Budget("days", 20)}
_TWENTY_EUROS = {"budget": Budget("amount", 2000)}
_MORE_MINUTES = Grant("g2", 1, "z", "sgb2", date(2026, 9, 1), date(2027, 1, 31), subjects=("mathematik",), budget=Budget("minutes", 900))


@rule(
    "L-02",
    effect=REDUCE,
    condition="Die bewilligten Minuten reichen nicht mehr: gezahlt werden die übrigen zum vereinbarten Preis.",
    basis="Bewilligungsbescheid",
    examples=(
        fires(
            "90 von 135 Minuten sind übrig.",
            LESSON,
            situation={"claimed": 6750, "budgets_left": (90,)},
            lesson={"minutes": 135, "recorded_to": 1035},
        ),
        fires("Nichts ist übrig.", LESSON, situation={"budgets_left": (0,)}),
        fires(
            "50 Minuten sind übrig, nur volle Einheiten.", LESSON, situation={"budgets_left": (50,)}, terms={"minutes_rule": "whole_units"}
        ),
        fires("Der Preis war niedriger: 45 von 90 Minuten sind die Hälfte.", LESSON, situation={"claimed": 4000, "budgets_left": (45,)}),
        passes("Genau 90 Minuten sind übrig.", LESSON, situation={"budgets_left": (90,)}),
        passes(
            "Eine zweite Bewilligung trägt den Rest.",
            LESSON,
            situation={"budgets_left": (30, 900)},
            facts={"grants": (*LESSON.grants, _MORE_MINUTES)},
        ),
        passes(
            "Ein Ausfallentgelt verbraucht keine Minuten.",
            LESSON,
            situation={"claimed": 2250, "budgets_left": (0,)},
            claim={"attended": False},
            terms={"absence_share": 5000, "absences_per_month": 1},
        ),
    ),
)
def minutes_used_up(c: Context) -> Finding | None:
    """The remaining minutes × agreed price, half cents up; under whole_units whole units only; nothing left is a refusal."""
    plan = plan_of(c)
    if plan.kind != "minutes" or c.claim.benefit == PARTICIPATION:
        return None
    return reduction(c, "L-02", plan.payable, {"remaining_minutes": str(plan.remaining)})


@rule(
    "X-03",
    effect=REDUCE,
    condition="Das angesparte Budget der Teilhabe reicht nicht: gezahlt wird, was verfügbar ist.",
    basis="§ 28 (7) S. 1 SGB II; Einstellung der Kommune",
    benefits=(PARTICIPATION,),
    examples=(
        fires("15,00 € berechnet, 10,00 € verfügbar.", CLUB_FEE, situation={"budgets_left": (1000,)}),
        fires("Nichts ist verfügbar.", CLUB_FEE, situation={"budgets_left": (0,)}),
        passes("Genau 15,00 € sind verfügbar.", CLUB_FEE, situation={"budgets_left": (1500,)}),
    ),
)
def savings_used_up(c: Context) -> Finding | None:
    """How much is available depends on the town's saving mode (savings.py); the caller brings it as the budget that is left."""
    plan = plan_of(c)
    if not plan.kind:
        return None
    return reduction(c, "X-03", plan.payable, {"available": print_money(plan.payable)})


@rule(
    "B-01",
    effect=REDUCE,
    condition="Das bewilligte Budget (Tage oder Betrag) reicht nicht: gezahlt wird, was übrig ist.",
    basis="Bewilligungsbescheid",
    examples=(
        fires("Kein Tag ist übrig.", MEAL, grant=_TWENTY_DAYS, situation={"budgets_left": (0,)}),
        fires("3,00 € sind übrig.", MEAL, grant=_TWENTY_EUROS, situation={"budgets_left": (300,)}),
        fires("Eine Pauschale über 21 Öffnungstage, 7 Tage sind übrig.", FLAT_MONTH, grant=_TWENTY_DAYS, situation={"budgets_left": (7,)}),
        fires("20 gezählte Essen, 5 Tage sind übrig.", COUNTED_MONTH, grant=_TWENTY_DAYS, situation={"budgets_left": (5,)}),
        fires("Eine Pauschale, 20,00 € sind übrig.", FLAT_MONTH, grant=_TWENTY_EUROS, situation={"budgets_left": (2000,)}),
        passes("Ein Tag ist übrig.", MEAL, grant=_TWENTY_DAYS, situation={"budgets_left": (1,)}),
        passes("Genau 4,50 € sind übrig.", MEAL, grant=_TWENTY_EUROS, situation={"budgets_left": (450,)}),
        passes("Kein Budget.", MEAL),
        passes("Über Minuten spricht L-02.", LESSON, situation={"budgets_left": (0,)}),
        passes("Über die Teilhabe spricht X-03.", CLUB_FEE, situation={"budgets_left": (0,)}),
    ),
)
def budget_used_up(c: Context) -> Finding | None:
    """Whole days or cents that are left; nothing left is a refusal."""
    plan = plan_of(c)
    if not plan.kind or plan.kind == "minutes" or c.claim.benefit == PARTICIPATION:
        return None
    if plan.kind == "days":
        return reduction(c, "B-01", plan.payable, {"remaining_days": str(plan.remaining)})
    return reduction(c, "B-01", plan.payable, {"remaining_amount": print_money(plan.remaining)})


@rule(
    "B-04",
    effect=REJECT,
    condition="Die Nummer wurde ersetzt; die alte gilt nur für Leistungen vor dem Tag des Verlusts.",
    basis="§ 29 (2) S. 5 SGB II",
    examples=(
        fires("Ein Essen am Tag des Verlusts.", MEAL, situation={"number_lost_on": date(2026, 10, 5)}),
        passes("Ein Essen am Tag davor.", MEAL, situation={"number_lost_on": date(2026, 10, 6)}),
        passes("Die Nummer ist nicht ersetzt.", MEAL),
    ),
)
def number_replaced(c: Context) -> Finding | None:
    """Old and new number draw on the same budget."""
    lost_on = c.situation.number_lost_on
    if lost_on is None or c.day < lost_on:
        return None
    return Finding("B-04", Effect.REJECT, {"lost_on": lost_on.isoformat()})

"""What holds for any well-typed facts: no exception, sums that agree, the same answer every time and after storing."""

import json
from datetime import date, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from but_gateway.law.parameters import LawNotLoaded, law_at
from but_gateway.rules.catalogue import BY_ID, CATALOGUE, checks_for
from but_gateway.rules.context import Context
from but_gateway.rules.document import from_document, to_document
from but_gateway.rules.evaluate import decide, evaluate
from but_gateway.rules.examples import FLAT_MONTH, LESSON, MEAL
from but_gateway.rules.facts import (
    Agreement,
    Budget,
    Claim,
    Closed,
    Corrected,
    DatedPrice,
    Facility,
    Facts,
    Form,
    Grant,
    Identity,
    Lesson,
    Overlap,
    Provider,
    Rival,
    Situation,
    SlotState,
    Town,
    TutoringTerms,
)
from but_gateway.rules.texts import catalogue
from but_gateway.rules.verdict import Effect, Outcome

BENEFITS = st.sampled_from(["lunch", "tutoring", "participation", "day_trip", "class_trip", "school_supplies", "something"])
ITEMS = st.sampled_from(["lunch", "individual", "group", "fee", "drink", "snack", "material", "pocket_money", "equipment"])
BASES = st.sampled_from(["sgb2", "bkgg", "sgb12_3", "sgb12_4", "asylblg_2", "asylblg_3", "other"])
AUTUMN = date(2026, 10, 1)
# Mostly days that lie close together, so that ranges meet; sometimes any day there is.
DAYS = st.one_of(st.integers(-45, 75).map(lambda offset: AUTUMN + timedelta(days=offset)), st.sampled_from([date(2019, 7, 31)]), st.dates())
CENTS = st.one_of(st.integers(0, 10_000), st.sampled_from([450, 2250, 4500, 6000]), st.integers(-500, 10**9))
SMALL = st.one_of(st.integers(0, 30), st.integers(-2, 400))
SHARES = st.one_of(st.none(), st.sampled_from([0, 5000, 10_000]))
MINUTES = st.one_of(st.none(), st.integers(0, 1440))


def or_none(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.none(), strategy)


LESSONS = st.builds(
    Lesson,
    subject=st.sampled_from(["mathematik", "deutsch"]),
    group_size=st.integers(0, 6),
    minutes=st.one_of(st.integers(0, 180), SMALL),
    recorded_from=MINUTES,
    recorded_to=MINUTES,
    proof=st.booleans(),
)
CLAIMS = st.builds(
    Claim,
    benefit=BENEFITS,
    item=ITEMS,
    form=st.sampled_from(Form),
    unit_price=CENTS,
    attended=st.booleans(),
    attended_days=or_none(SMALL),
    cancelled_late=st.booleans(),
    relative=st.booleans(),
    activity=or_none(st.sampled_from(["sport", "other"])),
    vat_rate=or_none(st.sampled_from([0, 700, 1900])),
    vat_exemption=or_none(st.just("exempt_4_21")),
    lesson=or_none(LESSONS),
)
PRICES = st.lists(st.builds(DatedPrice, item=ITEMS, valid_from=DAYS, unit_price=CENTS), max_size=4).map(tuple)
TOWNS = st.builds(
    Town,
    protect_good_faith=st.booleans(),
    holiday_lunch=st.sampled_from(["accept", "review", "reject"]),
    submission_months=st.integers(-2, 12),
    late_effect=st.sampled_from(["accept", "review", "reject"]),
    tax_effect=st.sampled_from(["note", "review"]),
    relatives_excluded=st.booleans(),
    flat_proration=st.sampled_from(["opening_days", "calendar_30ths"]),
    lunch_price_ceilings=PRICES,
)
PROVIDERS = st.builds(Provider, status=st.sampled_from(["active", "suspended", "ended"]), suspended_from=or_none(DAYS))
TERMS = st.builds(
    TutoringTerms,
    unit_minutes=st.sampled_from([0, 30, 45, 60]),
    group_max=st.integers(0, 6),
    minutes_rule=st.sampled_from(["pro_rata", "whole_units"]),
    absence_share=SHARES,
    absences_per_month=st.integers(0, 3),
    units_per_day_max=st.integers(0, 6),
)
AGREEMENTS = st.builds(
    Agreement,
    mode=st.sampled_from(["per_use", "flat"]),
    evidence=st.sampled_from(["dates", "monthly_count"]),
    prices=PRICES,
    vat_treatment=st.sampled_from(["catering_service", "food_delivery", "exempt_4_21", "small_business", "standard"]),
    late_cancellation_share=SHARES,
    absence_threshold_days=or_none(SMALL),
    submission_months=or_none(st.integers(-2, 12)),
    late_effect=or_none(st.sampled_from(["accept", "review", "reject"])),
    tutoring=or_none(TERMS),
)
FACILITIES = st.builds(
    Facility, kind=st.sampled_from(["school", "daycare", "after_school", "childminder"]), has_cooperating_school=st.booleans()
)
GRANTS = st.builds(
    Grant,
    ref=st.sampled_from(["g1", "g2"]),
    version=st.integers(1, 3),
    key=st.sampled_from(["a", "b", "c"]),
    legal_basis=BASES,
    valid_from=st.one_of(st.just(date(2026, 9, 1)), DAYS),
    valid_to=st.one_of(st.just(date(2027, 8, 31)), DAYS),
    status=st.sampled_from(["active", "active", "provisional", "disputed"]),
    attends=or_none(st.sampled_from(["school", "daycare"])),
    provider_named=st.booleans(),
    provider_is_this=st.booleans(),
    facility_named=st.booleans(),
    facility_is_this=st.booleans(),
    subjects=st.sampled_from([(), ("mathematik",), ("deutsch", "mathematik")]),
    tutoring_form=st.sampled_from(["any", "individual", "group"]),
    budget=st.builds(Budget, kind=st.sampled_from(["unlimited", "minutes", "days", "amount"]), limit=or_none(SMALL)),
    revoked_from=or_none(DAYS),
    notified_on=or_none(DAYS),
    flagged=st.booleans(),
)
OPEN_DAYS = st.one_of(
    st.just(FLAT_MONTH.situation.open_days), st.lists(DAYS, max_size=5, unique=True).map(lambda days: tuple(sorted(days))), st.just(())
)
SITUATIONS = st.builds(
    Situation,
    first_day=st.one_of(st.just(AUTUMN), DAYS),
    last_day=DAYS,
    quantity=st.one_of(st.just(1), SMALL),
    claimed=CENTS,
    received_on=st.one_of(st.just(date(2026, 11, 2)), DAYS),
    identity=st.one_of(st.just(Identity.CONFIRMED), st.just(Identity.CONFIRMED), st.sampled_from(Identity)),
    number_lost_on=or_none(DAYS),
    age=st.integers(0, 30),
    age_before_month=st.integers(0, 30),
    closed=or_none(st.sampled_from(Closed)),
    sunday_or_holiday=st.booleans(),
    open_days=OPEN_DAYS,
    budgets_left=st.lists(or_none(st.one_of(SMALL, CENTS)), max_size=4).map(tuple),
    rival=or_none(
        st.builds(
            Rival,
            same_provider=st.booleans(),
            state=st.sampled_from(SlotState),
            attributed=st.booleans(),
            this_attributed=st.booleans(),
        )
    ),
    overlap=or_none(st.builds(Overlap, same_provider=st.booleans(), same_start=st.booleans())),
    tutor_overlap=st.booleans(),
    proof_used=st.booleans(),
    minutes_that_day=SMALL,
    absences_paid=st.integers(0, 3),
    absence_days_run=or_none(SMALL),
    paid_by_family=or_none(st.tuples(DAYS, DAYS)),
    iban_differs=st.booleans(),
    promised=st.booleans(),
    corrected=st.one_of(st.none(), st.none(), st.none(), st.builds(Corrected, found=st.booleans(), approved=CENTS, corrected=CENTS)),
)
ANY_FACTS = st.builds(
    Facts,
    situation=SITUATIONS,
    claim=CLAIMS,
    town=TOWNS,
    provider=PROVIDERS,
    agreement=st.one_of(AGREEMENTS, AGREEMENTS, st.none()),
    facility=or_none(FACILITIES),
    grants=st.lists(GRANTS, max_size=3).map(tuple),
    other_benefits=st.booleans(),
)
# Whole random facts are refused nearly always. These stay close to a case that is paid and vary what decides amounts.
PAYABLE_GRANTS = st.builds(
    Grant,
    ref=st.just("g"),
    version=st.just(1),
    key=st.sampled_from(["a", "b", "c"]),
    legal_basis=BASES,
    valid_from=st.sampled_from([date(2026, 9, 1), date(2026, 10, 5), date(2026, 10, 16)]),
    valid_to=st.sampled_from([date(2026, 10, 12), date(2026, 10, 20), date(2027, 8, 31)]),
    status=st.sampled_from(["active", "active", "disputed"]),
    budget=st.builds(Budget, kind=st.sampled_from(["unlimited", "minutes", "days", "amount"])),
)


@st.composite
def payable(draw: st.DrawFn) -> Facts:
    base = draw(st.sampled_from([MEAL, LESSON, FLAT_MONTH, *(one.facts for rule in CATALOGUE for one in rule.examples if not one.holds)]))
    grants = draw(st.lists(PAYABLE_GRANTS, min_size=1, max_size=3))
    left = draw(st.lists(or_none(st.one_of(st.integers(0, 120), st.integers(0, 9000))), min_size=len(grants), max_size=len(grants)))
    fields = {name: getattr(base.situation, name) for name in Situation.__slots__}
    fields |= {"budgets_left": tuple(left), "claimed": draw(st.one_of(st.just(base.situation.claimed), st.integers(1, 20_000)))}
    return Facts(
        situation=Situation(**fields),
        claim=base.claim,
        town=base.town,
        provider=base.provider,
        agreement=base.agreement,
        facility=base.facility,
        grants=tuple(grants),
    )


FACTS = st.one_of(ANY_FACTS, payable())


def check_sums(facts: Facts) -> None:
    verdict = evaluate(facts)
    claimed = facts.situation.claimed
    if facts.situation.corrected is not None:
        assert verdict.approved in {0, claimed}
        assert not verdict.allocations
        return
    assert 0 <= verdict.approved <= max(claimed, 0)
    assert (verdict.proposed is not None) == (verdict.outcome is Outcome.REVIEW)
    assert 0 <= (verdict.proposed or 0) <= max(claimed, 0)
    if verdict.outcome in {Outcome.REVIEW, Outcome.REJECTED}:
        assert verdict.approved == 0
    assert sum(one.cents for one in verdict.allocations) == (verdict.approved if verdict.proposed is None else verdict.proposed)
    assert len({one.grant for one in verdict.allocations}) == len(verdict.allocations)
    for one in verdict.allocations:
        left = facts.situation.budgets_left
        cap = left[one.grant] if one.grant < len(left) else None
        assert one.cents > 0
        if cap is None:
            assert one.units == 0
        elif facts.grants[one.grant].budget.kind in {"amount", "unlimited"}:
            assert one.units == one.cents <= cap
        else:
            assert one.units <= max(cap, 0)


@given(FACTS)
def test_amounts_and_allocations_agree_for_any_facts(facts: Facts) -> None:
    check_sums(facts)


@given(FACTS)
def test_the_outcome_is_that_of_the_strongest_finding_and_findings_are_sayable(facts: Facts) -> None:
    verdict = evaluate(facts)
    strongest = max((one.effect for one in verdict.findings), default=Effect.NOTE)
    expected = {Effect.NOTE: "accepted", Effect.REDUCE: "reduced", Effect.REVIEW: "review", Effect.REJECT: "rejected"}[strongest]
    assert verdict.outcome.value == expected
    for finding in verdict.findings:
        assert finding.effect in BY_ID[finding.rule].effects
        catalogue().reason(finding.rule).check(finding.values)
        assert (finding.payable is None) == (BY_ID[finding.rule].effects != (Effect.REDUCE, Effect.REJECT))


@given(FACTS)
@example(MEAL)
def test_stored_facts_decide_the_same(facts: Facts) -> None:
    stored = json.loads(json.dumps(to_document(facts), allow_nan=False))
    assert from_document(stored) == facts
    assert evaluate(from_document(stored)) == evaluate(facts) == evaluate(facts)


@given(FACTS, st.randoms(use_true_random=False))
def test_only_reductions_depend_on_the_order_of_rules(facts: Facts, random: object) -> None:
    assert hasattr(random, "shuffle")
    try:
        law = law_at(facts.situation.first_day)
    except LawNotLoaded:
        law = None
    checks = checks_for(facts.claim.benefit, facts.claim.form, facts.situation.first_day)
    reducing = {one.check for one in CATALOGUE if Effect.REDUCE in one.effects}
    others = [check for check in checks if check not in reducing]
    random.shuffle(others)
    in_order, shuffled = decide(Context(facts, law), checks), decide(Context(facts, law), [*others, *(c for c in checks if c in reducing)])
    assert sorted(in_order.findings, key=lambda one: one.rule) == sorted(shuffled.findings, key=lambda one: one.rule)
    assert (in_order.outcome, in_order.approved, in_order.proposed) == (shuffled.outcome, shuffled.approved, shuffled.proposed)
    assert in_order.allocations == shuffled.allocations

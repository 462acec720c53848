"""Whole decisions: amounts, proposals, the order of questions, and the worked examples of the catalogue."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.examples import (
    CLUB_FEE,
    CORRECTION,
    COUNTED_MONTH,
    FLAT_MONTH,
    LESSON,
    MEAL,
    on,
    varied,
)
from but_gateway.rules.facts import Closed, Corrected, DatedPrice, Facts, Grant, Identity
from but_gateway.rules.verdict import Allocation, Effect, Outcome, Verdict

ACCEPTED, REDUCED, REVIEW, REJECTED = Outcome.ACCEPTED, Outcome.REDUCED, Outcome.REVIEW, Outcome.REJECTED
REVOKED = {"valid_from": date(2026, 8, 1), "revoked_from": date(2026, 9, 1), "notified_on": date(2026, 11, 12)}
LATER = {"received_on": date(2026, 12, 1)}


def rules(verdict: Verdict) -> list[str]:
    return [finding.rule for finding in verdict.findings]


def short(verdict: Verdict) -> tuple[Outcome, int, list[str]]:
    return verdict.outcome, verdict.approved, rules(verdict)


def lesson(minutes: int, claimed: int, recorded: int | None = None) -> Facts:
    shown = minutes if recorded is None else recorded
    return varied(LESSON, situation={"claimed": claimed}, lesson={"minutes": minutes, "recorded_to": 900 + shown})


WORKED = {
    "C01 a plain lunch": (MEAL, (ACCEPTED, 450, [])),
    "C02 the day before the period": (
        varied(
            MEAL, situation={**on(date(2026, 2, 27)), "claimed": 420}, claim={"unit_price": 420}, grant={"valid_from": date(2026, 3, 1)}
        ),
        (REJECTED, 0, ["H-06", "E-01"]),
    ),
    "C05 own share in July 2019": (
        varied(
            MEAL,
            situation={**on(date(2019, 7, 31)), "claimed": 350, "received_on": date(2019, 8, 20)},
            claim={"unit_price": 350},
            agreement={"prices": (DatedPrice("lunch", date(2019, 1, 1), 350),), "vat_treatment": "food_delivery"},
            grant={"legal_basis": "sgb12_3", "valid_from": date(2019, 1, 1), "valid_to": date(2019, 12, 31)},
        ),
        (REDUCED, 250, ["M-14"]),
    ),
    "C06 before the price change": (varied(MEAL, situation=on(date(2026, 9, 14))), (REDUCED, 420, ["P-05"])),
    "C06 cheaper than agreed": (
        varied(MEAL, situation={**on(date(2026, 9, 17)), "claimed": 420}, claim={"unit_price": 420}),
        (ACCEPTED, 420, ["P-06"]),
    ),
    "C10 two portions": (varied(MEAL, situation={"quantity": 2, "claimed": 900}), (REDUCED, 450, ["M-04"])),
    "C12 absent": (varied(MEAL, claim={"attended": False}), (REJECTED, 0, ["M-07"])),
    "C12 a flat month": (FLAT_MONTH, (ACCEPTED, 6000, ["M-09"])),
    "C12 a flat month without participation": (varied(FLAT_MONTH, claim={"attended_days": 0}), (REVIEW, 0, ["M-11"])),
    "C20 two of three units are left": (varied(lesson(135, 6750), situation={"budgets_left": (90,)}), (REDUCED, 4500, ["L-02"])),
    "C20 no unit is left": (varied(lesson(135, 6750), situation={"budgets_left": (0,)}), (REJECTED, 0, ["L-02"])),
    "C22 two units": (lesson(90, 4500), (ACCEPTED, 4500, [])),
    "C22 60 minutes pro rata": (lesson(60, 3000), (ACCEPTED, 3000, [])),
    "C22 60 billed, 50 recorded": (lesson(60, 3000, 50), (REDUCED, 2500, ["L-04"])),
    "C22 60 minutes in whole units": (varied(lesson(60, 3000), terms={"minutes_rule": "whole_units"}), (REDUCED, 2250, ["L-03"])),
    "C22 50 recorded, in whole units": (
        varied(lesson(60, 3000, 50), terms={"minutes_rule": "whole_units"}),
        (REDUCED, 2250, ["L-04", "L-03"]),
    ),
    "C30 a day taken back": (CORRECTION, (ACCEPTED, -450, [])),
    "C31 before notification": (varied(MEAL, situation={**on(date(2026, 11, 11)), **LATER}, grant=REVOKED), (ACCEPTED, 450, ["E-08"])),
    "C31 after notification": (varied(MEAL, situation={**on(date(2026, 11, 13)), **LATER}, grant=REVOKED), (REJECTED, 0, ["E-07"])),
    "C31 without protection": (
        varied(MEAL, situation={**on(date(2026, 11, 9)), **LATER}, grant=REVOKED, town={"protect_good_faith": False}),
        (REJECTED, 0, ["E-07"]),
    ),
    "the contract's lesson at 24.00": (varied(LESSON, situation={"claimed": 4800}, claim={"unit_price": 2400}), (REDUCED, 4500, ["P-05"])),
}


@pytest.mark.parametrize("name", WORKED)
def test_worked_example(name: str) -> None:
    facts, expected = WORKED[name]
    assert short(evaluate(facts)) == expected


def test_a_review_carries_what_it_would_pay_and_reserves_it() -> None:
    verdict = evaluate(varied(LESSON, situation={"claimed": 4800}, claim={"unit_price": 2400}, lesson={"proof": False}))
    assert verdict.outcome is REVIEW
    assert (verdict.approved, verdict.proposed) == (0, 4500)
    assert verdict.allocations == (Allocation(0, 4500, 90),)


def test_a_rejection_keeps_all_findings_and_pays_nothing() -> None:
    verdict = evaluate(varied(MEAL, situation={"closed": Closed.WEEKEND, "quantity": 2, "claimed": 1000}, claim={"unit_price": 500}))
    assert short(verdict) == (REJECTED, 0, ["P-05", "M-04", "M-05"])
    assert verdict.proposed is None
    assert verdict.allocations == ()


def test_reductions_apply_each_to_what_is_left() -> None:
    verdict = evaluate(varied(MEAL, situation={"quantity": 2, "claimed": 1000}, claim={"unit_price": 500}))
    assert [finding.payable for finding in verdict.findings] == [900, 450]
    assert verdict.approved == 450


def test_price_duration_and_whole_units_are_told_apart() -> None:
    facts = varied(lesson(60, 3200, 50), claim={"unit_price": 2400}, terms={"minutes_rule": "whole_units"})
    verdict = evaluate(facts)
    assert [(finding.rule, finding.payable) for finding in verdict.findings] == [("P-05", 3000), ("L-04", 2500), ("L-03", 2250)]


def test_less_claimed_than_the_duration_allows_is_paid_as_claimed() -> None:
    assert short(evaluate(varied(LESSON, situation={"claimed": 4000}))) == (ACCEPTED, 4000, [])


def test_a_cheap_lesson_is_cut_by_the_same_share_as_its_duration() -> None:
    facts = varied(lesson(60, 2000, 50), claim={"unit_price": 1500})
    assert short(evaluate(facts)) == (REDUCED, 1667, ["P-06", "L-04"])


def test_individual_billed_and_group_granted_pays_the_group_price_of_what_was_recorded() -> None:
    verdict = evaluate(varied(lesson(90, 4500, 60), grant={"tutoring_form": "group"}))
    assert [(finding.rule, finding.payable) for finding in verdict.findings] == [("L-04", 3000), ("L-05", 1600)]
    assert verdict.allocations == (Allocation(0, 1600, 60),)


def test_a_missed_lesson_of_a_granted_group_costs_the_share_of_the_group_price() -> None:
    facts = varied(
        LESSON, claim={"attended": False}, grant={"tutoring_form": "group"}, terms={"absence_share": 5000, "absences_per_month": 1}
    )
    verdict = evaluate(facts)
    assert [(finding.rule, finding.payable) for finding in verdict.findings] == [("L-05", 2400), ("L-08", 1200)]
    assert verdict.allocations == (Allocation(0, 1200, 0),)


@pytest.mark.parametrize("benefit", ["lunch", "school_supplies"])
@pytest.mark.parametrize("identity", [one for one in Identity if one not in {Identity.CONFIRMED, Identity.NAME_DIFFERS}])
def test_a_failed_identity_gives_one_finding_and_nothing_else(identity: Identity, benefit: str) -> None:
    facts = varied(MEAL, situation={"identity": identity, "quantity": 2}, claim={"benefit": benefit}, facts={"agreement": None})
    (finding,) = evaluate(facts).findings
    assert finding.rule in {"I-01", "I-02", "I-05"}
    assert finding.effect is Effect.REJECT
    assert not finding.values


def test_another_name_is_reviewed_with_what_the_other_rules_would_pay() -> None:
    facts = varied(MEAL, situation={"identity": Identity.NAME_DIFFERS, "quantity": 2, "claimed": 900})
    verdict = evaluate(facts)
    assert short(verdict) == (REVIEW, 0, ["I-04"])
    assert verdict.proposed == 450
    assert verdict.allocations == (Allocation(0, 450, 0),)
    reviewed = evaluate(varied(facts, grant={"status": "disputed"}))
    assert (reviewed.proposed, rules(reviewed)) == (450, ["I-04"])
    refused = evaluate(varied(facts, situation={"closed": Closed.WEEKEND}))
    assert (refused.outcome, refused.proposed, refused.allocations) == (REVIEW, 0, ())
    unagreed = evaluate(replace(facts, agreement=None))
    assert (unagreed.outcome, unagreed.proposed, rules(unagreed)) == (REVIEW, 0, ["I-04"])


def test_without_an_agreement_nothing_is_said_about_the_grant() -> None:
    assert short(evaluate(varied(MEAL, facts={"agreement": None, "grants": ()}))) == (REJECTED, 0, ["P-01"])


def test_cash_benefits_are_refused_as_such_with_or_without_an_agreement() -> None:
    supplies = varied(CLUB_FEE, claim={"benefit": "school_supplies"})
    assert "X-01" in rules(evaluate(supplies))
    assert short(evaluate(replace(supplies, agreement=None))) == (REJECTED, 0, ["X-01"])


def test_a_correction_is_asked_for_its_reference_only() -> None:
    wild = varied(
        CORRECTION,
        situation={"identity": Identity.UNKNOWN_NUMBER, "closed": Closed.WEEKEND, "corrected": Corrected(found=True, approved=450)},
        facts={"agreement": None, "grants": ()},
    )
    assert short(evaluate(wild)) == (ACCEPTED, -450, [])
    assert evaluate(wild).allocations == ()


def test_more_corrected_than_approved_names_what_is_available() -> None:
    facts = varied(CORRECTION, situation={"claimed": -300, "corrected": Corrected(found=True, approved=450, corrected=200)})
    (finding,) = evaluate(facts).findings
    assert finding.values == {"available": "2.50"}
    (unknown,) = evaluate(varied(facts, situation={"corrected": Corrected(found=False, approved=450)})).findings
    assert unknown.values == {"available": "0.00"}


# ---- which grant


def grant(key: str, basis: str = "sgb2", **fields: object) -> Grant:
    base = Grant(key, 1, key, basis, date(2026, 9, 1), date(2027, 8, 31))
    return replace(base, **fields)  # type: ignore[arg-type] # the fields are those of Grant


def borne_by(facts: Facts) -> list[str]:
    return [facts.grants[one.grant].key for one in evaluate(facts).allocations]


def test_the_order_of_legal_bases_decides_who_pays() -> None:
    order = ["sgb12_4", "bkgg", "sgb2", "sgb12_3", "asylblg_2", "asylblg_3", "unknown"]
    for first, second in pairwise(order):
        facts = replace(MEAL, grants=(grant("b", second), grant("a", first)))
        assert borne_by(facts) == ["a"]
        (finding,) = evaluate(facts).findings
        assert (finding.rule, finding.values) == ("E-06", {"chosen_basis": first})


def test_under_one_basis_the_earliest_end_pays_then_the_key() -> None:
    early = grant("z", valid_to=date(2027, 1, 31))
    assert borne_by(replace(MEAL, grants=(grant("a"), early))) == ["z"]
    assert borne_by(replace(MEAL, grants=(grant("b"), grant("a")))) == ["a"]
    assert rules(evaluate(replace(MEAL, grants=(grant("b"), grant("a"))))) == []


def test_a_grant_that_fits_comes_before_one_that_does_not() -> None:
    named = grant("a", "sgb12_4", provider_named=True)
    assert borne_by(replace(MEAL, grants=(named, grant("b")))) == ["b"]
    elsewhere = grant("a", "sgb12_4", facility_named=True)
    assert borne_by(replace(MEAL, grants=(elsewhere, grant("b")))) == ["b"]
    other_subject = grant("a", "sgb12_4", subjects=("englisch",))
    assert borne_by(replace(LESSON, grants=(other_subject, grant("b", subjects=("mathematik",))))) == ["b"]


def test_bkgg_counts_whole_months_at_both_ends() -> None:
    bkgg = grant("a", "bkgg", valid_from=date(2026, 10, 15), valid_to=date(2026, 11, 15))
    for day, covered in ((date(2026, 9, 30), False), (date(2026, 10, 1), True), (date(2026, 11, 30), True), (date(2026, 12, 1), False)):
        facts = varied(replace(MEAL, grants=(bkgg,)), situation={**on(day), "received_on": date(2026, 12, 2)})
        assert (evaluate(facts).outcome is ACCEPTED) == covered
        assert ("E-03" in rules(evaluate(facts))) == covered
    whole = grant("a", "bkgg", valid_from=date(2026, 10, 1), valid_to=date(2026, 11, 15))
    assert rules(evaluate(replace(MEAL, grants=(whole,)))) == ["E-03"]


def test_a_grant_ended_by_age_or_revocation_gives_way_to_another() -> None:
    aged = varied(replace(MEAL, grants=(grant("a"), grant("b", "sgb12_3"))), situation={"age": 25})
    assert borne_by(aged) == ["b"]
    assert rules(evaluate(aged)) == []
    both = varied(aged, facts={"grants": (grant("a"), grant("c", revoked_from=date(2026, 9, 1), notified_on=date(2026, 9, 1)))})
    assert rules(evaluate(varied(both, situation={"age": 24}))) == []
    gone = grant("c", "sgb12_3", revoked_from=date(2026, 9, 1), notified_on=date(2026, 9, 1))
    assert rules(evaluate(varied(both, facts={"grants": (grant("a"), gone)}))) == ["E-04", "E-07"]


def test_a_revocation_nobody_was_told_of_does_not_hurt_the_provider() -> None:
    facts = replace(MEAL, grants=(grant("a", revoked_from=date(2026, 9, 1)),))
    (finding,) = evaluate(facts).findings
    assert (finding.rule, finding.values) == ("E-08", {"effective_from": "2026-09-01"})
    (ended,) = evaluate(varied(facts, town={"protect_good_faith": False})).findings
    assert (ended.rule, ended.values) == ("E-07", {"effective_from": "2026-09-01"})


def test_a_confirmed_check_holds_only_where_good_faith_is_protected() -> None:
    facts = varied(MEAL, situation={**on(date(2026, 11, 13)), "promised": True, **LATER}, grant=REVOKED)
    assert short(evaluate(facts)) == (ACCEPTED, 450, ["E-08"])
    assert short(evaluate(varied(facts, town={"protect_good_faith": False}))) == (REJECTED, 0, ["E-07"])
    disputed = varied(MEAL, situation={"promised": True}, grant={"status": "disputed"})
    assert evaluate(disputed).outcome is ACCEPTED
    assert evaluate(varied(disputed, town={"protect_good_faith": False})).outcome is REVIEW


# ---- months


def test_a_counted_month_of_a_grant_that_ends_in_it_pays_at_most_the_covered_opening_days() -> None:
    verdict = evaluate(varied(COUNTED_MONTH, grant={"valid_to": date(2026, 10, 15)}))
    assert short(verdict) == (REDUCED, 4500, ["M-18"])
    assert verdict.findings[0].values == {"billed": "20", "open_days": "10"}


def test_a_flat_month_is_paid_by_covered_opening_days_or_thirtieths() -> None:
    part = varied(FLAT_MONTH, grant={"valid_to": date(2026, 10, 15)})
    assert short(evaluate(part)) == (REDUCED, 2857, ["M-10"])
    assert short(evaluate(varied(part, town={"flat_proration": "calendar_30ths"}))) == (REDUCED, 3000, ["M-10"])


def test_a_flat_month_without_opening_days_is_paid_by_all_its_days() -> None:
    closed = varied(FLAT_MONTH, situation={"open_days": ()})
    assert short(evaluate(closed)) == (ACCEPTED, 6000, ["M-09"])
    assert short(evaluate(varied(closed, grant={"valid_to": date(2026, 10, 15)}))) == (REDUCED, 2903, ["M-10"])


def test_a_revocation_within_a_month_cuts_the_flat_rate_from_notification_on() -> None:
    facts = varied(FLAT_MONTH, grant={"revoked_from": date(2026, 10, 5), "notified_on": date(2026, 10, 16)})
    assert short(evaluate(facts)) == (REDUCED, 2857, ["E-08", "M-10"])
    early = varied(facts, grant={"revoked_from": date(2026, 10, 16)})
    assert rules(evaluate(early)) == ["M-10"]


def test_own_share_before_august_2019_is_kept_for_every_meal_counted_or_attended() -> None:
    days = {"first_day": date(2019, 7, 1), "last_day": date(2019, 7, 31), "received_on": date(2019, 8, 20), "open_days": ()}
    old = {"valid_from": date(2019, 1, 1), "valid_to": date(2019, 12, 31)}
    flat_price = {"prices": (DatedPrice("lunch", date(2019, 1, 1), 6000),), "vat_treatment": "food_delivery"}
    assert short(evaluate(varied(FLAT_MONTH, situation=days, grant=old, agreement=flat_price))) == (REDUCED, 4800, ["M-09", "M-14"])
    price = {"prices": (DatedPrice("lunch", date(2019, 1, 1), 450),), "vat_treatment": "food_delivery"}
    counted = varied(COUNTED_MONTH, situation={**days, "open_days": (date(2019, 7, 1), date(2019, 7, 2)), "quantity": 2, "claimed": 900})
    assert short(evaluate(varied(counted, grant=old, agreement=price))) == (REDUCED, 700, ["M-14"])

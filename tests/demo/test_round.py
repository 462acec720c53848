import json
import re

import asyncpg

from but_gateway.audit.invariants import violations
from but_gateway.cli.demo.people import draw_people
from but_gateway.cli.demo.places import PROVIDERS
from but_gateway.cli.demo.settling import OCTOBER_BATCH
from but_gateway.cli.demo.summary import document
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.kit.chance import Chance
from but_gateway.kit.money import parse_money
from tests.demo.conftest import CHILDREN, Round
from tests.procedures.adjudication.town import HINT, INTERNAL, fields_of

# Every kind of mistake the caterers and tutors of the town make, as the providers read it.
CODES = {
    "NOT_CONFIRMED", "NOT_IN_PERIOD", "ENDED", "IN_CLARIFICATION", "OVER_AGREED_PRICE", "ALREADY_BILLED", "ONE_PER_DAY", "CLOSED_DAY",
    "NOT_ATTENDED", "BUDGET_USED", "DURATION", "WRONG_SUBJECT",
}  # fmt: skip


def codes_of(played_round: Round) -> set[str]:
    told = [text for who, text in played_round.told if who in {provider.client for provider in PROVIDERS}]
    return {code for text in told for code in re.findall(r'"code":"([A-Z_]+)"', text)}


async def test_the_round_has_every_outcome_and_its_sums_are_whole(played_round: Round) -> None:
    decided = played_round.played.decided
    assert all(decided.counts[name] > 0 for name in ("accepted", "reduced", "rejected", "review"))
    assert decided.sums["claimed"] == decided.sums["approved"] + decided.sums["in_review"] + decided.sums["refused"]
    assert (decided.claimed.total(), decided.approved.total()) == (decided.sums["claimed"], decided.sums["approved"])
    assert decided.claimed["review"] == decided.sums["in_review"]
    assert decided.approved["accepted"] == decided.claimed["accepted"]
    assert 0 < decided.approved["reduced"] < decided.claimed["reduced"]


async def test_the_usual_mistakes_are_all_made_and_found(played_round: Round) -> None:
    assert CODES - codes_of(played_round) == set()


async def test_most_of_what_was_claimed_is_right(played_round: Round) -> None:
    played = played_round.played
    assert played.decided.counts["accepted"] * 10 > played.decided.positions * 7
    assert played.entitlements * 9 < played.confirmed * 10 < played.entitlements * 10


async def test_clerk_finance_and_orderer_bring_it_to_the_treasury(played_round: Round) -> None:
    played = played_round.played
    assert played.reviews_resolved > 0
    assert played.reviews_open > 0
    september, october = played.batches
    assert (september.receipts, october.receipts) == (0, 450)
    assert (october.held, october.net) == (1, october.gross - 450)
    for batch in played.batches:
        assert len(set(batch.sums.values())) == 1
        assert {path.name.rpartition("_")[2] for path in batch.files} >= {"pain001.xml", "HKR.csv", "Einzelposten.ndjson", "manifest.json"}
        assert all(path.read_bytes() for path in batch.files)


async def test_the_bank_pays_and_one_payment_comes_back(played_round: Round) -> None:
    played = played_round.played
    bank = played.reconciled
    assert bank is not None
    assert bank.matched == bank.bookings == sum(batch.payments for batch in played.batches) + 1
    assert 0 < bank.paid < sum(batch.net for batch in played.batches)
    assert all(batch.recomputed > 0.9 * batch.positions for batch in played.batches)


async def test_the_database_keeps_its_invariants(played_round: Round) -> None:
    connection = await asyncpg.connect(asyncpg_dsn(played_round.database_url))
    try:
        assert await violations(connection) == {}
    finally:
        await connection.close()


async def test_no_provider_learns_a_rule_a_legal_basis_or_another_provider(played_round: Round) -> None:
    clients = {provider.client: provider for provider in PROVIDERS}
    told = [(clients[who], text) for who, text in played_round.told if who in clients]
    assert len(told) > len(PROVIDERS)
    for provider, text in told:
        assert HINT.search(text) is None
        assert INTERNAL & fields_of(json.loads(text)) == set()
        assert [other.name for other in PROVIDERS if other is not provider and (other.name in text or f'"{other.key}"' in text)] == []


async def test_no_name_of_a_child_stands_in_any_answer(played_round: Round) -> None:
    names = {one.child.family_name for one in draw_people(Chance(1, "musterstadt").named("people"), CHILDREN)}
    assert [who for who, text in played_round.told if any(f'"{name}"' in text for name in names)] == []


async def test_every_stage_says_how_far_it_is(played_round: Round) -> None:
    # The last rows of the import are the test cards, which the summary does not count.
    short = {title: counted for title, counted in played_round.screen.done.items() if counted[0] < counted[1]}
    assert short == {}


async def test_the_summary_says_what_the_town_says(played_round: Round) -> None:
    told = document(played_round.played, played_round.base_url, played_round.folder, 1.0)
    speaker = played_round.speaker
    batches = await speaker.items("demo-auditor", "/settlement-batches", OCTOBER_BATCH.ordered_at)
    assert [batch["net"] for batch in told["batches"]] == [batch["totals"]["net"] for batch in batches]
    assert [batch["state"] for batch in batches] == ["paid", "partly_returned"]
    assert told["reconciled"]["states"] == ["paid", "partly_returned"]
    invoices = await speaker.items("demo-auditor", "/invoices?received_from=2026-11-01", OCTOBER_BATCH.at)
    assert told["invoices"] == len(invoices)
    assert parse_money(told["totals"]["claimed"]) == sum(parse_money(one["totals"]["claimed"]) for one in invoices)


def test_the_same_seed_makes_the_same_town_and_another_seed_another() -> None:
    first, again, other = (draw_people(Chance(seed, "musterstadt"), 50) for seed in (1, 1, 2))
    assert first == again
    assert first != other

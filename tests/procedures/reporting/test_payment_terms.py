"""S-10: the office is told in time which invoices are about to be paid too late, once for each cause."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from but_gateway.identity.principal import Role
from but_gateway.jobs.patience import ATTEMPTS_MAX
from but_gateway.jobs.payment_terms import PaymentTerms
from but_gateway.kit.clock import FixedClock
from but_gateway.procedures.reporting import warn_of_terms as verb
from but_gateway.procedures.reporting.term_store import AtRisk
from but_gateway.procedures.reporting.warn_of_terms import INVOICES_AT_ONCE, warning
from but_gateway.registers.municipalities.store import read_settings, write_settings
from but_gateway.rules.verdict import Outcome
from tests.factories.billing import RECEIVED, Billed, Meal
from tests.procedures.reporting.books import bank
from tests.procedures.settlement.conftest import Treasury, done

JSON = Any
# Received on 2 November 2026 with a term of 30 days: the term ends on 2 December, the warning comes a week before.
WARNING_DAY = datetime(2026, 11, 25, 5, tzinfo=UTC)
TERM_ENDS = date(2026, 12, 2)


def terms_of(treasury: Treasury, now: datetime = WARNING_DAY, invoices_at_once: int = INVOICES_AT_ONCE) -> PaymentTerms:
    """The sweep as a freshly started process does it."""
    state = treasury.office.app.state
    return PaymentTerms(state.database, state.directory, FixedClock(now), invoices_at_once)


async def sweep(treasury: Treasury, now: datetime = WARNING_DAY) -> list[JSON]:
    """Runs it; all notices of the kind, oldest first."""
    await terms_of(treasury, now).sweep([treasury.town])
    return await notices(treasury)


async def notices(treasury: Treasury) -> list[JSON]:
    clerk = await treasury.person("clerk", Role.CLERK)
    return [n for n in done(await clerk.get("/notices"))["items"] if n["kind"] == "payment_term"]


async def finish(treasury: Treasury, notice: JSON) -> None:
    clerk = await treasury.person("clerk", Role.CLERK)
    done(await clerk.post(f"/notices/{notice['id']}/done"))


async def one_invoice(treasury: Treasury, outcome: Outcome | None = None) -> Billed:
    child = await treasury.billing.child()
    meals = [Meal(child, date(2026, 10, day), {"sgb2": 450}, outcome=outcome) for day in (5, 6, 7)]
    return await treasury.billing.invoice("c1", meals)


async def test_an_invoice_with_open_reviews_is_told_a_week_before_its_term_ends(treasury: Treasury) -> None:
    billed = await one_invoice(treasury, Outcome.REVIEW)
    [notice] = await sweep(treasury)
    assert (notice["kind"], notice["state"], notice["subject"]) == ("payment_term", "open", {"type": "invoice", "id": str(billed.id)})
    assert notice["text"] == (
        "Das Zahlungsziel einer Rechnung von c1 läuft am 02.12.2026 ab. Sie ging am 02.11.2026 ein, es geht um 13,50 €:"
        " 3 Klärfälle sind offen. Entscheiden Sie und bezahlen Sie bis 02.12.2026. (§ 286 (3) BGB)"
    )


async def test_a_day_earlier_nobody_is_told(treasury: Treasury) -> None:
    await one_invoice(treasury, Outcome.REVIEW)
    assert await sweep(treasury, datetime(2026, 11, 24, 22, 59, tzinfo=UTC)) == []
    assert len(await sweep(treasury, datetime(2026, 11, 24, 23, 0, tzinfo=UTC))) == 1  # midnight in Berlin


async def test_what_is_accepted_and_in_no_batch_is_told(treasury: Treasury) -> None:
    await one_invoice(treasury)
    [notice] = await sweep(treasury)
    assert "13,50 €: Der Betrag steht in keinem Lauf" in notice["text"]


async def test_a_batch_that_was_not_handed_over_is_told(treasury: Treasury) -> None:
    await one_invoice(treasury)
    batch = await treasury.draw_up(due_on="2026-11-27")
    [notice] = await sweep(treasury)
    assert "Der Lauf ist noch nicht an die Kasse übergeben. Schließen Sie den Lauf bis 02.12.2026 ab." in notice["text"]
    done(await treasury.step(treasury.finance, batch, "withdrawal"))


async def test_what_is_handed_over_to_be_paid_in_time_is_not_told(treasury: Treasury) -> None:
    await one_invoice(treasury)
    await treasury.settle(due_on="2026-12-02")
    assert await sweep(treasury) == []
    assert await sweep(treasury, datetime(2027, 3, 1, tzinfo=UTC)) == []  # this town's bank reports nothing: nobody can know


async def test_what_is_handed_over_to_be_paid_after_the_term_is_told(treasury: Treasury) -> None:
    await one_invoice(treasury)
    await treasury.settle(due_on="2026-12-03")
    [notice] = await sweep(treasury)
    assert "Die Zahlung ist erst zum 03.12.2026 angeordnet" in notice["text"]


async def test_where_the_bank_reports_a_payment_it_did_not_make_is_told_when_the_term_is_over(treasury: Treasury) -> None:
    await one_invoice(treasury)
    child = await treasury.billing.child()
    await treasury.billing.invoice("c2", [Meal(child, date(2026, 10, 5), {"sgb2": 450})])
    _, other = (await treasury.settle(due_on="2026-12-02"))["payments"]
    await bank(treasury, "2026-11-05", other)
    assert await sweep(treasury, datetime(2026, 12, 2, 12, tzinfo=UTC)) == []
    [notice] = await sweep(treasury, datetime(2026, 12, 3, 12, tzinfo=UTC))
    assert "Die Bank hat die Zahlung noch nicht gemeldet. Fragen Sie heute bei der Kasse nach." in notice["text"]


async def test_a_payment_that_came_back_is_told_until_its_repeat_was_paid(treasury: Treasury) -> None:
    await one_invoice(treasury)
    payments = (await treasury.settle(due_on="2026-12-02"))["payments"]
    await bank(treasury, "2026-11-05", *payments)
    assert await sweep(treasury, datetime(2027, 1, 1, tzinfo=UTC)) == []
    await bank(treasury, "2026-11-09", *payments, status="returned")
    [notice] = await sweep(treasury)
    assert "Die Zahlung kam von der Bank zurück." in notice["text"]


async def test_a_repeated_payment_is_paid(treasury: Treasury) -> None:
    await one_invoice(treasury)
    payments = (await treasury.settle(due_on="2026-12-02"))["payments"]
    await bank(treasury, "2026-11-05", *payments)
    await bank(treasury, "2026-11-09", *payments, status="returned")
    child = await treasury.billing.child()
    await treasury.billing.invoice("c2", [Meal(child, date(2026, 10, 5), {"sgb2": 450})])
    await bank(treasury, "2026-11-20", *(await treasury.settle(due_on="2026-12-02"))["payments"])
    assert await sweep(treasury, datetime(2027, 1, 1, tzinfo=UTC)) == []


async def test_what_is_rejected_is_not_told(treasury: Treasury) -> None:
    await one_invoice(treasury, Outcome.REJECTED)
    assert await sweep(treasury, datetime(2027, 3, 1, tzinfo=UTC)) == []


async def test_a_provider_that_owes_as_much_as_it_gets_is_not_told(treasury: Treasury) -> None:
    billed = await one_invoice(treasury)
    await treasury.settle(due_on="2026-12-01")
    for index in (0, 1):
        await treasury.billing.correction("c1", billed, index)
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, 5), {"sgb2": 900})])
    assert await sweep(treasury) == []
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, 6), {"sgb2": 1})])
    assert len(await sweep(treasury)) == 2


async def test_an_invoice_is_told_once_while_the_notice_is_open_and_never_again_for_the_same_cause(treasury: Treasury) -> None:
    await one_invoice(treasury)
    first = await sweep(treasury)
    assert await sweep(treasury) == first
    # Another cause waits until the office dealt with the first.
    batch = await treasury.draw_up(due_on="2026-11-27")
    assert await sweep(treasury) == first
    await finish(treasury, first[0])
    both = await sweep(treasury)
    assert [n["state"] for n in both] == ["done", "open"]
    await finish(treasury, both[1])
    assert len(await sweep(treasury, datetime(2027, 1, 1, tzinfo=UTC))) == 2
    done(await treasury.step(treasury.finance, batch, "withdrawal"))
    assert len(await sweep(treasury, datetime(2027, 1, 1, tzinfo=UTC))) == 2


async def test_one_notice_names_what_comes_first_in_the_work(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    meals = [Meal(child, date(2026, 10, 5), {"sgb2": 450}), Meal(child, date(2026, 10, 6), {"sgb2": 450}, outcome=Outcome.REVIEW)]
    await treasury.billing.invoice("c1", meals)
    [notice] = await sweep(treasury)
    assert "es geht um 4,50 €: Ein Klärfall ist offen" in notice["text"]


async def test_the_term_is_the_towns(treasury: Treasury) -> None:
    async with treasury.billing.unit() as unit:
        settings = await read_settings(unit)
        await write_settings(unit, replace(settings, payment_term_days=14), 2, RECEIVED)
    await one_invoice(treasury)
    assert await sweep(treasury, datetime(2026, 11, 8, 12, tzinfo=UTC)) == []
    [notice] = await sweep(treasury, datetime(2026, 11, 9, 12, tzinfo=UTC))
    assert "läuft am 16.11.2026 ab" in notice["text"]


async def test_two_processes_at_once_tell_each_invoice_once(treasury: Treasury) -> None:
    for _ in range(7):
        await one_invoice(treasury)
    many = [terms_of(treasury, invoices_at_once=3) for _ in range(4)]
    await asyncio.gather(*(terms.sweep([treasury.town]) for terms in many))
    assert len({n["subject"]["id"] for n in await notices(treasury)}) == len(await notices(treasury)) == 7


async def test_a_process_looks_once_a_day(treasury: Treasury) -> None:
    terms = terms_of(treasury)
    await terms.sweep([treasury.town])
    await one_invoice(treasury)
    await terms.sweep([treasury.town])
    assert await notices(treasury) == []
    terms.clock = FixedClock(datetime(2026, 11, 25, 23, 0, tzinfo=UTC))
    await terms.sweep([treasury.town, "no-such-town"])
    assert len(await notices(treasury)) == 1


async def test_a_town_that_fails_again_and_again_waits_for_tomorrow(treasury: Treasury, monkeypatch: pytest.MonkeyPatch) -> None:
    await one_invoice(treasury)
    terms = terms_of(treasury)

    async def fail(*_: object) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(verb, "add_warnings", fail)
        for _ in range(ATTEMPTS_MAX - 1):
            with pytest.raises(ZeroDivisionError):
                await terms.sweep([treasury.town])
        await terms.sweep([treasury.town])
    await terms.sweep([treasury.town])
    assert await notices(treasury) == []
    terms.clock = FixedClock(datetime(2026, 11, 26, 12, tzinfo=UTC))
    await terms.sweep([treasury.town])
    assert len(await notices(treasury)) == 1


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        ("returned", "Die Zahlung kam von der Bank zurück. Klären Sie das Konto und bezahlen Sie so bald wie möglich noch einmal."),
        ("treasury", "Die Bank hat die Zahlung noch nicht gemeldet. Fragen Sie heute bei der Kasse nach."),
    ],
)
def test_after_the_term_the_text_says_since_when(cause: str, says: str) -> None:
    invoice = AtRisk(UUID(int=1), "c1", date(2026, 11, 2), cause, 2, 900, date(2026, 12, 1))
    text = warning(invoice, date(2026, 12, 3), 30)
    assert text.startswith("Das Zahlungsziel einer Rechnung von c1 ist seit 02.12.2026 überschritten. Sie ging am 02.11.2026 ein,")
    assert says in text


@pytest.mark.parametrize("cause", ["review", "settlement", "order", "returned", "due", "treasury"])
@pytest.mark.parametrize("today", [TERM_ENDS, date(2026, 12, 3)])
def test_no_sentence_is_long(cause: str, today: date) -> None:
    invoice = AtRisk(UUID(int=1), "mensa-rheinland", date(2026, 11, 2), cause, 200, 123_456, date(2026, 12, 1))
    for sentence in warning(invoice, today, 30).split(". "):
        assert len(sentence.split()) <= 22

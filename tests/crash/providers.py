"""What caterers and tutors do in a storm."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from but_gateway.kit.money import parse_money, print_money
from tests.crash.memory import Refused, Told, Wish
from tests.crash.town import BORN, LUNCHED, TAUGHT, Act, Town
from tests.procedures.adjudication.lines import correction, lesson, lunch

JSON = Any
# School days of September and the first half of October 2026 in Nordrhein-Westfalen.
DAYS: Final = tuple(f"2026-09-{day:02d}" for day in (7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 21, 22, 23, 24, 25, 28, 29, 30)) + tuple(
    f"2026-10-{day:02d}" for day in (1, 2, 5, 6, 7, 8, 9)
)
HOURS: Final = (("14:00", "14:45"), ("15:00", "16:30"), ("17:00", "17:45"))
USED: Final = "H-01"


def submitted(_: JSON) -> dict[str, int]:
    """What a submission does."""
    return {"invoice.submit": 1}


def bill(town: Town, number: str, *lines: JSON) -> JSON:
    """An invoice with right sums."""
    shown = []
    for no, line in enumerate(lines, 1):
        body = dict(line)
        child = body.pop("child")
        named = {"entitlement_number": town.numbers[f"{child}-{body['benefit']}"], "date_of_birth": BORN}
        shown.append({"line_no": no, **named, **body})
    total = print_money(sum(parse_money(line["amount"]) for line in shown))
    period = {"from": "2026-09-01", "to": "2026-10-31"}
    return {"number": number, "issued_on": "2026-11-02", "period": period, "total": total, "iban": None, "lines": shown}


async def submit(town: Town, who: str, *lines: JSON, twice: bool = False) -> Told | None:
    """An invoice under a number of its own. ``twice``: sent two times at once with one key, as an impatient client does."""
    number = f"{who}-{town.next()}"
    wish = Wish(who, "POST", "/invoices", bill(town, number, *lines), submitted)
    key = town.client.new_key()
    told = await asyncio.gather(*(town.client.ask(wish, key) for _ in range(2 if twice else 1)))
    if len({one.content for one in told if isinstance(one, Told)}) > 1:
        town.memory.fault(f"two answers to one key: invoice {number}")
    return keep(town, who, list(lines), told[0])


def keep(town: Town, who: str, lines: list[JSON], told: Told | Refused | None) -> Told | None:
    """Remembers an invoice."""
    if not isinstance(told, Told):
        return None
    town.invoices[told.document["id"]] = {"who": who, "lines": lines, "answer": told.document}
    return told


def meals(town: Town) -> list[JSON]:
    """Lunches of some children on some days."""
    chance = town.chance
    return [lunch(child, *sorted(chance.sample(DAYS, chance.randint(1, 3)))) for child in chance.sample(LUNCHED, chance.randint(1, 3))]


async def bill_lunches(town: Town, who: str) -> None:
    """An invoice of lunches."""
    await submit(town, who, *meals(town), twice=town.chance.random() < 0.3)


async def bill_beside_each_other(town: Town, _: str) -> None:
    """Both caterers bill the lunches of one child on the same days at once: each day is paid to one of them."""
    days = sorted(town.chance.sample(DAYS, 4))
    child = town.chance.choice(LUNCHED)
    await asyncio.gather(*(submit(town, who, lunch(child, *days)) for who in ("c1", "c2")))


async def bill_under_one_number(town: Town, who: str) -> None:
    """Two invoices with one number at once, each with a key of its own: one is taken, one is refused."""
    number, lines = f"{who}-{town.next()}", [meals(town), meals(town)]
    wishes = [Wish(who, "POST", "/invoices", bill(town, number, *one), submitted, frozenset({USED})) for one in lines]
    told = await asyncio.gather(*(town.client.ask(wish) for wish in wishes))
    taken = [keep(town, who, one, answer) for one, answer in zip(lines, told, strict=True) if isinstance(answer, Told)]
    if len(taken) != 1:
        town.memory.fault(f"{len(taken)} invoices under the number {number}")


async def bill_lessons(town: Town, who: str) -> None:
    """Lessons, some without a proof, beyond the budget sooner or later; sometimes two invoices for one child at once."""
    chance = town.chance

    def lessons(child: str) -> JSON:
        start, end = chance.choice(HOURS)
        proof = {"proof": f"SN-{town.next()}"} if chance.random() < 0.7 else {"proof": None}
        return lesson(child, chance.choice(DAYS), start, end, tutor=None, **proof)

    child = chance.choice(TAUGHT)
    await asyncio.gather(*(submit(town, who, lessons(child)) for _ in range(chance.randint(2, 4))))


async def cancel(town: Town, who: str) -> None:
    """Cancels an invoice, sometimes two times at once with one key."""
    mine = [i for i, one in town.invoices.items() if one["who"] == who and i not in town.cancelled]
    if not mine:
        return
    chosen = town.chance.choice(mine)
    town.cancelled.add(chosen)
    corrects = any("corrects" in line for line in town.invoices[chosen]["lines"])
    refusals = frozenset({"wrong_state"}) if corrects else frozenset[str]()
    body = {"number": f"{who}-{town.next()}", "issued_on": "2026-11-02"}
    wish = Wish(who, "POST", f"/invoices/{chosen}/cancellation", body, lambda _: {"invoice.cancel": 1}, refusals)
    key = town.client.new_key()
    told = await asyncio.gather(*(town.client.ask(wish, key) for _ in range(town.chance.choice((1, 1, 2)))))
    if isinstance(told[0], Refused):
        town.cancelled.discard(chosen)


async def correct(town: Town, who: str) -> None:
    """Takes a day back that an earlier invoice billed."""
    mine = [one for i, one in town.invoices.items() if one["who"] == who and i not in town.cancelled]
    lines = [
        (one["answer"]["number"], no, line)
        for one in mine
        for no, line in enumerate(one["lines"], 1)
        if "corrects" not in line and line["benefit"] == "lunch"
    ]
    if lines:
        number, no, line = town.chance.choice(lines)
        await submit(town, who, correction(line, number, no, [town.chance.choice(line["service_dates"])]))


async def object_to(town: Town, who: str) -> None:
    """Objects to a line."""
    mine = [one["answer"] for one in town.invoices.values() if one["who"] == who]
    if mine:
        path = f"/invoices/{town.chance.choice(mine)['id']}/objections"
        body = {"line_no": 1, "text": "Das Kind war da."}
        refusals = frozenset({"nothing_to_object", "wrong_state"})
        await town.client.ask(Wish(who, "POST", path, body, lambda _: {"invoice.object": 1}, refusals))


async def check(town: Town, who: str) -> None:
    """Checks children, one or some."""
    children = town.chance.sample(LUNCHED, town.chance.randint(1, 3))
    asked = [
        {
            "benefit": "lunch", "entitlement_number": town.numbers[f"{child}-lunch"], "date_of_birth": BORN, "from": "2026-11-01",
            "to": "2026-11-30", "facility": "s1",
        }
        for child in children
    ]  # fmt: skip
    if len(asked) == 1:
        told = await town.client.ask(Wish(who, "POST", "/eligibility-checks", asked[0]))
        answers = [told.document] if isinstance(told, Told) else []
    else:
        told = await town.client.ask(Wish(who, "POST", "/eligibility-checks/batch", {"checks": asked}))
        answers = told.document["results"] if isinstance(told, Told) else []
    for one in answers:
        if one["id"] in town.memory.checks:
            town.memory.fault("a check's id was given twice")
        town.memory.checks[one["id"]] = one["eligible"]


async def read_changes(town: Town, who: str) -> None:
    """Reads what changed since it was last read."""
    page = await town.client.document(who, f"/changes?limit=500{town.cursors.get(who, '')}")
    town.cursors[who] = f"&after={page['next_cursor']}"
    town.memory.counts["changes read"] += len(page["items"])


CATERER: Final[Mapping[Act, int]] = {
    bill_lunches: 5, bill_under_one_number: 2, bill_beside_each_other: 3, cancel: 2, correct: 2, object_to: 2, check: 3, read_changes: 1,
}  # fmt: skip
TUTOR: Final[Mapping[Act, int]] = {bill_lessons: 6, cancel: 1, object_to: 1, read_changes: 1}

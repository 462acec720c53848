"""The main job up to the decisions, stage by stage, as the machines and people of the town do it. Amounts in cents."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar

from but_gateway.cli.demo.cards import make_cards
from but_gateway.cli.demo.invoices import OCTOBER, SEPTEMBER, Invoice
from but_gateway.cli.demo.lessons import october_lessons
from but_gateway.cli.demo.logins import CLERK, DEPUTY, FINANCE, REGISTRAR
from but_gateway.cli.demo.lunches import Kitchen
from but_gateway.cli.demo.people import Entitlement, draw_people, revoked_rows
from but_gateway.cli.demo.places import FACILITIES, PROVIDERS, Facility, Provider, iban_of, settings
from but_gateway.cli.demo.speaker import Speaker, UnexpectedAnswerError
from but_gateway.kit.chance import Chance
from but_gateway.kit.money import parse_money

SET_UP: Final = "2026-08-31T08:00:00Z"
BEFORE_OCTOBER: Final = "2026-10-01T06:00:00Z"
CHANGES: Final = "2026-10-12T06:00:00Z"
IN_REVIEW: Final = "2026-11-05T09:00:00Z"
OUTCOMES: Final = ("accepted", "reduced", "rejected", "review")
_ROWS_MAX = _CHECKS_MAX = 1000
_AT_ONCE: Final = 3
# The last tutor's account was not confirmed yet by a second person: that payment waits.
_UNCONFIRMED: Final = PROVIDERS[-1]
_SINGLE_REVIEWS: Final = 5

Advance = Callable[[int], None]
_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class Decided:
    """What became of invoices: positions and cents by outcome; ``sums`` of all: claimed, approved, in review, refused."""

    ids: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    claimed: Counter[str] = field(default_factory=Counter)
    approved: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)

    @property
    def invoices(self) -> int:
        """How many invoices there were."""
        return len(self.ids)

    @property
    def positions(self) -> int:
        """How many positions were decided."""
        return self.counts.total()

    def add(self, answer: Any) -> None:  # noqa: ANN401 - JSON
        """Counts an invoice's answer."""
        self.ids.append(answer["id"])
        self.counts.update(answer["counts"])
        self.sums.update({name: parse_money(amount) for name, amount in answer["totals"].items()})
        for line in answer["lines"]:
            # Positions are listed where they differ and were not fully accepted: what is left of the line was.
            listed = [one for one in line["positions"] if one["decision"] != "accepted"]
            rest = "accepted" if line["decision"] == "mixed" or listed else line["decision"]
            for sums, name in ((self.claimed, "claimed"), (self.approved, "approved")):
                for one in listed:
                    sums[one["decision"]] += parse_money(one[name])
                sums[rest] += parse_money(line[name]) - sum(parse_money(one[name]) for one in listed)


class Town:
    """The town's month, played over HTTP. Each stage tells how far it is through ``advance``."""

    def __init__(self, speaker: Speaker, seed: int, children: int) -> None:
        self.speaker = speaker
        self.children = children
        self._chance = Chance(seed, "musterstadt")
        self.entitlements: list[Entitlement] = draw_people(self._chance.named("people"), children)
        self.numbers: dict[str, str] = {}  # by key of the entitlement
        self.calendars: dict[tuple[str, str], Sequence[date]] = {}
        self.september: list[Invoice] = []
        self.october: list[Invoice] = []
        self.later: list[Invoice] = []
        self.decided = Decided()

    # ---- what the town knows
    async def registers(self, advance: Advance) -> None:
        """Settings, facilities with their calendars, providers with agreements and bank accounts."""
        await self.speaker.put(REGISTRAR, "/settings", SET_UP, settings())
        await _together(self._facility, FACILITIES, advance)
        await _together(self._provider, list(enumerate(PROVIDERS, 1)), advance)

    async def _facility(self, facility: Facility) -> int:
        await self.speaker.put(REGISTRAR, f"/facilities/{facility.key}", SET_UP, facility.body())
        for month in (SEPTEMBER, OCTOBER):
            answer = await self.speaker.get(REGISTRAR, f"/facilities/{facility.key}/calendar?month={month}", SET_UP)
            self.calendars[facility.key, str(month)] = [date.fromisoformat(day) for day in answer["open_days"]]
        return 1

    async def _provider(self, numbered: tuple[int, Provider]) -> int:
        number, provider = numbered
        await self.speaker.put(REGISTRAR, f"/providers/{provider.key}", SET_UP, provider.body(number))
        await self.speaker.put(REGISTRAR, f"/agreements/{provider.key}-2026", SET_UP, provider.agreement())
        path = f"/providers/{provider.key}/bank-accounts"
        account = await self.speaker.post(FINANCE, path, SET_UP, {"iban": iban_of(number), "holder": provider.name})
        if provider is not _UNCONFIRMED:
            await self.speaker.post(DEPUTY, f"{path}/{account['id']}/confirmation", SET_UP)
        return 1

    @property
    def grants(self) -> int:
        """How many grants there are."""
        return sum(len(one.grants) for one in self.entitlements)

    async def grants_in(self, advance: Advance) -> None:
        """The case system delivers all grants; families get their numbers."""
        rows = [row for one in (*self.entitlements, *make_cards()) for row in one.rows()]
        for part in _parts(rows, _ROWS_MAX):
            await self._deliver(part, SET_UP)
            advance(len(part))

    async def _deliver(self, rows: list[dict[str, Any]], clock: str) -> None:
        report = await self.speaker.post(REGISTRAR, "/grant-imports", clock, rows)
        if report["rejected"]:
            raise UnexpectedAnswerError(f"the import rejected rows: {report['rejected'][:3]}")
        self.numbers |= {one["key"]: one["entitlement_number"] for one in report["entitlements"]}

    # ---- what providers do
    async def checks(self, advance: Advance) -> int:
        """Before October every provider asks for every child on its list. Gives how many were confirmed."""
        requests = []
        for provider in PROVIDERS:
            mine = [one for one in self.entitlements if one.provider is provider]
            requests += [(provider, part) for part in _parts(mine, _CHECKS_MAX)]

        async def ask(request: tuple[Provider, list[Entitlement]]) -> int:
            provider, mine = request
            body = {"checks": [self._check(one) for one in mine]}
            answer = await self.speaker.post(provider.client, "/eligibility-checks/batch", BEFORE_OCTOBER, body)
            advance(len(mine))
            return sum(result["eligible"] for result in answer["results"])

        return sum(await _together(ask, requests))

    def _check(self, one: Entitlement) -> dict[str, Any]:
        return {
            "benefit": one.benefit,
            "entitlement_number": self.numbers[one.key],
            "date_of_birth": one.child.born.isoformat(),
            "from": OCTOBER.first.isoformat(),
            "to": OCTOBER.last.isoformat(),
            "facility": one.facility,
        }

    async def late_september(self) -> Decided:
        """Two caterers send what was left of September; then the case system delivers revocations."""
        self.september, decided = self._kitchen().september(), Decided()
        await self._send(self.september, decided, _unseen)
        if rows := revoked_rows(self.entitlements):
            await self._deliver(rows, CHANGES)
        return decided

    def write_october(self) -> int:
        """All providers write their invoices of October. Gives how many positions they have."""
        lessons = october_lessons(self._chance, self.entitlements, self.numbers)
        self.october = [*self._kitchen().october(), *lessons]
        return sum(invoice.positions for invoice in self.october)

    async def invoices(self, advance: Advance) -> None:
        """October is decided."""
        await self._send(self.october, self.decided, advance)

    def write_afterwards(self) -> int:
        """Second invoices for the same days, and a correction of a day paid already. Gives how many positions they have."""
        self.later = self._kitchen().afterwards(self.october, self.september)
        return sum(invoice.positions for invoice in self.later)

    async def afterwards(self, advance: Advance) -> None:
        """They are decided."""
        await self._send(self.later, self.decided, advance)

    def _kitchen(self) -> Kitchen:
        return Kitchen(self._chance, self.entitlements, self.numbers, self.calendars)

    async def _send(self, invoices: Iterable[Invoice], decided: Decided, advance: Advance) -> None:
        # One after the other: whoever bills a day first is the same at every run.
        for invoice in invoices:
            answer = await self.speaker.post(invoice.provider.client, "/invoices", invoice.clock, invoice.body())
            decided.add(answer)
            advance(invoice.positions)

    # ---- what the clerk does
    async def reviews(self) -> tuple[int, int]:
        """The clerk accepts one school's holiday care at once and a few lessons one by one. Gives how many were resolved and are left."""
        found = await self.speaker.items(CLERK, "/reviews?state=open", IN_REVIEW)
        rules = [(review, {finding["rule"] for finding in review["findings"] if finding["effect"] == "review"}) for review in found]
        care = [review["id"] for review, why in rules if why == {"M-06"}]
        proofs = [review["id"] for review, why in rules if why == {"L-14"}][:_SINGLE_REVIEWS]
        resolved = 0
        for ids in _parts(care, 500):
            body = {"ids": ids, "decision": "accept", "reason": "Ferienbetreuung der OGS, Liste der Schulleitung liegt vor."}
            answer = await self.speaker.post(CLERK, "/reviews/resolutions", IN_REVIEW, body)
            resolved += sum(item["status"] == 200 for item in answer["items"])  # noqa: PLR2004 - HTTP's own figure
        for review in proofs:
            body = {"decision": "accept", "reason": "Der Stundennachweis wurde nachgereicht."}
            await self.speaker.post(CLERK, f"/reviews/{review}/resolution", IN_REVIEW, body)
            resolved += 1
        return resolved, len(found) - resolved


async def _together(
    work: Callable[[_Thing], Awaitable[_Result]], things: Iterable[_Thing], advance: Advance | None = None
) -> list[_Result]:
    """Does the same to all things, a few at once; results in their order."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(thing: _Thing) -> _Result:
        async with places:
            result = await work(thing)
        if advance is not None:
            advance(1)
        return result

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(thing)) for thing in things]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _unseen(_count: int) -> None:
    """Where nobody watches."""


def _parts(things: list[_Thing], size: int) -> list[list[_Thing]]:
    return [things[start : start + size] for start in range(0, len(things), size)]

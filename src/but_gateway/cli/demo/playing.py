"""Plays the whole round in its order and measures it."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from but_gateway.cli.demo.bank import Reconciled, reconcile
from but_gateway.cli.demo.places import CATERERS, FACILITIES, PROVIDERS, TUTORS
from but_gateway.cli.demo.settling import OCTOBER_BATCH, SEPTEMBER_BATCH, Settled, settle
from but_gateway.cli.demo.speaker import Speaker
from but_gateway.cli.demo.stages import Advance, Decided, Town


class Screen(Protocol):
    """Shows stages as they go."""

    def stage(self, title: str, total: int) -> AbstractContextManager[Advance]:
        """Shows a stage with so many things to do while the block runs; gives what tells it that some more are done."""
        ...


@dataclass(slots=True)
class Played:
    """What the round brought. ``seconds`` by stage."""

    children: int
    entitlements: int
    grants: int
    decided: Decided
    confirmed: int = 0
    reviews_resolved: int = 0
    reviews_open: int = 0
    positions_at_once: int = 0  # of October's invoices, the measured ones
    batches: list[Settled] = field(default_factory=list)
    reconciled: Reconciled | None = None
    requests: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    facilities: int = len(FACILITIES)
    caterers: int = len(CATERERS)
    tutors: int = len(TUTORS)

    def per_second(self, stage: str, count: int) -> int:
        """How many of these a stage did in a second."""
        return round(count / self.seconds[stage])


KeepHouse = Callable[[], Awaitable[None]]


async def play(  # noqa: PLR0913 - who asks, who shows, where to, and which town
    speaker: Speaker, screen: Screen, folder: Path, keep_house: KeepHouse, *, seed: int, children: int
) -> Played:
    """The round: registers, grants, checks, invoices, reviews, settlement, packages into the folder. The clock is the town's own.

    ``keep_house``: what the database does by itself in the days that lie between, but here are seconds.

    Refuses when an answer is not what the round needs (UnexpectedAnswerError) or sums do not agree (SumsDifferError).
    """
    town = Town(speaker, seed, children)
    played = Played(children, len(town.entitlements), town.grants, town.decided)

    @contextmanager
    def stage(name: str, title: str, total: int) -> Iterator[Advance]:
        begun = time.perf_counter()
        with screen.stage(title, total) as advance:
            yield advance
        played.seconds[name] = time.perf_counter() - begun

    with stage("registers", "Einrichtungen, Anbieter, Vereinbarungen, Konten", len(FACILITIES) + len(PROVIDERS)) as advance:
        await town.registers(advance)
    with stage("grants", "Bewilligungen aus dem Fachverfahren", town.grants) as advance:
        await town.grants_in(advance)
        await keep_house()
    with stage("checks", "Berechtigungsprüfungen vor dem Oktober", played.entitlements) as advance:
        played.confirmed = await town.checks(advance)
    with stage("september", "Septemberreste: eingereicht, entschieden, bezahlt", 1) as advance:
        if (await town.late_september()).positions:
            await keep_house()
            played.batches.append(await settle(speaker, SEPTEMBER_BATCH, folder))
        advance(1)
    with stage("invoices", "Abrechnungen Oktober: jede Position sofort entschieden", town.write_october()) as advance:
        await town.invoices(advance)
    played.positions_at_once = town.decided.positions
    with stage("afterwards", "Doppelt Eingereichtes und eine Rechnungskorrektur", town.write_afterwards()) as advance:
        await town.afterwards(advance)
    with stage("reviews", "Klärfälle: die Sachbearbeitung entscheidet einige", 1) as advance:
        await keep_house()
        played.reviews_resolved, played.reviews_open = await town.reviews()
        advance(1)
    with stage("settlement", "Lauf: erstellt, festgestellt, angeordnet, übergeben, geprüft", 1) as advance:
        played.batches.append(await settle(speaker, OCTOBER_BATCH, folder))
        advance(1)
    with stage("bank", "Kontoauszug der Bank: abgeglichen, eine Zahlung kam zurück", 1) as advance:
        played.reconciled = await reconcile(speaker, played.batches)
        advance(1)
    played.requests = speaker.requests
    return played

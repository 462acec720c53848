"""Planted faults, each a mistake somebody might make: the harness must catch every one of them, or its silence says nothing.

``apply`` runs in the app under test before it serves; ``sql`` changes the round's database; ``focus`` names the acts (providers.py,
office.py) that are done more often than usual, ``without`` those that hide the place: a round need not last until the dice find it.
Where two defences stand behind one another, a mutant takes both away: with one of them left nothing wrong happens, which is what it is
there for.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final
from uuid import UUID

from tests.crash.points import GAP, inner, points
from tests.crash.points import replace as put


@dataclass(frozen=True, slots=True)
class Mutant:
    """``says``: the mistake in one line, as the table of docs/reliability.md shows it."""

    name: str
    says: str
    apply: Callable[[], None]
    sql: tuple[str, ...] = ()
    focus: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    by_500: bool = False  # whether being answered with a fault of the program shows it; of others that would show a mutant out of date


def _set(place: object, name: str, value: object) -> None:
    """Puts something in the place of a name. Refuses one that is not there any more (LookupError)."""
    if not hasattr(place, name):
        raise LookupError(f"{place} has no {name}")
    setattr(place, name, value)


def _second_transaction() -> None:
    """The record of the idempotency key is written when the work is committed already."""
    from but_gateway.identity.call import Call  # noqa: PLC0415 - only where the product is loaded
    from but_gateway.web import idempotency  # noqa: PLC0415 - as above

    async def attempt(self: Any, action: Any) -> Any:  # noqa: ANN401 - as the method of Call
        named = {
            "keys": self.keys, "client_id": self.principal.client_id, "key": self.idempotency_key, "request_hash": self.request_hash,
            "recorded_at": self.machine_clock.now(),
        }  # fmt: skip
        made: list[Any] = []

        async def work(unit: Any) -> Any:  # noqa: ANN401 - a UnitOfWork
            if not made:
                made.append(await action(unit))
                return replace(made[0], keep=False)
            return made[0]

        async with self.transaction() as unit:
            answer = await idempotency.once(unit, work, **named)
            unit.keep = True
        if made and made[0].keep:
            points.reach(GAP)
            async with self.transaction() as unit:
                answer = await idempotency.once(unit, work, **named)
        return answer

    _set(Call, "_attempt", attempt)


def _record_first() -> None:
    """The answer is kept before the work is committed, and stays when that is rolled back."""
    from but_gateway.web import idempotency  # noqa: PLC0415 - only where the product is loaded

    plain = idempotency.once

    async def once(unit: Any, action: Any, **named: Any) -> Any:  # noqa: ANN401 - as the function itself
        async with inner.transaction(unit.connection.engine, unit.scope) as second:
            response = await plain(second, lambda _: action(unit), **named)
            unit.keep = second.keep
        points.reach(GAP)
        return response

    put(plain, once)


def _no_turn_for_keys() -> None:
    """Two requests with one key are let through at once: no lock, and the second record is dropped silently."""
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - only where the product is loaded

    from but_gateway.web import idempotency  # noqa: PLC0415 - as above

    numbers = count(os.getpid() << 20)
    put(idempotency._lock_key, lambda _client, _key: next(numbers))  # noqa: SLF001 - a mutant reaches where it should not
    _set(idempotency, "insert", lambda table: insert(table).on_conflict_do_nothing())


def _draw_up_without_lock() -> None:
    """Draw-ups of a town do not wait for each other, and claim what they read before."""
    from but_gateway.procedures.settlement import draw_store  # noqa: PLC0415 - only where the product is loaded

    async def nobody(_: Any) -> None:  # noqa: ANN401 - a UnitOfWork
        """No turn."""

    async def unlocked(unit: Any, positions: str, *parameters: object) -> list[Any]:  # noqa: ANN401 - a UnitOfWork
        rows = await unit.driver.fetch(f"SELECT c.id FROM child c WHERE c.municipality_id = $1 AND c.id IN ({positions})", *parameters)  # noqa: S608 - as the original
        await asyncio.sleep(0.02)
        return [row["id"] for row in rows]

    put(draw_store.take_turn, nobody)
    _set(draw_store, "_lock_children", unlocked)


def _number_unchecked() -> None:
    """The number of an invoice is looked for and then taken; no key forbids the second one."""
    from but_gateway.registers.invoices import store  # noqa: PLC0415 - only where the product is loaded

    async def insert_invoice(unit: Any, values: dict[str, Any]) -> bool:  # noqa: ANN401 - a UnitOfWork
        here = (unit.municipality_id, values["provider_id"], values["number"])
        if await unit.driver.fetchval("SELECT 1 FROM invoice WHERE municipality_id = $1 AND provider_id = $2 AND number = $3", *here):
            return False
        names = list(values)
        places = ", ".join(f"${i}" for i in range(2, len(names) + 2))
        statement = f"INSERT INTO invoice (municipality_id, {', '.join(names)}) VALUES ($1, {places})"  # noqa: S608 - as the original
        await unit.driver.execute(statement, unit.municipality_id, *values.values())
        return True

    put(store.insert_invoice, insert_invoice)


def _without_locks() -> None:
    """Children are read and not locked: what was found free may be gone when it is written."""
    from but_gateway.procedures.adjudication import store  # noqa: PLC0415 - only where the product is loaded
    from but_gateway.registers.municipalities.redecision_store import share_registers  # noqa: PLC0415 - as above

    async def lock_children(unit: Any, child_ids: Any) -> Any:  # noqa: ANN401 - as the original
        await share_registers(unit)
        statement = "SELECT id, decision_seq, date_of_birth FROM child WHERE municipality_id = $1 AND id = ANY($2) ORDER BY id"
        return await unit.driver.fetch(statement, unit.municipality_id, sorted(child_ids))

    async def take_turns(_unit: Any, _providers: Any) -> None:  # noqa: ANN401 - as the original
        """No turn."""

    put(store.lock_children, lock_children)
    put(store.take_turns, take_turns)


def _files_later() -> None:
    """The files of a package are stored when the hand-over is committed already."""
    from but_gateway.procedures.settlement import package_store  # noqa: PLC0415 - only where the product is loaded

    plain, later = package_store.insert_file, inner.transaction
    waiting: dict[int, list[tuple[Any, ...]]] = {}

    async def insert_file(unit: Any, keys: Any, batch_id: Any, file: Any, parts: Any) -> None:  # noqa: ANN401 - as the original
        waiting.setdefault(id(unit), []).append((keys, batch_id, file, list(parts)))

    @asynccontextmanager
    async def transaction(engine: Any, scope: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as the original
        files = []
        async with later(engine, scope) as unit:
            try:
                yield unit
            finally:
                files = waiting.pop(id(unit), [])
        if files:
            points.reach(GAP)
            async with later(engine, scope) as second:
                for one in files:
                    await plain(second, *one)

    put(plain, insert_file)
    inner.transaction = transaction


def _too_early() -> None:
    """Commits are acknowledged before they are on disk."""
    from but_gateway.db import engine  # noqa: PLC0415 - only where the product is loaded

    plain = vars(engine)["create_async_engine"]

    def hasty(url: Any, **named: Any) -> Any:  # noqa: ANN401 - as the original
        named["connect_args"]["server_settings"] |= {"synchronous_commit": "off"}
        return plain(url, **named)

    _set(engine, "create_async_engine", hasty)


def _end_later() -> None:
    """What belongs right before the commit is done after it, in a transaction of its own."""
    plain = inner.transaction

    @asynccontextmanager
    async def transaction(engine: Any, scope: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as the original
        last = []
        async with plain(engine, scope) as unit:
            yield unit
            if unit.keep:
                last = [work for key, work in unit.at_end.items() if key != "tests.crash.points"]
                unit.at_end = {key: work for key, work in unit.at_end.items() if key == "tests.crash.points"}
        if last:
            points.reach(GAP)
            async with plain(engine, scope) as second:
                for work in last:
                    await work(second)

    inner.transaction = transaction


def _done_before_doing() -> None:
    """A chunk of a re-decision is noted as done, then done."""
    from but_gateway.db.tenancy import Scope  # noqa: PLC0415 - as above
    from but_gateway.jobs.redecisions import Redecisions  # noqa: PLC0415 - only where the product is loaded
    from but_gateway.procedures.adjudication.redecide import redecide_children  # noqa: PLC0415 - as above
    from but_gateway.procedures.redecision import store as touched  # noqa: PLC0415 - as above
    from but_gateway.registers.municipalities import redecision_store  # noqa: PLC0415 - as above

    async def chunk(self: Any, town: Any, redecision_id: Any) -> bool:  # noqa: ANN401 - as the method
        async with self.database.transaction(Scope(town.id)) as unit:
            job = await redecision_store.find_redecision(unit, redecision_id)
            if job is None or job.state != redecision_store.RUNNING:
                return False
            found = await touched.touched_children(unit, job.touches, job.after_child, 100)
            await redecision_store.save_redecision(
                unit, job.id, after_child=found[-1] if found else None, children=len(found), changed=0, finished_at=self.clock.now()
            )
        points.reach(GAP)
        async with self.database.transaction(Scope(town.id)) as unit:
            await redecide_children(unit, town, self.directory.keys(town), found, at=job.at)
        return False

    _set(Redecisions, "_chunk", chunk)


def _progress_apart() -> None:
    """The progress of an import is committed first, its rows after it."""
    from but_gateway.jobs import grant_imports  # noqa: PLC0415 - only where the product is loaded
    from but_gateway.procedures.intake import store  # noqa: PLC0415 - as above

    plain = vars(grant_imports)["import_rows"]

    async def import_rows(unit: Any, report: Any, **named: Any) -> Any:  # noqa: ANN401 - as the original
        job = await store.find_import(unit, UUID(named["reference"]), lock=True)
        assert job is not None
        progress = job.progress + len(named["rows"])
        await store.save_progress(unit, job.id, progress, report, named["at"] if progress >= job.total else None)
        await unit.driver.execute(f"COMMIT; BEGIN; {unit.scope.statement()}")
        points.reach(GAP)
        return await plain(unit, report, **named)

    _set(grant_imports, "import_rows", import_rows)


def _commit_in_between() -> None:
    """An invoice is committed before it is decided."""
    from but_gateway.procedures.adjudication import ruling_store  # noqa: PLC0415 - only where the product is loaded

    plain = ruling_store.insert_decisions

    async def insert_decisions(unit: Any, *arguments: Any) -> None:  # noqa: ANN401 - as the original
        await unit.driver.execute(f"COMMIT; BEGIN; {unit.scope.statement()}")
        points.reach(GAP)
        await plain(unit, *arguments)

    put(plain, insert_decisions)


def _all_is_our_fault() -> None:
    """A lost database is taken for a fault of the program."""
    from but_gateway.db.trouble import trouble_of  # noqa: PLC0415 - only where the product is loaded

    put(trouble_of, lambda _: None)


def _answer_before_log() -> None:
    """A check is answered before its entry in the access log is committed."""
    running = set()

    @asynccontextmanager
    async def transaction(database: Any, scope: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as the original
        connection = await database.pool.acquire()
        await connection.execute(f"BEGIN; {scope.statement()}")
        try:
            yield connection
        except BaseException:
            await database.pool.release(connection)
            raise

        async def finish() -> None:
            try:
                await asyncio.sleep(0.01)
                points.reach(GAP)
                await connection.execute("COMMIT")
            finally:
                await database.pool.release(connection)

        task = asyncio.create_task(finish())
        running.add(task)
        task.add_done_callback(running.discard)

    inner.short = transaction


def _focus(*acts: str) -> frozenset[str]:
    return frozenset(acts)


_ALL: Final = (
    Mutant(
        "second-transaction",
        "the idempotency record is written in a second transaction, after the work",
        _second_transaction,
    ),
    Mutant("record-first", "the answer is stored before the work is committed and stays when that is rolled back", _record_first),
    Mutant(
        "no-turn-for-keys",
        "two requests with one idempotency key are let through at once",
        _no_turn_for_keys,
        focus=_focus("cancel", "note_family_payment", "bill_lunches"),
    ),
    Mutant(
        "draw-up-without-lock",
        "draw-ups neither wait for each other nor lock what they claim",
        _draw_up_without_lock,
        focus=_focus("draw_up"),
        by_500=True,
    ),
    Mutant(
        "number-unchecked",
        "the number of an invoice is looked for before it is taken, and no unique key stands behind it",
        _number_unchecked,
        ("ALTER TABLE invoice DROP CONSTRAINT uq_invoice_municipality_id_provider_id_number CASCADE",),
        _focus("bill_under_one_number"),
    ),
    Mutant(
        "budget-before-lock",
        "the budget is checked without the child's lock, and no CHECK stands behind it",
        _without_locks,
        ("ALTER TABLE entitlement_grant DROP CONSTRAINT ck_entitlement_grant_within_budget",),
        _focus("bill_lessons"),
    ),
    Mutant(
        "lunch-slot-dropped",
        "lunches are decided without the child's lock, and no unique key holds the day",
        _without_locks,
        ("ALTER TABLE lunch_slot DROP CONSTRAINT pk_lunch_slot CASCADE",),
        _focus("bill_beside_each_other"),
    ),
    Mutant(
        "export-outside",
        "the export's files are stored in a transaction of their own, after the hand-over",
        _files_later,
        focus=_focus("move_on"),
    ),
    Mutant("too-early", "synchronous_commit is off: commits are acknowledged before they are on disk", _too_early),
    Mutant(
        "end-after-commit",
        "what belongs right before the commit (what providers are told) is done after it",
        _end_later,
        focus=_focus("resolve", "change_price", "move_on"),
    ),
    Mutant(
        "done-before-doing",
        "a re-decision is marked as done before it is done",
        _done_before_doing,
        focus=_focus("bill_lunches"),
        without=_focus("draw_up", "move_on", "step_aside"),
    ),
    Mutant(
        "progress-apart",
        "the progress of a grant import is committed apart from its rows",
        _progress_apart,
        focus=_focus("grant_many"),
    ),
    Mutant("commit-in-between", "an invoice is committed before its decisions are written", _commit_in_between),
    Mutant("all-our-fault", "a lost database is answered as a fault of the program", _all_is_our_fault, by_500=True),
    Mutant("answer-before-log", "a check is answered before its access log is committed", _answer_before_log, focus=_focus("check")),
)
BY_NAME: Final[dict[str, Mutant]] = {mutant.name: mutant for mutant in _ALL}

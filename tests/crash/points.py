"""Named crash points of every writing verb, put in place around the two doors that all of them go through; the product knows nothing of it.

Every verb writes its audit record, which names the action, and only the UnitOfWork commits. Around these two stand
``ACTION:recorded`` (all but the end is written), ``ACTION:before-commit`` (also what is done right before the commit) and
``ACTION:after-commit`` (nobody was answered yet). Checks write no audit record; they have a transaction of their own, and so have points
of it. A process may be doomed: it kills itself the nth time it comes to one
of some points.
"""

import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

RECORDED: Final = "recorded"
BEFORE: Final = "before-commit"
AFTER: Final = "after-commit"
CHECK: Final = "eligibility.check"
COUNT: Final = "identity.admit"
# What writes without an audit record: a check is in the access log, identity failures are counted whatever becomes of the request.
GAP: Final = "gap"  # what a mutant tears open is a point like any other
UNRECORDED: Final = (f"{CHECK}:{BEFORE}", f"{CHECK}:{AFTER}", f"{COUNT}:{AFTER}")


def points_of(action: str) -> tuple[str, str, str]:
    """The points of a verb."""
    return f"{action}:{RECORDED}", f"{action}:{BEFORE}", f"{action}:{AFTER}"


@dataclass(slots=True)
class Points:
    """What a process has come to. ``doomed``: where it dies, the ``nth`` time it comes to any of them."""

    journal: Callable[[str], None]
    doomed: frozenset[str] = frozenset()
    nth: int = 1
    _seen: set[str] = field(default_factory=set)

    def reach(self, name: str) -> None:
        """The process is at a point now."""
        if name not in self._seen:
            self._seen.add(name)
            self.journal(f"reached {name}")
        if name in self.doomed:
            self.nth -= 1
            if self.nth <= 0:
                self.journal(f"died {name}")
                os.kill(os.getpid(), signal.SIGKILL)


points = Points(lambda _: None)
# What the points stand around. Looked up at every call, so that a mutant may put something else in the place.
inner: Final = SimpleNamespace()
_recorded: Final[defaultdict[int, list[str]]] = defaultdict(list)


def replace(old: object, new: object) -> None:
    """Puts something in the place of something else, wherever a loaded module of the product names it. Refuses what nobody names."""
    found = False
    for name, module in list(sys.modules.items()):
        if name == "but_gateway" or name.startswith("but_gateway."):
            for key, value in list(vars(module).items()):
                if value is old:
                    setattr(module, key, new)
                    found = True
    if not found:
        raise LookupError(f"nobody names {old}")


def install() -> None:
    """Stands the points around the doors. To be called when the app is loaded and before it serves."""
    from but_gateway.audit.record import record  # noqa: PLC0415 - only where the product is loaded
    from but_gateway.db.engine import Database  # noqa: PLC0415 - as above
    from but_gateway.db.session import transaction  # noqa: PLC0415 - as above
    from but_gateway.registers.entitlements.guard import admit  # noqa: PLC0415 - as above

    inner.record, inner.transaction, inner.short, inner.admit = record, transaction, Database.short_transaction, admit
    replace(record, _record)
    replace(transaction, _transaction)
    Database.short_transaction = _short_transaction  # type: ignore[assignment,method-assign] # a method, which no module names
    replace(admit, _admit)


async def _record(unit: Any, *, action: str, **entry: Any) -> None:  # noqa: ANN401 - what the record takes
    await inner.record(unit, action=action, **entry)
    _recorded[id(unit)].append(action)
    points.reach(f"{action}:{RECORDED}")


@asynccontextmanager
async def _transaction(engine: Any, scope: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as the UnitOfWork's own
    actions: list[str] = []
    unit = None
    try:
        async with inner.transaction(engine, scope) as unit:
            yield unit
            actions = list(dict.fromkeys(_recorded.pop(id(unit), ()))) if unit.keep else []

            async def last(_: Any) -> None:  # noqa: ANN401 - the unit again
                for action in actions:
                    points.reach(f"{action}:{BEFORE}")

            unit.at_end[__name__] = last
    finally:
        _recorded.pop(id(unit), None)
    for action in actions:
        points.reach(f"{action}:{AFTER}")


@asynccontextmanager
async def _short_transaction(database: Any, scope: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as the Database's own
    """Checks see all of the town; the guard counts as the provider that asks."""
    is_check = scope.provider_id is None
    async with inner.short(database, scope) as driver:
        yield driver
        if is_check:
            points.reach(f"{CHECK}:{BEFORE}")
    if is_check:
        points.reach(f"{CHECK}:{AFTER}")


async def _admit(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as the guard's own
    await inner.admit(*arguments, **named)
    points.reach(f"{COUNT}:{AFTER}")

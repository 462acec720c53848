"""How many statements an invoice sends to the database: no more the longer it is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Engine, event

from tests.procedures.adjudication.lines import JSON, lesson, lunch
from tests.procedures.adjudication.town import Town, open_town, served

STATEMENTS_MAX = 40
OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'")  # once for each new connection: it asks for the types of arrays
CHILDREN = [f"K{i}" for i in range(60)]
DAYS = [f"2026-10-{day:02d}" for day in range(1, 16)]
LATER = [f"2026-09-{day:02d}" for day in range(1, 21)]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that reach the database over connections opened from now on, straight through asyncpg or by way of SQLAlchemy."""
    statements: list[str] = []
    make = asyncpg.Connection.__init__

    def made(self: asyncpg.Connection, *arguments: object, **named: object) -> None:
        make(self, *arguments, **named)
        self.add_query_logger(lambda logged: statements.append(logged.query))

    def executed(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    monkeypatch.setattr(asyncpg.Connection, "__init__", made)
    event.listen(Engine, "before_cursor_execute", executed)
    yield statements
    event.remove(Engine, "before_cursor_execute", executed)


@pytest.fixture
async def town(heard: list[str], new_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Town]:
    """A town of an instance whose connections are all listened to."""
    async with served(new_database(), tmp_path) as instance:
        made = await open_town(instance)
        assert heard, "nobody listens"
        yield made
        await made.assert_sound()


async def statements_of(town: Town, heard: list[str], by: str, *lines: JSON) -> int:
    """How many an invoice takes; all of it must be decided."""
    await town.need_provider(by)
    await town.need_facility("s1")
    await town.token(by)
    heard.clear()
    answer = await town.send(by, *lines)
    await asyncio.sleep(0)  # they are told in the loop's next turn
    assert answer.status_code == 201, answer.text
    return sum(not any(own in statement for own in OF_THE_DRIVER) for statement in heard)


async def test_an_invoice_of_one_or_of_many_positions_takes_forty_statements_at_most(town: Town, heard: list[str]) -> None:
    for child in CHILDREN:
        await town.grant(child)
    one = await statements_of(town, heard, "c1", lunch("K0", "2026-10-30"))
    many = await statements_of(town, heard, "c1", *(lunch(child, *LATER) for child in CHILDREN))
    again = await statements_of(town, heard, "c1", *(lunch(child, *DAYS) for child in CHILDREN))
    assert one <= many <= STATEMENTS_MAX
    assert again <= STATEMENTS_MAX


async def test_an_invoice_upon_days_that_others_hold_takes_forty_statements_at_most(town: Town, heard: list[str]) -> None:
    for child in CHILDREN:
        await town.grant(child)
    await town.bill("c1", *(lunch(child, *DAYS) for child in CHILDREN[:5]))
    assert await statements_of(town, heard, "c2", *(lunch(child, *DAYS, facility="s1") for child in CHILDREN[:5])) <= STATEMENTS_MAX


async def test_an_invoice_of_lessons_takes_forty_statements_at_most(town: Town, heard: list[str]) -> None:
    for child in CHILDREN[:5]:
        await town.grant(child, "tutoring")
    lessons = [lesson(child, day, tutor=f"T{i}") for i, child in enumerate(CHILDREN[:5]) for day in DAYS[:3]]
    assert await statements_of(town, heard, "t1", *lessons) <= STATEMENTS_MAX

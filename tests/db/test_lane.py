"""Statements in a lane: in their order, one at a time, and an error never lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from but_gateway.db.lane import Lane


async def test_statements_run_in_their_order_and_one_at_a_time() -> None:
    told: list[str] = []

    async def statement(name: str) -> None:
        told.append(f"begin {name}")
        await asyncio.sleep(0)
        told.append(f"end {name}")

    async with Lane() as lane:
        for name in "abc":
            await lane.put(statement(name))
    assert told == ["begin a", "end a", "begin b", "end b", "begin c", "end c"]


async def run(*statements: Coroutine[Any, Any, None], error: Exception | None = None) -> None:
    async with Lane() as lane:
        for one in statements:
            await lane.put(one)
        if error is not None:
            raise error


async def test_an_error_comes_up_at_the_latest_with_the_end_of_the_block() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        await run(fail())


async def test_after_an_error_nothing_more_is_sent() -> None:
    sent: list[str] = []

    async def fail() -> None:
        raise RuntimeError("refused")

    async def send(name: str) -> None:
        sent.append(name)

    with pytest.raises(RuntimeError, match="refused"):
        await run(fail(), send("behind"))
    assert sent == []


async def test_an_error_of_the_caller_goes_before_one_of_a_statement() -> None:
    async def fail() -> None:
        raise RuntimeError("refused")

    with pytest.raises(ValueError, match="of the caller"):
        await run(fail(), error=ValueError("of the caller"))

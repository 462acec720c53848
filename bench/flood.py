"""``make flood``: four times more requests than can be answered. What is accepted is there afterwards, what is too much is refused at once.

First the capacity: small invoices over a few connections, one after the other on each. Then so many a second that four times the capacity
arrives, whatever becomes of those before. It fails (exit code 1) when something accepted is lost, when something else is there, or when
less than 70 % of the capacity is answered meanwhile: run it on a machine that does nothing else.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from load import http_request
from measure import database, server
from town import Town, school_days

CHILDREN = 1000
CONNECTIONS = 16
TIMES = 4
GOODPUT_MIN = 0.7  # of the capacity
LOST = 0  # the status of a request whose connection broke


@dataclass
class Flood:
    """Requests on their way, and what became of them: status, seconds, number."""

    town: Town
    port: int
    days: list[str]
    sent: int = 0
    answers: list[tuple[int, float, str]] = field(default_factory=list)
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    def request(self) -> tuple[str, bytes]:
        """The next invoice of one lunch, with a number of its own."""
        number = f"F-{self.sent}"
        child, day = self.sent % CHILDREN, self.days[self.sent // CHILDREN % len(self.days)]
        self.sent += 1
        body = json.dumps(self.town.invoice(number, range(child, child + 1), [day])).encode()
        headers = {"Content-Type": "application/json", **self.town.headers(self.town.provider)}
        return number, http_request("POST", f"/v1/municipalities/{self.town.key}/invoices", headers, body)

    async def one(self) -> None:
        """Sends one request over a connection that is free, or a new one."""
        number, request = self.request()
        begin = time.perf_counter()
        try:
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            status = int(head[9:12])
            self.idle.append((reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            status = LOST
        self.answers.append((status, time.perf_counter() - begin, number))

    async def closed(self, seconds: float, before: int = 0) -> float:
        """Accepted invoices per second, each connection waiting for its answer."""

        async def lane(until: float) -> None:
            while time.perf_counter() < until:
                await self.one()

        begin = time.perf_counter()
        await asyncio.gather(*(lane(begin + seconds) for _ in range(CONNECTIONS)))
        return (self.accepted() - before) / (time.perf_counter() - begin)

    async def open(self, seconds: float, rate: float) -> float:
        """Accepted invoices per second, while ``rate`` of them are sent whatever becomes of those before."""
        begin, tasks, before = time.perf_counter(), set[asyncio.Task[None]](), self.accepted()
        planned = int(seconds * rate)
        for place in range(planned):
            await asyncio.sleep(max(0.0, begin + place / rate - time.perf_counter()))
            task = asyncio.create_task(self.one())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        sending = time.perf_counter() - begin
        await asyncio.gather(*tasks)
        took = time.perf_counter() - begin
        print(f"{planned:,} requests sent in {sending:.1f} s ({planned / sending:,.0f}/s), the last answered after {took:.1f} s")
        return (self.accepted() - before) / took

    def accepted(self) -> int:
        """How many were answered with 201."""
        return sum(status == 201 for status, _, _ in self.answers)  # noqa: PLR2004 - created


def kept(town: Town) -> set[str]:
    """The numbers of all invoices that the town has."""
    numbers, cursor = set[str](), ""
    while True:
        query = f"limit=500{cursor}"
        answer = town.http.get(f"/v1/municipalities/{town.key}/invoices?{query}", headers=town.headers(town.provider)).json()
        numbers |= {item["number"] for item in answer["items"]}
        if answer["next_cursor"] is None:
            return numbers
        cursor = f"&cursor={answer['next_cursor']}"


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=8)
    seconds: float = options.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="but-flood-") as folder, database(Path(folder)) as environ:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        with server(environ, [sys.executable, "-m", "but_gateway", "serve"], "--port") as served:
            town = Town(f"http://127.0.0.1:{served.port}", environ)
            town.children(CHILDREN)
            flood = Flood(town, served.port, school_days(20))
            share = asyncio.run(measure(flood, seconds))
            numbers = {number for status, _, number in flood.answers if status == 201}  # noqa: PLR2004 - created
            unknown = {number for status, _, number in flood.answers if status == LOST}
            there = kept(town)
    print(f"accepted and lost: {len(numbers - there)}; there though refused: {len(there - numbers - unknown)}")
    if numbers - there or there - numbers - unknown or share < GOODPUT_MIN:
        raise SystemExit(1)


async def measure(flood: Flood, seconds: float) -> float:
    """Capacity, then the flood; what share of the capacity was answered in it."""
    await flood.closed(2)  # the first requests fill caches
    before = flood.accepted()
    peak = await flood.closed(seconds, before)
    before = len(flood.answers)
    print(f"capacity: {peak:,.0f} invoices/s over {CONNECTIONS} connections")
    goodput = await flood.open(seconds, TIMES * peak)
    print(f"at {TIMES} times the capacity: {goodput:,.0f} invoices/s accepted, {100 * goodput / peak:.0f} % of the capacity")
    for status, count in sorted(Counter(status for status, _, _ in flood.answers[before:]).items()):
        times = sorted(taken for answered, taken, _ in flood.answers[before:] if answered == status)
        middle, late = statistics.median(times), times[int(len(times) * 0.99)]
        print(f"  {status or 'broken'}: {count:,}, median {1000 * middle:.0f} ms, p99 {1000 * late:.0f} ms")
    return goodput / peak


if __name__ == "__main__":
    main()

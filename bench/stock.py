"""How the cost of everyday work grows with what a town has stored already: from nothing to ten million positions.

A town of its own is filled by copies (``multiply.py``) to one size after the other. At each the same things are done and timed: invoices,
checks, a batch, pages of every list, reports, and what the worker does. Beside it stands an empty town in the same database: where the
figures begin, and, looked at once more at the end, what another town's stock costs those who have none.
"""

import asyncio
import os
import random
import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import httpx
from checks import CHECKS, CONNECTIONS, YES, check_requests
from invoices import bill
from load import run_load
from measure import Server
from multiply import Multiplier, Recipient
from sqlalchemy import make_url
from template import Office, bill_odd, make_template
from town import Town
from work import WORK, do

from but_gateway.db.engine import connect_arguments
from but_gateway.db.fields import MasterKey
from but_gateway.kit.ids import first_id_at, new_id
from but_gateway.web.pagination import encode_cursor

SIZES: Final = (100_000, 1_000_000, 3_000_000, 10_000_000)
CHILDREN: Final = 500  # of the template: 10,000 positions
SHAPES: Final = ((1, 1, 20), (50, 20, 5), (500, 20, 1))  # lines, days, how many in a round
SEALED_WITHIN: Final = 3600
TIMES: Final = 5  # each read, unless it takes long
LONG_ENOUGH: Final = 10_000  # milliseconds
FREE_AT_LEAST: Final = 6 * 2**30
BYTES_OF_EACH: Final = 3_400  # a stored position with all that hangs on it


@dataclass
class Table:
    """Milliseconds by what was done, and at which stock."""

    stocks: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, stock: str, what: str, milliseconds: float) -> None:
        """Keeps a figure and shows it."""
        if stock not in self.stocks:
            self.stocks.append(stock)
        row = self.rows.setdefault(what, {})
        row[stock] = milliseconds
        first = row[next(iter(row))]
        print(f"  {what:60}{milliseconds:12,.2f} ms   x {milliseconds / first:.2f}" if first else what, flush=True)

    def show(self) -> None:
        """All of it, each figure with its ratio to the first."""
        print("\n" + f"{'milliseconds (and times the empty town)':60}" + "".join(f"{stock:>20}" for stock in self.stocks))
        for what, row in self.rows.items():
            first = row.get(self.stocks[0]) or next(iter(row.values()))
            cells = (f"{row[s]:,.1f} ({row[s] / first:.1f})" if s in row else "" for s in self.stocks)
            print(f"{what:60}" + "".join(f"{cell:>20}" for cell in cells))


@dataclass
class Stock:
    """A town that is filled, and all it takes to measure it."""

    office: Office
    server: Server
    environ: Mapping[str, str]
    rounds: int
    table: Table
    numbers: list[str] = field(default_factory=list)  # of children anywhere in the stock

    @property
    def town(self) -> Town:
        """The town."""
        return self.office.town

    def measure(self, stock: str) -> None:
        """Everything once, at the size the town has now."""
        town, add = self.town, self.table.add
        print(f"\n{town.key} with {stock}, load {os.getloadavg()[0]:.1f}", flush=True)
        self.office.renew()
        needed = sum(lines * times * self.rounds for lines, _, times in SHAPES) + 70
        town.children(1000 * -(-needed // 1000))
        number = f"R-{town.billed}"
        bill(town, 50, 20)  # plans are made, pages are warm
        bill_odd(town, f"O-{town.billed}", range(town.billed, town.billed + 20), odd=True)
        town.billed += 20
        for lines, days, times in SHAPES:
            seconds = [bill(town, lines, days) for _ in range(times * self.rounds)]
            add(stock, f"invoice of {lines * days:,} lunches, lines x days = {lines} x {days}", 1000 * statistics.median(seconds))
        self._check(stock)
        settled = self.office.settle()
        for name, seconds_each in (("drawn up", settled.drawn_up), ("handed over", settled.handed_over)):
            add(stock, f"batch of new positions, {name}, each 1,000 positions", 1e6 * seconds_each / settled.positions)
        self.office.renew()
        for name, path, role in reads_of(self.office, number, settled.batch_id):
            self.office.renew()  # tokens last ten minutes, and reports of a large town may take some
            token = {"provider": town.provider, "registrar": town.registrar}.get(role) or self.office.tokens[role]
            self._try(stock, name, lambda path=path, token=token: _get(town, path, token))
        for name in WORK:
            self._try(stock, name, lambda name=name: 1000 * asyncio.run(do(name, town.key, self.environ)))
        begin = time.perf_counter()
        town.command("retention", "--municipality", town.key)
        add(stock, "retention, dry run, with the command's start", 1000 * (time.perf_counter() - begin))

    def _try(self, stock: str, name: str, action: Callable[[], float]) -> None:
        """Adds the median of some milliseconds, of fewer where it takes long; what fails is said and left out of the table."""
        found: list[float] = []
        try:
            while len(found) < TIMES and sum(found) < LONG_ENOUGH:
                found.append(action())
        except (httpx.HTTPError, TimeoutError, asyncpg.PostgresError) as error:
            print(f"  {name:60}failed: {type(error).__name__} {str(error)[:200]}", flush=True)
        else:
            self.table.add(stock, name, statistics.median(found))

    def _check(self, stock: str) -> None:
        numbers = self.numbers or self.town.numbers
        asked = random.Random(len(numbers)).sample(numbers, min(CHECKS, len(numbers)))  # noqa: S311 - which children is no secret
        requests = check_requests(self.town, asked, CHECKS)
        run_load(self.server.port, requests[:1000], YES, CONNECTIONS)
        loads = [run_load(self.server.port, requests, YES, CONNECTIONS) for _ in range(self.rounds)]
        self.table.add(
            stock, "check, 64 at once, of children all over the stock, each", statistics.median(1000 / one.rate for one in loads)
        )
        for share in (0.5, 0.99):
            value = 1000 * statistics.median(one.percentile(share) for one in loads)
            self.table.add(stock, f"  answered within, {100 * share:.0f} of 100", value)
        lone = run_load(self.server.port, requests[:200], YES, 1)
        self.table.add(stock, "check, one after the other, half within", 1000 * lone.percentile(0.5))


def measure_stock(town: Town, served: Server, environ: Mapping[str, str], rounds: int, positions: int) -> None:
    """Fills and measures, size by size, and prints the table. ``town`` is the one that stays empty until the end."""
    table = Table()
    beside = Stock(Office.of(town), served, environ, rounds, table)
    try:
        beside.measure("0")
        filled = Town(f"http://127.0.0.1:{served.port}", environ)
        stock = Stock(make_template(filled, CHILDREN), served, environ, rounds, table)
        asyncio.run(_grow(stock, [size for size in SIZES if size < positions] + [positions]))
        beside.measure("0, other town full")
    finally:
        table.show()


async def _grow(stock: Stock, sizes: list[int]) -> None:
    connection = await asyncpg.connect(**connect_arguments(make_url(stock.environ["BUT_DATABASE_URL"])))
    try:
        # Copies refer to what is copied with them: a foreign key would ask for each row what is known of all. The test asks.
        await connection.execute("SET session_replication_role = replica")
        multiplier = await open_multiplier(connection, stock.town.key, Path(stock.environ["BUT_MASTER_KEY_FILE"]))
        folder = Path(await connection.fetchval("SHOW data_directory"))
        for size in sizes:
            if not _room(folder, size - multiplier.positions * (multiplier.made + 1)):
                print(f"\nno room for {size:,} positions: stopped before", flush=True)
                return
            await fill(connection, multiplier, size, stock.numbers)
            await asyncio.to_thread(stock.measure, f"{size:,}")
    finally:
        await connection.close()


async def fill(connection: asyncpg.Connection, multiplier: Multiplier, size: int, numbers: list[str]) -> None:
    """Copies until a town has so many positions, then leaves the tables as autovacuum would, with everything sealed."""
    begin, before = time.perf_counter(), multiplier.made
    while (multiplier.made + 1) * multiplier.positions < size:
        numbers += await multiplier.copy()
        if multiplier.made % 100 == 0:
            print(f"  {(multiplier.made + 1) * multiplier.positions:,} positions, {time.perf_counter() - begin:.0f} s", flush=True)
    made, last = (multiplier.made - before) * multiplier.positions, time.time()
    took, begin = time.perf_counter() - begin, time.perf_counter()
    await connection.execute("VACUUM ANALYZE")
    vacuumed, begin = time.perf_counter() - begin, time.perf_counter()
    await _until_sealed(connection, multiplier.town, first_id_at(int(1000 * last)))
    await connection.execute("CHECKPOINT")
    size_now = await connection.fetchval("SELECT pg_database_size(current_database())")
    print(
        f"\n{made:,} positions copied in {took:.0f} s ({made / max(took, 0.001):,.0f} a second), vacuumed in {vacuumed:.0f} s, the rest "
        f"sealed within {time.perf_counter() - begin:.0f} s more; the database has {size_now / 2**30:.1f} GiB",
        flush=True,
    )


async def open_multiplier(connection: asyncpg.Connection, town_key: str, master_key: Path) -> Multiplier:
    """What copies a town, on a superuser's connection that is the copies' own."""
    row = await connection.fetchrow("SELECT id, data_key FROM municipality WHERE key = $1", town_key)
    keys = MasterKey.read(master_key).town_keys(row["id"], row["data_key"])
    accounts = await connection.fetch(_ACCOUNTS, row["id"])
    opened = [[keys.open(one[name], "bank_account", one["id"], name) for name in ("iban", "holder")] for one in accounts]
    multiplier = Multiplier(connection, keys, [Recipient(a["provider_id"], a["id"], *o) for a, o in zip(accounts, opened, strict=True)])
    await multiplier.prepare()
    return multiplier


_ACCOUNTS: Final = """
SELECT b.id, b.provider_id, b.iban, b.holder FROM bank_account b
JOIN provider p ON p.municipality_id = b.municipality_id AND p.id = b.provider_id
WHERE b.municipality_id = $1 ORDER BY length(p.key), p.key
"""


def _room(folder: Path, positions: int) -> bool:
    """Whether so many more fit on the disk. A database elsewhere is not looked after."""
    return not folder.exists() or shutil.disk_usage(folder).free - positions * BYTES_OF_EACH > FREE_AT_LEAST


async def _until_sealed(connection: asyncpg.Connection, town: UUID, bound: UUID) -> None:
    """Waits for the worker, which runs beside the requests as ever."""
    deadline = time.monotonic() + SEALED_WITHIN
    query = "SELECT sealed_below >= $2 AND mark IS NULL FROM audit_head WHERE municipality_id = $1"
    while not await connection.fetchval(query, town, bound):
        if time.monotonic() > deadline:
            raise SystemExit("the worker does not seal")
        await asyncio.sleep(1)


def reads_of(office: Office, number: str, batch_id: str) -> list[tuple[str, str, str]]:
    """What is read: name, path, and whose token. ``number`` is an invoice's, the batch one that has just been paid."""
    town = office.town
    invoice_id = _listed(town, f"invoices?number={number}", town.provider)[0]["id"]
    invoice, batch = f"invoices/{invoice_id}", f"settlement-batches/{batch_id}"
    here = f"limit=20&cursor={encode_cursor(invoice_id)}"  # what comes behind is of the same kind whatever lies before
    behind = f"limit=20&cursor={encode_cursor(str(new_id()))}"  # all are skipped
    lists = {
        "clerk": ("invoices", "reviews"), "provider": ("invoices", "remittances", "my/children"), "registrar": ("entitlements",),
        "finance": ("settlement-batches", "payment-entries"), "auditor": ("audit-events",),
    }  # fmt: skip
    return [
        *((f"{name} behind the last, {role}", f"{name}?{behind}", role) for role, names in lists.items() for name in names),
        ("invoices, provider", f"invoices?{here}", "provider"),
        ("invoices, office", f"invoices?{here}", "clerk"),
        ("invoices received since a day, office", f"invoices?{here}&received_from=2026-11-02", "clerk"),
        ("invoices received since a day, none, office", "invoices?limit=20&received_from=2026-11-03", "clerk"),
        ("invoices received since a day, none, provider", "invoices?limit=20&received_from=2026-11-03", "provider"),
        ("invoices by number, provider", f"invoices?number={number}", "provider"),
        ("invoices by number, office", f"invoices?number={number}", "clerk"),
        ("invoices that were cancelled, none", "invoices?state=cancelled", "clerk"),
        ("one invoice of 1,000 lunches", invoice, "clerk"),
        ("one invoice of 1,000 lunches, lines", f"{invoice}/lines", "provider"),
        ("one line, decisions", f"{invoice}/lines/1/decisions", "provider"),
        ("changes", "changes?limit=20", "provider"),
        ("reviews, open", "reviews?limit=20&state=open", "clerk"),
        ("reviews, open, of one provider", "reviews?limit=20&state=open&provider=c1", "clerk"),
        ("reviews, open, of another provider, perhaps none", "reviews?limit=20&state=open&provider=c2", "clerk"),
        ("reviews, open, of a code there is", "reviews?limit=20&state=open&code=IN_CLARIFICATION", "clerk"),
        ("reviews, open, of a code there is not", "reviews?limit=20&state=open&code=QUERY", "clerk"),
        ("reviews, resolved, none", "reviews?state=resolved", "clerk"),
        ("notices, open", "notices?limit=20&state=open", "clerk"),
        ("batches", "settlement-batches?limit=1", "finance"),
        ("batches, drawn up, none", "settlement-batches?state=drawn_up", "finance"),
        ("one batch", batch, "finance"),
        ("one batch, positions", f"{batch}/positions?limit=20", "finance"),
        ("remittances", "remittances?limit=1", "provider"),
        ("payment entries, unmatched, none", "payment-entries?state=unmatched", "finance"),
        ("payment entries", "payment-entries?limit=1", "finance"),
        ("entitlements", "entitlements?limit=20", "registrar"),
        ("entitlements of a child", "entitlements?child=k1", "registrar"),
        ("my children", "my/children?limit=20", "provider"),
        ("audit events", "audit-events?limit=20", "auditor"),
        ("audit events of an object", f"audit-events?object_type=invoice&object_id={invoice_id}", "auditor"),
        ("audit events of an action there is not", "audit-events?action=nothing", "auditor"),
        ("audit events of days without any", "audit-events?from=2025-01-01&to=2025-01-02", "auditor"),
        ("audit chain", "audit-chain", "auditor"),
        ("report: expenditure", "reports/expenditure?year=2026", "finance"),
        ("report: liabilities today", "reports/liabilities?on=2026-11-18", "finance"),
        ("report: liabilities of a day before", "reports/liabilities?on=2026-11-17", "finance"),
        ("report: payment times", "reports/payment-times?year=2026", "finance"),
        ("report: take-up", "reports/take-up?on=2026-11-02", "finance"),
    ]


def _listed(town: Town, path: str, token: str) -> list[dict[str, str]]:
    answer = town.http.get(f"/v1/municipalities/{town.key}/{path}", headers=town.headers(token))
    items: list[dict[str, str]] = answer.raise_for_status().json()["items"]
    return items


def _get(town: Town, path: str, token: str) -> float:
    """Milliseconds."""
    begin = time.perf_counter()
    answer = town.http.get(f"/v1/municipalities/{town.key}/{path}", headers=town.headers(token, "2026-11-18T10:00:00Z"))
    took = time.perf_counter() - begin
    answer.raise_for_status()
    return 1000 * took

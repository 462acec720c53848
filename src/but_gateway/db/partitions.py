"""Month partitions of the tables that grow for ever: made ahead, by the range of their UUIDv7 column."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from but_gateway.kit.ids import first_id_at
from but_gateway.kit.period import Month

# A default partition catches whatever lies outside, so a forgotten migration loses nothing.
MONTHS_AHEAD: Final = 12


def bounds(month: Month) -> tuple[str, str]:
    """The first UUIDv7 of a month (UTC) and of the next one."""
    first, after = (datetime(m.year, m.number, 1, tzinfo=UTC) for m in (month, month.plus(1)))
    return str(first_id_at(int(first.timestamp() * 1000))), str(first_id_at(int(after.timestamp() * 1000)))


async def make_partitions(connection: AsyncConnection, tables: list[str], now: datetime) -> int:
    """Makes the missing partitions from this month on; returns how many. Run as the owner of the tables."""
    made = 0
    have = set((await connection.execute(text("SELECT relname FROM pg_class WHERE relispartition"))).scalars())
    for table in tables:
        for ahead in range(MONTHS_AHEAD + 1):
            month = Month(now.year, now.month).plus(ahead)
            name = f"{table}_m{month.year:04d}_{month.number:02d}"
            if name not in have:
                first, after = bounds(month)
                await connection.exec_driver_sql(
                    f"CREATE TABLE \"{name}\" PARTITION OF \"{table}\" FOR VALUES FROM ('{first}') TO ('{after}')"
                )
                # As on the table itself: see docs/decisions/0011.
                await connection.exec_driver_sql(f'ALTER TABLE "{name}" ALTER COLUMN municipality_id SET STATISTICS 0')
                made += 1
    return made

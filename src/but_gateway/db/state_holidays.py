"""Public and school holidays of the states, taken from the package ``holidays`` into a table when a database is migrated.

A rule never computes a holiday: what was loaded is what decides, and it can be looked at. Public holidays are those of the whole
state; days that only some of its municipalities keep (Mariä Himmelfahrt in Bavaria) stand in a facility's closing days.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

STATES: Final = ("BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH")
KINDS: Final = ("public", "school")
# From the first year of the Bildungs- und Teilhabepaket on, as far as the package has them.
YEARS: Final = range(2011, 2031)

Holiday = tuple[str, date, str, str]


def holidays_of_states() -> Iterator[Holiday]:
    """All holidays as (state, day, kind, German name)."""
    # Loading the package takes most of a second; only a migration needs it.
    from holidays.countries.germany import Germany  # noqa: PLC0415 - see above

    for state in STATES:
        for kind in KINDS:
            for day, name in Germany(years=YEARS, subdiv=state, categories=(kind,), language="de").items():
                yield state, day, kind, name


async def load_state_holidays(connection: AsyncConnection) -> int:
    """Makes the table equal to what the package says; returns how many days were added, renamed or taken away.

    Run as the owner of the table (the app role may not delete). Doing it again changes nothing.
    """
    if (await connection.execute(text("SELECT to_regclass('state_holiday')"))).scalar() is None:
        return 0  # the schema was brought to a revision before this table
    stored = {(r.state, r.day, r.kind): r.name for r in await connection.execute(text("SELECT state, day, kind, name FROM state_holiday"))}
    wanted = {(state, day, kind): name for state, day, kind, name in holidays_of_states()}
    gone = [key for key in stored if key not in wanted]
    new = [(*key, name) for key, name in wanted.items() if stored.get(key) != name]
    if gone:
        states, days, kinds = (list(column) for column in zip(*gone, strict=True))
        await connection.execute(
            text(
                "DELETE FROM state_holiday h USING unnest(CAST(:states AS text[]), CAST(:days AS date[]), CAST(:kinds AS text[]))"
                " AS g(state, day, kind) WHERE h.state = g.state AND h.day = g.day AND h.kind = g.kind"
            ),
            {"states": states, "days": days, "kinds": kinds},
        )
    if new:
        states, days, kinds, names = (list(column) for column in zip(*new, strict=True))
        await connection.execute(
            text(
                "INSERT INTO state_holiday (state, day, kind, name)"
                " SELECT * FROM unnest(CAST(:states AS text[]), CAST(:days AS date[]), CAST(:kinds AS text[]), CAST(:names AS text[]))"
                " ON CONFLICT (state, day, kind) DO UPDATE SET name = excluded.name"
            ),
            {"states": states, "days": days, "kinds": kinds, "names": names},
        )
    return len(gone) + len(new)

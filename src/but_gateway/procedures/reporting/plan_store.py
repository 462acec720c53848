"""How reports over a whole year or town are planned."""

from typing import Final

from but_gateway.db.session import UnitOfWork

_HASHED: Final = "SET LOCAL enable_nestloop = off"


async def join_by_hashes(unit: UnitOfWork) -> None:
    """Keeps the planner from comparing every row with every other one, until the transaction ends.

    Of what lies in the parts of a long statement, or in tables filled a moment ago, it knows nothing and takes each for one row. Without
    nested loops it joins by hashes; only lateral look-ups, which know no other way, go row by row.
    """
    await unit.driver.execute(_HASHED)

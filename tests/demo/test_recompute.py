import asyncpg

from but_gateway.cli.demo.places import KEY
from but_gateway.db.embedded import asyncpg_dsn
from tests.demo.conftest import Round
from tests.procedures.adjudication.soundness import assert_recomputes


async def test_every_decision_of_the_town_recomputes_from_its_stored_facts(played_round: Round) -> None:
    connection = await asyncpg.connect(asyncpg_dsn(played_round.database_url))
    try:
        assert await assert_recomputes(connection, KEY) >= played_round.played.decided.positions
    finally:
        await connection.close()

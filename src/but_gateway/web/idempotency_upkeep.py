"""Upkeep of stored answers: sealing them anew when a town's key changes. As the owner, who sees the answers of all clients.

An answer does not say of which town it is, because a client may act in many. Whose it is shows when a key of the town opens it.
"""

from but_gateway.db.fields import SealBrokenError, TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.web.idempotency import place_of


async def reseal_answers(unit: UnitOfWork, keys: TownKeys, after: tuple[str, str], limit: int) -> tuple[int, tuple[str, str] | None]:
    """Looks at so many answers behind a client and key, and seals the town's anew; how many, and the last one (None: no more)."""
    rows = await unit.driver.fetch(
        "SELECT client_id, key, body FROM idempotency_record WHERE (client_id, key) > ($1, $2) ORDER BY client_id, key LIMIT $3",
        *after,
        limit,
    )
    found = []
    for row in rows:
        body = bytes(row["body"])
        if not body.startswith(keys.sealing_with) and (text := _opened(keys, row["client_id"], row["key"], body)) is not None:
            found.append((row["client_id"], row["key"], keys.seal(text, *place_of(row["client_id"], row["key"]))))
    if found:
        # Stored answers never change otherwise, so nobody else holds them.
        await unit.driver.executemany("UPDATE idempotency_record SET body = $3 WHERE client_id = $1 AND key = $2", found)
    return len(found), (rows[-1]["client_id"], rows[-1]["key"]) if len(rows) == limit else None


async def any_older(unit: UnitOfWork, keys: TownKeys) -> bool:
    """Whether an answer of the town is sealed with an older key."""
    older = "SELECT client_id, key, body FROM idempotency_record WHERE substr(body, 1, length($1::bytea)) <> $1::bytea"
    async for row in unit.driver.cursor(older, keys.sealing_with, prefetch=1_000):
        if _opened(keys, row["client_id"], row["key"], bytes(row["body"])) is not None:
            return True
    return False


def _opened(keys: TownKeys, client_id: str, key: str, body: bytes) -> str | None:
    try:
        return keys.open(body, *place_of(client_id, key))
    except SealBrokenError:
        return None

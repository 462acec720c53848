"""What was deleted on purpose, so that the chain stays verifiable: seals stay, their rows may be gone where a retirement says so."""

from datetime import datetime
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.audit.sources import BY_NAME
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_id


async def record_retirement(unit: UnitOfWork, source: str, from_id: UUID, to_id: UUID, *, at: datetime, actor: str, reason: str) -> UUID:  # noqa: PLR0913 - what, why, who, when
    """Notes, in the transaction that deletes them, that the rows of a source with ids in [``from_id``, ``to_id``) are gone for good.

    Seals end with the month (UTC), so the bounds of month partitions (``db.partitions.bounds``) retire whole seals. The note itself is
    sealed like every other row. Refuses a source that is not sealed (KeyError).
    """
    retirement_id = new_id()
    await unit.driver.execute(
        "INSERT INTO audit_retirement (municipality_id, id, source, from_id, to_id, at, actor, reason) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        unit.municipality_id, retirement_id, BY_NAME[source].name, from_id, to_id, at, actor, reason,
    )  # fmt: skip
    payload = {"source": source, "from": str(from_id), "to": str(to_id), "reason": reason}
    await record(unit, at=at, actor=actor, action="audit.retire", object_type="audit_retirement", object_id=retirement_id, payload=payload)
    return retirement_id

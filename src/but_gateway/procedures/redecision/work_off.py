"""Takes one chunk of a re-decision: some children, all their open positions, and how far it came, in one transaction."""

from datetime import datetime
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.principal import Town
from but_gateway.procedures.adjudication.redecide import redecide_children
from but_gateway.procedures.redecision import store
from but_gateway.registers.municipalities import redecision_store

CHILDREN = 100  # in one transaction: a few thousand positions


async def work_off(unit: UnitOfWork, town: Town, keys: TownKeys, redecision_id: UUID, *, now: datetime) -> bool:
    """Whether there is more to do. Decisions only come where something changed; what dies in between goes on where it stood."""
    job = await redecision_store.find_redecision(unit, redecision_id)
    if job is None or job.state != redecision_store.RUNNING:
        return False
    found = await store.touched_children(unit, job.touches, job.after_child, CHILDREN)
    changed = await redecide_children(unit, town, keys, found, at=job.at)
    done = len(found) < CHILDREN
    await redecision_store.save_redecision(
        unit, job.id, after_child=found[-1] if found else None, children=len(found), changed=changed, finished_at=now if done else None
    )
    if changed:
        payload = {"register": job.register, "children": len(found), "redecided": changed}
        await record(
            unit, at=now, actor="gateway", action="register.redecided", object_type="redecision", object_id=job.id, payload=payload
        )
    return not done

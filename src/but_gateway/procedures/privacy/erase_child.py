"""Erases a child when nothing speaks against it (Art. 17 DSGVO, § 84 SGB X); docs/decisions/0019 says what that means for backups."""

from datetime import date, datetime
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.privacy import store
from but_gateway.procedures.privacy.model import Erased, Person
from but_gateway.registers.entitlements.removal_store import remove_children, remove_entitlements, remove_grants


async def erase_child(  # noqa: PLR0913 - whom, when, who, and what if it must wait; all but one named
    unit: UnitOfWork, child: str | UUID, *, at: datetime, today: date, actor: str, after_retention: bool = False
) -> Erased | None:
    """Erases a child by key or id; None where there is none. As the owner of the tables.

    Refuses (with reasons, and without changing anything) while a grant runs, or while grants or positions are vouchers that must be kept.
    ``after_retention`` then notes the request; retention erases the child with its last voucher.
    """
    find = store.load_person if isinstance(child, UUID) else store.find_person
    person = await find(unit, child, lock=True)  # type: ignore[arg-type] # each takes its own kind of name
    if person is None:
        return None
    reasons = await _reasons(unit, person, today)
    if reasons:
        if after_retention:
            await store.note_request(unit, person.id, by=actor, at=at)
            await record(unit, at=at, actor=actor, action="child.erase_later", object_type="child", object_id=person.id)
        return Erased(reasons, waits=after_retention)
    rows = await store.delete_traces(unit, person)
    merged = [one for one in person.ids if one != person.id]
    for gone in (
        await remove_grants(unit, person.grants),
        await remove_entitlements(unit, person.entitlements),
        await remove_children(unit, merged, by=actor, at=at),
        await remove_children(unit, [person.id], by=actor, at=at),
    ):
        for table, ids in gone.items():
            rows[table] = rows.get(table, 0) + len(ids)
    rows = {table: count for table, count in rows.items() if count}
    await record(unit, at=at, actor=actor, action="child.erase", object_type="child", object_id=person.id, payload={"rows": rows})
    return Erased((), rows)


async def _reasons(unit: UnitOfWork, person: Person, today: date) -> list[str]:
    reasons = [
        f"Die Bewilligung {key} läuft noch (bis {last:%d.%m.%Y})." for key, last in await store.grants_in_force(unit, person.grants, today)
    ]
    if person.positions:
        reasons.append(f"Es gibt {len(person.positions)} abgerechnete Positionen: Belege, deren Aufbewahrung läuft (docs/retention.md).")
    if ran := await store.grants_that_ran(unit, person.grants):
        reasons.append(f"Bewilligungen sind Belege, deren Aufbewahrung läuft (docs/retention.md): {', '.join(ran)}.")
    return reasons

"""What is stored about a child (Art. 15 DSGVO, § 83 SGB X): everything, opened, with recipients."""

from datetime import datetime

from but_gateway.audit.record import record
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.principal import Town
from but_gateway.procedures.privacy import store
from but_gateway.procedures.privacy.model import Disclosure


async def subject_access(  # noqa: PLR0913 - whose, in which town, by whom and when
    unit: UnitOfWork, town: Town, keys: TownKeys, child_key: str, *, at: datetime, actor: str
) -> Disclosure | None:
    """All of it, at one moment; None where there is no such child. That somebody looked is part of the audit record."""
    person = await store.find_person(unit, child_key)
    if person is None:
        return None
    sections = await store.read_sections(unit, keys, person)
    await record(
        unit, at=at, actor=actor, action="child.disclose", object_type="child", object_id=person.id,
        payload={"rows": {section.table: len(section.rows) for section in sections}},
    )  # fmt: skip
    return Disclosure(
        municipality=town.key,
        municipality_name=town.name,
        child_key=person.key,
        at=at,
        sections=sections,
        recipients=await store.read_recipients(unit, person),
        batches=await store.batch_numbers(unit, person.batches),
    )

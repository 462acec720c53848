"""Records that the family paid a provider itself (§ 30 SGB II, § 34b SGB XII): the town then pays the family, not the provider (E-14)."""

from datetime import datetime
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.principal import Town
from but_gateway.kit.ids import new_id
from but_gateway.procedures.adjudication.redecide import redecide_children
from but_gateway.procedures.intake import store
from but_gateway.procedures.intake.schemas import FamilyPaymentIn
from but_gateway.registers.entitlements.import_store import lock_children
from but_gateway.registers.providers.store import find_provider
from but_gateway.web.problems import Fault, Invalid, NotFound, Text


async def record_family_payment(  # noqa: PLR0913 - who records what, when; all keyword-only
    unit: UnitOfWork, *, town: Town, keys: TownKeys, entitlement_key: str, paid: FamilyPaymentIn, at: datetime, actor: str
) -> UUID:
    """The id of the record. Refuses an unknown entitlement (NotFound), an unknown provider or days in the wrong order (Invalid)."""
    found = await store.find_entitlement(unit, entitlement_key)
    if found is None:
        raise NotFound
    provider = await find_provider(unit, paid.provider)
    faults = []
    if provider is None:
        faults.append(Fault("/provider", "unknown_key", Text("Dieser Anbieter ist nicht angelegt.", "There is no such provider.")))
    if paid.last_day < paid.first_day:
        faults.append(Fault("/to", "before_from", Text("Der letzte Tag liegt vor dem ersten.", "The last day lies before the first.")))
    if provider is None or faults:
        raise Invalid(faults=faults)
    await lock_children(unit, [found.child_id])
    payment_id = new_id()
    await store.add_family_payment(
        unit,
        payment_id,
        entitlement_id=found.id,
        provider_id=provider.id,
        first_day=paid.first_day,
        last_day=paid.last_day,
        at=at,
    )
    await redecide_children(unit, town, keys, [found.child_id], at=at)
    payload = {"entitlement": found.id, "provider": provider.id, "from": paid.first_day, "to": paid.last_day}
    await record(
        unit, at=at, actor=actor, action="family_payment.record", object_type="family_payment", object_id=payment_id, payload=payload
    )
    return payment_id

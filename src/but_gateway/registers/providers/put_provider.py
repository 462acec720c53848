"""Writing a town's record of a provider, and which account acts for it."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from but_gateway.audit import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.ids import new_id
from but_gateway.registers.municipalities.redecision_store import ask_redecision
from but_gateway.registers.municipalities.store import lock_register
from but_gateway.registers.providers import store
from but_gateway.registers.providers.model import ProviderRecord
from but_gateway.registers.providers.schemas import ProviderIn, ProviderOut
from but_gateway.registers.providers.touched_by_provider import touched_by_provider
from but_gateway.web.answers import Answer
from but_gateway.web.conditional import demand_match, stored
from but_gateway.web.problems import Fault, Invalid, Text

_UNKNOWN_ACCOUNT = Text(
    "Es gibt keinen Zugang mit diesem Schlüssel. Zugänge legt der Betrieb an.",
    "There is no account with this key. Accounts are made by the operator.",
)
_ACCOUNT_TAKEN = Text(
    "Dieser Zugang handelt in Ihrer Kommune schon für einen anderen Anbieter. Lösen Sie ihn zuerst dort.",
    "This account acts for another provider of your town already. Take it away there first.",
)
_NOT_SUSPENDED = Text(
    "Der Anbieter ist nicht gesperrt. Lassen Sie das Datum weg oder setzen Sie den Status auf suspended.",
    "The provider is not suspended. Leave the day out or set the status to suspended.",
)


async def put_provider(unit: UnitOfWork, call: Call, key: str, body: ProviderIn, if_match: str | None) -> Answer:
    """Makes or replaces the provider of a key. The same provider again keeps its version.

    Refuses when another version is there (PreconditionFailed), the account is unknown or acts for another provider of the town, or
    an active provider has a day of suspension (Invalid).
    """
    await lock_register(unit, "provider")
    present = await store.find_provider(unit, key)
    demand_match(if_match, present.version if present else 0)
    provider_id = present.id if present else new_id()
    account_id = await store.find_account(unit, body.account) if body.account else None
    holder = await store.find_provider_of_account(unit, account_id) if account_id else None
    faults = list(_faults(body, account_id, taken=holder not in {None, provider_id}))
    if faults:
        raise Invalid(faults=faults)
    new = _record(call, provider_id, key, body, account_id, present)
    if new != present:
        new = replace(new, version=present.version + 1 if present else 1)
        await store.write_provider(unit, new)
        await ask_redecision(unit, "provider", touched_by_provider(present, new), call.now())
        await record.record(
            unit,
            at=call.now(),
            actor=call.principal.actor,
            action="provider.changed" if present else "provider.created",
            object_type="provider",
            object_id=new.id,
            payload={"key": key, "version": new.version, "status": new.status, "account": new.account},
        )
    location = f"/v1/municipalities/{call.town.key}/providers/{key}"
    return stored(ProviderOut.of(new, call.keys), new.version, created=present is None, location=location)


def _record(  # noqa: PLR0913, PLR0917 - what a record is made from
    call: Call, provider_id: UUID, key: str, body: ProviderIn, account_id: UUID | None, present: ProviderRecord | None
) -> ProviderRecord:
    # A sealed value differs each time, so the stored one is kept where it says the same.
    sealed = present.sealed_tax_number if present else None
    if body.tax_number is None:
        sealed = None
    elif present is None or present.tax_number(call.keys) != body.tax_number:
        sealed = call.keys.seal(body.tax_number, "provider", provider_id, "tax_number")
    return ProviderRecord(
        id=provider_id,
        key=key,
        account=body.account,
        account_id=account_id,
        name=body.name,
        kind=body.kind,
        status=body.status,
        suspended_from=body.suspended_from,
        undertaking_signed_on=body.undertaking_signed_on,
        creditor_number=body.creditor_number,
        contact_email=body.contact_email,
        vat_id=body.vat_id,
        sealed_tax_number=sealed,
        version=present.version if present else 1,
    )


def _faults(body: ProviderIn, account_id: UUID | None, *, taken: bool) -> Iterator[Fault]:
    if body.account is not None and account_id is None:
        yield Fault("/account", "unknown_key", _UNKNOWN_ACCOUNT)
    if taken:
        yield Fault("/account", "account_taken", _ACCOUNT_TAKEN)
    if body.status == "active" and body.suspended_from is not None:
        yield Fault("/suspended_from", "not_suspended", _NOT_SUSPENDED)

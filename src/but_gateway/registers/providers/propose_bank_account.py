"""Proposing a bank account for a provider; nothing is paid to it before another person confirmed it."""

from but_gateway.audit import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.ids import new_id
from but_gateway.registers.providers import bank_store, store
from but_gateway.registers.providers.change_store import BANK_ACCOUNT, Change, tell_provider
from but_gateway.registers.providers.schemas import BankAccountIn, BankAccountState
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound


async def propose_bank_account(unit: UnitOfWork, call: Call, provider_key: str, body: BankAccountIn) -> Answer:
    """Stores an account as proposed, and tells the provider: who did not ask for it notices in time.

    Refuses when there is no such provider (NotFound).
    """
    provider = await store.find_provider(unit, provider_key)
    if provider is None:
        raise NotFound
    account_id = new_id()
    await bank_store.add_bank_account(
        unit,
        call.keys,
        account_id=account_id,
        provider_id=provider.id,
        iban=body.iban,
        holder=body.holder,
        by=call.principal.actor,
        at=call.now(),
    )
    tell_provider(unit, [Change(provider.id, call.now(), BANK_ACCOUNT, "bank_account", account_id, {"state": "proposed"})])
    await record.record(
        unit,
        at=call.now(),
        actor=call.principal.actor,
        action="bank_account.proposed",
        object_type="bank_account",
        object_id=account_id,
        payload={"provider": provider.id, "iban": bank_store.iban_index(call.keys, body.iban).hex()},
    )
    return Answer(BankAccountState(id=account_id, state="proposed", usable_from=None), 201)

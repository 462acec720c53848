"""Confirming a proposed bank account: the second pair of eyes before money goes to a new place."""

from uuid import UUID

from but_gateway.audit import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.registers.facilities.store import load_holidays
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.registers.providers import bank_store, store
from but_gateway.registers.providers.change_store import BANK_ACCOUNT, Change, tell_provider
from but_gateway.registers.providers.schemas import BankAccountState
from but_gateway.web.answers import Answer
from but_gateway.web.problems import FourEyes, NotFound, Text, WrongState

_CONFIRMED_BEFORE = Text("Die Bankverbindung ist schon bestätigt.", "The bank account is confirmed already.")


async def confirm_bank_account(unit: UnitOfWork, call: Call, provider_key: str, account_id: UUID) -> Answer:
    """Makes the account usable: the provider's first one at once, a later one after the town's cooling-off in working days.

    Refuses when there is no such account (NotFound), the caller proposed it (FourEyes) or it is confirmed already (WrongState).
    """
    provider = await store.find_provider(unit, provider_key)
    if provider is None:
        raise NotFound
    # Two confirmations at once would both find that they are the first.
    await store.lock_provider(unit, provider.id)
    account = await bank_store.find_bank_account(unit, provider.id, account_id)
    if account is None:
        raise NotFound
    if account.proposed_by == call.principal.actor:
        raise FourEyes
    if account.state != "proposed":
        raise WrongState(_CONFIRMED_BEFORE)
    usable_from = call.today()
    if await bank_store.has_confirmed_account(unit, provider.id):
        holidays = await load_holidays(unit, call.town.state)
        usable_from = holidays.after_working_days(usable_from, (await read_settings(unit)).bank_cooling_days)
    await bank_store.confirm_bank_account(unit, account_id, by=call.principal.actor, at=call.now(), usable_from=usable_from)
    details = {"state": "confirmed", "from": usable_from.isoformat()}
    tell_provider(unit, [Change(provider.id, call.now(), BANK_ACCOUNT, "bank_account", account_id, details)])
    await record.record(
        unit,
        at=call.now(),
        actor=call.principal.actor,
        action="bank_account.confirmed",
        object_type="bank_account",
        object_id=account_id,
        payload={"provider": provider.id, "usable_from": usable_from},
    )
    return Answer(BankAccountState(id=account_id, state="confirmed", usable_from=usable_from))

"""Operations of the town's staff: providers, bank accounts, agreements."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import STAFF_ROLES, Role
from but_gateway.identity.route import town_router
from but_gateway.registers.facilities.store import facility_keys
from but_gateway.registers.municipalities.follow_up import CurrentFollowUp
from but_gateway.registers.municipalities.scalars import id_of_path, key_of_path
from but_gateway.registers.providers import bank_store, my_endpoints, store
from but_gateway.registers.providers.agreement_schemas import AgreementIn, AgreementOut, AgreementsOut
from but_gateway.registers.providers.confirm_bank_account import confirm_bank_account
from but_gateway.registers.providers.propose_bank_account import propose_bank_account
from but_gateway.registers.providers.put_agreement import put_agreement
from but_gateway.registers.providers.put_provider import put_provider
from but_gateway.registers.providers.schemas import (
    BankAccountIn,
    BankAccountOut,
    BankAccountsOut,
    BankAccountState,
    ProviderIn,
    ProviderOut,
    ProvidersOut,
)
from but_gateway.web.conditional import IfMatch, etag, reading_operation, replacing_operation, respond
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor
from but_gateway.web.problems import FourEyes, NotFound, WrongState

providers_router = town_router("Anbieter")
agreements_router = town_router("Vereinbarungen")
RecordKey = Annotated[str, Depends(key_of_path)]
RecordId = Annotated[UUID, Depends(id_of_path)]
_MONEY_ROLES = {Role.FINANCE, Role.ORDERER}


@providers_router.put(
    "/providers/{key}",
    summary="Anbieter anlegen oder ersetzen",
    description="Die Kommune führt hier ihren (Leistungs-)Anbieter und nennt den Zugang, der für ihn handelt. "
    "Ein Zugang handelt in einer Kommune für höchstens einen Anbieter.",
    response_model=ProviderOut,
    **replacing_operation(ProviderOut, roles={Role.REGISTRAR}),
)
async def replace_provider(
    key: RecordKey, body: ProviderIn, call: CurrentCall, follow_up: CurrentFollowUp, if_match: IfMatch = None
) -> Response:
    """PUT a provider."""
    async with call.transaction() as unit:
        answer = await put_provider(unit, call, key, body, if_match)
    await follow_up(call)
    return respond(answer)


@providers_router.get(
    "/providers/{key}",
    summary="Anbieter lesen",
    description="Ein (Leistungs-)Anbieter, wie er gespeichert ist.",
    **reading_operation(roles=STAFF_ROLES),
)
async def get_provider(key: RecordKey, call: CurrentCall, response: Response) -> ProviderOut:
    """GET a provider."""
    async with call.transaction() as unit:
        found = await store.find_provider(unit, key)
    if found is None:
        raise NotFound
    response.headers["ETag"] = etag(found.version)
    return ProviderOut.of(found, call.keys)


@providers_router.get(
    "/providers",
    summary="Anbieter auflisten",
    description="Alle (Leistungs-)Anbieter der Kommune, älteste zuerst.",
    **operation(roles=STAFF_ROLES),
)
async def list_providers(call: CurrentCall, page: CurrentPage) -> ProvidersOut:
    """GET providers."""
    async with call.transaction() as unit:
        rows = await store.list_providers(unit, decode_id_cursor(page.after), page.limit)
    records, cursor = page.cut(rows, lambda record: record.id)
    return ProvidersOut(items=[ProviderOut.of(record, call.keys) for record in records], next_cursor=cursor)


@providers_router.post(
    "/providers/{key}/bank-accounts",
    status_code=201,
    summary="Bankverbindung vorschlagen",
    description="Schlägt eine Bankverbindung vor. Gezahlt wird an sie erst, wenn eine andere Person sie bestätigt hat.",
    response_model=BankAccountState,
    **operation(roles=_MONEY_ROLES, keyed=True, body=True),
)
async def create_bank_account(key: RecordKey, body: BankAccountIn, call: CurrentCall) -> Response:
    """POST a bank account."""
    return await call.write(lambda unit: propose_bank_account(unit, call, key, body))


@providers_router.post(
    "/providers/{key}/bank-accounts/{id}/confirmation",
    summary="Bankverbindung bestätigen",
    description="Bestätigt eine vorgeschlagene Bankverbindung (Vier-Augen-Prinzip). Die erste eines Anbieters ist sofort nutzbar, "
    "jede weitere nach der Wartezeit der Kommune in Arbeitstagen.",
    response_model=BankAccountState,
    **operation(roles=_MONEY_ROLES, keyed=True, problems=(FourEyes, WrongState)),
)
async def create_confirmation(key: RecordKey, account_id: RecordId, call: CurrentCall) -> Response:
    """POST the confirmation of a bank account."""
    return await call.write(lambda unit: confirm_bank_account(unit, call, key, account_id))


@providers_router.get(
    "/providers/{key}/bank-accounts",
    summary="Bankverbindungen auflisten",
    description="Alle Bankverbindungen eines Anbieters, älteste zuerst. Die Rechnungsprüfung sieht die IBAN gekürzt.",
    **operation(roles={*_MONEY_ROLES, Role.AUDITOR}),
)
async def list_bank_accounts(key: RecordKey, call: CurrentCall, page: CurrentPage) -> BankAccountsOut:
    """GET bank accounts."""
    async with call.transaction() as unit:
        provider = await store.find_provider(unit, key)
        if provider is None:
            raise NotFound
        rows = await bank_store.list_bank_accounts(unit, provider.id, decode_id_cursor(page.after), page.limit)
    accounts, cursor = page.cut(rows, lambda account: account.id)
    masked = not call.has(*_MONEY_ROLES)
    return BankAccountsOut(items=[BankAccountOut.of(account, call.keys, masked=masked) for account in accounts], next_cursor=cursor)


@agreements_router.put(
    "/agreements/{key}",
    summary="Vereinbarung anlegen oder ersetzen",
    description="(Leistungs-)Vereinbarung mit Preisen nach Datum. Für dieselbe Leistungsart und Einrichtung gilt an einem Tag "
    "höchstens eine Vereinbarung eines Anbieters, denn der Leistungstag wählt sie aus.",
    response_model=AgreementOut,
    **replacing_operation(AgreementOut, roles={Role.REGISTRAR}),
)
async def replace_agreement(
    key: RecordKey, body: AgreementIn, call: CurrentCall, follow_up: CurrentFollowUp, if_match: IfMatch = None
) -> Response:
    """PUT an agreement."""
    async with call.transaction() as unit:
        answer = await put_agreement(unit, call, key, body, if_match)
    await follow_up(call)
    return respond(answer)


@agreements_router.get(
    "/agreements/{key}",
    summary="Vereinbarung lesen",
    description="Eine (Leistungs-)Vereinbarung, wie sie gespeichert ist.",
    **reading_operation(roles=STAFF_ROLES),
)
async def get_agreement(key: RecordKey, call: CurrentCall, response: Response) -> AgreementOut:
    """GET an agreement."""
    async with call.transaction() as unit:
        found = await store.find_agreement(unit, key)
        if found is None:
            raise NotFound
        keys = await facility_keys(unit, found.facility_ids)
        provider = await store.load_provider(unit, found.provider_id)
    response.headers["ETag"] = etag(found.version)
    return AgreementOut.of(found, keys, provider.key)


@agreements_router.get(
    "/agreements",
    summary="Vereinbarungen auflisten",
    description="Alle (Leistungs-)Vereinbarungen der Kommune, älteste zuerst.",
    **operation(roles=STAFF_ROLES),
)
async def list_agreements(call: CurrentCall, page: CurrentPage) -> AgreementsOut:
    """GET agreements."""
    async with call.transaction() as unit:
        rows = await store.list_agreements(unit, decode_id_cursor(page.after), page.limit)
        keys = await facility_keys(unit, {facility for row in rows for facility in row.facility_ids})
        providers = await store.provider_keys(unit, {row.provider_id for row in rows})
    records, cursor = page.cut(rows, lambda record: record.id)
    return AgreementsOut(items=[AgreementOut.of(record, keys, providers[record.provider_id]) for record in records], next_cursor=cursor)


router = APIRouter()
for part in (providers_router, agreements_router, my_endpoints.router):
    router.include_router(part)

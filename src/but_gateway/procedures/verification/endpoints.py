"""The auditor's operations: the audit record and its chain."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Any

from fastapi import Query, Request

from but_gateway.audit.chain import CHECKPOINT_TYPE
from but_gateway.audit.check import ReadToken
from but_gateway.identity.call import CurrentCall
from but_gateway.identity.issuer import Issuer
from but_gateway.identity.keys import keys_that_ever_signed
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.identity.tokens import TokenRefusedError, verify_statement
from but_gateway.kit.clock import BERLIN
from but_gateway.procedures.verification.read_chain import read_chain
from but_gateway.procedures.verification.schemas import AuditChainOut, AuditEventOut, AuditEventsOut
from but_gateway.procedures.verification.store import Filter, list_events
from but_gateway.web.body import Day
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor

router = town_router("Prüfung")
_TEXT_MAX = 200


@router.get(
    "/audit-events",
    summary="Prüfprotokoll lesen",
    description="Wer wann woran was getan hat, älteste Einträge zuerst. Jeder Eintrag trägt seinen Hash; wie er gebildet wird und wie "
    "die Einträge zu einer Kette versiegelt werden, steht in docs/audit.md.",
    **operation(roles={Role.AUDITOR}),
)
async def list_audit_events(  # noqa: PLR0913, PLR0917 - one parameter for each filter of the list
    call: CurrentCall,
    page: CurrentPage,
    object_type: Annotated[str | None, Query(max_length=_TEXT_MAX, description="Nur diese Art von Sache", examples=["invoice"])] = None,
    object_id: Annotated[str | None, Query(max_length=_TEXT_MAX, description="Nur diese Sache")] = None,
    action: Annotated[str | None, Query(max_length=_TEXT_MAX, description="Nur diese Handlung", examples=["settlement.order"])] = None,
    actor: Annotated[str | None, Query(max_length=_TEXT_MAX, description="Nur von diesem Zugang")] = None,
    first: Annotated[Day | None, Query(alias="from", description="Ab diesem Tag")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Bis zu diesem Tag einschließlich")] = None,
) -> AuditEventsOut:
    """GET audit-events."""
    since = None if first is None else datetime.combine(first, time(), BERLIN)
    until = None if last is None else datetime.combine(last, time(), BERLIN) + timedelta(days=1)
    async with call.transaction() as unit:
        wanted = Filter(object_type, object_id, action, actor, since, until)
        rows = await list_events(unit, wanted, decode_id_cursor(page.after), page.limit)
    items, cursor = page.cut(rows, lambda row: row["id"])
    return AuditEventsOut(items=[AuditEventOut.of(row) for row in items], next_cursor=cursor)


@router.get(
    "/audit-chain",
    summary="Kette des Prüfprotokolls",
    description="Wo die Kette steht, ob sie hält, und die jüngsten unterschriebenen Prüfpunkte. Bewahren Sie Prüfpunkte außerhalb auf.",
    **operation(roles={Role.AUDITOR}),
)
async def get_audit_chain(request: Request, call: CurrentCall) -> AuditChainOut:
    """GET audit-chain."""
    return await read_chain(call, await _reader(request.app.state.issuer))


async def _reader(issuer: Issuer) -> ReadToken:
    """Reads what this instance signed, whenever that was."""
    async with issuer.database.pool.acquire() as connection:
        keys = await keys_that_ever_signed(connection, issuer.master_key)

    def read(token: str) -> Mapping[str, Any] | None:
        try:
            return verify_statement(token, keys, CHECKPOINT_TYPE)
        except TokenRefusedError:
            return None

    return read

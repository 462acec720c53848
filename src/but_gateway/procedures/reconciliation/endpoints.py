"""Operations: reports of bank and treasury, and the list of what does not fit."""

import asyncio
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.procedures.reconciliation import store
from but_gateway.procedures.reconciliation.assign import assign
from but_gateway.procedures.reconciliation.finish import finish
from but_gateway.procedures.reconciliation.problems import AmountDiffers
from but_gateway.procedures.reconciliation.reading import CSV_TYPE, XML_TYPES, read_report
from but_gateway.procedures.reconciliation.schemas import (
    AssignmentIn,
    DoneIn,
    PaymentEntriesOut,
    PaymentEntryOut,
    PaymentReportOut,
)
from but_gateway.procedures.reconciliation.take_in import take_in
from but_gateway.web.body import MIB
from but_gateway.web.operation import JSON_TYPE, operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor
from but_gateway.web.problems import WrongState

router: APIRouter = town_router("Zahlungsabgleich")

READERS: Final = frozenset({Role.FINANCE, Role.ORDERER, Role.AUDITOR})
# A statement of a day with ten thousand payments, each with all a bank may say of it.
REPORT_BYTES_MAX: Final = 16 * MIB
EntryId = Annotated[UUID, Path(description="Id des Eintrags", examples=["0198f0c2-7a10-7000-8000-000000000009"])]
ListedState = Literal["open", "matched", "returned", "unmatched", "partial", "overpaid", "duplicate"]
_CAMT = (
    '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>'
    "<GrpHdr><MsgId>N1</MsgId><CreDtTm>2026-12-15T18:00:00+01:00</CreDtTm></GrpHdr><Ntfctn><Id>N1</Id><Acct><Id>"
    '<IBAN>DE02120300000000202051</IBAN></Id></Acct><Ntry><Amt Ccy="EUR">18.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
    "<BookgDt><Dt>2026-12-15</Dt></BookgDt><BkTxCd/><NtryDtls><TxDtls><Refs><EndToEndId>BUT-2026-0007-00001</EndToEndId></Refs>"
    "</TxDtls></NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
)
_CSV = "end_to_end_id;status;on;amount\nBUT-2026-0007-00001;paid;2026-12-15;18,00\n"
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            JSON_TYPE: {"schema": {"$ref": "#/components/schemas/PaymentReportIn"}},
            XML_TYPES[0]: {
                "schema": {"type": "string", "description": "camt.053.001.08, camt.054.001.08, pain.002.001.03, .10 oder .11, in UTF-8"},
                "examples": {"camt.054": {"value": _CAMT}},
            },
            CSV_TYPE: {
                "schema": {
                    "type": "string",
                    "description": "Kopfzeile `end_to_end_id;status;on;amount`, wahlweise `reference` und `return_reason`; UTF-8",
                },
                "examples": {"zwei Zeilen": {"value": _CSV}},
            },
        },
    }
}


@router.post(
    "/payment-reports",
    summary="Kontoauszug oder Rückmeldung der Kasse einlesen",
    response_model=PaymentReportOut,
    **operation(
        roles={Role.FINANCE},
        keyed=True,
        body=True,
        media_types=(JSON_TYPE, *XML_TYPES, CSV_TYPE),
        body_limit=REPORT_BYTES_MAX,
        extra=_BODY,
    ),
)
async def post_payment_report(request: Request, call: CurrentCall) -> Response:
    """Ordnet Buchungen den Zahlungen zu: nach EndToEndId, sonst nach Verwendungszweck und Betrag.

    Beliebig oft wiederholbar: dieselbe Datei, oder eine andere mit denselben Buchungen, ändert nichts.
    Was nicht passt, steht unter `payment-entries`.
    """
    raw = await request.body()
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    # A large statement takes a second to read; others are answered meanwhile.
    report = await asyncio.to_thread(read_report, raw, media_type)
    return await call.write(lambda unit: take_in(unit, call, report, raw))


@router.get(
    "/payment-entries",
    summary="Buchungen aus Meldungen auflisten",
    description="Älteste zuerst. `?state=open` ist die Arbeitsliste: alles, was noch jemand klären muss.",
    **operation(roles=READERS),
)
async def list_payment_entries(
    call: CurrentCall, page: CurrentPage, state: Annotated[ListedState | None, Query(description="Nur diese; `open` = zu klären")] = None
) -> PaymentEntriesOut:
    """GET entries."""
    async with call.transaction() as unit:
        rows = await store.list_entries(unit, state, decode_id_cursor(page.after), page.limit)
    items, cursor = page.cut(rows, lambda entry: entry.id)
    return PaymentEntriesOut(items=[PaymentEntryOut.of(entry, call.keys) for entry in items], next_cursor=cursor)


@router.post(
    "/payment-entries/{entry_id}/assignment",
    summary="Buchung von Hand zuordnen",
    description="Für Buchungen ohne gefundene Zahlung und für Rückläufer, von denen Gebühren einbehalten wurden.",
    response_model=PaymentEntryOut,
    **operation(roles={Role.FINANCE}, keyed=True, body=True, problems=(WrongState, AmountDiffers)),
)
async def post_assignment(entry_id: EntryId, body: AssignmentIn, call: CurrentCall) -> Response:
    """POST an assignment."""
    return await call.write(lambda unit: assign(unit, call, entry_id, body))


@router.post(
    "/payment-entries/{entry_id}/done",
    summary="Buchung abschließen",
    description="Nimmt sie von der Arbeitsliste; gebucht wird dabei nichts.",
    response_model=PaymentEntryOut,
    **operation(roles={Role.FINANCE}, keyed=True, body=True, problems=(WrongState,)),
)
async def post_done(entry_id: EntryId, body: DoneIn, call: CurrentCall) -> Response:
    """POST the end of an entry."""
    return await call.write(lambda unit: finish(unit, call, entry_id, body))

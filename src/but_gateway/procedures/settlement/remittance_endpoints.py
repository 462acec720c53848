"""Operations: remittances, for the provider who is paid and for staff who answer its questions."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, Final, cast
from uuid import UUID

from fastapi import Path, Response
from fastapi.responses import StreamingResponse

from but_gateway.formats.remittance import RemittanceHead, RemittanceSums, SpreadsheetAdvice
from but_gateway.identity.call import Call, CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.procedures.settlement import remittance_store
from but_gateway.procedures.settlement.package import PIECE_BYTES
from but_gateway.procedures.settlement.remittance import advised
from but_gateway.procedures.settlement.remittance_schemas import RemittanceOut, RemittancePositionOut, RemittancesOut, RemittanceSummaryOut
from but_gateway.procedures.settlement.remittance_store import KeptRemittance, Place
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.rules.wording import Lang
from but_gateway.web.accept import CSV, JSON, PDF, XLSX, Accepted, choose_format
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor
from but_gateway.web.problems import NotAcceptable, NotFound

router = town_router("Zahlungsavise")

READERS: Final = frozenset({Role.PROVIDER, Role.FINANCE, Role.CLERK, Role.AUDITOR})
FORMATS: Final = (JSON, PDF, CSV, XLSX)
_ENDINGS: Final = {PDF: "pdf", CSV: "csv", XLSX: "xlsx"}
_GET: Final = operation(roles=READERS, problems=(NotAcceptable,))
_SHAPES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Das Avis im gewünschten Format. PDF und CSV sind bei jedem Abruf dieselben Bytes wie in Avise.zip.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (PDF, CSV, XLSX)},
    }
}
RemittanceId = Annotated[
    UUID, Path(description="Id des Avises; es ist die Id der Zahlung", examples=["0198f0c2-7a10-7000-8000-000000000002"])
]


@router.get(
    "/remittances",
    summary="Zahlungsavise auflisten",
    description="Ab der Übergabe an die Kasse, ältestes zuerst, ohne Positionen. Anbieter sehen ihre eigenen.",
    **operation(roles=READERS),
)
async def list_remittances(call: CurrentCall, page: CurrentPage) -> RemittancesOut:
    """GET remittances."""
    async with call.transaction() as unit:
        rows = await remittance_store.list_remittances(unit, decode_id_cursor(page.after), page.limit)
    items, cursor = page.cut(rows, lambda row: row.id)
    return RemittancesOut(items=[RemittanceSummaryOut.of(kept) for kept in items], next_cursor=cursor)


@router.get(
    "/remittances/{remittance_id}",
    summary="Zahlungsavis lesen",
    description="Was eine Zahlung bezahlt, und zu jeder nicht vollständig bezahlten Position ihrer Rechnungen Grund und nächster Schritt."
    " `Accept` wählt das Format: JSON, PDF, CSV oder XLSX. Ein Avis ändert sich nach der Übergabe nicht mehr; nur `state`, `paid_on` und"
    " `returned_on` kommen von der Bank dazu (JSON).",
    response_model=RemittanceOut,
    **{**_GET, "responses": {**_GET["responses"], **_SHAPES}},
)
async def get_remittance(remittance_id: RemittanceId, call: CurrentCall, accept: Accepted = None) -> Response:
    """GET a remittance."""
    async with call.transaction() as unit:
        kept = await remittance_store.find_remittance(unit, remittance_id)
        if kept is None:
            raise NotFound
        wanted = choose_format(accept, FORMATS)
        town = (await read_settings(unit)).name
    headers = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language"}
    if wanted == JSON:
        return StreamingResponse(_json(call, kept), media_type=JSON, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="Avis-{kept.number}.{_ENDINGS[wanted]}"'
    if wanted == XLSX:
        return StreamingResponse(_spreadsheet(call, kept, town), media_type=XLSX, headers=headers)
    place = kept.pdf if wanted == PDF else kept.csv
    media_type = PDF if wanted == PDF else f"{CSV}; charset=utf-8"
    headers["Content-Length"] = str(place.length)
    return StreamingResponse(_advice(call, kept, place), media_type=media_type, headers=headers)


async def _advice(call: Call, kept: KeptRemittance, place: Place) -> AsyncIterator[bytes]:
    async with call.transaction() as unit:
        async for piece in remittance_store.read_advice(unit, call.keys, kept.batch_id, place, PIECE_BYTES):
            yield piece


async def _json(call: Call, kept: KeptRemittance) -> AsyncIterator[str]:
    """The document as a stream: a payment may have any number of positions. A thousand at a time are put into words beside the loop."""
    yield RemittanceSummaryOut.of(kept).model_dump_json()[:-1] + ',"positions":['
    comma = ""
    async with call.transaction() as unit:
        async for rows in remittance_store.read_positions(unit, kept.id):
            yield comma + await asyncio.to_thread(_shown, rows, call.language)
            comma = ","
    yield "]}"


async def _spreadsheet(call: Call, kept: KeptRemittance, town: str) -> AsyncIterator[bytes]:
    sums = RemittanceSums(kept.claimed, kept.approved, kept.receipts, kept.net)
    head = RemittanceHead(kept.number, kept.batch, town, kept.created_at, kept.remittance_text, sums)
    with SpooledTemporaryFile(max_size=PIECE_BYTES) as spool:
        out = cast("BinaryIO", spool)
        with ExitStack() as stack:
            sheet = stack.enter_context(SpreadsheetAdvice(out, head))
            async with call.transaction() as unit:
                async for rows in remittance_store.read_positions(unit, kept.id):
                    await asyncio.to_thread(_add, sheet, rows)
            end = stack.pop_all()
        await asyncio.to_thread(end.close)
        for piece in _pieces(out):
            yield piece


def _shown(rows: Sequence[Mapping[str, Any]], language: Lang) -> str:
    return ",".join(RemittancePositionOut.of(advised(row, language)).model_dump_json(by_alias=True) for row in rows)


def _add(sheet: SpreadsheetAdvice, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        sheet.add(advised(row, "de"))


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(PIECE_BYTES):
        yield piece

"""Operations: settlement batches from drawing up to hand-over, and what they leave behind."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from but_gateway.db.pieces import PiecePlace
from but_gateway.identity.call import Call, CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.procedures.settlement import package_store, store
from but_gateway.procedures.settlement.certify import certify
from but_gateway.procedures.settlement.draw_up import draw_up
from but_gateway.procedures.settlement.file_problems import InterfaceUnfit, PaymentFileRefused
from but_gateway.procedures.settlement.hand_over import hand_over
from but_gateway.procedures.settlement.hold import hold
from but_gateway.procedures.settlement.model import State
from but_gateway.procedures.settlement.order import order
from but_gateway.procedures.settlement.package import XLSX, PackageOptions
from but_gateway.procedures.settlement.problems import AccountMissing, AllPaymentsHeld, AssignmentMissing, DebtorMissing, NothingToSettle
from but_gateway.procedures.settlement.release import release
from but_gateway.procedures.settlement.reopen import reopen
from but_gateway.procedures.settlement.schemas import (
    BatchesOut,
    BatchIn,
    BatchOut,
    BatchPositionOut,
    BatchPositionsOut,
    BatchSummaryOut,
    CertificationIn,
    PackageFileOut,
    ReasonIn,
)
from but_gateway.procedures.settlement.withdraw import withdraw
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id, decode_id_cursor
from but_gateway.web.problems import Forbidden, FourEyes, NotFound, WrongState

router = town_router("Abrechnungsläufe")


async def current_options(request: Request) -> PackageOptions:
    """What the instance decides about packages."""
    options: PackageOptions = request.app.state.package_options
    return options


CurrentOptions = Annotated[PackageOptions, Depends(current_options)]
_HAND_OVER_REFUSALS: Final = (WrongState, AllPaymentsHeld, DebtorMissing, AssignmentMissing, InterfaceUnfit, PaymentFileRefused)

READERS: Final = frozenset({Role.FINANCE, Role.ORDERER, Role.AUDITOR, Role.CLERK})
# Who may read which package: the treasury learns of payments and orders only, the audit of positions.
PACKAGE_READERS: Final = {
    "treasury": frozenset({Role.FINANCE, Role.ORDERER}),
    "audit": frozenset({Role.AUDITOR, Role.CLERK}),
    "advice": frozenset({Role.FINANCE, Role.CLERK}),
}
BatchId = Annotated[UUID, Path(description="Id des Laufs", examples=["0198f0c2-7a10-7000-8000-000000000001"])]
PaymentId = Annotated[UUID, Path(description="Id der Zahlung", examples=["0198f0c2-7a10-7000-8000-000000000002"])]
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Inhalt der Datei, bei jedem Abruf dieselben Bytes",
        "content": {
            kind: {"schema": {} if kind == "application/json" else {"type": "string", "format": "binary"}}
            for kind in (
                "application/xml",
                "text/csv",
                "application/x-ndjson",
                "application/json",
                "application/pdf",
                "application/zip",
                XLSX,
            )
        },
        "headers": {"ETag": {"description": "SHA-256 des Inhalts", "schema": {"type": "string"}}},
    },
    304: {"description": "Unverändert gegenüber If-None-Match"},
}


@router.post(
    "/settlement-batches",
    status_code=201,
    summary="Abrechnungslauf erstellen",
    description="Nimmt jede anerkannte oder gekürzte Position, die bis zum Ende des Stichtags einging und in keinem Lauf ist. Eine Zahlung"
    " je Anbieter, Anordnungspositionen je Rechtskreis, Leistungsart und Haushaltsjahr. `?dry_run=true` rechnet nur (200, nichts bleibt).",
    response_model=BatchOut,
    **operation(roles={Role.FINANCE}, keyed=True, body=True, problems=(NothingToSettle,)),
)
async def post_batch(
    body: BatchIn, call: CurrentCall, *, dry_run: Annotated[bool, Query(description="Nur rechnen, nichts behalten")] = False
) -> Response:
    """POST a batch."""
    return await call.write(lambda unit: draw_up(unit, call, body, dry_run=dry_run))


@router.post(
    "/settlement-batches/{batch_id}/certification",
    summary="Sachlich und rechnerisch feststellen",
    description="Eine Person trifft beide Feststellungen oder zwei je eine. Mit beiden ist der Lauf festgestellt (`certified`). Fehlt eine"
    " Kontierung, sagt `errors` jede fehlende (`assignment_missing`).",
    response_model=BatchOut,
    **operation(roles={Role.FINANCE}, keyed=True, body=True, problems=(WrongState, AssignmentMissing)),
)
async def post_certification(batch_id: BatchId, body: CertificationIn, call: CurrentCall) -> Response:
    """POST a certification."""
    return await call.write(lambda unit: certify(unit, call, batch_id, body.kinds))


@router.post(
    "/settlement-batches/{batch_id}/order",
    summary="Anordnen",
    description="Eine andere Person als die, die den Lauf erstellt oder festgestellt, einen Klärfall darin entschieden oder ein Konto darin"
    " vorgeschlagen oder bestätigt haben (`four_eyes`).",
    response_model=BatchOut,
    **operation(roles={Role.ORDERER}, keyed=True, problems=(FourEyes, WrongState)),
)
async def post_order(batch_id: BatchId, call: CurrentCall) -> Response:
    """POST an order."""
    return await call.write(lambda unit: order(unit, call, batch_id))


@router.post(
    "/settlement-batches/{batch_id}/hand-over",
    summary="An die Kasse übergeben",
    description="Die Pakete entstehen und ändern sich nie mehr. Angehaltene Zahlungen verlassen den Lauf, ihre Positionen werden frei.",
    response_model=BatchOut,
    **operation(roles={Role.FINANCE}, keyed=True, problems=_HAND_OVER_REFUSALS),
)
async def post_hand_over(batch_id: BatchId, call: CurrentCall, options: CurrentOptions) -> Response:
    """POST a hand-over."""
    return await call.write(lambda unit: hand_over(unit, call, batch_id, options))


@router.post(
    "/settlement-batches/{batch_id}/payments/{payment_id}/hold",
    summary="Zahlung anhalten",
    description="Bis zur Übergabe. Eine angehaltene Zahlung verlässt dann den Lauf.",
    response_model=BatchOut,
    **operation(roles={Role.FINANCE, Role.ORDERER}, keyed=True, body=True, problems=(WrongState,)),
)
async def post_hold(batch_id: BatchId, payment_id: PaymentId, body: ReasonIn, call: CurrentCall) -> Response:
    """POST a hold."""
    return await call.write(lambda unit: hold(unit, call, batch_id, payment_id, body.reason))


@router.post(
    "/settlement-batches/{batch_id}/payments/{payment_id}/release",
    summary="Angehaltene Zahlung freigeben",
    description="Bis zur Übergabe und nur, wenn der Anbieter ein verwendbares Konto hat.",
    response_model=BatchOut,
    **operation(roles={Role.FINANCE, Role.ORDERER}, keyed=True, problems=(WrongState, AccountMissing)),
)
async def post_release(batch_id: BatchId, payment_id: PaymentId, call: CurrentCall) -> Response:
    """POST a release."""
    return await call.write(lambda unit: release(unit, call, batch_id, payment_id))


@router.post(
    "/settlement-batches/{batch_id}/reopen",
    summary="Lauf wieder öffnen",
    description="Aus `certified` oder `ordered` zurück zu `drawn_up`; Feststellungen und Anordnung verfallen.",
    response_model=BatchOut,
    **operation(roles={Role.FINANCE, Role.ORDERER}, keyed=True, body=True, problems=(WrongState,)),
)
async def post_reopen(batch_id: BatchId, body: ReasonIn, call: CurrentCall) -> Response:
    """POST a reopening."""
    return await call.write(lambda unit: reopen(unit, call, batch_id, body.reason))


@router.post(
    "/settlement-batches/{batch_id}/withdrawal",
    summary="Lauf zurückziehen",
    description="Bis zur Übergabe. Alle Positionen sind wieder frei; die Laufnummer wird nicht noch einmal vergeben.",
    response_model=BatchOut,
    **operation(roles={Role.FINANCE}, keyed=True, problems=(WrongState,)),
)
async def post_withdrawal(batch_id: BatchId, call: CurrentCall) -> Response:
    """POST a withdrawal."""
    return await call.write(lambda unit: withdraw(unit, call, batch_id))


@router.get(
    "/settlement-batches",
    summary="Läufe auflisten",
    description="Älteste zuerst, ohne Zahlungen und Anordnungspositionen.",
    **operation(roles=READERS),
)
async def list_batches(
    call: CurrentCall, page: CurrentPage, state: Annotated[State | None, Query(description="Nur Läufe in diesem Zustand")] = None
) -> BatchesOut:
    """GET batches."""
    async with call.transaction() as unit:
        rows = await store.list_batches(unit, state, decode_id_cursor(page.after), page.limit)
    items, cursor = page.cut(rows, lambda row: row[0].id)
    return BatchesOut(items=[BatchSummaryOut.of(batch, totals) for batch, totals in items], next_cursor=cursor)


@router.get(
    "/settlement-batches/{batch_id}",
    summary="Lauf lesen",
    description="Der Lauf mit Zahlungen, Anordnungspositionen und Vorträgen.",
    **operation(roles=READERS),
)
async def get_batch(batch_id: BatchId, call: CurrentCall) -> BatchOut:
    """GET a batch."""
    async with call.transaction() as unit:
        contents = await store.find_contents(unit, batch_id)
    if contents is None:
        raise NotFound
    return BatchOut.showing(contents)


@router.get(
    "/settlement-batches/{batch_id}/positions",
    summary="Positionen eines Laufs",
    description="Eine Zeile je Position und Anordnungsposition.",
    **operation(roles=READERS),
)
async def list_positions(batch_id: BatchId, call: CurrentCall, page: CurrentPage) -> BatchPositionsOut:
    """GET positions of a batch."""
    after = None if page.after is None else _position_and_order(page.after)
    async with call.transaction() as unit:
        if not await store.batch_exists(unit, batch_id):
            raise NotFound
        rows = await store.list_positions(unit, batch_id, after, page.limit)
    items, cursor = page.cut(rows, lambda row: f"{row['position_id']}~{row['order_id']}")
    return BatchPositionsOut(
        items=[
            BatchPositionOut(
                id=row["position_id"],
                invoice_id=row["invoice_id"],
                line_no=row["line_no"],
                service_date=row["first_day"] if row["form"] == "day" else None,
                approved=row["cents"],
                payment_id=row["payment_id"],
                order_id=row["order_id"],
            )
            for row in items
        ],
        next_cursor=cursor,
    )


@router.get(
    "/settlement-batches/{batch_id}/files",
    summary="Dateien der Pakete",
    description="Ab der Übergabe; vorher eine leere Liste.",
    **operation(roles=READERS),
)
async def list_files(batch_id: BatchId, call: CurrentCall) -> list[PackageFileOut]:
    """GET files of a batch."""
    async with call.transaction() as unit:
        if not await store.batch_exists(unit, batch_id):
            raise NotFound
        return [PackageFileOut.of(file) for file in await package_store.list_files(unit, batch_id)]


_GET_FILE: Final = operation(roles=READERS)


@router.get(
    "/settlement-batches/{batch_id}/files/{name}",
    summary="Datei abrufen",
    description="`treasury` für finance und orderer, `audit` für auditor und clerk, `advice` für finance und clerk.",
    response_class=Response,
    **{**_GET_FILE, "responses": {**_GET_FILE["responses"], **_FILE}},
)
async def get_file(
    batch_id: BatchId,
    name: Annotated[str, Path(description="Dateiname", max_length=200, examples=["BuT-krefeld_2026-12_Lauf-2026-0007_pain001.xml"])],
    call: CurrentCall,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", max_length=1000, description="ETag der Fassung, die Sie haben")
    ] = None,
) -> Response:
    """GET a file."""
    async with call.transaction() as unit:
        files = await package_store.list_files(unit, batch_id)
    file = next((f for f in files if f.name == name), None)
    if file is None:
        raise NotFound
    if not call.has(*PACKAGE_READERS[file.package]):
        raise Forbidden
    headers = {"ETag": f'"{file.sha256}"', "Cache-Control": "no-store"}
    if if_none_match is not None and headers["ETag"] in [tag.strip() for tag in if_none_match.split(",")]:
        return Response(status_code=304, headers=headers)
    headers |= {"Content-Length": str(file.bytes), "Content-Disposition": f'attachment; filename="{file.name}"'}
    return StreamingResponse(_pieces(call, batch_id, name), media_type=file.media_type, headers=headers)


def _position_and_order(after: str) -> tuple[UUID, UUID]:
    """The place of a row in the list of positions. Refuses what names none (Invalid)."""
    position, _, order_id = after.partition("~")
    return decode_id(position), decode_id(order_id)


async def _pieces(call: Call, batch_id: UUID, name: str) -> AsyncIterator[bytes]:
    async with call.transaction() as unit:
        part = 0
        while (content := await package_store.read_part(unit, call.keys, PiecePlace(batch_id, name, part))) is not None:
            yield content
            part += 1

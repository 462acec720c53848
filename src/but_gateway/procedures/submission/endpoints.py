"""Invoices over HTTP: submitted by providers, read by providers (their own) and staff."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Response

from but_gateway.identity.call import Call, CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.kit.clock import BERLIN, print_moment
from but_gateway.procedures.submission.cancel import cancel
from but_gateway.procedures.submission.problems import ArithmeticFault, NothingToObject, NumberUsed, PeriodTooShort, UndertakingMissing
from but_gateway.procedures.submission.raise_objection import raise_objection
from but_gateway.procedures.submission.schemas import (
    CancellationIn,
    DecisionsOut,
    InvoiceIn,
    InvoiceOut,
    InvoicesOut,
    LineOut,
    LinesOut,
    ObjectionIn,
)
from but_gateway.procedures.submission.submit import submit
from but_gateway.registers.invoices import store
from but_gateway.registers.invoices.model import InvoiceHead
from but_gateway.registers.invoices.view import show_invoice, show_line, show_position, sums
from but_gateway.web.body import LIMIT_LARGE, Day
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor, decode_number_cursor
from but_gateway.web.problems import NotFound, WrongState

router = town_router("Abrechnungen")
READERS = frozenset({Role.PROVIDER, Role.CLERK, Role.FINANCE, Role.ORDERER, Role.AUDITOR})
Decision = Literal["accepted", "reduced", "rejected", "review", "cancelled", "mixed"]


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document, ensure_ascii=False, separators=(",", ":")), media_type="application/json")


@router.post(
    "/invoices",
    status_code=201,
    response_model=InvoiceOut,
    summary="Abrechnung einreichen",
    **operation(
        roles={Role.PROVIDER},
        keyed=True,
        body=True,
        body_limit=LIMIT_LARGE,
        problems=(NumberUsed, ArithmeticFault, PeriodTooShort, UndertakingMissing),
    ),
)
async def submit_invoice(
    body: InvoiceIn,
    call: CurrentCall,
    *,
    dry_run: Annotated[bool, Query(description="Nur prüfen: dieselbe Entscheidung, nichts wird behalten (200)")] = False,
) -> Response:
    """Reicht eine Abrechnung ein und entscheidet jede Position sofort, mit Gründen.

    Eine Zeile ist ein Kind, eine Leistungsart, eine Sache; jeder Leistungstag darin ist eine Position. Summen müssen auf den Cent stimmen.
    """
    return await call.write(lambda unit: submit(unit, call, body, dry_run=dry_run))


@router.get("/invoices", response_model=InvoicesOut, summary="Abrechnungen auflisten", **operation(roles=READERS))
async def list_invoices(
    call: CurrentCall,
    page: CurrentPage,
    state: Annotated[Literal["decided", "cancelled"] | None, Query(description="Nur in diesem Zustand")] = None,
    number: Annotated[str | None, Query(max_length=64, description="Nur diese Rechnungsnummer")] = None,
    received_from: Annotated[Day | None, Query(description="Nur eingegangen ab diesem Tag")] = None,
) -> Response:
    """Abrechnungen ohne Zeilen, älteste zuerst; Anbieter sehen ihre eigenen."""
    start = None if received_from is None else datetime.combine(received_from, time(), BERLIN)
    async with call.transaction() as unit:
        heads = await store.list_heads(
            unit, after=decode_id_cursor(page.after), limit=page.limit, state=state, number=number, received_from=start
        )
    items, cursor = page.cut(heads, lambda head: head.id)
    return _json({"items": [show_invoice(head, call.town.key) for head in items], "next_cursor": cursor})


@router.get("/invoices/{invoice_id}", response_model=InvoiceOut, summary="Abrechnung lesen", **operation(roles=READERS))
async def read_invoice(invoice_id: str, call: CurrentCall) -> Response:
    """Eine Abrechnung mit allen Zeilen, wie sie jetzt entschieden sind."""
    async with call.transaction() as unit:
        head = _found(await store.find_head(unit, _id(invoice_id)))
        lines = await store.load_lines(unit, head.id)
    # Sums are those of the lines that are shown: a decision may have come between the two readings.
    claimed, approved, in_review, counts = sums(position for line in lines for position in line.positions)
    shown = show_invoice(replace(head, claimed=claimed, approved=approved, in_review=in_review, counts=counts), call.town.key)
    shown["lines"] = [show_line(line, call.language, staff=not call.is_provider) for line in lines]
    return _json(shown)


@router.get("/invoices/{invoice_id}/lines", response_model=LinesOut, summary="Zeilen lesen", **operation(roles=READERS))
async def list_lines(
    invoice_id: str,
    call: CurrentCall,
    page: CurrentPage,
    decision: Annotated[Decision | None, Query(description="Nur so entschiedene Zeilen")] = None,
) -> Response:
    """Zeilen einer Abrechnung in ihrer Reihenfolge."""
    async with call.transaction() as unit:
        head = _found(await store.find_head(unit, _id(invoice_id)))
        lines = await store.load_lines(unit, head.id, after=decode_number_cursor(page.after), limit=page.limit, decision=decision)
    items, cursor = page.cut(lines, lambda line: line.line_no)
    return _json({"items": [show_line(line, call.language, staff=not call.is_provider) for line in items], "next_cursor": cursor})


@router.get(
    "/invoices/{invoice_id}/lines/{line_no}/decisions",
    response_model=DecisionsOut,
    summary="Entscheidungen einer Zeile",
    **operation(roles=READERS),
)
async def list_decisions(invoice_id: str, line_no: str, call: CurrentCall) -> Response:
    """Jede Entscheidung über die Positionen einer Zeile, neueste zuletzt; keine wird je geändert."""
    if not line_no.isdecimal() or not line_no.isascii() or len(line_no) > 7:  # noqa: PLR2004 - lines go up to a million
        raise NotFound
    async with call.transaction() as unit:
        head = _found(await store.find_head(unit, _id(invoice_id)))
        rows = await store.list_decisions(unit, head.id, int(line_no))
    if not rows:
        raise NotFound
    return _json({"items": [_show_decision(row, call) for row in rows], "next_cursor": None})


def _show_decision(row: Mapping[str, Any], call: Call) -> dict[str, Any]:
    view = store.position_view(row)
    who = "rule"
    if row["decided_by"] is not None:
        who = "office" if any(f.rule.startswith("person_") for f in view.findings) else "provider"
    shown = show_position(view, call.language, staff=not call.is_provider)
    shown |= {"decided_at": print_moment(row["decided_at"]), "decided_by": who}
    if not call.is_provider:
        shown["reason"] = None if row["reason"] is None else call.keys.open(row["reason"], "decision", view.id, "reason")
    return shown


@router.post(
    "/invoices/{invoice_id}/cancellation",
    response_model=InvoiceOut,
    summary="Abrechnung stornieren",
    **operation(roles={Role.PROVIDER}, keyed=True, body=True, problems=(NumberUsed, WrongState)),
)
async def cancel_invoice(invoice_id: str, body: CancellationIn, call: CurrentCall) -> Response:
    """Storniert eine ganze Abrechnung und antwortet mit ihrem neuen Stand.

    Was in keinem Lauf steht, wird storniert und gibt Tag und Kontingent frei; was in einem steht, wird im nächsten Lauf gegengerechnet.
    """
    return await call.write(lambda unit: cancel(unit, call, _id(invoice_id), body))


@router.post(
    "/invoices/{invoice_id}/objections",
    status_code=201,
    response_model=LineOut,
    summary="Einwand erheben",
    **operation(roles={Role.PROVIDER}, keyed=True, body=True, problems=(NothingToObject,)),
)
async def raise_objection_to_line(invoice_id: str, body: ObjectionIn, call: CurrentCall) -> Response:
    """Einwand gegen eine Zeile: was darin gekürzt oder abgelehnt ist, wird ein Klärfall, den ein Mensch entscheidet.

    Antwort ist die Zeile, wie sie jetzt steht. Gekürzte Positionen werden erst nach der Klärung bezahlt. Gegen die Entscheidung der
    Sachbearbeitung ist noch einmal ein Einwand möglich; gegen NOT_CONFIRMED keiner: Reichen Sie die Zeile mit richtiger Nummer neu ein.
    """
    return await call.write(lambda unit: raise_objection(unit, call, _id(invoice_id), body))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _found(head: InvoiceHead | None) -> InvoiceHead:
    if head is None or head.kind != "invoice":
        raise NotFound
    return head

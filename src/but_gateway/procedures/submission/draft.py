"""From the body of an invoice to the lines and positions that adjudication decides."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from but_gateway.kit.clock import business_day
from but_gateway.kit.ids import new_ids
from but_gateway.procedures.adjudication.model import Corrects, Line, Piece
from but_gateway.procedures.submission.identify import Identified
from but_gateway.procedures.submission.schemas import LineIn
from but_gateway.procedures.submission.shape import LUNCH, TUTORING
from but_gateway.rules.document import part_document
from but_gateway.rules.facts import Claim, Form, Lesson

CorrectedKey = tuple[str, int, date, str, str]  # number of the invoice, line, first day, benefit, form


@dataclass(frozen=True, slots=True)
class Receipt:
    """What all lines of an invoice share."""

    invoice_id: UUID
    number: str
    provider_id: UUID
    received_at: datetime
    iban_differs: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice ready to be decided."""

    lines: list[Line]
    bodies: Sequence[LineIn]
    found: Sequence[Identified]
    pieces: list[Piece]


def draft_invoice(
    receipt: Receipt,
    bodies: Sequence[LineIn],
    found: Sequence[Identified],
    facilities: Mapping[str, UUID],
    corrected: Mapping[CorrectedKey, tuple[UUID, Corrects]],
) -> Draft:
    """Lines and positions of an invoice; the positions get their ids when the case is opened.

    ``corrected``: the child and standing of each position a correction may name.
    """
    claims: dict[Claim, Claim] = {}
    lines, pieces = [], []
    received_on = business_day(receipt.received_at)
    for line_id, body, who in zip(new_ids(len(bodies)), bodies, found, strict=True):
        claim = claim_of(body)
        line = Line(
            id=line_id,
            invoice_id=receipt.invoice_id,
            invoice_number=receipt.number,
            line_no=body.line_no,
            provider_id=receipt.provider_id,
            claim=claims.setdefault(claim, claim),
            identity=who.identity,
            received_at=receipt.received_at,
            received_on=received_on,
            entitlement_id=who.entitlement_id,
            child_id=who.child_id,
            facility_id=facilities[body.facility] if body.facility is not None else None,
            number_lost_on=who.lost_on,
            iban_differs=receipt.iban_differs,
            tutor=body.tutoring.tutor if body.tutoring else None,
            proof=body.tutoring.proof if body.tutoring else None,
            check_id=body.check_id,
        )
        lines.append(line)
        pieces += [
            Piece(line_id, line, first, last, quantity, claimed, _corrects(body, line, first, corrected))
            for first, last, quantity, claimed in positions_of(body)
        ]
    return Draft(lines, bodies, found, pieces)


def _corrects(body: LineIn, line: Line, first: date, corrected: Mapping[CorrectedKey, tuple[UUID, Corrects]]) -> Corrects | None:
    if body.corrects is None:
        return None
    key = (body.corrects.invoice, body.corrects.line_no, first, line.claim.benefit, line.claim.form.value)
    child, found = corrected.get(key, (None, None))
    # A correction by another child's number refers to nothing.
    return found if found is not None and child == line.child_id else Corrects(None)


def positions_of(body: LineIn) -> Iterator[tuple[date, date, int, int]]:
    """First day, last day, quantity and cents of each position; what is billed beyond one a day sits on the last day (M-04)."""
    if body.service_dates is None:
        first, last = span_of(body)
        yield first, last, body.quantity or 1, body.amount
        return
    days = sorted(body.service_dates)
    if body.benefit == TUTORING or body.quantity is None:
        yield days[0], days[0], body.quantity or 1, body.amount
        return
    sign = -1 if body.quantity < 0 else 1
    for day in days[:-1]:
        yield day, day, sign, sign * body.unit_price
    rest = body.quantity - sign * (len(days) - 1)
    yield days[-1], days[-1], rest, rest * body.unit_price


def span_of(body: LineIn) -> tuple[date, date]:
    """First and last service day of a line whose form is right."""
    if body.service_dates:
        return min(body.service_dates), max(body.service_dates)
    if body.service_month is not None:
        return body.service_month.first, body.service_month.last
    assert body.service_from is not None  # noqa: S101 - shape.py made sure that one form is there
    assert body.service_to is not None  # noqa: S101 - as above
    return body.service_from, body.service_to


def claim_of(body: LineIn) -> Claim:
    """The line as the rules see it."""
    lesson = body.tutoring
    return Claim(
        benefit=body.benefit,
        item=body.item or _default_item(body),
        form=Form.DAY if body.service_dates is not None else Form.MONTH if body.service_month is not None else Form.RANGE,
        unit_price=body.unit_price,
        attended=body.attended,
        attended_days=body.attended_days,
        cancelled_late=body.cancelled_late,
        relative=body.relative,
        activity=body.activity,
        vat_rate=None if body.vat_rate is None else int(body.vat_rate.replace(".", "")),
        vat_exemption=body.vat_exemption,
        lesson=None
        if lesson is None
        else Lesson(lesson.subject, lesson.group_size, lesson.minutes, lesson.recorded_from, lesson.recorded_to, lesson.proof is not None),
    )


def _default_item(body: LineIn) -> str:
    if body.benefit == LUNCH:
        return "lunch"
    if body.benefit == TUTORING:
        return "group" if body.tutoring is not None and body.tutoring.group_size > 1 else "individual"
    return "fee"


_dump: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def line_columns(draft: Draft) -> list[list[Any]]:
    """Columns of registers/invoices/store.insert_lines."""
    lines, spans = draft.lines, [span_of(body) for body in draft.bodies]
    texts: dict[int, str] = {}
    for line in lines:
        if id(line.claim) not in texts:
            texts[id(line.claim)] = _dump(part_document(line.claim))
    return [
        [line.id for line in lines],
        [line.invoice_id for line in lines],
        [line.provider_id for line in lines],
        [line.line_no for line in lines],
        [line.claim.benefit for line in lines],
        [line.claim.item for line in lines],
        [line.claim.form.value for line in lines],
        [first for first, _ in spans],
        [last for _, last in spans],
        [body.quantity or 1 for body in draft.bodies],
        [body.unit_price for body in draft.bodies],
        [body.amount for body in draft.bodies],
        [line.identity.value for line in lines],
        [line.entitlement_id for line in lines],
        [line.child_id for line in lines],
        [who.number_index for who in draft.found],
        [line.facility_id for line in lines],
        [texts[id(line.claim)] for line in lines],
        [line.tutor for line in lines],
        [line.proof for line in lines],
        [line.check_id for line in lines],
        [None for _ in lines],
    ]


def position_columns(pieces: Sequence[Piece]) -> list[list[Any]]:
    """Columns of registers/invoices/store.insert_positions."""
    return [
        [p.id for p in pieces],
        [p.line.invoice_id for p in pieces],
        [p.line.id for p in pieces],
        [p.line.provider_id for p in pieces],
        [p.first_day for p in pieces],
        [p.last_day for p in pieces],
        [p.quantity for p in pieces],
        [p.claimed for p in pieces],
        [None if p.corrects is None else p.corrects.position_id for p in pieces],
    ]

"""Submits an invoice: taken in, decided and answered in one transaction; a dry run is the same code, rolled back."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.lane import Lane
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.iban import parse_iban
from but_gateway.kit.ids import new_id
from but_gateway.kit.money import print_money
from but_gateway.procedures.adjudication import ruling_store
from but_gateway.procedures.adjudication.casefile import choose_agreement
from but_gateway.procedures.adjudication.decide import Bench
from but_gateway.procedures.adjudication.docket import LUNCH
from but_gateway.procedures.adjudication.gather import open_case
from but_gateway.procedures.adjudication.model import Corrects, Piece, Ruling, read_shares
from but_gateway.procedures.adjudication.promise_store import known_checks
from but_gateway.procedures.adjudication.registers import ProviderFile, Registers, read_registers
from but_gateway.procedures.adjudication.store import find_corrected, lock_children
from but_gateway.procedures.adjudication.write import RulingWriter, write_slots
from but_gateway.procedures.submission.draft import (
    CorrectedKey,
    Draft,
    Receipt,
    draft_invoice,
    line_columns,
    position_columns,
    span_of,
)
from but_gateway.procedures.submission.identify import COUNTED, Identified, KnownNumbers, identify, index_numbers
from but_gateway.procedures.submission.problems import ArithmeticFault, NumberUsed, PeriodTooShort, UndertakingMissing
from but_gateway.procedures.submission.schemas import InvoiceIn
from but_gateway.procedures.submission.shape import arithmetic_faults, shape_faults
from but_gateway.registers.entitlements.guard import admit
from but_gateway.registers.entitlements.store import find_by_numbers, link_providers
from but_gateway.registers.invoices.model import InvoiceHead, LineView, PositionView
from but_gateway.registers.invoices.store import insert_invoice, insert_lines, insert_positions
from but_gateway.registers.invoices.view import show_invoice, show_line, sums
from but_gateway.registers.municipalities.store import add_notice
from but_gateway.registers.providers.bank_store import is_confirmed_iban
from but_gateway.rules.facts import Identity
from but_gateway.rules.header import period_too_short
from but_gateway.rules.verdict import Outcome
from but_gateway.web.answers import Answer
from but_gateway.web.problems import Fault, Invalid, NotFound, Text

_CONTESTED = (
    "Für den {day} rechnet ein zweiter Anbieter ein Mittagessen ab, das schon bezahlt oder von einer Person entschieden ist. Bitte klären."
)


async def submit(unit: UnitOfWork, call: Call, body: InvoiceIn, *, dry_run: bool) -> Answer:
    """Decides every position of an invoice at once.

    Refuses when the undertaking is missing (P-02), the number was used (H-01), the form is wrong (Invalid, all faults), sums do
    not agree (H-03), the period is too short (H-05), or the client guesses too often (TooManyRequests). Then nothing is kept.
    """
    # Decisions about one child are shared by all who bill for it: from here on the whole town is seen, filtered by our own hand.
    await unit.narrow(None)
    registers = await read_registers(unit, call.town.state)
    sender = await _sender(unit, call, registers)
    facilities = await _check(unit, body, sender, registers)
    found = identify(call.keys, body.lines, await _known_numbers(unit, call, sender, body))
    await _admit(call, sender, found)
    receipt = Receipt(new_id(), body.number, sender.record.id, call.now(), await _iban_differs(unit, call, sender, body))
    if not await insert_invoice(unit, _invoice_values(call, receipt, body)):
        raise NumberUsed
    corrected = await _corrected(unit, sender, body, {who.child_id for who in found if who.child_id is not None})
    draft = draft_invoice(receipt, body.lines, found, facilities, corrected)
    rulings = await _decide(unit, call, draft, registers)
    if not dry_run:
        await record(
            unit,
            at=call.now(),
            actor=call.principal.actor,
            action="invoice.submit",
            object_type="invoice",
            object_id=receipt.invoice_id,
            payload={"number": body.number, "total": print_money(body.total), "positions": len(draft.pieces)},
        )
    head = InvoiceHead(
        id=receipt.invoice_id,
        provider_key=sender.record.key,
        number=body.number,
        kind="invoice",
        issued_on=body.issued_on,
        first_day=body.period.from_,
        last_day=body.period.to,
        total=body.total,
        received_at=receipt.received_at,
        cancelled_by=None,
    )
    shown = _show(call, head, draft, rulings, dry_run=dry_run)
    if dry_run:
        return Answer(shown, keep=False)
    location = f"/v1/municipalities/{call.town.key}/invoices/{receipt.invoice_id}"
    return Answer(shown, status=201, headers={"location": location})


async def _sender(unit: UnitOfWork, call: Call, registers: Registers) -> ProviderFile:
    if call.provider_id is None:
        raise NotFound
    await registers.want_providers(unit, {call.provider_id})
    sender = registers.providers[call.provider_id]
    if sender.record.undertaking_signed_on is None or sender.record.undertaking_signed_on > call.today():
        raise UndertakingMissing
    return sender


async def _check(unit: UnitOfWork, body: InvoiceIn, sender: ProviderFile, registers: Registers) -> dict[str, UUID]:
    """All that can be wrong with the invoice as a whole; answers the ids of its facilities by key."""
    faults = shape_faults(body)
    facilities = await registers.find_facilities(unit, {line.facility for line in body.lines if line.facility is not None})
    unknown = Text("Diese Einrichtung kennt die Kommune nicht.", "The municipality does not know this facility.")
    faults += [
        Fault(f"/lines/{i}/facility", "unknown_key", unknown)
        for i, line in enumerate(body.lines)
        if line.facility is not None and line.facility not in facilities
    ]
    faults += await _check_faults(unit, body, sender)
    if not faults:
        faults += _attendance_faults(body, sender, facilities)
    differences = arithmetic_faults(body)
    if faults:
        raise Invalid(faults=[*faults, *differences])
    if differences:
        raise ArithmeticFault(faults=differences)
    for line in body.lines:
        first, _ = span_of(line)
        agreement = choose_agreement(sender.agreements, line.benefit, facilities.get(line.facility or ""), first)
        if line.corrects is None and agreement and period_too_short(body.period.from_, body.period.to, agreement.min_period_months):
            raise PeriodTooShort
    return facilities


async def _check_faults(unit: UnitOfWork, body: InvoiceIn, sender: ProviderFile) -> list[Fault]:
    """A check that a line names must be a confirmed one of this provider; whether it is somebody else's is not told."""
    named = {line.check_id for line in body.lines if line.check_id is not None}
    if not named:
        return []
    known = await known_checks(unit, sender.record.id, named)
    text = Text(
        "Unter dieser Kennung haben Sie keine bestätigte Berechtigungsprüfung.", "You have no confirmed eligibility check under this id."
    )
    return [
        Fault(f"/lines/{i}/check_id", "unknown_key", text)
        for i, line in enumerate(body.lines)
        if line.check_id is not None and line.check_id not in known
    ]


def _attendance_faults(body: InvoiceIn, sender: ProviderFile, facilities: dict[str, UUID]) -> list[Fault]:
    """A flat month needs the days the child came; whether a month is flat stands in the agreement."""
    missing = Text("Geben Sie an, an wie vielen Tagen das Kind kam.", "Give the number of days the child came.")
    faults = []
    for i, line in enumerate(body.lines):
        if line.service_month is None or line.attended_days is not None or line.corrects is not None:
            continue
        agreement = choose_agreement(sender.agreements, line.benefit, facilities.get(line.facility or ""), line.service_month.first)
        if agreement is not None and agreement.mode == "flat":
            faults.append(Fault(f"/lines/{i}/attended_days", "missing", missing))
    return faults


async def _known_numbers(unit: UnitOfWork, call: Call, sender: ProviderFile, body: InvoiceIn) -> KnownNumbers:
    indexes = index_numbers(call.keys, body.lines)
    return KnownNumbers(indexes, await find_by_numbers(unit, sender.record.id, list(indexes.values())))


async def _admit(call: Call, sender: ProviderFile, found: Sequence[Identified]) -> None:
    await admit(
        call.database,
        scope=call.scope,
        client_id=call.principal.subject,
        provider_id=sender.record.id,
        day=call.today(),
        at=call.now(),
        rows=len(found),
        failures=sum(who.identity in COUNTED for who in found),
        wrong_birth_dates=[who.wrong_birth_date_for for who in found if who.wrong_birth_date_for is not None],
    )


async def _iban_differs(unit: UnitOfWork, call: Call, sender: ProviderFile, body: InvoiceIn) -> bool:
    """H-07: the invoice names an account that is not one of the provider's confirmed ones."""
    if body.iban is None:
        return False
    try:
        iban = parse_iban(body.iban)
    except ValueError:
        return True
    return not await is_confirmed_iban(unit, call.keys, sender.record.id, iban)


def _invoice_values(call: Call, receipt: Receipt, body: InvoiceIn) -> dict[str, object]:
    return {
        "id": receipt.invoice_id,
        "provider_id": receipt.provider_id,
        "number": body.number,
        "kind": "invoice",
        "issued_on": body.issued_on,
        "first_day": body.period.from_,
        "last_day": body.period.to,
        "total": body.total,
        "iban": None if body.iban is None else call.keys.seal(body.iban, "invoice", receipt.invoice_id, "iban"),
        "iban_differs": receipt.iban_differs,
        "received_at": receipt.received_at,
        "client_id": call.principal.subject,
    }


async def _corrected(
    unit: UnitOfWork, sender: ProviderFile, body: InvoiceIn, children: Collection[UUID]
) -> dict[CorrectedKey, tuple[UUID, Corrects]]:
    """What the correction lines may refer to. The children are locked before their positions, as everybody does."""
    wanted = sorted({(c.invoice, c.line_no) for line in body.lines if (c := line.corrects) is not None})
    if not wanted:
        return {}
    await lock_children(unit, children)
    rows = await find_corrected(unit, sender.record.id, children, [number for number, _ in wanted], [no for _, no in wanted])
    return {
        (row["number"], row["line_no"], row["first_day"], row["benefit"], row["form"]): (
            row["child_id"],
            Corrects(row["position_id"], row["approved"], row["corrected"], read_shares(row["allocations"])),
        )
        for row in rows
        if row["outcome"] in {Outcome.ACCEPTED, Outcome.REDUCED}
    }


async def _decide(unit: UnitOfWork, call: Call, draft: Draft, registers: Registers) -> list[Ruling]:
    case, known = await open_case(unit, call.keys, registers, draft.pieces)
    bench = Bench(case, known)
    rulings: list[Ruling] = []
    async with Lane() as lane:
        # Lines and positions do not depend on the decisions: they are stored while these are made.
        await lane.put(insert_lines(unit, line_columns(draft)))
        await lane.put(insert_positions(unit, position_columns(draft.pieces)))
        writer = RulingWriter(unit, lane, call.now())
        for portion in _portions(draft.pieces, known):
            made = [r for r in await _rule(bench, portion, lane) if r.changes()]
            await writer.put(made)
            rulings += made
    await writer.finish(bench.dossier.bodies)
    await write_slots(unit, case.docket)
    children = {r.piece.line.child_id for r in rulings if r.piece.line.child_id is not None}
    await ruling_store.count_decisions(unit, children)
    await link_providers(unit, _links(draft), call.now())
    for piece, slot in bench.settled_rivals:
        text = _CONTESTED.format(day=f"{piece.first_day:%d.%m.%Y}")
        await add_notice(unit, "contested_day", "position", slot.position_id, text, call.now())
    return rulings


_PORTIONS = 2
_PORTION_MIN = 500  # positions; fewer are decided before the first statement is through
_BREATH = 250


def _portions(pieces: Sequence[Piece], known: Mapping[UUID, Piece]) -> list[Sequence[Piece]]:
    """An invoice of lunches alone that meets no rival is written while it is decided: no later line changes an earlier ruling."""
    if len(known) > len(pieces) or any(p.line.claim.benefit != LUNCH or p.corrects is not None for p in pieces):
        return [pieces]
    size = max(_PORTION_MIN, -(-len(pieces) // _PORTIONS))
    return [pieces[i : i + size] for i in range(0, len(pieces), size)]


async def _rule(bench: Bench, portion: Sequence[Piece], lane: Lane) -> list[Ruling]:
    """Decides a portion, letting statements out now and then; answers the rulings it made, also about rivals."""
    before = set(bench.rulings)
    for first in range(0, len(portion), _BREATH):
        bench.hear(portion[first : first + _BREATH])
        await lane.breathe()
    return [ruling for piece_id, ruling in bench.rulings.items() if piece_id not in before]


def _links(draft: Draft) -> set[tuple[UUID, UUID]]:
    """Whoever names the right number with the right birth date is linked with the entitlement."""
    return {
        (line.provider_id, line.entitlement_id)
        for line in draft.lines
        if line.identity is Identity.CONFIRMED and line.entitlement_id is not None
    }


def _show(call: Call, head: InvoiceHead, draft: Draft, rulings: Sequence[Ruling], *, dry_run: bool) -> bytes:
    by_line: dict[UUID, list[PositionView]] = {line.id: [] for line in draft.lines}
    decided = {r.piece.id: r for r in rulings}
    for piece in draft.pieces:
        by_line[piece.line.id].append(_view(decided[piece.id]))
    claimed, approved, in_review, counts = sums(p for positions in by_line.values() for p in positions)
    decided_head = replace(head, claimed=claimed, approved=approved, in_review=in_review, counts=counts)
    shown = show_invoice(decided_head, call.town.key, dry_run=dry_run)
    shown["lines"] = [show_line(LineView(line.line_no, by_line[line.id]), call.language, staff=False) for line in draft.lines]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def _view(ruling: Ruling) -> PositionView:
    piece = ruling.piece
    return PositionView(
        id=piece.id,
        form=piece.line.claim.form.value,
        first_day=piece.first_day,
        last_day=piece.last_day,
        claimed=piece.claimed,
        outcome=ruling.outcome,
        approved=ruling.approved,
        proposed=ruling.proposed,
        findings=ruling.findings,
        shares=(),
    )

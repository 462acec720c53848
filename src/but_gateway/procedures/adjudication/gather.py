"""Opens the case file: locks the children, reads under the locks all that decides their positions."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import business_day
from but_gateway.kit.ids import new_ids
from but_gateway.kit.period import DayRange, Month
from but_gateway.procedures.adjudication import store
from but_gateway.procedures.adjudication.casefile import CaseFile
from but_gateway.procedures.adjudication.docket import LUNCH, TUTORING, Counter, Other, Slot
from but_gateway.procedures.adjudication.model import Line, Piece, Standing, read_shares
from but_gateway.procedures.adjudication.promise_store import load_checks, load_versions
from but_gateway.procedures.adjudication.registers import Registers
from but_gateway.procedures.adjudication.store import Row
from but_gateway.registers.entitlements.notification_store import read_notifications, read_notified
from but_gateway.registers.entitlements.store import grant_of
from but_gateway.registers.invoices.store import read_findings
from but_gateway.rules.document import part_from_document
from but_gateway.rules.facts import Claim, Identity
from but_gateway.rules.verdict import Outcome


async def open_case(
    unit: UnitOfWork, keys: TownKeys, registers: Registers, pieces: Sequence[Piece], *, children: Collection[UUID] = ()
) -> tuple[CaseFile, dict[UUID, Piece]]:
    """Locks the children of the pieces (and the further ones) and reads everything; answers also the rivals that may be re-decided.

    Several cases may be open at once: children are always locked in the order of their ids. New pieces get their ids under the locks:
    the order of ids is the order in which children were locked, which later facts keep.
    """
    case = CaseFile(registers.settings.facts(), registers.holidays.public, registers.providers, registers.facilities)
    lines = {p.line.id: p.line for p in pieces}
    wanted = {line.child_id for line in lines.values() if line.child_id is not None} | set(children)
    taught = {p.line.provider_id for p in pieces if p.before is None and p.line.claim.lesson is not None}
    if taught:
        await store.take_turns(unit, taught)
    wanted |= await _children_of_same_tutors(unit, pieces)
    for row in await store.lock_children(unit, wanted):
        case.births[row["id"]] = date.fromisoformat(keys.open(bytes(row["date_of_birth"]), "child", row["id"], "date_of_birth"))
        case.seqs[row["id"]] = row["decision_seq"] + 1
    fresh = [p for p in pieces if p.before is None]
    for piece, piece_id in zip(fresh, new_ids(len(fresh)), strict=True):
        piece.id = piece_id
    await _read_grants(unit, case, wanted, {line.claim.benefit for line in lines.values()})
    if not pieces:
        return case, {}
    span = DayRange(min(p.first_day for p in pieces), max(p.last_day for p in pieces))
    rivals = await _read_docket(unit, case, pieces, wanted, span)
    known = {p.id: p for p in pieces} | rivals
    await _read_promises(unit, case, [p.line for p in known.values()], protected=registers.settings.protected_checks)
    await registers.want_providers(unit, {p.line.provider_id for p in known.values()})
    # Slots are held elsewhere too: whether a claim is attributed asks for its own facility (M-02).
    slots = case.docket.slots.values()
    places = {p.line.facility_id for p in known.values()} | {s.facility_id for s in slots} | {s.rival_facility_id for s in slots}
    await registers.want_facilities(unit, {place for place in places if place is not None})
    return case, known


async def lock_positions(unit: UnitOfWork, position_ids: Collection[UUID]) -> list[Row]:
    """Positions with their states locked, after all children a decision about them may touch.

    Always in that order: children by their ids, then positions. So nobody waits for each other in a ring.
    """
    if not position_ids:
        return []
    pieces = to_pieces(await store.load_pieces(unit, position_ids))
    children = {p.line.child_id for p in pieces if p.line.child_id is not None}
    await store.lock_children(unit, children | await _children_of_same_tutors(unit, pieces))
    return await store.lock_pieces(unit, position_ids)


async def _children_of_same_tutors(unit: UnitOfWork, pieces: Sequence[Piece]) -> set[UUID]:
    """Children whose lessons may overlap by the tutor (L-10): their lessons are re-decided with this one, so they are locked too."""
    return {row["child_id"] for row in await _tutor_lessons(unit, pieces)}


async def _tutor_lessons(unit: UnitOfWork, pieces: Sequence[Piece]) -> list[Row]:
    taught = [p for p in pieces if p.line.tutor is not None and p.line.claim.benefit == TUTORING]
    if not taught:
        return []
    first, last = min(p.first_day for p in taught), max(p.first_day for p in taught)
    rows = await store.load_tutor_lessons(unit, {p.line.provider_id for p in taught}, {p.line.tutor or "" for p in taught}, first, last)
    days = {(p.line.provider_id, p.line.tutor, p.first_day) for p in taught}
    return [row for row in rows if (row["provider_id"], row["tutor"], row["first_day"]) in days]


async def _read_grants(unit: UnitOfWork, case: CaseFile, children: Collection[UUID], benefits: set[str]) -> None:
    for row in await store.load_grants(unit, children, benefits):
        values = dict(row)
        child, benefit = values.pop("child_id"), values.pop("benefit")
        grant = grant_of(values)
        case.benefits[grant.entitlement_id] = benefit
        case.grants.setdefault(grant.entitlement_id, []).append(grant)
        if benefit == LUNCH:
            case.lunch_grants.setdefault(child, []).append(grant)
        case.docket.counters[grant.id] = Counter(grant.limit, grant.used, grant.reserved)
    for row in await store.load_family_payments(unit, list(case.grants)):
        paid = (row["provider_id"], DayRange(row["first_day"], row["last_day"]))
        case.family_payments.setdefault(row["entitlement_id"], []).append(paid)


async def _read_promises(unit: UnitOfWork, case: CaseFile, lines: Iterable[Line], *, protected: bool) -> None:
    """What providers were told of changed grants, and the checks that lines name, where the town keeps what they promise."""
    known = list(lines)
    providers = {line.provider_id for line in known}
    revoked = {grant.id for grants in case.grants.values() for grant in grants if grant.revoked_from is not None}
    case.promises.note_read(await read_notified(unit, revoked, providers))
    named = {line.check_id for line in known if line.check_id is not None}
    if not named or not protected or not case.town.protect_good_faith:
        return
    case.promises.checks = await load_checks(unit, named)
    entitlements = {line.entitlement_id for line in known if line.check_id in case.promises.checks and line.entitlement_id is not None}
    grants = {grant.id for entitlement in entitlements for grant in case.grants.get(entitlement, ())}
    case.promises.versions = await load_versions(unit, grants)
    for one in await read_notifications(unit, grants, providers):
        case.promises.read.setdefault((one.grant_id, one.provider_id), []).append(one)


async def _read_docket(
    unit: UnitOfWork, case: CaseFile, pieces: Sequence[Piece], children: Collection[UUID], span: DayRange
) -> dict[UUID, Piece]:
    """Slots, lessons and proofs; answers the rivals a decision here may have to re-decide."""
    docket = case.docket
    lunches = [p for p in pieces if p.line.claim.benefit == LUNCH]
    mine = {p.id for p in pieces}
    rivals: set[UUID] = set()
    if lunches:
        months = DayRange(Month.of(span.first).first, Month.of(span.last).last)
        for row in await store.load_slots(unit, children, months.first, months.last):
            docket.slots[row["child_id"], row["day"], row["monthly"]] = _slot(row)
        rivals |= _rivals_among_slots(docket.slots.items(), lunches)
    docket.mark_loaded()
    if len(lunches) < len(pieces):
        # Caps of participation count whole months and calendar years around the position (saving modes).
        around = DayRange(date(span.first.year, 1, 1), date(span.last.year, 12, 31))
        for row in await store.load_others(unit, children, around.first, around.last):
            docket.others[row["child_id"]].append(Other(**row))
    for row in await _tutor_lessons(unit, pieces):
        values = dict(row)
        docket.tutor_lessons[row["provider_id"], values.pop("tutor"), row["first_day"]].append(Other(**values))
        rivals.add(row["position_id"])
    proofs = {p.line.proof for p in pieces if p.line.proof is not None}
    if proofs:
        for row in await store.load_proofs(unit, {p.line.provider_id for p in pieces}, proofs):
            docket.proofs[row["provider_id"], row["proof"]] = row["position_id"]
    found = await read_pieces(unit, rivals - mine)
    return {p.id: p for p in found}


def _rivals_among_slots(slots: Iterable[tuple[tuple[UUID, date, bool], Slot]], lunches: Sequence[Piece]) -> set[UUID]:
    """Holders of slots that other providers' pieces of this case come upon and that a machine may still re-decide."""
    wanted: dict[tuple[UUID | None, Month], set[UUID]] = defaultdict(set)
    for piece in lunches:
        wanted[piece.line.child_id, Month.of(piece.first_day)].add(piece.line.provider_id)
    found: set[UUID] = set()
    for (child, day, _), slot in slots:
        providers = wanted.get((child, Month.of(day)))
        if providers and not slot.settled and providers != {slot.provider_id}:
            found |= {p for p in (slot.position_id, slot.rival_position_id) if p is not None}
    return found


def _slot(row: Row) -> Slot:
    return Slot(
        position_id=row["position_id"],
        provider_id=row["provider_id"],
        facility_id=row["facility_id"],
        contested=row["state"] == "contested",
        rival_position_id=row["rival_position_id"],
        rival_provider_id=row["rival_provider_id"],
        rival_facility_id=row["rival_facility_id"],
        settled=row["settled"],
    )


async def read_pieces(unit: UnitOfWork, position_ids: Collection[UUID]) -> list[Piece]:
    """Positions as pieces, their state locked; those a machine may not re-decide (settled, cancelled, by a person) are left out."""
    if not position_ids:
        return []
    rows = await store.lock_pieces(unit, position_ids)
    return to_pieces(row for row in rows if row["batch_id"] is None and not row["by_person"] and row["outcome"] != Outcome.CANCELLED)


def to_pieces(rows: Iterable[Row]) -> list[Piece]:
    """Pieces of rows of the store, one Line object per line."""
    lines: dict[UUID, Line] = {}
    return [_piece(row, lines) for row in rows]


def _piece(row: Row, lines: dict[UUID, Line]) -> Piece:
    line = lines.get(row["line_id"])
    if line is None:
        line = lines[row["line_id"]] = Line(
            id=row["line_id"],
            invoice_id=row["invoice_id"],
            invoice_number=row["number"],
            line_no=row["line_no"],
            provider_id=row["provider_id"],
            claim=part_from_document(Claim, row["claim"]),
            identity=Identity(row["identity"]),
            received_at=row["received_at"],
            received_on=business_day(row["received_at"]),
            entitlement_id=row["entitlement_id"],
            child_id=row["child_id"],
            facility_id=row["facility_id"],
            number_lost_on=row["lost_on"],
            iban_differs=row["iban_differs"],
            tutor=row["tutor"],
            proof=row["proof"],
            check_id=row["check_id"],
        )
    standing = Standing(
        decision_id=row["decision_id"],
        outcome=Outcome(row["outcome"]),
        approved=row["approved"],
        proposed=row["proposed"],
        findings=read_findings(row["findings"]),
        shares=read_shares(row["allocations"]),
        by_person=row["by_person"],
    )
    return Piece(row["position_id"], line, row["first_day"], row["last_day"], row["quantity"], row["claimed"], before=standing)

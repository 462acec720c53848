"""Decided invoices in a town, without the long way through grants and rules: rows exactly as adjudication leaves them.

Children, providers and accounts are inserted as the registers would; decisions, states, postings, budgets, reviews and corrections are
written by adjudication's own writer, so that whatever reads them cannot tell the difference.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert

from but_gateway.db.engine import Database
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope
from but_gateway.kit.clock import business_day
from but_gateway.kit.ids import new_id, new_ids
from but_gateway.procedures.adjudication.model import Corrects, Line, Piece, Ruling, Share, Standing
from but_gateway.procedures.adjudication.store import lock_children
from but_gateway.procedures.adjudication.write import write_rulings
from but_gateway.registers.entitlements.tables import child, entitlement, entitlement_grant, grant_version
from but_gateway.registers.invoices.store import insert_invoice, insert_lines, insert_positions
from but_gateway.registers.invoices.tables import lunch_slot
from but_gateway.registers.providers.bank_store import add_bank_account, confirm_bank_account
from but_gateway.registers.providers.tables import provider
from but_gateway.rules.facts import Claim, Form, Identity
from but_gateway.rules.verdict import Outcome

RECEIVED = datetime(2026, 11, 2, 10, tzinfo=UTC)
PROPOSER, CONFIRMER = "but-gateway|proposer", "but-gateway|confirmer"


def german_iban(account: int) -> str:
    """An IBAN with right check digits."""
    bban = f"37040044{account:010d}"
    return f"DE{98 - int(bban + '131400') % 97:02d}{bban}"


@dataclass(frozen=True)
class Child:
    """A child with one lunch entitlement and a grant for each of its legal bases."""

    id: UUID
    entitlement_id: UUID
    grants: Mapping[str, UUID]  # by legal basis


@dataclass(frozen=True)
class Meal:
    """A position to be decided: cents paid by legal basis; ``claimed`` is the same unless it was reduced."""

    child: Child
    day: date
    cents: Mapping[str, int]
    claimed: int | None = None
    benefit: str = "lunch"
    outcome: Outcome | None = None  # None: accepted, or reduced where less than claimed is paid
    decided_by: str | None = None  # a person who resolved a review with this outcome


@dataclass(frozen=True)
class Billed:
    """An invoice as it was stored, with its positions in order."""

    id: UUID
    number: str
    positions: tuple[UUID, ...]
    meals: tuple[Meal, ...]
    provider_id: UUID


@dataclass
class Billing:
    """A town's books. ``providers`` are ids by key."""

    database: Database
    scope: Scope
    keys: TownKeys
    providers: dict[str, UUID] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[UnitOfWork]:
        """A transaction of the town."""
        async with self.database.transaction(self.scope) as unit:
            yield unit

    async def provider(
        self, key: str, *, account: bool = True, name: str = "Mensa Rheinland GmbH", usable_from: date = date(2026, 1, 1)
    ) -> UUID:
        """A provider, with a bank account two persons agreed on."""
        provider_id = new_id()
        self.providers[key] = provider_id
        async with self.unit() as unit:
            await unit.execute(
                insert(provider).values(
                    municipality_id=unit.municipality_id,
                    id=provider_id,
                    key=key,
                    name=name,
                    kind="caterer",
                    status="active",
                    undertaking_signed_on=date(2026, 1, 1),
                    creditor_number=f"07{next(self._numbers):05d}",
                    version=1,
                )
            )
        if account:
            await self.bank_account(key, usable_from=usable_from, holder=name)
        return provider_id

    async def bank_account(  # noqa: PLR0913 - what tells accounts apart, all named
        self,
        provider_key: str,
        *,
        proposed_by: str = PROPOSER,
        confirmed_by: str | None = CONFIRMER,
        usable_from: date = date(2026, 1, 1),
        holder: str = "Mensa Rheinland GmbH",
        at: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    ) -> str:
        """A bank account of the provider; gives its IBAN."""
        account_id, iban = new_id(), german_iban(next(self._numbers))
        async with self.unit() as unit:
            await add_bank_account(
                unit,
                self.keys,
                account_id=account_id,
                provider_id=self.providers[provider_key],
                iban=iban,
                holder=holder,
                by=proposed_by,
                at=at,
            )
            if confirmed_by is not None:
                await confirm_bank_account(unit, account_id, by=confirmed_by, at=at, usable_from=usable_from)
        return iban

    async def child(self, *bases: str, family_name: str = "Yılmaz", given_names: str = "Elif", benefit: str = "lunch") -> Child:
        """A child granted the benefit from 2025 to 2027 under each legal basis, without limits."""
        child_id, entitlement_id = new_id(), new_id()
        grants = {basis: new_id() for basis in bases or ("sgb2",)}
        key = f"K{next(self._numbers)}"
        async with self.unit() as unit:
            here = {"municipality_id": unit.municipality_id}
            sealed = {
                column: self.keys.seal(value, "child", child_id, column)
                for column, value in (("family_name", family_name), ("given_names", given_names), ("date_of_birth", "2016-05-11"))
            }
            await unit.execute(
                insert(child).values(**here, id=child_id, key=key, same_child_index=child_id.bytes, decision_seq=0, **sealed)
            )
            await unit.execute(
                insert(entitlement).values(**here, id=entitlement_id, key=key, child_id=child_id, benefit=benefit, information_allowed=True)
            )
            for basis, grant_id in grants.items():
                await unit.execute(
                    insert(entitlement_grant).values(
                        **here, id=grant_id, key=f"{key}-{basis}", entitlement_id=entitlement_id, current_version=1, used=0, reserved=0
                    )
                )
                await unit.execute(
                    insert(grant_version).values(
                        **here,
                        grant_id=grant_id,
                        version=1,
                        legal_basis=basis,
                        valid_from=date(2025, 1, 1),
                        valid_to=date(2027, 12, 31),
                        status="active",
                        budget_kind="unlimited",
                        subjects=[],
                        flags=[],
                        recorded_at=RECEIVED,
                    )
                )
        return Child(child_id, entitlement_id, grants)

    async def invoice(
        self,
        provider_key: str,
        meals: Sequence[Meal],
        *,
        number: str | None = None,
        received_at: datetime = RECEIVED,
        iban_differs: bool = False,
    ) -> Billed:
        """An invoice of one line per position, decided."""
        billed = Billed(
            new_id(), number or f"R-{next(self._numbers)}", tuple(new_ids(len(meals))), tuple(meals), self.providers[provider_key]
        )
        lines = [_line(billed, no, meal, received_at, iban_differs=iban_differs) for no, meal in enumerate(meals, 1)]
        pieces = [
            Piece(position, line, meal.day, meal.day, 1, _claimed(meal))
            for position, line, meal in zip(billed.positions, lines, meals, strict=True)
        ]
        async with self.unit() as unit:
            await lock_children(unit, {meal.child.id for meal in meals})
            await _store(unit, billed, pieces, received_at, iban_differs=iban_differs)
            await write_rulings(unit, [_ruling(piece, meal) for piece, meal in zip(pieces, meals, strict=True)], received_at, {})
            await _resolve(unit, list(zip(pieces, meals, strict=True)), received_at)
            here = {"municipality_id": unit.municipality_id, "provider_id": billed.provider_id, "state": "held"}
            held = [
                here | {"child_id": meal.child.id, "day": meal.day, "position_id": position}
                for meal, position in zip(meals, billed.positions, strict=True)
                if meal.benefit == "lunch" and _final(meal) in _PAYABLE
            ]
            if held:
                await unit.execute(insert(lunch_slot), held)
        return billed

    async def correction(
        self, provider_key: str, original: Billed, index: int, *, received_at: datetime = RECEIVED, number: str | None = None
    ) -> Billed:
        """A correction that takes a whole position back."""
        meal = original.meals[index]
        taken = {basis: -cents for basis, cents in meal.cents.items()}
        total = sum(taken.values())
        negative = Meal(meal.child, meal.day, taken, total, meal.benefit)
        billed = Billed(new_id(), number or f"K-{next(self._numbers)}", (new_id(),), (negative,), self.providers[provider_key])
        line = _line(billed, 1, negative, received_at, iban_differs=False)
        corrects = Corrects(original.positions[index], -total, 0, _shares(meal))
        piece = Piece(billed.positions[0], line, meal.day, meal.day, -1, total, corrects)
        async with self.unit() as unit:
            await lock_children(unit, {meal.child.id})
            await _store(unit, billed, [piece], received_at, iban_differs=False)
            ruling = Ruling(piece, Outcome.ACCEPTED, total, None, (), _shares(negative), rule_set="test")
            await write_rulings(unit, [ruling], received_at, {})
            slot = lunch_slot.c
            here = (slot.municipality_id == unit.municipality_id, slot.child_id == meal.child.id, slot.day == meal.day)
            await unit.execute(delete(lunch_slot).where(*here))
        return billed

    async def resolve(  # noqa: PLR0913 - what tells decisions apart, all named
        self,
        billed: Billed,
        index: int,
        outcome: Outcome,
        *,
        at: datetime,
        by: str = "but-gateway|clerk",
        before: Outcome = Outcome.REVIEW,
    ) -> None:
        """A person decides a position that is under review; or (``before``) one that was decided, once more."""
        meal = billed.meals[index]
        cents = sum(meal.cents.values())
        paid, shares = (cents, _shares(meal)) if outcome in _PAYABLE else (0, ())
        line = _line(billed, index + 1, meal, at, iban_differs=False)
        piece = Piece(billed.positions[index], line, meal.day, meal.day, 1, _claimed(meal))
        stood: tuple[int, int | None] = (0, cents) if before is Outcome.REVIEW else (cents, None)
        piece.before = Standing(new_id(), before, *stood, (), _shares(meal))
        async with self.unit() as unit:
            await lock_children(unit, {meal.child.id})
            await write_rulings(unit, [Ruling(piece, outcome, paid, None, (), shares, decided_by=by)], at, {})


_PAYABLE = {Outcome.ACCEPTED, Outcome.REDUCED}


def _claimed(meal: Meal) -> int:
    return sum(meal.cents.values()) if meal.claimed is None else meal.claimed


def _final(meal: Meal) -> Outcome:
    return meal.outcome or (Outcome.REDUCED if sum(meal.cents.values()) < _claimed(meal) else Outcome.ACCEPTED)


def _shares(meal: Meal) -> tuple[Share, ...]:
    return tuple(Share(meal.child.grants[basis], 1, basis, cents, 0) for basis, cents in meal.cents.items())


def _line(billed: Billed, number: int, meal: Meal, received_at: datetime, *, iban_differs: bool) -> Line:
    claim = Claim(meal.benefit, meal.benefit, Form.DAY, abs(_claimed(meal)))
    return Line(
        id=new_id(),
        invoice_id=billed.id,
        invoice_number=billed.number,
        line_no=number,
        provider_id=billed.provider_id,
        claim=claim,
        identity=Identity.CONFIRMED,
        received_at=received_at,
        received_on=business_day(received_at),
        entitlement_id=meal.child.entitlement_id,
        child_id=meal.child.id,
        iban_differs=iban_differs,
    )


def _ruling(piece: Piece, meal: Meal) -> Ruling:
    """The machine's decision: what a person decides was under review first."""
    outcome, paid = _final(meal), sum(meal.cents.values())
    if meal.decided_by is not None or outcome is Outcome.REVIEW:
        return Ruling(piece, Outcome.REVIEW, 0, paid, (), _shares(meal), rule_set="test")
    if outcome not in _PAYABLE:
        return Ruling(piece, outcome, 0, None, (), (), rule_set="test")
    return Ruling(piece, outcome, paid, None, (), _shares(meal), rule_set="test")


async def _resolve(unit: UnitOfWork, decided: Sequence[tuple[Piece, Meal]], at: datetime) -> None:
    for piece, meal in decided:
        if meal.decided_by is None:
            continue
        paid = sum(meal.cents.values())
        # The writer looks at what stood before, not at its id.
        piece.before = Standing(new_id(), Outcome.REVIEW, 0, paid, (), _shares(meal))
        ruling = Ruling(piece, _final(meal), paid, None, (), _shares(meal), decided_by=meal.decided_by)
        await write_rulings(unit, [ruling], at, {})


async def _store(unit: UnitOfWork, billed: Billed, pieces: Sequence[Piece], at: datetime, *, iban_differs: bool) -> None:
    days = [piece.first_day for piece in pieces]
    values = {
        "id": billed.id,
        "provider_id": billed.provider_id,
        "number": billed.number,
        "kind": "invoice",
        "issued_on": business_day(at),
        "first_day": min(days),
        "last_day": max(days),
        "total": sum(p.claimed for p in pieces),
        "iban_differs": iban_differs,
        "received_at": at,
        "client_id": "test",
    }
    assert await insert_invoice(unit, values), "the number was used before"
    lines = [piece.line for piece in pieces]
    none: list[Any] = [None] * len(lines)
    await insert_lines(
        unit,
        [
            [line.id for line in lines],
            [billed.id] * len(lines),
            [billed.provider_id] * len(lines),
            [line.line_no for line in lines],
            [line.claim.benefit for line in lines],
            [line.claim.item for line in lines],
            [line.claim.form.value for line in lines],
            days,
            days,
            [p.quantity for p in pieces],
            [line.claim.unit_price for line in lines],
            [p.claimed for p in pieces],
            [line.identity.value for line in lines],
            [line.entitlement_id for line in lines],
            [line.child_id for line in lines],
            none,
            none,
            ["{}"] * len(lines),
            none,
            none,
            none,
            none,
        ],
    )
    await insert_positions(
        unit,
        [
            [p.id for p in pieces],
            [billed.id] * len(pieces),
            [p.line.id for p in pieces],
            [billed.provider_id] * len(pieces),
            days,
            days,
            [p.quantity for p in pieces],
            [p.claimed for p in pieces],
            [p.corrects.position_id if p.corrects else None for p in pieces],
        ],
    )

"""Takes rows of a grant import into the register: what changed is written, what the office should know becomes a notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.index_store import share_index_keys
from but_gateway.kit.clock import business_day
from but_gateway.registers.entitlements import import_store, notice_store
from but_gateway.registers.entitlements.guard_store import add_notices
from but_gateway.registers.entitlements.plan import Outcome, Picture, Plan, number_indexes
from but_gateway.registers.entitlements.schemas import RowIn
from but_gateway.registers.entitlements.store import link_providers
from but_gateway.registers.entitlements.terms import FLAG_TEXTS
from but_gateway.registers.municipalities.store import lock_register
from but_gateway.web.problems import Text

ROWS_MAX: Final = 1000  # in one transaction
REGISTER: Final = "grants"
BUDGET_FLAG: Final = "B-01"
BUDGET_TEXT: Final = Text(
    "Das Budget liegt unter dem, was schon verbraucht oder vorgemerkt ist. Anerkanntes bleibt, mehr wird nicht bezahlt. Bitte prüfen.",
    "The budget is below what is used or reserved already. What was accepted stands; nothing more will be paid. Please check.",
)


@dataclass(frozen=True, slots=True)
class Flag:
    """What a rule says of a row that was taken (row counts from 0 here)."""

    row: int
    grant_key: str
    rule: str
    text: Text


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of the rows, in their order. ``touched``: children known before of whom something changed; decide them again."""

    outcomes: tuple[Outcome, ...]
    picture: Picture
    touched: frozenset[UUID]

    def numbers(self) -> dict[str, str]:
        """The number of every entitlement of the rows that stood, by its key."""
        standing = dict.fromkeys(o.row.entitlement.key for o in self.outcomes if o.row and o.kind != "rejected")
        return {key: self.picture.entitlements[key].number or "" for key in standing}


async def enter(unit: UnitOfWork, keys: TownKeys, rows: Sequence[RowIn], at: datetime) -> Entered:
    """Takes at most ``ROWS_MAX`` rows of correct form into the open transaction, one import of a town after the other.

    When something about known children changes, they are locked and the rows are taken once more into the picture as it is then.
    """
    if len(rows) > ROWS_MAX:
        raise ValueError("too many rows for one transaction")
    await lock_register(unit, REGISTER)
    keys = await share_index_keys(unit, keys)
    rows = await import_store.by_own_keys(unit, rows)
    supplied = {number_indexes(keys, r.entitlement.number)[0] for r in rows if r.entitlement.number}

    async def take() -> tuple[Plan, list[Outcome]]:
        plan = Plan(await import_store.read_picture(unit, keys, rows, supplied), keys, business_day(at))
        return plan, plan.take_all(rows)

    plan, outcomes = await take()
    touched = plan.touched_children()
    if touched:
        await import_store.lock_children(unit, touched)
        plan, outcomes = await take()
    picture = plan.picture
    await import_store.write_children(unit, keys, list(picture.children.values()))
    await import_store.write_entitlements(unit, keys, picture, at)
    await import_store.write_grants(unit, picture, at)
    await _link_named(unit, picture, at)
    await _tell(unit, keys, picture, at)
    return Entered(tuple(outcomes), picture, frozenset(touched))


async def flags_of(unit: UnitOfWork, entered: Entered) -> list[Flag]:
    """What the rules of import say of the rows that stand. Ask after the re-decision: it frees what it can of lowered budgets."""
    picture = entered.picture
    limited = [g for g in picture.grants.values() if g.terms.limit is not None and not g.new]
    await import_store.settle_limits(unit, {g.id for g in limited if g.versions})
    over = await import_store.overdrawn(unit, {g.id for g in limited})
    flags: list[Flag] = []
    for index, outcome in enumerate(entered.outcomes):
        if outcome.row is None or outcome.kind == "rejected":
            continue
        grant = picture.grants[outcome.row.grant.key]
        flags += [Flag(index, grant.key, rule, FLAG_TEXTS[rule]) for rule in grant.terms.flags]
        if grant.id in over:
            flags.append(Flag(index, grant.key, BUDGET_FLAG, BUDGET_TEXT))
    return flags


async def _link_named(unit: UnitOfWork, picture: Picture, at: datetime) -> None:
    named = [
        (terms.provider_id, picture.entitlements[g.entitlement_key].id)
        for g in picture.grants.values()
        for _, terms in g.versions
        if terms.provider_id
    ]
    await link_providers(unit, named, at)


async def _tell(unit: UnitOfWork, keys: TownKeys, picture: Picture, at: datetime) -> None:
    """Notices: the same child under two keys; grants of different legal bases for the same child, benefit and days (E-06)."""
    children = {c.id: c.same_child_indexes(keys) for c in picture.children.values() if c.changed}
    same = [
        ("child", first, _SAME_CHILD.format(first, second))
        for group in await notice_store.same_children(unit, children)
        for first, *others in [sorted(group)]
        for second in others
    ]
    await add_notices(unit.driver, unit.municipality_id, "same_child", same, at=at)
    grants = [g.id for g in picture.grants.values() if g.versions]
    pairs = await notice_store.double_grants(unit, grants)
    double = [("grant", first, _DOUBLE_GRANT.format(first, second)) for first, second in pairs]
    await add_notices(unit.driver, unit.municipality_id, "double_grant", double, at=at)


_SAME_CHILD: Final = "Die Kinder {} und {} haben denselben Namen und dasselbe Geburtsdatum. Bitte prüfen, ob es ein Kind ist."
_DOUBLE_GRANT: Final = "Die Bewilligungen {} und {} umfassen dieselben Tage, stehen aber in verschiedenen Rechtskreisen (E-06)."

"""Reads Einzelposten.ndjson line by line, checks each position by itself, and decides it again from its facts."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cache, partial
from typing import Any, BinaryIO, Final

from but_gateway.kit.clock import business_day
from but_gateway.kit.money import parse_money
from but_gateway.procedures.verification.model import Findings, OrderSum, Positions
from but_gateway.procedures.verification.opening import Package
from but_gateway.rules.digest import rule_set_digest
from but_gateway.rules.document import from_document
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.version import DIGEST, RULE_SET

_NAME: Final = "Einzelposten.ndjson"
_LINE_BYTES_MAX: Final = 1024 * 1024
_MEMBERS: Final = [
    "position_id", "provider", "invoice", "invoice_id", "line_no", "benefit", "item", "form", "first_day", "last_day", "quantity",
    "claimed", "corrects", "received_at", "decision_id", "decided_at", "by_person", "decision", "approved", "findings", "allocations",
    "orders", "payment", "rule_set", "facts",
]  # fmt: skip
_ALLOCATION: Final = ["grant", "grant_version", "legal_basis", "amount", "units"]
_ORDER: Final = ["order", "legal_basis", "amount"]


class _OddLineError(ValueError):
    """A line that is no position."""


def read_positions(package: Package, findings: Findings) -> Positions:
    """What the positions come to. Each line must be exactly as the gateway writes it, in the order of ids."""
    result = Positions()
    installed = _is_untouched()
    last = ""
    with package.open(_NAME) as file:
        for number, line in enumerate(_lines(file), 1):
            place = f"line {number}"
            try:
                document = _document(line)
                # Whoever changed blanks, escapes or the order of members changed the file, whatever a reader makes of it.
                if json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" != line:
                    findings.add("not_canonical", _NAME, place)
                findings.require(document["position_id"] > last, "order_wrong", _NAME, place)
                last = document["position_id"]
                require = partial(findings.require, file=_NAME, place=place)
                _add(result, document, require)
                _decide(result, document, require, installed=installed)
            except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError):
                findings.add("unreadable", _NAME, place)
    return result


@cache
def _is_untouched() -> bool:
    """Whether the rules of this installation are, to the letter, those that their name stands for."""
    return rule_set_digest() == DIGEST


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_LINE_BYTES_MAX):
        yield line


def _document(line: bytes) -> dict[str, Any]:
    document = json.loads(line.decode("utf-8", "strict"))
    if not isinstance(document, dict) or list(document) != _MEMBERS:
        raise _OddLineError
    parts = [(one, _ALLOCATION) for one in document["allocations"]] + [(one, _ORDER) for one in document["orders"]]
    if any(list(one) != members for one, members in parts):
        raise _OddLineError
    return document


Require = Callable[..., bool]


def _add(result: Positions, document: Mapping[str, Any], require: Require) -> None:
    """The position by itself: its amounts agree; and what it adds to its orders and to its payment's advice."""
    claimed, approved = parse_money(document["claimed"]), parse_money(document["approved"])
    first, last = date.fromisoformat(document["first_day"]), date.fromisoformat(document["last_day"])
    shares = [(one["order"], one["legal_basis"], parse_money(one["amount"])) for one in document["orders"]]
    borne: Counter[str] = Counter()
    for one in document["allocations"]:
        borne[one["legal_basis"]] += parse_money(one["amount"])
    ordered: Counter[str] = Counter()
    for _, basis, cents in shares:
        ordered[basis] += cents
    require(document["decision"] in {"accepted", "reduced"}, "decision_wrong")
    require(first <= last, "days_wrong")
    require(sum(borne.values()) == approved, "allocations_sum")
    require(sum(ordered.values()) == approved, "orders_sum")
    require(+borne == +ordered and -borne == -ordered, "legal_basis_differs")
    require(approved <= claimed if claimed > 0 else approved >= claimed or document["corrects"] is not None, "more_than_claimed")
    require((claimed < 0) == (document["corrects"] is not None), "correction_wrong")
    result.count += 1
    for number, basis, cents in shares:
        order = result.orders.setdefault(number, OrderSum(document["payment"], basis, document["benefit"], first.year))
        same = (order.payment, order.legal_basis, order.benefit, order.fiscal_year)
        require(same == (document["payment"], basis, document["benefit"], first.year), "order_mixed")
        order.positions += 1
        order.gross += max(cents, 0)
        order.receipts += max(-cents, 0)
    require(document["position_id"] not in result.digests, "twice")
    result.digests[document["position_id"]] = row_digest(
        document["provider"], document["invoice"], document["line_no"], document["benefit"], document["item"], str(first), str(last),
        document["quantity"], claimed, approved, document["decision"], bool(document["by_person"]), sorted(ordered.items()),
        ", ".join(number for number, _, _ in shares), document["payment"], document["rule_set"], document["corrects"],
        document["decision_id"],
    )  # fmt: skip
    provider = result.providers.setdefault(document["payment"], document["provider"])
    require(provider == document["provider"], "order_mixed")
    told = result.told.setdefault(document["payment"], Counter())
    told[document["invoice"], document["line_no"], str(first), str(last), claimed, approved] += 1


def row_digest(*values: object) -> bytes:
    """A short digest of what two files must say alike of a position; so comparing them needs little memory."""
    return hashlib.sha256(repr(values).encode()).digest()[:16]


def _decide(result: Positions, document: Mapping[str, Any], require: Require, *, installed: bool) -> None:
    """Decides again what was decided by rule, and compares everything."""
    if document["rule_set"] is None:
        result.by_person += 1
        return
    if document["rule_set"] != RULE_SET or not installed:
        result.other_rule_set += 1
        return
    if not require(document["facts"] is not None, "facts_missing"):
        return
    facts = from_document(document["facts"])
    verdict = evaluate(facts)
    approved = parse_money(document["approved"])
    require((str(verdict.outcome), verdict.approved) == (document["decision"], approved), "decision_differs")
    findings = [[one.rule, int(one.effect), dict(one.values), one.payable] for one in verdict.findings]
    require(json.loads(json.dumps(findings)) == document["findings"], "findings_differ")
    situation = facts.situation
    claimed = parse_money(document["claimed"])
    said = (document["first_day"], document["last_day"], document["quantity"], claimed)
    require((str(situation.first_day), str(situation.last_day), situation.quantity, situation.claimed) == said, "facts_differ")
    received = business_day(datetime.fromisoformat(document["received_at"]))
    require(situation.received_on == received, "facts_differ")
    claim = (facts.claim.benefit, facts.claim.item, str(facts.claim.form))
    require(claim == (document["benefit"], document["item"], document["form"]), "facts_differ")
    if document["corrects"] is None:
        paying = [(facts.grants[one.grant], one) for one in verdict.allocations]
        borne = [(grant.ref, grant.version, str(grant.legal_basis), one.cents, one.units) for grant, one in paying]
        require(borne == [_allocation(one) for one in document["allocations"]], "allocations_differ")
    result.recomputed += 1


def _allocation(document: Mapping[str, Any]) -> tuple[Any, ...]:
    amount = parse_money(document["amount"])
    return document["grant"], document["grant_version"], document["legal_basis"], amount, document["units"]

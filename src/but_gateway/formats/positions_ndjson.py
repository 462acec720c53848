"""Einzelposten.ndjson: every position of a batch with its decision, what it was made from, and where its money stands in the books.

One JSON object a line, UTF-8, keys in a fixed order. No names: children and grants appear by id and by the town's own keys.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from but_gateway.kit.clock import print_moment
from but_gateway.kit.money import print_money


@dataclass(frozen=True, slots=True)
class PositionRecord:
    """A position as the audit package tells it. Money in cents; documents as they are stored with the decision.

    ``facts``: the facts as the JSON text of rules/document.py, None for a decision not made by rule.
    """

    position_id: str
    provider: str
    invoice: str
    invoice_id: str
    line_no: int
    benefit: str
    item: str
    form: str
    first_day: date
    last_day: date
    quantity: int
    claimed: int
    corrects: str | None
    received_at: datetime
    decision_id: str
    decided_at: datetime
    by_person: bool
    decision: str
    approved: int
    findings: Sequence[Any]
    allocations: Sequence[Sequence[Any]]  # grant id, version, legal basis, cents, units
    orders: Sequence[tuple[str, str, int]]  # number, legal basis, cents
    payment: str  # end-to-end id
    rule_set: str | None
    facts: str | None


def write_position(record: PositionRecord) -> bytes:
    """The line of a position, with its line feed."""
    document = {
        "position_id": record.position_id,
        "provider": record.provider,
        "invoice": record.invoice,
        "invoice_id": record.invoice_id,
        "line_no": record.line_no,
        "benefit": record.benefit,
        "item": record.item,
        "form": record.form,
        "first_day": record.first_day.isoformat(),
        "last_day": record.last_day.isoformat(),
        "quantity": record.quantity,
        "claimed": print_money(record.claimed),
        "corrects": record.corrects,
        "received_at": print_moment(record.received_at),
        "decision_id": record.decision_id,
        "decided_at": print_moment(record.decided_at),
        "by_person": record.by_person,
        "decision": record.decision,
        "approved": print_money(record.approved),
        "findings": record.findings,
        "allocations": [
            {"grant": a[0], "grant_version": a[1], "legal_basis": a[2], "amount": print_money(a[3]), "units": a[4]}
            for a in record.allocations
        ],
        "orders": [{"order": number, "legal_basis": basis, "amount": print_money(cents)} for number, basis, cents in record.orders],
        "payment": record.payment,
        "rule_set": record.rule_set,
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # Facts come as a text that is put in as such: their parts recur in thousands of positions and are printed once.
    return f'{text[:-1]},"facts":{record.facts or "null"}}}\n'.encode()

"""Tells providers which decisions about their positions changed after they were answered (GET …/changes)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from but_gateway.procedures.adjudication.model import Piece, Ruling, Standing
from but_gateway.registers.invoices.model import PositionView
from but_gateway.registers.invoices.view import show_findings
from but_gateway.registers.providers.change_store import DECISION, Change
from but_gateway.rules.facts import Form
from but_gateway.rules.verdict import Outcome


def told_changes(rulings: Iterable[Ruling], at: datetime) -> Iterator[Change]:
    """What providers hear of these rulings.

    First decisions are answered at once, and who cancels knows it. A new decision in which the provider would read nothing new (another
    grant or legal basis bears it, a note for the office) is none of its business: telling that there was one would already hint at why.
    """
    for ruling in rulings:
        piece, before = ruling.piece, ruling.piece.before
        if before is None or ruling.outcome is Outcome.CANCELLED or not _reads_otherwise(piece, before, ruling):
            continue
        day = piece.first_day.isoformat() if piece.line.claim.form is Form.DAY else None
        details = {"line_no": piece.line.line_no, "service_date": day}
        yield Change(piece.line.provider_id, at, DECISION, "invoice", piece.line.invoice_id, details)


def _reads_otherwise(piece: Piece, before: Standing, ruling: Ruling) -> bool:
    if (before.outcome, before.approved, before.proposed) != (ruling.outcome, ruling.approved, ruling.proposed):
        return True
    return before.findings != ruling.findings and _read(piece, before) != _read(piece, ruling)


def _read(piece: Piece, decided: Standing | Ruling) -> list[dict[str, Any]]:
    """The findings as the provider reads them."""
    view = PositionView(
        id=piece.id,
        form=piece.line.claim.form.value,
        first_day=piece.first_day,
        last_day=piece.last_day,
        claimed=piece.claimed,
        outcome=decided.outcome,
        approved=decided.approved,
        proposed=decided.proposed,
        findings=decided.findings,
        shares=(),
    )
    return show_findings(view, "de", staff=False)

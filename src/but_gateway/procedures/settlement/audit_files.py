"""What the audit gets: every position with its decision. Read once, in pieces, so that memory does not grow with their number."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.positions_ndjson import write_position
from but_gateway.procedures.settlement import package_store
from but_gateway.procedures.settlement.audit_book import PositionsBook
from but_gateway.procedures.settlement.model import PackageFile
from but_gateway.procedures.settlement.package import XLSX, DraftFile, FactTexts, FileKind, FileMaker, HandedOver, position_record


async def _make_positions(unit: UnitOfWork, handed: HandedOver, _made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    """Writes Einzelposten.ndjson and Einzelposten.xlsx out of one reading.

    A thousand positions are written beside the loop, so that others are answered meanwhile, and while the next thousand are read.
    """
    lines, table = drafts
    texts, number = FactTexts(), handed.contents.batch.number
    with ExitStack() as stack:
        book = stack.enter_context(PositionsBook(table.as_writer(), handed, handed.made_at))
        writing: asyncio.Task[None] | None = None
        try:
            async for rows in _read(unit, handed, texts):
                facts = [texts.text(row["facts"]) for row in rows]
                if writing is not None:
                    await writing
                writing = asyncio.create_task(asyncio.to_thread(_write, number, rows, facts, lines, book))
        finally:
            if writing is not None:
                await writing
        end = stack.pop_all()
    await asyncio.to_thread(end.close)


def _write(batch: str, rows: Sequence[Mapping[str, Any]], facts: Sequence[str | None], lines: DraftFile, book: PositionsBook) -> None:
    records = [position_record(row, batch, text) for row, text in zip(rows, facts, strict=True)]
    for record in records:
        lines.write(write_position(record))
    book.add(records)


async def _read(unit: UnitOfWork, handed: HandedOver, texts: FactTexts) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """The batch's positions, some at a time, with the parts of their facts at hand."""
    async for rows in package_store.read_positions(unit, handed.contents.batch.id):
        facts = [row["facts"] for row in rows]
        texts.trim()
        for _ in ("contexts", "the parts they name"):
            missing = texts.missing(facts)
            if missing:
                texts.add(await package_store.load_fact_parts(unit, missing))
        yield rows


POSITIONS: Final = FileMaker(
    (FileKind("Einzelposten.ndjson", "audit", "application/x-ndjson"), FileKind("Einzelposten.xlsx", "audit", XLSX)), _make_positions
)

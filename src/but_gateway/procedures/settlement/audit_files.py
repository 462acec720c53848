"""What the audit gets: every position with its decision. Read once, in pieces, so that memory does not grow with their number."""

from collections.abc import Sequence
from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.positions_ndjson import write_position
from but_gateway.procedures.settlement import package_store
from but_gateway.procedures.settlement.model import PackageFile
from but_gateway.procedures.settlement.package import DraftFile, FactTexts, FileKind, FileMaker, HandedOver, position_record


async def _make_positions(unit: UnitOfWork, handed: HandedOver, _made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    """Writes Einzelposten.ndjson."""
    (lines,) = drafts
    contents, texts = handed.contents, FactTexts()
    async for rows in package_store.read_positions(unit, contents.batch.id):
        facts = [row["facts"] for row in rows]
        for _ in ("contexts", "the parts they name"):
            missing = texts.missing(facts)
            if missing:
                texts.add(await package_store.load_fact_parts(unit, missing))
        for row in rows:
            lines.write(write_position(position_record(row, contents.batch.number, texts.text(row["facts"]))))


POSITIONS: Final = FileMaker((FileKind("Einzelposten.ndjson", "audit", "application/x-ndjson"),), _make_positions)

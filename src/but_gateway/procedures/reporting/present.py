"""A report in the format that was asked for: JSON for machines, spreadsheet and CSV for offices, a picture for a quick look."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from fastapi import Response
from pydantic import BaseModel

from but_gateway.formats.chart import Chart, draw
from but_gateway.formats.table_csv import write_table
from but_gateway.formats.xlsx import Sheet, write_workbook
from but_gateway.web.accept import CSV, JSON, XLSX, choose_format

SVG: Final = "image/svg+xml"
OFFERED: Final = (JSON, CSV, XLSX, SVG)
_ENDINGS: Final = {CSV: "csv", XLSX: "xlsx", SVG: "svg"}
# For the docs: what an answer may be beside JSON.
ALSO_OFFERED: Final[dict[str, Any]] = {
    "content": {
        CSV: {"schema": {"type": "string"}},
        XLSX: {"schema": {"type": "string", "format": "binary"}},
        SVG: {"schema": {"type": "string"}},
    }
}


def wanted_format(accept: str | None) -> str:
    """The media type to answer with. Refuses when none of the offered ones is accepted (NotAcceptable)."""
    return choose_format(accept, OFFERED)


def present(media_type: str, name: str, answer: BaseModel, sheets: Sequence[Sheet], chart: Chart, *, at: datetime) -> Response:  # noqa: PLR0913 - a report in all its shapes
    """The response; a file is called ``name``. ``at`` is when it was asked for, and stands in the spreadsheet."""
    out = io.BytesIO()
    match media_type:
        case "text/csv":
            for sheet in sheets:
                write_table(out, sheet.columns, sheet.rows)
        case "image/svg+xml":
            out.write(draw(chart))
        case "application/json":
            out.write(answer.model_dump_json().encode())
        case _:
            write_workbook(out, sheets, at, title=name)
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if media_type in _ENDINGS:
        headers["Content-Disposition"] = f'attachment; filename="{name}.{_ENDINGS[media_type]}"'
    if media_type == SVG:
        headers["Content-Disposition"] = f'inline; filename="{name}.svg"'
    content_type = f"{media_type}; charset=utf-8" if media_type == CSV else media_type
    return Response(out.getvalue(), headers=headers, media_type=content_type)

"""PDF documents: templates beside this module, set by Typst, as tagged PDF/A-2a that meets PDF/UA-1 as well.

Data reach a template as one JSON text and are shown as text; nothing of them is ever read as markup. Only fonts that come with the
typesetter are used, none of the machine's, and the document's date is the data's: the same data make the same bytes.
"""

import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import typst

STANDARDS: Final[list["typst.PDFStandard"]] = ["a-2a", "ua-1"]
_PLACE: Final = Path(__file__).parent
# What the fonts can show, as a test tries character by character: Latin, Greek, Cyrillic, combining marks, punctuation, currencies.
_SHOWN: Final = (
    (0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x24F), (0x300, 0x345), (0x374, 0x375), (0x37A, 0x37F), (0x384, 0x38A),
    (0x38C, 0x38C), (0x38E, 0x3A1), (0x3A3, 0x4FF), (0x1E00, 0x1EFF),
    (0x2010, 0x2027), (0x2030, 0x203A), (0x20A0, 0x20BF), (0x2116, 0x2116), (0x2122, 0x2122), (0x2190, 0x2195), (0x2212, 0x2212),
)  # fmt: skip
_CANNOT_SHOW: Final = "\ufffd"
_BREAK_HERE: Final = "\u200b"


class Press:
    """Sets one template again and again. Not for several threads at once: each has its own.

    Making one reads fonts and template; printing a page takes a few milliseconds then, in the same memory however often.
    """

    def __init__(self, template: str) -> None:
        self._compiler = typst.Compiler(
            _PLACE.joinpath(template), root=_PLACE, font_paths=typst.Fonts(include_system_fonts=False), ignore_system_fonts=True
        )

    def print(self, data: Mapping[str, Any], made_at: datetime) -> bytes:
        """The document of some data: JSON values whose texts passed ``shown`` or ``breakable``. ``made_at``: its date, aware.

        Refuses what the template cannot do with them (typst.TypstError).
        """
        inputs = {"data": json.dumps(data, ensure_ascii=False)}
        made = self._compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=STANDARDS, timestamp=int(made_at.timestamp()))
        if not isinstance(made, bytes):
            raise TypeError("a document is one file")
        return made


def shown(text: str) -> str:
    """Text as a document shows it, in one line: what no font has, steers the direction of writing or is invisible becomes U+FFFD."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(c if _is_shown(ord(c)) else _CANNOT_SHOW for c in composed)


def breakable(text: str, run_max: int) -> str:
    """``shown``, with invisible places to break in runs of more than so many characters: they wrap in a column instead of leaving it.

    Shorter runs stay as they are, so that a number copied from the document is the number.
    """
    return " ".join(_BREAK_HERE.join(run[i : i + run_max] for i in range(0, len(run), run_max)) for run in shown(text).split(" "))


def _is_shown(point: int) -> bool:
    return any(first <= point <= last for first, last in _SHOWN)

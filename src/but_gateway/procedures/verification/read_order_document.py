"""Reads the text of Anordnung.pdf: the sum that was ordered, and the fingerprint over the other files."""

import logging
import re
from typing import Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from but_gateway.procedures.verification.model import Findings
from but_gateway.procedures.verification.opening import Package

_NAME: Final = "Anordnung.pdf"
_INVISIBLE: Final = dict.fromkeys((0x200B, 0xAD, 0x2060))


def read_order_document(package: Package, findings: Findings) -> str | None:
    """The document's text without blanks and line breaks, which printing puts anywhere. None when it cannot be read."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of broken files what is told here already
    try:
        with package.open_seekable(_NAME) as file:
            text = "".join(page.extract_text() for page in PdfReader(file, strict=True).pages)
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, RecursionError, AssertionError):
        findings.add("unreadable", _NAME)
        return None
    return "".join(text.translate(_INVISIBLE).split())


def hashes_in(text: str) -> set[str]:
    """All hashes a text names (blanks are out already, so they may touch other words)."""
    return {text[i : i + 64] for found in re.finditer(r"[0-9a-f]{64,}", text) for i in range(found.start(), found.end() - 63)}

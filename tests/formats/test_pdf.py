"""PDF documents: archivable, accessible, the same bytes each time, and data are text whatever they look like."""

import subprocess
import sys
import unicodedata
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from but_gateway.formats import pdf_remittance
from but_gateway.formats.pdf import Press, breakable, shown
from but_gateway.formats.pdf_payment_order import write_payment_order
from but_gateway.formats.pdf_remittance import PdfAdvice, write_advice
from tests.formats.documents import EVERYTHING, fonts_of, head, metadata_of, order, payees, root_of, tags_of, text_of

HOSTILE = [
    "#panic()",
    "$x$",
    "*b*",
    "\\",
    "@cite <label>",
    "[a]",
    "`c`",
    "// d",
    "/* e",
    "= f",
    "- g",
    '#include "x"',
    "~",
    "---",
    "\\u{41}",
]
SHOWN = "".join(chr(point) for point in range(0x2300) if shown(chr(point)) == unicodedata.normalize("NFC", chr(point)))


def advice(provider: str = "Mensa Rheinland GmbH") -> bytes:
    collected = PdfAdvice()
    for one in EVERYTHING:
        collected.add(one)
    return write_advice(Press(pdf_remittance.TEMPLATE), collected, head(), provider, "DE02…2051")


DOCUMENTS = {"payment order": write_payment_order(order(payees(80))), "advice": advice()}


@pytest.mark.parametrize("content", DOCUMENTS.values(), ids=DOCUMENTS)
def test_it_is_an_archivable_tagged_document_in_german(content: bytes) -> None:
    root = root_of(content)
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "de"
    metadata = metadata_of(content)
    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<xmp:CreateDate>2026-12-02T09:30:00+00:00</xmp:CreateDate>" in metadata
    tags = tags_of(content)
    assert tags.count("/H1") == 1
    assert tags.count("/Table") >= 2
    assert "/H2" in tags


@pytest.mark.parametrize("content", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_table_has_headers_and_every_page_a_number(content: bytes) -> None:
    tags = tags_of(content)
    assert tags.count("/THead") == tags.count("/Table")
    assert tags.count("/TH") >= 3 * tags.count("/Table")
    text = text_of(content)
    count = text.count("Seite ")
    assert count >= 1
    assert all(f"Seite {n} von {count}" in text for n in range(1, count + 1))


@pytest.mark.parametrize("content", DOCUMENTS.values(), ids=DOCUMENTS)
def test_only_fonts_that_come_with_the_typesetter_are_used(content: bytes) -> None:
    assert {name.split("-")[0] for name in fonts_of(content)} <= {"LibertinusSerif", "DejaVuSansMono"}


def test_the_same_data_make_the_same_bytes_in_another_process_too() -> None:
    again = (
        "from tests.formats.test_pdf import *; print(*(sha256(c).hexdigest() for c in (write_payment_order(order(payees(80))), advice())))"
    )
    made = subprocess.run([sys.executable, "-c", again], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert made.stdout.split() == [sha256(content).hexdigest() for content in DOCUMENTS.values()]
    assert advice() == DOCUMENTS["advice"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_looks_like_markup_comes_out_as_text(name: str) -> None:
    assert name in text_of(advice(f"A {name} B"))


def test_names_with_umlauts_come_out_as_they_are() -> None:
    name = "Bäckerei Łukasz Çelik & Söhne „Groß“ – Ğüneş, Ωmega, Шевченко"
    assert name in text_of(advice(name))


def test_every_character_that_is_said_to_be_shown_can_be_shown() -> None:
    assert len(SHOWN) > 1_200
    assert write_payment_order(order(ground=" ".join(SHOWN)))


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_name_at_all_can_be_printed(name: str) -> None:
    assert advice(name).startswith(b"%PDF-1.7")


@pytest.mark.parametrize("unseen", ["日", "🙂", "\u202e", "\u200b", "\x00", "\ue000", "\ud800", "\U000f0000", "\u05d0"])
def test_what_no_font_shows_or_nobody_sees_is_replaced_visibly(unseen: str) -> None:
    assert shown(f"a{unseen}b") == "a\ufffdb"


def test_text_stands_in_one_line_and_is_composed() -> None:
    assert shown(" a\n\tb  c ") == "a b c"
    assert shown("Mu\u0308ller") == "Müller"


def test_only_long_runs_are_given_places_to_break() -> None:
    assert breakable("BUT-2026-0007-00001 kurz", 22) == "BUT-2026-0007-00001 kurz"
    assert breakable("abcdefgh ij", 3) == "abc\u200bdef\u200bgh ij"


def test_a_long_name_stays_inside_the_page() -> None:
    name = "Donaudampfschifffahrtsgesellschaftskapitänskajütenverpflegungsunternehmen" * 3
    assert text_of(advice(name)).replace(" ", "").count(name) == 1

"""Looking into PDF documents: their text, their tags, and what they say of themselves. And documents to look into."""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from but_gateway.formats.pdf_payment_order import BudgetLine, NamedHash, Payee, PaymentOrderDocument, Signed
from but_gateway.formats.remittance import AdvisedPosition, Correction, Reason, RemittanceHead, RemittanceSums

AT = datetime(2026, 12, 2, 9, 30, tzinfo=UTC)
OVER_PRICE = Reason("OVER_AGREED_PRICE", "Wir bezahlen 4,20 € statt 4,50 €. Vereinbart sind 4,20 € je Essen.", "Sie müssen nichts tun.")
IN_REVIEW = Reason("IN_CLARIFICATION", "Wir klären für Oktober 2026 noch eine offene Frage.", "Sie müssen nichts tun. Wir melden uns.")


def reader(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def text_of(content: bytes) -> str:
    """The text of all pages, blanks and line ends all the same."""
    return " ".join(" ".join(page.extract_text() for page in reader(content).pages).replace("\u00a0", " ").split())


def root_of(content: bytes) -> Any:  # noqa: ANN401 - a PDF dictionary of anything
    return reader(content).trailer["/Root"]


def metadata_of(content: bytes) -> str:
    return str(root_of(content)["/Metadata"].get_data(), "utf-8")


def tags_of(content: bytes) -> list[str]:
    """The kinds of all structure elements, as they are read out."""

    def walk(element: Any) -> Iterator[str]:  # noqa: ANN401 - a PDF object of any kind
        found = element.get_object()
        if isinstance(found, ArrayObject):
            for one in found:
                yield from walk(one)
        elif isinstance(found, DictionaryObject):
            if "/S" in found:
                yield str(found["/S"])
            if "/K" in found:
                yield from walk(found["/K"])

    return list(walk(root_of(content)["/StructTreeRoot"]["/K"]))


def fonts_of(content: bytes) -> set[str]:
    """The names of all fonts on its pages, without the tag of the subset."""
    pages: list[Any] = list(reader(content).pages)
    return {str(font.get_object()["/BaseFont"]).partition("+")[2] for page in pages for font in page["/Resources"]["/Font"].values()}


def payees(count: int) -> list[Payee]:
    return [
        Payee(n, f"Anbieter {n}", f"07{n:05d}", "DE02120300000000202051", 100 + n, f"BuT krefeld 2026-0007 R-{n}", f"BUT-2026-0007-{n:05d}")
        for n in range(1, count + 1)
    ]


def order(paid: Sequence[Payee] = (), **changes: Any) -> PaymentOrderDocument:  # noqa: ANN401 - fields of any type
    """A payment order of some payees, two by default, with 45.00 of receipts."""
    listed = list(paid) or payees(2)
    gross = sum(p.net for p in listed) + 4_500
    values: dict[str, Any] = {
        "town": "Stadt Krefeld",
        "batch": "2026-0007",
        "debtor_name": "Stadtkasse Krefeld",
        "debtor_iban": "DE02120300000000202051",
        "debtor_bic": "BYLADEM1001",
        "cutoff": date(2026, 11, 30),
        "due_on": date(2026, 12, 15),
        "gross": gross,
        "receipts": 4_500,
        "ground": "Leistungen für Bildung und Teilhabe (§§ 28, 29 SGB II).",
        "budget_lines": [BudgetLine(2026, "05.311.01", "533110", "", "SGB II", "Mittagsverpflegung", gross, 4_500)],
        "steps": [
            Signed("Sachlich richtig festgestellt", "A. Beispiel", "but-gateway|p-3f9c", AT),
            Signed("Angeordnet", "", "https://login.example/realms/stadt|f81d4fae", AT),
        ],
        "files": [NamedHash("b.csv", "b" * 64), NamedHash("a.xml", "a" * 64)],
        "payees": listed,
        "made_at": AT,
    }
    return PaymentOrderDocument(**(values | changes))


def position(**changes: Any) -> AdvisedPosition:  # noqa: ANN401 - fields of any type
    """A lunch that is paid in full."""
    values: dict[str, Any] = {
        "invoice": "R-2026-10-001",
        "line_no": 1,
        "form": "day",
        "first_day": date(2026, 10, 5),
        "last_day": date(2026, 10, 5),
        "benefit": "lunch",
        "benefit_name": "Mittagsverpflegung",
        "decision": "accepted",
        "claimed": 450,
        "approved": 450,
        "correction": None,
        "reasons": (),
    }
    return AdvisedPosition(**(values | changes))


REDUCED = position(line_no=2, decision="reduced", approved=420, reasons=(OVER_PRICE, IN_REVIEW))
OCTOBER = {"form": "month", "first_day": date(2026, 10, 1), "last_day": date(2026, 10, 31)}
MONTH = position(line_no=3, **OCTOBER, decision="review", claimed=6_000, approved=0, reasons=(IN_REVIEW,))
CORRECTED = position(invoice="K-1", claimed=-450, approved=-450, correction=Correction("R-2026-09-001", 12, 450))
REFUSED = position(
    invoice="K-1", line_no=2, decision="rejected", claimed=-900, approved=0, correction=Correction("R-9", 1, None), reasons=(OVER_PRICE,)
)
EVERYTHING = (position(), REDUCED, MONTH, CORRECTED, REFUSED)


def head(positions: Sequence[AdvisedPosition] = EVERYTHING) -> RemittanceHead:
    approved = sum(p.approved for p in positions if p.approved > 0)
    receipts = -sum(p.approved for p in positions if p.approved < 0)
    sums = RemittanceSums(sum(p.claimed for p in positions if p.claimed > 0), approved, receipts, approved - receipts)
    return RemittanceHead("2026-0007-00001", "2026-0007", "Stadt Krefeld", AT, "BuT krefeld 2026-0007 R-2026-10-001 +2", sums)

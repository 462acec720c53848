"""The remittance advice of one provider as PDF: sums, invoices, corrections, and for all that is not paid in full why and what to do.

Positions paid in full stand in the invoices' sums; each of them is in the CSV, XLSX and JSON shapes. Lists of a PDF end somewhere: what
goes beyond is counted and named there as well.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from but_gateway.formats.pdf import Press, breakable, shown
from but_gateway.formats.remittance import AdvisedPosition, RemittanceHead
from but_gateway.kit.clock import BERLIN
from but_gateway.kit.money import print_euro_de

TEMPLATE: Final = "pdf_remittance.typ"
TITLE: Final = "Zahlungsavis"
ROWS_MAX: Final = 500
_MONTHS: Final = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
)  # fmt: skip
_NOTE: Final = (
    "Bezahlt ist, was mit dieser Zahlung überwiesen wird; nicht bezahlt ist auch, was wir noch prüfen. Jede einzelne Position, auch die"
    " vollständig bezahlten, steht in der CSV-Datei zu diesem Avis. Dieses Avis ändert sich nicht mehr: Was wir später entscheiden, steht"
    " im Avis der Zahlung, die daraus folgt."
)


@dataclass(slots=True)
class InvoiceSums:
    """What a payment makes of one invoice; money in cents, without corrections."""

    positions: int = 0
    claimed: int = 0
    approved: int = 0


@dataclass(slots=True)
class PdfAdvice:
    """Collects the positions of one remittance, in memory that does not grow beyond what the document lists."""

    invoices: dict[str, InvoiceSums] = field(default_factory=dict)
    unpaid: list[AdvisedPosition] = field(default_factory=list)
    corrections: list[AdvisedPosition] = field(default_factory=list)
    unpaid_count: int = 0
    corrections_count: int = 0

    def add(self, position: AdvisedPosition) -> None:
        """Adds a position."""
        if position.approved < 0:
            self.corrections_count += 1
            if len(self.corrections) < ROWS_MAX:
                self.corrections.append(position)
        elif position.claimed >= 0:
            sums = self.invoices.setdefault(position.invoice, InvoiceSums())
            sums.positions += 1
            sums.claimed += position.claimed
            sums.approved += position.approved
        if not position.is_paid_in_full:
            self.unpaid_count += 1
            if len(self.unpaid) < ROWS_MAX:
                self.unpaid.append(position)

    def data(self, head: RemittanceHead, provider: str, account: str) -> dict[str, Any]:
        """What the template shows. ``account``: where it is paid to, as much of it as may be shown."""
        listed = list(self.invoices.items())[:ROWS_MAX]
        return {
            "title": TITLE,
            "town": shown(head.town),
            "provider": breakable(provider, 60),
            "number": head.number,
            "batch": head.batch,
            "made_on": head.created_at.astimezone(BERLIN).strftime("%d.%m.%Y"),
            "net": print_euro_de(head.sums.net),
            "claimed": print_euro_de(head.sums.claimed),
            "approved": print_euro_de(head.sums.approved),
            "open": print_euro_de(head.sums.claimed - head.sums.approved),
            "receipts": print_euro_de(-head.sums.receipts),
            "positions": str(sum(sums.positions for sums in self.invoices.values())),
            "facts": _facts(head, account),
            "invoices": [_invoice(number, sums) for number, sums in listed],
            "more_invoices": _more(len(self.invoices) - len(listed), "Rechnungen"),
            "corrections": [_correction(position) for position in self.corrections],
            "more_corrections": _more(self.corrections_count - len(self.corrections), "Korrekturen"),
            "unpaid": [_unpaid(position) for position in self.unpaid],
            "more_unpaid": _more(self.unpaid_count - len(self.unpaid), "Positionen"),
            "note": _NOTE,
        }


def write_advice(press: Press, advice: PdfAdvice, head: RemittanceHead, provider: str, account: str) -> bytes:
    """The advice as tagged PDF/A. ``press``: of this module's ``TEMPLATE``. The same advice gives the same bytes."""
    return press.print(advice.data(head, provider, account), head.created_at)


def _facts(head: RemittanceHead, account: str) -> list[tuple[str, str]]:
    facts = [
        ("Nummer des Avises", head.number),
        ("Verwendungszweck", breakable(head.remittance_text, 60)),
        ("Konto", shown(account)),
        ("Bezahlte Leistungen", print_euro_de(head.sums.approved)),
    ]
    if head.sums.receipts:
        facts += [("Verrechnete Korrekturen", print_euro_de(-head.sums.receipts)), ("Zahlbetrag", print_euro_de(head.sums.net))]
    return facts


def _invoice(number: str, sums: InvoiceSums) -> dict[str, str]:
    return {
        "number": breakable(number, 34),
        "positions": str(sums.positions),
        "claimed": print_euro_de(sums.claimed),
        "approved": print_euro_de(sums.approved),
        "open": print_euro_de(sums.claimed - sums.approved),
    }


def _correction(position: AdvisedPosition) -> dict[str, str]:
    correction = position.correction
    previous = correction.previous if correction else None
    return {
        "line": _line(position.invoice, position.line_no),
        "corrects": _line(correction.invoice, correction.line_no) if correction else "–",
        "when": _when(position),
        "previous": "–" if previous is None else print_euro_de(previous),
        "new": "–" if previous is None else print_euro_de(previous + position.approved),
        "difference": print_euro_de(position.approved),
    }


def _unpaid(position: AdvisedPosition) -> dict[str, Any]:
    return {
        "line": _line(position.invoice, position.line_no),
        "when": _when(position),
        "benefit": position.benefit_name,
        "claimed": print_euro_de(position.claimed),
        "approved": print_euro_de(position.approved),
        "reasons": [{"text": shown(reason.text), "next_step": shown(reason.next_step)} for reason in position.reasons],
    }


def _line(invoice: str, line_no: int) -> str:
    return f"{breakable(invoice, 18)}, Zeile\u00a0{line_no}"


def _when(position: AdvisedPosition) -> str:
    first, last = position.first_day, position.last_day
    match position.form:
        case "day":
            return first.strftime("%d.%m.%Y")
        case "month":
            return f"{_MONTHS[first.month - 1]} {first.year}"
        case _:
            return f"{first.strftime('%d.%m.%Y')} bis {last.strftime('%d.%m.%Y')}"


def _more(count: int, what: str) -> str:
    return f"Dazu {count} weitere {what}; sie stehen in der CSV-Datei zu diesem Avis." if count > 0 else ""

"""Anordnung.pdf: the payment order of a batch for the treasury, to sign or to file (§ 31 KomHVO NRW).

It cannot carry the hash of the manifest, because the manifest carries its own. It carries a *fingerprint* instead: the hash over the
manifest's entries of all other files (``fingerprint``), so that both documents vouch for the same files.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from but_gateway.formats.pdf import Press, breakable, shown
from but_gateway.kit.clock import BERLIN
from but_gateway.kit.money import print_euro_de
from but_gateway.kit.number_words import euro_in_words

TEMPLATE: Final = "pdf_payment_order.typ"
TITLE: Final = "Auszahlungsanordnung"
# A table of so many payees takes about a second and 150 MB to set; of more, nobody reads a printed list.
PAYEES_LISTED_MAX: Final = 1_000
_FILE_NAME_MAX: Final = 52


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """What the books record in one place. Money in cents; account fields may be empty."""

    fiscal_year: int
    product: str
    account: str
    cost_centre: str
    legal_basis: str
    benefit: str
    gross: int
    receipts: int


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is paid what, in cents."""

    serial: int
    name: str
    creditor: str
    iban: str
    net: int
    remittance_text: str
    end_to_end_id: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A step of the batch: what was done, by whom (``name`` empty: not known here), when."""

    what: str
    name: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NamedHash:
    """A file of the packages: its name and SHA-256 in hexadecimal digits."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class PaymentOrderDocument:
    """All that the document says. Money in cents."""

    town: str
    batch: str
    debtor_name: str
    debtor_iban: str
    debtor_bic: str | None
    cutoff: date
    due_on: date
    gross: int
    receipts: int
    ground: str
    budget_lines: Sequence[BudgetLine]
    steps: Sequence[Signed]
    files: Sequence[NamedHash]
    payees: Sequence[Payee]
    made_at: datetime


def fingerprint(files: Iterable[NamedHash]) -> str:
    """SHA-256 over the files of a batch: of one line ``<sha256>  <name>`` each, ordered by name, as ``sha256sum`` prints them."""
    lines = (f"{file.sha256}  {file.name}\n" for file in sorted(files, key=lambda file: file.name))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write_payment_order(document: PaymentOrderDocument) -> bytes:
    """The document as tagged PDF/A. The same document gives the same bytes.

    Refuses when the payees do not add up to the sum that is ordered (ValueError).
    """
    net = document.gross - document.receipts
    if sum(p.net for p in document.payees) != net:
        raise ValueError("payees that do not add up to the order")
    return Press(TEMPLATE).print(_data(document, net), document.made_at)


def _data(document: PaymentOrderDocument, net: int) -> dict[str, Any]:
    listed = document.payees if len(document.payees) <= PAYEES_LISTED_MAX else ()
    years = sorted({line.fiscal_year for line in document.budget_lines})
    return {
        "title": TITLE,
        "town": shown(document.town),
        "batch": document.batch,
        "kind": "Einzelanordnung" if len(document.payees) == 1 else "Sammelanordnung",
        "made_on": _day(document.made_at.astimezone(BERLIN).date()),
        "net": print_euro_de(net),
        "gross": print_euro_de(document.gross),
        "receipts": print_euro_de(document.receipts),
        "net_in_words": euro_in_words(net),
        "facts": _facts(document, years),
        "ground": shown(document.ground).replace("§ ", "§\u00a0"),
        "budget_lines": [_budget_line(line) for line in document.budget_lines],
        "steps": [_step(step) for step in document.steps],
        "statement": "Die sachliche und die rechnerische Richtigkeit sind festgestellt; die Auszahlung ist angeordnet.",
        "files": [{"name": _file_name(file.name), "sha256": file.sha256} for file in document.files],
        "fingerprint": fingerprint(document.files),
        "payments": _payments(len(document.payees)),
        "payees": [_payee(payee) for payee in listed],
        "payees_elsewhere": _elsewhere(document, net),
    }


def _facts(document: PaymentOrderDocument, years: Sequence[int]) -> list[tuple[str, str]]:
    account = _iban(document.debtor_iban) + (f" · BIC {shown(document.debtor_bic)}" if document.debtor_bic else "")
    return [
        ("An die Kasse", shown(document.debtor_name)),
        ("Zu zahlen vom Konto", account),
        ("Empfänger", f"{_payments(len(document.payees))}, siehe „Zahlungsempfänger“"),
        ("Fällig am", _day(document.due_on)),
        ("Haushaltsjahr", ", ".join(map(str, years))),
        ("Auszahlungen", print_euro_de(document.gross)),
        ("Absetzungen", print_euro_de(document.receipts)),
        ("Stichtag", f"{_day(document.cutoff)} (bis dahin eingegangene Abrechnungen)"),
    ]


def _elsewhere(document: PaymentOrderDocument, net: int) -> str:
    return (
        f"Die {_payments(len(document.payees))} über zusammen {print_euro_de(net)} stehen mit Empfänger, Kreditor, IBAN, Betrag,"
        " Verwendungszweck und EndToEndId in den Dateien Zahlungen.xlsx und pain001.xml, die mit ihrem SHA-256 unter „Dateien dieses"
        f" Laufs“ aufgeführt sind. Dieses Dokument führt höchstens {PAYEES_LISTED_MAX} Empfänger auf."
    )


def _budget_line(line: BudgetLine) -> dict[str, str]:
    return {
        "year": str(line.fiscal_year),
        "product": breakable(line.product, 12) or "–",
        "account": breakable(line.account, 12) or "–",
        "cost_centre": breakable(line.cost_centre, 12) or "–",
        "legal_basis": shown(line.legal_basis).replace("§ ", "§\u00a0"),
        "benefit": shown(line.benefit),
        "gross": print_euro_de(line.gross),
        "receipts": print_euro_de(line.receipts),
        "net": print_euro_de(line.gross - line.receipts),
    }


def _step(step: Signed) -> dict[str, str]:
    at = step.at.astimezone(BERLIN).strftime("%d.%m.%Y, %H:%M Uhr")
    # A person whose name is known is shown with it, and with the login that stands in the records.
    actor = breakable(step.actor, 60)
    return {"what": step.what, "name": shown(step.name) or actor, "id": actor if step.name else "", "at": at}


def _payee(payee: Payee) -> dict[str, str]:
    return {
        "serial": str(payee.serial),
        "name": breakable(payee.name, 34),
        "creditor": breakable(payee.creditor, 12) or "–",
        "iban": _iban(payee.iban),
        "net": print_euro_de(payee.net),
        "remittance_text": breakable(payee.remittance_text, 28),
        "end_to_end_id": breakable(payee.end_to_end_id, 22),
    }


def _payments(count: int) -> str:
    return "1 Zahlung" if count == 1 else f"{count} Zahlungen"


def _file_name(name: str) -> str:
    """A name too long for its column breaks between its parts."""
    return shown(name) if len(name) <= _FILE_NAME_MAX else shown(name).replace("_", "_\u200b")


def _iban(iban: str) -> str:
    """In groups of four, as people read it; kept in one line."""
    return "\u00a0".join(iban[i : i + 4] for i in range(0, len(iban), 4))


def _day(day: date) -> str:
    return day.strftime("%d.%m.%Y")

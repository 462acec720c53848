"""What settlement writes for people: remittance texts, reasons of holds, notices, names of files."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from but_gateway.formats.sepa import REMITTANCE_LENGTH_MAX, transliterate
from but_gateway.kit.money import print_euro_de
from but_gateway.kit.text import fold_name
from but_gateway.procedures.settlement.model import Cause, Hold

# S-07: words that tell what kind of help a family gets have no place on a bank statement.
_LEGAL_BASIS: Final = re.compile(r"sgb|bkgg|asyl|hartz|b(ue|ü)rgergeld|grundsicherung|wohngeld|kinderzuschlag|jobcenter|sozialhilfe")
_SHORT_WORD: Final = 3

NO_ACCOUNT: Final = Hold(Cause.ACCOUNT, "Bankverbindung fehlt: Es gibt noch kein bestätigtes, verwendbares Konto.")
IBAN_DIFFERS: Final = Hold(Cause.IBAN, "Bankverbindung abweichend – Zahlung angehalten (H-07).")
IBAN_DIFFERS_AND_NO_ACCOUNT: Final = Hold(Cause.IBAN, f"{IBAN_DIFFERS.reason} {NO_ACCOUNT.reason}")
ACCOUNT_BY_ORDERER: Final = Hold(
    Cause.ACCOUNT, "Vier-Augen-Prinzip: Das Konto hat vorgeschlagen oder bestätigt, wer den Lauf angeordnet hat."
)


@dataclass(frozen=True, slots=True)
class BilledInvoice:
    """An invoice a payment is for, and the words of the names of the children in it (empty where its number has no words)."""

    number: str
    names: frozenset[str] = frozenset()


def automatic_hold(*, has_account: bool, iban_differs: bool) -> Hold | None:
    """Why the gateway itself holds a payment, if it does."""
    if iban_differs:
        return IBAN_DIFFERS if has_account else IBAN_DIFFERS_AND_NO_ACCOUNT
    return None if has_account else NO_ACCOUNT


def has_words(invoice_number: str) -> bool:
    """Whether a number holds anything that could be a name; then the names must be compared before it is printed."""
    return any(len(word) > 1 for word in fold_name(invoice_number))


def may_be_printed(invoice: BilledInvoice) -> bool:
    """Whether an invoice's number may stand on a bank statement: no child's name, no legal basis (S-07)."""
    words = fold_name(invoice.number)
    joined = "".join(sorted(words)) if len(words) == 1 else " ".join(sorted(words))
    if _LEGAL_BASIS.search(joined) or _LEGAL_BASIS.search(invoice.number.lower()):
        return False
    return not any(name in words if len(name) <= _SHORT_WORD else name in joined for name in invoice.names if len(name) > 1)


def remittance_text(town: str, batch: str, invoices: Iterable[BilledInvoice]) -> str:
    """What stands on the provider's bank statement: ``BuT krefeld 2026-0007 R-2026-10-001``, at most 140 SEPA characters.

    Numbers that do not fit or may not be printed are counted at the end: ``+3``.
    """
    text = transliterate(f"BuT {town} {batch}")
    rest = list(invoices)
    room = REMITTANCE_LENGTH_MAX - len(" +99999")
    left_out = 0
    for position, invoice in enumerate(rest):
        number = transliterate(invoice.number)
        if not number or not may_be_printed(invoice):
            left_out += 1
        elif len(text) + 1 + len(number) > room:
            left_out += len(rest) - position
            break
        else:
            text = f"{text} {number}"
    return f"{text} +{left_out}" if left_out else text


def account_missing_notice(batch: str, provider: str) -> str:
    """Tells the office that a payment waits for an account."""
    return f"Lauf {batch}: Die Zahlung an {provider} ist angehalten, weil ein bestätigtes, verwendbares Konto fehlt."


def negative_balance_notice(provider: str, balance: int, batches: Sequence[str]) -> str:
    """Tells the office that a provider owes the town."""
    return (
        f"{provider} hat nach Verrechnung {print_euro_de(balance)} und wurde in den Läufen {', '.join(batches)} vorgetragen."
        " Bitte eine Annahmeanordnung prüfen."
    )


def file_stem(town: str, on: date, batch: str) -> str:
    """What the names of a batch's files begin with."""
    return f"BuT-{town}_{on.year:04d}-{on.month:02d}_Lauf-{batch}_"

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
# Batch numbers at the beginning of a remittance text, behind the town.
_REPEATED: Final = re.compile(r"^\S+ ?(Wdh \S+ ?)?")

NO_ACCOUNT: Final = Hold(Cause.ACCOUNT, "Bankverbindung fehlt: Es gibt noch kein bestätigtes, verwendbares Konto.")
IBAN_DIFFERS: Final = Hold(Cause.IBAN, "Bankverbindung abweichend – Zahlung angehalten (H-07).")
IBAN_DIFFERS_AND_NO_ACCOUNT: Final = Hold(Cause.IBAN, f"{IBAN_DIFFERS.reason} {NO_ACCOUNT.reason}")
ACCOUNT_BY_ORDERER: Final = Hold(
    Cause.ACCOUNT, "Vier-Augen-Prinzip: Das Konto hat vorgeschlagen oder bestätigt, wer den Lauf angeordnet hat."
)
SAME_ACCOUNT: Final = Hold(
    Cause.RETURNED,
    "Die Zahlung kam von diesem Konto zurück. Bitte beim Anbieter klären; geben Sie sie frei, wenn das Konto wieder stimmt.",
)
PAID_AFTER_ALL: Final = Hold(Cause.RETURNED, "Die Bank hat die zurückgekommene Zahlung inzwischen doch ausgeführt.")
# Reasons of a return (ISO 20022) that lie in the account itself: it is wrong, closed, blocked, or takes no transfers.
_ACCOUNT_REASONS: Final = frozenset({"AC01", "AC03", "AC04", "AC06", "AC13", "AC14", "AG01", "BE01", "BE04", "BE07", "MD07", "RC01"})


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


def repeat_hold(*, same_account: bool, reason: str | None, came_back_before: bool) -> Hold | None:
    """Why a repeat is held: it would go to the account it came back from, and that is known to be at fault or failed twice.

    Without such a reason (a technical fault, a bank closed for the day) the same account may well work the next time.
    """
    return SAME_ACCOUNT if same_account and (reason in _ACCOUNT_REASONS or came_back_before) else None


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


def repeat_text(town: str, batch: str, first_batch: str, text: str) -> str:
    """What stands on the statement for a repeat: ``BuT krefeld 2026-0008 Wdh 2026-0007 R-2026-10-001``.

    ``text`` is that of the returned payment. What no longer fits is cut between two words and shown as ``...``.
    """
    prefix = transliterate(f"BuT {town}") + " "
    rest = _REPEATED.sub("", text.removeprefix(prefix), count=1)
    words = f"{prefix}{transliterate(batch)} Wdh {transliterate(first_batch)} {rest}".split(" ")
    whole = " ".join(words).rstrip()
    while len(whole) > REMITTANCE_LENGTH_MAX:
        words.pop()
        whole = " ".join([*words, "..."])
    return whole


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

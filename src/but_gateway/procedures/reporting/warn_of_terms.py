"""Tells the office in time which invoices are about to be paid too late (S-10, § 286 (3) BGB)."""

from datetime import date, datetime, timedelta
from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import business_day
from but_gateway.kit.money import print_euro_de
from but_gateway.procedures.reporting.term_store import AtRisk, add_warnings, invoices_at_risk
from but_gateway.registers.municipalities.store import read_settings

# Deciding, drawing up, two certifications, an order by somebody else and the bank's working day take a working week: who is told a week
# before the term ends can still keep it.
WARNING_DAYS: Final = 7
# Notices of one transaction: memory stays flat, whatever has piled up.
INVOICES_AT_ONCE: Final = 1_000


async def warn_of_terms(unit: UnitOfWork, now: datetime, *, invoices_at_once: int = INVOICES_AT_ONCE) -> bool:
    """Writes a notice for each invoice at risk that the office was not told of; whether there may be more.

    The day of receipt does not count (§ 187 (1) BGB): received on 2 November with 30 days, the term ends on 2 December. That a term which
    ends on a Sunday ends on the Monday (§ 193 BGB) is left aside: to be told early does no harm.
    """
    settings = await read_settings(unit)
    term_days, today = settings.payment_term_days, business_day(now)
    found = await invoices_at_risk(unit, today, term_days=term_days, warning_days=WARNING_DAYS, limit=invoices_at_once)
    if found:
        await add_warnings(unit, [(one, warning(one, today, term_days)) for one in found], now)
    return len(found) == invoices_at_once


def warning(invoice: AtRisk, today: date, term_days: int) -> str:
    """What the office reads: result, why, what to do, by when.

    The invoice is named by the notice's subject and not by its number: providers write whatever they like into numbers, children's names
    among it, and notices are stored in the clear.
    """
    ends_on = invoice.received_on + timedelta(days=term_days)
    late = today > ends_on
    by = "so bald wie möglich" if late else f"bis {_german(ends_on)}"
    result = (
        f"Das Zahlungsziel einer Rechnung von {invoice.provider_key} ist seit {_german(ends_on)} überschritten."
        if late
        else f"Das Zahlungsziel einer Rechnung von {invoice.provider_key} läuft am {_german(ends_on)} ab."
    )
    amount, count = print_euro_de(invoice.cents), invoice.positions
    why, action = {
        "review": (
            "ein Klärfall ist offen" if count == 1 else f"{count} Klärfälle sind offen",
            f"Entscheiden Sie und bezahlen Sie {by}.",
        ),
        "settlement": ("der Betrag steht in keinem Lauf", f"Erstellen Sie einen Abrechnungslauf und bezahlen Sie {by}."),
        "order": ("der Lauf ist noch nicht an die Kasse übergeben", f"Schließen Sie den Lauf {by} ab."),
        "returned": ("die Zahlung kam von der Bank zurück", f"Klären Sie das Konto und bezahlen Sie {by} noch einmal."),
        "due": (
            f"die Zahlung ist erst zum {_german(invoice.due_on or ends_on)} angeordnet",
            f"Bitten Sie die Kasse, {by} zu zahlen.",
        ),
        "treasury": ("die Bank hat die Zahlung noch nicht gemeldet", "Fragen Sie heute bei der Kasse nach."),
    }[invoice.cause]
    return (
        f"{result} Sie ging am {_german(invoice.received_on)} ein, es geht um {amount}: {why[0].upper()}{why[1:]}. {action} (§ 286 (3) BGB)"
    )


def _german(day: date) -> str:
    return day.strftime("%d.%m.%Y")

"""H: form, deadlines and amounts; and the pure questions by which submission refuses whole invoices (H-03, H-05)."""

from collections.abc import Iterable
from datetime import date, timedelta

from but_gateway.kit.period import Month
from but_gateway.rules.context import Context, months_between
from but_gateway.rules.examples import CORRECTION, COUNTED_MONTH, FLAT_MONTH, LESSON, MEAL, fires, on, passes
from but_gateway.rules.facts import Form
from but_gateway.rules.rule import NOTE, REJECT, REVIEW, rule
from but_gateway.rules.verdict import Effect, Finding


@rule(
    "H-04",
    effect=REJECT,
    condition="Der Leistungstag liegt nach dem Tag des Eingangs. Gilt für einzelne Mittagessen, Monatszählungen und Unterricht.",
    basis="§ 29 (2), (3) SGB II",
    benefits=("lunch", "tutoring"),
    forms=(Form.DAY, Form.MONTH),
    examples=(
        fires("Ein Essen vom 5. Oktober geht am 4. Oktober ein.", MEAL, situation={"received_on": date(2026, 10, 4)}),
        fires(
            "Ein Monat wird gezählt, bevor sein letzter Öffnungstag da ist.", COUNTED_MONTH, situation={"received_on": date(2026, 10, 29)}
        ),
        passes("Das Essen geht am selben Tag ein.", MEAL, situation={"received_on": date(2026, 10, 5)}),
        passes("Ein pauschaler Monat ist ab seinem ersten Tag abrechenbar.", FLAT_MONTH, situation={"received_on": date(2026, 10, 1)}),
        passes("Die Zählung geht am letzten Öffnungstag ein.", COUNTED_MONTH, situation={"received_on": date(2026, 10, 30)}),
        fires("Unterricht wird im Voraus abgerechnet.", LESSON, situation={"received_on": date(2026, 10, 11)}),
    ),
)
def in_the_future(c: Context) -> Finding | None:
    """The service day lies after the business day of receipt.

    A monthly count is complete with the last opening day; a flat month may be billed from its first day on.
    """
    day = c.day
    if c.month and not c.flat:
        day = c.month_days[-1]
    if day <= c.situation.received_on:
        return None
    return Finding("H-04", Effect.REJECT, {"day": day.isoformat()})


@rule(
    "H-06",
    effect=(Effect.REVIEW, Effect.REJECT),
    condition="Die Abrechnung ging nach Ende der Einreichungsfrist ein: letzter Tag des n-ten Monats nach dem Leistungsmonat.",
    basis="Vereinbarung oder Einstellung der Kommune",
    examples=(
        fires("Oktober wird am 1. Februar eingereicht, die Frist war der 31. Januar.", MEAL, situation={"received_on": date(2027, 2, 1)}),
        fires(
            "Die Vereinbarung gibt einen Monat und lehnt Verspätetes ab.",
            MEAL,
            situation={"received_on": date(2026, 12, 1)},
            agreement={"submission_months": 1, "late_effect": "reject"},
        ),
        passes("Oktober wird am letzten Tag der Frist eingereicht.", MEAL, situation={"received_on": date(2027, 1, 31)}),
        passes("Die Kommune nimmt Verspätetes an.", MEAL, situation={"received_on": date(2027, 2, 1)}, town={"late_effect": "accept"}),
    ),
)
def late(c: Context) -> Finding | None:
    """Received after the deadline that counts from the month of the last service day."""
    agreed = c.agreement.submission_months
    months = max(c.town.submission_months if agreed is None else agreed, 0)
    last = c.situation.last_day
    # Months differ by more than n exactly when the last day of the n-th month has passed: no date is built for the usual case.
    if months_between(last, c.situation.received_on) <= months:
        return None
    effect = c.agreement.late_effect or c.town.late_effect
    if effect == "accept":
        return None
    deadline = submission_deadline(last, months)
    return Finding("H-06", Effect.REJECT if effect == "reject" else Effect.REVIEW, {"deadline": deadline.isoformat()})


@rule(
    "H-07",
    effect=NOTE,
    condition="Die IBAN auf der Abrechnung ist nicht die bestätigte. Die Zahlung wird angehalten, die Position normal entschieden.",
    basis="§§ 31, 32 KomHVO NRW",
    examples=(
        fires("Die Abrechnung nennt ein unbekanntes Konto.", MEAL, situation={"iban_differs": True}),
        passes("Die Abrechnung nennt das bestätigte Konto oder keines.", MEAL),
    ),
)
def bank_details_differ(c: Context) -> Finding | None:
    """The payment is held by settlement; the decision about the position is not affected."""
    return Finding("H-07", Effect.NOTE) if c.situation.iban_differs else None


@rule(
    "H-08",
    effect=REJECT,
    condition="Betrag, Preis oder Menge sind null oder negativ, ohne dass die Zeile eine frühere berichtigt.",
    basis="rechnerische Feststellung, § 31 (2) KomHVO NRW",
    examples=(
        fires("Eine Zeile über 0,00 €.", MEAL, situation={"claimed": 0}, claim={"unit_price": 0}),
        fires("Ein Preis, aber kein Betrag.", MEAL, situation={"claimed": 0}),
        fires("Ein Betrag, aber kein Preis.", MEAL, claim={"unit_price": 0}),
        fires("Ein Betrag, aber keine Menge.", MEAL, situation={"quantity": 0}),
        fires("Eine negative Zeile ohne Bezug.", MEAL, situation={"claimed": -450, "quantity": -1}),
        fires("Eine Berichtigung über einen positiven Betrag.", CORRECTION, situation={"claimed": 450}),
        fires("Eine Berichtigung über 0,00 €.", CORRECTION, situation={"claimed": 0}),
        passes("Eine Berichtigung über −4,50 €.", CORRECTION),
        passes("Eine Zeile über 0,01 €.", MEAL, situation={"claimed": 1}, claim={"unit_price": 1}),
    ),
)
def invalid_amount(c: Context) -> Finding | None:
    """Nothing to pay, or less; on a correction, nothing to take back."""
    situation = c.situation
    if situation.corrected is not None:
        valid = situation.claimed < 0
    else:
        valid = situation.claimed > 0 and c.claim.unit_price > 0 and situation.quantity > 0
    if valid:
        return None
    return Finding("H-08", Effect.REJECT)


@rule(
    "law_not_loaded",
    effect=REVIEW,
    condition="Für den Leistungstag ist kein Recht geladen: es wird nicht geraten, ein Mensch entscheidet.",
    basis="Art. 20 (3) GG, Bindung an das Recht des Leistungstags",
    examples=(
        fires("Ein Essen vor Einführung des Bildungspakets 2011.", MEAL, situation=on(date(2010, 12, 31))),
        passes("Ein Essen am ersten Tag des Bildungspakets.", MEAL, situation=on(date(2011, 1, 1))),
    ),
)
def law_not_loaded(c: Context) -> Finding | None:
    """Rules that need the law of the day stay silent without it, so a person has to look."""
    return Finding("law_not_loaded", Effect.REVIEW) if c.law is None else None


def submission_deadline(last_day: date, months: int) -> date:
    """H-06: the last day of the n-th month after the month of the last service day."""
    return Month.of(last_day).plus(months).last


def line_arithmetic_fault(quantity: int, unit_price: int, amount: int) -> int:
    """H-03: cents by which a line's amount is more than quantity × unit price; 0 = right. Not asked for tutoring (L-03 decides)."""
    return amount - quantity * unit_price


def lines_total_fault(amounts: Iterable[int], total: int) -> int:
    """H-03: cents by which the invoice's total is more than the sum of its lines; 0 = right."""
    return total - sum(amounts)


def period_too_short(first: date, last: date, months_min: int) -> bool:
    """H-05: whether a billing period has fewer whole months than agreed, counted from its first day (§§ 187 (2), 188 (2), (3) BGB)."""
    month = Month.of(first).plus(months_min)
    due = month.last if first.day > month.last.day else date(month.year, month.number, first.day) - timedelta(days=1)
    return last < due

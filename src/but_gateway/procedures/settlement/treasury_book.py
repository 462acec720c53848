"""Zahlungen.xlsx: a batch as people in the treasury read it. Payments, orders and their sums; no position, no child."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from but_gateway.formats.sepa import bank_name
from but_gateway.formats.xlsx import Cell, Column, Euro, Kind, Sheet
from but_gateway.law.basis import LegalBasis
from but_gateway.procedures.settlement.assignments import assignment_of_order
from but_gateway.procedures.settlement.model import Order, Payment, Step
from but_gateway.procedures.settlement.package import HandedOver
from but_gateway.procedures.settlement.schemas import order_number
from but_gateway.registers.municipalities.settings import AccountAssignment
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES

COVER: Final = (Column("Angabe", width=34), Column("Wert", Kind.ANY, width=44, wraps=True))
_PAYMENTS: Final = (
    Column("Nr.", Kind.WHOLE, 6), Column("Anbieter", width=18), Column("Kreditor", width=14), Column("Empfänger", width=40),
    Column("IBAN", width=26), Column("Zahlbetrag", Kind.MONEY, 16, total=True), Column("Auszahlungen", Kind.MONEY, 16, total=True),
    Column("Absetzungen", Kind.MONEY, 16, total=True), Column("Fällig", Kind.DAY, 12), Column("Ende-zu-Ende-Referenz", width=24),
    Column("Verwendungszweck", width=60), Column("Hinweis", width=40),
)  # fmt: skip
_ORDERS: Final = (
    Column("Anordnung", width=18), Column("Art", width=18), Column("Ende-zu-Ende-Referenz", width=24), Column("Kreditor", width=14),
    Column("Empfänger", width=40), Column("Rechtskreis", width=20), Column("Leistungsart", width=30),
    Column("Haushaltsjahr", Kind.WHOLE, 10), Column("Produkt", width=14), Column("Sachkonto", width=12), Column("Kostenstelle", width=12),
    Column("Positionen", Kind.WHOLE, 11, total=True), Column("Auszahlungen", Kind.MONEY, 16, total=True),
    Column("Absetzungen", Kind.MONEY, 16, total=True), Column("Betrag", Kind.MONEY, 16, total=True), Column("Fällig", Kind.DAY, 12),
    Column("Verwendungszweck", width=60),
)  # fmt: skip
_SUMS: Final = (
    Column("Rechtskreis", width=20), Column("Leistungsart", width=30), Column("Haushaltsjahr", Kind.WHOLE, 10),
    Column("Produkt", width=14), Column("Sachkonto", width=12), Column("Kostenstelle", width=12),
    Column("Anordnungen", Kind.WHOLE, 12, total=True), Column("Positionen", Kind.WHOLE, 11, total=True),
    Column("Auszahlungen", Kind.MONEY, 16, total=True), Column("Absetzungen", Kind.MONEY, 16, total=True),
    Column("Betrag", Kind.MONEY, 16, total=True),
)  # fmt: skip
_CORRECTIONS: Final = (
    Column("Art", width=22), Column("Anbieter", width=18), Column("Anordnung", width=18), Column("Rechtskreis", width=20),
    Column("Leistungsart", width=30), Column("Haushaltsjahr", Kind.WHOLE, 10), Column("Betrag", Kind.MONEY, 16),
    Column("Hinweis", width=70),
)  # fmt: skip
_NOTES: Final = (Column("Thema", width=24), Column("Erläuterung", width=110, wraps=True))
_EXPLAINED: Final = (
    ("Zahlungen", "Je Anbieter eine Zahlung: was die Bank überweist. Ihre Summe ist die Kontrollsumme der Datei pain001.xml."),
    (
        "Anordnungen",
        (
            "Der Teil einer Zahlung für einen Rechtskreis, eine Leistungsart und ein Haushaltsjahr der Leistung: was gebucht wird. Die"
            " Beträge der Anordnungen einer Zahlung ergeben zusammen den Zahlbetrag."
        ),
    ),
    ("Auszahlungen", "Anerkannte Beträge dieses Laufs, brutto."),
    (
        "Absetzungen",
        (
            "Zurückgenommene Beträge früherer Läufe. Sie mindern die Zahlung an den Anbieter und sind als Einnahme unter dem Rechtskreis zu"
            " buchen, unter dem gezahlt wurde. Zahlbetrag = Auszahlungen − Absetzungen. Eine einzelne Anordnung kann negativ sein."
        ),
    ),
    ("Haushaltsjahr", "Das Jahr, in dem die Leistung erbracht wurde. Das Jahr der Zahlung bestimmt der Tag der Abbuchung."),
    ("Positionen", "Wie viele Einzelposten in der Anordnung stehen. Die Einzelposten selbst erhält die Prüfung (Einzelposten.xlsx)."),
    (
        "Korrekturen",
        (
            "Anordnungen mit Absetzungen; Anbieter, deren Saldo null oder negativ ist und vorgetragen wird; Zahlungen, die den Lauf"
            " angehalten verlassen haben; Zahlungen, die eine zurückgekommene wiederholen."
        ),
    ),
    (
        "Empfänger",
        (
            "Name des Kontoinhabers. Was die Bank nicht ganz annimmt (70 Zeichen, SEPA-Zeichensatz), steht so da, wie es die Bank erhält,"
            " mit dem Zusatz „[gekürzt]“."
        ),
    ),
    ("Summen", "Die Summenzeilen folgen dem Filter der Tabelle; gespeichert ist die Summe über alle Zeilen."),
    ("Unversehrtheit", "Die Prüfsummen aller Dateien dieses Laufs stehen in manifest.json."),
)


def treasury_sheets(handed: HandedOver) -> Iterator[Sheet]:
    """The sheets of Zahlungen.xlsx: Deckblatt, Zahlungen, Anordnungen, Summen, Korrekturen, Erläuterung."""
    yield Sheet("Deckblatt", COVER, cover(handed), is_table=False)
    yield Sheet("Zahlungen", _PAYMENTS, _payment_rows(handed), totals=True)
    yield Sheet("Anordnungen", _ORDERS, _order_rows(handed), totals=True)
    yield Sheet("Summen", _SUMS, _sum_rows(handed), totals=True)
    yield Sheet("Korrekturen", _CORRECTIONS, _correction_rows(handed))
    yield Sheet("Erläuterung", _NOTES, _EXPLAINED, is_table=False)


def cover(handed: HandedOver) -> list[tuple[str, Cell]]:
    """What a batch is and comes to, and who answers for it, in pairs."""
    batch, sums = handed.contents.batch, handed.contents.totals
    return [
        ("Kommune", handed.settings.name),
        ("Abrechnungslauf", batch.number),
        ("Stichtag", batch.cutoff),
        ("Fällig am", batch.due_on),
        ("Auszahlungen", Euro(sums.gross)),
        ("Absetzungen", Euro(sums.receipts)),
        ("Zahlbetrag", Euro(sums.net)),
        ("Zahlungen", len(handed.contents.payments)),
        ("Anordnungen", len(handed.contents.orders)),
        ("Auftraggeber", handed.debtor.name),
        ("IBAN des Auftraggebers", handed.debtor.iban),
        ("BIC des Auftraggebers", handed.debtor.bic),
        *_signed("Erstellt", batch.drawn_up),
        *_signed("Sachlich festgestellt", batch.factual),
        *_signed("Rechnerisch festgestellt", batch.arithmetical),
        *_signed("Angeordnet", batch.ordered),
        ("An die Kasse übergeben am", handed.made_at),
    ]


def printed_name(holder: str) -> str:
    """The payee's name; what the bank cannot take whole is shown as the bank gets it, and said to be cut."""
    printed = bank_name(holder)
    return f"{printed.text} [gekürzt]" if printed.shortened else holder


def assignment_of(handed: HandedOver, order: Order) -> AccountAssignment | None:
    """Where the books record an order."""
    return assignment_of_order(handed.settings, handed.contents.batch, order)


def kind_of(order: Order) -> str:
    """What kind of order it is: ``reduction`` when it takes more than it gives, ``single`` for one position, else ``collective``."""
    if order.net < 0:
        return "reduction"
    return "single" if order.positions == 1 else "collective"


_KINDS: Final = {"single": "Einzelanordnung", "collective": "Sammelanordnung", "reduction": "Absetzung"}


def _signed(what: str, step: Step | None) -> tuple[tuple[str, Cell], ...]:
    return ((f"{what} am", step.at if step else None), (f"{what} von", step.by if step else None))


def _basis(legal_basis: str) -> str:
    return LegalBasis(legal_basis).german_name


def _payment_rows(handed: HandedOver) -> Iterator[Sequence[Cell]]:
    for payment in handed.contents.payments:
        payee = handed.payees[payment.id]
        yield (
            payment.serial, payment.provider_key, handed.providers[payment.provider_id].creditor_number, printed_name(payee.holder),
            payee.iban, payment.net, payment.gross, payment.receipts, handed.contents.batch.due_on, payment.end_to_end_id,
            payment.remittance_text, "Wiederholung einer zurückgekommenen Zahlung" if payment.repeats_id else None,
        )  # fmt: skip


def _order_rows(handed: HandedOver) -> Iterator[Sequence[Cell]]:
    payments = {p.id: p for p in handed.contents.payments}
    for order in handed.contents.orders:
        payment = payments[order.payment_id]
        yield (
            order_number(handed.contents.batch.number, order.serial), _KINDS[kind_of(order)], payment.end_to_end_id,
            handed.providers[payment.provider_id].creditor_number, printed_name(handed.payees[payment.id].holder),
            _basis(order.legal_basis), BENEFIT_NAMES[order.benefit], order.fiscal_year, *_accounts(assignment_of(handed, order)),
            order.positions, order.gross, order.receipts, order.net, handed.contents.batch.due_on, payment.remittance_text,
        )  # fmt: skip


def _accounts(assignment: AccountAssignment | None) -> tuple[Cell, Cell, Cell]:
    return (None, None, None) if assignment is None else (assignment.product, assignment.account, assignment.cost_centre)


def _sum_rows(handed: HandedOver) -> Iterator[Sequence[Cell]]:
    """Sums by legal basis, benefit, fiscal year and account, in order of payment of the legal bases."""
    sums: dict[tuple[str, str, int, tuple[Cell, Cell, Cell]], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for order in handed.contents.orders:
        line = sums[order.legal_basis, order.benefit, order.fiscal_year, _accounts(assignment_of(handed, order))]
        for place, amount in enumerate((1, order.positions, order.gross, order.receipts, order.net)):
            line[place] += amount
    for (basis, benefit, year, accounts), line in sorted(
        sums.items(), key=lambda item: (LegalBasis(item[0][0]).payment_rank, item[0][1:3])
    ):
        yield (_basis(basis), BENEFIT_NAMES[benefit], year, *accounts, *line)


def _correction_rows(handed: HandedOver) -> Iterator[Sequence[Cell]]:
    payments: dict[object, Payment] = {p.id: p for p in handed.contents.payments}
    for order in handed.contents.orders:
        if order.receipts:
            yield (
                "Absetzung", payments[order.payment_id].provider_key, order_number(handed.contents.batch.number, order.serial),
                _basis(order.legal_basis), BENEFIT_NAMES[order.benefit], order.fiscal_year, -order.receipts,
                "In der Zahlung an den Anbieter verrechnet.",
            )  # fmt: skip
    for carried in handed.contents.carried_forward:
        yield (
            "Vortrag",
            carried.provider_key,
            None,
            None,
            None,
            None,
            carried.balance,
            "Saldo null oder negativ: keine Zahlung in diesem Lauf.",
        )
    for payment in handed.contents.left:
        yield ("Angehalten", payment.provider_key, None, None, None, None, payment.net, payment.hold.reason if payment.hold else None)
    for payment in handed.contents.payments:
        if payment.repeats_id:
            yield ("Wiederholung", payment.provider_key, None, None, None, None, payment.net, "Wiederholt eine zurückgekommene Zahlung.")

"""What reconciliation refuses with, beside the refusals every room knows."""

from but_gateway.web.problems import Problem, Text


class AmountDiffers(Problem):
    """A booking cannot stand for this payment."""

    status = 409
    code = "amount_differs"
    title = Text("Betrag passt nicht", "Amount differs")
    default_detail = Text(
        "Die Buchung ist höher als die Zahlung oder nicht in Euro. Wählen Sie eine andere Zahlung oder schließen Sie den Eintrag ab.",
        "The booking is more than the payment or not in euro. Choose another payment, or mark the entry as done.",
    )


NOT_AT_THE_BANK = Text(
    "Diese Zahlung wurde noch nicht an die Kasse übergeben; die Bank kann sie nicht gebucht haben.",
    "This payment was not handed over to the treasury yet; the bank cannot have booked it.",
)
HAS_ITS_PAYMENT = Text("Der Eintrag hat seine Zahlung schon.", "The entry has its payment already.")
NOTHING_TO_DO = Text("An diesem Eintrag ist nichts mehr zu tun.", "There is nothing left to do about this entry.")
UNREAD_DOCUMENT = Text(
    "Dieses Dokument wird hier nicht gelesen. Gelesen werden camt.053.001.08, camt.054.001.08 und pain.002.001.03, .10 und .11.",
    "This document is not read here. Read are camt.053.001.08, camt.054.001.08 and pain.002.001.03, .10 and .11.",
)
HEADER_MISSING = Text(
    "Die erste Zeile muss die Spalten nennen: end_to_end_id;status;on;amount, dazu wahlweise reference und return_reason.",
    "The first line must name the columns: end_to_end_id;status;on;amount, and optionally reference and return_reason.",
)
COLUMNS_DIFFER = Text("Die Zeile hat mehr oder weniger Spalten als die erste.", "The line has more or fewer columns than the first.")

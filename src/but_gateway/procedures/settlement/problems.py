"""What settlement refuses with, beside the refusals every room knows."""

from but_gateway.web.problems import Problem, Text, WrongState


class NothingToSettle(Problem):
    """No payment would come out of this batch."""

    status = 409
    code = "nothing_to_settle"
    title = Text("Nichts abzurechnen", "Nothing to settle")
    default_detail = Text(
        "Bis zum Stichtag liegen keine anerkannten Positionen vor, die noch in keinem Lauf sind.",
        "Up to the cutoff day there are no accepted positions that are not in a batch yet.",
    )


NOTHING_TO_PAY = Text(
    "Bei allen Anbietern mit offenen Positionen ist der Saldo null oder negativ. Er wird vorgetragen, es entsteht kein Lauf.",
    "All providers with open positions net to zero or less. Their amounts are carried forward, no batch is made.",
)


class AllPaymentsHeld(Problem):
    """Nothing would be left to hand over."""

    status = 409
    code = "all_payments_held"
    title = Text("Alle Zahlungen angehalten", "All payments held")
    default_detail = Text(
        "Jede Zahlung dieses Laufs ist angehalten. Geben Sie mindestens eine frei oder ziehen Sie den Lauf zurück.",
        "Every payment of this batch is held. Release at least one, or withdraw the batch.",
    )


class DebtorMissing(Problem):
    """The town has no account to pay from."""

    status = 409
    code = "debtor_missing"
    title = Text("Eigene Bankverbindung fehlt", "Debtor account missing")
    default_detail = Text(
        "In den Einstellungen fehlt das Konto, von dem die Kommune zahlt (debtor).",
        "The settings lack the account the municipality pays from (debtor).",
    )


class AccountMissing(Problem):
    """The provider has no bank account that may be used today."""

    status = 409
    code = "account_missing"
    title = Text("Bankverbindung fehlt", "Bank account missing")
    default_detail = Text(
        "Für den Anbieter gibt es noch kein bestätigtes, verwendbares Konto. Die Zahlung bleibt angehalten.",
        "The provider has no confirmed, usable account yet. The payment stays held.",
    )


class AssignmentMissing(Problem):
    """The books would not know where to record an order; ``errors`` lists every legal basis, benefit and fiscal year without an account."""

    status = 409
    code = "assignment_missing"
    title = Text("Kontierung fehlt", "Account assignment missing")
    default_detail = Text(
        "Für einen Teil des Laufs fehlt die Kontierung; alle Fälle stehen unter errors."
        " Tragen Sie sie in den Einstellungen nach (account_assignments).",
        "Parts of the batch have no account assignment; all are listed under errors. Add them to the settings (account_assignments).",
    )


ALREADY_CERTIFIED = Text(
    "Eine der Feststellungen ist schon getroffen. Senden Sie nur die, die noch fehlt.",
    "One of the certifications was made already. Send only the one that is missing.",
)
HELD_ALREADY = Text("Die Zahlung ist schon angehalten.", "The payment is held already.")
NOT_HELD = Text("Die Zahlung ist nicht angehalten.", "The payment is not held.")


def wrong_state(state: str) -> WrongState:
    """The refusal that names the present state."""
    german = {
        "drawn_up": "erstellt",
        "certified": "festgestellt",
        "ordered": "angeordnet",
        "handed_over": "an die Kasse übergeben",
        "paid": "bezahlt",
        "partly_returned": "teilweise zurückgekommen",
        "withdrawn": "zurückgezogen",
    }[state]
    return WrongState(
        Text(f"Der Lauf ist {german}; dieser Schritt ist dann nicht möglich.", f"The batch is {state}; this step is not possible then.")
    )

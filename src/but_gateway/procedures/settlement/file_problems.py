"""What the making of files refuses with: the hand-over keeps nothing then, and can be repeated once the cause is gone."""

from but_gateway.formats.hkr_csv import UnfitForProfileError
from but_gateway.web.problems import Problem, Text


class InterfaceUnfit(Problem):
    """An order does not fit the interface file of the town's finance software."""

    status = 409
    code = "interface_unfit"
    title = Text("Schnittstellendatei nicht möglich", "Interface file not possible")
    default_detail = Text(
        "Eine Anordnung passt nicht in die Schnittstellendatei, die die Kommune gewählt hat (hkr_profile).",
        "An order does not fit the interface file that the municipality chose (hkr_profile).",
    )


class PaymentFileRefused(Problem):
    """The payment file breaks a rule or does not fit the schema, and does not leave."""

    status = 409
    code = "payment_file_refused"
    title = Text("Zahlungsdatei nicht zulässig", "Payment file refused")
    default_detail = Text(
        "Die Zahlungsdatei entspricht nicht den Regeln oder dem Schema. Nichts wurde übergeben.",
        "The payment file breaks the rules or does not fit the schema. Nothing was handed over.",
    )


def no_profile(name: str) -> Text:
    """The town chose a profile that is not there (any more)."""
    return Text(
        f"Das Profil {name} der Schnittstellendatei gibt es in dieser Instanz nicht (mehr). Wählen Sie in den Einstellungen ein anderes.",
        f"This instance has no interface profile {name} (any more). Choose another one in the settings.",
    )


def unfit(error: UnfitForProfileError) -> Text:
    """Which order does not fit, in which column, and why."""
    return Text(
        f"Anordnung {error.order} passt nicht in die Schnittstellendatei, Spalte {error.column}: {error.de}. Nichts wurde übergeben.",
        f"Order {error.order} does not fit the interface file, column {error.column}: {error.en}. Nothing was handed over.",
    )


def refused(why: str) -> Text:
    """What is wrong with the payment file; the reason is the same in both languages, for it names elements and rules."""
    default = PaymentFileRefused.default_detail
    return Text(f"{default.de} Grund: {why}.", f"{default.en} Reason: {why}.")

"""Whole-invoice refusals: nothing of the invoice is kept."""

from but_gateway.web.problems import Forbidden, Invalid, Problem, Text


class NumberUsed(Problem):
    """H-01: the provider used this number in this town before; cancellations share the series."""

    status = 409
    code = "H-01"
    title = Text("Rechnungsnummer schon eingereicht", "Invoice number already submitted")
    default_detail = Text(
        "Unter dieser Nummer liegt uns schon eine Abrechnung oder Stornorechnung von Ihnen vor. Verwenden Sie eine neue Nummer.",
        "We already have an invoice or cancellation of yours under this number. Use a new number.",
    )


class ArithmeticFault(Invalid):
    """H-03: a line is not quantity × unit price, or the lines do not add up to the total (§ 31 KomHVO NRW)."""

    code = "H-03"
    title = Text("Rechnerische Abweichung", "Arithmetic difference")
    default_detail = Text(
        "Die Beträge stimmen rechnerisch nicht; jede Abweichung steht unter errors. Berichtigen Sie die Abrechnung und senden Sie sie neu.",
        "The amounts do not add up; each difference is listed under errors. Correct the invoice and send it again.",
    )


class PeriodTooShort(Invalid):
    """H-05: the billing period is shorter than the agreement allows."""

    code = "H-05"
    title = Text("Abrechnungszeitraum zu kurz", "Billing period too short")
    default_detail = Text(
        "Der Abrechnungszeitraum ist kürzer als vereinbart. Rechnen Sie den vereinbarten Zeitraum zusammen ab.",
        "The billing period is shorter than agreed. Bill the agreed period as a whole.",
    )


class UndertakingMissing(Forbidden):
    """P-02: the confidentiality undertaking (§ 78 SGB X) is missing."""

    code = "P-02"
    title = Text("Verpflichtungserklärung fehlt", "Confidentiality undertaking missing")
    default_detail = Text(
        "Der Kommune liegt Ihre Verpflichtungserklärung nach § 78 SGB X nicht vor. Reichen Sie sie dort ein.",
        "The municipality does not have your confidentiality undertaking (§ 78 SGB X). Hand it in there.",
    )


class NothingToObject(Problem):
    """Nothing of the line can be looked at again."""

    status = 409
    code = "nothing_to_object"
    title = Text("Kein Einwand möglich", "No objection possible")
    default_detail = Text(
        "In dieser Zeile ist nichts gekürzt oder abgelehnt, das noch geprüft werden kann.",
        "Nothing of this line was reduced or rejected that can still be looked at.",
    )

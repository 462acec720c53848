"""What a schema alone cannot say of an invoice: all faults of its lines at once, each with its pointer."""

from collections.abc import Iterator
from datetime import date

from but_gateway.kit.money import print_money
from but_gateway.procedures.submission.schemas import POSITIONS_MAX, InvoiceIn, LineIn
from but_gateway.rules.header import line_arithmetic_fault, lines_total_fault
from but_gateway.web.problems import Fault, Text

LUNCH, TUTORING = "lunch", "tutoring"

_FORM = Text(
    "Geben Sie genau eines an: service_dates, service_month oder service_from mit service_to.",
    "Give exactly one of service_dates, service_month, or service_from with service_to.",
)


def shape_faults(body: InvoiceIn) -> list[Fault]:
    """Everything wrong with the form of an invoice, but for sums (``arithmetic_faults``) and keys that must name something."""
    faults = list(_head_faults(body))
    seen: set[int] = set()
    for index, line in enumerate(body.lines):
        at = f"/lines/{index}"
        if line.line_no in seen:
            faults.append(
                Fault(f"{at}/line_no", "duplicate", Text("Diese Zeilennummer kommt doppelt vor.", "This line number occurs twice."))
            )
        seen.add(line.line_no)
        faults += _service_faults(at, line, body.period.from_, body.period.to)
        faults += _quantity_faults(at, line)
        faults += _lesson_faults(at, line)
        faults += _other_faults(at, line)
    return faults


def _head_faults(body: InvoiceIn) -> Iterator[Fault]:
    if body.period.to < body.period.from_:
        yield Fault("/period/to", "before_start", Text("Der letzte Tag liegt vor dem ersten.", "The last day lies before the first."))
    if sum(len(line.service_dates or ()) or 1 for line in body.lines) > POSITIONS_MAX:
        text = Text(f"Höchstens {POSITIONS_MAX} Positionen je Abrechnung.", f"At most {POSITIONS_MAX} positions in one invoice.")
        yield Fault("/lines", "too_many_positions", text)


def _service_faults(at: str, line: LineIn, first: date, last: date) -> Iterator[Fault]:
    ranged = line.service_from is not None or line.service_to is not None
    if (line.service_dates is not None) + (line.service_month is not None) + ranged != 1:
        yield Fault(f"{at}/service_dates", "one_form", _FORM)
        return
    if line.service_dates is not None and len(set(line.service_dates)) != len(line.service_dates):
        yield Fault(f"{at}/service_dates", "duplicate", Text("Ein Tag kommt doppelt vor.", "A day occurs twice."))
    if ranged and (line.service_from is None or line.service_to is None):
        yield Fault(f"{at}/service_from", "one_form", _FORM)
        return
    if line.service_from is not None and line.service_to is not None and line.service_to < line.service_from:
        yield Fault(f"{at}/service_to", "before_start", Text("Der letzte Tag liegt vor dem ersten.", "The last day lies before the first."))
    for name, days in _service_days(line):
        if not all(first <= day <= last for day in days):
            text = Text("Der Tag liegt außerhalb des Abrechnungszeitraums.", "The day lies outside the billing period.")
            yield Fault(f"{at}/{name}", "outside_period", text)


def _service_days(line: LineIn) -> Iterator[tuple[str, tuple[date, ...]]]:
    """The days a line names, with the pointer to each."""
    for i, day in enumerate(line.service_dates or ()):
        yield f"service_dates/{i}", (day,)
    if line.service_month is not None:
        yield "service_month", (line.service_month.first, line.service_month.last)
    for name, bound in (("service_from", line.service_from), ("service_to", line.service_to)):
        if bound is not None:
            yield name, (bound,)


def _quantity_faults(at: str, line: LineIn) -> Iterator[Fault]:
    if line.benefit == TUTORING and line.corrects is None:
        if line.quantity is not None:
            text = Text(
                "Bei Lernförderung zählt die Dauer; lassen Sie quantity weg.", "For tutoring the duration counts; leave quantity out."
            )
            yield Fault(f"{at}/quantity", "not_allowed", text)
        return
    days = len(line.service_dates or ()) or 1
    if line.quantity is None:
        yield Fault(f"{at}/quantity", "missing", Text("Geben Sie die Menge an.", "Give the quantity."))
    elif line.corrects is not None:
        if line.quantity >= 0 or line.amount >= 0:
            text = Text("Eine Korrektur hat negative Menge und negativen Betrag.", "A correction has a negative quantity and amount.")
            yield Fault(f"{at}/quantity", "not_negative", text)
        elif line.quantity != -days:
            text = Text(
                "Die Menge einer Korrektur ist die Zahl ihrer Tage, negativ.",
                "The quantity of a correction is the number of its days, negative.",
            )
            yield Fault(f"{at}/quantity", "not_number_of_days", text)


def _lesson_faults(at: str, line: LineIn) -> Iterator[Fault]:
    lesson = line.tutoring
    if line.benefit != TUTORING:
        if lesson is not None:
            yield Fault(f"{at}/tutoring", "not_allowed", Text("Nur für Lernförderung.", "For tutoring only."))
        return
    if line.service_dates is None or len(line.service_dates) != 1:
        text = Text("Eine Zeile Lernförderung ist eine Stunde mit einem Tag.", "A tutoring line is one lesson with one date.")
        yield Fault(f"{at}/service_dates", "one_lesson", text)
    if lesson is None:
        if line.corrects is None:
            yield Fault(f"{at}/tutoring", "missing", Text("Geben Sie die Unterrichtsstunde an.", "Give the lesson."))
        return
    times = (lesson.recorded_from, lesson.recorded_to)
    if line.attended and line.corrects is None and None in times:
        text = Text("Geben Sie Beginn und Ende laut Stundennachweis an.", "Give start and end as recorded.")
        yield Fault(f"{at}/tutoring/recorded_from", "missing", text)
    elif not line.attended and times != (None, None):
        text = Text("Eine ausgefallene Stunde hat keine Zeiten.", "A missed lesson has no times.")
        yield Fault(f"{at}/tutoring/recorded_from", "not_allowed", text)
    elif lesson.recorded_from is not None and lesson.recorded_to is not None and lesson.recorded_to <= lesson.recorded_from:
        yield Fault(
            f"{at}/tutoring/recorded_to", "before_start", Text("Das Ende liegt nicht nach dem Beginn.", "The end is not after the start.")
        )


_ITEMS = {
    LUNCH: frozenset({"lunch", "drink", "breakfast", "snack", "material"}),
    TUTORING: frozenset({"individual", "group", "fee", "material"}),
}
_OTHER_ITEMS = frozenset({"fee", "material", "pocket_money", "equipment", "drink", "breakfast", "snack", "lunch"})


def _other_faults(at: str, line: LineIn) -> Iterator[Fault]:
    if line.benefit == LUNCH and line.facility is None:
        text = Text("Geben Sie die Einrichtung an, in der gegessen wurde.", "Give the facility in which the child ate.")
        yield Fault(f"{at}/facility", "missing", text)
    if line.item is not None and line.item not in _ITEMS.get(line.benefit, _OTHER_ITEMS):
        yield Fault(
            f"{at}/item", "not_allowed", Text("Diese Position gibt es bei der Leistungsart nicht.", "The benefit has no such item.")
        )
    if line.vat_rate is not None and line.vat_exemption is not None:
        text = Text("Geben Sie entweder einen Steuersatz oder eine Befreiung an.", "Give either a tax rate or an exemption.")
        yield Fault(f"{at}/vat_exemption", "contradiction", text)
    if line.activity is not None and line.benefit != "participation":
        yield Fault(f"{at}/activity", "not_allowed", Text("Nur für Teilhabe.", "For participation only."))
    if line.cancelled_late and line.attended:
        text = Text("Wer teilnahm, hat nicht zu spät abgesagt.", "Whoever attended did not cancel late.")
        yield Fault(f"{at}/cancelled_late", "contradiction", text)


def arithmetic_faults(body: InvoiceIn) -> list[Fault]:
    """Every difference by H-03: lines against quantity × unit price and their days (not tutoring), the total against the lines."""
    fewer = Text("Die Menge ist kleiner als die Zahl der Tage.", "The quantity is less than the number of days.")
    faults = []
    for index, line in enumerate(body.lines):
        if line.quantity is None or line.benefit == TUTORING:
            continue
        if abs(line.quantity) < len(line.service_dates or ()):
            faults.append(Fault(f"/lines/{index}/quantity", "less_than_days", fewer))
        difference = line_arithmetic_fault(line.quantity, line.unit_price, line.amount)
        if difference:
            faults.append(_difference(f"/lines/{index}/amount", difference))
    difference = lines_total_fault((line.amount for line in body.lines), body.total)
    if difference:
        faults.append(_difference("/total", difference))
    return faults


def _difference(pointer: str, cents: int) -> Fault:
    amount = print_money(abs(cents))
    return Fault(pointer, "arithmetic_difference", Text(f"Rechnerische Abweichung: {amount} EUR.", f"Arithmetic difference: {amount} EUR."))

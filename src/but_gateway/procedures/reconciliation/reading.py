"""From what was sent to bookings: XML of a bank, JSON or CSV of a treasury. All faults are told at once, nothing sent is repeated."""

import csv
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from but_gateway.formats.bookings import Booking, Direction, FaultyReportError, Report, UnreadVersionError
from but_gateway.formats.camt import CURRENCY, read_camt
from but_gateway.formats.pain002 import read_pain002
from but_gateway.formats.xml_guard import BrokenXmlError, TooManyRecordsError
from but_gateway.procedures.reconciliation.problems import COLUMNS_DIFFER, HEADER_MISSING, UNREAD_DOCUMENT
from but_gateway.procedures.reconciliation.schemas import PAYMENTS_MAX, PaymentReportIn
from but_gateway.web.body import load_json
from but_gateway.web.faults import problem_of
from but_gateway.web.problems import BodyTooLarge, Fault, Invalid, MalformedBody, Problem, Text

XML_TYPES: Final = ("application/xml", "text/xml")
CSV_TYPE: Final = "text/csv"
COLUMNS: Final = ("end_to_end_id", "status", "on", "amount")
MORE_COLUMNS: Final = ("reference", "return_reason")


def read_report(raw: bytes, media_type: str) -> Report:
    """The bookings of a report.

    Refuses what is not of the format it says (MalformedBody), XML of another kind or version, missing or wrong values (Invalid, with all
    faults), and more payments than one report may have (BodyTooLarge).
    """
    if media_type in XML_TYPES:
        return _read_xml(raw)
    if media_type == CSV_TYPE:
        return _read_rows("csv", *_csv_rows(raw))
    return _read_payments(load_json(raw))


def _read_xml(raw: bytes) -> Report:
    try:
        try:
            return read_camt(raw)
        except UnreadVersionError:
            return read_pain002(raw)
    except UnreadVersionError:
        raise Invalid(faults=[Fault("", "unread_document", UNREAD_DOCUMENT)]) from None
    except BrokenXmlError as error:
        raise MalformedBody(Text(error.de, error.en)) from None
    except TooManyRecordsError:
        raise BodyTooLarge from None
    except FaultyReportError as error:
        raise Invalid(faults=[Fault(f"/{f.place}", f.code, Text(f.de, f.en)) for f in error.faults]) from None


def _read_payments(body: object) -> Report:
    try:
        sent = PaymentReportIn.model_validate(body)
    except ValidationError as error:
        raise _refusal(error, body) from None
    return Report("json", tuple(_bookings(sent)))


def _read_rows(kind: str, rows: list[dict[str, Any]], lines: list[int]) -> Report:
    body = {"payments": rows}
    try:
        sent = PaymentReportIn.model_validate(body)
    except ValidationError as error:
        faults = [Fault(_line_pointer(f.pointer, lines), f.code, f.detail) for f in _refusal(error, body).faults]
        raise Invalid(faults=faults) from None
    return Report(kind, tuple(_bookings(sent)))


def _refusal(error: ValidationError, body: object) -> Problem:
    return problem_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)], body)


def _line_pointer(pointer: str, lines: list[int]) -> str:
    """``/payments/2/amount`` → ``/lines/4/amount``: the line of the file, counted from 1 with the header."""
    _, _, rest = pointer.partition("/payments/")
    number, _, column = rest.partition("/")
    if not number.isdecimal():
        return "/lines"
    return f"/lines/{lines[int(number)]}" + (f"/{column}" if column else "")


def _csv_rows(raw: bytes) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows as JSON would say them, and the line each stands in. Semicolons or commas; amounts with a point or a decimal comma."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedBody(Text("Der Inhalt ist kein gültiges UTF-8.", "The body is not valid UTF-8.")) from None
    if "\x00" in text:
        raise MalformedBody(Text("Der Inhalt ist keine CSV-Datei.", "The body is no CSV file."))
    first = text.split("\n", 1)[0]
    reader = csv.reader(text.splitlines(), delimiter=";" if ";" in first else ",", strict=True)
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    faults: list[Fault] = []
    try:
        header = [column.strip() for column in next(reader, [])]
        if not set(COLUMNS) <= set(header) <= {*COLUMNS, *MORE_COLUMNS} or len(set(header)) != len(header):
            raise Invalid(faults=[Fault("/lines/1", "bad_header", HEADER_MISSING)])
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(rows) >= PAYMENTS_MAX:
                raise BodyTooLarge
            if len(values) != len(header):
                faults.append(Fault(f"/lines/{reader.line_num}", "columns_differ", COLUMNS_DIFFER))
            rows.append(_row(dict(zip(header, values, strict=False))))
            lines.append(reader.line_num)
    except csv.Error:
        raise MalformedBody(
            Text(f"Der Inhalt ist keine CSV-Datei (Zeile {reader.line_num}).", f"The body is no CSV file (line {reader.line_num}).")
        ) from None
    if faults:
        raise Invalid(faults=faults)
    return rows, lines


def _row(values: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {name: value.strip() or None for name, value in values.items()}
    if row.get("amount") is not None:
        row["amount"] = row["amount"].replace(",", ".")
    return row


def _bookings(sent: PaymentReportIn) -> Iterable[Booking]:
    for number, payment in enumerate(sent.payments):
        returned = payment.status == "returned"
        yield Booking(
            direction=Direction.RETURNED if returned else Direction.PAID,
            booked_on=payment.on,
            cents=payment.amount,
            currency=CURRENCY,
            place=f"payments/{number}",
            end_to_end_id=payment.end_to_end_id,
            texts=(payment.reference,) if payment.reference else (),
            return_reason=payment.return_reason if returned else None,
        )

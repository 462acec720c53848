"""Status reports of a bank about a payment file: pain.002.001.03, .10 and .11 (ISO 20022).

Only a refusal says something about money: what is rejected or cancelled was never paid. "Accepted" in all its forms is no booking and is
counted, not believed; paid is what a statement, a notification or the treasury says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from but_gateway.formats.bookings import (
    FAULTS_MAX,
    Booking,
    Direction,
    FaultyReportError,
    Report,
    ReportFault,
    UnreadVersionError,
    parse_day,
)
from but_gateway.formats.xml_guard import OtherDocumentError, Record, Shape, read_records
from but_gateway.kit.money import parse_bank_amount

_ISO: Final = "urn:iso:std:iso:20022:tech:xsd:"
VERSIONS: Final = ("pain.002.001.03", "pain.002.001.10", "pain.002.001.11")
CURRENCY: Final = "EUR"
_REFUSED: Final = frozenset({"RJCT", "CANC"})
_REASON: Final = "StsRsnInf/Rsn/Cd"
_SHAPE: Final = Shape(
    ("Document", "CstmrPmtStsRpt"),
    {
        "GrpHdr": frozenset({"CreDtTm"}),
        "OrgnlGrpInfAndSts": frozenset({"OrgnlMsgId", "GrpSts", "OrgnlCtrlSum", _REASON}),
        "OrgnlPmtInfAndSts": frozenset({"OrgnlPmtInfId", "PmtInfSts", "OrgnlCtrlSum", _REASON}),
        "TxInfAndSts": frozenset(
            {"OrgnlEndToEndId", "TxSts", _REASON, "OrgnlTxRef/Amt/InstdAmt", "OrgnlTxRef/Amt/InstdAmt@Ccy", "OrgnlTxRef/RmtInf/Ustrd"}
        ),
    },
    {
        "": {name: name for name in ("GrpHdr", "OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts")},
        "OrgnlPmtInfAndSts": {"TxInfAndSts": "TxInfAndSts"},
    },
)
_SHAPES: Final[Mapping[str, Shape]] = {f"{_ISO}{version}": _SHAPE for version in VERSIONS}


def read_pain002(raw: bytes) -> Report:
    """The refusals of a status report, as returned bookings of the day the report was made.

    A whole file or batch refused without its transactions is one booking that names the file. Refuses another kind or version
    (UnreadVersionError), broken XML (BrokenXmlError), too many statuses (TooManyRecordsError), and reports without a day or with an
    amount that is none (FaultyReportError).
    """
    reading = _Reading()
    try:
        read_records(raw, _SHAPES, reading.take)
    except OtherDocumentError:
        raise UnreadVersionError from None
    reading.finish()
    if reading.faults:
        raise FaultyReportError(reading.faults)
    return Report("pain.002", tuple(reading.bookings), reading.not_booked)


@dataclass(slots=True)
class _Reading:
    """What is gathered while the file goes by."""

    bookings: list[Booking] = field(default_factory=list)
    faults: list[ReportFault] = field(default_factory=list)
    not_booked: int = 0
    _day: date | None = None
    _message_id: str | None = None
    _whole: Booking | None = None  # the refusal of the whole file
    _group_status: str | None = None

    def take(self, _namespace: str, record: Record) -> None:
        """A record that ended."""
        match record.name:
            case "GrpHdr":
                self._take_header(record)
            case "OrgnlGrpInfAndSts":
                self._message_id, self._group_status = record.one("OrgnlMsgId"), record.one("GrpSts")
                if self._group_status in _REFUSED:
                    self._whole = self._refusal(record, None)
                elif self._group_status is not None:
                    self.not_booked += 1
            case "TxInfAndSts":
                above = record.parent.one("PmtInfSts") if record.parent else None
                self._take_status(record, record.one("TxSts") or above or self._group_status, record.one("OrgnlEndToEndId"))
            case "OrgnlPmtInfAndSts" if record.one("PmtInfSts") is not None:
                self._take_status(record, record.one("PmtInfSts"), None)

    def finish(self) -> None:
        """The end of the file. What refuses all of it comes last: transactions may have said their own reasons before."""
        if self._day is None and not self.faults:
            self.faults.append(ReportFault("GrpHdr/CreDtTm", "missing", "Der Tag des Berichts fehlt.", "The day of the report is missing."))
        if self._whole is not None:
            self.bookings.append(self._whole)

    def _take_header(self, record: Record) -> None:
        try:
            self._day = parse_day(record.one("CreDtTm") or "")
        except ValueError:
            self.faults.append(ReportFault("GrpHdr/CreDtTm", "invalid", "Der Tag des Berichts ist keiner.", "The report's day is none."))

    def _take_status(self, record: Record, status: str | None, end_to_end_id: str | None) -> None:
        if status not in _REFUSED:
            self.not_booked += 1
            return
        booking = self._refusal(record, end_to_end_id)
        if booking is not None:
            self.bookings.append(booking)

    def _refusal(self, record: Record, end_to_end_id: str | None) -> Booking | None:
        try:
            cents, currency = _amount(record)
        except ValueError:
            if len(self.faults) < FAULTS_MAX:
                self.faults.append(ReportFault(f"{record.place}/Amt", "invalid", "Der Betrag ist keiner.", "The amount is none."))
            return None
        references = [record.one("OrgnlPmtInfId"), record.parent.one("OrgnlPmtInfId") if record.parent else None, self._message_id]
        parents = [record, *([record.parent] if record.parent else [])]
        return Booking(
            direction=Direction.RETURNED,
            booked_on=self._day or date.min,
            cents=cents,
            currency=currency,
            place=record.place,
            end_to_end_id=end_to_end_id,
            references=tuple(r for r in references if r is not None),
            texts=tuple(record.every("OrgnlTxRef/RmtInf/Ustrd")),
            return_reason=next((r.one(_REASON) for r in parents if r.one(_REASON)), None),
        )


def _amount(record: Record) -> tuple[int | None, str]:
    """Cents and currency. A sum over transactions (OrgnlCtrlSum) has no currency: the file was one in EUR."""
    text = record.one("OrgnlTxRef/Amt/InstdAmt")
    if text is not None:
        currency = record.one("OrgnlTxRef/Amt/InstdAmt@Ccy") or ""
        return (parse_bank_amount(text), CURRENCY) if currency == CURRENCY else (None, currency[:3])
    total = record.one("OrgnlCtrlSum")
    return (parse_bank_amount(total) if total is not None else None), CURRENCY

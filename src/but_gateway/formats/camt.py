"""Statements and notifications of a bank: camt.053.001.08 and camt.054.001.08 (ISO 20022), as German banks send them since 2025.

Read by namespace and by what is needed, as a stream: what was booked (status BOOK), in which direction, on which day, and every trace of
whose payment it was. Names, accounts and addresses are passed over while reading, so that nothing can keep them.
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
KINDS: Final = {f"{_ISO}camt.053.001.08": "camt.053", f"{_ISO}camt.054.001.08": "camt.054"}
CURRENCY: Final = "EUR"
_DIRECTIONS: Final = {"DBIT": Direction.PAID, "CRDT": Direction.RETURNED}
_LETTER: Final = frozenset({"CreDtTm"})
_CHARGES: Final = ("Chrgs/Rcrd/Amt",)
_ENTRY: Final = frozenset(
    {
        "Amt", "Amt@Ccy", "CdtDbtInd", "RvslInd", "Sts/Cd", "Sts/Prtry", "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm",
        "Chrgs/TtlChrgsAndTaxAmt", *_CHARGES, "NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId", "AddtlNtryInf", "BkTxCd/Domn/Fmly/SubFmlyCd",
    }
)  # fmt: skip
_DETAIL: Final = frozenset(
    {
        "Refs/EndToEndId", "Refs/PmtInfId", "Refs/MsgId", "Amt", "Amt@Ccy", "CdtDbtInd", "AmtDtls/TxAmt/Amt", "AmtDtls/TxAmt/Amt@Ccy",
        "AmtDtls/InstdAmt/Amt", "AmtDtls/InstdAmt/Amt@Ccy", "Chrgs/TtlChrgsAndTaxAmt", *_CHARGES, "RmtInf/Ustrd", "RtrInf/Rsn/Cd",
        "RtrInf/Rsn/Prtry", "RtrInf/AddtlInf", "AddtlTxInf", "BkTxCd/Domn/Fmly/SubFmlyCd",
    }
)  # fmt: skip


def _shape(message: str, part: str) -> Shape:
    return Shape(
        ("Document", message),
        {"GrpHdr": _LETTER, part: _LETTER, "Ntry": _ENTRY, "TxDtls": _DETAIL},
        {"": {"GrpHdr": "GrpHdr", part: part}, part: {"Ntry": "Ntry"}, "Ntry": {"NtryDtls/TxDtls": "TxDtls"}},
    )


_SHAPES: Final[Mapping[str, Shape]] = {
    f"{_ISO}camt.053.001.08": _shape("BkToCstmrStmt", "Stmt"),
    f"{_ISO}camt.054.001.08": _shape("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
# Families of bookings that are money coming back (ISO external code set): returned, reversed, cancelled.
_RETURNS: Final = frozenset({"RRTN", "RPCR", "RRCT", "CAJT"})


def read_camt(raw: bytes) -> Report:
    """The bookings of a statement or notification.

    Refuses another kind or version (UnreadVersionError), broken XML (BrokenXmlError), too many bookings (TooManyRecordsError), and
    entries without amount, direction or day (FaultyReportError, with all of them).
    """
    reading = _Reading()
    try:
        namespace = read_records(raw, _SHAPES, reading.take)
    except OtherDocumentError:
        raise UnreadVersionError from None
    if reading.faults:
        raise FaultyReportError(reading.faults)
    return Report(KINDS[namespace], tuple(reading.bookings), reading.not_booked)


@dataclass(slots=True)
class _Reading:
    """What is gathered while the file goes by."""

    bookings: list[Booking] = field(default_factory=list)
    faults: list[ReportFault] = field(default_factory=list)
    not_booked: int = 0
    _written_on: str = ""  # of the message: its day stands for entries without one
    _details: list[Booking] = field(default_factory=list)  # of the entry that is being read
    _bare: int = 0  # its details that name no amount

    def take(self, _namespace: str, record: Record) -> None:
        """A record that ended."""
        match record.name:
            case "GrpHdr":
                self._written_on = record.one("CreDtTm") or ""
            case "TxDtls":
                self._take_detail(record)
            case "Ntry":
                self._take_entry(record)
                self._details, self._bare = [], 0

    def _take_detail(self, detail: Record) -> None:
        entry = detail.parent
        if entry is None or not _is_booked(entry):
            return
        booking = self._booking(entry, detail)
        if booking is not None:
            self._details.append(booking)
            self._bare += detail.one("Amt", "AmtDtls/TxAmt/Amt") is None

    def _take_entry(self, entry: Record) -> None:
        if not _is_booked(entry):
            if entry.one("Sts/Cd", "Sts/Prtry") is None:
                self._fault(entry, "Sts", "Der Buchungsstatus fehlt.", "The status is missing.")
            self.not_booked += 1
        elif len(self._details) == 1 or (self._details and not self._bare):
            self.bookings += self._details
        else:
            # Several details of which some say no amount: only the sum of the entry is certain.
            booking = self._booking(entry, None)
            if booking is not None:
                self.bookings.append(booking)

    def _booking(self, entry: Record, detail: Record | None) -> Booking | None:
        """One booking; the detail's values go before the entry's. None where something is missing, which is a fault then."""
        of = detail or entry
        records = [detail, entry] if detail else [entry]
        reason = detail.one("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry") if detail else None
        returns = reason is not None or any(r.one("BkTxCd/Domn/Fmly/SubFmlyCd") in _RETURNS for r in records)
        # A detail goes another way than its entry only where a sum nets returns; without their mark the entry is believed.
        own = detail.one("CdtDbtInd") if detail and returns else None
        direction = _DIRECTIONS.get(own or entry.one("CdtDbtInd") or "")
        if direction is None:
            self._fault(of, "CdtDbtInd", "Soll oder Haben fehlt.", "Credit or debit is missing.")
            return None
        booked_on = self._day(entry)
        if booked_on is None:
            self._fault(of, "BookgDt", "Der Buchungstag fehlt oder ist keiner.", "The booking date is missing or none.")
            return None
        try:
            cents, currency = _amount(entry, detail)
            charges = sum(_cents(text) for text in _charges(of))
            instructed = _cents(of.one("AmtDtls/InstdAmt/Amt")) if of.one("AmtDtls/InstdAmt/Amt@Ccy") == CURRENCY else None
        except ValueError:
            self._fault(of, "Amt", "Der Betrag fehlt oder ist keiner.", "The amount is missing or none.")
            return None
        reversal = entry.one("RvslInd") in {"true", "1"}
        return Booking(
            direction=direction,
            booked_on=booked_on,
            cents=cents,
            currency=currency,
            place=of.place,
            end_to_end_id=detail.one("Refs/EndToEndId") if detail else None,
            references=tuple(
                value for r in records for value in r.every("Refs/PmtInfId", "Refs/MsgId", "NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId")
            ),
            texts=tuple(value for r in records for value in r.every("RmtInf/Ustrd", "RtrInf/AddtlInf", "AddtlTxInf", "AddtlNtryInf")),
            charges=charges,
            instructed=instructed,
            return_reason=reason if direction is Direction.RETURNED else None,
            plain=direction is Direction.RETURNED and not returns and not reversal,
        )

    def _day(self, entry: Record) -> date | None:
        letter = entry.parent.one("CreDtTm") if entry.parent else None
        text = entry.one("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm") or letter or self._written_on
        try:
            return parse_day(text)
        except ValueError:
            return None

    def _fault(self, record: Record, path: str, de: str, en: str) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(ReportFault(f"{record.place}/{path}", "invalid", de, en))


def _is_booked(entry: Record) -> bool:
    return entry.one("Sts/Cd") == "BOOK"


def _cents(text: str | None) -> int:
    return parse_bank_amount(text or "")


def _charges(record: Record) -> list[str]:
    stated = record.one("Chrgs/TtlChrgsAndTaxAmt")
    return [stated] if stated is not None else record.every(*_CHARGES)


def _amount(entry: Record, detail: Record | None) -> tuple[int | None, str]:
    """Cents and currency; another currency's amount is not read. Refuses when there is none (ValueError)."""
    for record, path in ((detail, "Amt"), (detail, "AmtDtls/TxAmt/Amt"), (entry, "Amt")):
        text = record.one(path) if record else None
        if record is not None and text is not None:
            currency = (record.one(f"{path}@Ccy") or "")[:3]
            if len(currency) != len(CURRENCY) or not currency.isascii() or not currency.isalpha():
                raise ValueError("an amount without a currency")
            cents = parse_bank_amount(text) if currency == CURRENCY else None
            return cents, currency
    raise ValueError("no amount")

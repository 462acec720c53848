"""The town's bank: pays what the payment files say, sends one payment back, and writes the statement of the day (camt.053.001.08)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from lxml import etree

from but_gateway.cli.demo.logins import FINANCE
from but_gateway.cli.demo.settling import OCTOBER_BATCH, Settled, SumsDifferError
from but_gateway.cli.demo.speaker import Speaker
from but_gateway.kit.money import parse_money

PAID_AT: Final = "2026-11-27T08:00:00Z"
_CAMT: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_CLOSED: Final = "AC04"  # the account was closed


@dataclass(frozen=True, slots=True)
class Transfer:
    """A payment of the file as the bank carries it out."""

    end_to_end_id: str
    amount: str
    paid_on: date


@dataclass(slots=True)
class Reconciled:
    """What the statement came to. ``paid``: the year's spending by the report, in cents, without what came back."""

    bookings: int
    matched: int
    returned: int
    states: list[str]
    paid: int


async def reconcile(speaker: Speaker, batches: Sequence[Settled]) -> Reconciled:
    """Sends the statement of all batches, with the last payment sent back a day later, and reads the report of the year.

    Refuses when a booking found no payment, or the report does not say what the bank paid (SumsDifferError).
    """
    transfers = [transfer for batch in batches for transfer in _transfers(batch)]
    back = transfers[-1]
    content = statement(transfers, back)
    report = await speaker.send(FINANCE, "/payment-reports", PAID_AT, content, "application/xml")
    again = await speaker.send(FINANCE, "/payment-reports", PAID_AT, content, "application/xml")
    if (report["matched"], report["unmatched"], again["matched"]) != (len(transfers) + 1, 0, 0):
        raise SumsDifferError(f"the statement was not reconciled: {report}, a second time {again}")
    rows = (await speaker.get(FINANCE, "/reports/expenditure?year=2026", PAID_AT))["items"]
    paid = sum(parse_money(row["paid"]) - parse_money(row["receipts"]) for row in rows)
    expected = sum(parse_money(one.amount) for one in transfers) - parse_money(back.amount)
    if paid != expected:
        raise SumsDifferError(f"the bank paid {expected} cents, the report says {paid}")
    listed = await speaker.items(FINANCE, "/settlement-batches", OCTOBER_BATCH.ordered_at)
    return Reconciled(len(transfers) + 1, report["matched"], 1, [batch["state"] for batch in listed], paid)


def _transfers(batch: Settled) -> list[Transfer]:
    """What a batch's payment file orders."""
    path: Path = next(path for path in batch.files if path.name.endswith("pain001.xml"))
    document = etree.parse(path)
    due_on = date.fromisoformat(document.findtext(".//{*}ReqdExctnDt/{*}Dt") or "")
    return [
        Transfer(one.findtext(".//{*}EndToEndId") or "", one.findtext(".//{*}InstdAmt") or "", due_on)
        for one in document.iterfind(".//{*}CdtTrfTxInf")
    ]


def statement(transfers: Sequence[Transfer], back: Transfer) -> bytes:
    """A statement with one entry per transfer, and one more for the transfer that comes back a day after it was paid."""
    own: Any = {None: _CAMT}  # no prefix; the stubs of lxml know only names
    root = etree.Element(f"{{{_CAMT}}}Document", nsmap=own)
    message = _part(root, "BkToCstmrStmt")
    header = _part(message, "GrpHdr")
    _part(header, "MsgId", "STMT-2026-11-26")
    _part(header, "CreDtTm", "2026-11-27T06:00:00+01:00")
    booked = _part(message, "Stmt")
    _part(booked, "Id", "STMT-2026-11-26")
    _part(booked, "Acct/Id/IBAN", "DE02120300000000202051")
    balance = _part(booked, "Bal")
    _part(balance, "Tp/CdOrPrtry/Cd", "CLBD")
    _part(balance, "Amt", "1000.00").set("Ccy", "EUR")
    _part(balance, "CdtDbtInd", "CRDT")
    _part(balance, "Dt/Dt", "2026-11-26")
    for transfer in transfers:
        _entry(booked, transfer, "DBIT", transfer.paid_on)
    details = _entry(booked, back, "CRDT", back.paid_on + timedelta(days=1))
    _part(details, "RtrInf/Rsn/Cd", _CLOSED)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _entry(booked: etree._Element, transfer: Transfer, direction: str, day: date) -> etree._Element:
    entry = _part(booked, "Ntry")
    _part(entry, "Amt", transfer.amount).set("Ccy", "EUR")
    _part(entry, "CdtDbtInd", direction)
    _part(entry, "Sts/Cd", "BOOK")
    _part(entry, "BookgDt/Dt", day.isoformat())
    _part(entry, "BkTxCd/Prtry/Cd", "NTRF+116" if direction == "DBIT" else "NRTI+159")
    details = _part(entry, "NtryDtls/TxDtls")
    _part(details, "Refs/EndToEndId", transfer.end_to_end_id)
    return details


def _part(parent: etree._Element, path: str, text: str | None = None) -> etree._Element:
    """Adds the elements of a path, each into the one before; gives the last."""
    for name in path.split("/"):
        parent = etree.SubElement(parent, f"{{{_CAMT}}}{name}")
    parent.text = text
    return parent

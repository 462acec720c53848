"""Writes what a bank sends: statements, notifications, status reports. Test data only; the schemas of ISO 20022 accept it."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_ISO = "urn:iso:std:iso:20022:tech:xsd:"


@dataclass(frozen=True)
class Detail:
    """A transaction of an entry; amounts as the bank writes them."""

    end_to_end_id: str | None = None
    amount: str | None = "18.00"
    text: str | None = None
    return_reason: str | None = None
    direction: str | None = None
    charges: str | None = None
    payment_information: str | None = None
    party: str = "Mensa Rheinland GmbH"


@dataclass(frozen=True)
class Entry:
    """A booking of the account, with its details or without."""

    amount: str
    details: tuple[Detail, ...] = ()
    direction: str = "DBIT"
    booked_on: str | None = "2026-12-15"
    status: str = "BOOK"
    batch: str | None = None
    reversal: bool = False
    currency: str = "EUR"
    family: str | None = None
    text: str | None = None


def camt(kind: str, entries: Sequence[Entry], *, version: str = "001.08") -> bytes:
    """A camt.053 or camt.054 message."""
    message, part = {"camt.053": ("BkToCstmrStmt", "Stmt"), "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}[kind]
    balance = (
        '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2026-12-15</Dt></Dt></Bal>"
        if kind == "camt.053"
        else ""
    )
    body = "".join(_entry(entry) for entry in entries)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{_ISO}{kind}.{version}"><{message}>'
        "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-12-16T06:00:00+01:00</CreDtTm></GrpHdr>"
        f"<{part}><Id>S1</Id><CreDtTm>2026-12-16T06:00:00+01:00</CreDtTm><Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>"
        f"{balance}{body}</{part}></{message}></Document>"
    ).encode()


def pain002(  # noqa: PLR0913 - the parts of a report, all named
    *, message_id: str = "BUT-2026-0001", group: str | None = None, version: str = "001.11", batch: str | None = None,
            transactions: Sequence[tuple[str, str, str | None]] = (), reason: str = "AC04") -> bytes:  # fmt: skip
    """A status report; ``transactions``: EndToEndId, status, amount."""
    lines = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
        + (f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if status == "RJCT" else "")
        + (f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef>' if amount else "")
        + "</TxInfAndSts>"
        for name, status, amount in transactions
    )
    part = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message_id}</OrgnlPmtInfId>"
        + (f"<PmtInfSts>{batch}</PmtInfSts>" if batch else "")
        + f"{lines}</OrgnlPmtInfAndSts>"
        if transactions or batch
        else ""
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{_ISO}pain.002.{version}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>P1</MsgId><CreDtTm>2026-12-14T12:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        + (f"<GrpSts>{group}</GrpSts>" if group else "")
        + f"</OrgnlGrpInfAndSts>{part}</CstmrPmtStsRpt></Document>"
    ).encode()


def _entry(entry: Entry) -> str:
    batch = f"<Btch><PmtInfId>{entry.batch}</PmtInfId></Btch>" if entry.batch else ""
    details = "".join(_detail(detail, entry) for detail in entry.details)
    family = f"<Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>{entry.family}</SubFmlyCd></Fmly></Domn>" if entry.family else ""
    return (
        f'<Ntry><Amt Ccy="{entry.currency}">{entry.amount}</Amt><CdtDbtInd>{entry.direction}</CdtDbtInd>'
        + ("<RvslInd>true</RvslInd>" if entry.reversal else "")
        + f"<Sts><Cd>{entry.status}</Cd></Sts>"
        + (f"<BookgDt><Dt>{entry.booked_on}</Dt></BookgDt>" if entry.booked_on else "")
        + f"<BkTxCd>{family}</BkTxCd>"
        + (f"<NtryDtls>{batch}{details}</NtryDtls>" if batch or details else "")
        + (f"<AddtlNtryInf>{escape(entry.text)}</AddtlNtryInf>" if entry.text else "")
        + "</Ntry>"
    )


def _detail(detail: Detail, entry: Entry) -> str:
    refs = (f"<PmtInfId>{detail.payment_information}</PmtInfId>" if detail.payment_information else "") + (
        f"<EndToEndId>{escape(detail.end_to_end_id)}</EndToEndId>" if detail.end_to_end_id else ""
    )
    amount = f'<Amt Ccy="{entry.currency}">{detail.amount}</Amt>' if detail.amount else ""
    charges = f'<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">{detail.charges}</TtlChrgsAndTaxAmt></Chrgs>' if detail.charges else ""
    return (
        "<TxDtls>"
        + (f"<Refs>{refs}</Refs>" if refs else "")
        + amount
        + (f"<CdtDbtInd>{detail.direction or entry.direction}</CdtDbtInd>" if detail.amount else "")
        + charges
        + f"<RltdPties><Cdtr><Pty><Nm>{escape(detail.party)}</Nm></Pty></Cdtr>"
        "<CdtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></CdtrAcct></RltdPties>"
        + (f"<RmtInf><Ustrd>{escape(detail.text)}</Ustrd></RmtInf>" if detail.text else "")
        + (f"<RtrInf><Rsn><Cd>{detail.return_reason}</Cd></Rsn></RtrInf>" if detail.return_reason else "")
        + "</TxDtls>"
    )

"""SEPA credit transfer as ISO 20022 pain.001.001.09: written as a stream, and checked against the schema and our own rules.

Own writer instead of a library, because the usual one lets wrong IBANs, foreign characters, cut texts, times without a zone
and empty elements pass. One PmtInf per file, one transaction per transfer.
"""

import importlib.resources
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

from lxml import etree

from but_gateway.formats import sepa
from but_gateway.kit.iban import parse_iban
from but_gateway.kit.money import parse_money, print_money

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_Q: Final = f"{{{NAMESPACE}}}"
CURRENCY: Final = "EUR"


class BrokenPaymentFileError(Exception):
    """A payment file that may not leave; the text says what is wrong with it, without names or accounts."""


class BrokenSchemaError(Exception):
    """A file that was named as a schema and is none."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment. ``cents`` 1–99,999,999,999; texts in the SEPA character set; IBAN in electronic form; no BIC = the bank finds it."""

    end_to_end_id: str
    cents: int
    name: str
    iban: str
    remittance_text: str
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """What holds for all transfers of a file. ``created_at`` is aware; ``due_on`` is the day the bank shall execute them."""

    message_id: str
    created_at: datetime
    due_on: date
    debtor_name: str
    debtor_iban: str
    debtor_bic: str | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """Number and sum (cents) of the transfers in a file."""

    count: int
    cents: int


def write_pain001(out: BinaryIO, instruction: Instruction, transfers: Sequence[Transfer]) -> None:
    """Writes the file; the same input gives the same bytes.

    Refuses (BrokenPaymentFileError) when there is no transfer, an id, amount, name, IBAN, BIC or text breaks a rule, an id comes twice,
    or the moment has no zone.
    """
    _check_instruction(instruction)
    if not transfers:
        raise BrokenPaymentFileError("a payment file needs at least one transfer")
    if len({t.end_to_end_id for t in transfers}) != len(transfers):
        raise BrokenPaymentFileError("an end-to-end id comes twice")
    count, total = str(len(transfers)), print_money(sum(t.cents for t in transfers))
    with etree.xmlfile(out, encoding="UTF-8") as file:
        file.write_declaration()
        # The namespace stands once, on the root; elements inside are written bare, or lxml would repeat it on each of them.
        with file.element("Document", xmlns=NAMESPACE), file.element("CstmrCdtTrfInitn"):
            file.write(_group_header(instruction, count, total))
            with file.element("PmtInf"):
                for element in _payment_information(instruction, count, total):
                    file.write(element)
                for transfer in transfers:
                    file.write(_transaction(transfer))


def read_controls(file: BinaryIO) -> Controls:
    """Reads a payment file back against the schema of ISO 20022 and our own rules, in flat memory, and returns what it pays in all.

    Refuses when anything in it is wrong (BrokenPaymentFileError).
    """
    count = cents = 0
    stated: list[tuple[str, str]] = []
    seen: set[str] = set()
    frame: dict[str, etree._Element] = {}
    for element in _elements(file, _iso_schema(), (*_FRAME, "CdtTrfTxInf", "GrpHdr", "CtrlSum")):
        name = etree.QName(element).localname
        if name == "CdtTrfTxInf":
            transfer = _read_transfer(element)
            _check_transfer(transfer)
            _refuse_unless(transfer.end_to_end_id not in seen, "an end-to-end id comes twice")
            seen.add(transfer.end_to_end_id)
            count, cents = count + 1, cents + transfer.cents
            _drop(element)
        elif name == "CtrlSum":
            before = element.getprevious()
            stated.append((before.text or "" if before is not None else "", element.text or ""))
        elif name == "GrpHdr":
            _check_header(element)
        else:
            _refuse_unless(name not in frame, "there is more than one set of payments")
            frame[name] = element
    _check_frame(frame)
    _refuse_unless(stated == [(str(count), print_money(cents))] * _STATED, "number or sum of the transfers is not what the file says")
    return Controls(count, cents)


def check_against(file: BinaryIO, schema: etree.XMLSchema) -> None:
    """Holds a payment file against a further, stricter schema, such as that of the Deutsche Kreditwirtschaft, in flat memory.

    Refuses when it does not fit (BrokenPaymentFileError): the text names the element and the kind of fault, never a value.
    """
    for element in _elements(file, schema, ("CdtTrfTxInf",)):
        _drop(element)


def load_schema(path: Path) -> etree.XMLSchema:
    """A schema from a file; what it includes lies beside it. Refuses what is none (BrokenSchemaError)."""
    try:
        return etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))
    except (OSError, etree.LxmlError) as error:
        raise BrokenSchemaError(f"{path} is not a readable XML schema: {error}") from error


# Not resolve_entities=False: with a schema, lxml then passes over a file that ends too early. A document type is refused instead.
_HARDENED: Final = {"no_network": True, "load_dtd": False, "huge_tree": False}
# Number and sum stand twice: in the group header and in the set of payments.
_STATED: Final = 2
# What the set of payments says once, before its transfers.
_FRAME: Final = ("PmtInfId", "PmtMtd", "PmtTpInf", "ReqdExctnDt", "Dbtr", "DbtrAcct", "ChrgBr")
_ELEMENT: Final = re.compile(r"Element '(?:\{[^}]*\})?(\w+)'")


def _elements(file: BinaryIO, schema: etree.XMLSchema, names: Sequence[str]) -> Iterator[etree._Element]:
    """The elements of these names, as they end. Refuses a file that does not fit the schema or has a document type."""
    events = etree.iterparse(file, events=("end",), tag=[f"{_Q}{name}" for name in names], schema=schema, **_HARDENED)
    try:
        for _, element in events:
            yield element
    except etree.LxmlError as error:
        # libxml2's own message would tell the value, which may be a name.
        kinds = [f"element {m[1]}, {entry.type_name}" for entry in events.error_log if (m := _ELEMENT.search(entry.message))]
        raise BrokenPaymentFileError(f"the payment file does not fit the schema: {(kinds or [type(error).__name__])[0]}") from error
    _refuse_unless(
        events.root is not None and events.root.getroottree().docinfo.internalDTD is None, "the payment file has a document type"
    )


@cache
def _iso_schema() -> etree.XMLSchema:
    # The package sepaxml ships the schema as ISO 20022 publishes it; nothing else of it is used.
    with importlib.resources.files("sepaxml").joinpath("schemas", "pain.001.001.09.xsd").open("rb") as file:
        return etree.XMLSchema(etree.parse(file))


# ---- rules
def _refuse_unless(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise BrokenPaymentFileError(what)


def _check_instruction(instruction: Instruction) -> None:
    _refuse_unless(sepa.is_id(instruction.message_id), "the message id is none")
    _refuse_unless(instruction.created_at.tzinfo is not None, "the moment of making has no zone")
    _check_party(instruction.debtor_name, instruction.debtor_iban, instruction.debtor_bic, "debtor")


def _check_transfer(transfer: Transfer) -> None:
    text = transfer.remittance_text
    _refuse_unless(sepa.is_id(transfer.end_to_end_id), "an end-to-end id is none")
    _refuse_unless(sepa.CENTS_MIN <= transfer.cents <= sepa.CENTS_MAX, "an amount is below 0.01 or above 999,999,999.99")
    _refuse_unless(
        0 < len(text) <= sepa.REMITTANCE_LENGTH_MAX and sepa.is_clean(text), "a remittance text has foreign characters or length"
    )
    _check_party(transfer.name, transfer.iban, transfer.bic, "payee")


def _check_party(name: str, iban: str, bic: str | None, who: str) -> None:
    filled = bool(name.strip(" .")) and name == name.strip(" ")
    _refuse_unless(
        filled and len(name) <= sepa.NAME_LENGTH_MAX and sepa.is_clean(name), f"a {who}'s name is empty, too long or has foreign characters"
    )
    try:
        _refuse_unless(parse_iban(iban) == iban, f"a {who}'s IBAN is not in electronic form")
    except ValueError:
        raise BrokenPaymentFileError(f"a {who}'s IBAN is wrong") from None
    _refuse_unless(bic is None or sepa.is_bic(bic), f"a {who}'s BIC is wrong")


def _check_header(header: etree._Element) -> None:
    inside = ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"]
    _refuse_unless([etree.QName(child).localname for child in header] == inside, "the header has other elements than the five")
    _refuse_unless(sepa.is_id(header.findtext(f"{_Q}MsgId") or ""), "the message id is none")
    created = header.findtext(f"{_Q}CreDtTm") or ""
    try:
        _refuse_unless(datetime.fromisoformat(created).tzinfo is not None, "the moment of making has no zone")
    except ValueError:
        raise BrokenPaymentFileError("the moment of making is none") from None
    _refuse_unless([child.tag for child in header.iterfind(f"{_Q}InitgPty/*")] == [f"{_Q}Nm"], "the initiating party has more than a name")


def _check_frame(frame: Mapping[str, etree._Element]) -> None:
    """The set of payments: a SEPA credit transfer of a named payer on a day, charges shared."""
    _refuse_unless(frame.keys() == set(_FRAME), "the set of payments lacks an element")
    _refuse_unless(sepa.is_id(frame["PmtInfId"].text or ""), "the id of the set of payments is none")
    said = [frame["PmtMtd"].text, frame["PmtTpInf"].findtext(f"{_Q}SvcLvl/{_Q}Cd"), frame["ChrgBr"].text]
    _refuse_unless(said == ["TRF", "SEPA", "SLEV"], "the set of payments is not a SEPA credit transfer with shared charges")
    _refuse_unless(frame["ReqdExctnDt"].find(f"{_Q}Dt") is not None, "there is no day to execute on")
    _refuse_unless(frame["Dbtr"].find(f"{_Q}PstlAdr") is None, "the debtor carries a postal address")
    _check_party(frame["Dbtr"].findtext(f"{_Q}Nm") or "", frame["DbtrAcct"].findtext(f"{_Q}Id/{_Q}IBAN") or "", None, "debtor")


# ---- elements
def _leaf(parent: etree._Element, path: str, text: str, **attributes: str) -> etree._Element:
    """Adds nested elements, the innermost with a text: ``PmtTpInf/SvcLvl/Cd``."""
    for name in path.split("/"):
        parent = etree.SubElement(parent, name)
    parent.text = text
    for name, value in attributes.items():
        parent.set(name, value)
    return parent


def _group_header(instruction: Instruction, count: str, total: str) -> etree._Element:
    header = etree.Element("GrpHdr")
    _leaf(header, "MsgId", instruction.message_id)
    _leaf(header, "CreDtTm", instruction.created_at.isoformat(timespec="seconds"))
    _leaf(header, "NbOfTxs", count)
    _leaf(header, "CtrlSum", total)
    _leaf(header, "InitgPty/Nm", instruction.debtor_name)
    return header


def _payment_information(instruction: Instruction, count: str, total: str) -> Iterator[etree._Element]:
    """What stands in PmtInf before the transactions, element by element."""
    frame = etree.Element("PmtInf")
    _leaf(frame, "PmtInfId", instruction.message_id)
    _leaf(frame, "PmtMtd", "TRF")
    _leaf(frame, "NbOfTxs", count)
    _leaf(frame, "CtrlSum", total)
    _leaf(frame, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _leaf(frame, "ReqdExctnDt/Dt", instruction.due_on.isoformat())
    _leaf(frame, "Dbtr/Nm", instruction.debtor_name)
    _leaf(frame, "DbtrAcct/Id/IBAN", instruction.debtor_iban)
    # The schema demands the debtor's bank; without a BIC the Deutsche Kreditwirtschaft wants it said so. A payee's bank is left out.
    if instruction.debtor_bic is None:
        _leaf(frame, "DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
    else:
        _leaf(frame, "DbtrAgt/FinInstnId/BICFI", instruction.debtor_bic)
    _leaf(frame, "ChrgBr", "SLEV")
    yield from frame


def _transaction(transfer: Transfer) -> etree._Element:
    _check_transfer(transfer)
    element = etree.Element("CdtTrfTxInf")
    _leaf(element, "PmtId/EndToEndId", transfer.end_to_end_id)
    _leaf(element, "Amt/InstdAmt", print_money(transfer.cents), Ccy=CURRENCY)
    if transfer.bic is not None:
        _leaf(element, "CdtrAgt/FinInstnId/BICFI", transfer.bic)
    _leaf(element, "Cdtr/Nm", transfer.name)
    _leaf(element, "CdtrAcct/Id/IBAN", transfer.iban)
    _leaf(element, "RmtInf/Ustrd", transfer.remittance_text)
    return element


def _read_transfer(element: etree._Element) -> Transfer:
    amount = element.find(f"{_Q}Amt/{_Q}InstdAmt")
    _refuse_unless(amount is not None and amount.get("Ccy") == CURRENCY, "an amount is not in EUR")
    _refuse_unless(len(element.findall(f"{_Q}RmtInf/{_Q}Ustrd")) == 1, "a transfer has not one remittance text")
    _refuse_unless(element.find(f".//{_Q}PstlAdr") is None, "a transfer carries a postal address")
    try:
        cents = parse_money(amount.text or "" if amount is not None else "")
    except ValueError:
        raise BrokenPaymentFileError("an amount has not two decimals") from None
    return Transfer(
        end_to_end_id=element.findtext(f"{_Q}PmtId/{_Q}EndToEndId") or "",
        cents=cents,
        name=element.findtext(f"{_Q}Cdtr/{_Q}Nm") or "",
        iban=element.findtext(f"{_Q}CdtrAcct/{_Q}Id/{_Q}IBAN") or "",
        remittance_text=element.findtext(f"{_Q}RmtInf/{_Q}Ustrd") or "",
        bic=element.findtext(f"{_Q}CdtrAgt/{_Q}FinInstnId/{_Q}BICFI"),
    )


def _drop(element: etree._Element) -> None:
    """Frees what was read, so that a file of any length needs the memory of one transaction."""
    element.clear()
    parent, before = element.getparent(), element.getprevious()
    if parent is not None and before is not None and before.tag == element.tag:
        parent.remove(before)

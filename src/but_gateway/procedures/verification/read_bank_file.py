"""Reads pain001.xml: against the schema of ISO 20022, and its own sums. A reader of its own, not the writer's."""

import importlib.resources
from collections.abc import Iterator
from functools import cache
from typing import Final

from lxml import etree

from but_gateway.kit.iban import parse_iban
from but_gateway.kit.money import parse_money
from but_gateway.procedures.verification.model import BankFile, Findings, Transfer
from but_gateway.procedures.verification.opening import Package

_NAME: Final = "pain001.xml"
_SPACE: Final = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"


def read_bank_file(package: Package, findings: Findings) -> BankFile | None:
    """The payments of the file. None when it is no valid pain.001.001.09."""
    try:
        with package.open(_NAME) as file:
            head = file.read(4096)
        findings.require(b"<!DOCTYPE" not in head, "unreadable", _NAME, "DOCTYPE")
        with package.open(_NAME) as file:
            tree = etree.parse(file, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False))
    except (etree.LxmlError, ValueError) as error:
        findings.add("unreadable", _NAME, type(error).__name__)
        return None
    schema = _schema()
    if tree.docinfo.internalDTD is not None or not schema.validate(tree):
        findings.add("schema", _NAME)
        return None
    # Comments and instructions are part of no message: whoever puts them there wants to hide or to tell something.
    for node in tree.iter(etree.Comment, etree.ProcessingInstruction):
        findings.add("not_canonical", _NAME, f"line {node.sourceline}")
    return _read(tree.getroot(), findings)


@cache
def _schema() -> etree.XMLSchema:
    with importlib.resources.files("sepaxml").joinpath("schemas", "pain.001.001.09.xsd").open("rb") as file:
        return etree.XMLSchema(etree.parse(file))


def _read(root: etree._Element, findings: Findings) -> BankFile:
    def text(path: str, element: etree._Element = root) -> str:
        found = element.find("/".join(f"{_SPACE}{part}" for part in path.split("/")))
        return "" if found is None else found.text or ""

    transfers: dict[str, Transfer] = {}
    total = 0
    entries = list(_entries(root))
    for place, entry in enumerate(entries, 1):
        amount = entry.find(f"{_SPACE}Amt/{_SPACE}InstdAmt")
        one = Transfer(
            text("PmtId/EndToEndId", entry), _cents(amount, findings, f"CdtTrfTxInf {place}"), text("Cdtr/Nm", entry),
            text("CdtrAcct/Id/IBAN", entry), text("RmtInf/Ustrd", entry),
        )  # fmt: skip
        total += one.cents
        findings.require(one.end_to_end_id not in transfers, "twice", _NAME, one.end_to_end_id)
        findings.require(_is_iban(one.iban), "iban_wrong", _NAME, one.end_to_end_id)
        transfers[one.end_to_end_id] = one
    for block in ("CstmrCdtTrfInitn/GrpHdr", "CstmrCdtTrfInitn/PmtInf"):
        findings.require(text(f"{block}/NbOfTxs") == str(len(entries)), "count_wrong", _NAME, f"{block}/NbOfTxs")
        findings.require(_sum(text(f"{block}/CtrlSum")) == total, "sum_wrong", _NAME, f"{block}/CtrlSum")
    findings.require(list(transfers) == sorted(transfers), "order_wrong", _NAME)
    batch = "CstmrCdtTrfInitn/PmtInf"
    return BankFile(
        text("CstmrCdtTrfInitn/GrpHdr/MsgId"), text("CstmrCdtTrfInitn/GrpHdr/CreDtTm"), text(f"{batch}/ReqdExctnDt/Dt"),
        text(f"{batch}/DbtrAcct/Id/IBAN"), transfers,
    )  # fmt: skip


def _entries(root: etree._Element) -> Iterator[etree._Element]:
    return root.iter(f"{_SPACE}CdtTrfTxInf")


def _cents(amount: etree._Element | None, findings: Findings, place: str) -> int:
    if amount is None or amount.get("Ccy") != "EUR":
        findings.add("currency_wrong", _NAME, place)
    return _sum("" if amount is None else amount.text or "")


def _sum(text: str) -> int:
    try:
        return parse_money(text)
    except ValueError:
        return -1


def _is_iban(text: str) -> bool:
    try:
        return parse_iban(text) == text
    except ValueError:
        return False

"""What nobody should send is refused, quickly and in little memory. Times are the processor's; they are recorded, never asserted."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from but_gateway.formats.xml_guard import RECORDS_MAX, TAGS_MAX, BrokenXmlError, Shape, read_records
from but_gateway.procedures.reconciliation.reading import read_report
from but_gateway.web.problems import Problem
from tests.formats.hostile_xml import BYTES_MAX, CORPUS, MIB

ROOT = Path(__file__).parents[2]
GROWTH_KIB_MAX = 50 * 1024
SHAPE = {"urn:x": Shape(("Document", "Message"), {"Part": frozenset({"Value", "Value@Ccy"})}, {"": {"Part": "Part"}})}


def test_the_corpus_is_large_enough_and_no_larger_than_an_upload() -> None:
    assert len(CORPUS) >= 30
    assert max(len(make()) for make in CORPUS.values()) <= BYTES_MAX


@pytest.mark.parametrize("name", CORPUS)
def test_it_is_refused_in_little_memory(name: str, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]) -> None:
    path = tmp_path / "hostile.xml"
    path.write_bytes(CORPUS[name]())
    command = [sys.executable, "-m", "tests.formats.hostile_xml", str(path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own script
    status, seconds, growth_kib = ran.stdout.split()
    record_testsuite_property(f"hostile XML: {name}", f"{seconds} s, {growth_kib} KiB")
    assert status in {"400", "413", "422"}
    assert int(growth_kib) < GROWTH_KIB_MAX


def test_a_refusal_repeats_nothing_that_was_sent() -> None:
    with pytest.raises(Problem) as refusal:
        read_report(b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><Elif-Yilmaz></Document>', "application/xml")
    assert "Elif" not in str(refusal.value.body("de", "x"))


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        (b"<Part>" * 39, "nested too deep"),
        (b"<Part>" + b"<a></a>" * 5_001, "too many elements"),
        (b"<Part><Value>" + b"y" * 1_001 + b"</Value>", "longer than any"),
        (b"<Part>" + b"&#65;" * 2_001, "longer than any"),
        (b"<a/>" * TAGS_MAX, "too many elements"),
        (b"<a x='" + b"y" * 200_000, "longer than any"),
    ],
)
def test_every_limit_has_its_own_words(inside: bytes, words: str) -> None:
    with pytest.raises(BrokenXmlError, match=words):
        read_records(b'<Document xmlns="urn:x"><Message>' + inside, SHAPE, lambda _n, _r: None)


def test_as_many_records_as_a_report_may_have_are_read_and_only_what_was_asked_for_is_kept() -> None:
    kept = []
    part = b"<Part><Name>Elif</Name><Value Ccy='EUR' Nm='Elif'>1.00</Value></Part>"
    raw = b'<Document xmlns="urn:x"><Message>' + part * RECORDS_MAX + b"</Message></Document>"
    assert len(raw) < BYTES_MAX
    assert read_records(raw, SHAPE, lambda _namespace, record: kept.append(record)) == "urn:x"
    assert len(kept) == RECORDS_MAX
    assert kept[-1].values == {"Value@Ccy": ["EUR"], "Value": ["1.00"]}
    assert kept[-1].place == f"Part[{RECORDS_MAX}]"


def test_parts_of_another_namespace_are_passed_over() -> None:
    kept = []
    raw = b'<Document xmlns="urn:x"><Message><Part><o:Value xmlns:o="urn:o">9</o:Value><Value>1</Value></Part></Message></Document>'
    read_records(raw, SHAPE, lambda _namespace, record: kept.append(record))
    assert kept[0].values == {"Value": ["1"]}


def test_a_byte_order_mark_and_a_declaration_do_no_harm() -> None:
    raw = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Document xmlns="urn:x"><Message/></Document>'
    assert read_records(raw, SHAPE, lambda _n, _r: None) == "urn:x"


def test_an_upload_that_is_larger_is_not_read_at_all() -> None:
    """50 MB stop at the limit of the operation; see test_reports.py."""
    assert BYTES_MAX < 50 * MIB

"""Manifest and position lines: JSON that says what was stored, the same bytes each time."""

import hashlib
import json
from datetime import UTC, date, datetime

from but_gateway.formats.manifest import ManifestFile, digest_of, write_manifest
from but_gateway.formats.positions_ndjson import PositionRecord, write_position

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)


def record(facts: str | None) -> PositionRecord:
    return PositionRecord(
        position_id="p", provider="c1", invoice="R-1", invoice_id="i", line_no=2, benefit="lunch", item="lunch", form="day",
        first_day=date(2026, 10, 5), last_day=date(2026, 10, 5), quantity=1, claimed=450, corrects=None, received_at=AT, decision_id="d",
        decided_at=AT, by_person=False, decision="reduced", approved=420, findings=[["P-05", 1, {"agreed": "4.20"}, 420]],
        allocations=[["g", 3, "sgb2", 420, 1]], orders=[("2026-0007-0001", "sgb2", 420)], payment="BUT-2026-0007-00001", rule_set="1",
        facts=facts,
    )  # fmt: skip


def test_a_position_is_one_line_with_its_facts_put_together() -> None:
    line = write_position(record('{"s":{"c":450},"t":{},"g":[{"id":"g"},{"id":"h"}]}'))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    found = json.loads(line)
    assert found["facts"] == {"s": {"c": 450}, "t": {}, "g": [{"id": "g"}, {"id": "h"}]}
    assert found["allocations"] == [{"grant": "g", "grant_version": 3, "legal_basis": "sgb2", "amount": "4.20", "units": 1}]
    assert (found["claimed"], found["approved"], found["first_day"]) == ("4.50", "4.20", "2026-10-05")
    assert found["orders"] == [{"order": "2026-0007-0001", "legal_basis": "sgb2", "amount": "4.20"}]


def test_a_persons_decision_has_no_facts() -> None:
    assert json.loads(write_position(record(None)))["facts"] is None


def test_the_manifest_names_every_file_with_its_hash_and_the_sums() -> None:
    content = write_manifest("2026-0007", "krefeld", AT, (2250, 450, 1800), [ManifestFile("a.csv", "treasury", "00ff", 12)])
    assert json.loads(content) == {
        "batch": "2026-0007",
        "municipality": "krefeld",
        "created_at": "2026-12-01T09:00:00.000Z",
        "totals": {"gross": "22.50", "receipts": "4.50", "net": "18.00"},
        "files": [{"name": "a.csv", "package": "treasury", "sha256": "00ff", "bytes": 12}],
    }


def test_one_hash_stands_for_many_files_as_sha256sum_prints_them() -> None:
    files = [ManifestFile("b.xml", "treasury", "02", 1), ManifestFile("a.csv", "audit", "01", 2)]
    assert digest_of(files) == digest_of(reversed(files)) == hashlib.sha256(b"01  a.csv\n02  b.xml\n").hexdigest()

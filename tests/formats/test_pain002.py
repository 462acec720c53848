"""Status reports: refusals are returned bookings, everything else is no booking."""

from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from but_gateway.formats.bookings import Direction, FaultyReportError, UnreadVersionError
from but_gateway.formats.pain002 import VERSIONS, read_pain002
from tests.formats.statements import camt, pain002

SCHEMA = Path(__file__).parents[3] / "shared" / "data" / "iso20022" / "pain.002.001.11.xsd"
OURS = "BUT-2026-0007-00001"


def test_a_rejected_transaction_is_a_return_of_the_reports_day() -> None:
    report = read_pain002(pain002(transactions=[(OURS, "RJCT", "18.00"), ("BUT-2026-0007-00002", "ACSP", None)]))
    (booking,) = report.bookings
    assert (booking.direction, booking.end_to_end_id, booking.cents) == (Direction.RETURNED, OURS, 1800)
    assert (booking.booked_on, booking.return_reason, booking.references) == (
        date(2026, 12, 14),
        "AC04",
        ("BUT-2026-0001", "BUT-2026-0001"),
    )
    assert report.not_booked == 1


def test_a_whole_file_that_is_rejected_is_one_booking_without_a_transaction() -> None:
    (booking,) = read_pain002(pain002(group="RJCT")).bookings
    assert (booking.end_to_end_id, booking.cents, booking.references) == (None, None, ("BUT-2026-0001",))


def test_a_rejected_part_comes_after_the_transactions_that_say_why() -> None:
    report = read_pain002(pain002(batch="RJCT", transactions=[(OURS, "RJCT", None)]))
    assert [(b.end_to_end_id, b.return_reason) for b in report.bookings] == [(OURS, "AC04"), (None, None)]


def test_transactions_without_a_status_have_that_of_their_part() -> None:
    report = read_pain002(pain002(batch="RJCT", transactions=[(OURS, "", None)]))
    assert [b.end_to_end_id for b in report.bookings] == [OURS, None]


@pytest.mark.parametrize("status", ["ACCP", "ACSP", "ACSC", "ACCC", "PDNG", "RCVD", "PART"])
def test_accepted_is_no_booking(status: str) -> None:
    report = read_pain002(pain002(group=status))
    assert (report.bookings, report.not_booked) == ((), 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_versions_in_use_are_read(version: str) -> None:
    raw = pain002(group="RJCT", version=version.removeprefix("pain.002."))
    assert len(read_pain002(raw).bookings) == 1


@pytest.mark.parametrize("raw", [pain002(version="001.02"), camt("camt.053", [])])
def test_others_are_refused(raw: bytes) -> None:
    with pytest.raises(UnreadVersionError):
        read_pain002(raw)


def test_a_report_without_a_day_or_with_a_wrong_amount_is_refused() -> None:
    raw = pain002(transactions=[(OURS, "RJCT", "1.234")]).replace(b"2026-12-14T", b"20261214X")
    with pytest.raises(FaultyReportError) as error:
        read_pain002(raw)
    assert [f.place for f in error.value.faults] == ["GrpHdr/CreDtTm", "OrgnlPmtInfAndSts[1]/TxInfAndSts[1]/Amt"]


@pytest.mark.skipif(not SCHEMA.exists(), reason="the reference data is not there")
def test_what_these_tests_write_fits_the_schema() -> None:
    raw = pain002(group="PART", batch="PART", transactions=[(OURS, "RJCT", "18.00")])
    etree.XMLSchema(file=str(SCHEMA)).assertValid(etree.fromstring(raw))

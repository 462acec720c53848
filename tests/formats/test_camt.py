"""Statements and notifications: what was booked is read, what was not is counted, names and accounts never come out of the reading."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from but_gateway.formats.bookings import Booking, Direction, FaultyReportError, UnreadVersionError
from but_gateway.formats.camt import read_camt
from tests.formats.statements import Detail, Entry, camt, pain002

REFERENCE = Path(__file__).parents[3] / "shared" / "data"
SAMPLES = sorted((REFERENCE / "camt").glob("*.xml")) if REFERENCE.exists() else []
OURS = "BUT-2026-0007-00001"
needs_reference = pytest.mark.skipif(not SAMPLES, reason="the reference data is not there")


def read(*entries: Entry, kind: str = "camt.053") -> Sequence[Booking]:
    return read_camt(camt(kind, entries)).bookings


def test_an_entry_with_one_detail_is_one_booking() -> None:
    entry = Entry("18.00", (Detail(OURS, text="BuT krefeld 2026-0007 R-1", payment_information="BUT-2026-0007"),))
    (booking,) = read(entry)
    assert booking == Booking(
        direction=Direction.PAID,
        booked_on=date(2026, 12, 15),
        cents=1800,
        currency="EUR",
        place="Stmt[1]/Ntry[1]/TxDtls[1]",
        end_to_end_id=OURS,
        references=("BUT-2026-0007",),
        texts=("BuT krefeld 2026-0007 R-1",),
    )


@pytest.mark.parametrize("kind", ["camt.053", "camt.054"])
def test_both_messages_are_read_alike(kind: str) -> None:
    assert read_camt(camt(kind, [Entry("18.00", (Detail(OURS),))])).kind == kind


def test_names_and_accounts_do_not_come_out_of_it() -> None:
    (booking,) = read(Entry("18.00", (Detail(OURS, party="Elif Yılmaz"),)))
    assert "Yılmaz" not in repr(booking)
    assert "DE89" not in repr(booking)


def test_a_batch_booking_with_details_is_as_many_bookings() -> None:
    bookings = read(Entry("54.00", tuple(Detail(f"BUT-2026-0007-0000{i}", f"{i}8.00") for i in (1, 2)), batch="BUT-2026-0007"))
    assert [(b.end_to_end_id, b.cents, b.references) for b in bookings] == [
        ("BUT-2026-0007-00001", 1800, ("BUT-2026-0007",)),
        ("BUT-2026-0007-00002", 2800, ("BUT-2026-0007",)),
    ]


def test_a_batch_booking_without_details_is_one_sum() -> None:
    (booking,) = read(Entry("54.00", batch="BUT-2026-0007"))
    assert (booking.cents, booking.references, booking.end_to_end_id) == (5400, ("BUT-2026-0007",), None)


def test_details_of_which_some_say_no_amount_leave_only_the_sum() -> None:
    (booking,) = read(Entry("54.00", (Detail(OURS), Detail("BUT-2026-0007-00002", None)), batch="BUT-2026-0007"))
    assert (booking.cents, booking.end_to_end_id) == (5400, None)


def test_a_single_detail_without_amount_has_that_of_its_entry() -> None:
    (booking,) = read(Entry("18.00", (Detail(OURS, None),)))
    assert (booking.cents, booking.end_to_end_id) == (1800, OURS)


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
def test_what_is_not_booked_is_counted_only(status: str) -> None:
    report = read_camt(camt("camt.053", [Entry("18.00", (Detail(OURS),), status=status), Entry("1.00")]))
    assert (len(report.bookings), report.not_booked) == (1, 1)


def test_a_return_says_why_and_what_was_kept_back() -> None:
    detail = Detail(OURS, "15.00", return_reason="AC04", charges="3.00")
    (booking,) = read(Entry("15.00", (detail,), direction="CRDT"))
    assert (booking.direction, booking.return_reason, booking.charges, booking.plain) == (Direction.RETURNED, "AC04", 300, False)


@pytest.mark.parametrize("entry", [Entry("1.00", direction="CRDT", reversal=True), Entry("1.00", direction="CRDT", family="RRTN")])
def test_a_reversal_is_money_coming_back(entry: Entry) -> None:
    (booking,) = read(entry)
    assert (booking.direction, booking.plain) == (Direction.RETURNED, False)


def test_other_money_coming_in_is_plain() -> None:
    (booking,) = read(Entry("1.00", direction="CRDT", text="Gewerbesteuer"))
    assert booking.plain


def test_a_sum_that_nets_a_return_is_taken_apart() -> None:
    details = (Detail(OURS, "20.00"), Detail("BUT-2026-0006-00001", "2.00", direction="CRDT", return_reason="MS03"))
    assert [b.direction for b in read(Entry("18.00", details))] == [Direction.PAID, Direction.RETURNED]


def test_a_detail_that_contradicts_its_entry_without_a_reason_is_not_believed() -> None:
    (booking,) = read(Entry("18.00", (Detail(OURS, direction="CRDT"),)))
    assert booking.direction is Direction.PAID


@pytest.mark.parametrize(("amount", "cents"), [("200000", 20_000_000), ("3.1", 310), ("8.85000", 885), ("0", 0), ("0.01", 1)])
def test_amounts_are_read_as_banks_write_them(amount: str, cents: int) -> None:
    assert read(Entry(amount))[0].cents == cents


def test_amounts_in_another_currency_are_not_read() -> None:
    (booking,) = read(Entry("200000", currency="JPY"))
    assert (booking.cents, booking.currency) == (None, "JPY")


def test_without_a_booking_day_the_statements_own_day_counts() -> None:
    assert read(Entry("1.00", booked_on=None))[0].booked_on == date(2026, 12, 16)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-02-30", "heute"])
def test_a_day_nothing_is_booked_on_is_a_fault(day: str) -> None:
    with pytest.raises(FaultyReportError):
        read(Entry("1.00", booked_on=day))


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(FaultyReportError) as error:
        read(Entry("1.001"), Entry("1.00", booked_on="2026-02-30"), Entry("1.00", direction="DEBIT"), Entry("1.00"))
    assert [f.place for f in error.value.faults] == ["Stmt[1]/Ntry[1]/Amt", "Stmt[1]/Ntry[2]/BookgDt", "Stmt[1]/Ntry[3]/CdtDbtInd"]


@pytest.mark.parametrize("version", ["001.02", "001.04", "001.09", "001.13"])
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(UnreadVersionError):
        read_camt(camt("camt.053", [], version=version))


def test_another_message_is_refused() -> None:
    with pytest.raises(UnreadVersionError):
        read_camt(pain002())


@needs_reference
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_the_samples_are_read(sample: Path) -> None:
    report = read_camt(sample.read_bytes())
    assert report.kind == sample.name[:7].replace("camt0", "camt.0")
    assert len(report.bookings) == {"camt054.v8.xml": 3}.get(sample.name, 1)


@needs_reference
@pytest.mark.parametrize("kind", ["camt.053", "camt.054"])
def test_what_these_tests_write_fits_the_schema(kind: str) -> None:
    schema = etree.XMLSchema(file=str(REFERENCE / "iso20022" / f"{kind}.001.08.xsd"))
    detail = Detail(OURS, text="x", return_reason="AC04", charges="1.00", payment_information="BUT-2026-0007")
    entries = [Entry("18.00", (detail,), batch="BUT-2026-0007", reversal=True, family="RRTN", text="y"), Entry("2")]
    schema.assertValid(etree.fromstring(camt(kind, entries)))

"""Identifiers: rising, unique, and numbers in which a slip of the pen shows."""

import time
from itertools import pairwise
from threading import Thread
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from but_gateway.kit.ids import (
    CROCKFORD,
    NUMBER_LENGTH,
    check_character,
    first_id_at,
    fold_entitlement_number,
    is_issued_number,
    new_entitlement_number,
    new_id,
    new_ids,
    new_secret,
    print_entitlement_number,
)

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BODIES = some.text(alphabet=CROCKFORD, min_size=NUMBER_LENGTH - 1, max_size=NUMBER_LENGTH - 1)


def is_uuid7(one: UUID) -> bool:
    return one.version == 7 and one.variant == RFC_4122


def test_ids_are_rising_uuids_of_version_7() -> None:
    made = [new_id() for _ in range(20_000)]
    assert all(is_uuid7(one) for one in made)
    assert all(before < after for before, after in pairwise(made))


def test_an_id_tells_its_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    assert before <= made.int >> 80 <= before + 60_000


@given(some.lists(some.one_of(some.none(), some.integers(-1, 5000)), max_size=5))
def test_single_ids_and_many_at_once_rise_together(calls: list[int | None]) -> None:
    made: list[UUID] = []
    for count in calls:
        fresh = [new_id()] if count is None else new_ids(count)
        assert len(fresh) == (1 if count is None else max(count, 0))
        made += fresh
    assert all(is_uuid7(one) for one in made)
    assert all(before < after for before, after in pairwise(made))


def test_ids_go_on_rising_when_the_clock_goes_back_or_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000)
    made = [first, *(new_id() for _ in range(10_000)), *new_ids(5000), new_id()]
    assert all(before < after for before, after in pairwise(made))


def test_ids_of_several_threads_are_all_different() -> None:
    made: list[UUID] = []
    threads = [Thread(target=lambda: made.extend([new_id() for _ in range(2000)] + new_ids(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(set(made)) == 16_000


@given(some.integers(0, (1 << 48) - 2))
def test_the_bound_of_a_millisecond_lies_below_all_its_ids(unix_ms: int) -> None:
    bound = first_id_at(unix_ms)
    assert is_uuid7(bound)
    assert bound.int >> 80 == unix_ms
    assert bound < first_id_at(unix_ms + 1)


def test_new_ids_lie_between_the_bounds_of_their_time() -> None:
    now = time.time_ns() // 1_000_000
    assert first_id_at(now - 1) < new_id() < first_id_at(now + 600_000)


def test_secrets_differ_and_are_long() -> None:
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert min(map(len, made)) >= 43


# The example that the GRid standard gives for ISO 7064 MOD 37,36.
def test_the_check_character_is_that_of_the_standard() -> None:
    assert check_character("A12425GABC1234002") == "M"


@given(some.text(alphabet=ALPHANUMERIC, min_size=1, max_size=20), some.data())
def test_one_wrong_character_changes_the_check_character(text: str, data: some.DataObject) -> None:
    place = data.draw(some.integers(0, len(text) - 1))
    other = data.draw(some.sampled_from([c for c in ALPHANUMERIC if c != text[place]]))
    assert check_character(text) != check_character(text[:place] + other + text[place + 1 :])


def test_issued_numbers_are_recognised_and_all_different() -> None:
    made = {new_entitlement_number() for _ in range(2000)}
    assert len(made) == 2000
    for number in made:
        assert is_issued_number(number)
        assert set(number[:-1]) <= set(CROCKFORD)


@given(BODIES)
def test_a_number_is_recognised_in_the_form_that_families_read(body: str) -> None:
    number = body + check_character(body)
    shown = print_entitlement_number(number)
    assert [len(group) for group in shown.split("-")] == [4, 4, 5]
    assert fold_entitlement_number(shown.lower()) == number
    assert fold_entitlement_number(f" {shown} ") == number
    assert is_issued_number(number)


@pytest.mark.parametrize("number", ["", "0", "0" * 12, "0" * 14, "ILOU00000000X", "000000000000!", "ÄÄÄÄÄÄÄÄÄÄÄÄÄ"])
def test_what_has_not_the_shape_is_no_issued_number(number: str) -> None:
    assert not is_issued_number(number)


@given(BODIES, some.data())
def test_a_slip_of_the_pen_shows(body: str, data: some.DataObject) -> None:
    number = body + check_character(body)
    place = data.draw(some.integers(0, NUMBER_LENGTH - 1))
    other = data.draw(some.sampled_from([c for c in CROCKFORD if c != number[place]]))
    assert not is_issued_number(number[:place] + other + number[place + 1 :])


def test_old_cards_are_shown_as_they_are() -> None:
    assert print_entitlement_number("KR-4711") == "KR-4711"

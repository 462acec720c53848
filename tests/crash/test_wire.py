"""Seeing a commit go by, however it is sent."""

import struct

import pytest

from tests.crash.wire import Downward, Messages, Upward, first_message, is_commit


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", 4 + len(body)) + body


def heard(up: Upward, *parts: bytes) -> list[bool]:
    return [up.hear(kind, whole) for part in parts for kind, whole in Messages().feed(part)]


@pytest.mark.parametrize(
    "sql", ["COMMIT", "commit;", "COMMIT WORK", "END", "INSERT INTO t VALUES (1); COMMIT", "COMMIT; BEGIN; SET LOCAL a = 'b'"]
)
def test_a_commit_is_known_alone_and_among_others(sql: str) -> None:
    assert is_commit(sql)


@pytest.mark.parametrize(
    "sql", ["SELECT 'COMMIT'", "COMMIT PREPARED 'x'", "ROLLBACK", "SELECT commit FROM t", "BEGIN", "SELECT CASE WHEN a THEN b END"]
)
def test_what_only_looks_like_a_commit_is_none(sql: str) -> None:
    assert not is_commit(sql)


def test_a_commit_as_a_simple_query_is_seen() -> None:
    assert heard(Upward(), message(b"Q", b"COMMIT;\x00")) == [True]


def test_a_commit_that_was_prepared_is_seen_when_it_is_executed() -> None:
    up = Upward()
    prepared = message(b"P", b"s1\x00COMMIT\x00\x00\x00")
    bound = message(b"B", b"\x00s1\x00\x00\x00\x00\x00\x00\x00")
    assert heard(up, prepared, bound, message(b"E", b"\x00\x00\x00\x00\x00")) == [False, False, True]


def test_a_simple_query_that_writes_and_commits_is_known_to_write() -> None:
    up = Upward()
    assert heard(up, message(b"Q", b"INSERT INTO t VALUES (1); COMMIT\x00")) == [True]
    assert up.writes


def test_messages_are_whole_however_they_are_cut() -> None:
    stream = message(b"Q", b"SELECT 1\x00") + message(b"Q", b"COMMIT\x00")
    for size in (1, 3, 7, len(stream)):
        messages = Messages()
        parts = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert b"".join(whole for part in parts for _, whole in messages.feed(part)) == stream


@pytest.mark.parametrize(
    ("tags", "wrote"), [(["SELECT 3", "UPDATE 0", "SET"], False), (["INSERT 0 2"], True), (["DELETE 1", "COMMIT"], False)]
)
def test_only_what_changed_rows_has_written(tags: list[str], *, wrote: bool) -> None:
    down = Downward()
    for tag in tags:
        down.hear(b"C", message(b"C", tag.encode() + b"\x00"))
    assert down.wrote is wrote
    assert down.committed is ("COMMIT" in tags)


def test_the_opening_message_has_no_kind() -> None:
    assert first_message(struct.pack("!ii", 8, 80877103)) == (8, 80877103)
    assert first_message(struct.pack("!ii", 12, 196608)) is None

"""As much of PostgreSQL's wire protocol (version 3) as it takes to see a COMMIT go up and its acknowledgement come back."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SSL_REQUEST: Final = 80877103
GSS_REQUEST: Final = 80877104
CANCEL_REQUEST: Final = 80877102
# A statement that ends a transaction and keeps it, alone or as one of several of a simple query; not of two-phase commit.
_COMMIT: Final = re.compile(r"(?:^|;)\s*(?:COMMIT|END)(?:\s+(?:WORK|TRANSACTION))?\s*(?:;|$)", re.IGNORECASE)
_WRITES: Final = re.compile(r"\b(?:INSERT\s+INTO|UPDATE\s+\w+|DELETE\s+FROM)\b", re.IGNORECASE)
_TAG_WRITES: Final = re.compile(rb"(?:INSERT \d+|UPDATE|DELETE|MERGE) (\d+)\x00")
_HEAD: Final = 5  # one byte for the kind of message, four for its length, which counts itself but not the kind
_START: Final = 8  # the first message of a connection has no kind: length, then a code


def is_commit(sql: str) -> bool:
    """Whether a statement (or one of several) commits."""
    return _COMMIT.search(sql) is not None


@dataclass(slots=True)
class Messages:
    """Cuts a stream into whole messages; what is not whole yet waits."""

    waiting: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Kind and whole message (with its head), for every one that is complete now."""
        self.waiting += data
        place = 0
        while len(self.waiting) - place >= _HEAD:
            size = 1 + struct.unpack_from("!i", self.waiting, place + 1)[0]
            if len(self.waiting) - place < size:
                break
            yield bytes(self.waiting[place : place + 1]), bytes(self.waiting[place : place + size])
            place += size
        del self.waiting[:place]


@dataclass(slots=True)
class Upward:
    """What a client says: ``hear`` answers for each message whether it makes the server commit.

    Statements are followed by name, because a commit may come as a simple query (how asyncpg's transactions and SQLAlchemy send it) or
    as the execution of something prepared earlier. ``writes``: whether a simple query that commits writes by itself.
    """

    writes: bool = False
    _statements: dict[bytes, str] = field(default_factory=dict)
    _portals: dict[bytes, str] = field(default_factory=dict)

    def hear(self, kind: bytes, message: bytes) -> bool:
        """Whether the server commits when it gets this message."""
        body = message[_HEAD:]
        if kind == b"Q":
            sql = body.rstrip(b"\x00").decode("utf-8", "replace")
            self.writes = _WRITES.search(sql) is not None
            return is_commit(sql)
        if kind == b"P":
            name, sql_bytes, _ = body.split(b"\x00", 2)
            self._statements[name] = sql_bytes.decode("utf-8", "replace")
        elif kind == b"B":
            portal, name, _ = body.split(b"\x00", 2)
            self._portals[portal] = self._statements.get(name, "")
        elif kind == b"E":
            self.writes = False
            return is_commit(self._portals.get(body.split(b"\x00", 1)[0], ""))
        return False


@dataclass(slots=True)
class Downward:
    """What a server answers. ``wrote``: the transaction under way has changed rows; ``committed``: the server said so since ``expect``."""

    wrote: bool = False
    committed: bool = False
    ready: bool = False

    def expect(self) -> None:
        """A commit goes up now."""
        self.committed = self.ready = False

    def hear(self, kind: bytes, message: bytes) -> None:
        """Takes notice of one message."""
        if kind == b"C":
            body = message[_HEAD:]
            if found := _TAG_WRITES.fullmatch(body):
                self.wrote = self.wrote or int(found[1]) > 0
            elif body == b"COMMIT\x00":
                self.committed, self.wrote = True, False
            elif body in (b"BEGIN\x00", b"ROLLBACK\x00"):
                self.wrote = False
        elif kind == b"Z":
            self.ready = True


def first_message(data: bytes) -> tuple[int, int] | None:
    """Length and code of the message that opens a connection; None while it is not whole."""
    if len(data) < _START:
        return None
    size, code = struct.unpack_from("!ii", data)
    return (size, code) if len(data) >= size else None

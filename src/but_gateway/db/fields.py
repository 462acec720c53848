"""Encrypted fields: AES-256-GCM with a key per municipality, wrapped by the instance's master key.

A sealed value is ``version (1 byte) | [number of the key (2 bytes)] | nonce (12) | ciphertext and tag``; municipality, table, row, column
and key are bound to it as associated data, so that a value copied to another place does not open. Version 1 is sealed with the town's
first key and names none; version 2 names its key. Look-ups go through keyed hashes (HMAC-SHA-256) of folded values.

A town has three keys: for *fields*, for the *index* (keyed hashes in the database), and for *references* (keyed hashes that providers keep,
so it never changes). At first all three follow from the town's data key; one that is changed lies in ``town_key`` from then on. Beside the
key in use older ones are known, and the next one before it is used: what one process seals with it, all others can read at once.

The master key's file holds a key in its first line, or in the line without a word before it; ``next KEY`` and ``old KEY`` are read too,
so that the master key can be changed while the instance runs (docs/operations.md).
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FIELDS: Final = "fields"
INDEX: Final = "index"
REFERENCE: Final = "reference"
KEY_BYTES: Final = 32
_FIRST: Final = b"\x01"
_NUMBERED: Final = b"\x02"
_NONCE_BYTES: Final = 12
_NUMBER_BYTES: Final = 2


class SealBrokenError(Exception):
    """A sealed value does not open: another key, another place, or it was changed."""


class StaleKeysError(Exception):
    """The keys in hand are not those of the database any more: nothing may be written with them. Look at the keys again and repeat."""


class MasterKeyError(Exception):
    """The master key file is missing, too open or malformed; the text says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key of a town beyond its data key. ``active``: it may be written with; until then it only reads."""

    purpose: str
    number: int
    wrapped: bytes = field(repr=False)
    active: bool


def _encrypt(cipher: AESGCM, value: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, value, place)


def _decrypt(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        raise SealBrokenError("a sealed value does not open") from None


def _keyed_hash(key: bytes, purpose: str, value: str) -> bytes:
    return hmac.digest(key, f"{purpose}\x00{value}".encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class TownKeys:
    """The opened keys of one municipality. Never logged, never stored."""

    municipality_id: UUID
    _ciphers: Mapping[int, AESGCM] = field(repr=False)
    _number: int  # of the key that seals
    _index_keys: Mapping[int, bytes] = field(repr=False)
    _index_number: int
    _reference_key: bytes = field(repr=False)
    _prefix: bytes = field(repr=False)

    @classmethod
    def of(cls, municipality_id: UUID, data_key: bytes, further: Collection[tuple[WrappedKey, bytes]] = ()) -> "TownKeys":
        """The working keys that follow from a data key and from further keys, each with its opened self.

        ``data_key`` may be empty once every key has its own.
        """
        fields: dict[int, bytes] = {}
        index: dict[int, bytes] = {}
        reference = b""
        if data_key:
            fields[1] = hmac.digest(data_key, b"fields", hashlib.sha256)
            reference = index_of(data_key)
            if not any(key.purpose == INDEX for key, _ in further):
                index[1] = reference
        active = {FIELDS: 1, INDEX: 1}
        for key, opened in further:
            if key.purpose == REFERENCE:
                reference = opened
                continue
            (fields if key.purpose == FIELDS else index)[key.number] = opened
            if key.active:
                active[key.purpose] = max(active[key.purpose], key.number)
        ciphers = {number: AESGCM(key) for number, key in fields.items()}
        return cls(municipality_id, ciphers, active[FIELDS], index, active[INDEX], reference, municipality_id.bytes)

    def seal(self, value: str, table: str, row: UUID, column: str) -> bytes:
        """The value encrypted for its place, with the key in use."""
        return self.seal_bytes(value.encode(), table, row, column)

    def seal_bytes(self, value: bytes, table: str, row: UUID, column: str) -> bytes:
        """The same for what is no text."""
        place, number = self._place(table, row, column), self._number
        if number == 1:
            return _FIRST + _encrypt(self._ciphers[1], value, place)
        name = number.to_bytes(_NUMBER_BYTES, "big")
        return _NUMBERED + name + _encrypt(self._ciphers[number], value, place + b"|" + name)

    def open(self, sealed: bytes, table: str, row: UUID, column: str) -> str:
        """The value of a sealed field. Refuses when it does not open (SealBrokenError)."""
        return self.open_bytes(sealed, table, row, column).decode()

    def open_bytes(self, sealed: bytes, table: str, row: UUID, column: str) -> bytes:
        """The same for what is no text."""
        place, version = self._place(table, row, column), sealed[:1]
        if version == _FIRST:
            name, number, rest = b"", 1, sealed[1:]
        elif version == _NUMBERED:
            name, rest = sealed[1 : 1 + _NUMBER_BYTES], sealed[1 + _NUMBER_BYTES :]
            number, place = int.from_bytes(name, "big"), place + b"|" + name
        else:
            raise SealBrokenError("unknown version of a sealed value")
        cipher = self._ciphers.get(number)
        if cipher is None:
            raise SealBrokenError("a value was sealed with a key that this town no longer has, or not yet")
        return _decrypt(cipher, rest, place)

    def index(self, purpose: str, value: str) -> bytes:
        """The keyed hash by which a value is found again; ``purpose`` keeps hashes of different fields apart."""
        return _keyed_hash(self._index_keys[self._index_number], purpose, value)

    def indexes(self, purpose: str, value: str) -> tuple[bytes, ...]:
        """The keyed hashes of a value with every index key there is, first with the one in use: two while that is changed, else one."""
        others = [number for number in self._index_keys if number != self._index_number]
        return tuple(_keyed_hash(self._index_keys[number], purpose, value) for number in (self._index_number, *others))

    @property
    def number_in_use(self) -> int:
        """Which index key is looked up by."""
        return self._index_number

    @property
    def index_numbers(self) -> frozenset[int]:
        """Which index keys there are."""
        return frozenset(self._index_keys)

    def as_stored(self, index_numbers: Mapping[int, bool]) -> "TownKeys":
        """The same with the index keys that the database has now: by number, whether it is looked up with.

        Refuses when the one in use is not at hand (StaleKeysError).
        """
        in_use = max(number for number, active in index_numbers.items() if active)
        known = {number: key for number, key in self._index_keys.items() if number in index_numbers}
        if in_use not in known:
            raise StaleKeysError("the town's hashes are made with a key that is not known here yet")
        return replace(self, _index_keys=known, _index_number=in_use)

    def reference(self, purpose: str, value: str) -> bytes:
        """A keyed hash that others keep: it stays the same whatever keys are changed."""
        return _keyed_hash(self._reference_key, purpose, value)

    @property
    def sealing_with(self) -> bytes:
        """How values begin that were sealed with the key in use."""
        return _FIRST if self._number == 1 else _NUMBERED + self._number.to_bytes(_NUMBER_BYTES, "big")

    def _place(self, table: str, row: UUID, column: str) -> bytes:
        return self._prefix + f"|{table}|{column}|".encode() + row.bytes


@dataclass(frozen=True, slots=True)
class MasterKey:
    """Wraps the data keys of municipalities and the signing keys of the instance. The first of its keys wraps, all of them unwrap."""

    _cipher: AESGCM = field(repr=False)
    _others: tuple[AESGCM, ...] = field(default=(), repr=False)
    _path: Path | None = None

    @classmethod
    def read(cls, path: Path) -> "MasterKey":
        """The master key of a file.

        Refuses when the file is missing, readable by others or malformed (MasterKeyError).
        """
        cipher, *others = _ciphers_of(path)
        return cls(cipher, tuple(others), path)

    @classmethod
    def make(cls, path: Path) -> "MasterKey":
        """The master key of the file; where there is none it is made first, readable by its owner only. Safe to call at once."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _write_draft(path, secrets.token_hex(KEY_BYTES) + "\n")
        try:
            # link() fails where the file exists: of several processes exactly one makes the key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return cls.read(path)

    def wrap(self, key: bytes, purpose: str) -> bytes:
        """A key encrypted for its purpose, by what the file says now: the master key may have been changed since it was read."""
        return _FIRST + _encrypt(self._again()[0], key, purpose.encode())

    def unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        """The wrapped key. Refuses when it does not open (SealBrokenError), also not by what the file says now."""
        if wrapped[:1] != _FIRST:
            raise SealBrokenError("unknown version of a sealed value")
        for ciphers in ((self._cipher, *self._others), self._again()):
            for cipher in ciphers:
                with contextlib.suppress(SealBrokenError):
                    return _decrypt(cipher, wrapped[1:], purpose.encode())
        raise SealBrokenError("a sealed value does not open")

    def new_data_key(self, municipality_id: UUID) -> bytes:
        """A fresh data key for a municipality, wrapped."""
        return self.wrap(secrets.token_bytes(KEY_BYTES), data_key_purpose(municipality_id))

    def town_keys(self, municipality_id: UUID, data_key: bytes, further: Collection[WrappedKey] = ()) -> TownKeys:
        """The working keys of a municipality from its wrapped ones."""
        opened = [(key, self.unwrap(key.wrapped, town_key_purpose(municipality_id, key.purpose, key.number))) for key in further]
        return TownKeys.of(municipality_id, self.unwrap(data_key, data_key_purpose(municipality_id)), opened)

    def _again(self) -> tuple[AESGCM, ...]:
        try:
            return _ciphers_of(self._path) if self._path else (self._cipher,)
        except MasterKeyError:
            return (self._cipher,)  # the file is away for a moment; what was read holds


def data_key_purpose(municipality_id: UUID) -> str:
    """For what a town's data key is wrapped."""
    return f"municipality:{municipality_id}"


def town_key_purpose(municipality_id: UUID, purpose: str, number: int) -> str:
    """For what a further key of a town is wrapped."""
    return f"municipality:{municipality_id}:{purpose}:{number}"


def index_of(data_key: bytes) -> bytes:
    """The index key that follows from a data key, which is to outlive it."""
    return hmac.digest(data_key, b"index", hashlib.sha256)


@dataclass(frozen=True, slots=True)
class MasterKeyFile:
    """What a master key file says: the key in use, the one that comes next, and those that may still be needed."""

    current: bytes = field(repr=False)
    next: bytes | None = field(default=None, repr=False)
    old: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, path: Path) -> "MasterKeyFile":
        """Reads a file. Refuses when it is missing, readable by others or malformed (MasterKeyError)."""
        try:
            lines = path.read_text("ascii").split("\n")
            mode = path.stat().st_mode
        except (OSError, UnicodeDecodeError):
            raise MasterKeyError(f"The master key file {path} cannot be read. Make one with: but-gateway db init") from None
        if mode & 0o007:
            raise MasterKeyError(f"The master key file {path} is open to everybody. Mend it with: chmod 600 {path}")
        found: dict[str, list[bytes]] = {"": [], "next": [], "old": []}
        for line in lines:
            words = line.split()
            if words:
                word, key = ("", words[0]) if len(words) == 1 else (words[0], " ".join(words[1:]))
                found.setdefault(word, []).append(_key_of(key))
        whole = all(len(key) == KEY_BYTES for keys in found.values() for key in keys)
        if set(found) != {"", "next", "old"} or len(found[""]) != 1 or len(found["next"]) > 1 or not whole:
            raise MasterKeyError(f"The master key file {path} must hold 64 hexadecimal digits.")
        return cls(found[""][0], found["next"][0] if found["next"] else None, tuple(found["old"]))

    def with_next(self) -> "MasterKeyFile":
        """The same with a fresh key that comes next, or with the one it has."""
        return MasterKeyFile(self.current, self.next or secrets.token_bytes(KEY_BYTES), self.old)

    def advanced(self) -> "MasterKeyFile":
        """The next key in use, the present one among the old."""
        return self if self.next is None else MasterKeyFile(self.next, None, (self.current, *self.old))

    def write(self, path: Path) -> None:
        """Replaces the file in one step, for the same owner and with the same mode. Refuses where it may not be written (OSError)."""
        lines = [self.current.hex()]
        lines += [f"next {self.next.hex()}"] if self.next else []
        lines += [f"old {key.hex()}" for key in self.old]
        status = path.stat()
        draft = _write_draft(path, "\n".join(lines) + "\n")
        try:
            if (draft.stat().st_uid, draft.stat().st_gid) != (status.st_uid, status.st_gid):
                os.chown(draft, status.st_uid, status.st_gid)
            draft.chmod(status.st_mode & 0o770)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)


def _ciphers_of(path: Path) -> tuple[AESGCM, ...]:
    file = MasterKeyFile.read(path)
    return tuple(AESGCM(key) for key in (file.current, file.next, *file.old) if key)


def _key_of(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _write_draft(path: Path, text: str) -> Path:
    """A file beside another one, on disk and readable by its owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft

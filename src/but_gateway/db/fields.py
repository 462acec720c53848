"""Encrypted fields: AES-256-GCM with a key per municipality, wrapped by the instance's master key.

A sealed value is ``version (1 byte) | nonce (12) | ciphertext and tag``; table, row and column are bound to it as associated data,
so that a value copied to another place does not open. Look-ups go through keyed hashes (HMAC-SHA-256) of folded values.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


class SealBrokenError(Exception):
    """A sealed value does not open: another key, another place, or it was changed."""


class MasterKeyError(Exception):
    """The master key file is missing, too open or malformed; the text says which and how to mend it."""


def _seal(cipher: AESGCM, value: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + cipher.encrypt(nonce, value, place)


def _open(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    if sealed[:1] != _VERSION:
        raise SealBrokenError("unknown version of a sealed value")
    try:
        return cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], place)
    except InvalidTag:
        raise SealBrokenError("a sealed value does not open") from None


@dataclass(frozen=True, slots=True)
class TownKeys:
    """The opened data key of one municipality. Never logged, never stored."""

    municipality_id: UUID
    _cipher: AESGCM = field(repr=False)
    _index_key: bytes = field(repr=False)
    _prefix: bytes = field(repr=False)

    @classmethod
    def of(cls, municipality_id: UUID, data_key: bytes) -> "TownKeys":
        """The working keys that follow from a data key."""
        index_key = hmac.digest(data_key, b"index", hashlib.sha256)
        return cls(municipality_id, AESGCM(hmac.digest(data_key, b"fields", hashlib.sha256)), index_key, municipality_id.bytes)

    def seal(self, value: str, table: str, row: UUID, column: str) -> bytes:
        """The value encrypted for its place."""
        return _seal(self._cipher, value.encode(), self._place(table, row, column))

    def open(self, sealed: bytes, table: str, row: UUID, column: str) -> str:
        """The value of a sealed field. Refuses when it does not open (SealBrokenError)."""
        return _open(self._cipher, sealed, self._place(table, row, column)).decode()

    def index(self, purpose: str, value: str) -> bytes:
        """The keyed hash by which a value is found again; ``purpose`` keeps hashes of different fields apart."""
        return hmac.digest(self._index_key, f"{purpose}\x00{value}".encode(), hashlib.sha256)

    def _place(self, table: str, row: UUID, column: str) -> bytes:
        return self._prefix + f"|{table}|{column}|".encode() + row.bytes


@dataclass(frozen=True, slots=True)
class MasterKey:
    """Wraps the data keys of municipalities and the signing keys of the instance."""

    _cipher: AESGCM = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "MasterKey":
        """The master key of a file with 64 hexadecimal digits.

        Refuses when the file is missing, readable by others or malformed (MasterKeyError).
        """
        try:
            text = path.read_text("ascii").strip()
            mode = path.stat().st_mode
        except (OSError, UnicodeDecodeError):
            raise MasterKeyError(f"The master key file {path} cannot be read. Make one with: but-gateway db init") from None
        if mode & 0o007:
            raise MasterKeyError(f"The master key file {path} is open to everybody. Mend it with: chmod 600 {path}")
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise MasterKeyError(f"The master key file {path} must hold 64 hexadecimal digits.")
        return cls(AESGCM(key))

    @classmethod
    def make(cls, path: Path) -> "MasterKey":
        """The master key of the file; where there is none it is made first, readable by its owner only. Safe to call at once."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # link() fails where the file exists: of several processes exactly one makes the key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return cls.read(path)

    def wrap(self, key: bytes, purpose: str) -> bytes:
        """A key encrypted for its purpose."""
        return _seal(self._cipher, key, purpose.encode())

    def unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        """The wrapped key. Refuses when it does not open (SealBrokenError)."""
        return _open(self._cipher, wrapped, purpose.encode())

    def new_data_key(self, municipality_id: UUID) -> bytes:
        """A fresh data key for a municipality, wrapped."""
        return self.wrap(secrets.token_bytes(KEY_BYTES), f"municipality:{municipality_id}")

    def town_keys(self, municipality_id: UUID, data_key: bytes) -> TownKeys:
        """The working keys of a municipality from its wrapped data key."""
        return TownKeys.of(municipality_id, self.unwrap(data_key, f"municipality:{municipality_id}"))

"""Identifiers: UUIDv7 made by the gateway, entitlement numbers with a check character, secrets."""

import os
import secrets
import struct
import threading
import time
from typing import Final
from uuid import UUID, SafeUUID

# Crockford's base 32: no I, L, O, U; read back leniently.
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NUMBER_LENGTH: Final = 13
_COUNTER_MAX: Final = 0xFFF

_lock = threading.Lock()
_last: list[int] = [0, 0]
# Random numbers drawn ahead, for asking the system for each takes longer than all else that makes an id. A forked process draws its own.
_drawn: list[int] = []
os.register_at_fork(after_in_child=_drawn.clear)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562) of the machine's clock, rising within this process."""
    with _lock:
        stamp = time.time_ns() // 1_000_000
        if stamp <= _last[0]:
            stamp = _last[0]
            _last[1] += 1
            if _last[1] > _COUNTER_MAX:
                stamp += 1
                _last[1] = 0
        else:
            _last[1] = _random_62_bits() % (_COUNTER_MAX // 4)
        _last[0] = stamp
        counter, tail = _last[1], _random_62_bits()
    return _uuid((stamp << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | tail)


def _random_62_bits() -> int:
    """To be called under the lock."""
    if not _drawn:
        _drawn.extend(struct.unpack("256Q", os.urandom(256 * 8)))
    return _drawn.pop() >> 2


def new_ids(count: int) -> list[UUID]:
    """So many rising UUIDv7, made at once: one random draw for all."""
    if count < 1:
        return []
    with _lock:
        stamp = max(time.time_ns() // 1_000_000, _last[0] + 1)
        # rand_a (12 bits) and the top of rand_b carry the running number, so that order within the call holds.
        _last[0], _last[1] = stamp + (count - 1) // (_COUNTER_MAX + 1), _COUNTER_MAX
    # One draw for all: the tails walk from a random start by a random odd step, so that none occurs twice and none tells another call's.
    tail, step, mask = secrets.randbits(62), secrets.randbits(61) * 2 + 1, (1 << 62) - 1
    ids = []
    for i in range(count):
        moment, counter = stamp + i // (_COUNTER_MAX + 1), i % (_COUNTER_MAX + 1)
        ids.append(_uuid((moment << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | tail))
        tail = (tail + step) & mask
    return ids


def _uuid(value: int) -> UUID:
    """A UUID without the checks of its constructor, which take longer than all else that makes an id."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", value)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def first_id_at(unix_ms: int) -> UUID:
    """The smallest UUIDv7 of a millisecond: the bound of a month partition."""
    return UUID(int=(unix_ms << 80) | (0x7 << 76) | (0b10 << 62))


def new_secret() -> str:
    """A secret of 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def check_character(text: str) -> str:
    """The ISO 7064 MOD 37,36 check character of an upper-case alphanumeric text."""
    product = 36
    for character in text:
        total = (product + _ALPHANUMERIC.index(character)) % 36 or 36
        product = total * 2 % 37
    return _ALPHANUMERIC[(37 - product) % 36]


def new_entitlement_number() -> str:
    """Twelve random Crockford characters and their check character, without dashes."""
    body = "".join(secrets.choice(CROCKFORD) for _ in range(NUMBER_LENGTH - 1))
    return body + check_character(body)


def print_entitlement_number(number: str) -> str:
    """An issued number as families read it, 4-4-5; other (external) numbers as they are."""
    if len(number) != NUMBER_LENGTH:
        return number
    return f"{number[:4]}-{number[4:8]}-{number[8:]}"


def fold_entitlement_number(text: str) -> str:
    """How numbers are compared: upper case, without dashes and blanks."""
    return text.upper().replace("-", "").replace(" ", "")


def is_issued_number(folded: str) -> bool:
    """Whether a folded number has the shape and the check character of an issued one."""
    if len(folded) != NUMBER_LENGTH or any(c not in CROCKFORD for c in folded[:-1]) or folded[-1] not in _ALPHANUMERIC:
        return False
    return check_character(folded[:-1]) == folded[-1]

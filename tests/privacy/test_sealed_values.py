"""A sealed value opens at its own place with its own town's key, and nowhere and nohow else."""

from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from but_gateway.db.fields import SealBrokenError, TownKeys, WrappedKey

TOWN, NEIGHBOUR = UUID(int=7), UUID(int=8)
ROW, OTHER_ROW = UUID(int=1), UUID(int=2)
FIRST, SECOND = bytes(range(32)), bytes(range(32, 64))
LATER = WrappedKey("fields", 2, b"", active=True)
KEYS = TownKeys.of(TOWN, FIRST)
NEWER = TownKeys.of(TOWN, FIRST, [(LATER, SECOND)])
PLACE = ("child", ROW, "family_name")


@given(st.text(st.characters(codec="utf-8")))
def test_what_was_sealed_opens_again_and_never_looks_the_same_twice(value: str) -> None:
    for keys in (KEYS, NEWER):
        sealed = keys.seal(value, *PLACE)
        assert keys.open(sealed, *PLACE) == value
        assert sealed != keys.seal(value, *PLACE)
    assert NEWER.open(KEYS.seal(value, *PLACE), *PLACE) == value


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (KEYS, ("child", OTHER_ROW, "family_name")),
        (KEYS, ("child", ROW, "given_names")),
        (KEYS, ("bank_account", ROW, "family_name")),
        (TownKeys.of(NEIGHBOUR, FIRST), PLACE),  # the same key, should two towns ever have it
        (TownKeys.of(TOWN, SECOND), PLACE),
    ],
)
def test_a_value_copied_to_another_place_does_not_open(keys: TownKeys, place: tuple[str, UUID, str]) -> None:
    with pytest.raises(SealBrokenError):
        keys.open(KEYS.seal("Müller", *PLACE), *place)


@pytest.mark.parametrize("keys", [KEYS, NEWER], ids=["first key", "later key"])
def test_a_value_with_any_bit_changed_or_any_byte_cut_off_does_not_open(keys: TownKeys) -> None:
    sealed = keys.seal("Müller", *PLACE)
    changed = [sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :] for at, bit in product(range(len(sealed)), range(8))]
    for broken in (*changed, *(sealed[:at] for at in range(len(sealed)))):
        with pytest.raises(SealBrokenError):
            keys.open(broken, *PLACE)


def test_keyed_hashes_are_the_towns_own_and_each_fields_own() -> None:
    assert KEYS.index("number", "7K3M") == KEYS.index("number", "7K3M")
    others = [KEYS.index("iban", "7K3M"), TownKeys.of(TOWN, SECOND).index("number", "7K3M"), KEYS.index("number", "7K3N")]
    assert KEYS.index("number", "7K3M") not in others

"""Values that exist nowhere else: where one of them turns up, it got there from a body these tests sent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final

JSON = Any
NAMES: Final = tuple(f"Zwitscherling{n:02d}" for n in range(10))
DATES: Final = tuple(f"1907-{n:02d}-2{n % 9}" for n in range(1, 11))
NUMBERS: Final = tuple(f"QXZW-77{n:02d}-KNRY5" for n in range(10))


def _iban(serial: int) -> str:
    """A German IBAN with right check digits."""
    account = f"{99887766:08d}{5544332200 + serial:010d}"
    return f"DE{98 - int(f'{account}131400') % 97:02d}{account}"


IBANS: Final = tuple(_iban(serial) for serial in range(10))
ALL: Final = (*NAMES, *DATES, *NUMBERS, *IBANS)


def traces(canary: str) -> tuple[str, ...]:
    """How a canary may look where it leaked."""
    if canary in DATES:
        year, month, day = canary.split("-")
        return canary, f"{day}.{month}.{year}", f"{year}{month}{day}", f"date({year}, {int(month)}, {int(day)})"
    return canary, canary.lower(), canary.replace("-", ""), canary.encode().hex()


def found_in(text: str, canaries: Iterable[str] = ALL) -> list[str]:
    """The canaries of which a text holds a trace."""
    return [canary for canary in canaries if any(trace in text for trace in traces(canary))]


@dataclass(frozen=True)
class Planted:
    """A body with one canary in it."""

    body: JSON
    canary: str


def plant(body: JSON) -> Iterator[Planted]:
    """The body once for every string in it, that string replaced by a canary; and with canaries in places of their own."""
    supply = cycle(ALL)
    for path in list(leaves(body)):
        for canary in (next(supply), next(supply)):
            yield Planted(replaced(body, path, canary), canary)
    if isinstance(body, dict):
        for canary in NAMES[:2]:
            yield Planted(body | {canary: 1}, canary)
            yield Planted(body | {"note": canary}, canary)
    for canary in (NAMES[2], DATES[2], NUMBERS[2], IBANS[2]):
        yield Planted(canary, canary)
        yield Planted([canary], canary)


def leaves(value: JSON, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all values of a body, lists by their first element only."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, (*path, name))
    elif isinstance(value, list):
        if value:
            yield from leaves(value[0], (*path, 0))
    else:
        yield path


def replaced(value: JSON, path: tuple[str | int, ...], by: JSON) -> JSON:
    """The same value with another one at a place."""
    if not path:
        return by
    first, *rest = path
    if isinstance(value, dict):
        return {name: replaced(one, tuple(rest), by) if name == first else one for name, one in value.items()}
    return [replaced(one, tuple(rest), by) if place == first else one for place, one in enumerate(value)]

"""Counts of few children are kept back, and so is whatever they could be computed from (secondary suppression). Pure.

A family is a row of counts whose sum is shown. A count below five is hidden. One hidden count could be got back as the sum less what is
shown, so others are hidden with it until what remains open is wide enough; where that does not help, the sum is hidden too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# The least count that is shown (usual in official statistics on benefits).
LEAST: Final = 5


@dataclass(frozen=True, slots=True)
class Hidden:
    """Which counts of a family are not shown, by place, and whether their sum is hidden too."""

    places: frozenset[int]
    total: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How many children are granted a benefit, used it, and will not have used it when their grant ends soon.

    The last two together are at most the first.
    """

    granted: int
    used: int
    expiring: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A count as it may be shown; None is hidden."""

    granted: int | None
    used: int | None
    expiring: int | None


def hide(counts: Sequence[int], limits: Sequence[int], *, floor: int, also: frozenset[int] = frozenset()) -> Hidden:
    """What of a family is hidden.

    Args:
        counts: the counts.
        limits: the most that anybody who reads the other figures could take each count for.
        floor: the least they could take it for.
        also: places that are hidden for another reason.

    Besides the small counts, the smallest others are hidden until each small one could be anything from the floor to four, even for
    somebody who knows how this works.
    """
    places = also | {place for place, count in enumerate(counts) if count < LEAST}
    if not places:
        return Hidden(frozenset(), total=False)
    others = sorted((place for place in range(len(counts)) if place not in places), key=lambda place: (counts[place], place))
    while not _is_open(counts, limits, places, floor):
        if not others:
            return Hidden(places, total=True)
        places |= {others.pop(0)}
    return Hidden(places, total=sum(counts) < LEAST)


def _is_open(counts: Sequence[int], limits: Sequence[int], places: frozenset[int], floor: int) -> bool:
    """Whether the sum of the hidden counts leaves each small one open from the floor to four.

    Who knows how this works knows that the larger ones among them are at least five, and at most what the smallest shown one is.
    """
    shown = [count for place, count in enumerate(counts) if place not in places]
    low = {place: floor if counts[place] < LEAST else LEAST for place in places}
    high = {place: min([limits[place], *([LEAST - 1] if counts[place] < LEAST else shown)]) for place in places}
    rest, least, most = sum(counts[place] for place in places), sum(low.values()), sum(high.values())
    small = [place for place in places if counts[place] < LEAST]
    return len(places) > 1 and all(
        rest - (most - high[place]) <= floor and rest - (least - low[place]) >= min(LEAST - 1, high[place]) for place in small
    )


def publish(counts: Sequence[Count]) -> tuple[list[Shown], Shown]:
    """A benefit's counts and their sums as they may be shown, so that no count below five can be computed from any of it."""
    granted = [count.granted for count in counts]
    hidden = hide(granted, [sum(granted)] * len(granted), floor=1)
    # Who uses nothing because the grant runs out says something of who uses it: such a count is shown only where it leaves that open.
    tight = frozenset(place for place, count in enumerate(counts) if count.granted - count.expiring < LEAST)
    expiring = hide([c.expiring for c in counts], [c.granted - c.used for c in counts], floor=0, also=hidden.places | tight)
    left = [c.granted - (0 if place in expiring.places else c.expiring) for place, c in enumerate(counts)]
    used = hide([c.used for c in counts], left, floor=0, also=hidden.places)
    shown = [
        Shown(
            None if place in hidden.places else count.granted,
            None if place in used.places else count.used,
            None if place in expiring.places else count.expiring,
        )
        for place, count in enumerate(counts)
    ]
    total = Shown(
        None if hidden.total else sum(granted),
        None if hidden.total or used.total else sum(c.used for c in counts),
        None if expiring.places else sum(c.expiring for c in counts),
    )
    return shown, total

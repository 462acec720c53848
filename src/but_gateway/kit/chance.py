"""Chance that repeats itself: the same seed draws the same things on every machine. For made-up towns, never for secrets."""

import random
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Chance:
    """A source of draws. Sources of the same seed and name draw alike, whatever others drew meanwhile."""

    def __init__(self, seed: int, name: str = "") -> None:
        self._seed = seed
        self._random = random.Random(f"{seed}|{name}")  # noqa: S311 - nothing here has to be unforeseeable

    def named(self, name: str) -> "Chance":
        """A source of its own for one thing, so that a change there changes nothing elsewhere."""
        return Chance(self._seed, name)

    def whole(self, lowest: int, highest: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(lowest, highest)

    def happens(self, per_mille: int) -> bool:
        """Whether something comes about that does so in so many of a thousand cases."""
        return self._random.randrange(1000) < per_mille

    def pick(self, things: Sequence[_T]) -> _T:
        """One of them, each as likely. Refuses an empty sequence (IndexError)."""
        return self._random.choice(things)

    def weigh(self, things: Sequence[tuple[_T, int]]) -> _T:
        """One of them, as likely as its weight says."""
        return self._random.choices([thing for thing, _ in things], [weight for _, weight in things])[0]

    def some(self, things: Sequence[_T], count: int) -> list[_T]:
        """So many different ones (all, where there are fewer), in the order they had."""
        chosen = self._random.sample(range(len(things)), min(count, len(things)))
        return [things[index] for index in sorted(chosen)]

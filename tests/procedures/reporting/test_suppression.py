"""Nobody can compute a count of fewer than five children from what a report shows, not even who knows how counts are hidden."""

from collections import defaultdict
from itertools import product

import pytest

from but_gateway.procedures.reporting.suppression import LEAST, Count, Hidden, Shown, hide, publish


def test_counts_from_five_on_are_shown_with_their_sum() -> None:
    assert hide([5, 9, 12], [26] * 3, floor=0) == Hidden(frozenset(), total=False)


def test_a_single_small_count_takes_others_with_it_until_it_is_open() -> None:
    # 32 less 12 less 10 leaves 10 for two counts: 0 and 10, 1 and 9 … 4 and 6.
    assert hide([1, 9, 10, 12], [32] * 4, floor=0) == Hidden(frozenset({0, 1}), total=False)
    # With two nines it could not be 0 and 10: the nine that is shown would have been hidden instead of the ten. So both are.
    assert hide([1, 9, 9, 12], [31] * 4, floor=0) == Hidden(frozenset({0, 1, 2}), total=False)
    # Nothing but the sum itself is left to hide.
    assert hide([3, 5], [8] * 2, floor=0) == Hidden(frozenset({0, 1}), total=True)
    assert hide([3], [3], floor=1) == Hidden(frozenset({0}), total=True)


def test_a_sum_below_five_is_a_small_count_too() -> None:
    assert hide([0, 0, 4], [50] * 3, floor=0).total


# The shown counts of a family and their sum.
Look = tuple[tuple[int | None, ...], int | None]


def attack(families: dict[Look, list[tuple[int, ...]]]) -> list[object]:
    """What was published, for which a hidden small count has but one value among all families that look so."""
    found: list[object] = []
    for published, possible in families.items():
        for place in (place for place, count in enumerate(published[0]) if count is None):
            values = {family[place] for family in possible}
            if len(values) == 1 and min(values) < LEAST:
                found.append((published, possible))
    return found


@pytest.mark.parametrize(("length", "most", "floor"), [(2, 14, 1), (3, 11, 1), (4, 8, 1), (2, 14, 0), (3, 11, 0), (4, 8, 0)])
def test_no_subtraction_gives_a_small_count_away(length: int, most: int, floor: int) -> None:
    """All families of a length are published; whoever sees one cannot tell a small count from the others that look the same."""
    families: dict[Look, list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(floor, most + 1), repeat=length):
        hidden = hide(counts, [length * most] * length, floor=floor)
        shown = tuple(None if place in hidden.places else count for place, count in enumerate(counts))
        assert all(count is None or count >= LEAST for count in shown)
        assert hidden.total or sum(counts) >= LEAST
        families[shown, None if hidden.total else sum(counts)].append(counts)
    assert attack(families) == []


def test_granted_used_and_expiring_together_give_no_small_count_away() -> None:
    """The same with all three counts of two cells, which say something of each other."""
    cells = [Count(g, u, e) for g in range(1, 10) for u in range(g + 1) for e in range(g - u + 1)]
    looks: dict[tuple[tuple[Shown, ...], Shown], list[tuple[Count, ...]]] = defaultdict(list)
    for pair in product(cells, repeat=2):
        items, total = publish(pair)
        looks[tuple(items), total].append(pair)
    for (shown, total), possible in looks.items():
        for field in ("granted", "used", "expiring"):
            assert all(getattr(one, field) is None or getattr(one, field) >= LEAST for one in (*shown, total))
            for place in (0, 1):
                values = {getattr(pair[place], field) for pair in possible}
                # Where all use it, nothing can run out unused: that says no more than the two counts that are shown.
                all_use_it = shown[place].granted is not None and shown[place].granted == shown[place].used
                assert len(values) > 1 or min(values) >= LEAST or (field == "expiring" and all_use_it), (shown, total, field)


def test_what_is_hidden_of_one_cell_hides_with_it_what_depends_on_it() -> None:
    shown, total = publish([Count(30, 20, 0), Count(4, 4, 0), Count(40, 2, 38), Count(25, 24, 0)])
    assert shown == [Shown(30, None, None), Shown(None, None, None), Shown(40, None, None), Shown(None, None, None)]
    assert total == Shown(99, 50, None)


def test_where_nothing_is_small_everything_is_shown() -> None:
    shown, total = publish([Count(30, 20, 5), Count(60, 12, 30)])
    assert (shown, total) == ([Shown(30, 20, 5), Shown(60, 12, 30)], Shown(90, 32, 35))

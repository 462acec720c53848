"""Chance that repeats itself."""

import pytest

from but_gateway.kit.chance import Chance


def draws(chance: Chance) -> list[object]:
    return [
        chance.whole(1, 6),
        chance.happens(500),
        chance.pick("abcdef"),
        chance.weigh([("often", 9), ("seldom", 1)]),
        chance.some(range(20), 5),
    ]


def test_the_same_seed_and_name_draw_the_same() -> None:
    assert draws(Chance(7, "lunch")) == draws(Chance(7, "lunch"))


def test_another_name_or_seed_draws_otherwise() -> None:
    assert draws(Chance(7, "lunch")) != draws(Chance(7, "tutoring"))
    assert draws(Chance(7)) != draws(Chance(8))


def test_a_source_of_its_own_is_not_changed_by_what_others_drew() -> None:
    first, second = Chance(7), Chance(7)
    second.whole(1, 1000)
    assert draws(first.named("lunch")) == draws(second.named("lunch"))


def test_both_ends_of_a_range_come_up() -> None:
    chance = Chance(1)
    assert {chance.whole(1, 3) for _ in range(100)} == {1, 2, 3}


@pytest.mark.parametrize(("per_mille", "expected"), [(0, {False}), (1000, {True}), (500, {False, True})])
def test_something_happens_as_often_as_said(per_mille: int, expected: set[bool]) -> None:
    chance = Chance(1)
    assert {chance.happens(per_mille) for _ in range(200)} == expected


def test_what_has_no_weight_is_never_drawn() -> None:
    chance = Chance(1)
    assert {chance.weigh([("a", 1), ("b", 0)]) for _ in range(50)} == {"a"}


def test_some_are_different_ones_in_their_order_and_all_where_there_are_fewer() -> None:
    chosen = Chance(1).some(range(100), 10)
    assert len(set(chosen)) == 10
    assert chosen == sorted(chosen)
    assert Chance(1).some("abc", 10) == ["a", "b", "c"]


def test_nothing_can_be_picked_from_nothing() -> None:
    with pytest.raises(IndexError):
        Chance(1).pick([])

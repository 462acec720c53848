"""Names are the same when a person would say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from but_gateway.kit.text import fold_name, same_name


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("Sören Müller", "Müller, Sören"),
        ("Soeren Mueller", "Sören Müller"),
        ("SÖREN MÜLLER", "sören müller"),
        ("Sören Müller", "So\u0308ren Mu\u0308ller"),
        ("Hans-Peter Groß", "Peter Hans Gross"),
        ("GROẞ Anna", "Anna Groß"),
        ("José García", "Jose Garcia"),
        ("Łukasz Żak", "Lukasz Zak"),
        ("İpek Yıldız", "Ipek Yildiz"),
        ("Đặng Mỹ", "Dang My"),
        ("Ｍｕｅｌｌｅｒ Åsa", "Müller Aasa"),
        ("  Anna   Maria ", "Maria Anna"),
        ("Bjørn Kjær", "Bjoern Kjaer"),
    ],
)
def test_other_ways_to_write_a_name_are_the_same_name(given_name: str, stored: str) -> None:
    assert same_name(given_name, stored)
    assert same_name(stored, given_name)


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [("Anna Müller", "Anna Muller"), ("Anna", "Anna Maria"), ("Ann Müller", "Anna Müller"), ("", ""), ("-", "-"), ("12", "12")],
)
def test_other_names_are_other_names(given_name: str, stored: str) -> None:
    assert not same_name(given_name, stored)


@given(some.text(max_size=40))
def test_folding_knows_no_case_and_no_composition(name: str) -> None:
    folded = fold_name(name)
    assert fold_name(" ".join(sorted(folded))) == folded
    assert "" not in folded


@given(
    some.lists(some.text(alphabet="abcäöüßÄÖÜéŁ", min_size=1, max_size=8), min_size=1, max_size=4).flatmap(
        lambda words: some.tuples(some.just(words), some.permutations(words))
    )
)
def test_the_order_of_the_words_does_not_matter(orders: tuple[list[str], list[str]]) -> None:
    one, other = orders
    assert same_name(" ".join(one), "-".join(other))

"""Charts are plain pictures: no script, nothing from elsewhere, the same bytes for the same figures, and readable without seeing them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from but_gateway.formats.chart import HEIGHT, WIDTH, Chart, Series, draw
from but_gateway.kit.money import print_euro_de

SVG = "{http://www.w3.org/2000/svg}"
CHART = Chart(
    title="Ausgaben 2026",
    description="Zwei Monate",
    labels=("2026-10", "2026-11"),
    series=(Series("Mittagsverpflegung", (123_450, 0)), Series("Lernförderung", (None, -4_500))),
    spell=print_euro_de,
    stacked=True,
)


def columns(picture: bytes) -> list[etree._Element]:
    """The columns: rectangles that say what they are."""
    return [rect for rect in etree.fromstring(picture).iter(f"{SVG}rect") if rect.find(f"{SVG}title") is not None]


def test_each_column_says_what_it_is() -> None:
    assert [column.findtext(f"{SVG}title") for column in columns(draw(CHART))] == [
        "2026-10, Mittagsverpflegung: 1.234,50 €",
        "2026-11, Lernförderung: -45,00 €",
    ]


def test_it_has_a_title_and_a_text_for_those_who_do_not_see_it() -> None:
    root = etree.fromstring(draw(CHART))
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "title description")
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == ("Ausgaben 2026", "Zwei Monate")


def test_there_is_no_script_no_style_and_no_way_out() -> None:
    names = {etree.QName(element).localname for element in etree.fromstring(draw(CHART)).iter()}
    assert names == {"svg", "title", "desc", "rect", "text", "line"}
    picture = draw(CHART).decode()
    assert re.findall(r"https?://[^\"]*", picture) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"style=|href|on\w+=|@import|url\(", picture)


def test_names_cannot_break_out_of_it() -> None:
    hostile = '<script>alert("1")</script>&'
    picture = draw(Chart(hostile, hostile, (hostile,), (Series(hostile, (1,)),)))
    assert etree.fromstring(picture).findtext(f"{SVG}title") == hostile
    assert b"<script" not in picture


def test_without_values_it_says_so() -> None:
    assert "Keine Werte" in draw(Chart("Leer", "Nichts", (), ())).decode()


@pytest.mark.parametrize("stacked", [True, False])
@given(values=st.lists(st.tuples(*[st.none() | st.integers(-(10**11), 10**11)] * 3), min_size=1, max_size=30))
def test_everything_lies_on_the_page(values: list[tuple[int | None, ...]], *, stacked: bool) -> None:
    series = tuple(Series(f"Reihe {i}", tuple(row[i] for row in values)) for i in range(3))
    chart = Chart("T", "D", tuple(str(i) for i in range(len(values))), series, print_euro_de, stacked)
    picture = draw(chart)
    assert picture == draw(chart)
    for rect in columns(picture):
        x, y, width, height = (int(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + width <= WIDTH
        assert 0 <= y <= y + height <= HEIGHT
    assert len(columns(picture)) == sum(value not in (None, 0) for row in values for value in row)

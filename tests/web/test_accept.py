"""The Accept header chooses among the formats of an answer."""

import pytest

from but_gateway.web.accept import CSV, JSON, PDF, XLSX, choose_format
from but_gateway.web.problems import NotAcceptable

OFFERED = (JSON, PDF, CSV, XLSX)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/pdf", PDF),
        ("Application/PDF", PDF),
        ("text/csv, application/pdf;q=0.5", CSV),
        ("application/pdf;q=0.5, text/csv;q=0.9", CSV),
        ("text/*", CSV),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("application/json;q=0, */*", PDF),
        ("application/json;q=0, application/pdf;q=0.0, text/csv;q=0.000, */*;q=0.1", XLSX),
        ("application/pdf; version=1.7; q=1.0", PDF),
        ("application/pdf;q=.5, text/csv;q=0.1", CSV),
        ("application/pdf;q=2, text/csv;q=0.001", CSV),
        (f"{XLSX};q=0.9, application/json;q=0.9", JSON),
    ],
)
def test_the_best_liked_format_is_chosen(accept: str | None, chosen: str) -> None:
    assert choose_format(accept, OFFERED) == chosen


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/json;q=0", "*/*;q=0", "pdf", ";;,,", "application/pdf;q=high"])
def test_what_there_is_not_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        choose_format(accept, OFFERED)

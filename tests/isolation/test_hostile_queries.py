"""Whatever stands in a query: it is refused with its place, or does no harm."""

import pytest

from but_gateway.app import create_app
from but_gateway.settings import Settings
from but_gateway.web.openapi import describe
from tests.isolation.operations import JSON, Operation, protected
from tests.isolation.stage import LATER, Stage

# As they stand in the address: NUL, bytes that are no UTF-8, a surrogate, quotes, a line break, too long, numbers beyond all numbers.
HOSTILE = (
    "%00", "a%00b", "%ff", "%ED%A0%80", "%F0%9F%99%82", "x" * 5_000, "", "%25", "%27--", "..", "%0d%0aX-Y:1", "-1", "1e400", "9" * 400,
    "[]", "9999-12-31", "2199-12-31", "1900-01-01", "0001-01-01", "9999-12", "null",
)  # fmt: skip
DOCUMENT: JSON = describe(create_app(Settings()))


def names_of(operation: Operation) -> list[str]:
    """What its query may hold."""
    given = DOCUMENT["paths"][operation.path][operation.method.lower()].get("parameters", [])
    return [one["name"] for one in given if one.get("in") == "query"]


READING = [one for one in protected() if one.of_a_town and one.method == "GET" and names_of(one)]


@pytest.mark.parametrize("operation", READING, ids=str)
async def test_a_hostile_query_is_refused_or_harmless(stage: Stage, operation: Operation) -> None:
    assert operation.roles is not None
    role = min(operation.roles)
    headers = {"Authorization": f"Bearer {await stage.person(role)}", "Test-Clock": LATER}
    for name in names_of(operation):
        others = "&month=2026-10" if operation.path.endswith("/calendar") and name != "month" else ""
        for value in HOSTILE:
            answer = await stage.instance.http.get(f"{stage.path(operation)}?{name}={value}{others}", headers=headers)
            assert answer.status_code in (200, 422), f"{name}={value[:20]}: {answer.text}"
            if "%00" in value:
                assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"?{name}"]
            if answer.status_code == 422:
                assert answer.headers["content-type"] == "application/problem+json"

import pytest

from tests.registers.office import Office


@pytest.mark.parametrize(
    ("name", "count", "entry"),
    [
        ("subjects", 17, {"code": "deutsch_als_zweitsprache", "name": "Deutsch als Zweitsprache"}),
        ("items", 10, {"code": "pocket_money", "name": "Taschengeld"}),
        ("activities", 7, {"code": "music_lesson", "name": "Musikunterricht"}),
    ],
)
async def test_the_lists_are_open_to_everybody(office: Office, name: str, count: int, entry: dict[str, str]) -> None:
    answer = await office.http.get(f"/v1/code-lists/{name}")
    assert answer.status_code == 200
    assert len(answer.json()["items"]) == count
    assert entry in answer.json()["items"]


async def test_names_come_in_english_where_asked(office: Office) -> None:
    items = (await office.http.get("/v1/code-lists/subjects", headers={"Accept-Language": "en"})).json()["items"]
    assert {"code": "mathematik", "name": "mathematics"} in items


async def test_the_codes_of_findings_come_with_text_and_example_and_without_a_rule(office: Office) -> None:
    answer = await office.http.get("/v1/code-lists/codes")
    codes = {entry["code"]: entry for entry in answer.json()["items"]}
    assert {"NOT_CONFIRMED", "NO_AGREEMENT", "CLOSED_DAY", "BUDGET_USED", "LATE"} <= codes.keys()
    price = codes["OVER_AGREED_PRICE"]
    assert price["bearer"] == "provider"
    assert price["example"]["text"]
    assert price["example"]["next_step"]
    assert "P-05" not in answer.text
    assert "sgb2" not in answer.text


async def test_other_lists_do_not_exist(office: Office) -> None:
    assert (await office.http.get("/v1/code-lists/legal-bases")).status_code == 404

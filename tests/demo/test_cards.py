import asyncio
import json
import re
import shutil

import httpx
import pytest

from but_gateway.cli.demo.cards import BORN, CARDS, FACILITY
from but_gateway.cli.demo.logins import CATERER
from but_gateway.cli.demo.summary import curl, urls
from tests.demo.conftest import Round
from tests.tidy.source import ROOT

NOVEMBER = "2026-11-02T10:00:00Z"
DECEMBER = "2026-12-01T10:00:00Z"


@pytest.mark.parametrize("number", CARDS)
async def test_a_card_is_confirmed_or_not_as_documented(played_round: Round, number: str) -> None:
    body = {"benefit": "lunch", "entitlement_number": number, "date_of_birth": str(BORN), "facility": FACILITY}
    answer = await played_round.speaker.post(CATERER, "/eligibility-checks", NOVEMBER, {**body, "from": "2026-11-02", "to": "2026-11-30"})
    assert answer["eligible"] is CARDS[number][2]


@pytest.mark.parametrize("number", CARDS)
async def test_a_lunch_for_a_card_is_decided_as_documented(played_round: Round, number: str) -> None:
    line = {
        "line_no": 1,
        "benefit": "lunch",
        "entitlement_number": number,
        "date_of_birth": str(BORN),
        "facility": FACILITY,
        "service_dates": ["2026-11-03"],
        "quantity": 1,
        "unit_price": "4.50",
        "amount": "4.50",
        "vat_rate": "7.00",
    }
    body = {
        "number": f"R-{number}",
        "issued_on": "2026-12-01",
        "period": {"from": "2026-11-01", "to": "2026-11-30"},
        "total": "4.50",
        "lines": [line],
    }
    answer = await played_round.speaker.post(CATERER, "/invoices?dry_run=true", DECEMBER, body)
    [decided] = answer["lines"]
    said = [finding["code"] for finding in decided["findings"]] or [decided["decision"]]
    assert said == [CARDS[number][3]]


async def test_the_pages_that_the_summary_names_are_there(played_round: Round) -> None:
    docs, ready, invoice = urls(played_round.played, played_round.base_url)
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(docs)).status_code == 200
        assert (await client.get(ready)).status_code == 200
        assert (await client.get(invoice)).status_code == 401
    path = invoice.partition("/v1/municipalities/musterstadt")[2]
    assert (await played_round.speaker.get(CATERER, path, NOVEMBER))["provider"] == "c01"


def test_the_readme_shows_the_same_call_and_the_same_cards() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert curl("http://127.0.0.1:8080") in readme
    rows = dict(re.findall(r"^\| `(TEST-[A-Z-]+)` \| (.+) \|$", readme, re.MULTILINE))
    assert rows.keys() == CARDS.keys()
    for number, (_, _, eligible, result) in CARDS.items():
        assert rows[number].startswith("eligible" if eligible else "not eligible")
        assert result in rows[number]


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("sed") is None, reason="there is no curl on this machine")
async def test_the_call_that_is_shown_works_unchanged(played_round: Round) -> None:
    process = await asyncio.create_subprocess_shell(curl(played_round.base_url), stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert json.loads(told)["eligible"] is True

"""S-08: what is paid stays paid when its grant falls away later; the office hears of it once, nobody is asked for money."""

from typing import Any

from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import Town

DAY, NEXT, LATER = "2026-10-05", "2026-10-06", "2026-10-07"
DECEMBER = "2026-12-03T10:00:00Z"


async def notices(town: Town) -> list[Any]:
    found = (await town.ok("clerk", "GET", "/notices?state=open"))["items"]
    return [(one["subject"], one["text"]) for one in found if one["kind"] == "revoked_after_payment"]


async def test_a_revocation_after_payment_is_a_matter_for_the_office(town: Town) -> None:
    await town.grant("A")
    paid = await town.bill("c1", lunch("A", DAY, NEXT, LATER))
    await town.settle()
    unpaid = await town.bill("c1", lunch("A", "2026-10-08"), at=DECEMBER)
    await town.grant("A", revocation={"effective_from": NEXT, "notified_on": "2026-11-12"}, at=DECEMBER)
    assert (await paid.again()).says == ["accepted 13.50"]
    assert (await unpaid.again()).says == ["accepted 4.50 E-08"]
    ((subject, text),) = await notices(town)
    assert subject == {"type": "grant", "id": "A-lunch"}
    assert "2 Position(en), 9,00 €" in text
    # The same again, or another change of the grant, is no news.
    await town.grant("A", at=DECEMBER)
    await town.grant("A", facility="s1", at=DECEMBER)
    assert len(await notices(town)) == 1


async def test_a_grant_cut_short_after_payment_is_one_too(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY, LATER))
    await town.settle()
    await town.grant("A", valid_to=NEXT, at=DECEMBER)
    assert ["1 Position(en), 4,50 €" in text for _, text in await notices(town)] == [True]


async def test_what_does_not_reach_paid_days_is_none(town: Town) -> None:
    await town.grant("A")
    await town.grant("B")
    await town.bill("c1", lunch("A", DAY), lunch("B", DAY))
    await town.settle()
    await town.grant("A", revocation={"effective_from": NEXT, "notified_on": None}, at=DECEMBER)
    await town.grant("B", valid_to="2027-12-31", at=DECEMBER)
    assert await notices(town) == []

"""What a provider can get to read, in both languages and with wrong questions, holds nothing that is not its business."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from but_gateway.kit.ids import new_id
from tests.factories.instance import Instance
from tests.isolation.operations import protected
from tests.isolation.stage import LATER, check
from tests.procedures.adjudication.lines import correction, fee, lesson, lunch, lunch_month
from tests.procedures.adjudication.registers import IBANS, PROVIDERS
from tests.procedures.adjudication.town import Bill, Town, fields_of, findings_of, open_town
from tests.procedures.review.clerk import resolve, reviews

JSON = Any
# Words from which one learns on what basis a child is entitled; and the names of rules.
BASIS: Final = re.compile(
    r"sgb|bkgg|asyl|grundsicherung|b(ü|ue)rgergeld|jobcenter|sozialhilfe|wohngeld|kinderzuschlag|lebensunterhalt|legal.?basis|rechtskreis"
    r"|social code|housing benefit|child supplement",
    re.IGNORECASE,
)
RULE: Final = re.compile(r"(?<![\w-])(?:[A-Z]-\d\d|law_not_loaded|person_[a-z]+)(?![\w-])")
# Refusals of whole invoices are named by their rule in the contract: number, sums, period, undertaking.
NAMED_REFUSALS: Final = ("H-01", "H-03", "H-05", "P-02")
INTERNAL: Final = {
    "rule", "clerk_text", "legal_basis", "allocations", "grant", "grants", "grant_version", "rule_set", "batch_id", "child", "child_key",
    "reason", "payment_id", "order_id", "creditor_number", "account",
}  # fmt: skip
OFFICE_WORDS: Final = "Vermerk: Mutter bezieht Wohngeld"
BASES: Final = ("sgb2", "bkgg", "sgb12_3", "sgb12_4", "asylblg_2", "asylblg_3")
PROVIDERS_HERE: Final = ("c1", "c2", "c3", "t1", "t2", "v1")
BORN: Final = "2013-02-28"  # of children whose birth date nobody sends


@dataclass
class Rich:
    """A town in which much went wrong, and what each provider read of it."""

    town: Town
    bills: list[Bill]
    told: dict[str, list[tuple[str, httpx.Response]]] = field(default_factory=dict)

    async def ask(self, who: str, method: str, path: str, body: JSON = None, language: str = "de", **headers: str) -> httpx.Response:
        """One request of a provider; its answer is kept."""
        sent = {
            "Authorization": f"Bearer {await self.town.token(who)}",
            "Idempotency-Key": str(uuid4()),
            "Test-Clock": LATER,
            "Accept-Language": language,
        }
        address = path if path.startswith("/v1") else f"/v1/municipalities/{self.town.key}{path}"
        content = {} if body is None else {"json": body}
        answer = await self.town.instance.http.request(method, address, headers=sent | headers, **content)
        assert answer.status_code < 500, answer.text
        self.told.setdefault(who, []).append((f"{method} {path} ({language})", answer))
        return answer


async def fill(town: Town) -> list[Bill]:
    """Grants of every legal basis, and lines that fire as many rules as a town can."""
    for child, basis in zip("ABCDEF", BASES, strict=True):
        await town.grant(child, legal_basis=basis, applied_on=None)
    await town.grant("G", valid_to="2026-10-06", revocation={"effective_from": "2026-10-06", "notified_on": "2026-10-05"})
    await town.grant("H", status="disputed", legal_basis="bkgg")
    await town.grant("I", provider="c2")
    await town.grant("J", budget={"kind": "days", "days": 1})
    await town.grant("K", facility="k2", attends="daycare", legal_basis="asylblg_3")
    await town.grant("U", born=BORN)
    await town.grant("O", "tutoring", budget={"kind": "minutes", "minutes": 120}, legal_basis="sgb12_3")
    await town.grant("P", "participation", legal_basis="bkgg", valid_from="2026-08-01")
    await town.grant("Q", "day_trip", legal_basis="asylblg_2")
    await town.grant("A", key="A-twice", entitlement="A-lunch", legal_basis="bkgg", valid_from="2026-10-01")
    await town.agree("c1")
    await town.agree("c3")
    await town.agree("t2")
    paid = {"provider": "c1", "from": "2026-10-08", "to": "2026-10-08"}
    await town.ok("registrar", "POST", "/entitlements/B-lunch/family-payments", paid)
    old = await town.replace_number("C-lunch", "2026-10-06")
    bills = [
        await town.bill(
            "c1",
            *(lunch(child, "2026-10-05") for child in "ABCDEFGHIJ"),
            lunch("B", "2026-10-07", unit_price="6.66"),
            lunch("B", "2026-10-08", "2026-10-09", "2026-10-10"),
            lunch("C", "2026-10-07", entitlement_number=old),
            lunch("D", "2026-10-20", name="Jemand Anderes"),
            lunch("E", "2026-10-07", date_of_birth="2011-11-11"),
            lunch("F", "2026-10-07", entitlement_number="7K3M-9QXT-2VAB4"),
            lunch("F", "2026-10-08", entitlement_number=None),
            lunch("G", "2026-10-06", "2026-10-07"),
            lunch("J", "2026-10-06", "2026-10-07"),
            lunch("A", "2026-10-07", item="drink", unit_price="0.50"),
            lunch("A", "2026-10-08", quantity=2),
            lunch("A", "2026-10-09", attended=False),
            lunch("U", "2026-10-05", date_of_birth=None),
            lunch("K", "2026-10-05", facility="k2"),
        ),
        await town.bill("c2", *(lunch(child, "2026-10-05") for child in "ABI"), lunch("A", "2026-05-06")),
        await town.bill("c3", lunch_month("K", "2026-10", attended_days=12), lunch_month("A", "2026-10", attended_days=0)),
        await town.bill(
            "t1",
            lesson("O", "2026-10-05"),
            lesson("O", "2026-10-06", proof=None),
            lesson("O", "2026-10-07", subject="physik"),
            lesson("O", "2026-10-08", unit_price="40.00"),
            lesson("O", "2026-10-09", attended=False),
            lesson("O", "2026-10-12", relative=True),
        ),
        await town.bill("t2", lesson("O", "2026-10-05", unit_price="15.00")),
        await town.bill(
            "v1", fee("P", "2026-09-01", "2026-12-31", "200.00"), fee("P", "2026-10-03", "2026-10-03", "9.00", benefit="day_trip")
        ),
    ]
    await decide_and_pay(town, bills)
    return bills


async def decide_and_pay(town: Town, bills: list[Bill]) -> None:
    """The office decides, asks back and pays; what it writes down is for itself."""
    decisions = ("reject", "query", "accept")
    for place, review in enumerate(await reviews(town)):
        body = {"decision": decisions[place % 3], "approved": None, "reason": OFFICE_WORDS}
        await town.call("clerk", "POST", f"/reviews/{review['id']}/resolution", body)
    await town.settle()
    await town.call("registrar", "POST", "/grant-imports", [])
    await town.grant("E", valid_to="2026-10-01", at=LATER)
    line = lunch("A", "2026-10-05")
    bills.append(await town.bill("c1", correction(line, bills[0].number, 1, ["2026-10-05"]), lunch("B", "2026-10-05"), at=LATER))
    await town.ok("c2", "POST", f"/invoices/{bills[1].id}/cancellation", {"number": "ST-1", "issued_on": LATER[:10]}, LATER)


def questions(bill: Bill | None, remittance_id: str) -> Iterator[str]:
    """Every GET a provider has, with its own objects, wrong ones and wrong queries."""
    own = {"invoice_id": bill.id if bill else str(new_id()), "key": "s1", "remittance_id": remittance_id}
    wrong = {"invoice_id": "Kind", "key": "x'--", "line_no": "0", "remittance_id": "Kind"}
    for operation in protected():
        if operation.method != "GET" or "provider" not in (operation.roles or ()):
            continue
        place = operation.path.partition("{municipality}")[2] or operation.path
        for line_no in range(1, 30) if "{line_no}" in place else (1,):
            yield place.format_map(own | {"line_no": line_no}) + ("?month=2026-10" if place.endswith("calendar") else "")
        yield place.format_map(own | {"line_no": 1}) + "?limit=0&cursor=%00&state=sgb2&month=2026-13&decision=x&received_from=gestern"
        yield place.format_map({**wrong}) + "?month=2026-10"
        yield place.format_map(own | {"line_no": 1, "invoice_id": new_id(), "remittance_id": new_id()}) + "?limit=1"


async def interrogate(rich: Rich, who: str, language: str) -> None:
    """Everything a provider can ask, right and wrong."""
    town = rich.town
    bill = next((one for one in rich.bills if one.by == who), None)
    remittances = (await rich.ask(who, "GET", "/remittances", language=language)).json()["items"]
    for path in questions(bill, remittances[0]["id"] if remittances else str(new_id())):
        await rich.ask(who, "GET", path, language=language)
    for child in "ABGHIKU":
        for fields in ({}, {"date_of_birth": "2001-01-01"} if language == "de" else {"facility": "k2"}, {"benefit": "tutoring"}):
            await rich.ask(who, "POST", "/eligibility-checks", check(town, child, **fields), language)
    await rich.ask(who, "POST", "/eligibility-checks", check(town, facility="nowhere", surprise="sgb2"), language)
    await rich.ask(who, "POST", "/eligibility-checks/batch", {"checks": [check(town, c) for c in "ABCDEFGHIJK"]}, language)
    good = town.body([lunch(child, "2026-10-05", "2026-11-03") for child in "ABCDEFGHIJKU"], at=LATER)
    number = bill.number if bill else "X-1"
    bodies: list[JSON] = [good, good | {"total": "1.00"}, good | {"number": number}, good | {"lines": []}, good | {"rule": "M-01"}, [], {}]
    for body in bodies:
        for query in ("", "?dry_run=true"):
            await rich.ask(who, "POST", f"/invoices{query}", body, language)
    target = bill.id if bill else str(new_id())
    for line_no in (1, 2, 7, 11, 99):
        objection = {"line_no": line_no, "text": "Das stimmt so nicht."}
        await rich.ask(who, "POST", f"/invoices/{target}/objections", objection, language)
    for body in ({"number": number, "issued_on": "2026-12-03"}, {"number": f"S-{new_id()}", "issued_on": "2026-12-03"}, {}):
        await rich.ask(who, "POST", f"/invoices/{target}/cancellation", body, language)
    await rich.ask(who, "POST", "/invoices", good, language, **{"Idempotency-Key": "short"})
    await rich.ask(who, "GET", "/settings", None, language)
    await rich.ask(who, "GET", "/invoices", None, language, **{"Test-Clock": "gestern"})


@pytest.fixture(scope="module")
async def rich(instance: Instance) -> Rich:
    """A rich town, and everything every provider was told in both languages."""
    town = await open_town(instance, holiday_lunch="review", tax_effect="review")
    made = Rich(town, await fill(town))
    for who in PROVIDERS_HERE:
        await town.need_provider(who)
        for language in ("de", "en"):
            await interrogate(made, who, language)
    return made


def everything(rich: Rich) -> Iterator[tuple[str, str, httpx.Response]]:
    for who, answers in rich.told.items():
        for question, answer in answers:
            yield who, question, answer


def text_of(answer: httpx.Response) -> str:
    """Headers and body."""
    return "\n".join([*(f"{name}: {value}" for name, value in answer.headers.items()), answer.text])


def test_the_town_is_rich_enough(rich: Rich) -> None:
    answers = [answer for _, _, answer in everything(rich)]
    assert {answer.status_code for answer in answers} >= {200, 201, 400, 403, 404, 409, 422}
    fired = {f["rule"] for bill in rich.bills for line in bill.seen for f in findings_of(line)}
    codes = {f["code"] for bill in rich.bills for line in bill.told for f in findings_of(line)}
    print(f"\n{len(answers)} answers to {len(rich.told)} providers; {len(fired)} rules fired: {sorted(fired)}; codes: {sorted(codes)}")  # noqa: T201 - the figures, for whoever runs it with -s
    assert len(fired) >= 30
    assert len(codes) >= 14
    assert len(answers) > 1000


def test_no_answer_names_a_rule_or_a_legal_basis(rich: Rich) -> None:
    for who, question, answer in everything(rich):
        text = text_of(answer)
        if answer.status_code >= 400:
            text = re.sub(rf'(?:"code":"|/problems/)(?:{"|".join(NAMED_REFUSALS)})"', '"', text)
        for pattern in (RULE, BASIS):
            found = pattern.search(text)
            assert found is None, f"{who} {question}: …{text[max(0, found.start() - 80) : found.end() + 80]}…"


def test_no_answer_has_a_field_for_staff(rich: Rich) -> None:
    for who, question, answer in everything(rich):
        if answer.status_code < 400 and "/municipalities?" not in question:
            leak = {name for name in fields_of(answer.json()) if name in INTERNAL}
            assert not leak, f"{who} {question}: {leak}"


def test_no_answer_names_another_provider(rich: Rich) -> None:
    for who, question, answer in everything(rich):
        text = text_of(answer)
        for key, other in PROVIDERS.items():
            if key != who:
                secrets = (
                    other["name"],
                    f'"{key}"',
                    f"{rich.town.key}-{key}",
                    IBANS[key],
                    other["creditor_number"],
                    other["contact_email"],
                )
                for secret in secrets:
                    assert secret not in text, f"{who} {question}: {secret}"


def test_no_answer_names_a_child_its_birth_date_or_its_keys(rich: Rich) -> None:
    keys = {row[part]["key"] for row in rich.town.rows.values() for part in ("entitlement", "grant")}
    names = {"Müller", "Öztürk", "Sören", *(f"Sören {child}" for child in rich.town.births)}
    births = {BORN, "28.02.2013", *rich.town.births.values(), "2011-11-11", "2001-01-01"}
    numbers = {number for number in rich.town.numbers.values() if number} | {"7K3M-9QXT-2VAB4"}
    for who, question, answer in everything(rich):
        text = text_of(answer)
        for secret in (*keys, *names, *births, *numbers, *(number.replace("-", "") for number in numbers), OFFICE_WORDS, "Vermerk"):
            assert secret not in text, f"{who} {question}: {secret}"


def test_the_same_child_has_another_name_for_every_provider(rich: Rich) -> None:
    references: dict[str, set[str]] = {}
    for who, question, answer in everything(rich):
        if question.startswith("GET /my/children (") and answer.status_code == 200:
            references[who] = {item["reference"] for item in answer.json()["items"]}
    assert references["c1"]
    assert references["c2"]
    assert not references["c1"] & references["c2"]


def test_nothing_in_a_cursor_tells_of_others(rich: Rich) -> None:
    cursors = [json.dumps(a.json().get("next_cursor")) for _, q, a in everything(rich) if "?limit=1" in q and a.status_code == 200]
    assert all("sgb" not in cursor for cursor in cursors)


async def test_a_resolution_by_the_office_is_told_without_its_reason(rich: Rich) -> None:
    town = rich.town
    await town.grant("R", "tutoring", budget={"kind": "minutes", "minutes": 900})
    bill = await town.bill("t1", lesson("R", "2026-10-14", proof=None))
    review = next(one for one in await reviews(town) if one["invoice_id"] == bill.id)
    assert (await resolve(town, review, "reject")).status_code == 200
    history = await town.ok("t1", "GET", f"/invoices/{bill.id}/lines/1/decisions")
    assert "Akte" not in json.dumps(history, ensure_ascii=False)
    assert [one["decided_by"] for one in history["items"]] == ["rule", "office"]

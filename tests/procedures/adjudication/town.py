"""A town that is spoken to over HTTP only, with its registers made as a test needs them, and what must hold after every test."""

import copy
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from but_gateway.identity.principal import Role
from but_gateway.kit.money import parse_money, print_money
from but_gateway.kit.period import Month
from but_gateway.settings import Settings
from tests.factories.instance import Instance, running
from tests.procedures.adjudication.registers import AGREEMENTS, FACILITIES, IBANS, PROVIDERS, SETTINGS, code_of
from tests.procedures.adjudication.soundness import assert_sound

JSON = Any
SET_UP = "2026-08-31T08:00:00Z"
NOVEMBER = "2026-11-02T10:00:00Z"  # a Monday
BORN = "2016-05-11"
# What no answer to a provider may hold: a rule id, a legal basis.
HINT = re.compile(r"(?<![\w-])[BDEHILMPSTX]-\d\d(?![\w-])|\b(?:sgb(?:2|12_[34]|\s*(?:ii|xii))?|bkgg|asylblg(?:_[23])?)\b", re.IGNORECASE)
INTERNAL = {"rule", "clerk_text", "legal_basis", "allocations", "grant", "grants", "grant_version", "rule_set", "batch_id", "child"}
_towns = count(1)


@dataclass(slots=True)
class Bill:
    """An invoice that was taken in, as provider and staff read it now."""

    town: "Town"
    by: str
    number: str
    id: str
    body: JSON
    answer: JSON
    told: JSON = None
    seen: JSON = None

    @property
    def says(self) -> list[str]:
        """Each line as ``decision amount rules``: what is paid, under review what would be."""
        return [say(line) for line in self.seen]

    @property
    def codes(self) -> list[set[str]]:
        """The codes the provider reads on each line or its positions."""
        return [{f["code"] for f in findings_of(line)} for line in self.told]

    def days(self, line_no: int = 1) -> list[str]:
        """Each position of a line as ``day decision amount rules``."""
        line = self.seen[line_no - 1]
        return [f"{p['service_date'] or p['from']} {say(p)}" for p in line["positions"]]

    def bears(self, line_no: int = 1) -> list[tuple[str, str, int]]:
        """Legal basis, amount and units of each allocation of a line's positions."""
        return [
            (a["legal_basis"], a["amount"], a["units"]) for position in self.seen[line_no - 1]["positions"] for a in position["allocations"]
        ]

    async def again(self) -> "Bill":
        """Read again."""
        await self.town.read(self)
        return self


def say(shown: JSON) -> str:
    """A line or position in one short text."""
    amount = shown["approved"] if shown["proposed"] is None else f"?{shown['proposed']}"
    rules = sorted({f["rule"] for f in findings_of(shown)})
    return " ".join([shown["decision"], amount, *rules])


def findings_of(line: JSON) -> list[JSON]:
    """The findings of a line and of its positions."""
    return [*line["findings"], *(f for p in line.get("positions", ()) for f in p["findings"])]


def fields_of(value: JSON) -> set[str]:
    """All field names in a JSON value."""
    if isinstance(value, dict):
        return set(value) | {name for key, one in value.items() if key != "values" for name in fields_of(one)}
    return {name for one in value for name in fields_of(one)} if isinstance(value, list) else set()


@dataclass(slots=True)
class Town:
    """A sandbox town. Registers come with the values of the worked examples; what a test needs differently it says."""

    instance: Instance
    key: str
    settings: JSON
    numbers: dict[str, str] = field(default_factory=dict)  # by entitlement
    rows: dict[str, JSON] = field(default_factory=dict)  # by grant
    births: dict[str, str] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)
    _agreed: set[str] = field(default_factory=set)
    _numbers: Any = field(default_factory=lambda: count(1))

    # ---- speaking
    async def token(self, who: str) -> str:
        """Of ``registrar``, ``auditor``, ``clerk``, ``finance``, ``finance2``, ``orderer``, or of a provider by its key."""
        if who not in self._tokens:
            issue = self.instance.issuer.issue
            if who in PROVIDERS:
                self._tokens[who] = await issue(f"{self.key}-{who}", [Role.PROVIDER], (f"{self.key}-{who}",), None, 600)
            else:
                self._tokens[who] = await issue(f"{self.key}-{who}", [Role(who.rstrip("0123456789"))], (), self.key, 600)
        return self._tokens[who]

    async def call(  # noqa: PLR0913, PLR0917 - what makes a request
        self, who: str, method: str, path: str, body: JSON = None, at: str = NOVEMBER, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request; what a provider reads is searched for what it must not know."""
        sent = {"Authorization": f"Bearer {await self.token(who)}", "Test-Clock": at, "Idempotency-Key": str(uuid4()), **(headers or {})}
        content = {} if body is None else {"json": body}
        answer = await self.instance.http.request(method, f"/v1/municipalities/{self.key}{path}", headers=sent, **content)
        assert answer.status_code < 500, answer.text
        if who in PROVIDERS:
            self.assert_discreet(who, answer)
        return answer

    def assert_discreet(self, provider: str, answer: httpx.Response) -> None:
        """No rule id, no legal basis, no other provider in what a provider reads. Whole-invoice refusals are named by their rule."""
        text = re.sub(r'"code":\s*"[HP]-0\d"', "", answer.text) if answer.status_code >= 400 else answer.text
        text = re.sub(r"/problems/[\w-]+", "", text)
        if answer.status_code < 400:
            document = answer.json()
            leak = INTERNAL & {name for name in fields_of(document) if _is_told(document, name)}
            assert not leak, leak
            hint = HINT.search(text)
            assert hint is None, hint
        for key, other in PROVIDERS.items():
            if key != provider:
                assert other["name"] not in text
                assert f'"{key}"' not in text

    async def ok(self, who: str, method: str, path: str, body: JSON = None, at: str = NOVEMBER) -> JSON:
        """The document of an answer that must be a success."""
        answer = await self.call(who, method, path, body, at)
        assert answer.status_code < 300, answer.text
        return answer.json()

    # ---- registers
    async def set(self, **settings: JSON) -> None:
        """Changes settings."""
        self.settings = SETTINGS | self.settings | settings
        await self.ok("registrar", "PUT", "/settings", self.settings, SET_UP)

    async def facility(self, key: str, **differs: JSON) -> None:
        """Makes or changes a facility."""
        body = FACILITIES[key] | differs
        if body["cooperating_school"]:
            await self.need_facility(body["cooperating_school"])
        self._made.add(f"facility {key}")
        await self.ok("registrar", "PUT", f"/facilities/{key}", body, SET_UP)

    async def need_facility(self, key: str) -> None:
        """Makes a facility where it is missing."""
        if key in FACILITIES and f"facility {key}" not in self._made:
            await self.facility(key)

    async def provider(self, key: str, **differs: JSON) -> None:
        """Makes or changes a provider, with an account of its own in this town."""
        account = f"{self.key}-{key}"
        if f"provider {key}" not in self._made:
            await self.instance.account(account)
        self._made.add(f"provider {key}")
        await self.ok("registrar", "PUT", f"/providers/{key}", PROVIDERS[key] | {"account": account} | differs, SET_UP)

    async def need_provider(self, key: str) -> None:
        """Makes a provider with its usual agreement where they are missing."""
        if f"provider {key}" not in self._made:
            await self.provider(key)
        if key not in self._agreed:
            await self.agree(key)

    async def agree(self, provider: str, key: str | None = None, **differs: JSON) -> None:
        """Makes or changes an agreement of a provider; ``tutoring`` gives what differs of the terms."""
        body = copy.deepcopy(AGREEMENTS[provider])
        if isinstance(terms := differs.pop("tutoring", None), dict):
            body["tutoring"] |= terms
        body |= differs
        if f"provider {provider}" not in self._made:
            await self.provider(provider)
        for facility in body["facilities"]:
            await self.need_facility(facility)
        self._agreed.add(provider)
        await self.ok("registrar", "PUT", f"/agreements/{key or provider}", body, SET_UP)

    # ---- grants
    async def grant(self, child: str, benefit: str = "lunch", key: str | None = None, at: str = SET_UP, **differs: JSON) -> JSON:
        """Delivers a grant, or what has changed of it since it was last delivered; answers the report of the import."""
        key = key or f"{child}-{benefit}"
        row = copy.deepcopy(self.rows.get(key) or self._row(child, benefit, key))
        row["child"]["date_of_birth"] = differs.pop("born", row["child"]["date_of_birth"])
        row["entitlement"]["key"] = differs.pop("entitlement", row["entitlement"]["key"])
        row["entitlement"]["number"] = differs.pop("number", row["entitlement"]["number"])
        row["grant"] |= differs
        if row["grant"]["facility"]:
            await self.need_facility(row["grant"]["facility"])
        if row["grant"]["provider"]:
            await self.need_provider(row["grant"]["provider"])
        return await self.deliver(row, at=at)

    def _row(self, child: str, benefit: str, key: str) -> JSON:
        grant = {
            "key": key,
            "legal_basis": "sgb2",
            "valid_from": "2026-09-01",
            "valid_to": "2027-08-31",
            "applied_on": "2026-08-20",
            "status": "active",
            "attends": "school",
            "facility": None,
            "provider": None,
            "budget": None if benefit == "participation" else {"kind": "unlimited"},
            "tutoring": {"subjects": ["mathematik"], "form": "any"} if benefit == "tutoring" else None,
            "revocation": None,
        }
        if grant["budget"] is None:
            del grant["budget"]
        return {
            "child": {"key": child, "family_name": "Müller-Öztürk", "given_names": f"Sören {child}", "date_of_birth": BORN},
            "entitlement": {"key": f"{child}-{benefit}", "benefit": benefit, "number": None, "information_allowed": True},
            "grant": grant,
        }

    async def deliver(self, *rows: JSON, at: str = SET_UP) -> JSON:
        """Imports rows; each must stand."""
        report = await self.ok("registrar", "POST", "/grant-imports", list(rows), at)
        assert not report["rejected"], report["rejected"]
        for row in rows:
            self.rows[row["grant"]["key"]] = row
            self.births[row["child"]["key"]] = row["child"]["date_of_birth"]
        self.numbers |= {e["key"]: e["entitlement_number"] for e in report["entitlements"]}
        return report

    async def replace_number(self, entitlement: str, lost_on: str, at: str = NOVEMBER) -> str:
        """Replaces a number; answers the old one."""
        old = self.numbers[entitlement]
        answer = await self.ok("registrar", "POST", f"/entitlements/{entitlement}/number-replacements", {"lost_on": lost_on}, at)
        self.numbers[entitlement] = answer["entitlement_number"]
        return old

    # ---- invoices
    def body(self, lines: Iterable[JSON], number: str | None = None, at: str = NOVEMBER, **head: JSON) -> JSON:
        """An invoice over the months of its lines, with right sums."""
        lines = [self._line(no, line) for no, line in enumerate(lines, 1)]
        days = sorted(day for line in lines for day in _days(line))
        return {
            "number": number or f"RE-{next(self._numbers)}",
            "issued_on": at[:10],
            "period": {"from": str(Month.of(days[0]).first), "to": str(Month.of(days[-1]).last)},
            "total": print_money(sum(parse_money(line["amount"]) for line in lines)),
            "iban": None,
            "lines": lines,
            **head,
        }

    def _line(self, no: int, line: JSON) -> JSON:
        line = dict(line)
        child, entitlement = line.pop("child"), line.pop("entitlement", None)
        entitlement = entitlement or f"{child}-{line['benefit']}"
        who = {"entitlement_number": self.numbers.get(entitlement), "date_of_birth": self.births.get(child)}
        return {"line_no": no} | {k: v for k, v in (who | line).items() if v is not None}

    async def send(
        self, by: str, *lines: JSON, at: str = NOVEMBER, number: str | None = None, query: str = "", **head: JSON
    ) -> httpx.Response:
        """Submits an invoice, whatever the answer."""
        await self.need_provider(by)
        for line in lines:
            await self.need_facility(line.get("facility"))
        return await self.call(by, "POST", f"/invoices{query}", self.body(lines, number, at, **head), at)

    async def bill(self, by: str, *lines: JSON, at: str = NOVEMBER, number: str | None = None, **head: JSON) -> Bill:
        """Submits an invoice that must be taken in, and reads it again as the provider and as the town."""
        answer = await self.send(by, *lines, at=at, number=number, **head)
        assert answer.status_code == 201, answer.text
        document = answer.json()
        bill = Bill(self, by, document["number"], document["id"], None, document)
        await self.read(bill)
        assert bill.told == document["lines"]
        return bill

    async def read(self, bill: Bill) -> None:
        """Reads an invoice on both sides of the counter; both say the same in their own words."""
        whole = await self.ok(bill.by, "GET", f"/invoices/{bill.id}")
        bill.told = whole["lines"]
        bill.seen = (await self.ok("auditor", "GET", f"/invoices/{bill.id}"))["lines"]
        _assert_sums(whole)
        for told, seen in zip(bill.told, bill.seen, strict=True):
            assert [told[k] for k in ("line_no", "decision", "claimed", "approved", "proposed")] == [
                seen[k] for k in ("line_no", "decision", "claimed", "approved", "proposed")
            ]
            known = {code for f in findings_of(seen) if (code := code_of(f["rule"], f["effect"])) is not None}
            assert {f["code"] for f in findings_of(told)} == known, (told, seen)
            assert seen["positions"]

    async def cancel(self, bill: Bill, number: str | None = None, at: str = NOVEMBER) -> httpx.Response:
        """Cancels an invoice and reads it again."""
        body = {"number": number or f"ST-{next(self._numbers)}", "issued_on": at[:10]}
        answer = await self.call(bill.by, "POST", f"/invoices/{bill.id}/cancellation", body, at)
        await self.read(bill)
        return answer

    async def settle(self, *, at: str = "2026-12-01T10:00:00Z", due_on: str = "2026-12-15") -> JSON:
        """Pays everything: drawn up, certified, ordered, handed over. Answers the batch as it was drawn up."""
        for key in [name.split()[1] for name in sorted(self._made) if name.startswith("provider ")]:
            if f"account {key}" not in self._made:
                self._made.add(f"account {key}")
                path = f"/providers/{key}/bank-accounts"
                made = await self.ok("finance", "POST", path, {"iban": IBANS[key], "holder": PROVIDERS[key]["name"]}, SET_UP)
                await self.ok("finance2", "POST", f"{path}/{made['id']}/confirmation", at=SET_UP)
        batch = await self.ok("finance", "POST", "/settlement-batches", {"cutoff": at[:10], "due_on": due_on}, at)
        path = f"/settlement-batches/{batch['id']}"
        await self.ok("finance", "POST", f"{path}/certification", {"kinds": ["factual", "arithmetical"]}, at)
        await self.ok("orderer", "POST", f"{path}/order", at=at)
        await self.ok("finance", "POST", f"{path}/hand-over", at=at)
        return batch

    async def history(self, bill: Bill, line_no: int = 1) -> list[str]:
        """Every decision about a line, oldest first."""
        document = await self.ok("auditor", "GET", f"/invoices/{bill.id}/lines/{line_no}/decisions")
        return [say(one) for one in document["items"]]

    # ---- what holds after every test
    async def assert_sound(self) -> None:
        """The invariants hold, and every decision by rule recomputes from the facts it stores."""
        await assert_sound(self.instance.database_url, self.key)


def _is_told(document: JSON, name: str) -> bool:
    """Whether a field holds something: models of answers may name fields for staff and leave them empty."""
    if isinstance(document, dict):
        return bool(document.get(name)) or any(_is_told(one, name) for one in document.values())
    return any(_is_told(one, name) for one in document) if isinstance(document, list) else False


def _days(line: JSON) -> list[date]:
    if "service_dates" in line:
        return [date.fromisoformat(day) for day in line["service_dates"]]
    if "service_month" in line:
        return list(Month.parse(line["service_month"]).days)
    return [date.fromisoformat(line["service_from"]), date.fromisoformat(line["service_to"])]


def _assert_sums(invoice: JSON) -> None:
    """What was claimed = approved + in review + refused, and all are sums over the lines."""
    totals, lines = {k: parse_money(v) for k, v in invoice["totals"].items()}, invoice["lines"]
    assert totals["claimed"] == totals["approved"] + totals["in_review"] + totals["refused"]
    assert totals["claimed"] == sum(parse_money(line["claimed"]) for line in lines)
    assert totals["approved"] == sum(parse_money(line["approved"]) for line in lines)


@asynccontextmanager
async def served(url: str, folder: Path, **settings: Any) -> AsyncIterator[Instance]:  # noqa: ANN401 - of Settings
    """An instance for many towns."""
    async with running(url, folder, settings=replace(Settings(), **settings)) as instance:
        yield instance


async def open_town(instance: Instance, **settings: JSON) -> Town:
    """A new town with its settings."""
    key = f"town-{next(_towns)}-{uuid4().hex[:6]}"
    await instance.town(key)
    town = Town(instance, key, {})
    await town.set(**settings)
    return town

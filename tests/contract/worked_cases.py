"""Plays worked cases in one process: the same files that the runner beside the shared examples plays against a served instance."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from but_gateway.kit.money import parse_money, print_money
from tests.factories.instance import Instance
from tests.procedures.adjudication.town import Bill, Town, findings_of, open_town

JSON = Any
CASES = Path(__file__).with_name("cases")


def runs() -> Iterator[tuple[str, JSON]]:
    """Every case and every variant of one, complete in itself, by name."""
    for path in sorted(CASES.glob("C*.json")):
        case = json.loads(path.read_text("utf-8"))
        variants = case.pop("variants", [])
        yield case["id"], case
        for variant in variants:
            yield f"{case['id']}-{variant['id']}", {**copy.deepcopy(case), **variant}


class Player:
    """One run of a case in a town of its own."""

    def __init__(self, town: Town, fixtures: JSON) -> None:
        self.town, self.fixtures = town, fixtures
        self.bills: dict[str, Bill] = {}
        self.old_numbers: dict[str, str] = {}

    @classmethod
    async def play(cls, instance: Instance, case: JSON) -> Town:
        """Sets a town up and takes all steps; answers the town."""
        fixtures = json.loads((CASES / "fixtures.json").read_text("utf-8"))
        player = cls(await open_town(instance, **fixtures["settings"] | case["settings"]), fixtures)
        for key, differs in case["facilities"].items():
            await player.town.facility(key, **fixtures["facilities"][key] | differs)
        for key, differs in case["providers"].items():
            await player.town.provider(key, **{k: v for k, v in differs.items() if k != "account"})
        for key, differs in case["agreements"].items():
            body = fixtures["agreements"][key] | differs
            await player.town.agree(body.pop("provider"), key, **body)
        await player.town.deliver(*case["grant_imports"])
        for step in case["steps"]:
            await getattr(player, f"do_{step['step']}")(step)
        return player.town

    async def do_grant_import(self, step: JSON) -> None:
        report = await self.town.deliver(*step["rows"], at=step["clock"])
        assert sorted(f["rule"] for f in report["flagged"]) == sorted(step["expect"]["flagged"])

    async def do_put(self, step: JSON) -> None:
        body = step["body"] | ({"account": f"{self.town.key}-{step['body']['account']}"} if "account" in step["body"] else {})
        await self.town.ok("registrar", "PUT", f"/{step['path']}", body, step["clock"])

    async def do_number_replacement(self, step: JSON) -> None:
        key = step["entitlement"]
        self.old_numbers[key] = await self.town.replace_number(key, step["body"]["lost_on"], step["clock"])

    async def do_family_payment(self, step: JSON) -> None:
        await self.town.ok("registrar", "POST", f"/entitlements/{step['entitlement']}/family-payments", step["body"], step["clock"])

    async def do_invoice(self, step: JSON) -> None:
        body = copy.deepcopy(step["body"])
        body["lines"] = [self._line(step.get("line_defaults", {}) | line) for line in body["lines"]]
        answer = await self.town.call(step["by"], "POST", "/invoices", body, step["clock"])
        expect = step["expect"]
        if "status" in expect:
            assert answer.status_code == expect["status"]
            assert answer.json()["code"] == expect.get("code", answer.json()["code"])
            return
        assert answer.status_code == 201, answer.text
        document = answer.json()
        bill = self.bills[body["number"]] = Bill(self.town, step["by"], body["number"], document["id"], None, document)
        assert all(document["totals"][name] == amount for name, amount in expect.get("totals", {}).items())
        await self._compare(bill, expect["lines"])

    def _line(self, line: JSON) -> JSON:
        key, _, kind = line["entitlement_number"].removeprefix("@").partition("/")
        return line | {"entitlement_number": self.old_numbers[key] if kind == "old" else self.town.numbers[key]}

    async def do_expect_lines(self, step: JSON) -> None:
        await self._compare(self.bills[step["invoice"]], step["expect"]["lines"])

    async def do_resolve_review(self, step: JSON) -> None:
        bill, expect = self.bills[step["invoice"]], step["expect"]
        found = (await self.town.ok("clerk", "GET", "/reviews?state=open", at=step["clock"]))["items"]
        review = next(r for r in found if r["invoice_id"] == bill.id and r["line_no"] == step["line_no"])
        answer = await self.town.call("clerk", "POST", f"/reviews/{review['id']}/resolution", step["body"], step["clock"])
        told = answer.json() | {"status": answer.status_code}
        assert {name: told[name] for name in expect} == expect

    async def do_settle(self, step: JSON) -> None:
        batch, expect = await self.town.settle(at=step["clock"], due_on=step["body"]["due_on"]), step["expect"]
        orders: dict[str, dict[str, int]] = {}
        for order in batch["orders"]:
            sums = orders.setdefault(order["legal_basis"], {"gross": 0, "receipts": 0, "net": 0})
            gross, receipts = parse_money(order["gross"]), parse_money(order["receipts"])
            for name, cents in (("gross", gross), ("receipts", receipts), ("net", gross - receipts)):
                sums[name] += cents
        assert {basis: {k: print_money(v) for k, v in sums.items()} for basis, sums in orders.items()} == expect["orders"]
        assert expect.get("payments") in (None, {p["provider"]: p["net"] for p in batch["payments"]})

    async def _compare(self, bill: Bill, expected: list[JSON]) -> None:
        await bill.again()
        assert len(bill.told) == len(expected)
        for told, seen, want in zip(bill.told, bill.seen, expected, strict=True):
            name = f"{bill.number} line {want['line_no']}"
            assert [told[k] for k in ("decision", "approved", "proposed")] == [want["decision"], want["approved"], want.get("proposed")], (
                name
            )
            assert {f["rule"] for f in findings_of(seen)} == set(want["rules"]), name
            assert {f["code"] for f in findings_of(told)} == set(want["codes"]), name

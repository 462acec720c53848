"""A town with one of everything, made over HTTP, and another town beside it with hardly anything."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from but_gateway.identity.principal import Role
from but_gateway.identity.tokens import sign
from but_gateway.kit.ids import new_id
from tests.factories.instance import Instance
from tests.isolation.operations import Operation
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.registers import AGREEMENTS, FACILITIES, IBANS, PROVIDERS
from tests.procedures.adjudication.town import Bill, Town, open_town
from tests.procedures.review.clerk import unproven

JSON = Any
STAFF: Final = ("registrar", "auditor", "clerk", "finance", "orderer")
LATER: Final = "2026-12-03T10:00:00Z"
WAITED_MAX: Final = 200
# What the treasury reports of a payment nobody knows: it stays in the list.
UNKNOWN: Final = {"end_to_end_id": "BUT-2026-0001-99999", "status": "paid", "on": "2026-12-02", "amount": "1.00"}


@dataclass(slots=True)
class Stage:
    """``town`` has one of everything, ``other`` only the club v1. ``ids`` name what stands in paths."""

    instance: Instance
    town: Town
    other: Town
    bill: Bill
    ids: dict[str, str]
    _persons: Any = field(default_factory=count)

    def path(self, operation: Operation, town: Town | None = None, /, **others: str) -> str:
        """The path of an operation with real objects, those of ``town`` by default; ``others`` replaces some."""
        folder = operation.path.partition("{municipality}/")[2].partition("/")[0]
        names = self.ids | {"municipality": (town or self.town).key, "key": self.ids.get(f"{folder} key", "")}
        names["id"] = self.ids.get(f"{folder} id", "")
        if folder == "settlement-batches" and operation.method == "POST":
            names |= {"batch_id": self.ids["open batch_id"], "payment_id": self.ids["open payment_id"]}
        return operation.path.format_map(names | others)

    async def person(self, role: str) -> str:
        """The token of somebody of the town who took part in nothing yet; ``provider`` is c1."""
        if role == "provider":
            return await self.town.token("c1")
        return await self.instance.issuer.issue(f"new-{next(self._persons)}", [Role(role)], (), self.town.key, 600)

    async def expired(self, token_of: str, *, before_seconds: int = 60) -> str:
        """A token of ours that was good until a minute ago."""
        issuer = self.instance.issuer
        ring, now = await issuer.ring(), int(self.instance.clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": issuer.url, "sub": "late", "aud": issuer.url, "iat": now - before_seconds - 600, "exp": now - before_seconds,
            "jti": str(new_id()), "client_id": "late", "scope": token_of, "municipality": self.town.key,
        }  # fmt: skip
        if token_of == "provider":
            claims |= {"account": f"{self.town.key}-c1"}
            del claims["municipality"]
        return sign(claims, ring.private_pem, kid=ring.kid)


async def build(instance: Instance) -> Stage:
    """Makes both towns."""
    town, other = await open_town(instance), await open_town(instance)
    await other.agree("v1")
    for child in ("A", "B", "C", "D"):
        await town.grant(child)
    for provider in ("c1", "c2", "c3"):
        await town.agree(provider)
    bill = await town.bill(
        "c1",
        lunch("A", "2026-10-05", "2026-10-06"),
        lunch("B", "2026-10-05", unit_price="5.00"),
        lunch("C", "2026-10-05"),
        lunch("D", "2026-10-10", name="Jemand Anderes"),
    )
    await town.bill("c2", lunch("C", "2026-10-05"))
    await unproven(town)
    await town.settle()
    paid = (await town.ok("finance", "GET", "/settlement-batches"))["items"][0]
    late = await town.bill("c1", lunch("A", "2026-11-09"), lunch("B", "2026-11-09", unit_price="5.00"), at=LATER)
    batch = await town.ok("finance", "POST", "/settlement-batches", {"cutoff": LATER[:10], "due_on": "2026-12-20"}, LATER)
    account = await town.ok("finance", "POST", "/providers/c1/bank-accounts", {"iban": IBANS["c4"], "holder": "Mensa"}, LATER)
    for day in range(1, 6):
        await town.call("c2", "POST", "/eligibility-checks", check(town, "B", date_of_birth=f"2016-06-0{day}"))
    notices = (await town.ok("clerk", "GET", "/notices"))["items"]
    reviews = (await town.ok("clerk", "GET", "/reviews?state=open"))["items"]
    first = await town.ok("finance", "GET", f"/settlement-batches/{paid['id']}")
    await town.ok("finance", "POST", "/payment-reports", {"payments": [UNKNOWN]}, LATER)
    entries = (await town.ok("finance", "GET", "/payment-entries"))["items"]
    ids = {
        "rule_id": "M-05", "facilities key": "s1", "providers key": "c1", "agreements key": "c1", "entitlements key": "A-lunch",
        "children key": "A",
        "providers id": account["id"], "reviews id": reviews[0]["id"], "notices id": notices[0]["id"],
        "invoice_id": bill.id, "late invoice_id": late.id, "line_no": "2", "import_id": await deliver_many(town),
        "entry_id": entries[0]["id"],
        "batch_id": paid["id"], "payment_id": first["payments"][0]["id"], "remittance_id": first["payments"][0]["id"],
        "open batch_id": batch["id"], "open payment_id": batch["payments"][0]["id"],
    }  # fmt: skip
    for file in await town.ok("finance", "GET", f"/settlement-batches/{paid['id']}/files"):
        ids[f"file {file['package']}"] = file["name"]
    ids["name"] = ids["file audit"]
    return Stage(instance, town, other, bill, ids)


async def deliver_many(town: Town) -> str:
    """An import that is so large that it becomes a job; every row is faulty. Its id, once it is done."""
    answer = await town.call("registrar", "POST", "/grant-imports", [{}] * 1001)
    assert answer.status_code == 202, answer.text
    job: JSON = answer.json()
    for _ in range(WAITED_MAX):
        job = await town.ok("registrar", "GET", f"/grant-imports/{job['id']}")
        if job["state"] == "done":
            break
    assert job["state"] in {"running", "done"}
    identity: str = job["id"]
    return identity


def check(town: Town, child: str = "A", **fields: JSON) -> JSON:
    """A check of November's lunches."""
    return {
        "benefit": "lunch",
        "entitlement_number": town.numbers.get(f"{child}-lunch", child),
        "date_of_birth": town.births.get(child, "2016-05-11"),
        "from": "2026-11-01",
        "to": "2026-11-30",
        "facility": "s1",
    } | fields


def good_body(stage: Stage, operation: Operation) -> JSON:
    """A body that an operation takes; None where it takes none."""
    town, place = stage.town, operation.path.partition("{municipality}")[2]
    bodies: dict[str, JSON] = {
        "PUT /settings": town.settings,
        "PUT /facilities/{key}": FACILITIES["s1"],
        "PUT /providers/{key}": PROVIDERS["c1"] | {"account": f"{town.key}-c1"},
        "PUT /agreements/{key}": AGREEMENTS["c1"],
        "POST /providers/{key}/bank-accounts": {"iban": IBANS["v1"], "holder": "Mensa Rheinland GmbH"},
        "POST /grant-imports": list(town.rows.values()),
        "POST /children/{key}/merge": {"into": "A"},
        "POST /entitlements/{key}/number-replacements": {"lost_on": "2026-12-01"},
        "POST /entitlements/{key}/family-payments": {"provider": "c1", "from": "2026-11-01", "to": "2026-11-02"},
        "POST /eligibility-checks": check(town),
        "POST /eligibility-checks/batch": {"checks": [check(town)]},
        "POST /invoices": town.body([lunch("A", "2026-11-10")], at=LATER),
        "POST /invoices/{invoice_id}/cancellation": {"number": f"S-{new_id()}", "issued_on": LATER[:10]},
        "POST /invoices/{invoice_id}/objections": {"line_no": 2, "text": "Der Preis war so vereinbart."},
        "POST /reviews/{id}/resolution": {"decision": "query", "approved": None, "reason": "Bitte den Nachweis senden."},
        "POST /reviews/resolutions": {"ids": [stage.ids["reviews id"]], "decision": "reject", "reason": "Kein Nachweis."},
        "POST /payment-reports": {"payments": [UNKNOWN | {"end_to_end_id": "BUT-2026-0001-99998"}]},
        "POST /payment-entries/{entry_id}/assignment": {"payment_id": stage.ids["payment_id"], "reason": "Kasse bestätigt."},
        "POST /payment-entries/{entry_id}/done": {"reason": "Mit der Kasse geklärt."},
        "POST /settlement-batches": {"cutoff": LATER[:10], "due_on": "2026-12-20"},
        "POST /settlement-batches/{batch_id}/certification": {"kinds": ["factual", "arithmetical"]},
        "POST /settlement-batches/{batch_id}/payments/{payment_id}/hold": {"reason": "Rückfrage offen."},
        "POST /settlement-batches/{batch_id}/reopen": {"reason": "Stichtag falsch."},
    }
    body = bodies.get(f"{operation.method} {place}")
    assert (body is None) == (not operation.media_types), f"{operation} needs a good body here"
    return body

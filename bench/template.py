"""A paid month of a town, made by the service itself: what ``multiply.py`` makes many of.

Children, invoices long and short, decisions, some of them reviews and rejections, a batch through all hands, and the bank's word that it
was paid. The providers that later have a part in the copies are made here too, each with an account that two persons confirmed.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from packages import SETTINGS
from town import AGREEMENT, CLOCK, SCHOOL, Town, school_days

from but_gateway.kit.money import parse_money, print_money

DAYS: Final = 20
BEFORE: Final = "2026-08-03T10:00:00Z"  # long enough for accounts to be usable
ORDERED: Final = "2026-11-03T10:00:00Z"
PAID: Final = "2026-11-17T10:00:00Z"
LINES: Final = 50  # of an invoice of usual length
SATURDAY: Final = "2026-09-12"  # nobody pays a lunch on that day
PROVIDERS: Final = 21  # with the first, who sends half of everything


@dataclass(frozen=True)
class Settled:
    """A batch, how many positions it pays, and the seconds of its longest steps."""

    batch_id: str
    positions: int
    drawn_up: float
    handed_over: float


@dataclass
class Office:
    """People of a town's office, by role; ``deputy`` is a second one of finance. Their tokens last ten minutes."""

    town: Town
    clients: dict[str, tuple[str, str]]
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, town: Town) -> "Office":
        """A new office, with its settings and providers."""
        roles = {role: role for role in ("finance", "orderer", "clerk", "auditor")} | {"deputy": "finance"}
        office = cls(town, {name: town.client("person", role, "--municipality", town.key, "--name", name) for name, role in roles.items()})
        office.renew()
        town.put("settings", SETTINGS)
        # Grants name the first school: what is eaten in the second goes to a person.
        town.put("facilities/s2", SCHOOL | {"name": "Andere Schule"})
        town.put("agreements/a1", AGREEMENT | {"facilities": ["s1", "s2"]})
        for number in range(1, PROVIDERS + 1):
            office.add_provider(number)
        return office

    def renew(self) -> None:
        """Fresh tokens for everybody, also for the town's machines."""
        self.town.renew()
        self.tokens = {name: self.town.token_of(client) for name, client in self.clients.items()}

    def add_provider(self, number: int) -> None:
        """A provider with a bank account; the first one is there already."""
        if number > 1:
            self.town.put(f"providers/c{number}", _provider(number))
        path, account = f"providers/c{number}/bank-accounts", {"iban": _iban(number), "holder": f"Küche {number}"}
        proposed = self.town.post(path, account, self.tokens["finance"], clock=BEFORE).json()
        self.town.post(f"{path}/{proposed['id']}/confirmation", None, self.tokens["deputy"], clock=BEFORE)

    def settle(self) -> Settled:
        """One batch of all that is free, from drawing up to the bank's word."""
        post, tokens, begin = self.town.post, self.tokens, time.perf_counter()
        batch = post("settlement-batches", {"cutoff": CLOCK[:10], "due_on": "2026-11-16"}, tokens["finance"]).json()
        drawn_up = time.perf_counter() - begin
        path = f"settlement-batches/{batch['id']}"
        post(f"{path}/certification", {"kinds": ["factual", "arithmetical"]}, tokens["finance"])
        post(f"{path}/order", None, tokens["orderer"], clock=ORDERED)
        begin = time.perf_counter()
        batch = post(f"{path}/hand-over", None, tokens["finance"], clock=ORDERED).json()
        handed_over = time.perf_counter() - begin
        payments = [
            {"end_to_end_id": one["end_to_end_id"], "status": "paid", "on": "2026-11-16", "amount": one["net"]} for one in batch["payments"]
        ]
        told = post("payment-reports", {"payments": payments}, tokens["finance"], clock=PAID).json()
        if told["matched"] != len(payments) or not payments:
            raise SystemExit(f"not all paid: {told}")
        return Settled(batch["id"], sum(order["positions"] for order in batch["orders"]), drawn_up, handed_over)


def make_template(town: Town, children: int) -> Office:
    """Bills and settles 20 lunches of so many children."""
    office = Office.of(town)
    town.children(children)
    _bill(town, children)
    office.settle()
    return office


def _provider(number: int) -> dict[str, Any]:
    return {
        "account": None, "name": f"Küche {number}", "kind": "caterer", "status": "active", "suspended_from": None,
        "undertaking_signed_on": "2025-12-01", "creditor_number": f"0700{number:03d}", "contact_email": None, "vat_id": None,
        "tax_number": None,
    }  # fmt: skip


def _iban(number: int) -> str:
    bban = f"37040044{number:010d}"
    return f"DE{98 - int(bban + '131400') % 97:02d}{bban}"


def _bill(town: Town, children: int) -> None:
    """Half of the children in one invoice, most others fifty at once, the rest one by one, some of them with days that are not paid."""
    start, number = 0, 0
    while start < children:
        left = children - start
        lines = left // 2 if start == 0 else LINES if left > max(LINES, children // 10) else 1
        bill_odd(town, f"T-{number}", range(start, start + lines), odd=lines == 1 and number % 3 == 0)
        start, number = start + lines, number + 1
    town.billed = children


def bill_odd(town: Town, number: str, children: range, *, odd: bool) -> None:
    """An invoice of 20 lunches for each child.

    An odd one also bills a Saturday, which is refused, and for the first child a lunch in another school, which goes to a person.
    """
    days = school_days(DAYS + 1)
    body = town.invoice(number, children, days[:DAYS] + ([SATURDAY] if odd else []))
    if odd:
        elsewhere = town.invoice(number, children[:1], days[DAYS:])
        body["lines"].append(elsewhere["lines"][0] | {"line_no": len(body["lines"]) + 1, "facility": "s2"})
        body["total"] = print_money(parse_money(body["total"]) + parse_money(elsewhere["total"]))
    counts = town.post("invoices", body, town.provider).json()["counts"]
    if (counts["accepted"], counts["review"], counts["rejected"]) != (len(children) * DAYS, int(odd), len(children) * odd):
        raise SystemExit(f"decided otherwise than meant: {counts}")

"""A town to measure with: made over the command line and HTTP, as a user would."""

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import httpx

CLOCK = "2026-11-02T10:00:00Z"
BORN = "2016-05-11"
LETTERS = "abcdefghij"

SCHOOL = {
    "name": "Schule", "kind": "school", "open_weekdays": [1, 2, 3, 4, 5], "observes_school_holidays": True, "closed": [],
    "cooperating_school": None,
}  # fmt: skip
AGREEMENT = {
    "provider": "c1", "benefit": "lunch", "facilities": ["s1"], "valid_from": "2026-01-01", "valid_to": "2027-07-31", "mode": "per_use",
    "evidence": "dates", "prices": [{"item": "lunch", "valid_from": "2026-01-01", "unit_price": "4.50"}],
    "vat_treatment": "catering_service", "drink_included": False, "late_cancellation_share": None, "absence_threshold_days": None,
    "min_period_months": 0, "submission_months": None, "late_effect": None, "tutoring": None,
}  # fmt: skip


class Town:
    """A sandbox town with one school, one caterer and so many children, all entitled to lunch."""

    def __init__(self, base_url: str, environ: Mapping[str, str]) -> None:
        self.key = f"bench-{secrets.token_hex(4)}"
        self.environ = environ
        self.http = httpx.Client(base_url=base_url, timeout=300)
        self.numbers: list[str] = []
        self.billed = 0  # of the numbers, from the first on
        account = f"c1-{self.key}"
        self.command("municipality", "add", self.key, "--name", "Messstadt", "--ags", "05999999", "--state", "NW", "--sandbox")
        self.command("account", "add", account, "--name", "Messküche")
        self.clients = (
            self.client("client", "registrar", "--municipality", self.key),
            self.client("client", "provider", "--account", account),
        )
        self.renew()
        self.put("facilities/s1", SCHOOL)
        self.put("providers/c1", {
            "account": account, "name": "Messküche", "kind": "caterer", "status": "active", "suspended_from": None,
            "undertaking_signed_on": "2025-12-01", "creditor_number": "0700123", "contact_email": None, "vat_id": None, "tax_number": None,
        })  # fmt: skip
        self.put("agreements/a1", AGREEMENT)

    def command(self, *arguments: str) -> str:
        """Runs the gateway's command line."""
        done = subprocess.run(  # noqa: S603 - our own command with arguments of our own
            [sys.executable, "-m", "but_gateway", *arguments], capture_output=True, text=True, check=False, env=dict(self.environ)
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout

    def token(self, kind: str, role: str, *whose: str) -> str:
        """An access token of a new client."""
        return self.token_of(self.client(kind, role, *whose))

    def client(self, kind: str, role: str, *whose: str) -> tuple[str, str]:
        """Id and secret of a new client."""
        made = json.loads(self.command(kind, "add", "--role", role, *whose, "--secret", "--json"))
        return made["client_id"], made["client_secret"]

    def token_of(self, client: tuple[str, str]) -> str:
        """An access token; it lasts ten minutes."""
        answer = self.http.post("/oauth2/token", auth=client, data={"grant_type": "client_credentials"})
        return str(answer.raise_for_status().json()["access_token"])

    def renew(self) -> None:
        """Fresh tokens for the registrar and the caterer."""
        self.registrar, self.provider = (self.token_of(client) for client in self.clients)

    def headers(self, token: str, clock: str = CLOCK) -> dict[str, str]:
        """Headers of a call."""
        return {"Authorization": f"Bearer {token}", "Test-Clock": clock, "Idempotency-Key": secrets.token_hex(16)}

    def put(self, path: str, body: object) -> None:
        """Writes a register."""
        self.http.put(f"/v1/municipalities/{self.key}/{path}", json=body, headers=self.headers(self.registrar)).raise_for_status()

    def post(self, path: str, body: object, token: str, clock: str = CLOCK) -> httpx.Response:
        """Posts a body, or nothing; its answer must be good."""
        sent = {} if body is None else {"json": body}
        answer = self.http.post(f"/v1/municipalities/{self.key}/{path}", **sent, headers=self.headers(token, clock))
        if answer.is_error:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:500]}")
        return answer

    def children(self, count: int) -> None:
        """Grants lunch to so many more children; their numbers are in ``numbers``."""
        start = len(self.numbers)
        rows = [_row(i) for i in range(start, start + count)]
        for first in range(0, count, 1000):
            report = self.post("grant-imports", rows[first : first + 1000], self.registrar).json()
            self.numbers += [e["entitlement_number"] for e in report["entitlements"]]

    def revoke(self, children: range, effective_from: str) -> None:
        """Revokes the grants of children; their providers were told the day before."""
        rows = [_row(i) for i in children]
        for row in rows:
            row["grant"]["revocation"] = {"effective_from": effective_from, "notified_on": effective_from}
        for first in range(0, len(rows), 1000):
            self.post("grant-imports", rows[first : first + 1000], self.registrar)

    def invoice(self, number: str, children: range, days: list[str]) -> dict[str, Any]:
        """The body of an invoice: one line a child, one position a day."""
        cents = 450 * len(days)
        lines = [
            {
                "line_no": no, "benefit": "lunch", "entitlement_number": self.numbers[i], "date_of_birth": BORN, "facility": "s1",
                "service_dates": days, "quantity": len(days), "unit_price": "4.50", "amount": _euros(cents), "vat_rate": "7.00",
            }
            for no, i in enumerate(children, 1)
        ]  # fmt: skip
        period = {"from": "2026-09-01", "to": "2026-10-31"}
        return {"number": number, "issued_on": "2026-11-02", "period": period, "total": _euros(cents * len(lines)), "lines": lines}


def school_days(count: int) -> list[str]:
    """So many school days from 7 September 2026 on; NRW has holidays from 17 October."""
    days = (date(2026, 9, 7) + timedelta(days=i) for i in range(40))
    return [d.isoformat() for d in days if d.weekday() < 5][:count]  # noqa: PLR2004 - Monday to Friday


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _row(i: int) -> dict[str, Any]:
    # Names must differ: equal ones with one birth date would be taken for the same child under many keys.
    name = "".join(LETTERS[int(c)] for c in str(i))
    return {
        "child": {"key": f"k{i}", "family_name": name, "given_names": "Kind", "date_of_birth": BORN},
        "entitlement": {"key": f"e{i}", "benefit": "lunch", "number": None, "information_allowed": True},
        "grant": {
            "key": f"g{i}", "legal_basis": "sgb2", "valid_from": "2026-08-01", "valid_to": "2027-07-31", "applied_on": None,
            "status": "active", "attends": "school", "facility": "s1", "provider": None, "budget": {"kind": "unlimited"}, "tutoring": None,
            "revocation": None,
        },
    }  # fmt: skip

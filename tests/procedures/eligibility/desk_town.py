"""A served town with caterers, a tutor, a club, and grants: what checks are asked against."""

import copy
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx

from but_gateway.identity.principal import Role
from tests.registers.office import CATERER, LUNCH, SCHOOL, TUTORING, Caller, Office

JSON = Any
BORN = "2017-04-02"
PARTICIPATION: JSON = LUNCH | {
    "provider": "v1",
    "benefit": "participation",
    "facilities": [],
    "prices": [],
    "vat_treatment": "small_business",
}


@dataclass(slots=True)
class DeskTown:
    """The town; numbers by entitlement."""

    office: Office
    key: str
    registrar: Caller
    accounts: dict[str, str]
    numbers: dict[str, str]

    async def provider(self, key: str) -> Caller:
        """A fresh client of a provider: its failures count for nobody else."""
        caller = await self.office.provider(self.key, self.accounts[key])
        return caller.at("2026-11-02T11:00:00Z")

    async def deliver(self, *rows: JSON) -> JSON:
        answer = await self.registrar.post("/grant-imports", list(rows))
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejected"] == []
        self.numbers |= {e["key"]: e["entitlement_number"] for e in answer.json()["entitlements"]}
        return answer.json()

    def ask(self, entitlement: str = "A-lunch", **fields: JSON) -> JSON:
        """A check for November."""
        body = {
            "benefit": entitlement.rpartition("-")[2],
            "entitlement_number": self.numbers.get(entitlement, entitlement),
            "date_of_birth": BORN,
            "from": "2026-11-01",
            "to": "2026-11-30",
            "facility": "s1",
        }
        return {name: value for name, value in (body | fields).items() if value is not None}


def row(name: str = "A", benefit: str = "lunch", **grant: JSON) -> JSON:
    """A grant from September 2026 to August 2027."""
    budget = None if benefit == "participation" else {"kind": "unlimited"}
    made: JSON = {
        "child": {"key": name, "family_name": "Müller", "given_names": f"Kind {name}", "date_of_birth": BORN},
        "entitlement": {"key": f"{name}-{benefit}", "benefit": benefit, "number": None, "information_allowed": True},
        "grant": {
            "key": f"{name}-{benefit}-2026",
            "legal_basis": "sgb2",
            "valid_from": "2026-09-01",
            "valid_to": "2027-08-31",
            "applied_on": "2026-08-01",
            "status": "active",
            "attends": "school",
            "facility": "s1" if benefit == "lunch" else None,
            "provider": None,
            "budget": budget,
            "tutoring": {"subjects": ["mathematik", "deutsch"], "form": "individual"} if benefit == "tutoring" else None,
            "revocation": None,
        },
    }
    made["grant"].update(grant)
    return made


def changed(row: JSON, part: str, **fields: JSON) -> JSON:
    """The same row with other fields in one of its parts."""
    made = copy.deepcopy(row)
    made[part].update(fields)
    return made


async def open_town(office: Office) -> DeskTown:
    """A town with facility s1, k1, caterers c1 (s1) and c2 (k1), tutor t1, club v1; nothing is granted yet."""
    key = await office.town()
    accounts = {name: await office.account() for name in ("c1", "c2", "t1", "v1")}
    registrar = await office.staff(key, Role.REGISTRAR)
    for facility in ("s1", "k1"):
        body = SCHOOL if facility == "s1" else SCHOOL | {"kind": "daycare", "observes_school_holidays": False}
        assert (await registrar.put(f"/facilities/{facility}", body)).status_code == 201
    for name, account in accounts.items():
        put = await registrar.put(f"/providers/{name}", CATERER | {"account": account, "vat_id": None, "tax_number": None})
        assert put.status_code == 201, put.text
    agreements = {"c1-lunch": LUNCH, "c2-lunch": LUNCH | {"provider": "c2", "facilities": ["k1"]}, "t1-t": TUTORING, "v1-p": PARTICIPATION}
    for name, body in agreements.items():
        put = await registrar.put(f"/agreements/{name}", body)
        assert put.status_code == 201, put.text
    return DeskTown(office, key, registrar, accounts, {})


def days(first: str, count: int) -> str:
    """The day so many days later."""
    return (date.fromisoformat(first) + timedelta(days=count)).isoformat()


def without_id(answer: httpx.Response) -> JSON:
    """The answer without what differs between two checks."""
    assert answer.status_code == 200, answer.text
    return {name: value for name, value in answer.json().items() if name not in {"id", "checked_at"}}

"""The made-up town's children, what they are entitled to and what was granted: rows of a grant import, drawn by chance."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from but_gateway.cli.demo.names import draw_name
from but_gateway.cli.demo.places import CATERERS, DAYCARE, FACILITIES, LUNCH, SCHOOL, TUTORING, TUTORS, Facility, Provider
from but_gateway.kit.chance import Chance

ORDINARY, EXPIRED, ENDING, REVOKED, NAMED, DISPUTED, FEW_DAYS, DOUBLE = (
    "ordinary", "expired", "ending", "revoked", "named", "disputed", "few days", "double",
)  # fmt: skip
# How lunch grants of a thousand are; the rest is ordinary.
_ODDITIES: Final = ((EXPIRED, 30), (ENDING, 25), (REVOKED, 15), (NAMED, 12), (DISPUTED, 8), (FEW_DAYS, 15), (DOUBLE, 15))
_KINDS: Final = ((ORDINARY, 1000 - sum(weight for _, weight in _ODDITIES)), *_ODDITIES)
_BASIS_WEIGHTS: Final = (("sgb2", 560), ("bkgg", 300), ("asylblg_3", 80), ("asylblg_2", 30), ("sgb12_3", 30))
_ADULT_WEIGHTS: Final = (("sgb2", 550), ("bkgg", 200), ("sgb12_4", 250))
_ADULT_AGE: Final = 18
_PERIODS: Final = {
    "sgb2": (("2026-07-01", "2027-06-30"), ("2026-09-01", "2027-02-28"), ("2026-05-01", "2026-10-31")),
    "bkgg": (("2026-06-01", "2026-11-30"), ("2026-08-01", "2027-01-31"), ("2026-09-01", "2027-02-28")),
}
_USUAL_PERIOD: Final = (("2026-08-01", "2027-07-31"), ("2026-01-01", "2026-12-31"))
_SUBJECTS: Final = (("mathematik", 40), ("deutsch", 30), ("englisch", 20), ("lesen_schreiben", 6), ("latein", 4))
_TUTORED_PER_MILLE: Final = 120  # of school children that eat at school; as many again only have tutoring
_NO_LUNCH_PER_MILLE: Final = 80
_FACILITY_NAMED_PER_MILLE: Final = 850
_AMONG: Final = {"s06": (("c04", 6), ("c05", 4))}  # where two caterers cook


@dataclass(frozen=True, slots=True)
class Child:
    """A made-up child."""

    key: str
    given_names: str
    family_name: str
    born: date

    def body(self) -> dict[str, str]:
        """As the case system sends it."""
        return {
            "key": self.key,
            "family_name": self.family_name,
            "given_names": self.given_names,
            "date_of_birth": self.born.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Entitlement:
    """An entitlement with its grants. ``provider``: who serves the child; ``kind``: what is odd about it."""

    key: str
    child: Child
    benefit: str
    provider: Provider
    facility: str | None
    kind: str
    grants: tuple[dict[str, Any], ...]
    number: str | None = None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows of the import, one for each grant."""
        entitlement = {"key": self.key, "benefit": self.benefit, "number": self.number, "information_allowed": True}
        for grant in self.grants:
            yield {"child": self.child.body(), "entitlement": entitlement, "grant": grant}


def make_grant(key: str, basis: str, days: tuple[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the contract
    """A grant as the case system sends it."""
    return {
        "key": key,
        "legal_basis": basis,
        "valid_from": days[0],
        "valid_to": days[1],
        "applied_on": None,
        "status": "active",
        "attends": "school",
        "facility": None,
        "provider": None,
        "budget": {"kind": "unlimited"},
        "tutoring": None,
        "revocation": None,
        **more,
    }


def draw_people(chance: Chance, children: int) -> list[Entitlement]:
    """So many children with all they are entitled to."""
    drawing = _Drawing(chance)
    for number in range(1, children + 1):
        drawing.child(f"K-{number:05d}")
    return drawing.entitlements


class _Drawing:
    """Draws children one after the other."""

    def __init__(self, chance: Chance) -> None:
        self.entitlements: list[Entitlement] = []
        self._chance = chance
        self._facilities = [(facility, facility.share) for facility in FACILITIES]
        self._tutors = [(tutor, 6 if tutor.teachers > 1 else 1) for tutor in TUTORS]
        self._caterers = {key: caterer for caterer in CATERERS for key in caterer.facilities}
        self._by_key = {caterer.key: caterer for caterer in CATERERS}

    def child(self, key: str) -> None:
        """Draws a child: it eats at its facility, has tutoring, or both."""
        chance = self._chance
        facility = chance.weigh(self._facilities)
        given, family = draw_name(chance)
        age = chance.whole(*facility.ages)
        child = Child(key, given, family, date(2026 - age, chance.whole(1, 9), chance.whole(1, 28)))
        basis = chance.weigh(_ADULT_WEIGHTS if age >= _ADULT_AGE else _BASIS_WEIGHTS)
        at_school = facility.kind != DAYCARE
        only_tutoring = facility.kind == SCHOOL and chance.happens(_NO_LUNCH_PER_MILLE)
        if not only_tutoring:
            self.entitlements.append(self._lunch(child, facility, basis))
        if only_tutoring or (at_school and chance.happens(_TUTORED_PER_MILLE)):
            self.entitlements.append(self._tutoring(child, basis))

    def _lunch(self, child: Child, facility: Facility, basis: str) -> Entitlement:
        chance = self._chance
        caterer = self._caterers[facility.key]
        if facility.key in _AMONG:
            caterer = self._by_key[chance.weigh(_AMONG[facility.key])]
        kind = chance.weigh(_KINDS)
        if kind in {ENDING, REVOKED, DOUBLE} and basis == "bkgg":
            basis = "sgb2"  # bkgg grants end with a month
        days = chance.pick(_PERIODS.get(basis, _USUAL_PERIOD))
        more: dict[str, Any] = {"attends": "daycare" if facility.kind == DAYCARE else "school"}
        if chance.happens(_FACILITY_NAMED_PER_MILLE):
            more["facility"] = facility.key
        if kind == NAMED:
            more |= {"facility": None, "provider": chance.pick([c for c in CATERERS if c is not caterer]).key}
        if kind == DISPUTED:
            more["status"] = "disputed"
        if kind == FEW_DAYS:
            more["budget"] = {"kind": "days", "days": chance.whole(4, 10)}
        if kind in {EXPIRED, ENDING}:
            days = (days[0], "2026-09-30" if kind == EXPIRED else "2026-10-14")
        key = f"{child.key}-lunch"
        grants = [make_grant(f"{key}-1", basis, days, **more)]
        if kind == DOUBLE:
            grants.append(make_grant(f"{key}-2", "bkgg", ("2026-09-01", "2027-02-28"), **more))
        return Entitlement(key, child, LUNCH, caterer, facility.key, kind, tuple(grants))

    def _tutoring(self, child: Child, basis: str) -> Entitlement:
        chance = self._chance
        tutor = chance.weigh(self._tutors)
        subject = chance.weigh(_SUBJECTS)
        few = chance.happens(120)
        minutes = chance.whole(4, 8) * 45 if few else chance.pick((900, 1350, 1575))
        key = f"{child.key}-tutoring"
        grant = make_grant(
            f"{key}-1",
            basis,
            ("2026-09-01", "2027-01-31"),
            applied_on="2026-08-20",
            provider=tutor.key if chance.happens(300) else None,
            budget={"kind": "minutes", "minutes": minutes},
            tutoring={"subjects": [subject], "form": chance.weigh((("individual", 5), ("any", 2), ("group", 3)))},
        )
        return Entitlement(key, child, TUTORING, tutor, None, ORDINARY, (grant,))


def revoked_rows(entitlements: list[Entitlement]) -> list[dict[str, Any]]:
    """What the case system sends in October: grants that ended on the 8th, told to the providers on the 12th."""
    revocation = {"effective_from": "2026-10-08", "notified_on": "2026-10-12"}
    rows = [row for one in entitlements if one.kind == REVOKED for row in one.rows()]
    return [{**row, "grant": {**row["grant"], "revocation": revocation}} for row in rows]

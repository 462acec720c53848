"""Test cards: children with fixed numbers whose results are known, for whoever tries the API out. Nobody bills them in the demo."""

from datetime import date
from typing import Any, Final

from but_gateway.cli.demo.people import Child, Entitlement, make_grant
from but_gateway.cli.demo.places import CATERERS, LUNCH

BORN: Final = date(2017, 4, 2)
FACILITY: Final = "s01"
_SCHOOL_YEAR: Final = ("2026-08-01", "2027-07-31")
# number: (given names, what differs of the grant, what a check of November says, what a lunch in November gets)
CARDS: Final[dict[str, tuple[str, dict[str, Any], bool, str]]] = {
    "TEST-OK": ("Olivia", {}, True, "accepted"),
    "TEST-EXPIRED": ("Erik", {"valid_to": "2026-09-30"}, False, "NOT_IN_PERIOD"),
    "TEST-REVOKED": ("Rosa", {"revocation": {"effective_from": "2026-10-01", "notified_on": "2026-10-05"}}, False, "ENDED"),
    "TEST-OTHER-PROVIDER": ("Paula", {"provider": "c02"}, False, "NOT_ASSIGNED"),
    "TEST-BUDGET-USED": ("Bruno", {"budget": {"kind": "days", "days": 0}}, True, "BUDGET_USED"),
    "TEST-REVIEW": ("Rainer", {"status": "disputed"}, True, "IN_CLARIFICATION"),
}


def make_cards() -> list[Entitlement]:
    """The cards as entitlements to lunch at one school of the demo caterer."""
    cards = []
    for number, (given, differs, _, _) in CARDS.items():
        key = number.lower()
        grant = make_grant(f"{key}-1", "sgb2", _SCHOOL_YEAR) | {"facility": FACILITY} | differs
        child = Child(key, given, "Testkarte", BORN)
        cards.append(Entitlement(f"{key}-lunch", child, LUNCH, CATERERS[0], FACILITY, "card", (grant,), number))
    return cards

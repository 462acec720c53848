"""The made-up town's registers: settings, facilities, caterers, tutors and what was agreed with them. Amounts in cents."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from but_gateway.kit.iban import parse_iban
from but_gateway.kit.money import print_money

KEY: Final = "musterstadt"
NAME: Final = "Musterstadt"
AGS: Final = "05999000"
STATE: Final = "NW"
LUNCH, TUTORING = "lunch", "tutoring"
SCHOOL, DAYCARE, AFTER_SCHOOL = "school", "daycare", "after_school"
BASES: Final = ("sgb2", "bkgg", "sgb12_3", "sgb12_4", "asylblg_2", "asylblg_3")
PRICE_CHANGE: Final = date(2026, 9, 16)
UNIT_MINUTES: Final = 45


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility. ``ages``: youngest and oldest child; ``share``: how many of the town's children go there, against the others."""

    key: str
    name: str
    kind: str
    ages: tuple[int, int]
    share: int
    closed_on: date | None = None
    school: str | None = None

    def body(self) -> dict[str, Any]:
        """As it is registered."""
        closed = [] if self.closed_on is None else [{"from": str(self.closed_on), "to": str(self.closed_on), "reason": "Konzeptionstag"}]
        return {
            "name": self.name,
            "kind": self.kind,
            "open_weekdays": [1, 2, 3, 4, 5],
            "observes_school_holidays": self.kind == SCHOOL,
            "closed": closed,
            "cooperating_school": self.school,
        }


@dataclass(frozen=True, slots=True)
class Provider:
    """A caterer (with facilities) or a tutor (without). ``prices``: lunch before and since the price change; individual and group."""

    key: str
    name: str
    prices: tuple[int, int]
    facilities: tuple[str, ...] = ()
    mode: str = "per_use"
    evidence: str = "dates"
    treatment: str = "catering_service"
    teachers: int = 0
    absence_fee: bool = False

    @property
    def client(self) -> str:
        """The demo client that acts for it; the first caterer's and tutor's have names of their own."""
        return {"c01": "demo-caterer", "t01": "demo-tutor"}.get(self.key, f"demo-{self.key}")

    def body(self, number: int) -> dict[str, Any]:
        """As it is registered."""
        return {
            "account": self.key,
            "name": self.name,
            "kind": "caterer" if self.facilities else "tutor",
            "status": "active",
            "suspended_from": None,
            "undertaking_signed_on": "2025-12-01",
            "creditor_number": f"0700{number:03d}",
            "contact_email": f"abrechnung@{self.key}.example",
            "vat_id": None,
            "tax_number": f"5117/5432/{number:04d}",
        }

    def agreement(self) -> dict[str, Any]:
        """What was agreed with it."""
        first, second = self.prices
        if self.facilities:
            prices = [_price("lunch", first, date(2026, 1, 1))]
            prices += [_price("lunch", second, PRICE_CHANGE)] if second != first else []
        else:
            prices = [_price("individual", first, date(2026, 1, 1)), _price("group", second, date(2026, 1, 1))]
        return {
            "provider": self.key,
            "benefit": LUNCH if self.facilities else TUTORING,
            "facilities": list(self.facilities),
            "valid_from": "2026-01-01",
            "valid_to": "2027-07-31",
            "mode": self.mode,
            "evidence": self.evidence,
            "prices": prices,
            "vat_treatment": self.treatment,
            "drink_included": False,
            "late_cancellation_share": None,
            "absence_threshold_days": None,
            "min_period_months": 0,
            "submission_months": None,
            "late_effect": None,
            "tutoring": None if self.facilities else self._terms(),
        }

    def _terms(self) -> dict[str, Any]:
        return {
            "unit_minutes": UNIT_MINUTES,
            "group_max": 4,
            "minutes_rule": "pro_rata",
            "absence_share": "0.50" if self.absence_fee else None,
            "absences_per_month": 1 if self.absence_fee else 0,
            "units_per_day_max": 4,
        }


def settings() -> dict[str, Any]:
    """The town's settings."""
    products = ("05.311.01", "05.321.01", "05.331.01", "05.341.01", "05.351.01", "05.361.01")
    return {
        "name": NAME,
        "leitweg_id": "05999-12345-93",
        "holiday_lunch": "review",
        "debtor": {"name": NAME, "iban": "DE02120300000000202051", "bic": "BYLADEM1001"},
        "account_assignments": [
            {"legal_basis": basis, "benefit": benefit, "product": product, "account": account, "cost_centre": "50-4"}
            for basis, product in zip(BASES, products, strict=True)
            for benefit, account in ((LUNCH, "533110"), (TUTORING, "533120"))
        ],
    }


def iban_of(number: int) -> str:
    """A made-up IBAN with right check digits."""
    bban = f"10010010{4711000 + number:010d}"
    return parse_iban(f"DE{98 - int(f'{bban}131400') % 97:02d}{bban}")


def _price(item: str, cents: int, day: date) -> dict[str, str]:
    return {"item": item, "valid_from": str(day), "unit_price": print_money(cents)}


_PRIMARY, _SECONDARY, _DAYCARE = (6, 10), (10, 17), (2, 6)
_CONCEPT_DAY: Final = date(2026, 10, 2)
FACILITIES: Final = (
    Facility("s01", "Grundschule Am Stadtpark", SCHOOL, _PRIMARY, 9),
    Facility("s02", "Gesamtschule Nord", SCHOOL, _SECONDARY, 13),
    Facility("s03", "Grundschule Lindenhof", SCHOOL, _PRIMARY, 8),
    Facility("s04", "Realschule an der Burg", SCHOOL, _SECONDARY, 9),
    Facility("s05", "Gemeinschaftsgrundschule Süd", SCHOOL, _PRIMARY, 9),
    Facility("s06", "Gesamtschule Rheinblick", SCHOOL, _SECONDARY, 13),
    Facility("s07", "Gymnasium am Ring", SCHOOL, _SECONDARY, 6),
    Facility("s08", "Hauptschule Westwall", SCHOOL, _SECONDARY, 9),
    Facility("s09", "Katholische Grundschule St. Anna", SCHOOL, _PRIMARY, 8),
    Facility("s10", "Grundschule Feldstraße", SCHOOL, _PRIMARY, 8),
    Facility("s11", "Berufskolleg am Güterbahnhof", SCHOOL, (16, 21), 6),
    Facility("o01", "OGS Am Stadtpark", AFTER_SCHOOL, _PRIMARY, 8, school="s01"),
    Facility("o02", "OGS Süd", AFTER_SCHOOL, _PRIMARY, 8, school="s05"),
    Facility("o03", "OGS St. Anna", AFTER_SCHOOL, _PRIMARY, 7, school="s09"),
    Facility("o04", "OGS Feldstraße", AFTER_SCHOOL, _PRIMARY, 8, school="s10"),
    Facility("o05", "Hort Sonnenblume", AFTER_SCHOOL, _PRIMARY, 5, school="s03"),
    Facility("k01", "Kita Regenbogen", DAYCARE, _DAYCARE, 5),
    Facility("k02", "Kita Pusteblume", DAYCARE, _DAYCARE, 5, closed_on=_CONCEPT_DAY),
    Facility("k03", "Kita St. Josef", DAYCARE, _DAYCARE, 5),
    Facility("k04", "Kita Villa Kunterbunt", DAYCARE, _DAYCARE, 6),
    Facility("k05", "Familienzentrum Mitte", DAYCARE, _DAYCARE, 6),
    Facility("k06", "Kita Rappelkiste", DAYCARE, _DAYCARE, 5),
    Facility("k07", "Kita Kleine Strolche", DAYCARE, _DAYCARE, 5),
    Facility("k08", "Kita Am Wasserturm", DAYCARE, _DAYCARE, 5),
    Facility("k09", "Waldkita Eichhörnchen", DAYCARE, _DAYCARE, 4),
)
CATERERS: Final = (
    Provider("c01", "Mensa Rheinland GmbH", (420, 450), ("s01", "s02", "o01")),
    Provider("c02", "Schulküche Lindenhof", (410, 430), ("s03", "s04")),
    Provider("c03", "Menüdienst Fischeln", (400, 430), ("s05", "o02")),
    Provider("c04", "Küchenwerk Rheinblick eG", (430, 460), ("s06", "s07")),
    Provider("c05", "Essen auf Zeit UG", (430, 430), ("s06", "s08")),
    Provider("c06", "Kochtopf St. Anna gGmbH", (390, 420), ("s09", "o03")),
    Provider("c07", "Kinderküche Bunt", (360, 380), ("k01", "k02", "k03")),
    Provider("c08", "Kita-Kost Mitte", (6000, 6000), ("k04", "k05"), mode="flat"),
    Provider("c09", "Rappelkiste e. V.", (350, 350), ("k06",), evidence="monthly_count"),
    Provider("c10", "Frischeküche Wasserturm", (370, 390), ("k07", "k08"), treatment="food_delivery"),
    Provider("c11", "Mittagstisch Feldstraße", (400, 430), ("s10", "o04", "o05")),
    Provider("c12", "Bioküche Eichhorn", (450, 480), ("s11", "k09")),
)
_SCHOOLS_OF_TUTORS: Final = (
    "Lernhaus Musterstadt", "Lernwerk Nord", "Lerntreff Rheinblick", "Lerninsel Süd", "Lernpunkt am Markt", "Förderzentrum Anker",
)  # fmt: skip
_PRIVATE_TUTORS: Final = (
    "Petra Beispiel", "Hasan Örnek", "Olena Pryklad", "Maria Przykład", "Jens Probe", "Samira Mithal", "Ulrike Vorlage", "Tim Test",
    "Leyla Deneme", "Karl Entwurf", "Anke Skizze", "Bogdan Wzór", "Nadia Ornek", "Sven Versuch",
)  # fmt: skip
TUTORS: Final = (
    *(
        Provider(f"t{n:02d}", name, (2250, 1200), treatment="exempt_4_21", teachers=4, absence_fee=n % 2 == 0)
        for n, name in enumerate(_SCHOOLS_OF_TUTORS, 1)
    ),
    *(
        Provider(f"t{n:02d}", f"Nachhilfe {name}", (1800, 1000), treatment="small_business", teachers=1)
        for n, name in enumerate(_PRIVATE_TUTORS, len(_SCHOOLS_OF_TUTORS) + 1)
    ),
)
PROVIDERS: Final = (*CATERERS, *TUTORS)
FACILITY_BY_KEY: Final = {facility.key: facility for facility in FACILITIES}

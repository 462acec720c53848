"""Register data of the worked examples: caterers c1, c2 (per use) and c3 (flat), tutors t1 to t3, club v1, schools and daycare."""

from typing import Any, Final

JSON = Any

SETTINGS: Final[JSON] = {
    "name": "Musterstadt",
    "leitweg_id": None,
    "protect_good_faith": True,
    "holiday_lunch": "reject",
    "tax_effect": "note",
    "lunch_price_ceilings": [],
    "participation_saving": "period_total",
    "submission_months": 3,
    "late_effect": "review",
    "relatives_excluded": True,
    "bank_cooling_days": 3,
    "flat_proration": "opening_days",
    "payment_term_days": 30,
    "debtor": {"name": "Musterstadt", "iban": "DE02120300000000202051", "bic": "BYLADEM1001"},
    "account_assignments": [
        {"legal_basis": basis, "benefit": benefit, "product": "05.311.01", "account": f"5331{i}{j}", "cost_centre": "50-4"}
        for i, basis in enumerate(("sgb2", "bkgg", "sgb12_3", "sgb12_4", "asylblg_2", "asylblg_3"))
        for j, benefit in enumerate(("lunch", "tutoring", "participation", "day_trip", "class_trip"))
    ],
}
_SCHOOL: Final[JSON] = {
    "name": "Schule S1",
    "kind": "school",
    "open_weekdays": [1, 2, 3, 4, 5],
    "observes_school_holidays": True,
    "closed": [],
    "cooperating_school": None,
}
_CARE: Final[JSON] = _SCHOOL | {"observes_school_holidays": False}
FACILITIES: Final[JSON] = {
    "s1": _SCHOOL,
    "s2": _SCHOOL | {"name": "Schule S2"},
    "k1": _CARE | {"name": "Kita K1", "kind": "daycare"},
    "k2": _CARE | {"name": "Kita K2", "kind": "daycare", "closed": [{"from": "2026-10-02", "to": "2026-10-02", "reason": "Brückentag"}]},
    "k3": _CARE | {"name": "Hort K3", "kind": "after_school"},
    "k4": _CARE | {"name": "Hort K4", "kind": "after_school", "cooperating_school": "s1"},
}
_NAMES: Final = {
    "c1": "Mensa Rheinland GmbH",
    "c2": "Schulküche Hülser Bruch",
    "c3": "Kita-Kost Uerdingen",
    "c4": "Menüdienst Fischeln",
    "t1": "Lernhaus Musterstadt",
    "t2": "Nachhilfe Petra Beispiel",
    "t3": "Lernwerk Nord",
    "v1": "TV Musterstadt 1890 e. V.",
    "v2": "Musikschule Rheinwiese",
}
PROVIDERS: Final[JSON] = {
    key: {
        "account": key,
        "name": name,
        "kind": {"c": "caterer", "t": "tutor", "v": "club"}[key[0]],
        "status": "active",
        "suspended_from": None,
        "undertaking_signed_on": "2018-06-01",
        "creditor_number": f"07001{i:02d}",
        "contact_email": f"abrechnung@{key}.example",
        "vat_id": None,
        "tax_number": None,
    }
    for i, (key, name) in enumerate(_NAMES.items())
}
IBANS: Final = dict(
    zip(
        _NAMES,
        (
            "DE36100100100004711000",
            "DE09100100100004711001",
            "DE79100100100004711002",
            "DE52100100100004711003",
            "DE95100100100004711005",
            "DE68100100100004711006",
            "DE41100100100004711007",
            "DE14100100100004711008",
            "DE25100100100004711004",
        ),
        strict=True,
    )
)


def _prices(**items: str) -> list[JSON]:
    return [{"item": item, "valid_from": "2026-01-01", "unit_price": price} for item, price in items.items()]


def _agreement(provider: str, benefit: str, prices: list[JSON], **more: JSON) -> JSON:
    return {
        "provider": provider,
        "benefit": benefit,
        "facilities": [],
        "valid_from": "2026-01-01",
        "valid_to": "2027-07-31",
        "mode": "per_use",
        "evidence": "dates",
        "prices": prices,
        "vat_treatment": "catering_service",
        "drink_included": False,
        "late_cancellation_share": None,
        "absence_threshold_days": None,
        "min_period_months": 0,
        "submission_months": None,
        "late_effect": None,
        "tutoring": None,
        **more,
    }


def _lessons(**terms: JSON) -> JSON:
    return {
        "unit_minutes": 45,
        "group_max": 4,
        "minutes_rule": "pro_rata",
        "absence_share": None,
        "absences_per_month": 0,
        "units_per_day_max": 4,
        **terms,
    }


_TUTORING: Final[JSON] = {"vat_treatment": "exempt_4_21"}
_TAUGHT: Final = _prices(individual="22.50", group="12.00")
AGREEMENTS: Final[JSON] = {
    "c1": _agreement("c1", "lunch", [*_prices(lunch="4.20"), {"item": "lunch", "valid_from": "2026-09-16", "unit_price": "4.50"}]),
    "c2": _agreement("c2", "lunch", _prices(lunch="4.50")),
    "c3": _agreement("c3", "lunch", _prices(lunch="60.00"), facilities=["k2"], mode="flat"),
    "c4": _agreement("c4", "lunch", _prices(lunch="4.50")),
    "t1": _agreement("t1", "tutoring", _TAUGHT, **_TUTORING, tutoring=_lessons()),
    "t2": _agreement("t2", "tutoring", _prices(individual="15.00"), vat_treatment="small_business", tutoring=_lessons()),
    "t3": _agreement("t3", "tutoring", _TAUGHT, **_TUTORING, tutoring=_lessons(absence_share="0.50", absences_per_month=1)),
    "v1": _agreement("v1", "participation", [], vat_treatment="small_business"),
    "v2": _agreement("v2", "participation", [], vat_treatment="small_business"),
}

# The codes of the published list, by rule: what a provider reads. Rules that are not here are for staff only.
_CODES: Final = {
    "NOT_CONFIRMED": "I-01 I-02 I-05",
    "IN_CLARIFICATION": "H-07 I-04 E-09 E-12 E-13 M-03 M-06 M-11 M-16 P-03 L-06 L-09 L-10 L-11 L-12 L-14 X-04 X-05 T-01 T-02 T-03"
    " law_not_loaded",
    "NOT_IN_PERIOD": "E-01 E-04 X-02",
    "ENDED": "E-07",
    "NOT_COVERED": "E-02 M-12 M-13 M-15 X-01 X-06 P-09",
    "PAID_BY_FAMILY": "E-14",
    "NO_AGREEMENT": "P-01",
    "NOT_ASSIGNED": "P-04 M-02",
    "RELATIVE": "P-08",
    "OVER_AGREED_PRICE": "P-05 P-07 L-05",
    "ALREADY_BILLED": "M-01",
    "ONE_PER_DAY": "M-04 M-18",
    "CLOSED_DAY": "M-05",
    "NOT_ATTENDED": "M-07 L-07",
    "PARTLY_PAID": "M-08 M-10 M-14 L-08",
    "WRONG_SUBJECT": "L-01",
    "DURATION": "L-03 L-04",
    "BUDGET_USED": "B-01 L-02 X-03",
    "NUMBER_REPLACED": "B-04",
    "LATE": "H-06",
    "IN_FUTURE": "H-04",
    "INVALID_AMOUNT": "H-08 S-03",
}
_CODE: Final = {rule: code for code, rules in _CODES.items() for rule in rules.split()}


def code_of(rule: str, effect: str) -> str | None:
    """What a provider reads of a rule; None where it reads nothing."""
    if rule == "D-01":
        return "IN_CLARIFICATION" if effect == "review" else "ALREADY_BILLED"
    if rule == "M-06" and effect == "reject":
        return "CLOSED_DAY"
    if effect == "note" and rule != "H-07":
        return None
    return _CODE.get(rule)

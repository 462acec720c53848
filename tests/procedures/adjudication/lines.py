"""Lines of invoices as providers write them. ``child`` and ``entitlement`` are replaced by number and birth date when they are billed."""

from itertools import count
from typing import Any

from but_gateway.kit.money import divide_half_up, parse_money, print_money

JSON = Any
_proofs = count(1)


def lunch(child: str, *days: str, **more: JSON) -> JSON:
    """Lunches at school s1 for 4.50 each."""
    price, quantity = more.pop("unit_price", "4.50"), more.pop("quantity", len(days))
    return {
        "benefit": "lunch",
        "child": child,
        "facility": "s1",
        "service_dates": list(days),
        "quantity": quantity,
        "unit_price": price,
        "amount": print_money(parse_money(price) * quantity),
        "vat_rate": "7.00",
        **more,
    }


def lunch_month(child: str, month: str, **more: JSON) -> JSON:
    """A flat month at daycare k2 for 60.00; with ``quantity`` and ``unit_price`` a monthly count."""
    price, quantity = more.pop("unit_price", "60.00"), more.pop("quantity", 1)
    return {
        "benefit": "lunch",
        "child": child,
        "facility": "k2",
        "service_month": month,
        "quantity": quantity,
        "unit_price": price,
        "amount": print_money(parse_money(price) * quantity),
        "vat_rate": "7.00",
        **more,
    }


def minutes_of(time: str) -> int:
    """Minutes since midnight."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def lesson(child: str, day: str, start: str = "15:00", end: str = "16:30", **more: JSON) -> JSON:
    """An individual lesson in mathematics, billed for its recorded time at 22.50 per 45 minutes."""
    minutes = more.pop("minutes", minutes_of(end) - minutes_of(start))
    price = more.pop("unit_price", "22.50")
    details = {
        "subject": more.pop("subject", "mathematik"),
        "group_size": more.pop("group_size", 1),
        "minutes": minutes,
        "recorded_from": start,
        "recorded_to": end,
        "tutor": more.pop("tutor", None),
        "proof": more.pop("proof", f"SN-{next(_proofs)}"),
    }
    if not more.get("attended", True):
        details |= {"recorded_from": None, "recorded_to": None, "proof": None}
    return {
        "benefit": "tutoring",
        "child": child,
        "service_dates": [day],
        "unit_price": price,
        "amount": print_money(divide_half_up(parse_money(price) * minutes, 45)),
        "vat_exemption": "exempt_4_21",
        "tutoring": details,
        **more,
    }


def fee(child: str, first: str, last: str, amount: str, **more: JSON) -> JSON:
    """A club's fee; with ``benefit`` a trip."""
    benefit = more.pop("benefit", "participation")
    activity = {"activity": "sport"} if benefit == "participation" else {}
    return {
        "benefit": benefit,
        "child": child,
        "service_from": first,
        "service_to": last,
        "quantity": 1,
        "unit_price": amount,
        "amount": amount,
        "vat_exemption": "small_business",
        **activity,
        **more,
    }


def correction(line: JSON, invoice: str, line_no: int, days: list[str] | None = None, **more: JSON) -> JSON:
    """Takes back what a line billed, or some of its days."""
    quantity = -len(days or line.get("service_dates") or [1])
    price = more.pop("unit_price", line["amount"] if line["benefit"] == "tutoring" else line["unit_price"])
    taken = {
        "quantity": quantity,
        "unit_price": price,
        "amount": print_money(parse_money(price) * quantity),
        "corrects": {"invoice": invoice, "line_no": line_no},
    }
    kept = {name: value for name, value in line.items() if name not in {"attended", "cancelled_late"}}
    return kept | ({"service_dates": days} if days else {}) | taken | more

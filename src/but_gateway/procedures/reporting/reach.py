"""How many children are reached: exact counts become counts that may be shown."""

from collections import defaultdict
from collections.abc import Sequence

from but_gateway.procedures.reporting.model import Reach
from but_gateway.procedures.reporting.suppression import Count, Shown, publish


def may_be_shown(rows: Sequence[Reach]) -> tuple[list[Reach], list[Reach]]:
    """Items and the sums of each benefit, without counts of few children and what they could be computed from.

    Each child counts once for a benefit, so a benefit's rows are a family and nothing else adds them up.
    """
    families: dict[str, list[Reach]] = defaultdict(list)
    for row in rows:
        families[row.benefit].append(row)
    items, totals = [], []
    for benefit, family in families.items():
        shown, total = publish([Count(row.granted or 0, row.used or 0, row.expiring or 0) for row in family])
        items += [_reach(one, benefit, row.facility_key, row.legal_basis) for one, row in zip(shown, family, strict=True)]
        totals.append(_reach(total, benefit, None, None))
    return items, totals


def _reach(shown: Shown, benefit: str, facility_key: str | None, legal_basis: str | None) -> Reach:
    return Reach(benefit, facility_key, legal_basis, shown.granted, shown.used, shown.expiring)

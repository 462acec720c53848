"""Reports as pictures. Pure; the figures beside them stand in the tables."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from but_gateway.formats.chart import Chart, Series
from but_gateway.kit.money import print_euro_de
from but_gateway.kit.period import Month
from but_gateway.procedures.reporting.model import Liability, Reach, Speed, Spending
from but_gateway.procedures.reporting.sheets import KIND_NAMES
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES

# More columns than these are too thin to read: the rest is drawn as one.
PROVIDERS_MAX: Final = 20
_MONTH_NAMES: Final = ("Jan.", "Feb.", "März", "April", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.")


def spending_chart(year: int, rows: Sequence[Spending]) -> Chart:
    """Spending of each month, a colour for each benefit; receipts are taken off."""
    months = [Month(year, number) for number in range(1, 13)]
    sums: dict[tuple[str, Month], int] = defaultdict(int)
    for row in rows:
        sums[row.benefit, row.month] += row.net
    benefits = [benefit for benefit in BENEFIT_NAMES if any(row.benefit == benefit for row in rows)]
    return Chart(
        title=f"Ausgaben {year} nach Monat der Zahlung",
        description=f"Gestapelte Säulen je Monat und Leistungsart. Im ganzen Jahr {print_euro_de(sum(r.net for r in rows))}.",
        labels=_MONTH_NAMES,
        series=tuple(Series(BENEFIT_NAMES[b], tuple(sums.get((b, month)) for month in months)) for b in benefits),
        spell=print_euro_de,
        stacked=True,
    )


def liabilities_chart(on: date, rows: Sequence[Liability]) -> Chart:
    """What is owed to the providers that are owed most, by age."""
    owed: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        for place, amount in enumerate((row.late, row.soon, row.in_time)):
            owed[row.provider_key][place] += amount
    ranked = sorted(owed, key=lambda key: (-sum(owed[key]), key))
    labels, columns = ranked[:PROVIDERS_MAX], [owed[key] for key in ranked[:PROVIDERS_MAX]]
    if len(ranked) > PROVIDERS_MAX:
        labels, columns = (
            [*labels, "übrige"],
            [*columns, [sum(parts) for parts in zip(*map(owed.__getitem__, ranked[PROVIDERS_MAX:]), strict=True)]],
        )
    names = ("Ziel überschritten", "Ziel endet binnen einer Woche", "im Ziel")
    return Chart(
        title=f"Offene Verbindlichkeiten am {on:%d.%m.%Y}",
        description=f"Gestapelte Säulen je Anbieter. Überschritten sind {print_euro_de(sum(row.late for row in rows))}.",
        labels=tuple(labels),
        series=tuple(Series(name, tuple(column[place] for column in columns)) for place, name in enumerate(names)),
        spell=print_euro_de,
        stacked=True,
    )


def times_chart(year: int, rows: Sequence[Speed], term_days: int) -> Chart:
    """The median until payment, a colour for each kind of provider."""
    months = [Month(year, number) for number in range(1, 13)]
    medians: Mapping[tuple[str, Month], int] = {(r.provider_kind, r.month): r.payment.median for r in rows if r.payment is not None}
    kinds = [kind for kind in KIND_NAMES if any(row.provider_kind == kind for row in rows)]
    return Chart(
        title=f"Tage vom Eingang bis zur Zahlung {year} (Median)",
        description=f"Säulen je Monat des Eingangs und Art der Anbieter. Das Zahlungsziel sind {term_days} Tage.",
        labels=_MONTH_NAMES,
        series=tuple(Series(KIND_NAMES[kind], tuple(medians.get((kind, month)) for month in months)) for kind in kinds),
        spell=_spell_days,
    )


def take_up_chart(on: date, totals: Sequence[Reach]) -> Chart:
    """Children granted each benefit and children who used it."""
    return Chart(
        title=f"Inanspruchnahme am {on:%d.%m.%Y}",
        description="Säulen je Leistungsart: Kinder mit Bewilligung und Kinder, die sie nutzten. Kleine Zahlen fehlen.",
        labels=tuple(BENEFIT_NAMES[row.benefit] for row in totals),
        series=(Series("bewilligt", tuple(row.granted for row in totals)), Series("genutzt", tuple(row.used for row in totals))),
    )


def _spell_days(days: int) -> str:
    return "1 Tag" if days == 1 else f"{days} Tage"

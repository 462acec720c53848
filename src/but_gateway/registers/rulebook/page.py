"""The page of a rule for people: everything on it comes from the rule itself."""

import html
from datetime import date
from functools import cache
from pathlib import Path
from string import Template
from typing import Final

from but_gateway.registers.rulebook.model import FAMILIES, RuleEntry

EFFECTS: Final = {"note": "Hinweis", "reduce": "Kürzung", "review": "Klärfall", "reject": "Ablehnung"}
FORMS: Final = {"day": "einzelne Tage", "month": "ganze Monate", "range": "Zeiträume"}
BENEFITS: Final = {
    "lunch": "Mittagsverpflegung",
    "tutoring": "Lernförderung",
    "participation": "soziale und kulturelle Teilhabe",
    "day_trip": "Ausflüge",
    "class_trip": "mehrtägige Klassenfahrten",
    "school_supplies": "Schulbedarf",
    "school_transport": "Schülerbeförderung",
}


def facts_of_rule(entry: RuleEntry) -> tuple[tuple[str, str], ...]:
    """What stands above the texts, as pairs of a name and what is so (German)."""
    found = [
        ("Familie", FAMILIES[entry.family]),
        ("Wirkung", " oder ".join(EFFECTS[one] for one in entry.effects) if entry.decides else "entscheidet selbst über keine Position"),
        ("Rechtsgrundlage", entry.basis or ""),
        ("Leistungsarten", "" if not entry.decides else _listed(entry.benefits, BENEFITS)),
        ("Abrechnung über", "" if not entry.decides else _listed(entry.forms, FORMS)),
        ("Gilt für Leistungen", _days(entry.since, entry.until)),
        ("Codes für Anbieter", ", ".join(entry.texts.codes) or "keine: nur für die Verwaltung"),
    ]
    return tuple((name, what) for name, what in found if what)


def rule_page(german: RuleEntry, english: RuleEntry) -> str:
    """The page as HTML. It loads nothing but our own style sheet."""
    facts = "\n".join(f"<dt>{_safe(name)}</dt><dd>{_safe(what)}</dd>" for name, what in facts_of_rule(german))
    holding = [says for says, holds in german.examples if holds]
    passing = [says for says, holds in german.examples if not holds]
    examples = "".join(
        f"<h3>{title}</h3>\n<ul>\n" + "\n".join(f"<li>{_safe(one)}</li>" for one in cases) + "\n</ul>\n"
        for title, cases in (("Trifft zu", holding), ("Trifft nicht zu", passing))
        if cases
    )
    return _template().substitute(
        id=_safe(german.id),
        condition=_safe(german.condition),
        facts=facts,
        german=_texts(german, "Sachbearbeitung", "Anbieter"),
        english=_texts(english, "Clerk", "Provider"),
        examples=f"<h2>Beispiele</h2>\n{examples}" if examples else "",
    )


def _texts(entry: RuleEntry, clerk: str, provider: str) -> str:
    rows = [(clerk, entry.texts.clerk), *((provider, f"{one.text} {one.next_step}") for one in entry.texts.provider)]
    return "\n".join(f"<dt>{name}</dt><dd>{_safe(text)}</dd>" for name, text in rows)


def _listed(names: tuple[str, ...] | None, words: dict[str, str]) -> str:
    return "alle" if names is None else ", ".join(words[one] for one in names)


def _days(since: date | None, until: date | None) -> str:
    first, last = (f"{day:%d.%m.%Y}" if day else "" for day in (since, until))
    return " ".join(part for part in (first and f"ab {first}", last and f"bis {last}") if part) or "jeden Tages"


def _safe(text: str) -> str:
    return html.escape(text)


@cache
def _template() -> Template:
    return Template(Path(__file__).with_name("rule.html").read_text("utf-8"))

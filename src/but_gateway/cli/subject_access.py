"""``but-gateway subject-access``: what is stored about a child, for the family or its representative."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from but_gateway.cli.keys import find_town_of
from but_gateway.cli.owner import ACTOR, Office, run_as_app
from but_gateway.cli.report import CommandError, Exit, say, say_json

if TYPE_CHECKING:  # help must not pay for it
    from but_gateway.procedures.privacy.model import Disclosure

_HOW: Final = {
    "asked": "hat die Berechtigung geprüft",
    "billed": "hat abgerechnet",
    "linked": "kennt die Berechtigungsnummer",
    "named": "ist in der Bewilligung genannt",
    "told": "hat eine Änderung mitgeteilt bekommen",
}
_SOURCES: Final = (
    "Name, Geburtsdatum, Berechtigungen und Bewilligungen: von der bewilligenden Stelle (Bewilligungsimport).",
    "Abrechnungen, Zeilen und Einwände: von den genannten Anbietern.",
    "Entscheidungen, Buchungen und Protokolle: hier entstanden, nach festen Regeln oder durch die zuständigen Personen.",
)
_FURTHER: Final = (
    "Empfänger im Amt: die mit Prüfung, Anordnung und Zahlung befassten Stellen der Kommune; die Kasse erfährt nur Summen je Anbieter.",
    "Die Bank erfährt weder Namen noch Nummern von Kindern.",
    "Antworten auf Anfragen werden verschlüsselt bis zu vier Monate aufbewahrt, damit eine Wiederholung dieselbe Antwort bekommt.",
)


def subject_access(
    municipality: Annotated[str, typer.Argument(metavar="MUNICIPALITY", help="Key of the municipality.")],
    child_key: Annotated[str, typer.Argument(metavar="CHILD_KEY", help="The office's key of the child.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print everything stored about a child, opened, with recipients, sources and retention (Art. 15 DSGVO, § 83 SGB X)."""

    async def work(office: Office) -> Disclosure | None:
        from but_gateway.db.tenancy import Scope  # noqa: PLC0415 - help must not pay for it
        from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above
        from but_gateway.procedures.privacy.subject_access import subject_access as disclose  # noqa: PLC0415 - as above

        town = await find_town_of(office, municipality)
        keys = office.master_key.town_keys(town.id, town.data_key, town.further_keys)
        async with office.database.transaction(Scope(town.id)) as unit:
            return await disclose(unit, town, keys, child_key, at=SystemClock().now(), actor=ACTOR)

    disclosure = run_as_app(work)
    if disclosure is None:
        raise CommandError(f"There is no child {child_key!r} in {municipality}.", Exit.CONFLICT)
    if as_json:
        say_json(document(disclosure))
    else:
        for line in text(disclosure):
            say(line)


def document(disclosure: Disclosure) -> dict[str, Any]:
    """For machines."""
    from but_gateway.procedures.privacy.reach import REACHES  # noqa: PLC0415 - help must not pay for it

    titles = {reach.table: reach.title for reach in REACHES}
    return {
        "municipality": disclosure.municipality,
        "municipality_name": disclosure.municipality_name,
        "child": disclosure.child_key,
        "at": disclosure.at.isoformat(),
        "sections": [
            {
                "table": section.table,
                "title": titles[section.table],
                "retention": _retention(section.table),
                "rows": [{name: _plain(value) for name, value in row.items()} for row in section.rows],
            }
            for section in disclosure.sections
        ],
        "recipients": [{"provider": r.key, "name": r.name, "how": list(r.how)} for r in disclosure.recipients],
        "batches": list(disclosure.batches),
        "sources": list(_SOURCES),
        "further": list(_FURTHER),
    }


def text(disclosure: Disclosure) -> list[str]:
    """For people, in German."""
    content = document(disclosure)
    lines = [
        f"Auskunft nach Art. 15 DSGVO, § 83 SGB X – {disclosure.municipality_name}",
        f"Kind {disclosure.child_key}, Stand {disclosure.at:%d.%m.%Y %H:%M} UTC",
    ]
    for section in content["sections"]:
        lines += ["", f"{section['title']} ({len(section['rows'])})", f"  Aufbewahrung: {section['retention']}"]
        for row in section["rows"]:
            lines.append("  -")
            lines += [f"    {name}: {_shown(value)}" for name, value in row.items() if value is not None]
    lines += ["", "Empfänger"]
    lines += [f"  {r['name']} ({r['provider']}): {', '.join(_HOW[how] for how in r['how'])}" for r in content["recipients"]] or ["  keine"]
    if content["batches"]:
        lines += ["", f"Dateien der Abrechnungsläufe {', '.join(content['batches'])} führen die genannten Positionen noch einmal auf."]
    lines += ["", "Herkunft", *(f"  {one}" for one in content["sources"]), "", "Weiteres", *(f"  {one}" for one in content["further"])]
    return lines


def _retention(table: str) -> str:
    from but_gateway.procedures.retention.catalogue import KEPT, PERIODS  # noqa: PLC0415 - help must not pay for it

    terms = []
    for period in PERIODS:
        if table in period.tables:
            months = f"{period.months} volle Monate" if period.months else "bis zum Ablauf"
            years = f"{period.years} Jahre ab dem Jahr nach der Feststellung des Jahresabschlusses"
            terms.append(f"{period.title}: {years if period.years else months}")
    return "; ".join(terms) or KEPT.get(table, "")


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int | bool | Mapping):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)

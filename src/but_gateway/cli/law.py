"""``but-gateway law`` and ``explain``: the rule book by date, what has to be confirmed again, and what a change would have done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from but_gateway.cli.report import CommandError, Exit, say_json
from but_gateway.cli.sheet import print_pairs, print_sheet, print_text

if TYPE_CHECKING:  # help must not pay for these
    from datetime import date

    from but_gateway.registers.rulebook.model import ParameterEntry
    from but_gateway.rules.wording import Lang

commands = typer.Typer(help="Law and rules by date; what a change would do.", no_args_is_help=True)
On = Annotated[str, typer.Option("--on", metavar="DAY", help="Service day such as 2026-11-22; today when left out.")]
_YES_NO: Final = {"true": "ja", "false": "nein"}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command()
def show(on: On = "", *, as_json: AsJson = False) -> None:
    """Show every parameter of the law on a day, with its source, and what is not loaded."""
    from but_gateway.law.parameters import LawNotLoaded, law_version  # noqa: PLC0415 - help must not pay for it
    from but_gateway.registers.rulebook.model import parameter_entries  # noqa: PLC0415 - as above

    day = _day(on, "--on")
    try:
        entries = parameter_entries(day)
    except LawNotLoaded as error:
        raise CommandError(error.reason, Exit.USAGE) from None
    if as_json:
        from but_gateway.registers.rulebook.schemas import LawOut, ParameterOut  # noqa: PLC0415 - as above

        answer = LawOut(on=day, version=law_version(), items=[ParameterOut.of(one) for one in entries])
        say_json(answer.model_dump(mode="json"))
        return
    rows = [
        (one.key, _value(one), _german(one.first), _german(one.last), _german(one.still_valid_on), one.description, one.reference)
        for one in entries
    ]
    print_sheet(f"Recht am {_german(day)}", ("Wert", "beträgt", "von", "bis", "bestätigt", "Bedeutung", "Fundstelle"), rows)


@commands.command()
def rules(on: On = "", *, as_json: AsJson = False) -> None:
    """List the rules that hold for services of a day."""
    from but_gateway.registers.rulebook.model import rule_entries  # noqa: PLC0415 - help must not pay for it
    from but_gateway.registers.rulebook.page import EFFECTS  # noqa: PLC0415 - as above
    from but_gateway.rules.version import RULE_SET  # noqa: PLC0415 - as above

    day = _day(on, "--on")
    entries = rule_entries(day, "de")
    if as_json:
        from but_gateway.registers.rulebook.schemas import RuleOut, RulesOut  # noqa: PLC0415 - as above

        say_json(RulesOut(on=day, rule_set=RULE_SET, items=[RuleOut.of(one) for one in entries]).model_dump(mode="json"))
        return
    rows = [(one.id, "/".join(EFFECTS[effect] for effect in one.effects) or "–", one.condition, one.basis or "") for one in entries]
    print_sheet(f"Regeln für Leistungen am {_german(day)}", ("Regel", "Wirkung", "trifft zu", "Grundlage"), rows)


@commands.command()
def stale(
    months: Annotated[int, typer.Option(help="Months after which a value has to be confirmed again.", min=0, max=600)] = 12,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="The day to look from; today when left out.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List the values in force that nobody confirmed for so many months; exit code 1 when there are any."""
    from but_gateway.law.parameters import stale as find  # noqa: PLC0415 - help must not pay for it
    from but_gateway.registers.rulebook.model import parameter_entry  # noqa: PLC0415 - as above

    day = _day(on, "--on")
    entries = [parameter_entry(reading) for reading in find(day, months)]
    if as_json:
        from but_gateway.registers.rulebook.schemas import ParameterOut  # noqa: PLC0415 - as above

        items = [ParameterOut.of(one).model_dump(mode="json") for one in entries]
        say_json({"on": str(day), "months": months, "items": items})
    else:
        rows = [(_german(one.still_valid_on), one.key, _value(one), _german(one.first), one.reference) for one in entries]
        title = f"Seit {months} Monaten nicht bestätigt: {len(rows)}"
        print_sheet(title, ("bestätigt", "Wert", "beträgt", "von", "Fundstelle"), rows)
    if entries:
        raise typer.Exit(Exit.FINDINGS)


@commands.command()
def replay(  # noqa: PLR0913 - the options of the command
    municipality: Annotated[str, typer.Option(metavar="KEY", help="The town.")],
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First service day.")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last service day.")],
    rules_file: Annotated[Path | None, typer.Option("--rules", metavar="FILE", help="YAML of what is supposed: docs/replay.md.")] = None,
    law: Annotated[Path | None, typer.Option("--law", metavar="DIR", help="Directory of law files in place of ours.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Decide stored positions again with other settings, terms or law and show the difference; nothing is written.

    Without --rules and --law every decision must come out the same: exit code 1 when one does not.
    """
    from but_gateway.cli.replaying import run  # noqa: PLC0415 - help must not pay for it
    from but_gateway.kit.period import DayRange  # noqa: PLC0415 - as above

    start, end = _day(first, "--from"), _day(last, "--to")
    if end < start:
        raise CommandError("--to lies before --from", Exit.USAGE)
    if run(municipality, DayRange(start, end), rules_file, law, as_json=as_json):
        raise typer.Exit(Exit.FINDINGS)


def explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Id of a rule such as E-01.")],
    language: Annotated[str, typer.Option("--language", metavar="de|en", help="Language of the texts.")] = "de",
    *,
    as_json: AsJson = False,
) -> None:
    """Explain a rule: when it holds, what follows, its legal basis, its texts and examples."""
    from but_gateway.registers.rulebook.model import rule_entry  # noqa: PLC0415 - help must not pay for it
    from but_gateway.registers.rulebook.page import facts_of_rule  # noqa: PLC0415 - as above

    entry = rule_entry(rule, _language(language)) or rule_entry(rule.upper(), _language(language))
    if entry is None:
        raise CommandError(f"There is no rule {rule!r}. See all of them with: but-gateway law rules", Exit.USAGE)
    if as_json:
        from but_gateway.registers.rulebook.schemas import RuleOut  # noqa: PLC0415 - as above

        say_json(RuleOut.of(entry).model_dump(mode="json"))
        return
    texts = [("Sachbearbeitung", entry.texts.clerk)]
    texts += [("Anbieter", f"{one.text} {one.next_step}") for one in entry.texts.provider]
    cases = [("trifft zu" if holds else "trifft nicht zu", says) for says, holds in sorted(entry.examples, key=lambda one: not one[1])]
    print_text(f"Regel {entry.id}", entry.condition)
    print_pairs("", facts_of_rule(entry))
    print_pairs("Texte", texts)
    print_pairs("Beispiele", cases)


def _day(text: str, option: str) -> date:
    from datetime import date  # noqa: PLC0415 - beside the clock

    from but_gateway.kit.clock import SystemClock, business_day  # noqa: PLC0415 - help must not pay for it

    if not text:
        return business_day(SystemClock().now())
    try:
        if len(text) == len("2026-11-22"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CommandError(f"{option} takes a day such as 2026-11-22", Exit.USAGE)


def _language(text: str) -> Lang:
    if text == "en":
        return "en"
    if text == "de":
        return "de"
    raise CommandError("--language takes de or en", Exit.USAGE)


def _german(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else ""


def _value(entry: ParameterEntry) -> str:
    """A value as people read it; one that is not loaded gives its reason."""
    if entry.not_loaded is not None:
        return f"nicht geladen: {entry.not_loaded}"
    if entry.by_basis is not None:
        values: dict[str, list[str]] = {}
        for basis, one in entry.by_basis.items():
            values.setdefault("keine" if one is None else _YES_NO.get(one, one), []).append(basis)
        return "; ".join(f"{one}: {', '.join(bases)}" for one, bases in values.items())
    unit = {"EUR": " €", "%": " %", "years": " Jahre", "months": " Monate", None: ""}[entry.unit]
    value = entry.value or ""
    return _YES_NO.get(value, value.replace(".", ",") if entry.unit in ("EUR", "%") else value) + unit

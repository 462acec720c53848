"""What ``but-gateway law replay`` does and prints."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from but_gateway.cli.place import opened, settings_of_environment
from but_gateway.cli.report import CommandError, Exit, say_json, tell
from but_gateway.cli.sheet import print_pairs, print_sheet
from but_gateway.db.connect import is_schema_missing
from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.identity.store import find_town
from but_gateway.kit.money import print_euro_de, print_money
from but_gateway.kit.period import DayRange
from but_gateway.law.loader import BadLaw, read_law
from but_gateway.law.parameters import law_book
from but_gateway.procedures.replay.model import Change, Replayed, Supposition
from but_gateway.procedures.replay.replay import replay
from but_gateway.procedures.replay.schemas import BadSuppositionError, read_supposition
from but_gateway.settings import Settings

_OUTCOMES: Final = {"accepted": "anerkannt", "reduced": "gekürzt", "rejected": "abgelehnt", "review": "Klärfall", "cancelled": "storniert"}
_LEFT_OUT: Final = {
    "by_person": "von Menschen entschieden",
    "cancelled": "storniert",
    "corrected": "berichtigt oder Berichtigung",
    "without_facts": "ohne gespeicherte Tatsachen",
}
_AS_STORED: Final = "Budgets, konkurrierende Abrechnungen und alles andere gelten wie gespeichert."
_TEXT_BYTES_MAX: Final = 1024 * 1024


def run(town: str, days: DayRange, rules: Path | None, law: Path | None, *, as_json: bool) -> bool:
    """Replays and prints; answers whether something differs though nothing was supposed."""
    supposed = _read(rules, law)
    with opened(settings_of_environment()) as settings:
        result = asyncio.run(_replay(settings, town, days, supposed))
    if as_json:
        say_json({"municipality": town, "from": str(days.first), "to": str(days.last), **document(result)})
    else:
        _print(result)
    return supposed.nothing and result.changed.positions > 0


def _read(rules: Path | None, law: Path | None) -> Supposition:
    try:
        if law is not None and not law.is_dir():
            raise CommandError(f"{law} is no directory", Exit.USAGE)
        book = law_book() if law is None else read_law(law)
        if rules is None:
            return Supposition(law=None if law is None else book)
        if rules.stat().st_size > _TEXT_BYTES_MAX:
            raise CommandError(f"{rules} is longer than 1 MiB", Exit.USAGE)
        return read_supposition(rules.read_text("utf-8"), book, law_differs=law is not None)
    except BadLaw as error:
        raise CommandError(f"--law: {error}", Exit.USAGE) from None
    except BadSuppositionError as error:
        raise CommandError(f"{rules}: {error}", Exit.USAGE) from None
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"{rules} cannot be read", Exit.USAGE) from None


async def _replay(settings: Settings, town_key: str, days: DayRange, supposed: Supposition) -> Replayed:
    database = await Database.open(settings.database_url, pool_size=1)
    try:
        await database.start()
        async with database.transaction(Scope(await _town(database, town_key))) as unit:
            return await replay(unit, days, supposed, _progress)
    except OSError as error:
        raise CommandError(f"The database does not answer ({type(error).__name__}). See what is wrong with: but-gateway doctor") from None
    except Exception as error:
        if is_schema_missing(error):
            raise CommandError("The database is not migrated. Mend it with: but-gateway db migrate") from None
        raise
    finally:
        await database.close()


async def _town(database: Database, key: str) -> UUID:
    async with database.pool.acquire() as connection:
        town = await find_town(connection, key)
    if town is None:
        raise CommandError(f"There is no municipality {key!r}.", Exit.CONFLICT)
    return town.id


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} positions …")
        sys.stderr.write("\n" if done == total else "")
        sys.stderr.flush()
    else:
        tell(f"{done} of {total} positions")


def document(result: Replayed) -> dict[str, Any]:
    """The result in contract form: amounts as decimal strings."""
    return {
        "replayed": _change(result.all),
        "changed": _change(result.changed),
        "by_outcome": [{"before": before, "after": after, **_change(one)} for (before, after), one in sorted(result.by_outcome.items())],
        "by_rule": [
            {"rule": rule, "anew": one.anew, "no_longer": one.no_longer, "lines": one.lines, "difference": print_money(one.cents)}
            for rule, one in sorted(result.by_rule.items())
        ],
        "left_out": dict(result.left_out),
        "of_other_rule_sets": result.other_rule_sets,
        "as_stored": ["budgets", "rivals", "registers"],
    }


def _change(one: Change) -> dict[str, Any]:
    return {
        "positions": one.positions,
        "lines": one.lines,
        "approved_before": print_money(one.approved_before),
        "approved_after": print_money(one.approved_after),
        "difference": print_money(one.approved_after - one.approved_before),
        "proposed_before": print_money(one.proposed_before),
        "proposed_after": print_money(one.proposed_after),
    }


def _print(result: Replayed) -> None:
    whole, changed = result.all, result.changed
    pairs = [
        ("Neu entschieden", f"{_lines(whole)}; anerkannt {_from_to(whole.approved_before, whole.approved_after)}"),
        ("Davon anders", _lines(changed)),
        ("Differenz", _euro(changed.approved_after - changed.approved_before)),
        ("In Prüfung", _from_to(whole.proposed_before, whole.proposed_after)),
        ("Ausgelassen", _listed(result.left_out) or "nichts"),
        ("Hinweis", _AS_STORED),
    ]
    if result.other_rule_sets:
        pairs.append(("Hinweis", f"{result.other_rule_sets} Positionen entschied ein anderes Regelwerk als dieses."))
    print_pairs("Nachberechnung", pairs)
    if not changed.positions:
        return
    print_sheet(
        "Nach Ergebnis",
        ("vorher", "nachher", "Positionen", "Zeilen", "anerkannt vorher", "nachher", "Differenz"),
        [
            (_OUTCOMES[before], _OUTCOMES[after], str(one.positions), str(one.lines), *_sums(one))
            for (before, after), one in sorted(result.by_outcome.items())
        ],
        numbers=range(2, 7),
    )
    print_sheet(
        "Nach Regel",
        ("Regel", "neu", "entfällt", "Zeilen", "Differenz"),
        [(rule, str(one.anew), str(one.no_longer), str(one.lines), _euro(one.cents)) for rule, one in sorted(result.by_rule.items())],
        numbers=range(1, 5),
    )


def _lines(one: Change) -> str:
    return f"{one.positions} Positionen in {one.lines} Zeilen"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {_LEFT_OUT[reason]}" for reason, count in counts.items() if count)


def _sums(one: Change) -> tuple[str, str, str]:
    return print_euro_de(one.approved_before), print_euro_de(one.approved_after), _euro(one.approved_after - one.approved_before)


def _from_to(before: int, after: int) -> str:
    return print_euro_de(before) if before == after else f"{print_euro_de(before)} → {print_euro_de(after)}"


def _euro(difference: int) -> str:
    """A difference with its sign."""
    return f"+{print_euro_de(difference)}" if difference > 0 else print_euro_de(difference)

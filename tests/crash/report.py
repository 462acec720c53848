"""From the results of crash rounds to the tables of docs/reliability.md: measured, never written by hand."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.crash.mutants import BY_NAME
from tests.crash.verbs import all_points

BEGIN: Final = "<!-- measured: begin (make crash writes this) -->"
END: Final = "<!-- measured: end -->"
SEEDS_DUE, KILLS_DUE, UNHEARD_DUE = 20, 200, 500
_SHOWN_MAX: Final = 110
Line = dict[str, Any]


def read(path: Path) -> list[Line]:
    """The lines of a results file; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def is_good(lines: Sequence[Line]) -> bool:
    """Nothing violated, every mutant that was tried caught."""
    return not any(line["faults"] for line in _rounds(lines)) and all(line["caught_by"] for line in _mutants(lines).values())


def write(document: Path, lines: Sequence[Line]) -> None:
    """Puts the tables into the document, between the marks. Refuses a document without them (ValueError)."""
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{document} has no place for what was measured")
    document.write_text(f"{before}{BEGIN}\n" + "\n".join(tables(lines)) + f"\n{END}{after}", encoding="utf-8")


def summary(lines: Sequence[Line]) -> list[str]:
    """All rounds in some lines."""
    rounds, mutants = _rounds(lines), _mutants(lines)
    kills, proxy, client, died = (_sum(rounds, name) for name in ("kills", "proxy", "client", "died"))
    missing = [point for point in all_points() if not died[point]]
    return [
        f"seeds {len({line['seed'] for line in rounds} - {0})} (due {SEEDS_DUE})",
        f"rounds with a violation {sum(bool(line['faults']) for line in rounds)} (due 0)",
        f"kills {kills.total()} (due {KILLS_DUE}): {_said(kills)}",
        f"acknowledgements of commits lost {proxy['unheard']} (due {UNHEARD_DUE}) of {proxy['commits']} commits; {_said(proxy)}",
        f"requests {client['requests']}, repeated {client['repeated']}, broken off {client['broken']}, answered 503 {client['503']}",
        f"successes remembered {sum(line['told'] for line in rounds)}",
        f"crash points at which an app died {len(all_points()) - len(missing)} of {len(all_points())}",
        f"never at: {', '.join(missing) or 'none'}",
        f"mutants caught {sum(bool(line['caught_by']) for line in mutants.values())} of {len(mutants)} tried ({len(BY_NAME)} there are)",
    ]


def tables(lines: Sequence[Line]) -> list[str]:
    """The same as Markdown."""
    rounds, mutants = _rounds(lines), _mutants(lines)
    kills, proxy, client, died = (_sum(rounds, name) for name in ("kills", "proxy", "client", "died"))
    missing = [point for point in all_points() if not died[point]]
    rows = [
        ("seeds", f"≥ {SEEDS_DUE}", len({line["seed"] for line in rounds} - {0})),
        ("rounds with a violation", "0", sum(bool(line["faults"]) for line in rounds)),
        ("kills", f"≥ {KILLS_DUE}", f"{kills.total()} ({_said(kills)})"),
        ("acknowledgements of commits lost", f"≥ {UNHEARD_DUE}", f"{proxy['unheard']} of {proxy['commits']} commits that wrote"),
        ("commits that never arrived, connections cut, messages delayed", "–", f"{proxy['unsaid']}, {proxy['cut']}, {proxy['delayed']}"),
        ("requests, of them repeated", "–", f"{client['requests']}, {client['repeated']}"),
        ("successes that clients remembered and found again", "–", sum(line["told"] for line in rounds)),
        ("crash points at which an app died", "all", f"{len(all_points()) - len(missing)} of {len(all_points())}"),
        ("mutants caught", "all", f"{sum(bool(line['caught_by']) for line in mutants.values())} of {len(BY_NAME)}"),
    ]
    commits = ", ".join(sorted({line["commit"] for line in (*rounds, *mutants.values())}))
    shown = ["", f"Measured at {commits or 'no commit yet'}.", "", "| | due | measured |", "|---|---|---|"]
    shown += [f"| {name} | {due} | {value} |" for name, due, value in rows]
    if missing:
        shown += ["", "No app has died yet at: " + ", ".join(f"`{point}`" for point in missing) + "."]
    shown += ["", "| mutant | the mistake | caught by | seconds |", "|---|---|---|---|"]
    for name, mutant in BY_NAME.items():
        line = mutants.get(name)
        caught = "not tried" if line is None else (line["caught_by"] or "NOT CAUGHT")
        shown.append(f"| `{name}` | {mutant.says} | {_cell(caught)} | {'–' if line is None else line['seconds']} |")
    return [*shown, ""]


def _rounds(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line["kind"] == "round"]


def _mutants(lines: Sequence[Line]) -> dict[str, Line]:
    """The last try of each mutant that still exists."""
    return {line["name"]: line for line in lines if line["kind"] == "mutant" and line["name"] in BY_NAME}


def _sum(rounds: Sequence[Line], name: str) -> Counter[str]:
    total = Counter[str]()
    for line in rounds:
        total.update(line[name])
    return total


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {times}" for name, times in sorted(counts.items()))


def _cell(text: str) -> str:
    short = text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "…"
    return short.replace("|", "\\|")

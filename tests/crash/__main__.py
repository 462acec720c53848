"""``make crash``: storms over many seeds, then every planted mutant.

What was measured goes into a file of JSON lines and from there into docs/reliability.md. Ends with 1 where anything was violated or
a mutant was not caught.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.crash import report
from tests.crash.machine import ROOT, Server, machine, nursery, server
from tests.crash.memory import FAULT_OF_OURS
from tests.crash.mutants import BY_NAME
from tests.crash.storm import Outcome, Storm, points_round, seeded, weather_round

RESULTS: Final = ROOT / "var" / "crash.jsonl"
ATTEMPTS: Final = 6  # rounds a mutant may survive before it counts as not caught


def main() -> None:
    """Runs what the options say."""
    options = _options()
    if not options.only_report:
        asyncio.run(_run(options))
    lines = report.read(options.results)
    report.write(ROOT / "docs" / "reliability.md", lines)
    print("\n".join(report.summary(lines)))  # noqa: T201 - the command's output
    sys.exit(0 if report.is_good(lines) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="rounds without a mutant (20)")
    parser.add_argument("--first-seed", type=int, default=1, help="the seed of the first one (1)")
    parser.add_argument("--successes", type=int, default=80, help="that clients get done in each storm (80)")
    parser.add_argument("--minutes", type=float, default=0, help="no further round after so many (0: no limit)")
    parser.add_argument("--no-points", dest="points", action="store_false", help="leave out the round in which an app dies at every point")
    parser.add_argument("--mutants", default="all", help="names with commas between, all, or none (all)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where results are added (var/crash.jsonl)")
    parser.add_argument("--pg-bin", type=Path, default=None, help="server programs to use instead of the shipped ones")
    parser.add_argument("--only-report", action="store_true", help="measure nothing, write docs/reliability.md from what there is")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> None:
    until = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    names = {"all": list(BY_NAME), "none": []}.get(options.mutants) if options.mutants in ("all", "none") else options.mutants.split(",")
    deaths = Counter[str]()
    for line in report.read(options.results):
        deaths.update(line.get("died", {}) if line["kind"] == "round" else {})
    async with server(options.pg_bin) as on, nursery() as children:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            if time.monotonic() < until:
                outcome = await _storm(on, children, seed, Storm(successes=options.successes), deaths)
                _keep(options.results, {"kind": "round", **_document(outcome)})
                _tell(f"seed {seed}", outcome)
        if options.points and time.monotonic() < until:
            outcome = await _systematic(on, children)
            _keep(options.results, {"kind": "round", **_document(outcome)})
            _tell("every point", outcome)
        for name in names or []:
            if time.monotonic() < until:
                _keep(options.results, await _catch(on, children, name))


async def _storm(on: Server, children: asyncio.subprocess.Process, seed: int, storm: Storm, deaths: Counter[str]) -> Outcome:
    async with machine(on, children, f"seed_{seed}", seeded(seed), deaths=deaths) as one:
        outcome = await weather_round(one, seed, storm)
        if outcome.faults:
            _save_logs(one.folder, f"seed-{seed}")
    deaths.update(outcome.died)
    return outcome


async def _systematic(on: Server, children: asyncio.subprocess.Process) -> Outcome:
    async with machine(on, children, "every_point", seeded("every point")) as one:
        outcome = await points_round(one, 0)
        if outcome.faults:
            _save_logs(one.folder, "every-point")
    return outcome


async def _catch(on: Server, children: asyncio.subprocess.Process, name: str) -> dict[str, Any]:
    """Storms over a mutant until it is caught; each round is a little longer."""
    mutant, spent = BY_NAME[name], 0.0
    for attempt in range(1, ATTEMPTS + 1):
        chance = seeded(f"{name} {attempt}")
        async with machine(on, children, f"{name.replace('-', '_')}_{attempt}", chance, mutant=name, sql=mutant.sql) as one:
            outcome = await weather_round(
                one, attempt, Storm(successes=30 + 20 * attempt, focus=mutant.focus, without=mutant.without), towns=1
            )
        spent += outcome.seconds
        _tell(f"{name}, attempt {attempt}", outcome)
        if caught := [fault for fault in outcome.faults if mutant.by_500 or FAULT_OF_OURS not in fault]:
            break
    caught_by = caught[0] if caught else None
    return {"kind": "mutant", "commit": _commit(), "name": name, "caught_by": caught_by, "attempts": attempt, "seconds": round(spent, 1)}


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "commit": _commit(), "seed": outcome.seed, "seconds": round(outcome.seconds, 1), "faults": outcome.faults, "told": outcome.told,
        "kills": dict(outcome.kills), "proxy": dict(outcome.proxy), "client": dict(outcome.client), "died": dict(outcome.died),
    }  # fmt: skip


def _keep(results: Path, line: dict[str, Any]) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _save_logs(folder: Path, name: str) -> None:
    kept = RESULTS.parent / "crash-logs" / name
    kept.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("app-*.log"):
        (kept / log.name).write_bytes(log.read_bytes())


def _commit() -> str:
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607 - whichever git there is


def _tell(name: str, outcome: Outcome) -> None:
    kills = ", ".join(f"{kind} {times}" for kind, times in sorted(outcome.kills.items()))
    text = f"{name}: {outcome.seconds:.0f} s, told {outcome.told}, killed {outcome.kills.total()} ({kills})"
    print(f"{text}, unheard {outcome.proxy['unheard']}, faults {len(outcome.faults)}", *outcome.faults[:3], sep="\n    ", flush=True)  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()

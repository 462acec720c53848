"""``law`` and ``explain`` as staff and scripts use them."""

import json
import re
import shlex
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.main import get_command
from typer.testing import CliRunner

from but_gateway.cli import law as law_commands
from but_gateway.cli.report import CommandError
from but_gateway.cli.root import app
from but_gateway.law.parameters import LAW_DIRECTORY
from but_gateway.registers.rulebook.model import all_rule_ids
from but_gateway.rules.catalogue import BY_ID
from tests.cli.test_commands import Shell
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import Town, open_town, served
from tests.tidy.source import ROOT

CEILING = 'town: {lunch_price_ceilings: [{valid_from: 2026-01-01, unit_price: "4.00"}]}'
AUTUMN = ("--from", "2026-09-01", "--to", "2026-12-31")


def run(*arguments: str, code: int = 0) -> str:
    """What a command prints, in this process."""
    result = CliRunner().invoke(app, list(arguments))
    found = result.exception.code if isinstance(result.exception, CommandError) else result.exit_code
    assert found == code, result.output
    return result.stdout


# ---- explain
@pytest.mark.parametrize("rule_id", all_rule_ids())
def test_every_rule_of_the_catalogue_can_be_explained(rule_id: str) -> None:
    lines = run("explain", rule_id).splitlines()
    assert lines[0].startswith(f"Regel {rule_id}\t")
    if rule_id in BY_ID:
        assert {"Wirkung", "Rechtsgrundlage", "Sachbearbeitung", "trifft zu", "trifft nicht zu"} <= {line.split("\t")[0] for line in lines}


def test_an_explanation_comes_as_json_and_in_english() -> None:
    rule = json.loads(run("explain", "e-01", "--json", "--language", "en"))
    assert rule["id"] == "E-01"
    assert rule["codes"] == ["NOT_IN_PERIOD"]
    assert rule["texts"] != json.loads(run("explain", "E-01", "--json"))["texts"]


def test_what_is_no_rule_is_a_mistake_of_usage() -> None:
    assert run("explain", "Z-99", code=2) == ""
    assert run("explain", "E-01", "--language", "fr", code=2) == ""


def test_on_a_terminal_it_is_set_out_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    law_commands.explain("M-06")
    law_commands.rules("2026-11-22")
    shown = capsys.readouterr().out
    assert "Regel M-06" in shown
    assert "Beispiele" in shown
    assert "Regeln für Leistungen am 22.11.2026" in shown
    assert "\t" not in shown


# ---- law
def test_the_law_of_a_day_is_a_line_per_parameter() -> None:
    lines = [line.split("\t") for line in run("law", "show", "--on", "2026-11-22").splitlines()]
    assert {len(line) for line in lines} == {7}
    found = {line[0]: line[1] for line in lines}
    assert found["participation_monthly_cents"] == "15,00 €"
    assert found["vat_catering_service_bp"] == "7,00 %"
    assert found["bkgg_limitation_months"] == "12 Monate"
    assert found["bkgg_whole_months"] == "ja"
    assert found["education_age_limit_years"].startswith("25: sgb2, bkgg; keine: ")


def test_what_is_not_loaded_says_so() -> None:
    assert "nicht geladen: " in run("law", "show", "--on", "2027-01-01")
    items = {one["parameter"]: one for one in json.loads(run("law", "show", "--on", "2027-01-01", "--json"))["items"]}
    assert items["school_supplies_august_cents"]["value"] is None


def test_rules_are_those_of_the_day() -> None:
    assert "M-14\t" in run("law", "rules", "--on", "2019-07-31")
    assert "M-14\t" not in run("law", "rules")
    assert [one["id"] for one in json.loads(run("law", "rules", "--json"))["items"]][:2] == ["H-01", "H-02"]


def test_stale_values_are_findings() -> None:
    assert run("law", "stale", "--on", "2026-11-22").count("\n") == 1
    assert "participation_monthly_cents\t15,00 €" in run("law", "stale", "--months", "1", "--on", "2027-02-01", code=1)
    found = json.loads(run("law", "stale", "--on", "2028-01-01", "--json", code=1))
    assert (found["months"], found["on"]) == (12, "2028-01-01")
    assert found["items"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("law", "show", "--on", "22.11.2026"),
        ("law", "show", "--on", "2010-12-31"),
        ("law", "rules", "--on", "2026-02-30"),
        ("law", "stale", "--months", "-1"),
        ("law", "replay", "--municipality", "x", "--from", "2026-10-02", "--to", "2026-10-01"),
        ("law", "replay", "--municipality", "x", "--from", "2026-10-01"),
        ("law", "replay", "--municipality", "x", *AUTUMN, "--rules", "missing.yaml"),
        ("law", "replay", "--municipality", "x", *AUTUMN, "--law", "missing"),
    ],
)
def test_a_mistake_of_usage_is_code_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments, code=2) == ""


def test_the_yearly_review_and_the_guide_name_commands_that_exist() -> None:
    for name in ("yearly-law-review.md", "replay.md"):
        blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.DOTALL)
        commands = [line for block in blocks for line in block.splitlines() if line.startswith("but-gateway ")]
        assert commands, name
        for line in commands:
            command: Any = get_command(app)
            words = shlex.split(line, comments=True)[1:]
            while hasattr(command, "commands"):
                assert words[0] in command.commands, line
                command = command.commands[words.pop(0)]
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, line


# ---- replay
@pytest_asyncio.fixture(scope="module")
async def town(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """A town with one bill of two lunches."""
    async with served(new_database(), tmp_path_factory.mktemp("instance")) as instance:
        made = await open_town(instance)
        await made.grant("A")
        await made.bill("c1", lunch("A", "2026-10-05", "2026-10-06"))
        yield made


@pytest.fixture
def shell(town: Town, tmp_path: Path) -> Shell:
    return Shell(tmp_path, BUT_DATABASE_URL=town.instance.database_url)


def test_a_replay_of_what_is_stored_finds_nothing(town: Town, shell: Shell) -> None:
    done = shell.run("law", "replay", "--municipality", town.key, *AUTUMN, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["replayed"]["positions"], found["replayed"]["approved_after"], found["changed"]["positions"]) == (2, "9.00", 0)
    assert found["as_stored"][:2] == ["budgets", "rivals"]
    assert "2 of 2 positions" in done.stderr


def test_a_replay_shows_what_a_ceiling_would_save(town: Town, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "ceiling.yaml").write_text(CEILING)
    replay = ("law", "replay", "--municipality", town.key, *AUTUMN, "--rules", "ceiling.yaml")
    found = json.loads(shell.ok(*replay, "--json"))
    assert found["changed"]["difference"] == "-1.00"
    assert found["by_rule"] == [{"rule": "P-07", "anew": 2, "no_longer": 0, "lines": 1, "difference": "-1.00"}]
    assert [(one["before"], one["after"], one["positions"]) for one in found["by_outcome"]] == [("accepted", "reduced", 2)]
    shown = shell.ok(*replay)
    assert "P-07\t2\t0\t1\t-1,00 €" in shown.replace("−", "-")
    assert "Budgets, konkurrierende Abrechnungen" in shown


def test_a_replay_takes_other_law_files(town: Town, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    for file in LAW_DIRECTORY.glob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace('value: "7.00"', 'value: "8.00"')
        (tmp_path / "other" / file.name).write_text(text, encoding="utf-8")
    replay = ("law", "replay", "--municipality", town.key, *AUTUMN, "--law", "other", "--json")
    assert [one["rule"] for one in json.loads(shell.ok(*replay))["by_rule"]] == ["T-01"]
    (tmp_path / "other" / "tax.yaml").unlink()
    done = shell.run(*replay)
    assert (done.returncode, done.stdout) == (2, "")
    assert "missing" in done.stderr


def test_a_replay_that_cannot_be_done_says_why(town: Town, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("town: {submission_month: 2}")
    for arguments, code in (
        (("--municipality", town.key, *AUTUMN, "--rules", "bad.yaml"), 2),
        (("--municipality", "nowhere", *AUTUMN), 4),
    ):
        done = shell.run("law", "replay", *arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert "Traceback" not in done.stderr
    away = Shell(tmp_path, BUT_DATABASE_URL="postgresql+asyncpg://nobody@127.0.0.1:1/x")
    assert away.run("law", "replay", "--municipality", "x", *AUTUMN).returncode == 3

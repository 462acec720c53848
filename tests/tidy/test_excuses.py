"""Every exception from a rule says why; nothing is left for later, nothing is skipped."""

import re

import pytest

from tests.tidy.source import ROOT, everything

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
# Put together here, so that this file does not hold them.
LATER = re.compile("|".join(rf"\b{word}\b" for word in ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")))
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no)\b(?P<rest>.*)")
REASONED = {
    "noqa": re.compile(r"^: [A-Z]+\d+(, ?[A-Z]+\d+)* (-|–|#) \S+"),
    "type": re.compile(r"^\[[a-z-]+(, ?[a-z-]+)*\]\s+(-|–|#) \S+"),
    "pragma": re.compile(r"^ (cover|branch) (-|–|#) \S+"),
}


def section(name: str) -> list[str]:
    return PYPROJECT.split(f"[{name}]\n", 1)[1].split("\n[", 1)[0].splitlines()


@pytest.mark.parametrize("name", ["tool.ruff.lint", "tool.ruff.lint.per-file-ignores"])
def test_every_ignored_rule_of_ruff_has_its_reason_beside_it(name: str) -> None:
    assert [line for line in section(name) if re.search(r'"[A-Z]+\d+"', line) and not re.search(r"#\s+\S+", line)] == []


def test_every_untyped_package_has_a_reason() -> None:
    for block in PYPROJECT.split("[[tool.mypy.overrides]]\n")[1:]:
        assert block.startswith("# "), block


def test_every_warning_let_through_has_a_reason() -> None:
    filters = re.search(r"filterwarnings = \[(.*?)\]\n", PYPROJECT, re.DOTALL)
    assert filters is not None
    assert [line for line in filters[1].splitlines() if '"' in line and '"error"' not in line and "#" not in line] == []


def test_every_silenced_finding_names_its_rule_and_its_reason() -> None:
    found = []
    for source in everything():
        for number, line in enumerate(source.text.splitlines(), 1):
            silenced = SILENCED.search(line)
            if silenced and not source.path.endswith("tests/tidy/test_excuses.py"):
                kind = silenced[1].split(":")[0]
                if not REASONED[kind.split()[0]].match(silenced["rest"]):
                    found.append(f"{source.path}:{number} {line.strip()}")
    assert found == []


def test_nothing_is_left_for_later() -> None:
    assert [f"{source.path}: {word}" for source in everything() for word in LATER.findall(source.text)] == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    """``skipif`` with a reason is for what a machine cannot offer; anything else hides a fault."""
    excuse = re.compile(r"pytest\.(skip|xfail|importorskip)\(|mark\.(skip|xfail)\b")
    found = [
        source.path for source in everything() if excuse.search(source.text) and not source.path.endswith("tests/tidy/test_excuses.py")
    ]
    assert found == []

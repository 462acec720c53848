"""One word per thing: no rooms for odds and ends, none of the words that the glossary forbids."""

import ast
import re
from pathlib import Path

from tests.tidy.source import ROOT, Source, product

ODDS_AND_ENDS = {"service", "services", "utils", "util", "helpers", "helper", "common", "misc", "manager", "shared", "lib", "tools"}


def forbidden_words() -> dict[str, str]:
    """The glossary's table "Words we do not use": word → what we say instead."""
    part = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").split("## Words we do not use", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \|$", part, re.MULTILINE)
    assert rows, "the glossary lists the words that are not used"
    return dict(rows)


def identifiers(source: Source) -> set[str]:
    """Every name that a module gives to something."""
    found: set[str] = set()
    for node in ast.walk(source.tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
            case ast.arg() | ast.keyword():
                found.add(node.arg or "")
            case ast.Attribute(ctx=ast.Store()):
                found.add(node.attr)
    return found


def words(identifier: str) -> set[str]:
    """The words of a name: ``BankAccount`` and ``bank_account`` are both bank and account."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier).lower().split("_"))


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert [source.path for source in product() if set(Path(source.path).with_suffix("").parts) & ODDS_AND_ENDS] == []


def test_no_name_uses_a_forbidden_synonym() -> None:
    forbidden = forbidden_words()
    found = {
        f"{source.path}: {name} (say: {forbidden[word]})"
        for source in product()
        for name in identifiers(source) | {source.name}
        for word in forbidden
        if set(word.split("_")) <= words(name)
    }
    assert found == set()

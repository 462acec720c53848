"""The tests that documents name exist, and every threat names one."""

import ast
import re
from functools import cache

from tests.tidy.source import ROOT, files

NAMED = re.compile(r"`(?:tests/)?([\w/]+\.py)::(\w+)`")
THREATS = ROOT / "docs" / "threats.md"


@cache
def functions_of(path: str) -> frozenset[str]:
    """The tests of a file under tests/; none where it is not there."""
    file = ROOT / "tests" / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_test_that_a_document_names_exists() -> None:
    documents = [path for path in files() if path.suffix == ".md"]
    named = {(path.name, *found) for path in documents for found in NAMED.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 50
    assert [one for one in sorted(named) if one[2] not in functions_of(one[1])] == []


def test_every_threat_names_the_tests_that_show_its_guarantee() -> None:
    _, *threats = re.split(r"^## ", THREATS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [text.split("\n", 1)[0] for text in threats if not NAMED.search(text)] == ["What is not shown, or not all of it"]

"""The rule set's name stands for what decides: who changes that has to name it anew."""

import pytest

from but_gateway.rules.digest import bare_code, deciding_modules, rule_set_digest
from but_gateway.rules.version import DIGEST


def test_a_change_of_rules_or_law_is_a_new_rule_set() -> None:
    assert rule_set_digest() == DIGEST, "rules or law changed: give RULE_SET a new name and set DIGEST in rules/version.py"


@pytest.mark.parametrize(
    "same",
    [
        "def f(a: int) -> int:\n    return a + 1\n",
        '"""A module."""\n\n\ndef f(a: int) -> int:\n    """Says more.\n\n    And more.\n    """\n    return a + 1  # why\n',
        "def f(\n    a: int,\n) -> int:\n    return a + 1\n",
    ],
)
def test_comments_docstrings_and_layout_change_nothing(same: str) -> None:
    assert bare_code(same) == "deff(a:int)->int:returna+1"


def test_a_changed_comparison_does() -> None:
    assert bare_code("x = a < b\n") != bare_code("x = a <= b\n")
    assert bare_code('x = "# no comment"\n') == 'x="#nocomment"'


def test_every_module_that_decides_is_part_of_it_and_no_text() -> None:
    names = {name.rpartition(".")[2] for name in deciding_modules()}
    assert {"evaluate", "catalogue", "lunch", "spread", "facts", "parameters", "statute"} <= names
    assert not {"texts", "wording", "document", "examples", "version", "digest"} & names
    assert all(path.is_file() for path in deciding_modules().values())

"""Modules and functions stay short. The lists of exceptions may only become shorter."""

import ast

from tests.tidy.source import Source, everything

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

# path → (lines it may have, why it is longer)
LONG_MODULES: dict[str, tuple[int, str]] = {}
# "path::function" → (lines it may have, why it is longer)
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {}


def functions(source: Source) -> dict[str, int]:
    return {
        f"{source.path}::{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_modules_are_short() -> None:
    lengths = {source.path: len(source.text.splitlines()) for source in everything()}
    too_long = {path: lines for path, lines in lengths.items() if lines > LONG_MODULES.get(path, (MODULE_LINES_MAX, ""))[0]}
    assert too_long == {}


def test_functions_are_short() -> None:
    lengths = {name: lines for source in everything() for name, lines in functions(source).items()}
    too_long = {name: lines for name, lines in lengths.items() if lines > LONG_FUNCTIONS.get(name, (FUNCTION_LINES_MAX, ""))[0]}
    assert too_long == {}


def test_exceptions_have_a_reason_and_are_still_needed() -> None:
    lengths = {source.path: len(source.text.splitlines()) for source in everything()}
    lengths |= {name: lines for source in everything() for name, lines in functions(source).items()}
    for exceptions, limit in ((LONG_MODULES, MODULE_LINES_MAX), (LONG_FUNCTIONS, FUNCTION_LINES_MAX)):
        for name, (lines, reason) in exceptions.items():
            assert reason, name
            assert limit < lengths.get(name, 0) <= lines, f"{name} is short enough now: take it off the list"
            assert lengths[name] > lines - 10, f"{name} became shorter: lower its figure"

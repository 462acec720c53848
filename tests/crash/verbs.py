"""The writing verbs, read off the source: whatever writes an audit record, and the points that gives."""

import ast
from collections.abc import Iterator
from functools import cache
from typing import Final

from tests.crash.points import UNRECORDED, points_of
from tests.tidy.source import dotted, product

# Rooms whose verbs are commands of the operator and no operations of the API: no app comes to their points. Each of these commands is
# tried where it is.
BY_COMMAND: Final = ("src/but_gateway/audit/", "src/but_gateway/procedures/privacy/", "src/but_gateway/procedures/retention/")


@cache
def actions() -> tuple[str, ...]:
    """The actions of all audit records that a served app writes."""
    found: set[str] = set()
    for source in product():
        if source.path.startswith(BY_COMMAND):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "record":
                found |= {value for keyword in node.keywords if keyword.arg == "action" for value in _texts(keyword.value)}
    return tuple(sorted(found))


@cache
def all_points() -> tuple[str, ...]:
    """Every point at which an app can be made to die."""
    return (*(point for action in actions() for point in points_of(action)), *UNRECORDED)


def _texts(value: ast.expr) -> Iterator[str]:
    """The texts that an argument may be: one, or one of two. Refuses what cannot be read off the source (TypeError)."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    else:
        raise TypeError(f"an action must stand in the source as it is: {ast.unparse(value)}")

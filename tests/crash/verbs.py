"""The writing verbs, read off the source: whatever writes an audit record, and the points that gives."""

import ast
from collections.abc import Iterator
from functools import cache
from typing import Final

from tests.crash.points import UNRECORDED, points_of
from tests.tidy.source import dotted, product

# What writes an audit record but is a command of the operator and no operation of the API: no app comes to its points. Each command is
# one transaction of its own, tried where the command is.
BY_COMMAND: Final = frozenset({"audit.retire", "accounts.adopt", "retention.delete"})


@cache
def actions() -> tuple[str, ...]:
    """The actions of all audit records that the product writes."""
    found: set[str] = set()
    for source in product():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "record":
                found |= {value for keyword in node.keywords if keyword.arg == "action" for value in _texts(keyword.value)}
    return tuple(sorted(found))


@cache
def all_points() -> tuple[str, ...]:
    """Every point at which an app can be made to die."""
    return (*(point for action in actions() if action not in BY_COMMAND for point in points_of(action)), *UNRECORDED)


def _texts(value: ast.expr) -> Iterator[str]:
    """The texts that an argument may be: one, or one of two. Refuses what cannot be read off the source (TypeError)."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    else:
        raise TypeError(f"an action must stand in the source as it is: {ast.unparse(value)}")

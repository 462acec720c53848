"""What is logged by name is on the list of what may be logged: everything else would be dropped without a word."""

import ast

from but_gateway.web.logs import FIELDS
from tests.tidy.source import product

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def test_every_field_that_is_logged_is_allowed() -> None:
    calls = [
        (source.path, node)
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and ast.unparse(node.func.value).endswith(("get_logger()", ".log"))
    ]
    assert len(calls) >= 7
    dropped = {(name, given.arg) for name, call in calls for given in call.keywords if given.arg is not None and given.arg not in FIELDS}
    assert dropped == set()

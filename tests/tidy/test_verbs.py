"""A procedure's room has one file per verb; verbs do not call verbs.

A verb works on the database, so it is a coroutine. Pure functions (checks of form, texts) are no verbs and may stand together.
"""

import ast
from pathlib import PurePath

from tests.tidy.source import Source, imported, product

# What a room may hold besides verbs. Adjudication is shared by the verbs and is none itself.
NO_VERBS = {"__init__", "endpoints", "schemas", "store", "tables", "model", "problems", "texts"}


def is_verb(source: Source) -> bool:
    return source.name not in NO_VERBS and not source.name.endswith(("_store", "_schemas", "_endpoints", "_tables"))


def verbs() -> list[Source]:
    rooms = [
        source for source in product() if source.path.startswith("src/but_gateway/procedures/") and "/adjudication/" not in source.path
    ]
    return [source for source in rooms if len(PurePath(source.path).parts) > 4 and is_verb(source)]


def public_verbs(source: Source) -> list[str]:
    functions = [node.name for node in source.tree.body if isinstance(node, ast.AsyncFunctionDef)]
    return [name for name in functions if not name.startswith("_")]


def test_a_verbs_file_holds_one_public_verb() -> None:
    assert {source.path: public_verbs(source) for source in verbs() if len(public_verbs(source)) > 1} == {}


def test_verbs_do_not_call_verbs() -> None:
    modules = {source.path.removeprefix("src/").removesuffix(".py").replace("/", "."): source for source in verbs() if public_verbs(source)}
    found = [
        f"{source.at(node)} {name}"
        for source in modules.values()
        for node, name in imported(source)
        if name in modules or name.rpartition(".")[0] in modules
    ]
    assert found == []

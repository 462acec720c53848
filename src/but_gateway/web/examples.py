"""Examples of the document: kept as they were written, and made for lists from what they list."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

_PAGE: Final = frozenset({"items", "next_cursor"})


def written_in_models(*bases: type[BaseModel]) -> Iterator[object]:
    """What the models of bodies and answers give as examples."""
    for model in bases:
        yield model.model_config.get("json_schema_extra")
        yield from written_in_models(*model.__subclasses__())


def keep_nulls(document: object, written: Iterable[object]) -> None:
    """Puts back the nulls of examples: the framework drops them, and an answer in which a field always stands is none without it."""
    known: dict[str, object] = {}
    for one in written:
        _collect(one, known)
    _restore(document, known)


def example_lists(schemas: Mapping[str, Any]) -> None:
    """Gives every page of a list an example, from the first example of what it lists."""
    for schema in schemas.values():
        inner = schema.get("properties", {}).get("items", {}).get("items", {}).get("$ref", "")
        listed = schemas.get(inner.rpartition("/")[2], {}).get("examples")
        if listed and "examples" not in schema and set(schema["properties"]) <= _PAGE:
            page = {"items": [listed[0]], "next_cursor": None}
            schema["examples"] = [{name: page[name] for name in schema["properties"]}]


def _collect(value: object, known: dict[str, object]) -> None:
    if isinstance(value, Mapping):
        if None in value.values() or any(isinstance(inner, dict | list) for inner in value.values()):
            known.setdefault(_bare(value), value)
        for inner in value.values():
            _collect(inner, known)
    elif isinstance(value, list | tuple):
        for inner in value:
            _collect(inner, known)


def _restore(node: object, known: Mapping[str, object]) -> None:
    if isinstance(node, list):
        for inner in node:
            _restore(inner, known)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "example":
            node[key] = known.get(_bare(value), value)
        elif key == "examples" and isinstance(value, list):
            node[key] = [known.get(_bare(one), one) for one in value]
        elif key == "examples" and isinstance(value, dict):
            for one in value.values():
                if "value" in one:
                    one["value"] = known.get(_bare(one["value"]), one["value"])
        else:
            _restore(value, known)


def _bare(value: object) -> str:
    """A value as the framework leaves it, as text."""
    return json.dumps(_without_nulls(value), sort_keys=True, default=str)


def _without_nulls(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list | tuple) else value

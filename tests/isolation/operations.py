"""Every operation the service offers: those of its OpenAPI document, and the routes the document leaves out."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from but_gateway.app import create_app
from but_gateway.settings import Settings
from but_gateway.web.openapi import describe

JSON = Any
METHODS: Final = ("get", "put", "post", "delete", "patch")
OPEN_TO_EVERYBODY: Final = Path(__file__).with_name("uncovered.txt")


@dataclass(frozen=True)
class Operation:
    """One method at one path. ``roles`` is None where it asks for no token."""

    method: str
    path: str
    roles: frozenset[str] | None
    keyed: bool
    media_types: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def of_a_town(self) -> bool:
        """Whether the path names a municipality."""
        return "{municipality}" in self.path

    @property
    def objects(self) -> tuple[str, ...]:
        """The parameters of the path that name an object of the town."""
        return tuple(name for name in re.findall(r"{(\w+)}", self.path) if name != "municipality") if self.of_a_town else ()


@cache
def operations() -> tuple[Operation, ...]:
    """All of the OpenAPI document."""
    document = describe(create_app(Settings()))
    return tuple(
        Operation(
            method.upper(),
            path,
            frozenset(one["x-roles"]) if "x-roles" in one else None,
            one.get("x-idempotency-key", False),
            tuple(one.get("x-body", ())),
        )
        for path, item in document["paths"].items()
        for method, one in item.items()
        if method in METHODS
    )


def protected() -> list[Operation]:
    """Those that ask for a token."""
    return [one for one in operations() if one.roles is not None]


@cache
def routes() -> frozenset[tuple[str, str]]:
    """Method and path of every route, whether documented or not."""
    return frozenset(
        (method, route.path)
        for route in _walk(create_app(Settings()).routes)
        for method in route.methods or ()
        if method.lower() in METHODS
    )


def _walk(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in routes:
        inner = getattr(route, "original_router", None)  # newer versions of the framework keep included routers as they are
        if inner is not None:
            yield from _walk(inner.routes)
        else:
            assert isinstance(route, APIRoute), f"a kind of route these tests do not know: {route}"
            yield route


def listed_as_open() -> list[tuple[str, str]]:
    """The golden list of what everybody may ask."""
    lines = OPEN_TO_EVERYBODY.read_text("utf-8").splitlines()
    return [(method, path) for method, path in (line.split() for line in lines if line and not line.startswith("#"))]

"""What is stored about one child, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Person:
    """A child and all that carries its data. ``ids``: the child and those merged into it; ``keys`` and ``numbers`` of the office."""

    id: UUID
    key: str
    ids: tuple[UUID, ...]
    child_keys: tuple[str, ...]
    entitlements: tuple[UUID, ...]
    entitlement_keys: tuple[str, ...]
    grants: tuple[UUID, ...]
    grant_keys: tuple[str, ...]
    number_indexes: tuple[bytes, ...]
    lines: tuple[UUID, ...]
    invoices: tuple[UUID, ...]
    positions: tuple[UUID, ...]
    parts: tuple[bytes, ...]  # hashes of shared facts that its decisions rest on
    batches: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of a table that concern the child, opened."""

    table: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Recipient:
    """A provider that learned something of the child, and how."""

    key: str
    name: str
    how: tuple[str, ...]  # asked | billed | linked | named | told


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Everything about a child."""

    municipality: str
    municipality_name: str
    child_key: str
    at: datetime
    sections: Sequence[Section]
    recipients: Sequence[Recipient]
    batches: Sequence[str]  # whose files list positions of the child


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, or why not. ``waits``: noted for the end of retention."""

    reasons: Sequence[str]
    rows: Mapping[str, int] = field(default_factory=dict)
    waits: bool = False

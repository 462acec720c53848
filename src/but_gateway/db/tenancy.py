"""Tenancy in the database: the settings a transaction carries, the policies that read them, and what the app role may do.

Everything here is plain text for migrations and catalog tests; it holds whatever engine runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:  # the command line reads the roles' names and must not wait for SQLAlchemy
    from sqlalchemy import Table

APP_ROLE: Final = "but_app"
OWNER_ROLE: Final = "but_owner"

# The setting is '' after a transaction that set it, hence nullif.
_TOWN: Final = "nullif(current_setting('but.municipality', true), '')::uuid"
_PROVIDER: Final = "nullif(current_setting('but.provider', true), '')::uuid"
_CLIENT: Final = "nullif(current_setting('but.client', true), '')"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a transaction sees. Without a municipality no tenant row at all; with a provider only that provider's."""

    municipality_id: UUID | None = None
    provider_id: UUID | None = None
    client_id: str = ""

    def statement(self) -> str:
        """The ``SET LOCAL`` that opens a transaction.

        Top-level SET LOCAL, not set_config(): only that form is carried on by engines that distribute a transaction. All values
        are UUIDs or client ids of our own making, so that they can stand in the text.
        """
        if not all(c.isalnum() or c in "-_" for c in self.client_id):
            raise ValueError("a client id of another shape")
        return (
            f"SET LOCAL but.municipality = '{self.municipality_id or ''}'; "
            f"SET LOCAL but.provider = '{self.provider_id or ''}'; "
            f"SET LOCAL but.client = '{self.client_id}'"
        )


def protect(table: Table) -> Iterator[str]:
    """The statements that put a table under its policies and give the app role exactly its rights."""
    name = f'"{table.name}"'
    info = table.info
    rights = ["SELECT", "INSERT"]
    if not info.get("append_only"):
        rights.append("UPDATE")
    if info.get("deletable"):
        rights.append("DELETE")
    yield f"REVOKE ALL ON {name} FROM {APP_ROLE}"
    yield f"GRANT {', '.join(rights)} ON {name} TO {APP_ROLE}"
    if info["tenant"]:
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY town ON {name} USING (municipality_id = {_TOWN}) WITH CHECK (municipality_id = {_TOWN})"
    if info.get("provider_scoped"):
        clause = f"{_PROVIDER} IS NULL OR provider_id = {_PROVIDER}"
        yield f"CREATE POLICY provider ON {name} AS RESTRICTIVE USING ({clause}) WITH CHECK ({clause})"
    if info.get("client_scoped"):
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY client ON {name} USING (client_id = {_CLIENT}) WITH CHECK (client_id = {_CLIENT})"

"""Tenancy in the database: the settings a transaction carries, the policies that read them, and what the app role may do.

Everything here is plain text for migrations and catalog tests; it holds whatever engine runs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

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

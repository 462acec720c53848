"""Who calls, as a value."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from but_gateway.db.fields import WrappedKey

# How our own logins are named in audit records and four-eyes checks, whatever address the instance has.
OWN_ISSUER: Final = "but-gateway"


class Role(StrEnum):
    """What a client may be. Machines: provider, registrar, auditor. Persons: clerk, finance, orderer, auditor."""

    PROVIDER = "provider"
    REGISTRAR = "registrar"
    AUDITOR = "auditor"
    CLERK = "clerk"
    FINANCE = "finance"
    ORDERER = "orderer"
    OPERATOR = "operator"


MACHINE_ROLES = frozenset({Role.PROVIDER, Role.REGISTRAR, Role.AUDITOR, Role.OPERATOR})
PERSON_ROLES = frozenset({Role.CLERK, Role.FINANCE, Role.ORDERER, Role.AUDITOR})
STAFF_ROLES = frozenset({Role.REGISTRAR, Role.CLERK, Role.FINANCE, Role.ORDERER, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. ``accounts`` are keys of accounts (providers), ``municipality`` the key of the town (staff)."""

    issuer: str
    subject: str
    roles: frozenset[Role]
    accounts: tuple[str, ...] = ()
    municipality: str | None = None

    @property
    def actor(self) -> str:
        """How the audit record and the four-eyes rule name this caller."""
        return f"{self.issuer}|{self.subject}"

    @property
    def client_id(self) -> str:
        """A short name of letters, digits and dashes for keys and settings; what an external issuer calls a person may be anything."""
        if self.issuer == OWN_ISSUER:
            return self.subject
        return "x-" + hashlib.sha256(self.actor.encode()).hexdigest()[:40]

    def has(self, *roles: Role) -> bool:
        """Whether it has one of the roles."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class Town:
    """A municipality as a call sees it. None of it ever changes after it was made, but that keys are added and taken away."""

    id: UUID
    key: str
    name: str
    state: str  # of Germany, such as NW
    sandbox: bool
    data_key: bytes  # wrapped
    further_keys: tuple[WrappedKey, ...] = ()

"""The demo's town and logins, made as the operator makes them; only that their secrets are known, so that the README's curl works.

They exist in the demo's own database only, which listens on nothing but a private socket, behind a service that listens on loopback.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from but_gateway.cli.demo.places import AGS, KEY, NAME, PROVIDERS, STATE
from but_gateway.db.connect import connect
from but_gateway.db.fields import MasterKey
from but_gateway.identity import store
from but_gateway.identity.clients import MACHINE, PERSON, add_account, add_town, hash_secret
from but_gateway.identity.principal import Role

CATERER, TUTOR, REGISTRAR, AUDITOR = "demo-caterer", "demo-tutor", "demo-registrar", "demo-auditor"
CLERK, FINANCE, DEPUTY, ORDERER = "demo-clerk", "demo-finance", "demo-finance-2", "demo-orderer"


@dataclass(frozen=True, slots=True)
class Login:
    """A client of the town."""

    client_id: str
    kind: str
    role: Role
    name: str


STAFF: Final = (
    Login(REGISTRAR, MACHINE, Role.REGISTRAR, "Fachverfahren"),
    Login(CLERK, PERSON, Role.CLERK, "C. Klärung"),
    Login(FINANCE, PERSON, Role.FINANCE, "F. Rechnung"),
    Login(DEPUTY, PERSON, Role.FINANCE, "V. Tretung"),
    Login(ORDERER, PERSON, Role.ORDERER, "O. Anordnung"),
    Login(AUDITOR, MACHINE, Role.AUDITOR, "Rechnungsprüfung"),
)


def secret_of(client_id: str) -> str:
    """The secret of a demo client, which everybody may know."""
    return f"{client_id}-secret"


async def make_logins(url: str, master_key_file: Path, at: datetime) -> None:
    """Makes the town, an account and a client for each provider, and the town's staff."""
    master_key = MasterKey.make(master_key_file)
    async with connect(url) as connection:
        town = await add_town(connection, master_key, key=KEY, name=NAME, ags=AGS, state=STATE, sandbox=True, at=at)
        for provider in PROVIDERS:
            await add_account(connection, key=provider.key, name=provider.name, at=at)
        accounts = await store.find_accounts(connection, [provider.key for provider in PROVIDERS])
        for login in STAFF:
            await store.add_client(
                connection, client_id=login.client_id, kind=login.kind, name=login.name, roles=(login.role,), municipality_id=town.id,
                account_ids=(), secret_hash=hash_secret(secret_of(login.client_id)), jwk=None, at=at,
            )  # fmt: skip
        for provider in PROVIDERS:
            await store.add_client(
                connection, client_id=provider.client, kind=MACHINE, name=provider.name, roles=(Role.PROVIDER,), municipality_id=None,
                account_ids=(accounts[provider.key],), secret_hash=hash_secret(secret_of(provider.client)), jwk=None, at=at,
            )  # fmt: skip

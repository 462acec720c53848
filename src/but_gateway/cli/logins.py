"""``but-gateway municipality|account|client|person add``: what the operator makes before anybody can call."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from but_gateway.cli.place import run_in_transaction
from but_gateway.cli.report import CommandError, Exit, say, say_json
from but_gateway.settings import Settings

if TYPE_CHECKING:  # the driver takes longer to load than help may
    from but_gateway.db.connect import Connection

_T = TypeVar("_T")
STATES: Final = ("BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_AGS: Final = re.compile(r"\d{5}(\d{3})?", re.ASCII)
_NAME_LENGTH_MAX: Final = 200

municipality = typer.Typer(help="Municipalities of this instance.", no_args_is_help=True)
account = typer.Typer(help="Accounts of providers, good for all municipalities.", no_args_is_help=True)
client = typer.Typer(help="Clients of machines.", no_args_is_help=True)
person = typer.Typer(help="Clients of persons (sandbox and single machine).", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="Key: letters, digits, . _ -, up to 64 characters.")]
Name = Annotated[str, typer.Option("--name", help="Name for people.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Roles = Annotated[list[str], typer.Option("--role", help="Role; may be repeated.")]
OfTown = Annotated[str | None, typer.Option("--municipality", help="Key of the municipality it works for.")]


@municipality.command("add")
def add_municipality(  # noqa: PLR0913 - the options of the contract
    key: Key,
    name: Name,
    ags: Annotated[str, typer.Option("--ags", help="Amtlicher Gemeindeschlüssel: 8 digits, 5 for a district.")],
    state: Annotated[str, typer.Option("--state", help=f"State: {', '.join(STATES)}.")],
    *,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="For trying out: movable clock, no real money.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a municipality, with an encryption key of its own and the public holidays of its state."""
    _check(_KEY.fullmatch(key), f"{key!r} is no key")
    _check(_AGS.fullmatch(ags), "--ags takes 8 digits, or 5 for a district")
    _check(state in STATES, f"--state takes one of {', '.join(STATES)}")
    _check_name(name)

    async def work(connection: Connection, settings: Settings) -> None:
        from but_gateway.db.fields import MasterKey  # noqa: PLC0415 - help must not pay for it
        from but_gateway.identity.clients import add_town  # noqa: PLC0415 - as above
        from but_gateway.identity.keys import master_key_fits  # noqa: PLC0415 - as above
        from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

        made = settings.makes_keys and not settings.master_key_file.exists()
        master = MasterKey.make(settings.master_key_file) if made else MasterKey.read(settings.master_key_file)
        if not await master_key_fits(connection, master, SystemClock().now()):
            raise CommandError(
                f"{settings.master_key_file} is not the master key this database was set up with. Name it in BUT_MASTER_KEY_FILE."
            )
        await add_town(connection, master, key=key, name=name, ags=ags, state=state, sandbox=sandbox, at=SystemClock().now())

    _do(work)
    _answer({"municipality": key, "sandbox": sandbox}, f"municipality {key}", as_json=as_json)


@account.command("add")
def add_account(key: Key, name: Name, *, as_json: AsJson = False) -> None:
    """Add the login organisation of a provider; towns name it in their provider records."""
    _check(_KEY.fullmatch(key), f"{key!r} is no key")
    _check_name(name)

    async def work(connection: Connection, _settings: Settings) -> None:
        from but_gateway.identity import clients  # noqa: PLC0415 - help must not pay for it
        from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

        await clients.add_account(connection, key=key, name=name, at=SystemClock().now())

    _do(work)
    _answer({"account": key}, f"account {key}", as_json=as_json)


@client.command("add")
def add_client(  # noqa: PLR0913 - the options of the contract
    roles: Roles,
    accounts: Annotated[list[str] | None, typer.Option("--account", help="Account a provider's client acts for; may be repeated.")] = None,
    municipality: OfTown = None,
    jwk: Annotated[str | None, typer.Option("--jwk", help="Public key (JWK, ES256) from a file, - for stdin; for private_key_jwt.")] = None,
    name: Annotated[str, typer.Option("--name", help="Name for people.")] = "",
    *,
    secret: Annotated[bool, typer.Option("--secret", help="Make a secret (HTTP Basic).")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a machine's client: provider (--account), registrar or auditor (--municipality), operator."""
    _check(not (secret and jwk), "--secret or --jwk, not both")
    document = _read_jwk(jwk) if jwk is not None else None
    _add("machine", name or ", ".join(roles), roles, town=municipality, accounts=accounts or [], jwk=document, as_json=as_json)


@client.command("disable")
@person.command("disable")
def disable(
    client_id: Annotated[str, typer.Argument(help="The client_id; a person's too.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Shut a lost or departed login for good: it gets no token any more, and those it has end within ten minutes."""

    async def work(connection: Connection, _settings: Settings) -> bool:
        from but_gateway.identity.store import disable_client  # noqa: PLC0415 - help must not pay for it
        from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

        return await disable_client(connection, client_id, SystemClock().now())

    if not _do(work):
        raise CommandError(f"There is no client {client_id!r} that could be disabled.", Exit.CONFLICT)
    _answer({"client_id": client_id, "disabled": True}, f"{client_id} is disabled", as_json=as_json)


@person.command("add")
def add_person(
    name: Name,
    roles: Roles,
    municipality: OfTown = None,
    *,
    secret: Annotated[
        bool, typer.Option("--secret", help="Make a secret; only where no OIDC issuer vouches for the town's persons.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a person: clerk, finance, orderer or auditor of a municipality."""
    del secret  # the only proof a person can have here; the option says so aloud
    _check_name(name)
    _add("person", name, roles, town=municipality, accounts=[], jwk=None, as_json=as_json)


def _add(  # noqa: PLR0913 - what a client is
    kind: str, name: str, roles: list[str], *, town: str | None, accounts: list[str], jwk: Mapping[str, Any] | None, as_json: bool
) -> None:
    from but_gateway.identity.principal import Role  # noqa: PLC0415 - help must not pay for it

    _check(all(role in set(Role) for role in roles), f"--role takes one of {', '.join(Role)}")

    async def work(connection: Connection, settings: Settings) -> Any:  # noqa: ANN401 - clients.Made, not imported for help
        from but_gateway.identity import clients  # noqa: PLC0415 - help must not pay for it
        from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

        if kind == clients.PERSON:
            _refuse_where_oidc_vouches(settings, town)
        return await clients.add_client(
            connection,
            kind=kind,
            name=name,
            roles={Role(role) for role in roles},
            municipality=town,
            accounts=list(dict.fromkeys(accounts)),
            jwk=jwk,
            at=SystemClock().now(),
        )

    made = _do(work)
    text = f"client_id:     {made.client_id}" + (f"\nclient_secret: {made.client_secret}" if made.client_secret else "")
    _answer({"client_id": made.client_id, "client_secret": made.client_secret}, text, as_json=as_json)


def _refuse_where_oidc_vouches(settings: Settings, town: str | None) -> None:
    if settings.oidc_file is None:
        return
    from but_gateway.identity.oidc import OidcFileError, read_issuers  # noqa: PLC0415 - most instances have none

    try:
        issuers = read_issuers(settings.oidc_file)
    except OidcFileError as error:
        raise CommandError(str(error)) from None
    if any(town in issuer.municipalities for issuer in issuers):
        raise CommandError(f"Persons of {town} come from its OIDC issuer; there are no secrets for them.", Exit.CONFLICT)


def _read_jwk(source: str) -> dict[str, Any]:
    from but_gateway.identity.keys import thumbprint  # noqa: PLC0415 - help must not pay for it
    from but_gateway.identity.tokens import ES256, KeyRefusedError, load_public_key  # noqa: PLC0415 - as above

    try:
        document = json.loads(sys.stdin.read() if source == "-" else Path(source).read_text("utf-8"))
        key = load_public_key(document, ES256)
    except OSError:
        raise CommandError(f"{source} cannot be read", Exit.USAGE) from None
    except (ValueError, KeyRefusedError) as error:
        text = str(error) if isinstance(error, KeyRefusedError) else "--jwk takes one JWK as a JSON object"
        raise CommandError(text, Exit.USAGE) from None
    kid = document.get("kid")
    return {**key.jwk, "kid": kid if isinstance(kid, str) else thumbprint(key.jwk)}


def _do(work: Callable[[Connection, Settings], Awaitable[_T]]) -> _T:
    from but_gateway.db.fields import MasterKeyError  # noqa: PLC0415 - help must not pay for it
    from but_gateway.identity.clients import KeyTakenError, UnknownKeyError, WrongRolesError  # noqa: PLC0415 - as above

    try:
        return run_in_transaction(work)
    except (KeyTakenError, UnknownKeyError) as error:
        raise CommandError(str(error), Exit.CONFLICT) from None
    except WrongRolesError as error:
        raise CommandError(str(error), Exit.USAGE) from None
    except MasterKeyError as error:
        raise CommandError(str(error)) from None


def _check(holds: object, text: str) -> None:
    if not holds:
        raise CommandError(text, Exit.USAGE)


def _check_name(name: str) -> None:
    _check(name.strip() and len(name) <= _NAME_LENGTH_MAX and name.isprintable(), "--name takes a line of up to 200 characters")


def _answer(document: Mapping[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        say_json(document)
    else:
        say(text)

"""``but-gateway key rotate``: a new signing key for access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from but_gateway.cli.place import run_in_transaction
from but_gateway.cli.report import CommandError, say, say_json

if TYPE_CHECKING:  # the driver takes longer to load than help may
    from but_gateway.db.connect import Connection
    from but_gateway.settings import Settings

commands = typer.Typer(help="Signing key of access tokens.", no_args_is_help=True)


@commands.callback()
def _several() -> None:
    """Keep ``rotate`` a command of its own, though it is the only one."""


@commands.command()
def rotate(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Sign with a new key from now on; tokens of the old one hold until they expire. Running instances follow within a minute."""

    async def work(connection: Connection, settings: Settings) -> str:
        from but_gateway.db.fields import MasterKey, MasterKeyError  # noqa: PLC0415 - help must not pay for it
        from but_gateway.identity.keys import master_key_fits, rotate_signing_key  # noqa: PLC0415 - as above
        from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

        now = SystemClock().now()
        try:
            master_key = MasterKey.read(settings.master_key_file)
        except MasterKeyError as error:
            raise CommandError(str(error)) from None
        if not await master_key_fits(connection, master_key, now):
            raise CommandError(f"{settings.master_key_file} is not the master key this database was set up with.")
        return await rotate_signing_key(connection, master_key, now)

    kid = run_in_transaction(work)
    if as_json:
        say_json({"kid": kid})
    else:
        say(f"kid: {kid}")

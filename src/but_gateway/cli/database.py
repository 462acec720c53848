"""``but-gateway db``: prepare, migrate and look at the database."""

import asyncio
from typing import Annotated

import typer

from but_gateway.cli.place import migrate, opened, settings_of_environment
from but_gateway.cli.report import Exit, say, say_json, tell

commands = typer.Typer(help="Prepare, migrate and look at the database.", no_args_is_help=True)


@commands.command("init")
def initialise() -> None:
    """Make the master key, then migrate."""
    from but_gateway.db.fields import MasterKey  # noqa: PLC0415 - help must not pay for it

    settings = settings_of_environment()
    MasterKey.make(settings.master_key_file)
    tell(f"Master key: {settings.master_key_file}. Keep a copy apart from the database: without it nothing sealed opens again.")
    migrate_database()


@commands.command("migrate")
def migrate_database() -> None:
    """Bring the database to the schema of this release."""
    with opened(settings_of_environment()) as settings:
        migrate(settings)
    tell("The database is up to date.")


@commands.command()
def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say at which revision the database stands; exit code 1 when it is not the newest."""
    from but_gateway.db.migrate import revision_of  # noqa: PLC0415 - alembic takes a second to load
    from but_gateway.db.readiness import head_revision  # noqa: PLC0415 - as above

    with opened(settings_of_environment()) as settings:
        revision = asyncio.run(revision_of(settings.owner_database_url or settings.database_url))
    head = head_revision()
    if as_json:
        say_json({"revision": revision, "head": head})
    else:
        say(f"database: {revision or 'not migrated'}, this release: {head}")
    if revision != head:
        raise typer.Exit(Exit.FINDINGS)

"""``but-gateway verify``: checks a package of a batch from its files alone, or the database with its audit chain."""

from pathlib import Path
from typing import Annotated

import typer

from but_gateway.cli.report import CommandError, Exit

_LANGUAGES = ("de", "en")


def verify(  # noqa: PLR0913 - the options of the command
    package: Annotated[
        Path | None, typer.Argument(help="Directory or zip of the downloaded files of one batch.", show_default=False)
    ] = None,
    *,
    database: Annotated[bool, typer.Option("--database", help="Check the database: invariants, audit chain, stored files.")] = False,
    town: Annotated[str | None, typer.Option("--municipality", help="With --database: this town only.", show_default=False)] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", help="With --database: a checkpoint that was kept; the chain must still agree.", show_default=False),
    ] = None,
    language: Annotated[str, typer.Option("--language", help="de or en.")] = "de",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a package offline, or the database. Exit code 0: all holds, 1: something does not, 2: usage, 3: cannot be checked."""
    if (package is None) == (not database):
        raise CommandError("Name a package, or give --database: but-gateway verify PACKAGE | --database", Exit.USAGE)
    if package is not None and (town or checkpoint):
        raise CommandError("--municipality and --checkpoint belong to --database", Exit.USAGE)
    if language not in _LANGUAGES:
        raise CommandError("--language is de or en", Exit.USAGE)
    if package is not None:
        from but_gateway.cli.verify_package import run  # noqa: PLC0415 - help must not pay for the rules

        holds = run(package, language, as_json=as_json)
    else:
        from but_gateway.cli.verify_database import run as run_database  # noqa: PLC0415 - as above

        holds = run_database(town, checkpoint or [], language, as_json=as_json)
    if not holds:
        raise typer.Exit(Exit.FINDINGS)

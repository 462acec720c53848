"""``but-gateway child erase``: erase what is stored about a child, or say why that must wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from but_gateway.cli.keys import find_town_of
from but_gateway.cli.owner import ACTOR, Office, run_as_owner
from but_gateway.cli.report import CommandError, Exit, complain, say, say_json, tell

if TYPE_CHECKING:  # help must not pay for it
    from but_gateway.procedures.privacy.model import Erased

commands = typer.Typer(help="Rights of the persons concerned.", no_args_is_help=True)


@commands.callback()
def _several() -> None:
    """Keep ``erase`` a command of its own, though it is the only one."""


@commands.command()
def erase(
    municipality: Annotated[str, typer.Argument(metavar="MUNICIPALITY", help="Key of the municipality.")],
    child_key: Annotated[str, typer.Argument(metavar="CHILD_KEY", help="The office's key of the child.")],
    *,
    after_retention: Annotated[
        bool, typer.Option("--after-retention", help="Where vouchers must be kept: note the request; retention erases the child then.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Erase a child (Art. 17 DSGVO, § 84 SGB X). Refuses with reasons while a grant runs or vouchers must be kept."""

    async def work(office: Office) -> Erased | None:
        from but_gateway.db.tenancy import Scope  # noqa: PLC0415 - help must not pay for it
        from but_gateway.kit.clock import SystemClock, business_day  # noqa: PLC0415 - as above
        from but_gateway.procedures.privacy.erase_child import erase_child  # noqa: PLC0415 - as above

        town, now = await find_town_of(office, municipality), SystemClock().now()
        async with office.database.transaction(Scope(town.id)) as unit:
            return await erase_child(unit, child_key, at=now, today=business_day(now), actor=ACTOR, after_retention=after_retention)

    erased = run_as_owner(work)
    if erased is None:
        raise CommandError(f"There is no child {child_key!r} in {municipality}.", Exit.CONFLICT)
    if as_json:
        say_json({"erased": not erased.reasons, "waits": erased.waits, "reasons": list(erased.reasons), "rows": dict(erased.rows)})
    elif not erased.reasons:
        say(f"Gelöscht: {', '.join(f'{table} {rows}' for table, rows in sorted(erased.rows.items()))}")
        tell("Backups made before still hold the child until they expire: docs/operations.md, Backups and erasure.")
    else:
        for reason in erased.reasons:
            tell(reason)
        if erased.waits:
            say("Vorgemerkt: Das Kind wird gelöscht, wenn die Aufbewahrung seiner Belege endet.")
    if erased.reasons and not erased.waits:
        complain("nothing was erased")
        raise typer.Exit(Exit.CONFLICT)

"""``but-gateway key``: changing the keys of the instance, while it runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from but_gateway.cli.owner import Office, run_as_owner
from but_gateway.cli.place import run_in_transaction, settings_of_environment
from but_gateway.cli.report import CommandError, Exit, say, say_json, tell

if TYPE_CHECKING:  # the driver takes longer to load than help may
    from but_gateway.db.connect import Connection
    from but_gateway.identity.principal import Town
    from but_gateway.settings import Settings

commands = typer.Typer(
    help="Keys: signing key of access tokens, master key, data and index keys of the municipalities.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TownKey = Annotated[str, typer.Argument(metavar="MUNICIPALITY", help="Key of the municipality.")]


@commands.command()
def rotate(*, as_json: AsJson = False) -> None:
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


@commands.command("rotate-wrapping")
def rotate_wrapping(
    *,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only add the next key to the file, to copy it to other machines first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change the master key: wrap all keys anew in one transaction. May be cut off and repeated; running instances follow by themselves."""
    path = settings_of_environment().master_key_file

    async def work(office: Office) -> int:
        from but_gateway.identity.wrapping import prepare_master_key, rotate_master_key  # noqa: PLC0415 - help must not pay for it

        try:
            if prepare:
                prepare_master_key(path)
                return 0
            return await rotate_master_key(office.connect, path)
        except PermissionError:
            raise CommandError(f"{path} may not be written by this user. See docs/operations.md, Keys.") from None

    count = run_as_owner(work)
    if as_json:
        say_json({"wrapped": count, "file": str(path)})
    elif prepare:
        say(f"{path} holds the next key too. Copy it to every machine, then run the command again without --prepare.")
    else:
        say(f"{count} keys wrapped. Copy {path}, which reads the old key too, to every machine, then: but-gateway key forget-wrapping")


@commands.command("forget-wrapping")
def forget_wrapping(*, as_json: AsJson = False) -> None:
    """Take old master keys out of the file. Backups from before need a copy of the old file; without any copy nobody can read them."""
    path = settings_of_environment().master_key_file

    async def work(office: Office) -> int:
        from but_gateway.identity.wrapping import forget_master_keys  # noqa: PLC0415 - help must not pay for it

        try:
            return await forget_master_keys(office.connect, path)
        except ValueError as error:
            raise CommandError(f"{error}. Finish it with: but-gateway key rotate-wrapping", Exit.CONFLICT) from None

    count = run_as_owner(work)
    if as_json:
        say_json({"forgotten": count, "file": str(path)})
    else:
        say(f"{count} old keys are no longer in {path}.")


@commands.command("rotate-data")
def rotate_data(
    municipality: TownKey,
    *,
    notice: Annotated[float | None, typer.Option("--notice", help="Seconds until the new key is used.", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Change a municipality's data key and seal everything with the new one, beside the running instance. May be cut off and repeated."""

    async def work(office: Office) -> tuple[int, Counter[str]]:
        from but_gateway.identity import data_keys  # noqa: PLC0415 - help must not pay for it
        from but_gateway.identity.town_keys import NOTICE_SECONDS  # noqa: PLC0415 - as above

        town = await find_town_of(office, municipality)
        seconds = NOTICE_SECONDS if notice is None else notice
        async with office.connect() as connection:
            number, wait = await data_keys.announce_data_key(connection, office.master_key, town, notice_seconds=seconds)
        if wait:
            tell(f"Key {number} is known and will be used in {wait:.0f} seconds, when every process knows it …")
            await asyncio.sleep(wait + 0.1)
        done: Counter[str] = Counter()
        async for table, rows in data_keys.reseal_town(office.database, office.master_key, municipality):
            done[table] += rows
        return number, done

    number, done = run_as_owner(work)
    if as_json:
        say_json({"municipality": municipality, "number": number, "rows": dict(sorted(done.items()))})
    else:
        say(f"{municipality}: key {number} in use, {sum(done.values())} rows sealed. Tomorrow: but-gateway key forget-data {municipality}")


@commands.command("forget-data")
def forget_data(municipality: TownKey, *, as_json: AsJson = False) -> None:
    """Destroy a municipality's older data keys, once nothing needs them any more."""

    async def work(office: Office) -> int:
        from but_gateway.identity.data_keys import forget_data_keys  # noqa: PLC0415 - help must not pay for it
        from but_gateway.identity.town_keys import KeyStillNeededError  # noqa: PLC0415 - as above

        try:
            return await forget_data_keys(office.database, office.master_key, await find_town_of(office, municipality))
        except KeyStillNeededError as error:
            text = f"{error}. See how it stands with: but-gateway key rotate-data {municipality}"
            raise CommandError(text, Exit.CONFLICT) from None

    count = run_as_owner(work)
    if as_json:
        say_json({"municipality": municipality, "forgotten": count})
    else:
        say(f"{municipality}: {count} older keys destroyed.")


@commands.command("rotate-index")
def rotate_index(
    municipality: TownKey,
    *,
    notice: Annotated[float | None, typer.Option("--notice", help="Seconds until every process has seen a change of keys.", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Change the key of a municipality's keyed hashes, beside the running instance. May be cut off and repeated."""

    async def work(office: Office) -> tuple[int, Counter[str]]:
        from but_gateway.db.fields import SealBrokenError, StaleKeysError  # noqa: PLC0415 - help must not pay for it
        from but_gateway.procedures.rehashing import rotate_index  # noqa: PLC0415 - as above

        await find_town_of(office, municipality)
        known = rotate_index.NOTICE if notice is None else timedelta(seconds=notice)
        number, done = 0, Counter[str]()
        try:
            async for step in rotate_index.rotate_index(office.database, office.master_key, municipality, notice=known):
                number = step.number
                done[step.what] += step.rows
                if step.wait:
                    tell(f"Key {number} is {step.what}; {step.wait.total_seconds():.0f} seconds until every process has seen that …")
        except (SealBrokenError, StaleKeysError):
            text = "Another key of the municipality was changed meanwhile. When that is done, repeat this command: it goes on."
            raise CommandError(text, Exit.CONFLICT) from None
        return number, +done

    number, done = run_as_owner(work)
    if as_json:
        say_json({"municipality": municipality, "number": number, "rows": dict(sorted(done.items()))})
    else:
        rows = sum(done.values())
        say(f"{municipality}: index key {number} in use, {rows} hashes made. Tomorrow: but-gateway key forget-index {municipality}")


@commands.command("forget-index")
def forget_index(municipality: TownKey, *, as_json: AsJson = False) -> None:
    """Destroy the older key of a municipality's keyed hashes, once nothing needs it any more."""

    async def work(office: Office) -> int:
        from but_gateway.identity.town_keys import KeyStillNeededError  # noqa: PLC0415 - help must not pay for it
        from but_gateway.procedures.rehashing import forget_index  # noqa: PLC0415 - as above

        await find_town_of(office, municipality)
        try:
            return await forget_index.forget_index(office.database, office.master_key, municipality)
        except KeyStillNeededError as error:
            text = f"{error}. Go on with: but-gateway key rotate-index {municipality}"
            raise CommandError(text, Exit.CONFLICT) from None

    count = run_as_owner(work)
    if as_json:
        say_json({"municipality": municipality, "forgotten": count})
    else:
        say(f"{municipality}: {count} older index keys destroyed.")


async def find_town_of(office: Office, key: str) -> Town:
    """The municipality of a key. Refuses one that is not there with exit code 4."""
    from but_gateway.identity.store import find_town  # noqa: PLC0415 - help must not pay for it

    async with office.connect() as connection:
        town = await find_town(connection, key)
    if town is None:
        raise CommandError(f"There is no municipality {key!r}.", Exit.CONFLICT)
    return town

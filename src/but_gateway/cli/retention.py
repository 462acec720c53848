"""``but-gateway retention`` and ``municipality accounts-adopted``: delete what was kept long enough, and say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from but_gateway.cli.owner import ACTOR, Office, run_as_owner
from but_gateway.cli.report import CommandError, Exit, say, say_json, tell
from but_gateway.cli.sheet import print_pairs, print_sheet

if TYPE_CHECKING:  # help must not pay for it
    from but_gateway.procedures.retention.model import Deleted, Held

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_INSTANCE = "(Instanz)"


def retention(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Delete. Without it nothing is kept of what is done: a report only.")] = False,
    municipality: Annotated[str | None, typer.Option("--municipality", help="Only this municipality, and no month of all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Delete what was kept long enough (docs/retention.md). By default only report what would be deleted. Safe to cut off and repeat."""
    report = run_as_owner(lambda office: _retain(office, municipality, dry=not apply))
    if as_json:
        say_json(report.document(applied=apply))
    else:
        report.show(applied=apply)


class Report:
    """Counts by town, rule, table and month; what is held and why."""

    def __init__(self) -> None:
        self.rows: Counter[tuple[str, str, str, date]] = Counter()
        self.held: list[tuple[str, Held]] = []
        self.dropped: list[str] = []

    def add(self, town: str, deleted: Deleted) -> None:
        """What one transaction deleted of a town."""
        for place, rows in deleted.rows.items():
            self.rows[town, deleted.rule, place.source, place.first] += rows

    def document(self, *, applied: bool) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "applied": applied,
            "rows": [
                {"municipality": town, "rule": rule, "table": table, "month": f"{first:%Y-%m}", "rows": rows}
                for (town, rule, table, first), rows in sorted(self.rows.items())
            ],
            "held": [{"municipality": town, "rule": held.rule, "why": held.why, "rows": held.rows} for town, held in self.held],
            "dropped": sorted(self.dropped),
        }

    def show(self, *, applied: bool) -> None:
        """For people."""
        title = "Gelöscht" if applied else "Zu löschen (mit --apply)"
        if not self.rows:
            say(f"{title}: nichts")
        else:
            lines = [(town, rule, table, f"{first:%Y-%m}", str(rows)) for (town, rule, table, first), rows in sorted(self.rows.items())]
            print_sheet(title, ("Kommune", "Regel", "Tabelle", "Monat", "Zeilen"), lines, numbers=(4,))
        print_pairs("Bleibt vorerst", ((town, f"{held.rule}: {held.why} ({held.rows})") for town, held in self.held))
        print_pairs("Monate als Ganzes", (("Partition", name) for name in sorted(self.dropped)))


async def _retain(office: Office, only: str | None, *, dry: bool) -> Report:
    from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - help must not pay for it

    return await retain(office, SystemClock().now(), only, dry=dry)


async def retain(office: Office, now: datetime, only: str | None = None, *, dry: bool) -> Report:
    """All of retention at a moment: what belongs to no town, town by town, then whole months."""
    from but_gateway.procedures.retention.delete_answers import delete_answers  # noqa: PLC0415 - help must not pay for it
    from but_gateway.procedures.retention.drop_months import drop_months  # noqa: PLC0415 - as above
    from but_gateway.procedures.retention.model import Deleted, Place, Run  # noqa: PLC0415 - as above
    from but_gateway.procedures.retention.partition_store import all_towns  # noqa: PLC0415 - as above

    report = Report()
    towns = await all_towns(office.database)
    if only is not None and only not in dict(towns):
        raise CommandError(f"There is no municipality {only!r}.", Exit.CONFLICT)
    # Answers first: they name invoices, which must not be gone before.
    for rule, rows in (await delete_answers(office.database, now, dry=dry)).items():
        if rows:
            source = "idempotency_record" if rule == "answers" else "used_assertion"
            report.add(_INSTANCE, Deleted(rule, {Place(source, now.date().replace(day=1)): rows}))
    for key, town_id in towns:
        if only in {None, key}:
            run = Run(office.database, town_id, now, ACTOR, dry)
            await _town(run, key, report)
            report.held += [(key, held) for held in run.held]
    if only is None:
        async for key_or_none, deleted in drop_months(office.database, now, actor=ACTOR, dry=dry):
            if key_or_none is None:
                report.dropped += _names(deleted)
            else:
                report.add(key_or_none, deleted)
    return report


async def _town(run: Any, key: str, report: Report) -> None:  # noqa: ANN401 - a Run, not imported for help
    from but_gateway.procedures.retention.delete_books import delete_books  # noqa: PLC0415 - help must not pay for it
    from but_gateway.procedures.retention.delete_short_lived import delete_short_lived  # noqa: PLC0415 - as above
    from but_gateway.procedures.retention.delete_vouchers import delete_vouchers  # noqa: PLC0415 - as above

    async with run.whole():
        for verb in (delete_short_lived, delete_vouchers, delete_books):
            async for deleted in verb(run):
                report.add(key, deleted)


def _names(deleted: Deleted) -> Iterable[str]:
    return [place.source for place in deleted.rows]


def accounts_adopted(
    key: Annotated[str, typer.Argument(metavar="MUNICIPALITY", help="Key of the municipality.")],
    year: Annotated[int, typer.Argument(help="Fiscal year.", min=2000, max=2999)],
    adopted_on: Annotated[str, typer.Argument(metavar="DATE", help="Day of the council's decision, YYYY-MM-DD.")],
) -> None:
    """Record when the accounts of a fiscal year were adopted: its vouchers and books are kept from the year after it on."""
    try:
        day = date.fromisoformat(adopted_on)
    except ValueError:
        raise CommandError("DATE is a day such as 2027-06-30", Exit.USAGE) from None

    async def work(office: Office) -> None:
        from but_gateway.cli.keys import find_town_of  # noqa: PLC0415 - help must not pay for it
        from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above
        from but_gateway.procedures.retention.adopt_accounts import AdoptionRefusedError, adopt_accounts  # noqa: PLC0415 - as above
        from but_gateway.procedures.retention.model import Run  # noqa: PLC0415 - as above

        town = await find_town_of(office, key)
        try:
            await adopt_accounts(Run(office.database, town.id, SystemClock().now(), ACTOR, dry=False), year, day)
        except AdoptionRefusedError as error:
            raise CommandError(str(error), Exit.USAGE) from None

    run_as_owner(work)
    tell(f"{key}: the accounts of {year} were adopted on {day}.")

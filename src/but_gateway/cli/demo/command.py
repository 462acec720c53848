"""``but-gateway demo``: the whole round on a made-up town, before your eyes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from but_gateway.cli.report import say, say_json, tell

if TYPE_CHECKING:  # help must not pay for it
    from but_gateway.cli.demo.playing import Played


def demo(  # noqa: PLR0913 - options, all by name
    *,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Go on serving until Ctrl-C, or end with the summary.")] = True,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 8080,
    seed: Annotated[int, typer.Option(help="Another number, another town.", min=0)] = 1,
    children: Annotated[int, typer.Option(help="How many children.", min=100, max=20_000)] = 2000,
    out: Annotated[Path, typer.Option(help="Folder for its database and the package; emptied at every start.")] = Path("var/demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Play a month of a made-up town: checks, invoices, decisions, settlement, package; then serve it until Ctrl-C."""
    import time  # noqa: PLC0415 - the demo's own clock starts with its imports, which are most of its start

    begun = time.perf_counter()
    from but_gateway.cli.demo import place  # noqa: PLC0415 - help must not pay for it

    place.refuse_production()
    place.refuse_taken_port(port)
    place.claim_folder(out)
    from but_gateway.cli.demo import running, summary  # noqa: PLC0415 - nor must a refusal pay for the whole service

    def done(played: Played, base_url: str) -> None:
        seconds = time.perf_counter() - begun
        if as_json:
            say_json(summary.document(played, base_url, out, seconds))
        else:
            summary.show(played, base_url, seconds)
            if serve:
                say("Ctrl-C beendet die Demo.")

    running.run(running.Wish(port, seed, children, out, serve=serve), done)
    if serve:
        tell("Stopped.")

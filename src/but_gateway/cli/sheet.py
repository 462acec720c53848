"""Tables and texts on stdout: with colour and wrapped on a terminal, plain lines with tabs between columns when piped."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from but_gateway.cli.report import say

if TYPE_CHECKING:  # help must not pay for it
    from rich.console import Console, RenderableType


def print_sheet(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = ()) -> None:
    """A table; ``numbers`` are the columns that stand to the right. Piped: the names of the columns, then a line for each row."""
    console = _terminal()
    if console is None:
        for row in (columns, *rows):
            say("\t".join(row))
        return
    from rich.table import Table  # noqa: PLC0415 - help must not pay for it
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(title=title, title_justify="left", header_style="bold")
    right = set(numbers)
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index in right else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _put(console, table)


def print_pairs(title: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Names with what is said of each; nothing where there are none."""
    rows = list(pairs)
    console = _terminal()
    if not rows:
        return
    if console is None:
        for name, what in rows:
            say(f"{name}\t{what}")
        return
    from rich.table import Table  # noqa: PLC0415 - help must not pay for it
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(title=title or None, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, what in rows:
        table.add_row(name, Text(what))
    _put(console, table)


def print_text(title: str, text: str) -> None:
    """A heading and a sentence."""
    console = _terminal()
    if console is None:
        say(f"{title}\t{text}")
        return
    from rich.text import Text  # noqa: PLC0415 - help must not pay for it

    _put(console, Text.assemble((title, "bold"), "\n", text))


def _terminal() -> Console | None:
    if not sys.stdout.isatty():
        return None
    from rich.console import Console as Terminal  # noqa: PLC0415 - help must not pay for it

    return Terminal(highlight=False)


def _put(console: Console, what: RenderableType) -> None:
    console.print(what)
    console.print()

"""What the demo shows while it works: one line a stage, with a bar; on standard error, without colours where none are wanted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from but_gateway.cli.demo.stages import Advance

_TITLE_WIDTH: Final = 62


class RichScreen:
    """A live display on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=18),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows stages as long as the block runs."""
        with self._progress:
            yield

    def stop(self) -> None:
        """All stages are done: what follows is printed below them."""
        self._progress.stop()

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Advance]:
        """A line of its own."""
        task = self._progress.add_task(title.ljust(_TITLE_WIDTH), total=max(total, 1))
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self._progress.update(task, advance=count)

        yield advance
        self._progress.update(task, completed=max(total, 1))
        if not self.console.is_terminal:
            seconds = self._progress.tasks[task].elapsed or 0
            self.console.print(f"✓ {title.ljust(_TITLE_WIDTH)} {done:>7} {seconds:6.1f} s", soft_wrap=True)

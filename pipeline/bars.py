"""Progress on a terminal as bars, anywhere else as one line when a stage starts and one when it ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress as rich_progress
from rich.console import Console

from dctts.progress import Bar, Progress


def progress_for(console: Console) -> Progress:
    """Choose how to draw on a console."""
    return Bars(console) if console.is_terminal and not console.is_dumb_terminal else Lines(console)


class Bars:
    """Draw bars with rich; they vanish when done, the log lines above them stay."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = 0
        self._display: rich_progress.Progress | None = None

    @contextmanager
    def bar(self, label: str, total: float | None = None) -> Iterator[Bar]:
        """Open a bar; bars may be open inside one another."""
        display = self._display
        if display is None:
            display = self._display = rich_progress.Progress(
                rich_progress.SpinnerColumn(),
                rich_progress.TextColumn("{task.description}", markup=False),
                rich_progress.BarColumn(),
                rich_progress.MofNCompleteColumn(),
                rich_progress.TimeRemainingColumn(),
                rich_progress.TextColumn("{task.fields[note]}", markup=False),
                console=self._console,
                transient=True,
            )
            display.start()
        self._open += 1
        task = display.add_task(label, total=total, note="")
        try:
            yield _RichBar(display, task)
        finally:
            display.remove_task(task)
            self._open -= 1
            if not self._open:
                display.stop()
                self._display = None


class _RichBar:
    def __init__(self, display: rich_progress.Progress, task: rich_progress.TaskID) -> None:
        self._display = display
        self._task = task

    def advance(self, amount: float = 1, note: str = "") -> None:
        self._display.advance(self._task, amount)
        if note:
            self._display.update(self._task, note=note)


class Lines:
    """Write a line when a stage starts and one when it ends: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def bar(self, label: str, total: float | None = None) -> Iterator[Bar]:
        """Open a bar that is two lines."""
        self._console.print(f"{label} …", markup=False, highlight=False)
        bar, begun = _LineBar(), time.monotonic()
        yield bar
        seconds = time.monotonic() - begun
        self._console.print(f"{label}: done in {seconds:.1f} s {bar.note}".rstrip(), markup=False, highlight=False)


class _LineBar:
    def __init__(self) -> None:
        self.note = ""

    def advance(self, amount: float = 1, note: str = "") -> None:
        self.note = note or self.note

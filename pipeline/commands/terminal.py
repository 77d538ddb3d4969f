"""What all commands share: stderr, its log lines and its two lines of error."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from dctts.errors import ClonePipelineError

if TYPE_CHECKING:
    from rich.console import Console

    from dctts.progress import Progress


@cache
def stderr() -> "Console":
    """Open the one console that bars and log lines share, so that a line never tears a bar."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True)


@contextmanager
def resumable() -> Iterator[None]:
    """Say, when Ctrl-C ends a training, that nothing was lost."""
    from dctts.train import Interrupted

    try:
        yield
    except Interrupted as stopped:
        say(f"{stopped}; everything is saved, the same command goes on")
        raise


def progress() -> "Progress":
    """Draw bars on a terminal, plain lines elsewhere."""
    from pipeline.bars import progress_for

    return progress_for(stderr())


def configure_logging(*, verbose: bool) -> None:
    """Send the log to stderr: our own lines from info up, other packages' from warning up."""
    root = logging.getLogger()
    root.handlers = [_ConsoleHandler()]
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    for name in ("pipeline", "dctts"):
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)


def show_error(error: ClonePipelineError) -> None:
    """Write `error: …` and `hint: …`, one line each whatever a page's title holds."""
    say(f"error: {one_line(error.message)}")
    if error.hint:
        say(f"hint: {one_line(error.hint)}")


def say(line: str = "") -> None:
    """Write a line to stderr as it stands."""
    stderr().print(line, markup=False, highlight=False)


def one_line(text: str) -> str:
    """Make any text one line without control characters, which could rewrite the terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


class _ConsoleHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        prefix = "warning: " if record.levelno == logging.WARNING else "error: " if record.levelno > 30 else ""
        say(prefix + one_line(record.getMessage()))
        if record.exc_info:
            logging.Handler.handleError(self, record) if not sys.stderr else say(
                logging.Formatter().formatException(record.exc_info)
            )

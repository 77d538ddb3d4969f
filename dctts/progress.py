"""Progress as a parameter: stages report, whoever runs them decides how it looks."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Bar(Protocol):
    """One bar that is being filled."""

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Move on by `amount`; `note` replaces the text at the end of the bar ("" keeps it)."""


class Progress(Protocol):
    """Somewhere to draw bars."""

    def bar(self, label: str, total: float | None = None) -> AbstractContextManager[Bar]:
        """Open a bar; `total` None when the end is unknown. The bar closes with the block."""


class _SilentBar:
    def advance(self, amount: float = 1, note: str = "") -> None:
        pass


class Silent:
    """Draw nothing: the default, for notebooks, tests and pipes."""

    @contextmanager
    def bar(self, label: str, total: float | None = None) -> Iterator[Bar]:
        """Open a bar that shows nothing."""
        yield _SilentBar()


SILENT = Silent()


def tracked(progress: Progress, label: str, items: Iterable[T], total: float | None = None) -> Iterator[T]:
    """Yield `items`, advancing a bar by one after each has been used."""
    with progress.bar(label, total) as bar:
        for item in items:
            yield item
            bar.advance()

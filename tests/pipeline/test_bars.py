import io
import re

import pytest
from rich.console import Console

from dctts.progress import tracked
from pipeline.bars import Bars, Lines, progress_for


def test_a_pipe_gets_a_line_at_the_start_and_one_at_the_end() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    progress = progress_for(console)
    assert isinstance(progress, Lines)
    with progress.bar("segment [talk]", 100) as bar:
        for _ in range(100):
            bar.advance(note="12 spans")
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "segment [talk] …"
    assert re.fullmatch(r"segment \[talk\]: done in \d+\.\d s 12 spans", lines[1])
    assert len(lines) == 2


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(progress_for(Console(file=io.StringIO(), force_terminal=True)), Lines)


def test_a_terminal_gets_bars_that_vanish_even_inside_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    progress = progress_for(console)
    assert isinstance(progress, Bars)
    with progress.bar("outer") as outer:
        assert list(tracked(progress, "inner [x]", "abc", 3)) == ["a", "b", "c"]
        outer.advance(note="half")
        console.print("a log line")
    with progress.bar("again", 1):
        pass
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "a log line" in shown
    assert "again" in shown
    assert progress._display is None


def test_a_failing_stage_leaves_no_bar_open() -> None:
    progress = Bars(Console(file=io.StringIO(), force_terminal=True))
    try:
        with progress.bar("stage"):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert progress._display is None

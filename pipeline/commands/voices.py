"""`clone-pipeline voices`: what exists."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import VoicesDir
from pipeline.errors import DatasetError
from pipeline.voices import VoiceFolder, find_voices_dir, list_voices

if TYPE_CHECKING:
    from pipeline.bases import BaseVoice

COLUMNS = ("voice", "sources", "minutes kept", "clips", "runs", "steps", "speaks")


@dataclass(frozen=True, kw_only=True)
class VoiceRow:
    """What one voice folder holds, or what is known of a voice that ships."""

    name: str
    num_sources: int | None
    """None for a voice that ships."""
    minutes_kept: float | None
    """None when there is no clips.jsonl, or not a readable one."""
    num_kept: int | None
    num_runs: int | None
    steps: int | None
    """Of the newest run; None when it has no metrics yet."""
    speaks: bool

    def cells(self) -> tuple[str, ...]:
        """Format the row for people and scripts."""
        return (
            self.name,
            _cell(self.num_sources),
            "-" if self.minutes_kept is None else f"{self.minutes_kept:.1f}",
            _cell(self.num_kept),
            _cell(self.num_runs),
            _cell(self.steps),
            "yes" if self.speaks else "no",
        )


def voices(voices_dir: VoicesDir = None) -> None:
    """List the voices: minutes kept, runs, steps trained, and whether each can speak.

    Those that ship come last, under the names that speak --voice takes. A
    table on a terminal; tab-separated with a header line when piped.

    [bold]Example[/bold]

      clone-pipeline voices | cut -f1,3
    """
    rows = [look_at(voice) for voice in list_voices(voices_dir)]
    if not rows:
        terminal.say(f"no voices in {find_voices_dir(voices_dir)}; clone-pipeline fetch URL makes the first")
    rows += shipped_rows()
    if not rows:
        return
    if not sys.stdout.isatty():
        for cells in (COLUMNS, *(row.cells() for row in rows)):
            typer.echo("\t".join(cells))
        return
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("voice", "speaks") else "right")
    for row in rows:
        table.add_row(*row.cells())
    Console().print(table)


def look_at(voice: VoiceFolder) -> VoiceRow:
    """Read what a voice folder holds; a broken part of it counts as absent."""
    from pipeline.clips_file import read_clips

    try:
        kept = [clip for clip in read_clips(voice.clips_jsonl) if clip.kept]
    except DatasetError:
        kept = None
    newest = voice.newest_run()
    return VoiceRow(
        name=voice.name,
        num_sources=sum(1 for _ in voice.sources.glob("*/source.json")),
        minutes_kept=None if kept is None else sum(clip.end_s - clip.start_s for clip in kept) / 60,
        num_kept=None if kept is None else len(kept),
        num_runs=len(voice.run_folders()),
        steps=_last_step(newest / "metrics.jsonl") if newest else None,
        speaks=voice.voice_safetensors.is_file(),
    )


def shipped_rows() -> list[VoiceRow]:
    """Tell of each base, and of each of its speakers, what its card says of the data behind it."""
    from pipeline.bases import base_voice_names, find_base_voice

    return [_shipped_row(name, find_base_voice(name)) for name in base_voice_names()]


def _shipped_row(name: str, voice: "BaseVoice") -> VoiceRow:
    card = voice.base.card
    data = card.get("speakers", {}).get(voice.speaker, {}) if voice.speaker else card
    return VoiceRow(
        name=name,
        num_sources=None,
        minutes_kept=data.get("minutes"),
        num_kept=data.get("clips"),
        num_runs=None,
        steps=card.get("steps"),
        speaks=True,
    )


def _cell(value: int | None) -> str:
    return "-" if value is None else str(value)


def _last_step(metrics: Path, tail_bytes: int = 65_536) -> int | None:
    """Read the step of the last whole line: metrics are appended to, so the very last may be half written."""
    try:
        with metrics.open("rb") as file:
            file.seek(max(0, metrics.stat().st_size - tail_bytes))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            step = json.loads(line)["step"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(step, int):
            return step
    return None

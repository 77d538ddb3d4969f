"""A recording drawn as strips of time, coloured by verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.funnel import NOT_SPEECH, Stretch
from pipeline.records import Clip

WIDTH = 1000.0
"""Of a strip, in the units of its drawing."""
_STRIP_LENGTHS_S = (60, 120, 300, 600, 1200, 1800, 3600)
_MAX_STRIPS = 12
_GAP = 0.8  # between neighbours, or two clips look like one
_LEAST_WIDTH = 0.6


@dataclass(frozen=True, kw_only=True)
class Block:
    """One stretch on a strip."""

    x: float
    width: float
    colour: str
    kept: bool
    title: str
    clip: str
    """Id of the clip to jump to, "" for none."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Some minutes of a recording."""

    start_s: float
    end_s: float
    length_s: float
    """What its full width stands for; the last strip may end earlier."""
    blocks: tuple[Block, ...]

    @property
    def width(self) -> float:
        """How far the recording reaches on it."""
        return round((self.end_s - self.start_s) / self.length_s * WIDTH, 2)


def strips(
    parts: Sequence[Stretch], clips: Sequence[Clip], duration_s: float, colours: Mapping[str, str]
) -> list[Strip]:
    """Wrap a recording's timeline: one line would give a clip of an hour's talk less than a pixel.

    Args:
        parts: of the whole recording, in order.
        clips: its candidates.
        duration_s: its length.
        colours: reason → class of the style sheet.
    """
    length_s = next((n for n in _STRIP_LENGTHS_S if duration_s <= n * _MAX_STRIPS), _STRIP_LENGTHS_S[-1])
    length_s = min((n for n in _STRIP_LENGTHS_S if n >= duration_s), default=length_s) if duration_s <= 60 else length_s
    result = []
    start = 0.0
    while start < duration_s:
        end = min(start + length_s, duration_s)
        inside = [part for part in parts if part.start_s < end and part.end_s > start and part.reason != NOT_SPEECH]
        result.append(
            Strip(
                start_s=start,
                end_s=end,
                length_s=length_s,
                blocks=tuple(_block(part, start, end, length_s, clips, colours) for part in inside),
            )
        )
        start += length_s
    return result


def _block(
    part: Stretch, start: float, end: float, length_s: float, clips: Sequence[Clip], colours: Mapping[str, str]
) -> Block:
    left, right = max(part.start_s, start), min(part.end_s, end)
    middle = (part.start_s + part.end_s) / 2
    covering = [clip for clip in clips if clip.start_s <= middle < clip.end_s and clip.kept == (not part.reason)]
    return Block(
        x=round((left - start) / length_s * WIDTH, 2),
        width=round(max(_LEAST_WIDTH, (right - left) / length_s * WIDTH - _GAP), 2),
        colour=colours.get(part.reason, "c5"),
        kept=not part.reason,
        title=f"{part.start_s:.1f}–{part.end_s:.1f} s: {part.reason or 'kept'}"
        + (f" – {covering[0].text}" if covering else ""),
        clip=covering[0].id if covering else "",
    )

"""When each word is said: monotonic attention knows, so that subtitles of synthetic speech need no recogniser."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from dctts.text import Encoded

LINE_CHARACTERS = 42
"""Of a subtitle line, as broadcasters count (BBC Subtitle Guidelines, 2024)."""


@dataclass(frozen=True, kw_only=True)
class WordTime:
    """A word and when it is said, in seconds from the start of the sound."""

    text: str
    start_s: float
    end_s: float


def word_times(
    encoded: Encoded, position: Tensor, *, frame_s: float, first_frame: int = 0, offset_s: float = 0.0
) -> list[WordTime]:
    """Read the times of a text's words from where attention was.

    Args:
        encoded: the text and where in it each word lies.
        position: Tensor[T], the symbol attended most in each coarse frame, never falling.
        frame_s: length of a coarse frame.
        first_frame: frames cut off at the front before the sound was made.
        offset_s: where in the whole sound this text begins.

    Returns:
        one entry a word, in order, touching or apart but never overlapping. A word that attention stepped over gets
        the instant at which it was passed.
    """
    times = []
    for word in encoded.words:
        reached = int((position < word.start).sum())
        left = int((position < word.stop).sum())
        start, end = (max(0, frame - first_frame) * frame_s + offset_s for frame in (reached, left))
        times.append(WordTime(text=word.text, start_s=round(start, 3), end_s=round(end, 3)))
    return times


def to_srt(words: Iterable[WordTime], *, first_number: int = 1) -> str:
    """Write SubRip subtitles: lines of up to 42 characters, each shown while its words are said."""
    blocks = []
    for number, line in enumerate(_lines(list(words)), first_number):
        span = f"{_clock(line[0].start_s)} --> {_clock(line[-1].end_s)}"
        blocks.append(f"{number}\n{span}\n{' '.join(word.text for word in line)}\n")
    return "\n".join(blocks)


class SubtitleFile:
    """A SubRip file that grows by a chunk at a time; no line runs on from one chunk into the next."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def add(self, words: Sequence[WordTime]) -> None:
        """Append the words of a chunk, timed from the start of the whole sound."""
        text = to_srt(words, first_number=self._count + 1)
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(("\n" if self._count and text else "") + text)
        self._count += len(_lines(words))


def _lines(words: Sequence[WordTime]) -> list[list[WordTime]]:
    lines: list[list[WordTime]] = []
    for word in words:
        fits = lines and sum(len(other.text) + 1 for other in lines[-1]) + len(word.text) <= LINE_CHARACTERS
        follows = lines and word.start_s - lines[-1][-1].end_s < 0.4  # a longer silence ends a line
        if fits and follows:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{milliseconds // 1000:02d},{milliseconds % 1000:03d}"

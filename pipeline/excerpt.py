"""A few minutes of a recording, taken evenly from all of it and put in a row, with their captions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from dctts.progress import SILENT, Progress, tracked
from pipeline.captions import CaptionTrack
from pipeline.ffmpeg import decode_part
from pipeline.records import Clip, Word
from pipeline.samples import SAMPLE_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class Window:
    """One piece of a recording and where it lies in the excerpt, in seconds."""

    start_s: float
    """In the recording."""
    length_s: float
    at_s: float
    """In the excerpt."""
    margin_s: float
    """At both ends, where a cut through a sentence spoils what is found: heard, but not counted."""

    @property
    def counted_s(self) -> tuple[float, float]:
        """From where to where in the excerpt it counts."""
        return self.at_s + self.margin_s, self.at_s + self.length_s - self.margin_s


def place_windows(
    duration_s: float, *, count: int, length_s: float, margin_s: float, gap_s: float = 1.0
) -> tuple[Window, ...]:
    """Place windows in the middle of equal parts of a recording; one that is hardly longer is taken whole.

    Args:
        duration_s: of the recording.
        count: how many.
        length_s: of each.
        margin_s: of each, at both ends.
        gap_s: silence between them in the excerpt.
    """
    if duration_s <= count * length_s:
        return (Window(start_s=0.0, length_s=duration_s, at_s=0.0, margin_s=0.0),)
    step_s = duration_s / count
    return tuple(
        Window(
            start_s=(number + 0.5) * step_s - length_s / 2,
            length_s=length_s,
            at_s=number * (length_s + gap_s),
            margin_s=margin_s,
        )
        for number in range(count)
    )


def cut_excerpt(audio: Path, windows: Sequence[Window], wav: Path, progress: Progress = SILENT) -> None:
    """Write the windows of a recording as one 16 kHz mono wav, silence between them.

    Raises:
        AudioError: the recording cannot be read.
    """
    with (
        TemporaryDirectory(dir=wav.parent) as scratch,
        soundfile.SoundFile(wav, "w", SAMPLE_RATE_HZ, 1, subtype="PCM_16") as whole,
    ):
        part = Path(scratch) / "part.wav"
        for window in tracked(progress, "decode", windows, len(windows)):
            # An absent part, past the end of a recording that is shorter than it says, is silence.
            whole.write(np.zeros(max(0, round(window.at_s * SAMPLE_RATE_HZ) - whole.tell()), np.int16))
            decode_part(audio, part, start_s=window.start_s, length_s=window.length_s, sample_rate_hz=SAMPLE_RATE_HZ)
            samples, _ = soundfile.read(part, dtype="int16")
            whole.write(samples[: round(window.length_s * SAMPLE_RATE_HZ)])


def shift_captions(track: CaptionTrack, windows: Sequence[Window]) -> CaptionTrack:
    """Keep what the captions say inside the windows, at the times of the excerpt."""
    words: list[Word] = []
    cues, sounds, turns = [], [], []
    for window in windows:
        end_s, by_s = window.start_s + window.length_s, window.at_s - window.start_s

        def inside(start_s: float, from_s: float = window.start_s, to_s: float = end_s) -> bool:
            return from_s <= start_s < to_s

        words += [
            replace(one, start_s=one.start_s + by_s, end_s=one.end_s + by_s)
            for one in track.words
            if inside(one.start_s) and one.end_s <= end_s
        ]
        # Cues and sounds are longer than words: one that began before still lasts.
        cues += [
            replace(one, start_s=one.start_s + by_s, end_s=one.end_s + by_s)
            for one in track.cues
            if inside(one.start_s) and one.end_s <= end_s
        ]
        sounds += [
            replace(one, start_s=max(one.start_s, window.start_s) + by_s, end_s=min(one.end_s, end_s) + by_s)
            for one in track.sounds
            if one.start_s < end_s and one.end_s > window.start_s
        ]
        turns += [turn_s + by_s for turn_s in track.turns_s if inside(turn_s)]
    return replace(track, words=tuple(words), cues=tuple(cues), sounds=tuple(sounds), turns_s=tuple(turns))


def counted(clips: Sequence[Clip], window: Window) -> list[Clip]:
    """Cut the clips off at the counted part of a window, at times from its start."""
    start_s, end_s = window.counted_s
    return [
        replace(clip, start_s=max(clip.start_s, start_s) - start_s, end_s=min(clip.end_s, end_s) - start_s)
        for clip in clips
        if clip.start_s < end_s and clip.end_s > start_s
    ]

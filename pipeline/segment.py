"""Find the stretches of speech: webrtcvad's yes or no per frame → spans of 1–10 s with edges in the quiet."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from dctts.progress import SILENT, Progress
from pipeline import samples as wav_samples
from pipeline.errors import NoSpeechError
from pipeline.records import Span
from pipeline.samples import FRAME_S, SAMPLE_RATE_HZ, Decibels, quietest, smoothed

log = logging.getLogger(__name__)

VAD_FRAMES = 3
"""Loudness frames of 10 ms in one frame of webrtcvad."""


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """How speech is told from the rest and where it is cut."""

    frame_ms: int = 30
    """webrtcvad takes 10, 20 or 30 ms; the longest gives the steadiest decisions and is three times as fast."""
    aggressiveness: int = 3
    """webrtcvad's mode 0 (lets much through) to 3. Mode 3 alone hears the pauses of 0.3 s between two speakers: on a
    talk of 26 minutes 1 span holds both voices against 24 at mode 2, for 0.1 s of speech lost."""
    smooth_frames: int = 5
    """A frame is speech when most of the five around it are (150 ms): no span from one click, no hole from one stop."""
    join_pause_s: float = 0.25
    """Pauses shorter than this stay inside a span: they are stops and breaths between words of one phrase."""
    min_speech_s: float = 0.2
    """Bursts shorter than this hold no word: coughs, clicks, door slams."""
    max_span_s: float = 10.0
    """Longest clip that the voice model is trained on; longer stretches are split at their quietest pauses."""
    min_span_s: float = 1.0
    """Shortest clip worth training on; a split never makes a shorter one."""
    margin_s: float = 0.2
    """Silence kept before and after, so that no onset or fading last sound is lost to a late or early decision."""

    def __post_init__(self) -> None:
        if self.frame_ms != VAD_FRAMES * 10:
            raise ValueError(f"frame_ms must be {VAD_FRAMES * 10}, got {self.frame_ms}")
        if not 0 <= self.aggressiveness <= 3:
            raise ValueError(f"aggressiveness must be 0 to 3, got {self.aggressiveness}")
        if not 2 * self.min_span_s <= self.max_span_s:
            raise ValueError(f"max_span_s {self.max_span_s} is less than twice min_span_s {self.min_span_s}")


def find_spans(wav_16k: Path, options: SegmentOptions | None = None, progress: Progress = SILENT) -> list[Span]:
    """Find the stretches of speech in a 16 kHz mono wav.

    The samples are streamed; what is held for the whole recording is one byte and one float per 10 ms (1.8 MB an hour).

    Raises:
        NoSpeechError: there is none.
        AudioError: the wav cannot be read, or is not 16 kHz mono.
    """
    options = options or SegmentOptions()
    is_speech, levels = _listen(wav_16k, options, progress)
    spans = join_frames(is_speech, levels, options)
    total_s = len(levels) * FRAME_S
    speech_s = sum(span.duration_s for span in spans)
    log.info("found %.1f s of speech in %.1f s, %d spans", speech_s, total_s, len(spans))
    if not spans:
        raise NoSpeechError(
            f"no speech found in {wav_16k.name} (0.0 s of {total_s:.1f} s)",
            hint="check that somebody speaks in this recording; music and silence give no voice",
        )
    return spans


def join_frames(is_speech: NDArray[np.bool_], levels: Decibels, options: SegmentOptions) -> list[Span]:
    """Turn one decision per 10 ms into spans.

    Args:
        is_speech: bool[n], one per 10 ms.
        levels: dB, float32[n], one per 10 ms.
        options: how pauses are joined, long spans split and edges placed.

    Returns:
        Spans in order that do not overlap.
    """
    if not len(levels):
        return []
    window = options.smooth_frames * VAD_FRAMES
    share = np.convolve(is_speech.astype(np.float32), np.ones(window, np.float32) / window, mode="same")
    runs = _runs(share > 0.5)
    runs = [(a, b) for a, b in _joined(runs, round(options.join_pause_s / FRAME_S))]
    runs = [(a, b) for a, b in runs if b - a >= round(options.min_speech_s / FRAME_S)]
    smooth = smoothed(levels)
    pieces = [piece for a, b in runs for piece in _split(a, b, smooth, options)]
    return _with_margins(pieces, smooth, options)


def _listen(wav: Path, options: SegmentOptions, progress: Progress) -> tuple[NDArray[np.bool_], Decibels]:
    vad = webrtcvad.Vad(options.aggressiveness)
    frame_samples = SAMPLE_RATE_HZ * options.frame_ms // 1000
    flags: list[NDArray[np.bool_]] = []
    levels: list[Decibels] = []
    # A block is a whole number of frames, so that decisions do not depend on how the file is read.
    block_s = 1000 * options.frame_ms / 1000
    with progress.bar("segment", wav_samples.duration_s(wav)) as bar:
        for block in wav_samples.blocks(wav, block_s):
            count = len(block) // frame_samples
            decisions = [
                vad.is_speech(block[i * frame_samples : (i + 1) * frame_samples].tobytes(), SAMPLE_RATE_HZ)
                for i in range(count)
            ]
            flags.append(np.repeat(np.array(decisions, dtype=np.bool_), VAD_FRAMES))
            levels.append(wav_samples.loudness_db(block[: count * frame_samples]))
            bar.advance(len(block) / SAMPLE_RATE_HZ)
    if not levels:
        return np.zeros(0, np.bool_), np.zeros(0, np.float32)
    return np.concatenate(flags), np.concatenate(levels)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _joined(runs: Sequence[tuple[int, int]], pause_frames: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in runs:
        if joined and start - joined[-1][1] < pause_frames:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _split(start: int, end: int, levels: Decibels, options: SegmentOptions) -> list[tuple[int, int]]:
    """Halve at the quietest frame until every piece fits; with margins it must still be at most `max_span_s`."""
    longest = round((options.max_span_s - 2 * options.margin_s) / FRAME_S)
    if end - start <= longest:
        return [(start, end)]
    edge = max(round(options.min_span_s / FRAME_S), (end - start) // 4)
    cut = quietest(levels, start + edge, end - edge)
    return _split(start, cut, levels, options) + _split(cut, end, levels, options)


def _with_margins(pieces: Sequence[tuple[int, int]], levels: Decibels, options: SegmentOptions) -> list[Span]:
    margin = round(options.margin_s / FRAME_S)
    starts, ends = [a for a, _ in pieces], [b for _, b in pieces]
    for i in range(len(pieces) + 1):
        gap_start = ends[i - 1] if i else 0
        gap_end = pieces[i][0] if i < len(pieces) else len(levels)
        if i and i < len(pieces) and gap_end - gap_start < 2 * margin:
            starts[i] = ends[i - 1] = quietest(levels, gap_start, gap_end)
            continue
        # The outer half of the margin holds the quietest frame: webrtcvad decides up to 100 ms early or late.
        if i:
            ends[i - 1] = quietest(levels, gap_start + margin // 2, min(gap_start + margin, gap_end))
        if i < len(pieces):
            starts[i] = quietest(levels, max(gap_end - margin, gap_start), gap_end - margin // 2)
    return [
        Span(start_s=round(a * FRAME_S, 3), end_s=round(b * FRAME_S, 3))
        for a, b in zip(starts, ends, strict=True)
        if b > a
    ]

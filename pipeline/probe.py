"""What a recording would give, told in under a minute from a few minutes of it.

The stages are those of a real run, on windows taken evenly from the whole: what they keep there, they will keep of the
rest, as far as a talk is the same all along. Nothing is left on disk.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.progress import SILENT, Progress
from pipeline.captions import CaptionTrack, read_captions
from pipeline.errors import NoSpeechError
from pipeline.excerpt import Window, counted, cut_excerpt, place_windows, shift_captions
from pipeline.fetch import FetchOptions, fetch
from pipeline.funnel import Funnel, add_up, stretches
from pipeline.records import Clip, Recording, Span, Utterance
from pipeline.screen import ScreenOptions, screen
from pipeline.segment import SegmentOptions, find_spans
from pipeline.transcribe import choose_transcriber

# Opus at 50 kbit/s keeps all that the screening measures; below it codecs cut the treble away.
_FORMAT = "worstaudio[abr>=48]/worstaudio/worst"
_RESAMPLES = 400


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """How much to listen to."""

    fetch: FetchOptions = field(default_factory=lambda: FetchOptions(limit=1, audio_format=_FORMAT))
    segment: SegmentOptions = field(default_factory=SegmentOptions)
    screen: ScreenOptions = field(default_factory=ScreenOptions)
    num_windows: int = 6
    window_s: float = 28.0
    """Six of 28 s are under three minutes: one minute of processor time, half a minute on two cores."""
    margin_s: float = 3.0
    """A sentence cut through at the edge of a window is dropped there and would not be in the whole."""
    budget_s: float = 40.0
    """No window is begun that would end later than this after the start."""
    least_speaker_share: float = 0.05
    """Of the speech: less is a handful of words that sound like nobody."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What was found, and what it lets expect. All but title, length and captions are estimates."""

    recording: Recording
    heard_s: float
    """Of the recording, on which the rest is founded."""
    speaker_shares: tuple[float, ...]
    """Of the speech, the most first; the first is whose voice would be taken."""
    funnel: Funnel
    """Of what was heard."""
    kept_s: float
    """Of the whole recording, predicted."""
    kept_range_s: tuple[float, float]
    """In eight of ten cases the truth lies in here, as far as windows speak for the rest."""

    def share_of(self, *words: str) -> float:
        """Add up the share of what was dropped for reasons that hold one of some words, in [0, 1]."""
        lost_s = sum(seconds for reason, seconds in self.funnel.dropped_s if any(word in reason for word in words))
        return lost_s / self.funnel.total_s if self.funnel.total_s else 0.0


def probe(
    url: str,
    options: ProbeOptions | None = None,
    progress: Progress = SILENT,
    clock: Callable[[], float] = time.monotonic,
) -> Forecast:
    """Fetch the cheapest audio and the captions of a video, listen to some of it, and predict what it would give.

    Args:
        url: of a video, or a file of this machine; of a list the first video.
        options: None takes the defaults.
        progress: where to draw.
        clock: seconds of some clock.

    Raises:
        FetchError: nothing could be fetched.
        TranscribeError: the language has no recogniser that is quick enough.
        NoSpeechError: nobody speaks in what was heard.
    """
    options = options or ProbeOptions()
    begun = clock()
    with TemporaryDirectory(prefix="clone-pipeline-probe-") as scratch:
        recording, *_ = fetch(url, sources=Path(scratch) / "sources", options=options.fetch, progress=progress)
        windows = place_windows(
            recording.duration_s, count=options.num_windows, length_s=options.window_s, margin_s=options.margin_s
        )
        wav = Path(scratch) / "excerpt.wav"
        cut_excerpt(recording.audio, windows, wav, progress)
        captions = read_captions(recording.captions, duration_s=recording.duration_s) if recording.captions else None
        shifted = shift_captions(captions, windows) if captions else None
        try:
            spans = find_spans(wav, options.segment, progress)
        except NoSpeechError as error:
            heard_s = sum(window.length_s for window in windows)
            raise NoSpeechError(
                f"nobody speaks in {heard_s:.0f} s taken from {recording.title or url}", hint=error.hint
            ) from error
        utterances, heard = _transcribe(recording, wav, spans, windows, shifted, options, progress, begun, clock)
        screened = screen(
            utterances,
            wav,
            options=options.screen,
            speaker_encoder=SpeakerEncoder(),
            sounds=shifted.sounds if shifted else (),
            progress=progress,
        )
    shares = tuple(one.share for one in screened.speakers if one.share >= options.least_speaker_share)
    return _forecast(recording, heard, screened.clips, shares)


def _transcribe(
    recording: Recording,
    wav: Path,
    spans: Sequence[Span],
    windows: Sequence[Window],
    captions: CaptionTrack | None,
    options: ProbeOptions,
    progress: Progress,
    begun: float,
    clock: Callable[[], float],
) -> tuple[list[Utterance], Sequence[Window]]:
    """Transcribe window by window while there is time, from all over the recording first; two at the least."""
    transcriber, _ = choose_transcriber(
        # Whisper would take longer than there is, and agreement is counted against the captions all the same.
        "captions" if captions and captions.words else "pocketsphinx",
        captions=captions,
        language=recording.language,
    )
    utterances: list[Utterance] = []
    done: list[Window] = []
    for windows_now in _rounds(windows):
        before = clock()
        own = [span for span in spans if any(_holds(window, span) for window in windows_now)]
        if own:
            utterances += transcriber.transcribe(wav, own, source=recording.id, progress=progress)
        done += windows_now
        if clock() + (clock() - before) > begun + options.budget_s:
            break
    return sorted(utterances, key=lambda one: one.span.start_s), sorted(done, key=lambda one: one.at_s)


def _rounds(windows: Sequence[Window]) -> list[list[Window]]:
    """Take every fourth window, then those half-way between, and so on: whenever time is up, all of it was sampled."""
    order = sorted(range(len(windows)), key=lambda place: (f"{place:03b}"[::-1], place))
    ordered = [windows[place] for place in order]
    return [ordered[at : at + 2] for at in range(0, len(ordered), 2)]


def _holds(window: Window, span: Span) -> bool:
    middle_s = (span.start_s + span.end_s) / 2
    return window.at_s <= middle_s < window.at_s + window.length_s


def _forecast(
    recording: Recording, windows: Sequence[Window], clips: Sequence[Clip], shares: tuple[float, ...]
) -> Forecast:
    parts = []
    for window in windows:
        start_s, end_s = window.counted_s
        parts.append(add_up(stretches(counted(clips, window), end_s - start_s)))
    heard_s = sum(part.total_s for part in parts)
    whole = add_up(
        stretch
        for window in windows
        for stretch in stretches(counted(clips, window), window.counted_s[1] - window.counted_s[0])
    )
    kept = [part.kept_s / part.total_s if part.total_s else 0.0 for part in parts]
    spread = _spread(kept) if len(windows) > 1 else (kept[0], kept[0])
    return Forecast(
        recording=recording,
        heard_s=heard_s,
        speaker_shares=shares,
        funnel=whole,
        kept_s=float(np.mean(kept)) * recording.duration_s,
        kept_range_s=(spread[0] * recording.duration_s, spread[1] * recording.duration_s),
    )


def _spread(shares: Sequence[float]) -> tuple[float, float]:
    """Give the range of means that eight of ten equally good choices of windows would have given (bootstrap)."""
    chance = random.Random(0)  # the same windows, the same range
    means = sorted(float(np.mean(chance.choices(shares, k=len(shares)))) for _ in range(_RESAMPLES))
    return means[_RESAMPLES // 10], means[-_RESAMPLES // 10]

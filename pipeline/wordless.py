"""Recordings of many people without their words → a corpus: the stretches whose words a recogniser is sure of.

Many people with a few seconds each are what a base for zero-shot voices wants (arXiv:1806.04558, table 5), and nobody
transcribes them by hand. What is doubtful is left out, not guessed.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import soundfile

from dctts.atomic import whole_file, write_text
from dctts.audio import Wave, load_wav
from dctts.encoder.clips import SpeakerClip, read_speaker_clips
from dctts.errors import ManifestError
from dctts.progress import SILENT, Progress, tracked
from pipeline.listen import HeardWord, Listener
from pipeline.samples import SAMPLE_RATE_HZ

log = logging.getLogger(__name__)

_BEFORE_S, _BEHIND_S = 0.05, 0.1
"""Kept around a stretch as far as no other word is said there."""


@dataclass(frozen=True, kw_only=True)
class StretchOptions:
    """Which words are believed, and which stretches of them are worth a clip."""

    least_posterior: float = 0.25
    """Below it a word is in doubt. Of what four readers said 68 % passes, and 83 % of that is right; of all that is
    heard 76 % is, and of the 45 % that pass 0.5 88 %."""
    comma_s: float = 0.15
    """Silence between two words from which a comma stands for it."""
    longest_pause_s: float = 1.0
    least_words: int = 3
    least_s: float = 1.2


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Part of a recording whose words are known."""

    text: str
    start_s: float
    end_s: float


def with_words(
    folder: Path, output: Path, options: StretchOptions | None = None, *, progress: Progress = SILENT
) -> Path:
    """Cut what is understood out of recordings without words: a corpus in the layout of LibriTTS. English only.

    Recordings that were heard before are not heard again; a killed run goes on with the one it was at.

    Args:
        folder: sounds by speaker, as `encoder.clips.read_speaker_clips` reads them.
        output: where the corpus lies: `<speaker>/heard/<recording>-<n>.wav` beside `….normalized.txt`.

    Raises:
        ManifestError: no recordings in `folder`, or nothing in them is understood.
        AudioError: one cannot be read.
    """
    options = options or StretchOptions()
    listener: Listener | None = None
    clips = read_speaker_clips(folder)
    for clip in tracked(progress, "words", clips, len(clips)):
        name = "-".join(clip.path.relative_to(folder).with_suffix("").parts)
        place = output / clip.speaker / "heard"
        heard = _Heard(place=place, name=name, key=_key(clip, options))
        if heard.is_current():
            continue
        listener = listener or Listener()
        wave = load_wav(clip.path, SAMPLE_RATE_HZ)
        heard.keep(wave, stretches(listener.words(wave, SAMPLE_RATE_HZ), options))
    if not any(output.glob("*/heard/*.wav")):
        raise ManifestError(f"nothing is understood in {folder}", hint="the recogniser knows English only")
    return output


def stretches(words: Sequence[HeardWord], options: StretchOptions) -> list[Stretch]:
    """Find the stretches of believed words, in order; a long pause ends one too."""
    made = []
    for first, last in _runs(words, options):
        run = words[first : last + 1]
        if len(run) < options.least_words or run[-1].end_s - run[0].start_s < options.least_s:
            continue
        before = words[first - 1].end_s if first else 0.0
        behind = words[last + 1].start_s if last + 1 < len(words) else float("inf")
        made.append(
            Stretch(
                text=_written(run, options.comma_s),
                start_s=max(before, run[0].start_s - _BEFORE_S),
                end_s=min(behind, run[-1].end_s + _BEHIND_S),
            )
        )
    return made


def _runs(words: Sequence[HeardWord], options: StretchOptions) -> Iterator[tuple[int, int]]:
    """Yield the first and the last index of each row of believed words."""
    first = None
    for index, word in enumerate(words):
        believed = word.posterior >= options.least_posterior
        goes_on = first is not None and word.start_s - words[index - 1].end_s <= options.longest_pause_s
        if first is not None and not (believed and goes_on):
            yield first, index - 1
            first = None
        if believed and first is None:
            first = index
    if first is not None:
        yield first, len(words) - 1


def _written(run: Sequence[HeardWord], comma_s: float) -> str:
    parts = [run[0].text]
    for before, word in pairwise(run):
        parts.append(", " if word.start_s - before.end_s >= comma_s else " ")
        parts.append(word.text)
    return "".join(parts)


@dataclass(frozen=True, kw_only=True)
class _Heard:
    """The clips of one recording on disk; a mark beside them says, last, that they are whole."""

    place: Path
    name: str
    key: str

    @property
    def _mark(self) -> Path:
        return self.place / f"{self.name}.heard"

    def is_current(self) -> bool:
        return self._mark.is_file() and self._mark.read_text(encoding="utf-8") == self.key

    def keep(self, wave: Wave, found: Sequence[Stretch]) -> None:
        self._mark.unlink(missing_ok=True)
        for old in (*self.place.glob("*.wav"), *self.place.glob("*.normalized.txt")):
            if old.name.rpartition("-")[0] == self.name:
                old.unlink()
        for count, stretch in enumerate(found):
            wav = self.place / f"{self.name}-{count:02d}.wav"
            write_text(wav.with_suffix(".normalized.txt"), f"{stretch.text}\n")
            with whole_file(wav) as temporary:
                first, last = (round(edge_s * SAMPLE_RATE_HZ) for edge_s in (stretch.start_s, stretch.end_s))
                soundfile.write(temporary, wave[first:last], SAMPLE_RATE_HZ, subtype="PCM_16")
        write_text(self._mark, self.key)


def _key(clip: SpeakerClip, options: StretchOptions) -> str:
    stat = clip.path.stat()
    return json.dumps({"bytes": stat.st_size, "modified_ns": stat.st_mtime_ns, **asdict(options)}, sort_keys=True)

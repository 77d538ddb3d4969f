"""Clips of somebody → what a base needs to speak like them: the best five seconds of each, and what they tell.

A clip is a file of this machine or the address of a recording, either with a stretch of it (`#t=63,68`).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from torch import Tensor

from dctts.audio import loudness_normalise, trim_silence
from dctts.config import AudioConfig
from dctts.contrast import spoken_frames
from dctts.corpus import Embedder, waveform_to_mel
from dctts.encoder.partials import SAMPLE_RATE_HZ, speech
from dctts.errors import AudioError
from dctts.lexicon import Lexicon
from dctts.progress import SILENT, Progress, tracked
from dctts.text import encode, normalise
from dctts.voice import SpeakerTraits
from dctts.zero_shot import Reference
from pipeline.best_seconds import SECONDS, Stretch, choose_best, cut, stretches_of
from pipeline.errors import FetchError
from pipeline.evaluation.acoustics import median_f0_hz
from pipeline.excerpt import place_windows
from pipeline.fetch import FetchOptions, fetch, local_file
from pipeline.ffmpeg import decode_part, duration_s
from pipeline.moment import Moment, parse_moment
from pipeline.speakers import SpeakerEncoder, Vector, Windows

log = logging.getLogger(__name__)

Wave = NDArray[np.float32]

LEAST_SPEECH_S = 1.0
"""Of a clip. In less, how somebody sounds cannot be told from what they said."""
MOST_HEARD_S = 120.0
"""Of a longer clip, this much is looked at for the best seconds, in pieces from all of it."""
_PIECE_S = 10.0
NOISY_DB = 20.0
"""Speech that stands less above its background is taken with a warning; `screen` drops it."""
TWO_VOICES_COS = 0.72
"""Two people speak where the windows of 1.6 s fall into two groups less alike than this: of 5 s by one person the
groups' cosine is 0.75 to 0.92, of two people's 0.47 to 0.77, half of them below 0.62 (eight readers, 55 mixes)."""
SAME_PERSON_COS = 0.70
"""Two clips whose vectors are less alike are hardly one person's: those of two readers have 0.60 ± 0.06."""
_FEWEST_WORDS = 3
_HINT = "give about five seconds of one person speaking clearly; a longer clip is searched for the best five"


class Hearing(Protocol):
    """Somebody who writes down what is said: `listen.Listener`."""

    def hear(self, wave: Wave, sample_rate_hz: int) -> str:
        """Return the words heard, "" for none."""


class Encoder(SpeakerEncoder, Embedder, Protocol):
    """Somebody who knows voices apart: `dctts.encoder.resemblyzer.SpeakerEncoder`."""


@dataclass(frozen=True, kw_only=True)
class Judges:
    """Who listens to a reference: the costly objects, made once."""

    encoder: Encoder
    hearing: Hearing
    lexicon: Lexicon
    audio: AudioConfig


@dataclass(frozen=True, kw_only=True)
class Heard:
    """The best seconds of one clip."""

    name: str
    waves: tuple[Wave, ...]
    """At the rate of `AudioConfig`."""
    vector: Vector
    """float32[256] of norm 1."""


def read_references(
    given: Sequence[str],
    judges: Judges,
    *,
    sources: Path,
    options: FetchOptions | None = None,
    progress: Progress = SILENT,
) -> Reference:
    """Find out from one clip or several of the same person what a base needs to speak like them.

    Warns of noise, of a second voice, of clips by different people, and where no words are understood.

    Args:
        given: paths or addresses, each with or without times.
        sources: where fetched recordings are kept; a second call for the same address finds them there.
        options: of fetching; None takes the defaults, without captions.

    Raises:
        AudioError: a clip cannot be read, is silent, or holds less than a second of speech.
        FetchError: no such file, an address that gives nothing, or times outside the recording.
    """
    options = options or FetchOptions(captions=False)
    clips = []
    for one in tracked(progress, "reference", given, len(given)):
        waves = _load(one, judges.audio.sample_rate_hz, sources, options, progress)
        clips.append(best_seconds(_name(one), waves, judges))
    return describe(clips, judges)


def best_seconds(
    name: str,
    waves: Sequence[Wave],
    judges: Judges,
    *,
    seconds: float = SECONDS,
    least_speech_s: float = LEAST_SPEECH_S,
) -> Heard:
    """Choose the best seconds of a recording.

    Args:
        name: of the recording, for messages.
        waves: the recording, or pieces of it, at the rate of `AudioConfig`.
        seconds: how many.
        least_speech_s: what the recording must hold.

    Raises:
        AudioError: silence, or less speech than that.
    """
    rate = judges.audio.sample_rate_hz
    speech_s = sum(len(speech(wave, rate)) for wave in waves) / SAMPLE_RATE_HZ
    windows = judges.encoder.embed_windows(waves, rate)
    every = [one.vectors for one in windows if one is not None]
    if speech_s < least_speech_s or not every:
        found = f"only {speech_s:.1f} s of speech" if speech_s >= 0.1 else "nobody speaks"
        raise AudioError(f"{found} in {name}; a voice needs at least {least_speech_s:g} s", hint=_HINT)
    vectors = np.concatenate(every)
    main = _main_voice(vectors)
    if len(main) < len(vectors):
        log.warning("%s: two voices seem to speak; the one with more of it is taken", name)
    chosen = choose_best(stretches_of(waves, windows, rate, _unit(vectors[main].mean(axis=0)), seconds), seconds)
    pieces = cut(waves, chosen, rate)
    _warn_of_noise(name, chosen)
    if sum(len(wave) for wave in waves) > sum(len(piece) for piece in pieces):
        log.info("%s: taken at %s s", name, ", ".join(f"{one.start_s:.1f}-{one.end_s:.1f}" for one in chosen[:4]))
    return Heard(name=name, waves=tuple(pieces), vector=_vector(pieces, windows, judges))


def describe(clips: Sequence[Heard], judges: Judges) -> Reference:
    """Put together what the best seconds of several clips tell of their speaker, each clip counting the same."""
    vectors = np.stack([clip.vector for clip in clips])
    for number, clip in enumerate(clips[1:], 1):
        nearest = float((vectors[:number] @ clip.vector).max())
        if nearest < SAME_PERSON_COS:
            log.warning(
                "%s does not sound like the other references (cosine %.2f): is it the same person?", clip.name, nearest
            )
    rate = judges.audio.sample_rate_hz
    # Trimmed and levelled as training clips are, so that their spectra and pace compare with the base's.
    waves = [loudness_normalise(trim_silence(wave, judges.audio)) for clip in clips for wave in clip.waves if len(wave)]
    mels = [waveform_to_mel(torch.from_numpy(wave), judges.audio)[:: judges.audio.reduction] for wave in waves]
    spoken = spoken_frames(torch.cat(mels))
    return Reference(
        vector=torch.from_numpy(_unit(vectors.mean(axis=0))),
        traits=SpeakerTraits(
            pitch_hz=median_f0_hz(np.concatenate(waves), rate),
            symbols_per_frame=_pace(waves, mels, judges),
            mean_frame=tuple(round(value, 4) for value in spoken.mean(dim=0).tolist()) if len(spoken) else None,
        ),
        speech_s=round(sum(len(speech(wave, rate)) for wave in waves) / SAMPLE_RATE_HZ, 2),
    )


def _load(given: str, rate_hz: int, sources: Path, options: FetchOptions, progress: Progress) -> list[Wave]:
    """Read the stretch that is meant; of a long one, pieces from all of it."""
    moment = Moment(address=given) if _is_file(given) else parse_moment(given)
    path = local_file(moment.address)
    if path is None:
        recordings = fetch(moment.address, sources=sources, options=options, progress=progress)
        if len(recordings) != 1:
            raise FetchError(
                f"{len(recordings)} recordings at {moment.address}", hint="give the address of the one that is meant"
            )
        path = recordings[0].audio
    if path.is_dir():
        raise FetchError(f"{path} is a folder", hint="give an audio or video file, or a URL")
    whole_s = duration_s(path)
    end_s = whole_s if moment.end_s is None else min(moment.end_s, whole_s)
    if moment.start_s >= end_s:
        raise FetchError(
            f"{given} begins at {moment.start_s:g} s, and the recording ends at {whole_s:.1f} s",
            hint="give times inside the recording",
        )
    count = int(MOST_HEARD_S / _PIECE_S)
    parts = place_windows(end_s - moment.start_s, count=count, length_s=_PIECE_S, margin_s=0.0)
    waves = []
    with TemporaryDirectory() as scratch:
        wav = Path(scratch) / "part.wav"
        for part in parts:
            start_s = moment.start_s + part.start_s
            decode_part(path, wav, start_s=start_s, length_s=part.length_s, sample_rate_hz=rate_hz)
            samples, _ = soundfile.read(wav, dtype="float32")
            waves += [np.asarray(samples, np.float32)] if len(samples) else []
    return waves


def _is_file(given: str) -> bool:
    try:
        return Path(given).is_file()  # "take#t=2.wav" may be a name
    except OSError:  # too long for one, as addresses may be
        return False


def _main_voice(vectors: Vector) -> NDArray[np.intp]:
    """Return which windows are the main speaker's: all, unless they fall into two groups unlike one another."""
    every = np.arange(len(vectors))
    if len(vectors) < 4:
        return every
    labels = fcluster(linkage(vectors, method="average", metric="cosine"), 2, criterion="maxclust")
    groups = sorted((np.flatnonzero(labels == one) for one in np.unique(labels)), key=lambda own: (-len(own), own[0]))
    # One window alone is a laugh or a bark, which the best seconds leave out anyway.
    if len(groups) < 2 or len(groups[1]) < max(2, 0.2 * len(vectors)):
        return every
    means = [_unit(vectors[own].mean(axis=0)) for own in groups]
    return groups[0] if float(means[0] @ means[1]) < TWO_VOICES_COS else every


def _vector(pieces: Sequence[Wave], windows: Sequence[Windows | None], judges: Judges) -> Vector:
    found = [one.vectors for one in judges.encoder.embed_windows(pieces, judges.audio.sample_rate_hz) if one]
    if not found:  # what is left of a clip by a cut may be too quiet: the whole of it was not
        found = [one.vectors for one in windows if one]
    return _unit(np.concatenate(found).mean(axis=0))


def _pace(waves: Sequence[Wave], mels: Sequence[Tensor], judges: Judges) -> float | None:
    """Count the symbols of what is heard: words misheard have as many sounds as those that were said."""
    said = [normalise(judges.hearing.hear(wave, judges.audio.sample_rate_hz)) for wave in waves]
    if sum(len(text.split()) for text in said) < _FEWEST_WORDS:
        log.warning("hardly a word was understood in the reference: is it speech?")
        return None
    symbols = sum(len(encode(text, lexicon=judges.lexicon)) for text in said if text)
    return round(symbols / sum(len(mel) for mel in mels), 4)


def _warn_of_noise(name: str, chosen: Sequence[Stretch]) -> None:
    level_db = min(one.snr_db for one in chosen)
    if level_db < NOISY_DB:
        log.warning(
            "%s: noisy, speech stands %.0f dB above the rest (%.0f is clean): the voice may sound unlike it",
            *(name, level_db, NOISY_DB),
        )


def _name(given: str) -> str:
    return given if len(given) <= 80 else f"{given[:38]}…{given[-38:]}"


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)

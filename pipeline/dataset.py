"""Kept clips → a folder in LJSpeech layout that any trainer can read."""

import hashlib
import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from dctts.atomic import write_json, write_text
from dctts.lexicon import Lexicon
from dctts.manifest import write_metadata
from dctts.progress import SILENT, Progress, tracked
from pipeline.card import minutes, write_card
from pipeline.coverage import cover
from pipeline.denoise import METHOD, denoise
from pipeline.errors import DatasetError
from pipeline.loudness import TARGET_LUFS, TRUE_PEAK_DB, gain_db
from pipeline.records import Clip, Recording
from pipeline.split import split_by_sentence

with warnings.catch_warnings():
    # pydub looks for ffmpeg on PATH when imported and warns without one; slicing, fading and writing wav needs none.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

log = logging.getLogger(__name__)

_VERSION = 2  # of how a clip is cut: raise it when the same clip and options would give other samples


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """How the wav files of a dataset are made."""

    sample_rate_hz: int = 22_050
    """What LJSpeech and the vocoders trained on it use."""
    loudness_lufs: float = TARGET_LUFS
    true_peak_db: float = TRUE_PEAK_DB
    fade_ms: int = 5
    """At both ends, so that a cut in a noisy pause does not click; shorter than any phone."""
    tail_s: float = 0.25
    """Silence after the last word: the model learns to stop by training on clips that end in silence."""
    denoise: bool = False
    """Lower the noise of each clip; it costs a clean voice some of its likeness."""

    def __post_init__(self) -> None:
        if self.sample_rate_hz < 8_000 or self.fade_ms < 0 or self.tail_s < 0:
            raise ValueError(f"not usable dataset options: {self}")


@dataclass(frozen=True, kw_only=True)
class DatasetSummary:
    """What a dataset folder holds."""

    num_train: int
    num_val: int
    minutes: float
    """Of the recording, without the silence added to each clip."""
    num_written: int
    """Sound files that were cut this time; the others were there already."""


def drop_wordless(clips: Sequence[Clip], normalise: Callable[[str], str]) -> list[Clip]:
    """Drop kept clips of which normalising leaves nothing to say, such as a lone "♪"."""
    return [
        Clip(**{**vars(clip), "kept": False, "reasons": ("no_text",)})
        if clip.kept and not any(char.isalnum() for char in normalise(clip.text))
        else clip
        for clip in clips
    ]


def write_dataset(
    clips: Sequence[Clip],
    recordings: Mapping[str, Recording],
    folder: Path,
    *,
    decoded: Callable[[str], Path],
    normalise: Callable[[str], str],
    name: str = "",
    transcribers: Mapping[str, str] | None = None,
    lexicon: Lexicon | None = None,
    options: DatasetOptions | None = None,
    progress: Progress = SILENT,
) -> DatasetSummary:
    """Write the kept clips as `metadata.csv`, `wavs/`, `train.txt`, `val.txt` and `card.md`.

    The folder is built beside its place and swapped in whole; sound files whose recording, times and options have not
    changed are taken over, not cut again. The same input gives the same bytes.

    Args:
        clips: every candidate, kept and dropped, of all sources.
        recordings: source id → recording, for each source of `clips`.
        folder: where the dataset goes.
        decoded: source id → its mono wav at `options.sample_rate_hz`; asked only for sources with clips to cut.
        normalise: text → how it is read aloud.
        name: of the voice, for the card; "" takes the name of the folder above.
        transcribers: source id → the line that says who wrote the words.
        lexicon: pronunciations, for what the card says of coverage; None leaves that out.
        options: None takes the defaults.
        progress: where to draw.

    Raises:
        DatasetError: no clip was kept; the message says what took the minutes.
    """
    options = options or DatasetOptions()
    kept = [clip for clip in clips if clip.kept]
    recover(folder)
    if not kept:
        raise DatasetError(_nothing_kept(clips), hint=_nothing_kept_hint(clips))
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "wavs").mkdir(parents=True)
    keys = {clip.id: _wav_key(clip, recordings[clip.source], options) for clip in kept}
    known = _read_keys(folder)
    num_written = 0
    for clip in tracked(progress, "cutting clips", kept, len(kept)):
        wav, before = part / "wavs" / f"{clip.id}.wav", folder / "wavs" / f"{clip.id}.wav"
        if known.get(clip.id) == keys[clip.id] and before.is_file():
            _take_over(before, wav)
        else:
            _cut(decoded(clip.source), clip, wav, options)
            num_written += 1
    normalised = {clip.id: normalise(clip.text) for clip in kept}
    train, val = split_by_sentence(normalised)
    write_metadata(part, ((clip.id, clip.text, normalised[clip.id]) for clip in kept))
    write_text(part / "train.txt", "".join(f"{identity}\n" for identity in train))
    write_text(part / "val.txt", "".join(f"{identity}\n" for identity in val))
    card = write_card(
        name=name or folder.parent.name,
        recordings=list(recordings.values()),
        clips=clips,
        num_train=len(train),
        num_val=len(val),
        transcribers=transcribers or {},
        settings=_describe(options),
        coverage=cover(normalised.values(), lexicon) if lexicon else None,
    )
    write_text(part / "card.md", card)
    write_json(part / "build.json", {"version": _VERSION, "options": asdict(options), "wavs": keys})
    _swap(part, folder)
    log.info("dataset: %d clips, %d cut now, the others unchanged", len(kept), num_written)
    return DatasetSummary(num_train=len(train), num_val=len(val), minutes=minutes(kept), num_written=num_written)


def was_denoised(folder: Path) -> bool:
    """Tell whether the dataset in a folder was written with `denoise`; False where there is none."""
    try:
        return bool(json.loads((folder / "build.json").read_text(encoding="utf-8"))["options"]["denoise"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def recover(folder: Path) -> None:
    """Undo half a swap, left by a run that was killed between its two renames."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _swap(part: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _cut(source: Path, clip: Clip, wav: Path, options: DatasetOptions) -> None:
    """Cut, level, fade and write one clip, reading nothing of the recording but its samples."""
    rate = options.sample_rate_hz
    with soundfile.SoundFile(source) as file:
        if file.samplerate != rate or file.channels != 1:
            raise ValueError(
                f"{source}: expected mono at {rate} Hz, got {file.channels} channels, {file.samplerate} Hz"
            )
        pieces = [_read(file, start_s, end_s) for start_s, end_s in _sounding(clip)]
    fade = round(options.fade_ms / 1000 * rate)
    samples = pieces[0]
    for piece in pieces[1:]:
        samples = _crossfaded(samples, piece, fade)
    if not len(samples):
        raise DatasetError(
            f"clip {clip.id} starts at {clip.start_s:.1f} s, after the end of its recording",
            hint="the audio changed since it was screened: delete the source's stages/ folder and fetch again",
        )
    if options.denoise:
        samples = denoise(samples, rate)
    gain = gain_db(samples, rate, target_lufs=options.loudness_lufs, true_peak_db=options.true_peak_db)
    # Gain in floating point, one rounding to 16 bits; pydub's own gain would round twice and saturate in silence.
    pcm = np.round(samples * (10 ** (gain / 20) * 32767)).clip(-32768, 32767).astype("<i2")
    segment = AudioSegment(pcm.tobytes(), sample_width=2, frame_rate=rate, channels=1)
    fade_ms = min(options.fade_ms, len(segment) // 2)
    segment = segment.fade_in(fade_ms).fade_out(fade_ms)
    segment += AudioSegment.silent(duration=round(options.tail_s * 1000), frame_rate=rate)
    segment.export(wav, format="wav").close()


def _sounding(clip: Clip) -> list[tuple[float, float]]:
    """List the stretches of the recording that a clip is made of: all of it but its long pauses."""
    edges = [clip.start_s, *(edge for pause in clip.pauses for edge in (pause.start_s, pause.end_s)), clip.end_s]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _read(file: soundfile.SoundFile, start_s: float, end_s: float) -> NDArray[np.float32]:
    start = min(round(start_s * file.samplerate), file.frames)
    file.seek(start)
    samples: NDArray[np.float32] = file.read(max(0, round(end_s * file.samplerate) - start), dtype="float32")
    return samples


def _crossfaded(left: NDArray[np.float32], right: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Join two stretches of near silence over `count` samples, so that the seam is not heard."""
    count = min(count, len(left), len(right))
    if not count:
        return np.concatenate([left, right])
    rising = np.linspace(0, 1, count, dtype=np.float32)
    seam = left[-count:] * (1 - rising) + right[:count] * rising
    return np.concatenate([left[:-count], seam, right[count:]])


def _take_over(before: Path, wav: Path) -> None:
    try:
        os.link(before, wav)
    except OSError:  # a file system without hard links
        shutil.copyfile(before, wav)


def _wav_key(clip: Clip, recording: Recording, options: DatasetOptions) -> str:
    times = [(round(start_s, 3), round(end_s, 3)) for start_s, end_s in _sounding(clip)]
    made_of = [_VERSION, recording.audio_sha256, times, asdict(options)]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:32]


def _read_keys(folder: Path) -> Mapping[str, Any]:
    try:
        wavs = json.loads((folder / "build.json").read_text(encoding="utf-8"))["wavs"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # no dataset yet, or not one of ours: everything is cut again
    return wavs if isinstance(wavs, dict) else {}


def _describe(options: DatasetOptions) -> dict[str, object]:
    return {
        "samples": f"{options.sample_rate_hz} Hz, mono, 16-bit",
        "loudness": f"{options.loudness_lufs:g} LUFS (ITU-R BS.1770-4), less where the true peak would pass "
        f"{options.true_peak_db:g} dB of full scale",
        "fades": f"{options.fade_ms} ms at both ends",
        "silence added at the end": f"{options.tail_s:g} s",
        **({"noise lowered": METHOD} if options.denoise else {}),
    }


def _nothing_kept(clips: Sequence[Clip]) -> str:
    if not clips:
        return "nothing to build a voice from: no clip was found"
    seconds: dict[str, float] = {}
    for clip in clips:
        seconds[clip.reasons[0]] = seconds.get(clip.reasons[0], 0.0) + clip.end_s - clip.start_s
    reasons = sorted(seconds.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{reason} {value / 60:.1f} min" for reason, value in reasons[:5])
    return (
        f"nothing to build a voice from: all {len(clips)} clips, {minutes(clips):.1f} minutes, were dropped ({listed})"
    )


def _nothing_kept_hint(clips: Sequence[Clip]) -> str:
    if not clips:
        return "fetch a recording in which one person speaks for some minutes"
    return (
        "open report.html to hear what was dropped, then fetch a cleaner recording or loosen the limit that took most"
    )

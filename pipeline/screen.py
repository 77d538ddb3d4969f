"""Keep or drop each candidate clip, and say why."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dctts.progress import SILENT, Progress
from pipeline import samples as wav_samples
from pipeline.records import Clip, Span, Utterance, clip_id
from pipeline.samples import SAMPLE_RATE_HZ
from pipeline.sound import clipped_ratio, snr_db
from pipeline.speakers import SpeakerEncoder, Vector, dominant_voice

log = logging.getLogger(__name__)

BATCH = 32
"""Clips embedded at once."""


class Sound(Protocol):
    """A non-speech marker of the captions, such as [Music]."""

    @property
    def label(self) -> str:
        """What it is."""

    @property
    def start_s(self) -> float:
        """When it starts."""

    @property
    def end_s(self) -> float:
        """When it ends."""


@dataclass(frozen=True, kw_only=True)
class ScreenOptions:
    """Thresholds of a good clip."""

    least_s: float = 1.0
    """Shorter clips teach no rhythm and carry too little voice to tell whose it is."""
    most_s: float = 10.0
    """Longer ones do not fit the attention window that the voice model is trained with."""
    least_chars_per_s: float = 5.0
    """Slower than any reader: most of the clip is something else than its text."""
    most_chars_per_s: float = 28.0
    """Faster than any speaker: words of the text are not in the clip."""
    most_clipped_ratio: float = 0.002
    """Share of samples at the peak level; clean speech has 0.00002 to 0.0002."""
    least_snr_db: float = 20.0
    """Below this a listener hears the noise, and the voice model learns it."""
    least_speaker_cos: float = 0.83
    """To the centroid of the main speaker; another speaker, an overlap, or music under the voice lies below."""
    same_speaker_cos: float = 0.72
    """Clusters of clips nearer than this are one speaker's; two readers of one sex lie at 0.5 to 0.7."""
    most_disagreement: float = 60.0
    """Nats by which the recogniser's words may fit the sound better than the caption's. Right captions lie below, as the
    recogniser wins a little by freedom of choice; one wrong, missing or added word costs 90 and more."""
    most_cer: float = 0.5
    """Between caption and recogniser: beyond it they speak of different things, whatever the sound says."""
    least_alignment_score: float = -9.0
    """Mean nats per frame below the best sound: the text is not what is said, or the sound is not speech."""


def screen(
    utterances: Sequence[Utterance],
    wav_16k: Path,
    *,
    speaker_encoder: SpeakerEncoder,
    options: ScreenOptions | None = None,
    sounds: Sequence[Sound] = (),
    progress: Progress = SILENT,
) -> list[Clip]:
    """Measure every candidate and give its verdict.

    Args:
        utterances: of one recording, in order.
        wav_16k: that recording, 16 kHz mono.
        speaker_encoder: maps speech to vectors.
        options: thresholds; None takes the defaults.
        sounds: what the captions call music and the like; it names a reason, it never drops a clip alone.
        progress: where to draw a bar.

    Returns:
        One clip for each utterance, in order; a dropped one has all its reasons.
    """
    options = options or ScreenOptions()
    measured: list[dict[str, float]] = []
    vectors: list[Vector | None] = []
    with progress.bar("screen", len(utterances)) as bar:
        for start in range(0, len(utterances), BATCH):
            batch = utterances[start : start + BATCH]
            waves = [wav_samples.read(wav_16k, u.span.start_s, u.span.end_s) for u in batch]
            vectors += speaker_encoder.embed_batch([wav_samples.to_float(w) for w in waves], SAMPLE_RATE_HZ)
            measured += [_measure(u, wav_16k) for u in batch]
            bar.advance(len(batch))
    _compare_voices(utterances, measured, vectors, options)
    clips = [
        _clip(utterance, measures, reasons(utterance, measures, options, sounds))
        for utterance, measures in zip(utterances, measured, strict=True)
    ]
    kept_s = sum(clip.end_s - clip.start_s for clip in clips if clip.kept)
    log.info("kept %d of %d clips, %.1f min", sum(clip.kept for clip in clips), len(clips), kept_s / 60)
    return clips


def reasons(
    utterance: Utterance, measures: Mapping[str, float], options: ScreenOptions, sounds: Sequence[Sound] = ()
) -> tuple[str, ...]:
    """List why a clip is to be dropped; () keeps it.

    too_short, too_long     outside 1 to 10 s
    no_text                 no witness found words (or only the recogniser, where captions are the text)
    music                   the same, and the captions call it music
    not_aligned             the text cannot be laid on the sound
    too_slow, too_fast      characters a second no reader has
    disagreement            caption and recogniser hold different words, and the sound fits the recogniser's
    bad_alignment           the sound fits the text badly
    clipped, noisy          the sound itself
    other_speaker           not the main speaker's voice, or not that alone
    """
    found = []
    if utterance.span.duration_s < options.least_s:
        found.append("too_short")
    if utterance.span.duration_s > options.most_s + 1e-6:
        found.append("too_long")
    if not utterance.text.strip():
        found.append("music" if _is_music(utterance.span, sounds) else "no_text")
    limits = (
        ("not_aligned", measures.get("aligned", 1.0) < 1.0),
        ("too_slow", bool(utterance.text) and measures["chars_per_s"] < options.least_chars_per_s),
        ("too_fast", measures["chars_per_s"] > options.most_chars_per_s),
        ("disagreement", measures.get("disagreement", 0.0) > options.most_disagreement),
        ("disagreement", measures.get("agreement_cer", 0.0) > options.most_cer),
        ("bad_alignment", measures.get("alignment_score", 0.0) < options.least_alignment_score),
        ("clipped", measures["clipped_ratio"] > options.most_clipped_ratio),
        ("noisy", measures["snr_db"] < options.least_snr_db),
        ("other_speaker", measures.get("speaker_cos", 0.0) < options.least_speaker_cos),
    )
    found += [reason for reason, true in limits if true]
    return tuple(dict.fromkeys(found))


def _measure(utterance: Utterance, wav: Path) -> dict[str, float]:
    span = utterance.span
    words = utterance.words
    core = Span(start_s=words[0].start_s, end_s=words[-1].end_s) if words else span
    core_samples = wav_samples.read(wav, core.start_s, core.end_s)
    return {
        **utterance.measures,
        "chars_per_s": round(len(utterance.text) / max(core.duration_s, 0.01), 2),
        "snr_db": round(snr_db(core_samples), 1),
        "clipped_ratio": round(clipped_ratio(core_samples), 6),
    }


def _compare_voices(
    utterances: Sequence[Utterance],
    measured: Sequence[dict[str, float]],
    vectors: Sequence[Vector | None],
    options: ScreenOptions,
) -> None:
    """Add `speaker_cos` to the measures, where a voice was found and there is one to compare with."""
    # Candidates without words may be music: they must not outvote the people who speak.
    voices = [(v, u.span.duration_s) for v, u in zip(vectors, utterances, strict=True) if v is not None and u.text]
    if not voices:
        return
    main = dominant_voice([v for v, _ in voices], [s for _, s in voices], least_cosine=options.same_speaker_cos)
    for measures, vector in zip(measured, vectors, strict=True):
        if vector is not None:
            measures["speaker_cos"] = round(float(vector @ main), 3)


def _is_music(span: Span, sounds: Sequence[Sound]) -> bool:
    return any(
        "music" in sound.label.lower() and sound.start_s < span.end_s and span.start_s < sound.end_s for sound in sounds
    )


def _clip(utterance: Utterance, measures: Mapping[str, float], why: tuple[str, ...]) -> Clip:
    return Clip(
        id=clip_id(utterance.source, utterance.span.start_s),
        source=utterance.source,
        start_s=utterance.span.start_s,
        end_s=utterance.span.end_s,
        text=utterance.text,
        kept=not why,
        reasons=why,
        measures=dict(measures),
        witnesses=utterance.witnesses,
    )

"""Keep or drop each candidate clip, and say why."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from dctts.progress import SILENT, Progress
from pipeline import edges, sound
from pipeline import samples as wav_samples
from pipeline.join import JoinOptions, join
from pipeline.likeness import Likeness, likeness
from pipeline.records import Clip, Span, Speaker, Utterance, clip_id
from pipeline.samples import SAMPLE_RATE_HZ
from pipeline.speakers import Group, SpeakerEncoder, Vector, Windows, choose, find_groups
from pipeline.turns import TurnOptions, split_turns

log = logging.getLogger(__name__)

BATCH = 32
"""Clips embedded at once."""

SAMPLES_OF_A_SPEAKER = 3

EDGE_FRAMES = 3
"""30 ms at either end, where a clip must be quiet."""


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
    """Thresholds of a good clip; bench/thresholds.md holds the distributions that chose them."""

    speaker: int = 1
    """Which speaker is wanted: 1 has the most minutes."""
    speaker_reference: tuple[float, ...] | None = None
    """A vector of the wanted voice, 256 numbers of norm 1; it goes before `speaker`."""
    least_reference_cos: float = 0.68
    """To the reference, below which a speaker is somebody else."""
    least_s: float = 1.0
    """Shorter clips teach no rhythm and carry too little voice to tell whose it is."""
    most_s: float = 10.0
    """Longer ones do not fit the attention window that the voice model is trained with."""
    least_chars_per_s: float = 5.0
    """Slower than any reader: most of the clip is something else than its text."""
    most_chars_per_s: float = 28.0
    """Faster than any speaker: words of the text are not in the clip."""
    most_clipped_ratio: float = 0.002
    """Share of samples at the peak level; clean speech has 0.00002 to 0.0003, tops cut before coding 0.3."""
    least_crest_db: float = 6.0
    """Peaks above vowels: clean speech has 7.5 to 17 dB, speech that was clipped and then coded 0.6 to 4."""
    least_snr_db: float = 20.0
    """Below this a listener hears the noise, and the voice model learns it."""
    most_echo_s: float = 0.3
    """Time in which the fastest falls would lose 60 dB: 0.09 to 0.24 s in dry speech, 0.25 to 0.65 s over a music bed,
    0.3 to 0.7 s over an engine, 0.5 s in a room that rings for 0.7 s."""
    most_echo_share: float = 1.5
    """Of the speaker's usual echo, which must be passed too: who always speaks in a hall has no drier clips."""
    least_bandwidth_hz: float = 5000.0
    """A telephone ends at 3,400 Hz and measures 4,250 to 4,500; whole voices measure 6,250 to 8,000."""
    least_bandwidth_share: float = 0.75
    """Of the speaker's usual bandwidth, which must be missed too: an insert is dropped, an old recording is not."""
    most_level_jump_db: float = 10.0
    """From the speaker's usual level: another microphone, or a hand on this one."""
    least_speaker_gap: float = -0.09
    """Below what clips of this length have to the centroid of the wanted speaker: another speaker, or not that alone.
    Clean clips lie above it in 98 of 100 cases, other voices below -0.18."""
    least_speaker_low: float = -0.16
    """The same for the least like window of 1.6 s: a word of somebody else, a bark."""
    least_speaker_lead: float = 0.5
    """Lead over the nearest other speaker as a share of the usual lead: two at once lie in the middle."""
    same_speaker_cos: float = 0.72
    """Clusters of clips nearer than this are one speaker's; two readers of one sex lie at 0.5 to 0.7."""
    most_disagreement: float = 75.0
    """Nats in 0.3 s by which the recogniser's words may fit the sound better than the caption's: it wins a little by
    freedom of choice. On three talks that it was not read from 98 % of 216 right candidates lie below, 59 % of 29 wrong
    ones above (bench/thresholds.md)."""
    most_disagreement_manual: float = 180.0
    """The same where a person wrote the captions: they are right nearly always, so it takes more to doubt them."""
    most_cer: float = 0.7
    """Between caption and recogniser: beyond it they speak of different things, whatever the sound says."""
    least_alignment_score: float = -9.0
    """Mean nats per frame below the best sound: the text is not what is said, or the sound is not speech."""
    least_alone_words: int = 4
    """Where PocketSphinx is the only witness: it hears up to three words in a bark or a cry."""
    least_alone_chars_per_s: float = 8.0
    """Likewise: in cries it hears 2 to 6 letters a second, in speech 10 to 20."""
    least_alone_score: float = -4.8
    """Likewise, nats per frame of what it heard: cries and barks score -6.3 to -3.9, speech -4.5 to -2.5."""
    most_edge_db: float = -20.0
    """From the vowels of a clip to the sound at its edges: between words -69 to -36 dB on two talks, inside
    words -21 to 4 in nine cases of ten."""
    turns: TurnOptions = field(default_factory=TurnOptions)
    join: JoinOptions = field(default_factory=JoinOptions)


@dataclass(frozen=True, kw_only=True)
class Screened:
    """What screening a recording gives."""

    clips: tuple[Clip, ...]
    """Every candidate, in order; a dropped one has all its reasons."""
    speakers: tuple[Speaker, ...]
    """Who speaks, the one with the most minutes first."""


def screen(
    utterances: Sequence[Utterance],
    wav_16k: Path,
    *,
    speaker_encoder: SpeakerEncoder,
    options: ScreenOptions | None = None,
    sounds: Sequence[Sound] = (),
    progress: Progress = SILENT,
) -> Screened:
    """Measure every candidate and give its verdict.

    Args:
        utterances: of one recording, in order.
        wav_16k: that recording, 16 kHz mono.
        speaker_encoder: maps speech to vectors.
        options: thresholds; None takes the defaults.
        sounds: what the captions call music and the like; it names a reason, it never drops a clip alone.
        progress: where to draw a bar.

    Raises:
        SpeakerError: the wanted speaker is not there.
    """
    options = options or ScreenOptions()
    windows = _listen(utterances, wav_16k, speaker_encoder, progress)
    measured = [_measure(utterance, wav_16k) for utterance in utterances]
    _compare_sound(measured, [one for one, utterance in zip(measured, utterances, strict=True) if utterance.text])
    speakers, wanted = _who_speaks(utterances, measured, windows, options)
    if wanted is not None:
        pairs = split_turns(
            utterances, windows, wav_16k, encoder=speaker_encoder, likeness=wanted, options=options.turns
        )
        known = {(u.span.start_s, u.span.end_s): one for u, one in zip(utterances, measured, strict=True)}
        utterances, windows = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        measured = [known.get((u.span.start_s, u.span.end_s)) or _measure(u, wav_16k) for u in utterances]
        for utterance, measures, found in zip(utterances, measured, windows, strict=True):
            if found is not None:
                measures.update(wanted.measures(found, utterance.span.duration_s))
    _compare_sound(measured, [one for one in measured if one.get("speaker_gap", -1.0) >= options.least_speaker_gap])
    verdicts = [reasons(u, measures, options, sounds) for u, measures in zip(utterances, measured, strict=True)]
    joined = join(utterances, measured, verdicts, options.join)
    clips = tuple(
        _clip(utterance, measures, why, wav_16k, options)
        for utterance, measures, why in zip(joined.utterances, joined.measures, joined.reasons, strict=True)
    )
    kept_s = sum(clip.end_s - clip.start_s for clip in clips if clip.kept)
    log.info("kept %d of %d clips, %.1f min", sum(clip.kept for clip in clips), len(clips), kept_s / 60)
    return Screened(clips=clips, speakers=tuple(speakers))


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
    unconfirmed             only PocketSphinx heard words, and too few or too loosely to be speech
    bad_alignment           the sound fits the text badly
    clipped, noisy, reverberant, narrowband, level_jump     the sound itself
    other_speaker           not the wanted speaker's voice
    overlap                 the wanted speaker's voice, but not alone
    unsafe_cut              (once joined) the clip starts or ends where something sounds
    torn                    (from `join`) half a sentence whose other half was dropped
    """
    found = []
    if utterance.span.duration_s < options.least_s:
        found.append("too_short")
    if utterance.span.duration_s > options.most_s + 1e-6:
        found.append("too_long")
    if not utterance.text.strip():
        found.append("music" if _is_music(utterance.span, sounds) else "no_text")
    manual = measures.get("manual_captions", 0.0) > 0
    doubt = options.most_disagreement_manual if manual else options.most_disagreement
    limits = (
        ("not_aligned", measures.get("aligned", 1.0) < 1.0),
        ("too_slow", bool(utterance.text) and measures["chars_per_s"] < options.least_chars_per_s),
        ("too_fast", measures["chars_per_s"] > options.most_chars_per_s),
        ("disagreement", measures.get("disagreement", 0.0) > doubt),
        ("disagreement", measures.get("agreement_cer", 0.0) > options.most_cer),
        ("unconfirmed", measures.get("alone", 0.0) > 0 and _is_guess(utterance, measures, options)),
        ("bad_alignment", measures.get("alignment_score", 0.0) < options.least_alignment_score),
    )
    found += [reason for reason, true in limits if true]
    found += _sound_reasons(measures, options)
    found += _whose(utterance, measures, options)
    return tuple(dict.fromkeys(found))


def _is_guess(utterance: Utterance, measures: Mapping[str, float], options: ScreenOptions) -> bool:
    return (
        len(utterance.text.split()) < options.least_alone_words
        or measures["chars_per_s"] < options.least_alone_chars_per_s
        or measures.get("alignment_score", 0.0) < options.least_alone_score
    )


def _sound_reasons(measures: Mapping[str, float], options: ScreenOptions) -> list[str]:
    noisy = measures["snr_db"] < options.least_snr_db
    limits = (
        ("clipped", measures["clipped_ratio"] > options.most_clipped_ratio),
        ("clipped", measures.get("crest_db", 99.0) < options.least_crest_db),
        ("noisy", noisy),
        (
            "reverberant",
            not noisy
            and measures.get("echo_s", 0.0) > options.most_echo_s
            and measures.get("echo_share", 9.0) > options.most_echo_share,
        ),
        (
            "narrowband",
            measures.get("bandwidth_hz", 8000.0) < options.least_bandwidth_hz
            and measures.get("bandwidth_share", 0.0) < options.least_bandwidth_share,
        ),
        ("level_jump", abs(measures.get("level_jump_db", 0.0)) > options.most_level_jump_db),
    )
    return [reason for reason, true in limits if true]


def _whose(utterance: Utterance, measures: Mapping[str, float], options: ScreenOptions) -> list[str]:
    if "speaker_cos" not in measures:
        return ["other_speaker"]
    # Below two seconds the scatter grows as the length shrinks, and who is nearest counts for more.
    slack = max(1.0, 2.0 / max(utterance.span.duration_s, 1.0))
    lead = measures.get("speaker_lead", 1.0)
    if measures["speaker_gap"] < options.least_speaker_gap * slack or lead <= 0:
        return ["overlap"] if 0 < lead < options.least_speaker_lead else ["other_speaker"]
    if measures["speaker_low"] < options.least_speaker_low * slack or lead < options.least_speaker_lead:
        return ["overlap"]
    return []


def _listen(
    utterances: Sequence[Utterance], wav: Path, encoder: SpeakerEncoder, progress: Progress
) -> list[Windows | None]:
    windows: list[Windows | None] = []
    with progress.bar("screen", len(utterances)) as bar:
        for start in range(0, len(utterances), BATCH):
            batch = utterances[start : start + BATCH]
            waves = [wav_samples.read(wav, u.span.start_s, u.span.end_s) for u in batch]
            windows += encoder.embed_windows([wav_samples.to_float(wave) for wave in waves], SAMPLE_RATE_HZ)
            bar.advance(len(batch))
    return windows


def _who_speaks(
    utterances: Sequence[Utterance],
    measured: Sequence[Mapping[str, float]],
    windows: Sequence[Windows | None],
    options: ScreenOptions,
) -> tuple[list[Speaker], Likeness | None]:
    """Tell the speakers apart, and describe the wanted one."""
    # Candidates without words may be music: they must not outvote the people who speak.
    voiced = [k for k, (u, w) in enumerate(zip(utterances, windows, strict=True)) if w is not None and u.text]
    vectors = [found.mean for k in voiced if (found := windows[k]) is not None]
    spans = [utterances[k].span for k in voiced]
    durations_s = [span.duration_s for span in spans]
    clean = [not {"noisy", "reverberant", "clipped"}.intersection(_sound_reasons(measured[k], options)) for k in voiced]
    groups = find_groups(vectors, durations_s, clean, least_cosine=options.same_speaker_cos)
    if not groups:
        return [], None
    reference = options.speaker_reference
    wanted = choose(
        groups,
        number=options.speaker,
        reference=None if reference is None else np.asarray(reference, np.float32),
        least_cosine=options.least_reference_cos,
    )
    total_s = sum(durations_s)
    speakers = [
        Speaker(
            number=k + 1,
            speech_s=round(group.seconds, 3),
            share=round(group.seconds / total_s, 4),
            wanted=k == wanted,
            samples=_samples(group, vectors, spans),
            vector=tuple(round(float(value), 6) for value in group.centroid),
        )
        for k, group in enumerate(groups)
    ]
    return speakers, likeness(groups, wanted, vectors, durations_s)


def _samples(group: Group, vectors: Sequence[Vector], spans: Sequence[Span]) -> tuple[Span, ...]:
    """Pick the stretches that sound like a speaker most, long ones first."""
    long = [i for i in group.members if spans[i].duration_s >= 2.0] or list(group.members)
    best = sorted(long, key=lambda i: (-round(float(vectors[i] @ group.centroid), 4), i))
    return tuple(spans[i] for i in best[:SAMPLES_OF_A_SPEAKER])


def _measure(utterance: Utterance, wav: Path) -> dict[str, float]:
    span = utterance.span
    words = utterance.words
    core = Span(start_s=words[0].start_s, end_s=words[-1].end_s) if words else span
    samples = wav_samples.read(wav, core.start_s, core.end_s)
    return {
        **utterance.measures,
        "chars_per_s": round(len(utterance.text) / max(core.duration_s, 0.01), 2),
        "snr_db": round(sound.snr_db(samples), 1),
        "clipped_ratio": round(sound.clipped_ratio(samples), 6),
        "crest_db": round(sound.crest_db(samples), 1),
        "echo_s": round(sound.echo_s(samples), 3),
        "bandwidth_hz": sound.bandwidth_hz(samples),
        "level_db": round(sound.level_db(samples), 1),
    }


def _compare_sound(measured: Sequence[dict[str, float]], own: Sequence[Mapping[str, float]]) -> None:
    """Add how each clip's level, echo and bandwidth stand to the usual ones of `own`."""
    if not own:
        return
    usual = {name: float(np.median([one[name] for one in own])) for name in ("level_db", "echo_s", "bandwidth_hz")}
    for one in measured:
        one["level_jump_db"] = round(one["level_db"] - usual["level_db"], 1)
        one["echo_share"] = round(one["echo_s"] / max(usual["echo_s"], 0.01), 2)
        one["bandwidth_share"] = round(one["bandwidth_hz"] / max(usual["bandwidth_hz"], 1.0), 2)


def _is_music(span: Span, sounds: Sequence[Sound]) -> bool:
    return any(
        "music" in sound.label.lower() and sound.start_s < span.end_s and span.start_s < sound.end_s for sound in sounds
    )


def _clip(
    utterance: Utterance, measures: Mapping[str, float], why: tuple[str, ...], wav: Path, options: ScreenOptions
) -> Clip:
    """Make the row; of a good candidate, look at its edges and its pauses first."""
    span = utterance.span
    pauses: tuple[Span, ...] = ()
    if not why:
        levels = wav_samples.smoothed(wav_samples.loudness_db(wav_samples.read(wav, span.start_s, span.end_s)))
        at_edges = max(levels[:EDGE_FRAMES].max(), levels[-EDGE_FRAMES:].max()) if len(levels) else 0.0
        measures = {**measures, "edge_db": round(float(at_edges) - measures["level_db"], 1)}
        if measures["edge_db"] > options.most_edge_db:
            why = ("unsafe_cut",)
        else:
            pauses = edges.long_pauses(utterance.words, levels, span.start_s, measures["level_db"] - edges.SILENCE_DB)
    return Clip(
        id=clip_id(utterance.source, span.start_s),
        source=utterance.source,
        start_s=span.start_s,
        end_s=span.end_s,
        text=utterance.text,
        kept=not why,
        reasons=why,
        measures=dict(measures),
        witnesses=utterance.witnesses,
        pauses=pauses,
    )

"""Where the speaker changes inside a candidate, without a pause: cut there, each side judged for itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline import samples as wav_samples
from pipeline.edges import beside
from pipeline.likeness import Likeness
from pipeline.readings import places
from pipeline.records import Span, Utterance
from pipeline.samples import SAMPLE_RATE_HZ
from pipeline.speakers import SpeakerEncoder, Windows
from pipeline.spoken import spoken_forms
from pipeline.variants import cer


@dataclass(frozen=True, kw_only=True)
class TurnOptions:
    """When a candidate is looked at for a second voice."""

    least_side_s: float = 1.0
    """Less than this says nothing about who speaks."""
    places: int = 6
    """Gaps between words that are tried, the widest and those where the windows differ most."""
    clear_low: float = -0.12
    """`speaker_low` above which no window of a candidate holds anybody else: nothing to look for."""
    least_contrast: float = 0.12
    """Cosine by which the two sides must differ: two halves of one speaker's sentence differ by 0.03, by 0.09 once in
    fifty (bench/thresholds.md)."""


def split_turns(
    utterances: Sequence[Utterance],
    windows: Sequence[Windows | None],
    wav_16k: Path,
    *,
    encoder: SpeakerEncoder,
    likeness: Likeness,
    options: TurnOptions,
) -> list[tuple[Utterance, Windows | None]]:
    """Cut candidates in which the wanted speaker gives way to another, or follows one.

    Args:
        utterances: candidates in order.
        windows: of each, None without speech.
        wav_16k: the recording.
        encoder: maps the two sides to vectors.
        likeness: of the wanted speaker.
        options: see there.

    Returns:
        The candidates in order, each with its windows; one that was cut is two, or more.
    """
    result: list[tuple[Utterance, Windows | None]] = []
    waiting = list(zip(utterances, windows, strict=True))[::-1]
    while waiting:
        utterance, found = waiting.pop()
        halves = None
        if found is not None and _suspicious(utterance, found, likeness, options):
            halves = _best_cut(utterance, found, wav_16k, encoder, likeness, options)
        if halves:
            waiting += halves[::-1]
        else:
            result.append((utterance, found))
    return result


def _suspicious(utterance: Utterance, windows: Windows, likeness: Likeness, options: TurnOptions) -> bool:
    """Tell whether somebody else may speak in a part: one window is unlike the speaker, and another is not."""
    if utterance.span.duration_s < 2 * options.least_side_s or len(utterance.words) < 2:
        return False
    lows = windows.vectors @ likeness.centroid - likeness.expected(1.6)
    return bool(lows.min() < options.clear_low and lows.max() > 2 * options.clear_low)


def _best_cut(
    utterance: Utterance,
    windows: Windows,
    wav: Path,
    encoder: SpeakerEncoder,
    likeness: Likeness,
    options: TurnOptions,
) -> list[tuple[Utterance, Windows | None]] | None:
    span = utterance.span
    samples = wav_samples.read(wav, span.start_s, span.end_s)
    levels = wav_samples.smoothed(wav_samples.loudness_db(samples))
    tried: list[tuple[float, int, float, float, Windows, Windows]] = []
    for k in _candidates(utterance, windows, likeness, options):
        end_s, start_s = beside(utterance.words[k - 1].end_s, utterance.words[k].start_s, levels, span.start_s)
        left = samples[: round((end_s - span.start_s) * SAMPLE_RATE_HZ)]
        right = samples[round((start_s - span.start_s) * SAMPLE_RATE_HZ) :]
        first, second = encoder.embed_windows([wav_samples.to_float(one) for one in (left, right)], SAMPLE_RATE_HZ)
        if first is None or second is None:
            continue
        gaps = [
            likeness.measures(one, len(side) / SAMPLE_RATE_HZ)["speaker_gap"]
            for one, side in ((first, left), (second, right))
        ]
        tried.append((abs(gaps[0] - gaps[1]), -k, end_s, start_s, first, second))
    if not tried:
        return None
    contrast, minus_k, end_s, start_s, first, second = max(tried, key=lambda one: one[:2])
    if contrast < options.least_contrast:
        return None
    sides = cut_at(utterance, -minus_k, end_s, start_s)
    return [(sides[0], first), (sides[1], second)]


def _candidates(utterance: Utterance, windows: Windows, likeness: Likeness, options: TurnOptions) -> list[int]:
    """List words before which to try, best guesses only."""
    span, words = utterance.span, utterance.words
    middles = windows.start_s + span.start_s + 0.8
    cosines = windows.vectors @ likeness.centroid
    worth = {}
    for k in range(1, len(words)):
        at_s = (words[k - 1].end_s + words[k].start_s) / 2
        if min(at_s - span.start_s, span.end_s - at_s) < options.least_side_s:
            continue
        before, after = cosines[middles < at_s], cosines[middles >= at_s]
        contrast = abs(float(before.mean() - after.mean())) if len(before) and len(after) else 0.0
        worth[k] = contrast + min(words[k].start_s - words[k - 1].end_s, 0.3)
    return sorted(worth, key=lambda k: (-worth[k], k))[: options.places]


def cut_at(utterance: Utterance, k: int, end_s: float, start_s: float) -> tuple[Utterance, Utterance]:
    """Cut an utterance before its word k: times, words, texts of the witnesses, and what is measured of words."""
    words = utterance.words
    tokens = [spoken_forms(word.text) for word in words]
    count = sum(len(forms) for forms in tokens[:k])
    heard = utterance.witnesses.get("pocketsphinx", "").split()
    at = places([token for forms in tokens for token in forms], heard)[count]
    sides = []
    for own, other, first_s, last_s in (
        (words[:k], heard[:at], utterance.span.start_s, end_s),
        (words[k:], heard[at:], start_s, utterance.span.end_s),
    ):
        text = " ".join(word.text for word in own)
        witnesses = {**utterance.witnesses, "captions": text} if "captions" in utterance.witnesses else {}
        if "pocketsphinx" in utterance.witnesses:
            witnesses["pocketsphinx"] = " ".join(other)
        spoken = [token for word in own for token in spoken_forms(word.text)]
        scores = [word.score for word in own]
        measures = {
            **utterance.measures,
            "agreement_cer": round(cer(spoken, other), 3),
            "alignment_score": round(float(np.mean(scores)), 3),
            "worst_word_score": round(min(scores), 3),
        }
        span = Span(start_s=first_s, end_s=last_s)
        sides.append(replace(utterance, span=span, text=text, words=own, witnesses=witnesses, measures=measures))
    return sides[0], sides[1]

"""How well a base speaks like people it was told a few seconds of, in the way of `speak --reference`.

Everybody says the same sentences. Measured are SECS by any number of judges (scoring with the encoder that conditions
is circular), the margin over the base's readers, the equal error rate of synthetic trials (Jia et al. 2018,
arXiv:1806.04558, table 4), words heard wrongly and pitch; and SECS by the length of the reference (their table 5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dctts.corpus import Embedder
from dctts.encoder.verification import equal_error_rate
from dctts.progress import SILENT, Progress
from dctts.synthesize import SpeakOptions, speak_each
from dctts.voice import Voice, as_speaker
from dctts.zero_shot import zero_shot
from pipeline.bases import Base
from pipeline.evaluation.acoustics import median_f0_hz
from pipeline.evaluation.likeness import Likeness
from pipeline.evaluation.scores import mean_score
from pipeline.listen import Errors, corpus_errors, word_errors
from pipeline.nearest_base import Target, rank
from pipeline.reference import Judges, best_seconds, describe

Wave = NDArray[np.float32]

_LEAST_SPEECH_S = 0.3  # a second of somebody is asked for, pauses and all
OWN, UNSEEN = GROUPS = ("own", "unseen")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody to speak like."""

    name: str
    group: str
    """`own`: a reader of the base, `unseen`: somebody it never heard."""
    reference: tuple[Wave, ...]
    """Clips that references are cut from; never scored against."""
    clips: tuple[Wave, ...]
    """Others, at least two: how the person really sounds."""


@dataclass(frozen=True, kw_only=True)
class ZeroShotOptions:
    """How much is said."""

    reference_s: float = 5.0
    curve_s: tuple[float, ...] = (1.0, 2.0, 3.0, 5.0, 10.0)
    """Lengths of reference for the curve; none leaves it out."""
    curve_texts: int = 3
    """Sentences for each point of it, of each person who is unseen; 0 leaves it out too."""


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What was said like one person, and what the base's nearest reader says."""

    made: list[Wave]
    near: str
    by_near: list[Wave]
    errors: list[Errors]
    errors_by_near: list[Errors]


class ZeroShot:
    """A base, and who listens to it.

    Args:
        where: the base on disk, to find the nearest of its speakers.
        judges: who listens to references, and what writes down what is said.
        likeness: name → who tells how like a person something sounds, one or several.
    """

    def __init__(
        self,
        base: Voice,
        where: Base,
        judges: Judges,
        likeness: Mapping[str, Embedder],
        options: ZeroShotOptions | None = None,
    ) -> None:
        self._base, self._where, self._judges, self._likeness = base, where, judges, likeness
        self._options = options or ZeroShotOptions()
        self._rate = base.audio.sample_rate_hz

    def measure(self, people: Sequence[Person], texts: Sequence[str], progress: Progress = SILENT) -> dict[str, Any]:
        """Let the base speak like each of several people, each an impostor for the others.

        Returns:
            plain JSON values: `base`, `groups`, `people` and `curve`.

        Raises:
            AudioError: a reference without speech.
        """
        unseen = [person for person in people if person.group == UNSEEN]
        lengths = self._options.curve_s if self._options.curve_texts else ()
        with progress.bar("zero-shot", len(people) * (2 + len(self._likeness)) + len(unseen) * len(lengths)) as bar:
            said: dict[str, _Said] = {}
            by_base: dict[str, tuple[list[Wave], list[Errors]]] = {}
            for person in people:
                made, near = self._like(person, self._options.reference_s, texts)
                if near not in by_base:
                    waves = self._speak(as_speaker(self._base, near) if near else self._base, texts)
                    by_base[near] = waves, self._errors(waves, texts)
                by_near, errors_by_near = by_base[near]
                said[person.name] = _Said(
                    made=made,
                    near=near,
                    by_near=by_near,
                    errors=self._errors(made, texts),
                    errors_by_near=errors_by_near,
                )
                bar.advance(2, person.name)
            tables = {}
            real: dict[str, dict[str, list[NDArray[np.float32]]]] = {}
            for name, judge in self._likeness.items():
                real[name] = {one.name: _known(judge.embed_batch(one.clips, self._rate)) for one in people}
                tables[name] = _Table(people, real[name], judge, said, self._rate)
                bar.advance(len(people))
            curve = []
            for seconds in lengths:
                points: dict[str, list[float]] = {name: [] for name in self._likeness}
                for person in unseen:
                    waves, _ = self._like(person, seconds, texts[: self._options.curve_texts])
                    for name, judge in self._likeness.items():
                        near_to = Likeness(dict(_named(real[name][person.name])), {})
                        points[name] += [near_to.secs(vector) for vector in judge.embed_batch(waves, self._rate)]
                    bar.advance(1, f"{person.name}, {seconds:g} s")
                curve += [{"seconds": seconds, "judge": name, **_mean(values)} for name, values in points.items()]
        heard = self._errors(self._speak(self._base, texts), texts)
        return {
            "base": {"wer": round(corpus_errors(heard).wer, 4), "readers": sorted(self._base.speakers)},
            "groups": [self._group(group, people, said, tables) for group in GROUPS if _of(group, people)],
            "people": [self._person(person, said[person.name], tables) for person in people],
            "curve": curve,
        }

    def _like(self, person: Person, seconds: float, texts: Sequence[str]) -> tuple[list[Wave], str]:
        """Speak after so many seconds of a person; tell which reader of the base lent the rest."""
        clips = [_joined(person.reference, seconds, self._rate)]
        heard = best_seconds(person.name, clips, self._judges, seconds=seconds, least_speech_s=_LEAST_SPEECH_S)
        told = describe([heard], self._judges)
        near = rank(Target(vector=told.vector, traits=told.traits), [self._where])[0].speaker
        return self._speak(zero_shot(self._base, told, self._judges.lexicon, near=near), texts), near

    def _speak(self, voice: Voice, texts: Sequence[str]) -> list[Wave]:
        spoken = speak_each(texts, voice, self._judges.lexicon, options=SpeakOptions(attempts=1))
        return [one.wave for one in spoken]

    def _errors(self, waves: Sequence[Wave], texts: Sequence[str]) -> list[Errors]:
        heard = [self._judges.hearing.hear(wave, self._rate) for wave in waves]
        return [word_errors(text, one) for text, one in zip(texts, heard, strict=True)]

    def _group(
        self, group: str, people: Sequence[Person], said: Mapping[str, _Said], tables: Mapping[str, "_Table"]
    ) -> dict[str, Any]:
        names = [person.name for person in people if person.group == group]
        errors = corpus_errors(one for name in names for one in said[name].errors)
        by_near = corpus_errors(one for name in names for one in said[name].errors_by_near)
        semitones = [found for one in _of(group, people) if (found := self._semitones(one, said[one.name])) is not None]
        return {
            "group": group,
            "people": len(names),
            "wer": round(errors.wer, 4),
            "wer_nearest": round(by_near.wer, 4),
            "f0_semitones": round(float(np.median(np.abs(semitones))), 2) if semitones else None,
            "judges": {name: table.scores(names) for name, table in tables.items()},
        }

    def _person(self, person: Person, said: _Said, tables: Mapping[str, "_Table"]) -> dict[str, Any]:
        semitones = self._semitones(person, said)
        return {
            "name": person.name,
            "group": person.group,
            "nearest_reader": said.near,
            "wer": round(corpus_errors(said.errors).wer, 4),
            "wer_nearest": round(corpus_errors(said.errors_by_near).wer, 4),
            "f0_semitones": None if semitones is None else round(semitones, 2),
            "judges": {name: table.scores([person.name]) for name, table in tables.items()},
        }

    def _semitones(self, person: Person, said: _Said) -> float | None:
        """How far the pitch lies above the person's; None where one of them has none."""
        ours, theirs = (median_f0_hz(np.concatenate(list(waves)), self._rate) for waves in (said.made, person.clips))
        return 12 * log2(ours / theirs) if ours and theirs else None


class _Table:
    """What one judge says of everything."""

    def __init__(
        self,
        people: Sequence[Person],
        real: Mapping[str, list[NDArray[np.float32]]],
        judge: Embedder,
        said: Mapping[str, _Said],
        rate: int,
    ) -> None:
        self._near_to = {name: Likeness(dict(_named(vectors)), {}) for name, vectors in real.items()}
        self._real = real
        self._readers = [person.name for person in people if person.group == OWN]
        self._made = {name: judge.embed_batch(one.made, rate) for name, one in said.items()}
        heard = {one.near: one.by_near for one in said.values()}
        by_near = {near: judge.embed_batch(waves, rate) for near, waves in heard.items()}
        self._by_near = {name: by_near[one.near] for name, one in said.items()}

    def scores(self, names: Sequence[str]) -> dict[str, Any]:
        """Score what was said like some of the people."""
        secs, gain, margin, impostor = [], [], [], []
        real, real_impostor = [], []
        for name in names:
            rivals = [reader for reader in self._readers if reader != name]
            others = [other for other in self._near_to if other != name]
            for vector, before in zip(self._made[name], self._by_near[name], strict=True):
                secs.append(self._near_to[name].secs(vector))
                gain.append(secs[-1] - self._near_to[name].secs(before))
                if rivals:
                    margin.append(secs[-1] - max(self._near_to[rival].secs(vector) for rival in rivals))
                impostor += [self._near_to[other].secs(vector) for other in others]
            for identity, vector in _named(self._real[name]):
                real.append(self._near_to[name].secs(vector, without=identity))
                real_impostor += [self._near_to[other].secs(vector) for other in others]
        return {
            "secs": _mean(secs),
            "secs_real": _mean(real),
            "gain": _mean(gain),
            "gain_positive": _mean([value > 0 for value in gain]),
            "margin": _mean(margin),
            "margin_positive": _mean([value > 0 for value in margin]),
            "eer": _eer(secs, impostor),
            "eer_real": _eer(real, real_impostor),
        }


def _named(vectors: Sequence[NDArray[np.float32]]) -> list[tuple[str, NDArray[np.float32]]]:
    """Name the vectors of a person's clips."""
    return [(str(number), vector) for number, vector in enumerate(vectors)]


def _of(group: str, people: Sequence[Person]) -> list[Person]:
    return [person for person in people if person.group == group]


def _joined(clips: Sequence[Wave], seconds: float, rate: int) -> Wave:
    """Put clips in a row and take so many seconds from their start."""
    return np.concatenate(list(clips))[: round(seconds * rate)]


def _known(vectors: Sequence[NDArray[np.float32] | None]) -> list[NDArray[np.float32]]:
    return [vector for vector in vectors if vector is not None]


def _mean(values: Sequence[float]) -> dict[str, float] | Any:
    """Give the mean and its 95 % interval over sentences; None of none."""
    score = mean_score("", "", [float(value) for value in values])
    return score and {"value": round(score.value, 4), "low": round(score.low, 4), "high": round(score.high, 4)}


def _eer(genuine: Sequence[float], impostor: Sequence[float]) -> float | None:
    if not genuine or not impostor:
        return None
    return round(float(equal_error_rate(np.array(genuine), np.array(impostor))), 4)

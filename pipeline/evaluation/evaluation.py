"""What came out: rows, the scores they add up to, and the JSON document."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dctts.encoder.verification import equal_error_rate
from pipeline.evaluation.goals import goal
from pipeline.evaluation.material import FIXED, HELD_OUT, Material
from pipeline.evaluation.rows import Heard, Row
from pipeline.evaluation.scores import Score, mean_score, ratio_score, resampled
from pipeline.listen import Errors, said_words, wrong_words

VERSION = 1
ALL, REAL, ABSENT, PRESENT = "all", "real", "absent words", "present words"


@dataclass(frozen=True)
class Evaluation:
    """A voice, measured."""

    name: str
    is_base: bool
    """Whether the goals of a base voice hold, or those of one made from 15 minutes."""
    steps: Any
    """As the voice's card has it, None if it does not."""
    material: Material | None
    others: tuple[str, ...]
    """Names of the speakers it was told from."""
    second_others: tuple[str, ...]
    """Likewise by the second encoder; none where it was not asked."""
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    seed: int

    @cached_property
    def scores(self) -> list[Score]:
        """Every figure that could be measured."""
        rows, pairs = self.rows, [row for row in self.rows if row.real]
        found = [
            score
            for name in (*FIXED, HELD_OUT)
            if (some := [row for row in rows if row.prompt.set == name])
            for score in (
                *self._errors(name, [row.made for row in some]),
                self._mean("reached_end", name, some, lambda row: row.reached_end),
                self._mean("coverage", name, some, lambda row: row.coverage),
                self._mean("forced_rate", name, some, lambda row: row.forced_rate),
                self._mean("secs", name, some, lambda row: row.made.secs),
            )
        ]
        found += self._errors(REAL, [row.real for row in pairs if row.real])
        found += [*self._gaps(pairs), *self._by_word(), *self._likeness(), *self._second_likeness(pairs)]
        found += [
            self._mean("secs", REAL, pairs, lambda row: row.real.secs if row.real else 0),
            self._mean("length_ratio", ALL, rows, lambda row: row.length_ratio),
            self._ratio("retried", ALL, [row.num_retried for row in rows], [row.num_chunks for row in rows]),
            *self._distances(pairs),
        ]
        return [score for score in found if score is not None]

    @cached_property
    def speeds(self) -> list[Score]:
        """Seconds of work for a second of sound: the figures that no second run repeats."""
        sound = [row.made.duration_s for row in self.rows]
        found = [
            self._ratio("rtf", ALL, [row.spent_s for row in self.rows], sound),
            self._ratio("rtf_processor", ALL, [row.processor_s for row in self.rows], sound),
        ]
        return [score for score in found if score is not None]

    def score(self, name: str, of: str) -> Score | None:
        """Find a score; None if it was not measured."""
        return next((score for score in self.scores if (score.name, score.of) == (name, of)), None)

    def document(self) -> dict[str, Any]:
        """Give `evaluation.json`: the same on every run, but for `timing`."""
        material = self.material
        return {
            "version": VERSION,
            "voice": {"name": self.name, "kind": "base" if self.is_base else "fine-tuned", "steps": self.steps},
            "seed": self.seed,
            "material": None
            if material is None
            else {
                "dataset": material.name,
                "speaker": material.speaker,
                "held_out": [row.id for row in material.held_out],
                "enrolled": [row.id for row in material.enrolled],
                "known_words": len(material.known_words),
            },
            "other_speakers": list(self.others),
            "second_encoder_other_speakers": list(self.second_others),
            "notes": list(self.notes),
            "scores": [score.to_dict() for score in self.scores],
            "each": [_row_dict(row) for row in self.rows],
            "timing": [score.to_dict() for score in self.speeds],
        }

    def _errors(self, of: str, heard: Sequence[Heard]) -> list[Score | None]:
        found = [*self._rates("", of, [one.errors for one in heard])]
        if all(one.whisper_errors for one in heard):
            found += self._rates("whisper_", of, [one.whisper_errors for one in heard if one.whisper_errors])
        return found

    def _rates(self, judge: str, of: str, errors: Sequence[Errors]) -> list[Score | None]:
        return [
            self._ratio(f"{judge}wer", of, [one.word_edits for one in errors], [one.num_words for one in errors]),
            self._ratio(f"{judge}cer", of, [one.char_edits for one in errors], [one.num_chars for one in errors]),
        ]

    def _gaps(self, pairs: Sequence[Row]) -> list[Score | None]:
        # Both readings have the same words to get wrong, so the difference of the rates is a rate, paired by sentence.
        both = [(row.made.errors, row.real.errors) for row in pairs if row.real]
        return [
            self._ratio(
                "wer_gap", HELD_OUT, [a.word_edits - b.word_edits for a, b in both], [a.num_words for a, _ in both]
            ),
            self._ratio(
                "cer_gap", HELD_OUT, [a.char_edits - b.char_edits for a, b in both], [a.num_chars for a, _ in both]
            ),
        ]

    def _by_word(self) -> list[Score | None]:
        """Score the words of the fixed sentences apart, by whether they occur in the transcripts trained on."""
        known = self.material.known_words if self.material else frozenset()
        if not known:
            return []
        counts: dict[str, list[tuple[int, int]]] = {ABSENT: [], PRESENT: []}
        for row in self.rows:
            if row.prompt.set not in FIXED:
                continue
            said = list(zip(said_words(row.prompt.text), wrong_words(row.prompt.text, row.made.text), strict=True))
            for of, wanted in ((ABSENT, False), (PRESENT, True)):
                own = [wrong for word, wrong in said if (word in known) is wanted]
                counts[of].append((sum(own), len(own)))
        return [
            self._ratio("wrong_words", of, [wrong for wrong, _ in each], [num for _, num in each])
            for of, each in counts.items()
        ]

    def _likeness(self) -> list[Score | None]:
        secs = [row.made.secs for row in self.rows]
        return self._told_apart("", secs, [row.made.strangers for row in self.rows] if self.others else [])

    def _second_likeness(self, pairs: Sequence[Row]) -> list[Score | None]:
        """Score by the encoder that the voice was not conditioned on; of the real readings too, to hold it against."""
        found: list[Score | None] = []
        for name in (*FIXED, HELD_OUT):
            found += self._by_second([row.made for row in self.rows if row.prompt.set == name], name)[:1]
        found += self._by_second([row.made for row in self.rows], ALL)
        return found + self._by_second([row.real for row in pairs if row.real], REAL)

    def _by_second(self, heard: Sequence[Heard], of: str) -> list[Score | None]:
        asked = [one for one in heard if one.second_secs is not None]
        strangers = [one.second_strangers for one in asked] if self.second_others else []
        return self._told_apart("second_", [one.second_secs or 0.0 for one in asked], strangers, of)

    def _told_apart(
        self, judge: str, secs: Sequence[float], strangers: Sequence[Sequence[float]], of: str = ALL
    ) -> list[Score | None]:
        """Score the cosines to the speaker, and those to strangers where there are any."""

        def mean(name: str, values: Sequence[float]) -> Score | None:
            return mean_score(judge + name, of, values, goal(judge + name, of, is_base=self.is_base))

        found = [mean("secs", secs)]
        if not strangers:
            return found
        margins = [own - max(others) for own, others in zip(secs, strangers, strict=True)]
        genuine, impostor = np.array(secs), np.array(strangers)

        def rate(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
            if chosen.ndim == 1:
                return np.asarray(equal_error_rate(genuine[chosen], impostor[chosen].ravel()))
            return np.array([equal_error_rate(genuine[one], impostor[one].ravel()) for one in chosen])

        return [
            *found,
            mean("secs_margin", margins),
            mean("margin_positive", [margin > 0 for margin in margins]),
            resampled(judge + "eer", of, len(genuine), rate, goal(judge + "eer", of, is_base=self.is_base)),
        ]

    def _distances(self, pairs: Sequence[Row]) -> list[Score | None]:
        found = [row.distance for row in pairs if row.distance]
        f0 = [one.log_f0_rmse for one in found if one.log_f0_rmse is not None]
        goals = {name: goal(name, HELD_OUT, is_base=self.is_base) for name in ("mcd_db", "log_f0_rmse", "vuv_error")}
        return [
            mean_score("mcd_db", HELD_OUT, [one.mcd_db for one in found], goals["mcd_db"]),
            mean_score("log_f0_rmse", HELD_OUT, f0, goals["log_f0_rmse"]),
            mean_score("vuv_error", HELD_OUT, [one.vuv_error for one in found], goals["vuv_error"]),
        ]

    def _mean(self, name: str, of: str, rows: Sequence[Row], value: Callable[[Row], float]) -> Score | None:
        return mean_score(name, of, [value(row) for row in rows], goal(name, of, is_base=self.is_base))

    def _ratio(self, name: str, of: str, parts: Sequence[float], wholes: Sequence[float]) -> Score | None:
        return ratio_score(name, of, parts, wholes, goal(name, of, is_base=self.is_base))


def _row_dict(row: Row) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": row.prompt.id,
        "set": row.prompt.set,
        "text": row.prompt.text,
        **_heard_dict(row.made),
        "reached_end": row.reached_end,
        "coverage": row.coverage,
        "forced_rate": row.forced_rate,
        "chunks": row.num_chunks,
        "chunks_retried": row.num_retried,
        "length_ratio": round(row.length_ratio, 4),
    }
    if row.real:
        made["real"] = _heard_dict(row.real)
    if row.distance:
        far = row.distance
        made["mcd_db"] = round(far.mcd_db, 4)
        made["log_f0_rmse"] = None if far.log_f0_rmse is None else round(far.log_f0_rmse, 4)
        made["vuv_error"] = round(far.vuv_error, 4)
    return made


def _heard_dict(heard: Heard) -> dict[str, Any]:
    about: dict[str, Any] = {
        "heard": heard.text,
        "wer": round(heard.errors.wer, 4),
        "cer": round(heard.errors.cer, 4),
        "secs": round(heard.secs, 4),
        "strangers": [round(value, 4) for value in heard.strangers],
        "duration_s": round(heard.duration_s, 3),
    }
    if heard.whisper_errors:
        about |= {
            "whisper": heard.whisper,
            "whisper_wer": round(heard.whisper_errors.wer, 4),
            "whisper_cer": round(heard.whisper_errors.cer, 4),
        }
    if heard.second_secs is not None:
        about |= {
            "second_secs": round(heard.second_secs, 4),
            "second_strangers": [round(value, 4) for value in heard.second_strangers],
        }
    return about

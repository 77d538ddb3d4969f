"""What did the minutes buy? A fine-tuned voice beside its base told five seconds, and beside the real readings."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dctts.corpus import Embedder, Example, centroids
from dctts.progress import SILENT, Progress
from dctts.synthesize import speak_each
from dctts.voice import Voice
from dctts.zero_shot import zero_shot
from pipeline.bases import Base
from pipeline.best_seconds import best_of_dataset, cut, wave_of
from pipeline.listen import word_errors
from pipeline.nearest_base import Target, rank
from pipeline.preview import mp3
from pipeline.reference import Heard, Judges, describe
from pipeline.side_by_side import FINE_TUNED, REAL, ZERO_SHOT, Sentence, SideBySide, Take

log = logging.getLogger(__name__)

Wave = NDArray[np.float32]

MOST_SENTENCES = 5
LONGEST = 90
"""Characters of a sentence: one can be heard three times over before one forgets the first."""


@dataclass(frozen=True, kw_only=True)
class Clips:
    """Of the person."""

    trained: Sequence[Example]
    held_out: Sequence[Example]
    """Never trained on: their texts are said."""


def compare_voices(
    voice: Voice,
    base: Voice,
    where: Base,
    clips: Clips,
    judges: Judges,
    *,
    judge: Embedder | None = None,
    progress: Progress = SILENT,
) -> SideBySide | None:
    """Let both say up to five held-out texts, and listen to them and to the real readings.

    Args:
        voice: the fine-tuned one.
        base: that it was made from.
        where: the same on disk, to find the nearest of its speakers.
        judge: tells how like the person each sounds; None takes the encoder that both voices are conditioned on,
            which flatters both alike.

    Returns:
        None where no clips were held out.
    """
    held_out = sentences(clips.held_out)
    if not held_out:
        log.info("nothing was held out: zero-shot and fine-tuned are not compared")
        return None
    rate, lexicon = voice.audio.sample_rate_hz, judges.lexicon
    with progress.bar("side by side", 3 * len(held_out) + 1) as bar:
        reference = describe([_best(clips.trained, judges)], judges)
        near = rank(Target(vector=reference.vector, traits=reference.traits), [where])[0].speaker
        told = zero_shot(base, reference, lexicon, near=near)
        bar.advance()
        texts = [example.text for example in held_out]
        waves = {REAL: [wave_of(example, rate) for example in held_out]}
        waves |= {
            kind: [spoken.wave for spoken in speak_each(texts, whose, lexicon)]
            for kind, whose in ((ZERO_SHOT, told), (FINE_TUNED, voice))
        }
        listening = judge or judges.encoder
        person = _person(clips.trained, listening, rate)
        near_to = {kind: listening.embed_batch(some, rate) for kind, some in waves.items()}
        rows = []
        for number, text in enumerate(texts):
            takes = []
            for kind, some in waves.items():
                vector = near_to[kind][number]
                takes.append(
                    Take(
                        kind=kind,
                        secs=0.0 if vector is None else float(vector @ person),
                        cer=word_errors(text, judges.hearing.hear(some[number], rate)).cer,
                        sound=mp3(some[number], rate),
                    )
                )
                bar.advance()
            rows.append(Sentence(text=text, takes=tuple(takes)))
    minutes = sum(example.duration_s for example in clips.trained) / 60
    return SideBySide(reference_s=reference.speech_s, minutes=minutes, sentences=tuple(rows))


def sentences(held_out: Sequence[Example]) -> list[Example]:
    """Choose clips whose texts are said, of many lengths and spread over the recording."""
    fit = [example for example in held_out if len(example.text) <= LONGEST]
    count = min(MOST_SENTENCES, len(fit))
    return [fit[place * len(fit) // count] for place in range(count)]


def _best(trained: Sequence[Example], judges: Judges) -> Heard:
    rate = judges.audio.sample_rate_hz
    chosen = best_of_dataset(trained, rate)
    waves = cut([wave_of(example, rate) for example in trained], chosen, rate)
    found = [one for one in judges.encoder.embed_windows(waves, rate) if one is not None]
    vector = np.sum([one.mean for one in found], axis=0) if found else centroids(trained)[trained[0].speaker].numpy()
    return Heard(
        name="the voice's clips",
        waves=tuple(waves),
        vector=np.asarray(vector / np.linalg.norm(vector), np.float32),
    )


def _person(trained: Sequence[Example], judge: Embedder, rate: int) -> NDArray[np.float32]:
    """Average the vectors of some of the clips, spread over all of them."""
    some = trained[:: -(-len(trained) // 40)]
    vectors = [vector for vector in judge.embed_batch([wave_of(one, rate) for one in some], rate) if vector is not None]
    mean = np.sum(vectors, axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)

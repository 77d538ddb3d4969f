"""Who listens while a voice is trained: with the real PocketSphinx, and a stand-in where only the counting matters."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dctts.corpus import Example
from dctts.lexicon import Lexicon
from dctts.selection import Original
from dctts.shipped import shipped
from dctts.voice import Voice
from pipeline.listen import Listener, said_words
from pipeline.scorer import (
    LONGEST,
    MOST_HARVARD,
    MOST_HELD_OUT,
    MOST_UNSEEN,
    VoiceScorer,
    harvard_texts,
    held_out_texts,
)
from tests.conftest import buzz


class Hears(Listener):
    """Hears the same of everybody."""

    def __init__(self, heard: str = "") -> None:
        self.heard = heard

    def hear(self, wave: NDArray[np.float32], sample_rate_hz: int) -> str:
        return self.heard


class Knows:
    """Gives every clip the same vector, and no one's to silence."""

    def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[NDArray[np.float32] | None]:
        return [np.eye(256, dtype=np.float32)[0] if np.abs(wave).max() > 1e-4 else None for wave in wavs]


def clip(text: str) -> Example:
    wave = torch.from_numpy((buzz(1.0) * 32767).astype(np.int16))
    return Example(
        id=text,
        speaker="ada",
        text=text,
        wave=wave,
        mel=torch.zeros(86, 80).half(),
        voice=torch.eye(256)[0],
        phone_times=torch.zeros(0, 3),
    )


def target(*held_out: str, transcripts: Sequence[str] = ()) -> Original:
    return Original(
        held_out=[clip(text) for text in held_out],
        transcripts=transcripts,
        speaker=torch.eye(256)[0],
        base_speakers={"near": torch.eye(256)[1] * 0.8 + torch.eye(256)[0] * 0.6, "far": torch.eye(256)[2]},
    )


def scorer(of: Original, listener: Listener | None = None) -> VoiceScorer:
    return VoiceScorer(of, lexicon=Lexicon(), listener=listener or Hears(), embedder=Knows())


def test_held_out_texts_are_few_short_and_of_many_lengths() -> None:
    texts = held_out_texts(target("x" * (LONGEST + 1), *("w" * n for n in range(5, 50, 3)), "wwwww"))
    assert len(texts) == len(set(texts)) == MOST_HELD_OUT
    assert (min(map(len, texts)), max(map(len, texts))) == (5, 47)


def test_sentences_with_new_words_are_told_from_the_others() -> None:
    harvard = shipped("text/harvard.txt").read_text(encoding="utf-8").splitlines()
    known, unseen = harvard_texts(harvard[:12])
    heard = {word for text in harvard[:12] for word in said_words(text)}
    assert (len(unseen), len(known)) == (MOST_UNSEEN, MOST_HARVARD)
    assert all(set(said_words(text)) - heard for text in unseen)
    assert not set(known) & set(unseen)
    assert harvard_texts(harvard) == (harvard_texts(harvard)[0], [])


def test_the_scores_add_up_over_each_kind_of_sentence(tiny_voice: Voice) -> None:
    of = target("one two three", transcripts=["the birch canoe"])
    scores = scorer(of, Hears("one two three")).score(tiny_voice)
    assert scores.cer_held_out == 0
    assert scores.cer_harvard > 0.5
    assert scores.cer_unseen > 0.5
    assert 0 < scores.cer < 1.2
    assert scores.secs == pytest.approx(1.0)
    assert scores.secs_base == pytest.approx(0.6)  # the nearest of the base's voices
    assert scores.length_ratio > 0.5
    assert 0 <= scores.coverage <= 1


def test_the_ceiling_is_what_copied_recordings_reach() -> None:
    assert scorer(target("one", "two")).ceiling == pytest.approx(1.0)
    assert 0.8 < scorer(target()).ceiling < 1


def test_the_same_voice_is_heard_the_same_twice(tiny_voice: Voice) -> None:
    of = target("one", transcripts=[])
    one = scorer(of, Listener(quick=True))
    one.harvard, one.unseen = [], ["Hello."]  # it babbles, and babble takes long to hear
    assert one.score(tiny_voice) == one.score(tiny_voice)

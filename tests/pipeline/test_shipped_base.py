"""The base voice in `data/base/`: not whether the code is right, but whether the weights are."""

import numpy as np
import pytest

from dctts.chunks import iter_chunks
from dctts.decode import DecodeOptions
from dctts.lexicon import open_lexicon
from dctts.retry import Take, decode_chunks
from dctts.shipped import shipped
from dctts.voice import Voice, as_speaker, load_voice
from pipeline.bases import list_bases
from pipeline.listen import Listener, corpus_errors, word_errors


@pytest.fixture(scope="module")
def base() -> Voice:
    return load_voice(list_bases()[0].path)


def said(voice: Voice, texts: list[str]) -> list[Take]:
    chunks = [chunk for text in texts for chunk in iter_chunks(text)]
    return list(decode_chunks(chunks, voice, open_lexicon(), DecodeOptions(), attempts=1))


def harvard() -> list[str]:
    return shipped("text/harvard.txt").read_text(encoding="utf-8").splitlines()


def test_every_harvard_sentence_is_said_to_its_end_in_every_voice(base: Voice) -> None:
    for speaker in base.speakers:
        pieces = [piece.decoded for take in said(as_speaker(base, speaker), harvard()) for piece in take.pieces]
        assert all(one.reached_end for one in pieces), speaker
        assert np.mean([one.forced_rate for one in pieces]) < 0.03, speaker
        assert np.mean([one.coverage for one in pieces]) > 0.95, speaker


def test_what_it_says_can_be_understood(base: Voice) -> None:
    from dctts.synthesize import speak

    texts, lexicon, listener = harvard()[:6], open_lexicon(), Listener()
    heard = []
    for text in texts:
        wave = np.concatenate([piece.wave for piece in speak(text, base, lexicon)])
        heard.append(listener.hear(wave, base.audio.sample_rate_hz))
    assert corpus_errors(map(word_errors, texts, heard)).cer < 0.6  # babble has 0.75 and more


def test_the_files_are_small_enough_for_a_repository() -> None:
    assert sum(one.path.stat().st_size for one in list_bases()) <= 40e6

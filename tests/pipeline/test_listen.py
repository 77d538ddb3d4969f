"""The judge of speech: what it hears, and how that is compared."""

import numpy as np
import pytest

from pipeline.demo.espeak import EspeakVoice, open_espeak
from pipeline.listen import Listener, corpus_errors, said_words, word_errors, wrong_words

TEXT = "When the sun rose, and we came home."


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


@pytest.fixture(scope="module")
def speech() -> tuple[np.ndarray, int]:
    spoken = open_espeak().speak(TEXT, EspeakVoice(name="en-us+f3"))
    return spoken.samples.astype(np.float32) / 32768, spoken.sample_rate_hz


def test_speech_is_heard_far_better_than_noise(listener: Listener, speech: tuple[np.ndarray, int]) -> None:
    wave, rate = speech
    noise = np.random.default_rng(0).normal(0, 0.1, len(wave)).astype(np.float32)
    heard = word_errors(TEXT, listener.hear(wave, rate))
    assert heard.wer < 0.8
    assert word_errors(TEXT, listener.hear(noise, rate)).wer > max(0.9, heard.wer + 0.1)


def test_what_is_heard_depends_on_the_sound_alone(listener: Listener, speech: tuple[np.ndarray, int]) -> None:
    wave, rate = speech
    listener.hear(np.random.default_rng(1).normal(0, 0.1, rate).astype(np.float32), rate)
    first = listener.hear(wave, rate)
    assert listener.hear(wave, rate) == first
    assert Listener().hear((wave * 0.25).astype(np.float32), rate) == first


def test_silence_and_nothing_at_all_are_no_words(listener: Listener) -> None:
    assert listener.hear(np.zeros(0, np.float32), 22_050) == ""
    assert word_errors("one two", listener.hear(np.zeros(22_050, np.float32), 22_050)).word_edits >= 2


def test_numbers_case_and_punctuation_are_no_errors() -> None:
    assert (
        word_errors("At 6:45, Dr. Nguyen paid $5.01!", " ".join(said_words("At 6:45, Dr. Nguyen paid $5.01!"))).wer == 0
    )
    assert said_words("It's twenty-one, {N UH1} isn't it?") == ["it's", "twenty", "one", "isn't", "it"]


def test_errors_are_counted_against_the_reference_and_weighted_by_its_length() -> None:
    short, long = word_errors("one two", "one"), word_errors("a b c d e f", "a b x c d e f")
    assert (short.wer, long.word_edits, long.num_words) == (0.5, 1, 6)
    assert corpus_errors([short, long]).wer == pytest.approx(2 / 8)
    assert word_errors("abcd", "abxd").cer == pytest.approx(0.25)
    assert word_errors("one", "one two three").wer == pytest.approx(2.0)


def test_the_very_words_that_went_wrong_are_named() -> None:
    assert wrong_words("the red cat sat", "oh the bed cat") == [False, True, False, True]
    assert wrong_words("", "noise") == []

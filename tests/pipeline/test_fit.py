"""Caption words that are wrong, extra or missing, on real speech and with the real recogniser and aligner."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from pipeline.align import Aligner
from pipeline.records import Span, Utterance, Word
from pipeline.screen import ScreenOptions
from pipeline.transcribe.cut import CutOptions
from pipeline.transcribe.fit import Stretch, fit
from pipeline.transcribe.pocketsphinx import Recogniser
from pipeline.transcribe.repair import RepairOptions

LAKE = ("arctic_a0209", "it was not a large lake and almost round")
YARDS = ("arctic_a0031", "they were three hundred yards apart")


class Bench:
    """One aligner and one recogniser for all tests; a sentence is listened to once."""

    def __init__(self, voice: Path) -> None:
        self.voice = voice
        self.aligner, self.recogniser = Aligner(), Recogniser()

    def samples(self, identity: str) -> NDArray[np.int16]:
        wave, rate_hz = soundfile.read(self.voice / "wavs" / f"{identity}.ogg", dtype="float32")
        wave = soxr.resample(wave, rate_hz, 16_000)
        padded = np.concatenate([np.zeros(4_800), wave, np.zeros(4_800)])
        return (padded * 32_767 + np.random.default_rng(0).normal(0, 6, len(padded))).astype(np.int16)

    def fit(self, samples: NDArray[np.int16], written: str, folder: Path, *, mendable: bool = True) -> list[Utterance]:
        wav = folder / "talk.wav"
        soundfile.write(wav, samples, 16_000, subtype="PCM_16")
        words = tuple(Word(text=w, start_s=0.3 * k, end_s=0.3 * k + 0.3) for k, w in enumerate(written.split()))
        stretch = Stretch(
            wav_16k=wav, source="talk", spans=(Span(start_s=0.0, end_s=len(samples) / 16_000),), words=words,
            ends=(True,) * len(words), heard=self.recogniser.decode(samples), mendable=mendable, cut=CutOptions(),
            repair=RepairOptions(),
        )  # fmt: skip
        return fit(stretch, self.aligner)


@pytest.fixture(scope="module")
def bench(shared: Path) -> Bench:
    return Bench(shared / "data" / "arctic_bdl")


def text_of(utterances: list[Utterance]) -> str:
    return " ".join(u.text for u in utterances)


def doubt(utterances: list[Utterance]) -> float:
    return max(u.measures["disagreement"] for u in utterances)


@pytest.mark.parametrize(
    ("sentence", "caption"),
    [
        (LAKE, "it was not a um large lake and almost round"),
        (LAKE, "it was a large lake and almost round"),
        (LAKE, "it was not a large mistake and almost round"),
        (LAKE, "it was not a large blue lake and almost round"),
        (LAKE, "it was not a large large lake and almost round"),
        (YARDS, "they were five hundred yards apart"),
        (YARDS, "they were three yards apart"),
    ],
    ids=["an um", "a dropped not", "a wrong word", "an extra word", "a word twice", "a wrong number", "half a number"],
)
def test_a_caption_that_says_something_else_is_mended_or_doubted(
    bench: Bench, tmp_path: Path, sentence: tuple[str, str], caption: str
) -> None:
    found = bench.fit(bench.samples(sentence[0]), caption, tmp_path)
    assert text_of(found) == sentence[1] or doubt(found) > ScreenOptions().most_disagreement


@pytest.mark.parametrize(
    ("sentence", "caption"),
    [
        (LAKE, "It was not a large lake, and almost round."),
        (YARDS, "They were 300 yards apart."),
        (YARDS, "They were 300 yards a part."),
        (LAKE, "It wasn't a large lake, and almost round."),
    ],
    ids=["as written", "digits", "a word apart", "a contraction"],
)
def test_a_caption_that_says_the_same_otherwise_is_left_alone(
    bench: Bench, tmp_path: Path, sentence: tuple[str, str], caption: str
) -> None:
    found = bench.fit(bench.samples(sentence[0]), caption, tmp_path)
    assert text_of(found) == caption
    assert doubt(found) <= ScreenOptions().most_disagreement


@pytest.mark.parametrize(
    "caption",
    [
        "it was not a large mistake and almost round",
        "it was a large lake and almost round",
        "it was not a large lake almost round",
        "it was not a oil lake and twelve round",
    ],
    ids=["a wrong word", "a dropped not", "a dropped and", "two at once"],
)
def test_the_sound_mends_single_words(bench: Bench, tmp_path: Path, caption: str) -> None:
    found = bench.fit(bench.samples(LAKE[0]), caption, tmp_path)
    assert text_of(found) == LAKE[1]
    assert doubt(found) <= ScreenOptions().most_disagreement


def test_what_people_wrote_is_never_mended(bench: Bench, tmp_path: Path) -> None:
    caption = "it was not a large mistake and almost round"
    assert text_of(bench.fit(bench.samples(LAKE[0]), caption, tmp_path, mendable=False)) == caption


def test_a_stutter_that_the_caption_smooths_over_is_written_as_spoken_or_doubted(bench: Bench, tmp_path: Path) -> None:
    samples = bench.samples(LAKE[0])
    (whole,) = bench.fit(samples, LAKE[1], tmp_path)
    start, end = (round(at * 16_000) for at in (whole.words[0].start_s, whole.words[1].end_s))
    twice = np.concatenate([samples[:end], samples[start:]])  # it was it was not …
    found = bench.fit(twice, LAKE[1], tmp_path)
    assert text_of(found) == "it was " + LAKE[1] or doubt(found) > ScreenOptions().most_disagreement


def test_a_doubt_stays_with_the_words_it_is_about(bench: Bench, tmp_path: Path) -> None:
    lake, yards = bench.samples(LAKE[0]), bench.samples(YARDS[0])
    found = bench.fit(
        np.concatenate([lake, yards]), f"{LAKE[1]} they were seven thousand yards apart", tmp_path, mendable=False
    )
    doubts = {u.text: u.measures["disagreement"] for u in found}
    assert doubts.pop(LAKE[1]) < 30
    assert max(doubts.values()) > ScreenOptions().most_disagreement

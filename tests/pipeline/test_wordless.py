"""Recordings without words: which stretches are believed, and the corpus they become."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from dctts.corpora import has_texts, read_corpus
from dctts.errors import ManifestError
from pipeline.demo.espeak import EspeakVoice, open_espeak
from pipeline.listen import HeardWord, said_words, word_errors
from pipeline.wordless import StretchOptions, stretches, with_words

TEXT = "When the sun rose, we walked down to the water and came home in the evening."
OPTIONS = StretchOptions()
CREDULOUS = StretchOptions(least_posterior=0)
"""eSpeak is a robot, of whose words the recogniser is never sure."""


def heard(*words: tuple[str, float, float]) -> list[HeardWord]:
    """Words half a second long each: text, start in seconds, posterior."""
    return [HeardWord(text=text, start_s=at, end_s=at + 0.5, posterior=sure) for text, at, sure in words]


def test_a_doubtful_word_ends_a_stretch_and_belongs_to_none() -> None:
    words = heard(("the", 1, 0.9), ("red", 1.5, 0.9), ("cat", 2, 0.9), ("hat", 2.5, 0.1))
    words += heard(("sat", 3, 0.9), ("on", 3.5, 0.9), ("it", 4, 0.3))
    first, second = stretches(words, OPTIONS)
    assert (first.text, second.text) == ("the red cat", "sat on it")
    assert (first.start_s, first.end_s) == (0.95, 2.5)  # a little before it, but nothing of "hat"
    assert (second.start_s, second.end_s) == (3.0, 4.6)


def test_short_rows_are_no_clips() -> None:
    assert stretches(heard(("red", 0, 0.9), ("cat", 0.5, 0.9)), OPTIONS) == []
    brief = [HeardWord(text="a", start_s=k / 10, end_s=k / 10 + 0.1, posterior=0.9) for k in range(8)]
    assert stretches(brief, OPTIONS) == []
    assert stretches([], OPTIONS) == []


def test_a_pause_is_written_as_a_comma_and_a_long_one_ends_the_stretch() -> None:
    words = heard(("the", 0, 0.9), ("red", 0.7, 0.9), ("cat", 1.2, 0.9))
    assert stretches(words, OPTIONS)[0].text == "the, red cat"
    apart = words + heard(("that", 3, 0.9), ("sat", 3.5, 0.9), ("here", 4, 0.9))
    assert [one.text for one in stretches(apart, OPTIONS)] == ["the, red cat", "that sat here"]


@pytest.fixture
def talkers(tmp_path: Path) -> Path:
    """Ada, who says a sentence, and bob, of whom there is only noise."""
    spoken = open_espeak().speak(TEXT, EspeakVoice(name="en-us+f3"))
    (tmp_path / "talkers").mkdir()
    soundfile.write(tmp_path / "talkers" / "ada-1.flac", spoken.samples, spoken.sample_rate_hz)
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000)
    soundfile.write(tmp_path / "talkers" / "bob-1.flac", noise, 16_000)
    return tmp_path / "talkers"


def test_what_is_understood_becomes_a_corpus(talkers: Path, tmp_path: Path) -> None:
    assert not has_texts(talkers)
    made = with_words(talkers, tmp_path / "heard", CREDULOUS)
    assert has_texts(made)
    rows = read_corpus(made)
    assert {row.speaker for row in rows} <= {"ada", "bob"}
    ada = " ".join(row.text for row in rows if row.speaker == "ada")
    assert len(ada.split()) >= 3
    assert word_errors(TEXT, ada).wer < 0.9
    for row in rows:
        wave, rate = soundfile.read(row.wav)
        assert rate == 16_000
        assert 1.2 <= len(wave) / rate < 6


def test_recordings_are_heard_once_and_again_when_they_change(talkers: Path, tmp_path: Path) -> None:
    made = with_words(talkers, tmp_path / "heard", CREDULOUS)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in made.rglob("*") if path.is_file()}
    with_words(talkers, tmp_path / "heard", CREDULOUS)
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in made.rglob("*") if path.is_file()}
    wave, rate = soundfile.read(talkers / "ada-1.flac")
    soundfile.write(talkers / "ada-1.flac", wave[: len(wave) // 8], rate)
    soundfile.write(talkers / "cy-1.flac", wave, rate)
    rows = read_corpus(with_words(talkers, tmp_path / "heard", CREDULOUS))
    assert "ada" not in {row.speaker for row in rows}  # an eighth is no stretch
    assert "cy" in {row.speaker for row in rows}


def test_what_is_believed_of_real_speech_is_mostly_right(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "slt").mkdir()
    rows = read_corpus(shared / "data" / "arctic_slt")[60:68]
    for row in rows:
        (tmp_path / "slt" / f"slt-{row.id}.ogg").symlink_to(row.wav)
    made = read_corpus(with_words(tmp_path / "slt", tmp_path / "heard"))
    said = " ".join(" ".join(said_words(row.text)) for row in rows)
    words = [word for row in made for word in said_words(row.text)]
    assert len(words) > 0.4 * len(said.split())
    assert sum(word in said.split() for word in words) > 0.7 * len(words)


def test_where_nothing_is_understood_nothing_can_be_learnt(tmp_path: Path) -> None:
    (tmp_path / "hum").mkdir()
    soundfile.write(tmp_path / "hum" / "bob-1.wav", np.zeros(16_000), 16_000)
    with pytest.raises(ManifestError, match="nothing is understood"):
        with_words(tmp_path / "hum", tmp_path / "heard")

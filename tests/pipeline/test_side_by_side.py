import base64
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from dctts.config import AudioConfig
from dctts.corpus import Example
from dctts.lexicon import Lexicon
from dctts.voice import load_voice
from pipeline.bases import Base
from pipeline.compare_voices import LONGEST, MOST_SENTENCES, Clips, compare_voices, sentences
from pipeline.listen import Listener
from pipeline.records import Recording
from pipeline.reference import Judges
from pipeline.report import write_report
from pipeline.side_by_side import KINDS, Sentence, SideBySide, Take, read_side_by_side, write_side_by_side
from pipeline.training_note import read_training
from tests.conftest import buzz

RATE = 22_050
LOW = np.concatenate([np.full(128, 128**-0.5), np.zeros(128)]).astype(np.float32)


def made(secs: float = 0.5, text: str = "Hello <b>there</b>.") -> SideBySide:
    takes = tuple(
        Take(kind=kind, secs=secs + 0.1 * k, cer=0.2 * k, sound=b"sound" + bytes([k])) for k, kind in enumerate(KINDS)
    )
    return SideBySide(reference_s=4.9, minutes=10.6, sentences=(Sentence(text=text, takes=takes),))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_side_by_side(tmp_path, made(), "abc")
    assert read_side_by_side(tmp_path, "abc") == read_side_by_side(tmp_path) == made()
    assert read_side_by_side(tmp_path, "other") is None
    assert made().mean("fine-tuned") == pytest.approx((0.7, 0.4))


@pytest.mark.parametrize("name", ["../../secret.mp3", "/etc/passwd", "01-real.wav", "01-missing.mp3", "02-large.mp3"])
def test_a_sound_that_lies_elsewhere_is_not_read(name: str, tmp_path: Path) -> None:
    write_side_by_side(tmp_path, made(), "abc")
    (tmp_path.parent / "secret.mp3").write_bytes(b"secret")
    (tmp_path / "side-by-side" / "02-large.mp3").write_bytes(bytes(1_000_000))
    text = (tmp_path / "side-by-side.json").read_text()
    (tmp_path / "side-by-side.json").write_text(text.replace("01-real.mp3", name))
    assert read_side_by_side(tmp_path) is None


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "key": "", "each": 3}'])
def test_what_cannot_be_read_is_no_error(broken: str, tmp_path: Path) -> None:
    assert read_side_by_side(tmp_path) is None
    (tmp_path / "side-by-side.json").write_text(broken)
    assert read_side_by_side(tmp_path) is None


def test_the_report_plays_all_three_beside_their_figures(tmp_path: Path) -> None:
    recording = Recording(
        id="talk", folder=tmp_path, audio=tmp_path, audio_sha256="", captions=None, captions_kind="none", language="en",
        url="", title="", channel="", licence="", uploaded="", duration_s=60.0,
    )  # fmt: skip
    path, run = tmp_path / "report.html", tmp_path / "runs" / "2"

    def write() -> bool:
        return write_report(
            path, [], {"talk": recording}, decoded=lambda _: path, name="ada", training=read_training(run)
        )

    write_side_by_side(run, made(), "abc")
    assert write()
    page = path.read_text(encoding="utf-8")
    sounds = re.findall(r'aria-label="play ([\w-]+): Hello &lt;b&gt;there&lt;/b&gt;\." data-sound="(.*?)"', page)
    assert [kind for kind, _ in sounds] == list(KINDS)
    assert [base64.b64decode(sound.partition(",")[2]) for _, sound in sounds] == [b"sound\0", b"sound\1", b"sound\2"]
    assert "SECS 0.60 · CER 20 %" in page
    assert "the best 5 seconds" in page
    assert "10.6 minutes" in page
    assert not write()
    write_side_by_side(run, made(secs=0.4), "abc")
    assert write()


class Hears(Listener):
    """Hears the first text in anything."""

    def __init__(self) -> None:
        pass

    def hear(self, wave: NDArray[np.float32], sample_rate_hz: int) -> str:
        return "held out"


class Knows:
    """Tells a buzz from babble: the person, and anybody else."""

    def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[NDArray[np.float32] | None]:
        return [one.mean for one in self.embed_windows(wavs, sample_rate_hz)]

    def embed_windows(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list["Knows.Windows"]:
        return [Knows.Windows(wave) for wave in wavs]

    class Windows:
        def __init__(self, wave: NDArray[np.float32]) -> None:
            spectrum = np.abs(np.fft.rfft(wave))
            hertz = np.fft.rfftfreq(len(wave), 1 / RATE)
            is_buzz = spectrum[np.abs(hertz - 120) < 5].sum() > 0.05 * spectrum.sum()
            self.vectors = (LOW if is_buzz else LOW[::-1].copy())[None]
            self.start_s = np.zeros(1)

        @property
        def mean(self) -> NDArray[np.float32]:
            vector: NDArray[np.float32] = self.vectors[0]
            return vector


def clip(identity: str, text: str = "Held out.", seconds: float = 3.0) -> Example:
    return Example(
        id=identity,
        speaker="ada",
        text=text,
        wave=torch.from_numpy((buzz(seconds) * 32767).astype(np.int16)),
        mel=torch.zeros(round(seconds * RATE / 256), 80).half(),
        voice=torch.from_numpy(LOW),
        phone_times=torch.zeros(0, 3),
    )


@pytest.fixture
def judges() -> Judges:
    return Judges(encoder=Knows(), hearing=Hears(), lexicon=Lexicon(), audio=AudioConfig())


def test_all_three_say_the_held_out_texts_and_are_judged_alike(tiny_base_file: Path, judges: Judges) -> None:
    base = load_voice(tiny_base_file)
    voice = replace(base, speakers={})  # as ada
    clips = Clips(trained=[clip(f"{n}") for n in range(4)], held_out=[clip("a"), clip("b", "Unlike.")])
    found = compare_voices(voice, base, Base(name="base", path=tiny_base_file), clips, judges)
    assert found is not None
    assert [sentence.text for sentence in found.sentences] == [example.text for example in clips.held_out]
    assert found.minutes == pytest.approx(0.2, abs=0.01)
    assert 3.0 < found.reference_s <= 5.0
    for sentence, cer in zip(found.sentences, (0.0, 1.0), strict=True):
        assert tuple(take.kind for take in sentence.takes) == KINDS
        real, told, tuned = sentence.takes
        assert real.secs == pytest.approx(1)
        assert (real.cer > 0.5) == (cer > 0.5)
        assert told.secs == tuned.secs == pytest.approx(0)  # babble
        assert soundfile.info(io.BytesIO(real.sound)).duration == pytest.approx(2.75, abs=0.1)  # its tail is cut off
        assert told.sound != tuned.sound


def test_without_held_out_clips_nothing_is_compared(tiny_base_file: Path, judges: Judges) -> None:
    base = load_voice(tiny_base_file)
    clips = Clips(trained=[clip("a")], held_out=[clip("b", "x" * (LONGEST + 1))])
    assert compare_voices(base, base, Base(name="base", path=tiny_base_file), clips, judges) is None


def test_few_sentences_are_taken_from_all_of_the_recording() -> None:
    held_out = [clip(str(number), seconds=0.1) for number in range(12)]
    assert [example.id for example in sentences(held_out)] == ["0", "2", "4", "7", "9"]
    assert len(sentences(held_out)) == MOST_SENTENCES
    assert json.dumps([example.id for example in sentences(held_out[:2])]) == '["0", "1"]'

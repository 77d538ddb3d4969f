"""Clips of people who do not exist: the base that ships says them."""

import logging
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dctts.config import AudioConfig
from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.errors import AudioError
from dctts.lexicon import open_lexicon
from dctts.shipped import shipped
from dctts.synthesize import SpeakOptions, speak_each
from dctts.voice import as_speaker, load_voice
from pipeline.errors import FetchError
from pipeline.ffmpeg import find_ffmpeg
from pipeline.listen import Listener
from pipeline.reference import Judges, read_references
from tests.conftest import silence

Wave = NDArray[np.float32]
RATE = 22_050
TEXTS = ("It is easy to tell the depth of a well, and glue the sheet to it.", "Rice is often served in round bowls.")


class Hears(Listener):
    """Hears ten words in anything."""

    def __init__(self) -> None:
        pass

    def hear(self, wave: Wave, sample_rate_hz: int) -> str:
        return "one two three four five six seven eight nine ten"


@pytest.fixture(scope="module")
def judges() -> Judges:
    return Judges(encoder=SpeakerEncoder(), hearing=Hears(), lexicon=open_lexicon(), audio=AudioConfig())


@pytest.fixture(scope="module")
def people() -> dict[str, Wave]:
    """Two of the base's readers, some six seconds each."""
    base, lexicon, options = load_voice(shipped("base") / "base.safetensors"), open_lexicon(), SpeakOptions(attempts=1)
    gap = silence(0.15)
    return {
        name: np.concatenate(
            [
                part
                for one in speak_each(TEXTS, as_speaker(base, name), lexicon, options=options)
                for part in (one.wave, gap)
            ]
        )
        for name in ("kathleen", "ljspeech")
    }


@pytest.fixture
def clip(tmp_path: Path) -> Iterator[Path]:
    """A place for a clip, beside which nothing is left."""
    yield tmp_path / "clip.wav"
    assert not list(tmp_path.glob("**/*.part*"))


def write(path: Path, wave: Wave) -> str:
    soundfile.write(path, wave, RATE)
    return str(path)


def test_a_clip_tells_vector_pitch_pace_and_spectrum(clip: Path, people: dict[str, Wave], judges: Judges) -> None:
    heard = read_references([write(clip, people["kathleen"])], judges, sources=clip.parent / "references")
    vectors = {name: judges.encoder.embed_windows([wave], RATE)[0] for name, wave in people.items()}
    own, other = vectors["kathleen"], vectors["ljspeech"]
    assert own is not None
    assert other is not None
    assert heard.vector.norm().item() == pytest.approx(1, abs=1e-5)
    assert float(heard.vector.numpy() @ own.mean) > 0.95 > float(heard.vector.numpy() @ other.mean)
    assert heard.traits.pitch_hz is not None
    assert 120 < heard.traits.pitch_hz < 240
    assert heard.traits.symbols_per_frame is not None
    assert 0.2 < heard.traits.symbols_per_frame < 0.6  # ten short words in five seconds
    assert heard.traits.mean_frame is not None
    assert len(heard.traits.mean_frame) == 80
    assert 3.5 < heard.speech_s <= 5.1
    assert not (clip.parent / "references").exists()  # a file of this machine is read where it lies


def test_several_clips_count_the_same_and_strangers_among_them_are_told_of(
    tmp_path: Path, people: dict[str, Wave], judges: Judges, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (write(tmp_path / f"{name}.wav", wave) for name, wave in people.items())

    def vector(*given: str) -> NDArray[np.float32]:
        return np.asarray(read_references(given, judges, sources=tmp_path / "none").vector.numpy())

    one, other = vector(first), vector(second)
    assert "is it the same person?" not in caplog.text
    both = vector(first, second)
    assert "ljspeech.wav does not sound like the other references" in caplog.text
    np.testing.assert_allclose(both, (one + other) / np.linalg.norm(one + other), atol=1e-6)
    caplog.clear()
    write(tmp_path / "ljspeech.wav", people["kathleen"][RATE:])
    vector(first, second)
    assert "is it the same person?" not in caplog.text


@pytest.mark.parametrize(("seconds", "said"), [(0.0, "nobody speaks in"), (0.4, "only 0.")])
def test_silence_and_too_little_speech_are_refused_in_two_lines(
    seconds: float, said: str, clip: Path, people: dict[str, Wave], judges: Judges
) -> None:
    speech = people["kathleen"][round(0.3 * RATE) :][: round(seconds * RATE)]
    with pytest.raises(AudioError, match=said) as refused:
        read_references(
            [write(clip, np.concatenate([silence(2.0), speech, silence(2.0)]))], judges, sources=clip.parent
        )
    assert "needs at least 1 s" in refused.value.message
    assert "five seconds" in str(refused.value.hint)


def test_noise_is_told_of(
    clip: Path, people: dict[str, Wave], judges: Judges, caplog: pytest.LogCaptureFixture
) -> None:
    read_references([write(clip, people["kathleen"])], judges, sources=clip.parent)
    assert "noisy" not in caplog.text
    rough = people["kathleen"] + np.random.default_rng(0).normal(0, 0.03, len(people["kathleen"])).astype(np.float32)
    read_references([write(clip, rough)], judges, sources=clip.parent)
    assert "clip.wav: noisy, speech stands" in caplog.text


def test_a_second_voice_is_told_of_and_the_one_who_speaks_more_is_taken(
    clip: Path, people: dict[str, Wave], judges: Judges, caplog: pytest.LogCaptureFixture
) -> None:
    high = people["ljspeech"]
    low = np.interp(np.arange(0, len(high), 0.62), np.arange(len(high)), high).astype(np.float32)  # a deep, slow voice
    write(clip, np.concatenate([low, low, people["kathleen"]]))
    heard = read_references([str(clip)], judges, sources=clip.parent)
    assert "two voices seem to speak" in caplog.text
    vectors = [one.mean for one in judges.encoder.embed_windows([low, people["kathleen"]], RATE) if one is not None]
    ours, theirs = (float(heard.vector.numpy() @ vector) for vector in vectors)
    assert ours > theirs + 0.2


def test_of_a_long_recording_the_best_five_seconds_are_found(
    clip: Path, people: dict[str, Wave], judges: Judges, caplog: pytest.LogCaptureFixture
) -> None:
    wave = people["kathleen"]
    rough = wave + np.random.default_rng(0).normal(0, 0.02, len(wave)).astype(np.float32)
    with caplog.at_level(logging.INFO):
        read_references([write(clip, np.concatenate([rough, rough, wave, rough]))], judges, sources=clip.parent)
    start_s = float(caplog.text.partition("taken at ")[2].partition("-")[0])
    assert 2 * len(wave) / RATE - 1 <= start_s <= 3 * len(wave) / RATE - 2.5
    assert "noisy" not in caplog.text


def test_a_stretch_of_a_video_is_taken(
    tmp_path: Path, people: dict[str, Wave], judges: Judges, caplog: pytest.LogCaptureFixture
) -> None:
    wav, video = tmp_path / "a.wav", tmp_path / "talk#1.mkv"
    write(wav, np.concatenate([silence(3.0), people["kathleen"]]))
    command = [str(find_ffmpeg()), "-loglevel", "error", "-f", "lavfi", "-i", "color=black:s=64x64:r=5", "-i", str(wav)]
    subprocess.run([*command, "-shortest", "-c:v", "mpeg4", "-c:a", "flac", f"file:{video}"], check=True)
    heard = read_references([f"{video}#t=3,6.5"], judges, sources=tmp_path / "none")
    assert 2 < heard.speech_s <= 3.6
    with pytest.raises(AudioError, match="nobody speaks"):
        read_references([f"{video}#t=0,2.5"], judges, sources=tmp_path / "none")
    with pytest.raises(FetchError, match=r"begins at 99 s, and the recording ends at"):
        read_references([f"{video}#t=99"], judges, sources=tmp_path / "none")


def test_an_address_is_fetched_once_without_captions_and_its_stretch_is_taken(
    tmp_path: Path, people: dict[str, Wave], judges: Judges
) -> None:
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    served = tmp_path / "site"
    served.mkdir()
    write(served / "talk.wav", np.concatenate([silence(2.0), people["kathleen"]]))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(served))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/talk.wav"
        try:
            first = read_references([f"{url}#t=2,6"], judges, sources=tmp_path / "kept")
            count = len(asked)
            again = read_references([f"{url}#t=2,5"], judges, sources=tmp_path / "kept")
        finally:
            server.shutdown()
            thread.join()
    assert len(asked) == count > 0
    assert first.speech_s > again.speech_s > 2
    assert len(list((tmp_path / "kept").glob("*/source.json"))) == 1


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("nowhere.wav", FetchError, "no such file: nowhere.wav"),
        ("nowhere.wav#t=1,5", FetchError, "no such file: nowhere.wav"),
        (".", FetchError, "is a folder"),
        ("ftp://host/clip.wav", FetchError, "not a web address"),
        (f"https://{'x' * 300}.invalid/a#t=5,x", FetchError, "not a time: 'x'"),
    ],
)
def test_what_is_no_clip_is_refused(
    given: str, error: type[Exception], said: str, tmp_path: Path, judges: Judges
) -> None:
    with pytest.raises(error, match=said):
        read_references([given], judges, sources=tmp_path)


def test_a_text_file_is_no_clip(clip: Path, judges: Judges) -> None:
    clip.write_text("not sound")
    with pytest.raises(AudioError, match="cannot read"):
        read_references([str(clip)], judges, sources=clip.parent)


def test_a_name_with_a_time_in_it_is_a_name(tmp_path: Path, people: dict[str, Wave], judges: Judges) -> None:
    write(tmp_path / "a.wav", people["kathleen"])
    shutil.move(tmp_path / "a.wav", tmp_path / "take#t=2,1.wav")
    assert read_references([str(tmp_path / "take#t=2,1.wav")], judges, sources=tmp_path).speech_s > 3

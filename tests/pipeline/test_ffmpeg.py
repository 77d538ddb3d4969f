import os
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from dctts.errors import AudioError
from dctts.progress import Bar
from pipeline import ffmpeg


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Three seconds of 440 Hz, stereo, 44,100 Hz."""
    path = tmp_path / "tone.wav"
    samples = (0.5 * 32767 * np.sin(2 * np.pi * 440 * np.arange(3 * 44_100) / 44_100)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(np.repeat(samples, 2).tobytes())
    return path


def encode(source: Path, target: Path, *options: str) -> Path:
    command = [str(ffmpeg.find_ffmpeg()), "-v", "error", "-i", str(source), *options, str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


class Recorder:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.total: float | None = None
        self.amount = 0.0

    @contextmanager
    def bar(self, label: str, total: float | None = None) -> Iterator[Bar]:
        self.total = total
        yield self

    def advance(self, amount: float = 1, note: str = "") -> None:
        self.amount += amount


def read(path: Path) -> tuple[int, int, np.ndarray]:
    with wave.open(str(path)) as file:
        return file.getnchannels(), file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_decoding_gives_mono_16_bit_at_the_rate_asked_for(tone: Path, tmp_path: Path) -> None:
    progress = Recorder()
    ffmpeg.decode(encode(tone, tmp_path / "tone.m4a"), tmp_path / "out.wav", sample_rate_hz=16_000, progress=progress)
    channels, rate_hz, samples = read(tmp_path / "out.wav")
    assert (channels, rate_hz) == (1, 16_000)
    assert len(samples) == pytest.approx(48_000, abs=2048)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * rate_hz / len(samples) == pytest.approx(440, abs=1)
    assert progress.total == pytest.approx(3, abs=0.1)
    assert progress.amount == pytest.approx(3, abs=0.2)


def test_decoding_twice_gives_the_same_bytes(tone: Path, tmp_path: Path) -> None:
    source = encode(tone, tmp_path / "tone.webm", "-metadata", "title=A title")
    for name in ("a.wav", "b.wav"):
        ffmpeg.decode(source, tmp_path / name, sample_rate_hz=22_050)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert b"title" not in (tmp_path / "a.wav").read_bytes()[:512]


def test_a_title_that_looks_like_a_duration_does_not_count(tone: Path, tmp_path: Path) -> None:
    source = encode(tone, tmp_path / "tone.mp3", "-metadata", "title=x\n  Duration: 99:00:00.00, start")
    assert ffmpeg.duration_s(source) == pytest.approx(3, abs=0.1)


def test_a_container_without_a_duration_is_counted(tone: Path, tmp_path: Path) -> None:
    whole = encode(tone, tmp_path / "tone.flac").read_bytes()
    streamed = tmp_path / "piped.mka"
    command = [str(ffmpeg.find_ffmpeg()), "-v", "error", "-i", str(tmp_path / "tone.flac"), "-f", "matroska", "-"]
    streamed.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    assert whole
    assert ffmpeg.duration_s(streamed) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("content", [b"", b"just some text\n" * 50, b"\x00" * 4096, b"RIFF\x00\x00\x00\x00WAVEfmt "])
def test_what_is_not_audio_is_one_clear_error_and_leaves_nothing(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "talk.mp4"
    source.write_bytes(content)
    with pytest.raises(AudioError, match=r"cannot read .*talk\.mp4 as audio: \w+"):
        ffmpeg.decode(source, tmp_path / "out.wav", sample_rate_hz=16_000)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.mp4"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"no such file: .*nowhere"):
        ffmpeg.duration_s(tmp_path / "nowhere.wav")


def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    source = tmp_path / "silent.mp4"
    command = [str(ffmpeg.find_ffmpeg()), "-v", "error", "-f", "lavfi", "-i", "color=s=32x32:d=0.2", str(source)]
    subprocess.run(command, check=True)
    with pytest.raises(AudioError, match="it has no audio stream"):
        ffmpeg.duration_s(source)


@pytest.mark.parametrize(
    "script", ["#EXTM3U\n#EXTINF:3,\n{tone}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile '{tone}'\n"]
)
def test_a_playlist_cannot_make_ffmpeg_open_other_files(script: str, tone: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "talk.mp4"
    hostile.write_text(script.format(tone=tone.name))
    with pytest.raises(AudioError):
        ffmpeg.decode(hostile, tmp_path / "out.wav", sample_rate_hz=16_000)


def test_a_file_name_that_looks_like_an_option_or_protocol_is_a_name(
    tone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-y.wav", "concat:a.wav"):
        shutil.copy(tone, tmp_path / name)
        assert ffmpeg.duration_s(Path(name)) == pytest.approx(3, abs=0.1)


def test_stopping_in_the_middle_kills_ffmpeg_and_leaves_nothing(tone: Path, tmp_path: Path) -> None:
    class Interrupting(Recorder):
        def advance(self, amount: float = 1, note: str = "") -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ffmpeg.decode(tone, tmp_path / "out.wav", sample_rate_hz=16_000, progress=Interrupting())
    assert [path.name for path in tmp_path.iterdir()] == ["tone.wav"]


def test_ffmpeg_comes_from_path_first_and_from_the_wheel_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    wheel = ffmpeg.find_ffmpeg()
    assert wheel.is_file()
    if sys.platform != "win32":
        mine = tmp_path / "ffmpeg"
        mine.write_text("#!/bin/sh\n")
        mine.chmod(0o755)
        assert ffmpeg.find_ffmpeg() == mine
        assert os.access(wheel, os.X_OK)

from collections.abc import Sequence
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dctts.config import AudioConfig
from dctts.corpus import Example, waveform_to_mel
from dctts.new_speakers import disguises_of, is_disguised, new_speakers


class Counting:
    """Stands in for the speaker encoder."""

    def __init__(self) -> None:
        self.heard = 0

    def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[NDArray[np.float32] | None]:
        self.heard += len(wavs)
        return [np.full(256, 1 / 16, np.float32) for _ in wavs]


def buzz(identity: str, speaker: str = "ada") -> Example:
    time_s = np.arange(22_016) / 22_050
    wave = sum(0.1 * np.sin(2 * np.pi * 200 * n * time_s) / n for n in range(1, 20))
    samples = torch.from_numpy((np.asarray(wave) * 32767).round().astype(np.int16))
    return Example(
        id=identity,
        speaker=speaker,
        text="hello",
        wave=samples,
        mel=waveform_to_mel(samples.float() / 32768, AudioConfig()).half(),
        voice=torch.ones(256) / 16,
        phone_times=torch.tensor([[0, 0.1, 0.4]]),
    )


def test_disguises_reach_from_low_to_high_and_differ_between_readers() -> None:
    ada, bob = disguises_of("ada", 5), disguises_of("bob", 5)
    assert [one.formants for one in ada] == sorted(one.formants for one in ada)
    for one in (*ada, *bob):
        assert 0.78 < one.formants < 1.14
        assert 85 < one.pitch_hz < 290
    assert {one.formants for one in ada}.isdisjoint(one.formants for one in bob)
    assert ada == disguises_of("ada", 5)


def test_every_clip_is_said_once_more_by_somebody_with_another_pitch(tmp_path: Path) -> None:
    examples = [buzz(f"ada-{n}") for n in range(6)]
    encoder = Counting()
    made = new_speakers(examples, 3, AudioConfig(), lambda: encoder, cache=tmp_path / "new.safetensors")
    assert [row.id for row in made] == [row.id for row in examples]
    assert {row.speaker for row in made} <= {"ada~1", "ada~2", "ada~3"}
    assert len({row.speaker for row in made}) > 1
    assert all(is_disguised(row.speaker) for row in made)
    assert not is_disguised("ada")
    disguises = disguises_of("ada", 3)
    for row, plain in zip(made, examples, strict=True):
        assert row.wave.shape == plain.wave.shape
        assert row.mel.shape == plain.mel.shape
        assert row.phone_times is plain.phone_times
        pitch_hz, voiced, _ = librosa.pyin(row.wave.numpy() / 32768, fmin=60, fmax=400, sr=22_050)
        wanted_hz = disguises[int(row.speaker[-1]) - 1].pitch_hz
        assert np.median(pitch_hz[voiced]) == pytest.approx(wanted_hz, rel=0.04)


def test_what_was_disguised_once_is_read_back(tmp_path: Path) -> None:
    examples, encoder, cache = [buzz(f"ada-{n}") for n in range(3)], Counting(), tmp_path / "new.safetensors"
    first = new_speakers(examples, 2, AudioConfig(), lambda: encoder, cache=cache)
    again = new_speakers(examples, 2, AudioConfig(), lambda: encoder, cache=cache)
    assert encoder.heard == 3
    assert all(torch.equal(one.wave, other.wave) for one, other in zip(first, again, strict=True))
    new_speakers(examples[:2], 2, AudioConfig(), lambda: encoder, cache=cache)
    assert encoder.heard == 5

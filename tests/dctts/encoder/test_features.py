from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from dctts.encoder import features
from dctts.encoder.clips import SpeakerClip, read_speaker_clips
from dctts.encoder.features import prepare_speakers
from dctts.errors import AudioError
from tests.dctts.people import write_people


def test_each_speed_makes_somebody_new_of_everybody(tmp_path: Path) -> None:
    clips = read_speaker_clips(write_people(tmp_path / "people", count=2))
    speakers = prepare_speakers(clips, (1.0, 1.25), cache=tmp_path / "cache.safetensors")
    assert [(one.name, one.source, one.speed) for one in speakers] == [
        ("person00@1", "person00", 1.0),
        ("person01@1", "person01", 1.0),
        ("person00@1.25", "person00", 1.25),
        ("person01@1.25", "person01", 1.25),
    ]
    slow, fast = speakers[0].clips[0], speakers[2].clips[0]
    assert slow.shape[1] == 40
    assert len(slow) == pytest.approx(1.25 * len(fast), rel=0.1)

    def centre(mel: torch.Tensor) -> float:
        power = mel.float().exp().mean(dim=0)
        return float((power * torch.arange(40)).sum() / power.sum())

    assert centre(fast) > centre(slow) + 0.5, "faster is higher"


def test_frames_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = read_speaker_clips(write_people(tmp_path / "people", count=2))
    first = prepare_speakers(clips, (1.0,), cache=tmp_path / "cache.safetensors")
    monkeypatch.setattr(features, "load_wav", None)
    again = prepare_speakers(clips, (1.0,), cache=tmp_path / "cache.safetensors")
    assert all(torch.equal(a.clips[0], b.clips[0]) for a, b in zip(first, again, strict=True))
    with pytest.raises(TypeError):  # other speeds are other frames
        prepare_speakers(clips, (0.9,), cache=tmp_path / "cache.safetensors")


def test_no_more_of_a_speaker_is_read_than_two_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = read_speaker_clips(write_people(tmp_path / "people", count=1))
    monkeypatch.setattr(features, "MOST_FRAMES", 200)
    (speaker,) = prepare_speakers(clips, (1.0,), cache=tmp_path / "cache.safetensors")
    assert len(speaker.clips) == 1


def test_who_says_too_little_is_left_out_and_nobody_at_all_is_refused(tmp_path: Path) -> None:
    clips = read_speaker_clips(write_people(tmp_path / "people", count=1))
    soundfile.write(tmp_path / "short.wav", np.zeros(800, np.float32), 16_000)
    short = SpeakerClip(speaker="short", path=tmp_path / "short.wav")
    found = prepare_speakers([*clips, short], (1.0,), cache=tmp_path / "cache.safetensors")
    assert [one.source for one in found] == ["person00"]
    with pytest.raises(AudioError, match="no speech"):
        prepare_speakers([short], (1.0,), cache=tmp_path / "other.safetensors")
    (tmp_path / "broken.wav").write_bytes(b"RIFF and no more")
    broken = SpeakerClip(speaker="broken", path=tmp_path / "broken.wav")
    with pytest.raises(AudioError, match="broken"):
        prepare_speakers([broken], (1.0,), cache=tmp_path / "other.safetensors")

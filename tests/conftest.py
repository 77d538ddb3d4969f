"""What many tests need: synthetic sounds, a tiny dataset, and the real material beside the project if it is there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dctts.atomic import write_text
from dctts.manifest import write_metadata

if TYPE_CHECKING:
    from dctts.voice import Voice

ROOT = Path(__file__).parents[1]
Wave = NDArray[np.float32]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings beside the project (or CLONE_PIPELINE_SHARED); the test is skipped without it."""
    candidates = [Path(os.environ.get("CLONE_PIPELINE_SHARED") or ROOT.parent / "shared"), ROOT.parents[1] / "shared"]
    for folder in candidates:
        if (folder / "data" / "ljspeech").is_dir():
            return folder
    pytest.skip(f"no recordings at {candidates[0]} (set CLONE_PIPELINE_SHARED)")


@pytest.fixture(autouse=True)
def bases(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder where base voices are looked for, so that no test depends on what ships."""
    folder = tmp_path_factory.mktemp("bases")
    monkeypatch.setenv("CLONE_PIPELINE_BASES", str(folder))
    return folder


def tone(duration_s: float, frequency_hz: float = 220.0, sample_rate_hz: int = 22_050, level: float = 0.3) -> Wave:
    """A steady sine, float32[samples]."""
    time_s = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    return (level * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def buzz(duration_s: float, pitch_hz: float = 120.0, sample_rate_hz: int = 22_050, seed: int = 0) -> Wave:
    """A voice-like sound: harmonics of a pitch, swelling like syllables; a voice detector takes it for speech."""
    time_s = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    chance = np.random.default_rng(seed)
    sound = sum(np.sin(2 * np.pi * pitch_hz * n * time_s + chance.uniform(0, 6.3)) / n for n in range(1, 25))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time_s)
    return np.asarray(0.12 * sound * syllables, dtype=np.float32)


def silence(duration_s: float, sample_rate_hz: int = 22_050) -> Wave:
    """Digital silence, float32[samples]."""
    return np.zeros(round(duration_s * sample_rate_hz), dtype=np.float32)


def write_tiny_dataset(folder: Path) -> Path:
    """Eight clips in LJSpeech layout, six to train on and two held out, each a buzz as long as its text."""
    texts = [
        f"this is sentence number {word}" for word in ("one", "two", "three", "four", "five", "six", "seven", "ten")
    ]
    rows = [(f"tiny-{number:03d}", text, text) for number, text in enumerate(texts)]
    (folder / "wavs").mkdir(parents=True)
    for number, (identity, text, _) in enumerate(rows):
        sound = buzz(0.06 * len(text), pitch_hz=100 + 10 * number, seed=number)
        soundfile.write(folder / "wavs" / f"{identity}.wav", sound, 22_050, subtype="PCM_16")
    write_metadata(folder, rows)
    write_text(folder / "train.txt", "".join(f"{identity}\n" for identity, _, _ in rows[:6]))
    write_text(folder / "val.txt", "".join(f"{identity}\n" for identity, _, _ in rows[6:]))
    return folder


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> Path:
    """Give a dataset of eight clips that a test may change."""
    return write_tiny_dataset(tmp_path / "tiny")


@pytest.fixture(scope="session")
def tiny_dataset_in() -> Callable[[Path], Path]:
    """Give what writes that dataset into a folder, for tests that share one."""
    return write_tiny_dataset


@pytest.fixture(scope="session")
def tiny_voice_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give `voices/tiny/voice.safetensors` of the smallest networks, untrained: it babbles."""
    import torch

    from dctts.config import AudioConfig, ssrn_config, text2mel_config
    from dctts.ssrn import SSRN
    from dctts.text2mel import Text2Mel
    from dctts.vocabulary import VOCABULARY
    from dctts.voice import Voice, save_voice

    torch.manual_seed(0)
    voice = Voice(
        text2mel=Text2Mel(text2mel_config("tiny", len(VOCABULARY))),
        ssrn=SSRN(ssrn_config("tiny")),
        audio=AudioConfig(),
        speaker=torch.full((256,), 1 / 16),
        symbols_per_frame=0.75,
        card={"name": "tiny"},
    )
    path = tmp_path_factory.mktemp("voices") / "tiny" / "voice.safetensors"
    save_voice(voice, path)
    return path


@pytest.fixture(scope="session")
def tiny_base_file(tiny_voice_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give `base.safetensors`, the same networks as a base of two speakers, ada (whose voice it is) and bob."""
    from dataclasses import replace

    import torch

    from dctts.voice import SpeakerTraits, load_voice, save_voice

    voice = load_voice(tiny_voice_file)
    with torch.no_grad():  # what listens to the speaker starts at zero: untrained, all would sound the same
        for name, parameter in voice.text2mel.named_parameters():
            if "film" in name:
                parameter.normal_(std=0.1)
    low = torch.cat([torch.full((128,), 128**-0.5), torch.zeros(128)])
    base = replace(
        voice,
        speakers={"ada": voice.speaker, "bob": low},
        traits={
            "ada": SpeakerTraits(pitch_hz=200.0, symbols_per_frame=0.75),
            "bob": SpeakerTraits(pitch_hz=100.0, symbols_per_frame=0.5),
        },
        card={
            "licences": {"ada": "CC0 1.0", "bob": "CC BY 4.0"},
            "clips": 300,
            "minutes": 20.0,
            "speakers": {"ada": {"clips": 200, "minutes": 15.0}, "bob": {"clips": 100, "minutes": 5.0}},
            "steps": 1000,
        },
    )
    path = tmp_path_factory.mktemp("base") / "base.safetensors"
    save_voice(base, path)
    return path


@pytest.fixture(scope="session")
def tiny_voice(tiny_voice_file: Path) -> "Voice":
    """Give the voice in `tiny_voice_file`, loaded."""
    from dctts.voice import load_voice

    return load_voice(tiny_voice_file)

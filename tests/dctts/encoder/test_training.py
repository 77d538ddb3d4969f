import json
import math
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dctts.config import EncoderConfig
from dctts.encoder import task
from dctts.encoder.features import Speaker
from dctts.encoder.ge2e import ge2e_loss
from dctts.encoder.own import OwnEncoder, read_encoder
from dctts.encoder.training import EncoderOptions, split_speakers, train_encoder
from dctts.errors import ManifestError, TrainingError
from dctts.train import Interrupted
from tests.dctts.people import RATE_HZ, say, write_people

OPTIONS = EncoderOptions(
    config=EncoderConfig(channels=24, dilations=(1, 2), pooled=32, attention=8, dimensions=16),
    steps=30,
    speakers=6,
    utterances=3,
    speeds=(1.0, 1.2),
    hold_out="0[27]$",
    hold_out_percent=0,
    validate_every=10,
)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("corpus") / "people")


@pytest.fixture(scope="module")
def trained(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a finished run."""
    folder = tmp_path_factory.mktemp("run")
    train_encoder([people], folder, OPTIONS, licences={"people": "CC0"}, command="clone-pipeline train-encoder people")
    return folder


def rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def test_the_loss_falls_and_people_never_heard_are_told_apart(people: Path, tmp_path: Path) -> None:
    train_encoder([people], tmp_path, replace(OPTIONS, steps=50, validate_every=50))
    (loss,) = [row["loss"] for row in rows(tmp_path) if "loss" in row]
    assert loss < 0.6 * math.log(OPTIONS.speakers), "well below chance"
    assert rows(tmp_path)[-1]["held_out/eer"] < 0.3


def test_a_run_leaves_an_encoder_its_card_and_its_curve(trained: Path) -> None:
    card = json.loads((trained / "encoder.json").read_text("utf-8"))
    assert card["speakers"] == 6
    assert card["held_out"] == ["person02", "person07"]
    assert card["licences"] == {"people": "CC0"}
    assert card["measures"]["step"] == 30
    assert 0 <= card["measures"]["eer"] <= 1
    assert {"machine", "training_hours"} <= set(card)
    file = read_encoder(trained / "encoder.safetensors")
    assert file.card["command"] == "clone-pipeline train-encoder people"
    assert "machine" not in file.card, "the same run on another machine gives the same bytes"
    assert sorted(file.strangers) == ["person02", "person07"]
    assert (trained / "learning-curve.png").read_bytes().startswith(b"\x89PNG")


def test_what_comes_out_is_an_encoder(trained: Path) -> None:
    encoder = OwnEncoder(weights=trained / "encoder.safetensors")
    vector = encoder.embed(say(120, (500, 1500), 3, seed=1), RATE_HZ)
    assert vector.shape == (16,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_an_interrupted_run_ends_with_the_bytes_of_an_unbroken_one(
    people: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "features").mkdir()
    shutil.copy2(trained / "features" / "speakers.safetensors", tmp_path / "features")
    real = ge2e_loss
    calls: list[int] = []

    def interrupting(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 13:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(task, "ge2e_loss", interrupting)
    given = {"licences": {"people": "CC0"}, "command": "clone-pipeline train-encoder people"}
    with pytest.raises(Interrupted, match="after step 13 of 30"):
        train_encoder([people], tmp_path, OPTIONS, **given)  # type: ignore[arg-type]
    train_encoder([people], tmp_path, OPTIONS, **given)  # type: ignore[arg-type]
    for name in ("encoder.safetensors", "metrics.jsonl", "learning-curve.png", "checkpoints/encoder/30.safetensors"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes(), name


def test_strangers_are_embedded_but_not_learnt_from(people: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    soundfile.write(other / "eve-1.wav", say(150, (700, 1900), 4, seed=5), RATE_HZ)
    short = replace(OPTIONS, steps=1)
    made = train_encoder([people], tmp_path / "run", short, strangers=[other])
    assert sorted(read_encoder(made).strangers) == ["eve", "person02", "person07"]
    with pytest.raises(TrainingError, match=r"person00, person01.* cannot be learnt from and be a stranger"):
        train_encoder([people], tmp_path / "run", short, strangers=[people])


def test_noise_is_laid_under_the_speech(people: Path, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "noise").mkdir()
    with pytest.raises(ManifestError, match="no noise"):
        train_encoder([people], tmp_path / "run", OPTIONS, noise=tmp_path / "noise")
    hiss = np.random.default_rng(0).normal(size=40_000).astype(np.float32) * 0.1
    soundfile.write(tmp_path / "noise" / "hiss.wav", hiss, RATE_HZ)
    made = train_encoder([people], tmp_path / "run", replace(OPTIONS, steps=2), noise=tmp_path / "noise")
    assert made.is_file()


def speaker(name: str, speed: float = 1.0) -> Speaker:
    return Speaker(name=f"{name}@{speed:g}", source=name, speed=speed, clips=())


def test_all_speeds_of_a_person_are_on_one_side() -> None:
    everybody = [speaker(f"p{number}", speed) for number in range(300) for speed in (1.0, 0.9, 1.1)]
    training, held_out = split_speakers(everybody, EncoderOptions(hold_out="^p7$"))
    out = {one.source for one in held_out}
    assert not out & {one.source for one in training}
    assert "p7" in out
    assert 5 <= len(out) <= 30
    assert all(one.speed == 1 for one in held_out)
    assert len(training) == 3 * (300 - len(out))


def test_too_few_people_and_a_wrong_expression_are_refused() -> None:
    with pytest.raises(TrainingError, match="1 speakers to learn from and 2 held out"):
        split_speakers([speaker(name) for name in "abc"], EncoderOptions(hold_out="[bc]", hold_out_percent=0))
    with pytest.raises(ManifestError, match="regular expression"):
        split_speakers([speaker("a")], EncoderOptions(hold_out="["))

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dctts.config import AudioConfig
from dctts.corpus import waveform_to_mel
from dctts.errors import CheckpointError, TrainingError
from dctts.manifest import read_dataset
from dctts.train import Interrupted
from dctts.vocoders import source_filter_task
from dctts.vocoders.data import VocoderExample, frame_pitch_hz
from dctts.vocoders.file import load_vocoder
from dctts.vocoders.interface import vocode
from dctts.vocoders.source_filter import SourceFilter, SourceFilterConfig
from dctts.vocoders.source_filter_task import VocoderRecipe, VocoderTask
from dctts.vocoders.training import VocoderOptions, held_out_rows, readings, train_vocoder
from tests.conftest import buzz, silence

TINY = SourceFilterConfig(channels=16, hidden=24, blocks=1, pitch_channels=8, pitch_blocks=1)
OPTIONS = VocoderOptions(steps=6, batch_size=4, hold_out_every=4, validate_every=3, size=TINY)


def test_pitch_is_measured_at_the_middle_of_each_frame() -> None:
    wave = np.concatenate([silence(0.5), buzz(1.0, pitch_hz=150.0)])
    wave = wave[: len(wave) // 256 * 256]
    found = frame_pitch_hz(wave, AudioConfig())
    assert len(found) == len(wave) // 256
    assert not found[:38].any()
    assert float(np.median(found[50:-10])) == pytest.approx(150, rel=0.01)


def test_training_that_was_stopped_ends_with_the_same_bytes(
    tiny_dataset: Path, tiny_voice_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_vocoder([tiny_dataset], tiny_voice_file, tmp_path / "a" / "v.safetensors", OPTIONS)
    validate = source_filter_task.VocoderTask.validate

    def stop(self: object, network: torch.nn.Module, step: int, folder: Path) -> dict[str, float]:
        if step == 6:
            raise Interrupted
        return validate(self, network, step, folder)  # type: ignore[arg-type]

    monkeypatch.setattr(source_filter_task.VocoderTask, "validate", stop)
    with pytest.raises(Interrupted):
        train_vocoder([tiny_dataset], tiny_voice_file, tmp_path / "b" / "v.safetensors", OPTIONS)
    assert not (tmp_path / "b" / "v.safetensors").exists()
    monkeypatch.undo()
    again = train_vocoder([tiny_dataset], tiny_voice_file, tmp_path / "b" / "v.safetensors", OPTIONS)
    assert again.read_bytes() == whole.read_bytes()
    metrics = [(tmp_path / name / "v-run" / "metrics.jsonl").read_bytes() for name in "ab"]
    assert metrics[0] == metrics[1]
    card = json.loads((tmp_path / "a" / "v.json").read_text())
    assert card["steps"] == 6
    assert card["held_out"]["vocoder"]["real/mel"] > 0
    sound = vocode(load_vocoder(whole), torch.full((40, 80), -5.0))
    assert len(sound) == 40 * 256
    assert np.isfinite(sound).all()
    with pytest.raises(CheckpointError, match="other settings"):
        train_vocoder([tiny_dataset], tiny_voice_file, whole, replace(OPTIONS, batch_size=2))


def test_a_buzz_and_its_pitch_are_learnt() -> None:
    wave = torch.from_numpy(buzz(1.0, pitch_hz=150.0))[: 80 * 256]
    example = VocoderExample(
        id="buzz",
        wave=(wave * 32767).short(),
        pitch_hz=torch.full((80,), 150.0),
        refined=waveform_to_mel(wave, AudioConfig()).half(),
    )
    torch.manual_seed(0)
    recipe = VocoderRecipe(batch_size=4, crop_frames=32, critic_from=38)
    task = VocoderTask(SourceFilter(TINY), [example] * 4, [example], recipe=recipe, audio=AudioConfig())
    optimizer = torch.optim.Adam(task.network.parameters(), lr=1e-2)
    seen = []
    for step in range(40):
        losses = task.loss(task.network, task.batch(step), step)
        optimizer.zero_grad()
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        seen.append({name: value.item() for name, value in losses.items()})
    for name in ("spectral", "mel", "pitch"):
        assert seen[-1][name] < 0.8 * seen[0][name], name
    assert "critic" not in seen[37]
    assert seen[38]["critic"] == pytest.approx(2, abs=0.2)  # it has learnt nothing before its turn
    assert seen[38]["seen"] > 0
    assert all(parameter.grad is not None for parameter in task.network.parameters())


def test_training_goes_on_from_a_vocoder_and_from_nothing_else(
    tiny_dataset: Path, tiny_voice_file: Path, tmp_path: Path
) -> None:
    first = train_vocoder([tiny_dataset], tiny_voice_file, tmp_path / "a.safetensors", OPTIONS)
    still = replace(OPTIONS, start=first, steps=1, learning_rate=0.0)
    again = train_vocoder([tiny_dataset], tiny_voice_file, tmp_path / "b.safetensors", still)
    frames = torch.rand(40, 80) - 5
    sounds = [vocode(load_vocoder(path), frames) for path in (first, again)]
    np.testing.assert_allclose(sounds[1], sounds[0], atol=1e-3)
    larger = replace(still, size=replace(TINY, channels=24))
    with pytest.raises(CheckpointError, match="no vocoder of the kind and size"):
        train_vocoder([tiny_dataset], tiny_voice_file, tmp_path / "c.safetensors", larger)


def test_held_out_sentences_are_chosen_by_pattern_and_by_place(tiny_dataset: Path) -> None:
    rows = read_dataset(tiny_dataset)
    assert held_out_rows(rows, replace(OPTIONS, hold_out="00[12]", hold_out_every=4)) == {0, 1, 2, 4}


def test_nothing_to_train_on_is_told_in_words(tiny_dataset: Path, tiny_voice_file: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="0 clips to train on and 8 held out"):
        train_vocoder([tiny_dataset], tiny_voice_file, tmp_path / "v.safetensors", replace(OPTIONS, hold_out="."))


def test_recordings_without_words_are_read_and_held_out_one_by_one(tmp_path: Path) -> None:
    for name in ("84-121123-0.ogg", "84-121123-1.ogg", "19-198-0.ogg", "19-198-1.ogg"):
        (tmp_path / name).write_bytes(b"")
    rows = readings(tmp_path)
    assert [(row.id, row.speaker, row.text) for row in rows][:2] == [("19-198-0", "19", ""), ("19-198-1", "19", "")]
    assert held_out_rows(rows, replace(OPTIONS, hold_out="84-.*-1", hold_out_every=4)) == {0, 3}

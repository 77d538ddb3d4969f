import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dctts.errors import CheckpointError, TextError, TrainingError
from dctts.finetune import FinetuneOptions, finetune, is_same_run
from dctts.lexicon import Lexicon
from dctts.synthesize import write_speech
from dctts.voice import load_voice, save_voice

OPTIONS = FinetuneOptions(steps=4, ssrn_steps=3, size="tiny", preview_every=2)


class OneVoice:
    """Stands in for the speaker encoder: everybody sounds the same."""

    def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[NDArray[np.float32] | None]:
        return [np.full(256, 1 / 16, np.float32) for _ in wavs]


def run(dataset: Path, folder: Path, options: FinetuneOptions = OPTIONS) -> Path:
    return finetune(dataset, folder, options, embedder=OneVoice, lexicon=Lexicon(), card={"name": "tiny"})


def test_a_dataset_becomes_a_voice_that_speaks(tiny_dataset: Path, tmp_path: Path) -> None:
    voice = load_voice(run(tiny_dataset, tmp_path / "runs/1"))
    assert voice.card["name"] == "tiny"
    assert voice.card["steps"] == 4
    verdicts = write_speech("Hello there. How are you?", voice, Lexicon(), tmp_path / "out.wav")
    samples, rate = soundfile.read(tmp_path / "out.wav")
    assert rate == 22_050
    assert len(samples) > 2000
    assert " ".join(verdict.text for verdict in verdicts) == "hello there. how are you?"


def test_a_run_leaves_what_people_look_at(tiny_dataset: Path, tmp_path: Path) -> None:
    run(tiny_dataset, tmp_path / "runs/1")
    made = {str(path.relative_to(tmp_path / "runs/1")) for path in (tmp_path / "runs/1").rglob("*") if path.is_file()}
    assert {
        "config.json",
        "voice.safetensors",
        "metrics.jsonl",
        "previews/text2mel-000004-attention.png",
        "previews/text2mel-000004-mel.png",
        "previews/ssrn-000003-linear.png",
        "previews/text2mel-000002-speech-1.wav",
    } <= made
    rows = [json.loads(line) for line in (tmp_path / "runs/1/metrics.jsonl").read_text().splitlines()]
    assert {"held_out/l1", "held_out/l1_shuffled_text", "held_out/l1_noise_past"} <= {
        key for row in rows for key in row
    }


def test_the_same_run_gives_the_same_bytes_and_is_recognised(tiny_dataset: Path, tmp_path: Path) -> None:
    first = run(tiny_dataset, tmp_path / "a/1").read_bytes()
    assert run(tiny_dataset, tmp_path / "b/1").read_bytes() == first
    assert is_same_run(tmp_path / "a/1", tiny_dataset, OPTIONS)
    assert not is_same_run(tmp_path / "a/1", tiny_dataset, FinetuneOptions(steps=5, size="tiny"))
    assert not is_same_run(tmp_path / "a/2", tiny_dataset, OPTIONS)


def test_a_base_gives_its_size_and_its_weights(tiny_dataset: Path, tmp_path: Path) -> None:
    base = run(tiny_dataset, tmp_path / "a/1")
    options = FinetuneOptions(steps=1, ssrn_steps=1, base=base, preview_every=5)
    voice = load_voice(run(tiny_dataset, tmp_path / "b/1", options))
    assert voice.text2mel.config == load_voice(base).text2mel.config
    moved = (voice.ssrn.linear_logits.weight - load_voice(base).ssrn.linear_logits.weight).abs().max()
    assert moved < 0.01


def test_one_clip_is_too_little(tiny_dataset: Path, tmp_path: Path) -> None:
    lines = (tiny_dataset / "metadata.csv").read_text().splitlines()
    (tiny_dataset / "metadata.csv").write_text(lines[0] + "\n")
    with pytest.raises(TrainingError, match="1 clips to train on"):
        run(tiny_dataset, tmp_path / "runs/1")


def test_no_steps_are_refused_by_the_flag_s_name() -> None:
    with pytest.raises(ValueError, match="--ssrn-steps must be at least 1, got 0"):
        FinetuneOptions(ssrn_steps=0)


def test_what_is_no_voice_is_not_spoken_with(tiny_dataset: Path, tmp_path: Path) -> None:
    run(tiny_dataset, tmp_path / "runs/1")
    with pytest.raises(CheckpointError, match="holds a text2mel checkpoint, not a voice"):
        load_voice(tmp_path / "runs/1/checkpoints/text2mel/4.safetensors")


def test_speaking_is_repeatable_and_leaves_nothing_when_it_fails(tiny_dataset: Path, tmp_path: Path) -> None:
    voice = load_voice(run(tiny_dataset, tmp_path / "runs/1"))
    for name in ("a.wav", "b.wav"):
        write_speech("One two three.", voice, Lexicon(), tmp_path / "out" / name)
    assert (tmp_path / "out/a.wav").read_bytes() == (tmp_path / "out/b.wav").read_bytes()
    with pytest.raises(TextError):
        write_speech("…", voice, Lexicon(), tmp_path / "out/c.wav")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.wav", "b.wav"]


def test_a_voice_in_full_precision_is_kept_exactly(tiny_dataset: Path, tmp_path: Path) -> None:
    voice = load_voice(run(tiny_dataset, tmp_path / "runs/1"))
    save_voice(voice, tmp_path / "full.safetensors", precision="float32")
    again = load_voice(tmp_path / "full.safetensors")
    for ours, theirs in zip(voice.text2mel.parameters(), again.text2mel.parameters(), strict=True):
        assert ours.equal(theirs)

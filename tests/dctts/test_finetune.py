import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from dctts import checkpoint
from dctts.decode import decode
from dctts.errors import CheckpointError, TrainingError
from dctts.finetune import FinetuneOptions, finetune, is_same_run, run_config
from dctts.lexicon import Lexicon
from dctts.retry import PAUSES
from dctts.selection import PATIENCE, Original, Scores
from dctts.synthesize import write_speech
from dctts.text import encode
from dctts.vocoders.source_filter import SourceFilter, SourceFilterConfig
from dctts.vocoders.source_filter_vocoder import SourceFilterVocoder
from dctts.voice import Voice, load_voice, save_voice

OPTIONS = FinetuneOptions(steps=4, ssrn_steps=3, size="tiny", preview_every=2)


class OneVoice:
    """Stands in for the speaker encoder: everybody sounds the same."""

    def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[NDArray[np.float32] | None]:
        return [np.full(256, 1 / 16, np.float32) for _ in wavs]


def run(dataset: Path, folder: Path, options: FinetuneOptions = OPTIONS) -> Path:
    return finetune(dataset, folder, options, embedder=OneVoice, lexicon=Lexicon(), card={"name": "tiny"})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_dataset_in: Callable[[Path], Path]) -> Path:
    """A finished run; its dataset lies at `../../tiny`."""
    folder = tmp_path_factory.mktemp("trained")
    return run(tiny_dataset_in(folder / "tiny"), folder / "runs" / "1").parent


def test_a_dataset_becomes_a_voice_that_speaks(trained: Path, tmp_path: Path) -> None:
    voice = load_voice(trained / "voice.safetensors")
    assert voice.card["name"] == "tiny"
    assert voice.card["steps"] == 4
    verdicts = write_speech("Hello there. How are you?", voice, Lexicon(), tmp_path / "out.wav")
    samples, rate = soundfile.read(tmp_path / "out.wav")
    assert rate == 22_050
    assert len(samples) > 2000
    assert " ".join(verdict.text for verdict in verdicts) == "hello there. how are you?"


def test_a_run_leaves_what_people_look_at(trained: Path) -> None:
    made = {str(path.relative_to(trained)) for path in trained.rglob("*") if path.is_file()}
    assert {
        "config.json",
        "voice.safetensors",
        "metrics.jsonl",
        "previews/text2mel-000004-attention.png",
        "previews/text2mel-000004-mel.png",
        "previews/ssrn-000003-linear.png",
        "previews/text2mel-000002-speech-1.wav",
    } <= made
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert {"held_out/l1", "held_out/l1_shuffled_text", "held_out/l1_noise_past"} <= {
        key for row in rows for key in row
    }


def test_the_same_run_gives_the_same_bytes_and_is_recognised(trained: Path, tmp_path: Path) -> None:
    dataset = trained.parents[1] / "tiny"
    assert run(dataset, tmp_path / "b/1").read_bytes() == (trained / "voice.safetensors").read_bytes()
    assert is_same_run(trained, dataset, OPTIONS)
    assert not is_same_run(trained, dataset, FinetuneOptions(steps=5, size="tiny"))
    assert not is_same_run(tmp_path / "a/2", dataset, OPTIONS)


def change_words(dataset: Path) -> None:
    (dataset / "metadata.csv").write_text((dataset / "metadata.csv").read_text().replace("three", "thirty"))


def change_split(dataset: Path) -> None:
    (dataset / "train.txt").write_text((dataset / "train.txt").read_text().replace("tiny-005", "tiny-006"))


def change_sound(dataset: Path) -> None:
    samples, rate = soundfile.read(dataset / "wavs" / "tiny-003.wav")
    soundfile.write(dataset / "wavs" / "tiny-003.wav", samples * 0.9, rate, subtype="PCM_16")


@pytest.mark.parametrize("change", [change_words, change_split, change_sound])
def test_any_change_of_the_data_is_a_new_run(tiny_dataset: Path, change: Callable[[Path], None]) -> None:
    before = run_config(tiny_dataset, OPTIONS)
    assert run_config(tiny_dataset, OPTIONS) == before
    change(tiny_dataset)
    assert run_config(tiny_dataset, OPTIONS) != before


def test_a_base_is_known_by_its_content_not_by_where_it_lies(tiny_dataset: Path, tmp_path: Path) -> None:
    def config(folder: str, content: bytes) -> dict[str, object]:
        path = tmp_path / folder / f"{folder}.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return run_config(tiny_dataset, replace(OPTIONS, base=path))

    assert config("here", b"weights") == config("there", b"weights")
    assert config("here", b"others") != config("there", b"weights")
    assert str(tmp_path) not in json.dumps(config("here", b"weights"))


def test_a_base_gives_its_size_its_weights_and_its_vocoder(trained: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.safetensors"
    tiny = SourceFilterConfig(channels=8, hidden=8, blocks=1, pitch_channels=8, pitch_blocks=1)
    vocoder = SourceFilterVocoder(SourceFilter(tiny))
    save_voice(replace(load_voice(trained / "voice.safetensors"), vocoder=vocoder), base)
    options = FinetuneOptions(steps=1, ssrn_steps=1, base=base, preview_every=5)
    voice = load_voice(run(trained.parents[1] / "tiny", tmp_path / "b/1", options))
    assert voice.text2mel.config == load_voice(base).text2mel.config
    moved = (voice.ssrn.linear_logits.weight - load_voice(base).ssrn.linear_logits.weight).abs().max()
    assert moved < 0.01
    assert voice.vocoder is not None
    assert voice.vocoder.about() == vocoder.about()


@pytest.fixture(autouse=True)
def _little_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A base that says one sentence where it would say dozens: these babble, each up to the longest that is allowed."""
    monkeypatch.setattr("dctts.finetune.replay_texts", lambda: ["One two three."])
    monkeypatch.setattr("dctts.finetune.PREVIEW_TEXTS", ("Hi.",))


def own_vectors(count: int) -> list[NDArray[np.float32]]:
    """Vectors of clips by one speaker, each a little different."""
    vectors = np.concatenate([np.zeros((count, 128)), np.ones((count, 128))], axis=1).astype(np.float32)
    vectors[range(count), 128 + np.arange(count)] = 4
    return [vector / np.linalg.norm(vector) for vector in vectors]


class OwnVoices:
    """Stands in for the speaker encoder: the clips of a dataset as `own_vectors`."""

    def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[NDArray[np.float32]]:
        return own_vectors(len(wavs))


def test_a_voice_starts_from_the_vector_of_its_own_clips_and_not_from_the_base_speaker(
    tiny_dataset: Path, tiny_base_file: Path, tmp_path: Path
) -> None:
    options = replace(OPTIONS, steps=1, ssrn_steps=1, base=tiny_base_file)
    voice = load_voice(finetune(tiny_dataset, tmp_path / "1", options, embedder=OwnVoices, lexicon=Lexicon()))
    base = load_voice(tiny_base_file)
    mean = np.mean(own_vectors(8)[:6], axis=0)  # six of the eight clips are trained on
    np.testing.assert_allclose(voice.speaker.numpy(), mean / np.linalg.norm(mean), atol=1e-6)

    def said(whose: Voice, speaker: torch.Tensor) -> torch.Tensor:
        text = [encode("this is sentence number one")]
        (decoded,) = decode(whose.text2mel, text, speaker, symbols_per_frame=0.75, pauses=PAUSES)
        return decoded.coarse[:10]

    after_a_step, conditioned, as_base = said(voice, voice.speaker), said(base, voice.speaker), said(base, base.speaker)
    assert (after_a_step - conditioned).abs().mean() < 0.1 * (conditioned - as_base).abs().mean()


class Hears:
    """Scores each evaluation with the next of the errors it was given; the base is heard first."""

    def __init__(self, *errors: float) -> None:
        self.errors = iter(errors)
        self.targets: list[Original] = []
        self.ceiling = 0.9

    def __call__(self, target: Original) -> "Hears":
        self.targets.append(target)
        return self

    def score(self, voice: Voice) -> Scores:
        error = next(self.errors)
        return Scores(
            cer=error,
            cer_held_out=error,
            cer_harvard=error,
            cer_unseen=error,
            secs=0.9,
            secs_base=0.1,
            forced_rate=0.0,
            coverage=1.0,
            length_ratio=1.0,
        )


def tuned(trained: Path, folder: Path, scorer: Hears, **changes: Any) -> Path:
    options = FinetuneOptions(base=trained / "voice.safetensors", **{"ssrn_steps": 1, "preview_every": 1, **changes})
    return finetune(
        trained.parents[1] / "tiny", folder, options, embedder=OneVoice, scorer=scorer, lexicon=Lexicon(), card={}
    ).parent


def test_the_voice_is_the_step_that_was_heard_best(trained: Path, tmp_path: Path) -> None:
    scorer = Hears(0.3, 0.4, 0.1, 0.15, 0.6)
    made = tuned(trained, tmp_path / "v/1", scorer, steps=4)
    saved = json.loads((made / "selection.json").read_text())
    assert (saved["selected"], len(saved["evaluations"])) == (2, 4)
    assert saved["base"]["cer"] == 0.3
    assert (made / "learning-curve.png").is_file()
    voice = load_voice(made / "voice.safetensors")
    assert voice.card["selected_step"] == 2
    weights = checkpoint.load(made / "candidates/2.safetensors").groups["average"]
    assert all(torch.equal(value.half(), weights[name]) for name, value in voice.text2mel.named_parameters())
    last = checkpoint.load(made / "checkpoints/text2mel/4.safetensors").groups["average"]
    assert any(not torch.equal(value.half(), weights[name]) for name, value in last.items())
    (target,) = scorer.targets
    assert [row.text for row in target.held_out] == ["this is sentence number seven", "this is sentence number ten"]
    rows = [json.loads(line) for line in (made / "metrics.jsonl").read_text().splitlines()]
    assert [row["heard/cer"] for row in rows if "heard/cer" in row] == [0.4, 0.1, 0.15, 0.6]


def test_training_goes_on_only_as_long_as_something_better_is_heard(trained: Path, tmp_path: Path) -> None:
    made = tuned(trained, tmp_path / "v/1", Hears(0.3, 0.1, *[0.3] * 30))
    saved = json.loads((made / "selection.json").read_text())
    assert saved["selected"] == 1
    assert saved["evaluations"][-1]["step"] == 1 + PATIENCE
    voice = (made / "voice.safetensors").read_bytes()
    # The same call again hears nothing anew and leaves what is there.
    assert (tuned(trained, tmp_path / "v/1", Hears()) / "voice.safetensors").read_bytes() == voice


def test_stopped_anywhere_it_ends_with_the_files_of_an_unbroken_run(trained: Path, tmp_path: Path) -> None:
    errors = {1: 0.5, 2: 0.1, 3: 0.105, 4: 0.095, 5: 0.3}
    changes = {"steps": 5, "preview_every": 1}
    whole = tuned(trained, tmp_path / "whole/1", Hears(0.3, *errors.values()), **changes)
    for attempt in ((0.3, 0.5, 0.1), (0.105,), ()):  # ends when it has nothing more to hear: before that is saved
        with pytest.raises(StopIteration):
            tuned(trained, tmp_path / "parts/1", Hears(*attempt), **changes)
    parts = tuned(trained, tmp_path / "parts/1", Hears(0.095, 0.3), **changes)

    def files(run: Path) -> dict[str, bytes]:
        paths = (path for path in run.rglob("*") if path.is_file() and "tensorboard" not in path.parts)
        return {str(path.relative_to(run)): path.read_bytes() for path in paths}

    assert files(whole) == files(parts)


def test_a_budget_makes_a_plan_once_and_keeps_it(trained: Path, tmp_path: Path) -> None:
    made = tuned(trained, tmp_path / "v/1", Hears(*[0.3] * 99), budget_s=6.0, steps=900, ssrn_steps=200)
    plan = json.loads((made / "plan.json").read_text())
    assert 1 <= plan["steps"] < 900
    assert plan["ssrn_steps"] < 200
    last = json.loads((made / "selection.json").read_text())["evaluations"][-1]
    assert last["step"] <= plan["steps"]
    before = (made / "plan.json").read_bytes()
    tuned(trained, tmp_path / "v/1", Hears(*[0.3] * 99), budget_s=6.0, steps=900, ssrn_steps=200)
    assert (made / "plan.json").read_bytes() == before


def test_one_clip_is_too_little(tiny_dataset: Path, tmp_path: Path) -> None:
    lines = (tiny_dataset / "metadata.csv").read_text().splitlines()
    (tiny_dataset / "metadata.csv").write_text(lines[0] + "\n")
    with pytest.raises(TrainingError, match="1 clips to train on"):
        run(tiny_dataset, tmp_path / "runs/1")


def test_no_steps_are_refused_by_the_flag_s_name() -> None:
    with pytest.raises(ValueError, match="--ssrn-steps must be at least 1, got 0"):
        FinetuneOptions(ssrn_steps=0)


def test_what_is_no_voice_is_not_spoken_with(trained: Path) -> None:
    with pytest.raises(CheckpointError, match="holds a text2mel checkpoint, not a voice"):
        load_voice(trained / "checkpoints/text2mel/4.safetensors")

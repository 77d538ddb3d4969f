from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dctts.errors import CheckpointError
from dctts.lexicon import Lexicon
from dctts.synthesize import write_speech
from dctts.voice import Voice, load_voice, on_cpu, save_voice


def test_a_voice_in_full_precision_is_kept_exactly(tiny_voice: Voice, tmp_path: Path) -> None:
    save_voice(tiny_voice, tmp_path / "full.safetensors", precision="float32")
    again = load_voice(tmp_path / "full.safetensors")
    for ours, theirs in zip(tiny_voice.text2mel.parameters(), again.text2mel.parameters(), strict=True):
        assert ours.equal(theirs)
    assert again.card == {"name": "tiny"}


def test_loading_leaves_nothing_to_chance(tiny_voice: Voice, tiny_voice_file: Path) -> None:
    """New weights are not filled before those of the file are read into them: none may be forgotten."""
    again = load_voice(tiny_voice_file)
    for network, other in ((tiny_voice.text2mel, again.text2mel), (tiny_voice.ssrn, again.ssrn)):
        for (name, ours), theirs in zip(network.state_dict().items(), other.state_dict().values(), strict=True):
            assert ours.equal(theirs), name


def test_a_voice_that_lacks_a_tensor_is_refused(tiny_voice: Voice, tmp_path: Path) -> None:
    from dctts import checkpoint

    save_voice(tiny_voice, tmp_path / "whole.safetensors")
    saved = checkpoint.load(tmp_path / "whole.safetensors")
    groups = {name: dict(weights) for name, weights in saved.groups.items()}
    del groups["ssrn"]["mel_logits.bias"]
    about = {key: value for key, value in saved.about.items() if key != "format"}
    checkpoint.save(tmp_path / "part.safetensors", checkpoint.Checkpoint(groups=groups, about=about))
    with pytest.raises(CheckpointError, match=r"lacks tensors of ssrn: mel_logits\.bias"):
        load_voice(tmp_path / "part.safetensors")


def test_a_voice_on_the_cpu_is_taken_as_it_is(tiny_voice: Voice) -> None:
    assert on_cpu(tiny_voice) is tiny_voice


@pytest.mark.gpu
def test_a_voice_on_a_gpu_speaks_as_it_does_here(tiny_voice: Voice, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    there = replace(
        tiny_voice,
        text2mel=deepcopy(tiny_voice.text2mel).cuda(),
        ssrn=deepcopy(tiny_voice.ssrn).cuda(),
        speaker=tiny_voice.speaker.cuda(),
    )
    for name, voice in (("here.wav", tiny_voice), ("there.wav", there)):
        write_speech("Hello there.", voice, Lexicon(), tmp_path / name)
    assert (tmp_path / "here.wav").read_bytes() == (tmp_path / "there.wav").read_bytes()

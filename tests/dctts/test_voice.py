from pathlib import Path

import pytest

from dctts.errors import CheckpointError
from dctts.voice import Voice, load_voice, save_voice


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

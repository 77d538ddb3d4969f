from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dctts.errors import CheckpointError
from dctts.lexicon import Lexicon
from dctts.synthesize import write_speech
from dctts.voice import SpeakerTraits, Voice, as_speaker, load_voice, on_cpu, save_voice


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


def two_speakers(voice: Voice) -> Voice:
    vectors = {name: torch.nn.functional.one_hot(torch.tensor(place), 256).float() for place, name in enumerate("ab")}
    return replace(voice, speakers=vectors, traits={"b": SpeakerTraits(pitch_hz=120.0, symbols_per_frame=0.5)})


def test_a_base_s_speakers_are_kept_with_what_is_known_of_them(tiny_voice: Voice, tmp_path: Path) -> None:
    save_voice(two_speakers(tiny_voice), tmp_path / "base.safetensors")
    base = load_voice(tmp_path / "base.safetensors")
    second = as_speaker(base, "b")
    assert second.speaker.equal(base.speakers["b"])
    assert second.symbols_per_frame == 0.5
    assert base.traits == {"b": SpeakerTraits(pitch_hz=120.0, symbols_per_frame=0.5)}
    assert as_speaker(base, "a").symbols_per_frame == tiny_voice.symbols_per_frame  # not known: the base's own pace


def test_a_speaker_the_base_does_not_know_is_named_with_those_it_does(tiny_voice: Voice) -> None:
    with pytest.raises(CheckpointError, match="no speaker 'c'") as refused:
        as_speaker(two_speakers(tiny_voice), "c")
    assert refused.value.hint == "it knows: a, b"


def test_a_voice_is_written_in_half_precision_and_read_in_full(tiny_voice: Voice, tiny_voice_file: Path) -> None:
    parameters = sum(p.numel() for net in (tiny_voice.text2mel, tiny_voice.ssrn) for p in net.parameters())
    assert 2 * parameters < tiny_voice_file.stat().st_size < 2.1 * parameters
    assert {p.dtype for p in tiny_voice.text2mel.parameters()} == {torch.float32}


def test_a_base_with_a_second_text2mel_is_kept_in_eight_bits(tiny_voice: Voice, tmp_path: Path) -> None:
    other = deepcopy(tiny_voice.text2mel)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    save_voice(replace(tiny_voice, strangers=other), tmp_path / "base.safetensors", precision="int8")
    again = load_voice(tmp_path / "base.safetensors")
    assert again.strangers is not None
    for ours, theirs in (
        (tiny_voice.text2mel, again.text2mel),
        (other, again.strangers),
        (tiny_voice.ssrn, again.ssrn),
    ):
        for one, back in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert (one - back).abs().max() <= one.abs().max() / 127 / 2 * 1.01 + 1e-6
    parameters = sum(p.numel() for net in (other, other, tiny_voice.ssrn) for p in net.parameters())
    assert (tmp_path / "base.safetensors").stat().st_size < 1.3 * parameters


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

from dataclasses import replace
from math import log
from pathlib import Path

import pytest
import torch

from dctts.errors import CheckpointError
from dctts.voice import SpeakerTraits, load_voice, save_voice
from pipeline.bases import Base
from pipeline.nearest_base import Target, rank, tell


@pytest.fixture
def base(tiny_base_file: Path) -> Base:
    return Base(name="base", path=tiny_base_file)


def target(vector: torch.Tensor, pitch_hz: float | None = None, pace: float | None = None) -> Target:
    return Target(vector=vector, traits=SpeakerTraits(pitch_hz=pitch_hz, symbols_per_frame=pace))


def test_the_speaker_with_the_nearest_vector_comes_first(base: Base) -> None:
    bob = load_voice(base.path).speakers["bob"]
    first, second = rank(target(bob), [base])
    assert (first.speaker, second.speaker) == ("bob", "ada")
    assert first.score == pytest.approx(1)
    assert second.score == pytest.approx(2**-0.5)  # bob's vector is ada's first half


def test_an_octave_and_twice_the_pace_cost_what_the_formula_says(base: Base) -> None:
    ada = load_voice(base.path).speakers["ada"]
    match = next(match for match in rank(target(ada, 400.0, 1.5), [base]) if match.speaker == "ada")
    assert match.score == pytest.approx(1 - 0.02 * 12 - 0.1 * log(2))


def test_a_pitch_far_away_can_outweigh_a_nearer_vector(base: Base) -> None:
    speakers = load_voice(base.path).speakers
    between = torch.nn.functional.normalize(1.1 * speakers["ada"] + speakers["bob"], dim=0)
    assert rank(target(between), [base])[0].speaker == "ada"
    assert rank(target(between, pitch_hz=100.0), [base])[0].speaker == "bob"


def test_what_was_never_measured_is_left_out(base: Base, tmp_path: Path) -> None:
    voice = load_voice(base.path)
    save_voice(replace(voice, speakers={}, traits={}), tmp_path / "one.safetensors")
    (match,) = rank(target(voice.speaker, 100.0, 0.5), [Base(name="one", path=tmp_path / "one.safetensors")])
    assert match.score == match.cosine == pytest.approx(1)
    assert tell([match]) == "base: one, its voice 1.00 (cosine 1.00)"


def test_one_line_says_what_was_taken_and_what_else_there_was(base: Base) -> None:
    ada = load_voice(base.path).speakers["ada"]
    matches = rank(target(ada, 224.5, 0.75), [base, Base(name="twin", path=base.path)])
    assert tell(matches) == (
        "base: base, nearest speaker ada 0.96 (cosine 1.00, +2.0 semitones, 1.00 times the pace); "
        "twin, nearest speaker ada 0.96"
    )
    far = rank(target(torch.eye(256)[255]), [base])
    assert tell(far).endswith("nearest speaker ada 0.06 (cosine 0.06); near is 0.70 and more")


def test_what_is_no_voice_is_no_base(tmp_path: Path) -> None:
    from dctts import checkpoint

    checkpoint.save(tmp_path / "x.safetensors", checkpoint.Checkpoint(groups={}, about={"kind": "ssrn"}))
    with pytest.raises(CheckpointError, match="holds a ssrn checkpoint"):
        rank(target(torch.ones(256)), [Base(name="x", path=tmp_path / "x.safetensors")])

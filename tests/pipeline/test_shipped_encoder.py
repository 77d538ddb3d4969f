"""The encoder in `data/encoder/`: not whether the code is right, but whether the weights are."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.encoders import test_other as trial_speakers
from bench.encoders import verify
from dctts.encoder.own import SHIPPED, OwnEncoder
from dctts.shipped import shipped
from pipeline.evaluation.calibration import shipped_calibrations
from pipeline.evaluation.likeness import ENOUGH_SPEAKERS

READERS = {"kathleen", "ljspeech", "arctic_slt"}


def test_it_is_small_enough_for_a_repository() -> None:
    assert shipped(SHIPPED).stat().st_size <= 2e6


def test_it_knows_enough_strangers_and_learnt_from_none_of_them() -> None:
    encoder = OwnEncoder()
    assert len(encoder.strangers) >= ENOUGH_SPEAKERS
    assert set(encoder.strangers) == set(encoder.card["held_out"]) | set(encoder.card["strangers"])
    assert set(encoder.card["strangers"]) == READERS
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-2) for vector in encoder.strangers.values())


def test_it_learnt_from_librispeechs_training_speakers_alone() -> None:
    card = OwnEncoder().card
    assert list(card["licences"]) == ["train-clean-100"]
    beside = json.loads(shipped("encoder/encoder.json").read_text(encoding="utf-8"))
    assert {name: beside[name] for name in card} == dict(card)


def test_what_its_figures_mean_is_shipped_too() -> None:
    first, second = shipped_calibrations()
    assert (first.encoder[:10], second.encoder[:7]) == ("Resemblyze", "our own")
    for one in (first, second):
        assert one.same[0] < one.same[1] < one.same[2]
        assert one.same[1] > one.different[1]
        assert one.eer < 0.2


@pytest.mark.slow
def test_it_tells_speakers_apart_whom_it_never_heard(shared: Path) -> None:
    encoder = OwnEncoder()
    assert verify(encoder, trial_speakers(shared)).eer < 0.15

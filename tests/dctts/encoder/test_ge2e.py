import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dctts.encoder.ge2e import ge2e_loss, similarities

SCALE, OFFSET = torch.tensor([10.0]), torch.tensor([-5.0])


def vectors(speakers: int, utterances: int, seed: int = 0) -> Tensor:
    made = torch.randn(speakers, utterances, 8, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(made, dim=-1)


def test_similarities_are_those_of_the_paper() -> None:
    made = vectors(3, 4)
    found = similarities(made)
    for speaker in range(3):
        for utterance in range(4):
            for other in range(3):
                kept = [made[other, one] for one in range(4) if (other, one) != (speaker, utterance)]
                expected = functional.cosine_similarity(made[speaker, utterance], torch.stack(kept).mean(dim=0), dim=0)
                assert found[speaker, utterance, other] == pytest.approx(expected.item(), abs=1e-6)


def test_speakers_that_are_told_apart_cost_little_and_those_that_are_not_cost_chance() -> None:
    apart = torch.eye(4).unsqueeze(1).expand(4, 3, 4)
    loss, wrong = ge2e_loss(apart, SCALE, OFFSET)
    assert loss < 0.001
    assert wrong == 0
    alike = torch.ones(4, 3, 4) / 2
    loss, wrong = ge2e_loss(alike, SCALE, OFFSET)
    assert loss.item() == pytest.approx(math.log(4), abs=1e-5)
    assert wrong == 0.75


def test_a_negative_scale_never_calls_strangers_alike() -> None:
    apart = torch.eye(4).unsqueeze(1).expand(4, 3, 4)
    assert ge2e_loss(apart, torch.tensor([-3.0]), OFFSET)[0].item() == pytest.approx(math.log(4), abs=1e-4)


def test_following_the_gradient_brings_speakers_apart() -> None:
    free = torch.randn(5, 4, 8, generator=torch.Generator().manual_seed(1)).requires_grad_()
    optimizer = torch.optim.Adam([free], lr=0.05)
    first = ge2e_loss(functional.normalize(free, dim=-1), SCALE, OFFSET)[0].item()
    for _ in range(60):
        optimizer.zero_grad()
        loss, _ = ge2e_loss(functional.normalize(free, dim=-1), SCALE, OFFSET)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < first / 5

import sys
from subprocess import run

import torch
from torch import nn

from dctts.unfilled import Unfilled


def test_nothing_is_drawn_for_weights_that_are_to_be_read() -> None:
    before = torch.get_rng_state()
    with Unfilled():
        layer = nn.Linear(3, 5)
        nn.init.normal_(layer.weight)
    assert layer.weight.shape == (5, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_reading_a_vocoder_does_not_wait_for_a_compiler_that_nobody_needs() -> None:
    """Half of the time to the first word, once."""
    code = """
import sys
from dctts.vocoders.file import _empty
from dctts.vocoders.hifigan import HifiGanConfig
from dctts.vocoders.source_filter import SourceFilterConfig
_empty("source-filter", SourceFilterConfig().to_dict())
_empty("hifigan", HifiGanConfig().to_dict())
sys.exit("torch._dynamo" in sys.modules)
"""
    assert run([sys.executable, "-c", code], check=False).returncode == 0

import json
import sys
from subprocess import run

import torch
from torch import nn

from dctts.unfilled import Unfilled
from dctts.vocoders.hifigan import SINGLE_DILATIONS, HifiGanConfig
from dctts.vocoders.source_filter import SourceFilterConfig

HIFI_GAN_V3 = HifiGanConfig(
    num_mels=80, channels=16, rates=(8, 8, 4), kernels=(3, 5, 7), dilations=SINGLE_DILATIONS, paired=False
)


def test_nothing_is_drawn_for_weights_that_are_to_be_read() -> None:
    before = torch.get_rng_state()
    with Unfilled():
        linear, conv = nn.Linear(3, 5), nn.Conv1d(3, 5, 7)
        nn.init.normal_(linear.weight)
    assert linear.weight.shape == (5, 3)
    assert conv.weight.shape == (5, 3, 7)
    assert torch.equal(torch.get_rng_state(), before)


def test_reading_a_vocoder_does_not_wait_for_a_compiler_that_nobody_needs() -> None:
    """A third of the time to the first word, once."""
    code = """
import json, sys
from dctts.vocoders.file import _empty
for kind, settings in json.load(sys.stdin).items():
    _empty(kind, settings)
print("torch._dynamo" in sys.modules)
"""
    described = json.dumps({"source-filter": SourceFilterConfig().to_dict(), "hifigan": HIFI_GAN_V3.to_dict()})
    done = run([sys.executable, "-c", code], input=described, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

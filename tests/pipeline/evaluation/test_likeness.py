"""Who a voice sounds like."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dctts.encoder.resemblyzer import SpeakerEncoder
from pipeline.evaluation.likeness import Likeness

TEXTS = ("We came home early in the morning.", "She saw a red bird on the roof.", "It was cold outside at the sea.")


def test_a_speaker_is_nearer_to_himself_than_a_stranger_is(espeak: Callable[..., Any]) -> None:
    encoder = SpeakerEncoder()
    own, other = (
        encoder.embed_batch([espeak(text, voice)[0] for text in TEXTS], 22_050) for voice in ("en-us+f3", "en-us+m3")
    )
    assert other[0] is not None
    likeness = Likeness({str(n): vector for n, vector in enumerate(own) if vector is not None}, {"m3": other[0]})
    same, stranger = likeness.secs(own[0], without="0"), likeness.secs(other[1])
    assert same > stranger + 0.1
    assert likeness.strangers(own[0])[0] < likeness.strangers(other[1])[0]


def test_the_clip_itself_is_left_out_of_what_it_is_compared_with() -> None:
    first, second = np.eye(256, dtype=np.float32)[:2]
    likeness = Likeness({"a": first, "b": second}, {})
    assert likeness.secs(first, without="a") == 0
    assert likeness.secs(first) == pytest.approx(np.sqrt(0.5))
    assert Likeness({"a": first}, {}).secs(first, without="a") == 1, "nothing would be left"


def test_no_speech_is_nobody() -> None:
    likeness = Likeness({"a": np.eye(256, dtype=np.float32)[0]}, {"b": np.eye(256, dtype=np.float32)[1]})
    assert likeness.secs(None) == 0
    assert likeness.strangers(None) == (0.0,)

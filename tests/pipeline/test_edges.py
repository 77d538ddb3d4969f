import numpy as np
import pytest

from pipeline.edges import LONG_PAUSE_S, beside, long_pauses
from pipeline.records import Word


def levels(*parts: tuple[float, float]) -> np.ndarray:
    """Seconds and dB of each part, one value per 10 ms."""
    return np.concatenate([np.full(round(s * 100), db, np.float32) for s, db in parts])


WORDS = (Word(text="a", start_s=10.0, end_s=11.0), Word(text="b", start_s=12.0, end_s=13.0))


def test_a_long_silence_is_shortened_in_its_middle() -> None:
    (pause,) = long_pauses(WORDS, levels((1, -20), (1, -80), (1, -20)), 10.0, -55.0)
    assert pause.duration_s == pytest.approx(1.0 - LONG_PAUSE_S, abs=0.02)
    assert pause.start_s - 11.0 == pytest.approx(12.0 - pause.end_s, abs=0.02)


def test_a_short_pause_stays() -> None:
    near = (WORDS[0], Word(text="b", start_s=11.35, end_s=12.3))
    assert long_pauses(near, levels((1, -20), (0.35, -80), (1, -20)), 10.0, -55.0) == ()


def test_a_laugh_in_a_pause_is_not_cut_out() -> None:
    assert long_pauses(WORDS, levels((1, -20), (0.3, -80), (0.4, -30), (0.3, -80), (1, -20)), 10.0, -55.0) == ()


def test_a_cut_lies_in_the_quietest_frame_and_keeps_a_margin_in_a_long_pause() -> None:
    quiet = levels((1, -20), (0.1, -50), (0.05, -80), (0.15, -50), (1, -20))
    end_s, start_s = beside(11.0, 11.3, quiet, 10.0)
    assert end_s == start_s == pytest.approx(11.12, abs=0.02)
    end_s, start_s = beside(11.0, 12.0, levels((1, -20), (1, -80), (1, -20)), 10.0)
    assert 11.05 <= end_s <= 11.2 < 11.8 <= start_s <= 11.95

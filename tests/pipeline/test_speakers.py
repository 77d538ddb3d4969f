import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import SpeakerError
from pipeline.likeness import likeness
from pipeline.speakers import Group, choose, find_groups

Vectors = list[NDArray[np.float32]]


def near(axis: int, count: int, seed: int = 0, spread: float = 0.02) -> Vectors:
    chance = np.random.default_rng(seed)
    points = np.eye(256)[axis] + np.abs(chance.normal(0, spread, (count, 256)))
    return [(point / np.linalg.norm(point)).astype(np.float32) for point in points]


def groups_of(vectors: Vectors, durations_s: list[float]) -> list[Group]:
    return find_groups(vectors, durations_s, [True] * len(vectors), least_cosine=0.72)


def test_the_voice_with_the_most_seconds_comes_first() -> None:
    vectors = near(0, 5) + near(1, 3)
    groups = groups_of(vectors, [3.0] * 5 + [9.0] * 3)
    assert [group.centroid.argmax() for group in groups] == [1, 0]
    assert [round(group.seconds) for group in groups] == [27, 15]
    assert groups_of(vectors, [3.0] * 8)[0].centroid.argmax() == 0
    assert groups_of(vectors[:1], [1.0])[0].members == (0,)
    assert groups_of([], []) == []


def test_noisy_and_short_clips_join_a_speaker_and_make_none() -> None:
    vectors = near(0, 5) + near(1, 4) + near(2, 2)
    durations_s, clean = [3.0] * 9 + [1.2, 5.0], [True] * 10 + [False]
    groups = find_groups(vectors, durations_s, clean, least_cosine=0.72)
    assert len(groups) == 2
    assert sorted(i for group in groups for i in group.members) == list(range(11))


def test_a_speaker_is_chosen_by_number_or_by_a_reference() -> None:
    groups = groups_of(near(0, 5) + near(1, 3), [3.0] * 8)
    (voice,) = near(1, 1, seed=5)
    assert choose(groups, number=2, reference=None, least_cosine=0.68) == 1
    assert choose(groups, number=1, reference=voice, least_cosine=0.68) == 1


def test_a_speaker_who_is_not_there_is_an_error_that_says_what_to_do() -> None:
    groups = groups_of(near(0, 5), [3.0] * 5)
    with pytest.raises(SpeakerError, match="no speaker 3") as caught:
        choose(groups, number=3, reference=None, least_cosine=0.68)
    assert "--list-speakers" in str(caught.value.hint)
    with pytest.raises(SpeakerError, match="sounds like the reference"):
        choose(groups, number=1, reference=near(7, 1)[0], least_cosine=0.68)


class Heard:
    def __init__(self, vectors: Vectors) -> None:
        self.vectors = np.stack(vectors)
        self.start_s = np.arange(len(vectors), dtype=np.float64)
        mean = self.vectors.mean(axis=0)
        self.mean = (mean / np.linalg.norm(mean)).astype(np.float32)


def test_likeness_tells_the_speaker_from_another_and_from_both_at_once() -> None:
    host, guest = near(0, 8), near(1, 4)
    vectors, durations_s = host + guest, [4.0] * 12
    wanted = likeness(groups_of(vectors, durations_s), 0, vectors, durations_s)
    own, other = wanted.measures(Heard(host[:2]), 4.0), wanted.measures(Heard(guest[:2]), 4.0)
    both = wanted.measures(Heard([host[0], guest[0]]), 4.0)
    assert own["speaker_gap"] > -0.02 > other["speaker_gap"]
    assert own["speaker_lead"] == pytest.approx(1.0, abs=0.2)
    assert -0.2 < both["speaker_lead"] < 0.3
    assert both["speaker_low"] < -0.3 < own["speaker_low"]


def test_a_short_clip_is_asked_for_less() -> None:
    host = near(0, 8)
    wanted = likeness(groups_of(host, [4.0] * 8), 0, host, [4.0] * 8)
    assert wanted.expected(1.2) < wanted.expected(4.0) - 0.05

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dctts.contrast import spoken_frames, with_contrast
from dctts.errors import CheckpointError
from dctts.lexicon import Lexicon
from dctts.voice import SpeakerTraits, Voice, as_speaker, load_voice
from dctts.zero_shot import MOST_PACE, READER_COS, Reference, _predicted_mean, zero_shot

SOMEBODY = torch.nn.functional.normalize(torch.linspace(0, 1, 256) ** 3, dim=0)
BRIGHT = tuple(0.3 + 0.3 * band / 80 for band in range(80))


def reference(speech_s: float = 9.0, **traits: object) -> Reference:
    return Reference(vector=SOMEBODY, traits=SpeakerTraits(**traits), speech_s=speech_s)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def base(tiny_base_file: Path) -> Voice:
    """Ada and bob, who have mean spectra."""
    voice = load_voice(tiny_base_file)
    bob = replace(voice.traits["bob"], mean_frame=(0.25,) * 80)
    return replace(voice, traits={**voice.traits, "bob": bob}, mean_frame=torch.full((80,), 0.5))


def test_a_base_speaks_with_the_vector_it_is_given(base: Voice) -> None:
    alone = replace(base, speakers={"ada": base.speaker})
    voice = zero_shot(alone, reference(), Lexicon())
    assert torch.equal(voice.speaker, SOMEBODY)
    assert voice.text2mel is base.text2mel
    assert not voice.speakers  # it is a voice now, no base


def test_who_has_heard_many_people_speaks_for_strangers_only(base: Voice) -> None:
    both = replace(base, strangers=deepcopy(base.text2mel))
    stranger = zero_shot(both, reference(), Lexicon(), near="bob")
    assert stranger.text2mel is both.strangers
    assert stranger.strangers is None
    reader = zero_shot(both, replace(reference(), vector=base.speakers["bob"]), Lexicon(), near="bob")
    assert reader.text2mel is base.text2mel
    assert reader.strangers is None


def test_what_sets_a_stranger_apart_from_the_base_speakers_is_exaggerated(base: Voice) -> None:
    middle = torch.stack(list(base.speakers.values())).mean(dim=0)
    voice = zero_shot(base, reference(), Lexicon(), near="bob")
    assert voice.speaker.norm().item() == pytest.approx(1)
    assert voice.speaker @ SOMEBODY > 0.9
    assert voice.speaker @ middle < SOMEBODY @ middle - 0.05
    itself = zero_shot(base, replace(reference(), vector=base.speakers["bob"]), Lexicon(), near="bob")
    torch.testing.assert_close(itself.speaker, base.speakers["bob"])


def test_what_the_reference_cannot_tell_comes_from_the_speaker_who_is_nearest(base: Voice) -> None:
    voice = zero_shot(base, reference(), Lexicon(), near="bob")
    assert voice.symbols_per_frame == base.traits["bob"].symbols_per_frame == 0.5
    assert voice.mean_frame is not None
    assert torch.equal(voice.mean_frame, torch.full((80,), 0.25))
    with pytest.raises(CheckpointError, match="'eve'"):
        zero_shot(base, reference(), Lexicon(), near="eve")


@pytest.mark.parametrize(("heard", "taken"), [(0.5, 0.5), (0.55, 0.55), (5.0, 0.5 * MOST_PACE), (0.1, 0.5 / MOST_PACE)])
def test_the_pace_follows_the_reference_as_far_as_it_can_be_believed(base: Voice, heard: float, taken: float) -> None:
    assert zero_shot(base, reference(symbols_per_frame=heard), Lexicon(), near="bob").symbols_per_frame == taken


def missing(base: Voice, told: Reference) -> float:
    """How far the mean of what is said lies from that of the reference."""
    voice = zero_shot(base, told, Lexicon(), near="bob")
    predicted = _predicted_mean(voice, Lexicon())
    assert predicted is not None
    said = with_contrast(predicted, voice.mean_frame)
    return float((said - torch.tensor(BRIGHT)).abs().mean())


def test_what_is_said_has_the_spectrum_of_the_reference_the_more_so_the_more_of_it_there_is(base: Voice) -> None:
    by_length = [missing(base, reference(speech_s, mean_frame=BRIGHT)) for speech_s in (1e6, 9.0, 1.0, 0.01)]
    assert by_length[0] < 1e-4
    assert by_length == sorted(by_length)
    assert by_length[-1] > 10 * by_length[0]


def test_a_reader_of_the_base_speaks_as_in_training_whatever_five_seconds_sound_like(base: Voice) -> None:
    ada, bob = base.speakers["ada"], base.speakers["bob"]
    near = torch.nn.functional.normalize(bob + 0.3 * ada, dim=0)
    assert near @ bob > READER_COS
    told = replace(reference(5.0, mean_frame=BRIGHT, symbols_per_frame=0.6), vector=near)
    voice, itself = zero_shot(base, told, Lexicon(), near="bob"), as_speaker(base, "bob")
    assert torch.equal(voice.speaker, bob)
    assert voice.mean_frame is not None
    assert itself.mean_frame is not None
    assert torch.equal(voice.mean_frame, itself.mean_frame)
    assert voice.symbols_per_frame == itself.symbols_per_frame
    assert not voice.speakers


def test_only_frames_in_which_something_is_said_count() -> None:
    frames = torch.cat([torch.zeros(3, 80), torch.full((2, 80), 0.5)])
    assert torch.equal(spoken_frames(frames), torch.full((2, 80), 0.5))

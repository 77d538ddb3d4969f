from dctts.config import text2mel_config
from dctts.recipes import FEW_MINUTES, FROM_NOTHING, HOUR, QUARTER_HOUR, recipe_for
from dctts.text2mel import Text2Mel


def rates(recipe_minutes: float, **more: float) -> dict[str, float]:
    recipe = recipe_for(recipe_minutes, **more)
    return {name: recipe.rate_of(name) for name, _ in Text2Mel(text2mel_config("tiny", 20)).named_parameters()}


def test_more_minutes_set_more_of_the_network_free() -> None:
    assert (recipe_for(5), recipe_for(12), recipe_for(60)) == (FEW_MINUTES, QUARTER_HOUR, HOUR)
    five, twelve, sixty = ({name for name, rate in rates(minutes).items() if rate} for minutes in (5, 12, 60))
    assert five < twelve < sixty
    assert {name.split(".")[0] for name in five} == {"audio_decoder"}
    assert {name.split(".")[0] for name in twelve} == {"audio_decoder", "audio_encoder"}
    assert any("film" in name for name in five)


def test_a_frozen_text_encoder_keeps_all_that_feeds_it() -> None:
    assert all(rate == 0 for name, rate in rates(12).items() if name.startswith(("text_", "speaker")))


def test_with_an_hour_early_layers_move_less_than_late_ones_and_the_text_encoder_least() -> None:
    rate = rates(60)
    falling = [
        "audio_decoder.logits.weight",
        "audio_decoder.exit.2.conv.weight",
        "audio_decoder.exit.0.conv.weight",
        "audio_decoder.blocks.5.conv.weight",
        "audio_decoder.blocks.0.conv.weight",
        "audio_decoder.entry.conv.weight",
        "audio_encoder.blocks.9.conv.weight",
        "audio_encoder.blocks.0.conv.weight",
        "audio_encoder.entry.2.conv.weight",
        "audio_encoder.entry.0.conv.weight",
        "text_encoder.entry.0.conv.weight",
        "text_encoder.embedding.weight",
    ]
    values = [rate[name] for name in falling]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)
    assert rate["audio_decoder.blocks.0.film.weight"] == 1


def test_a_stranger_gets_more_of_the_network_but_not_its_words() -> None:
    assert recipe_for(5, similarity=0.8) == FEW_MINUTES
    stranger = recipe_for(5, similarity=0.5)
    assert stranger.audio_encoder > 0
    assert stranger.ssrn_learning_rate > 0
    assert stranger.text_encoder == 0
    assert recipe_for(12, similarity=0.5) == QUARTER_HOUR


def test_without_a_base_everything_learns_and_nothing_is_held_back() -> None:
    network = Text2Mel(text2mel_config("tiny", 20))
    assert {FROM_NOTHING.rate_of(name) for name, _ in network.named_parameters()} == {1.0}
    assert (FROM_NOTHING.replay, FROM_NOTHING.pull) == (0, 0)

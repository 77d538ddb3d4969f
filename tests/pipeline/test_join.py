from pipeline.join import JoinOptions, join
from pipeline.records import Span, Utterance, Word
from pipeline.sentence_ends import end_score

OPTIONS = JoinOptions()


def talk(*pieces: tuple[float, float, str]) -> list[Utterance]:
    return [
        Utterance(
            source="talk",
            span=Span(start_s=start, end_s=end),
            text=text,
            words=(Word(text=text, start_s=start + 0.1, end_s=end - 0.1),),
            witnesses={"captions": text, "pocketsphinx": text},
        )
        for start, end, text in pieces
    ]


def test_good_neighbours_a_comma_apart_become_one_clip_with_the_worse_of_their_measures() -> None:
    pieces = talk((0, 2, "daylight was tired"), (2, 4, "profoundly tired"), (6, 8, "he slept"))
    joined = join(pieces, [{"snr_db": 40.0, "disagreement": 5.0}, {"snr_db": 30.0, "disagreement": 9.0}, {}],
                  [(), (), ()], OPTIONS)  # fmt: skip
    assert [one.text for one in joined.utterances] == ["daylight was tired profoundly tired", "he slept"]
    assert joined.utterances[0].span == Span(start_s=0, end_s=4)
    assert joined.utterances[0].witnesses["pocketsphinx"] == "daylight was tired profoundly tired"
    assert joined.measures[0] == {"snr_db": 30.0, "disagreement": 9.0}
    assert joined.reasons == ((), ())


def test_a_finished_sentence_is_not_joined_to_the_next() -> None:
    joined = join(talk((0, 2, "It rained."), (2, 4, "We went.")), [{}, {}], [(), ()], OPTIONS)
    assert len(joined.utterances) == 2


def test_nothing_grows_beyond_the_longest_clip_and_the_closest_are_joined_first() -> None:
    joined = join(talk((0, 4, "a"), (4.2, 8, "b"), (8, 12, "c")), [{}] * 3, [(), (), ()], OPTIONS)
    assert [one.text for one in joined.utterances] == ["a", "b c"]


def test_half_a_sentence_goes_when_its_other_half_was_dropped() -> None:
    pieces = talk((0, 2, "a"), (2, 4, "b"), (4.8, 6, "c"))
    verdicts: list[tuple[str, ...]] = [(), ("disagreement",), ()]
    joined = join(pieces, [{}] * 3, verdicts, OPTIONS, end_score=lambda before, after: -3.0)
    assert joined.reasons == (("torn",), ("disagreement",), ())
    assert join(pieces, [{}] * 3, verdicts, OPTIONS, end_score=lambda before, after: 1.0).reasons == tuple(verdicts)


def test_the_language_model_knows_where_a_sentence_goes_on() -> None:
    assert end_score(["the", "dog", "ran", "to"], ["the", "house"]) < -3
    assert end_score(["i", "went", "home"], ["he", "was", "tired"]) > end_score(["the", "old"], ["house", "was"])
    assert end_score([], ["so"]) == 0


def test_another_speaker_right_behind_does_not_tear_a_sentence() -> None:
    joined = join(talk((0, 2, "a"), (2, 4, "b")), [{}] * 2, [(), ("other_speaker",)], OPTIONS)
    assert joined.reasons == ((), ("other_speaker",))

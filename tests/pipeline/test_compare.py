import numpy as np
import pytest

from pipeline.align import AlignedWord, Alignment
from pipeline.records import Word
from pipeline.transcribe.compare import compare, most_lost
from pipeline.transcribe.repair import RepairOptions, cased, doubtful, grammar, places


def alignment(text: str, scores: list[float], guessed: str = "") -> Alignment:
    """Words of 0.4 s one after the other, each with one score for all its frames."""
    words = [
        AlignedWord(text=word, start_s=0.4 * k, end_s=0.4 * (k + 1), score=score, guessed=word == guessed)
        for k, (word, score) in enumerate(zip(text.split(), scores, strict=True))
    ]
    return Alignment(words=tuple(words), frame_scores=np.repeat(np.array(scores, np.float32), 40))


def written(text: str) -> list[Word]:
    return [Word(text=word, start_s=k, end_s=k + 1) for k, word in enumerate(text.split())]


def test_equal_words_give_no_disagreement() -> None:
    assert compare(alignment("a b", [-3, -3]), alignment("a b", [-1, -1])) == []


def test_the_loss_is_what_the_other_witness_wins_in_three_tenths_of_a_second() -> None:
    (one,) = compare(alignment("a cow b", [-3, -9, -3]), alignment("a cat b", [-3, -4, -3]))
    assert one.loss == pytest.approx(30 * 5, abs=0.1)
    assert (one.first, one.second) == (slice(1, 2), slice(1, 2))
    assert (one.start_s, one.end_s) == (0.4, 0.8)


def test_a_word_that_the_sound_fits_loses_nothing() -> None:
    (one,) = compare(alignment("a john b", [-3, -3, -3]), alignment("a gene b", [-3, -5, -3]))
    assert one.loss <= 0


def test_a_guessed_pronunciation_counts_half() -> None:
    (one,) = compare(alignment("a cow b", [-3, -9, -3], guessed="cow"), alignment("a cat b", [-3, -4, -3]))
    assert one.loss == pytest.approx(75, abs=0.1)


def test_a_word_that_only_the_other_holds_counts_more() -> None:
    (one,) = compare(alignment("a b", [-3, -5]), alignment("a no b", [-3, -3, -3]))
    assert one.loss == pytest.approx(2.5 * 30 * 2, abs=0.1)


def test_words_that_say_the_same_are_no_disagreement() -> None:
    assert compare(alignment("i'm there b", [-3, -3, -3]), alignment("i am their b", [-1] * 4)) == []


def test_neighbouring_differences_are_one_run() -> None:
    runs = compare(alignment("a b c d", [-3] * 4), alignment("a x y d", [-3] * 4))
    assert [(run.first, run.second) for run in runs] == [(slice(1, 3), slice(1, 3))]


def test_shorter_stretches_than_the_window_are_summed_whole() -> None:
    assert most_lost(alignment("a", [-3]), alignment("a", [-1]), 0, 10) == pytest.approx(20)
    assert most_lost(alignment("a", [-3]), alignment("a", [-1]), 50, 60) == 0


def doubted(caption: Alignment, heard: Alignment, options: RepairOptions | None = None) -> list[range]:
    return [place.doubted for place in places(caption, compare(caption, heard), options or RepairOptions())]


def test_only_what_the_sound_refutes_is_looked_at_with_the_words_beside_it() -> None:
    caption = alignment("a b c cow d e f", [-3, -3, -3, -9, -3, -3, -3])
    assert doubted(caption, alignment("a b c cat d e f", [-3] * 7)) == [range(2, 5)]
    assert doubted(caption, alignment("a b c cat d e f", [-8] * 7)) == []


def test_of_a_long_run_only_the_words_that_fit_badly_are_looked_at() -> None:
    caption = alignment("a b c d e cow f g h i", [-3.0] * 5 + [-9.0] + [-3.0] * 4)
    heard = alignment("a q r s t cat u v w i", [-3] * 10)
    assert doubted(caption, heard) == [range(4, 7)]


def test_where_nothing_fits_nothing_is_looked_at() -> None:
    caption = alignment("a b c d e f g h i j", [-3.0] * 3 + [-9.0] * 4 + [-3.0] * 3)
    assert doubted(caption, alignment("q r s t u v w x y z", [-3] * 10)) == []


def test_a_grammar_lets_no_change_follow_a_change_and_holds_a_number_fast() -> None:
    caption, heard = alignment("a cow b", [-3, -9, -3]), alignment("a cat b", [-3, -3, -3])
    (place,) = places(caption, compare(caption, heard), RepairOptions())
    arcs, end = grammar(["a", "cow", "b"], [False, False, True], caption, heard, place, RepairOptions())
    assert end == 6
    assert {(arc.start, arc.end, arc.cost) for arc in arcs if arc.word == "cow"} == {(2, 4, 0), (3, 4, 0)}
    assert all(arc.cost >= RepairOptions().cost for arc in arcs if arc.word == "cat")
    changed = {arc.end for arc in arcs if arc.cost}
    assert all(arc.cost == 0 for arc in arcs if arc.start in changed)
    assert {arc.word for arc in arcs if arc.start == 4 and arc.end == 7} == set()  # b


@pytest.mark.parametrize(
    ("new", "old", "text", "written_as"),
    [
        ("cat", "Cow,", "Cow, b", "Cat,"),
        ("cat", "cow", "a cow", "cat"),
        ("i", "", "So it", "I"),
        ("i", "", "so it", "i"),
    ],
)
def test_a_new_word_takes_the_punctuation_and_the_capital_of_the_old(
    new: str, old: str, text: str, written_as: str
) -> None:
    assert cased(new, old, written(text)) == written_as


def test_hesitations_and_words_written_twice_are_doubtful() -> None:
    assert doubtful(written("um, I er umbrella Hmm")) == [0, 2, 4]
    assert doubtful(written("I I was, was there, that that had had")) == [0, 2]

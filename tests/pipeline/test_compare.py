import numpy as np
import pytest

from pipeline.align import AlignedWord, Alignment
from pipeline.records import Word
from pipeline.spoken import spoken_forms
from pipeline.transcribe.compare import compare, most_lost
from pipeline.transcribe.repair import RepairOptions, doubtful, mend


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


def mended(caption: str, caption_scores: list[float], heard: str, heard_scores: list[float]) -> str:
    second = alignment(heard, heard_scores)
    spoken = alignment(caption.lower().replace(",", ""), caption_scores)
    words, ends, changed = mend(
        written(caption),
        [spoken_forms(word) for word in caption.split()],
        [True] * len(caption.split()),
        compare(spoken, second),
        second,
        RepairOptions(),
    )
    assert len(words) == len(ends)
    assert (changed > 0) == (" ".join(word.text for word in words) != caption)
    return " ".join(word.text for word in words)


def test_a_refuted_word_is_mended_with_its_punctuation_and_capital() -> None:
    assert mended("A cow, b", [-3, -9, -3], "a cat b", [-3, -3, -3]) == "A cat, b"
    assert mended("Cow b", [-9, -3], "cat b", [-3, -3]) == "Cat b"


def test_a_missing_word_is_added() -> None:
    assert mended("a b", [-3, -9], "a no b", [-3, -3, -3]) == "a no b"


def test_a_word_is_left_alone_when_the_sound_does_not_refute_it() -> None:
    assert mended("a cow b", [-3, -5, -3], "a cat b", [-3, -3, -3]) == "a cow b"


def test_a_word_is_left_alone_when_the_heard_one_fits_badly_too() -> None:
    assert mended("a cow b", [-3, -12, -3], "a cat b", [-3, -5, -3]) == "a cow b"


def test_longer_runs_are_never_mended() -> None:
    assert mended("a cow here b", [-3, -9, -9, -3], "a cat there b", [-3] * 4) == "a cow here b"


def test_hesitations_and_words_written_twice_are_doubtful() -> None:
    assert doubtful(written("um, I er umbrella Hmm")) == [0, 2, 4]
    assert doubtful(written("I I was, was there, that that had had")) == [0, 2]

from pipeline.records import Span, Word
from pipeline.transcribe.assign import AssignOptions, assign, share_out
from pipeline.transcribe.match import MatchOptions, match

OPTIONS = AssignOptions()


def words(text: str, start_s: float, step_s: float = 0.4) -> list[Word]:
    return [
        Word(text=word, start_s=start_s + k * step_s, end_s=start_s + (k + 1) * step_s)
        for k, word in enumerate(text.split())
    ]


def test_equal_words_pair_in_order_and_wrong_ones_stay_alone() -> None:
    pairs = match(words("the cat sat down", 0), words("the cap rat down", 0), MatchOptions(least_similarity=0.9))
    assert pairs == {0: 0, 3: 3}


def test_nothing_pairs_with_nothing() -> None:
    assert match([], words("a b", 0), MatchOptions()) == {}
    assert match(words("a b", 0), [], MatchOptions()) == {}


def test_words_pair_although_caption_times_lie_by_seconds() -> None:
    assert match(words("we went home", 3), words("we went home", 0), MatchOptions()) == {0: 0, 1: 1, 2: 2}


def test_words_further_apart_than_the_reach_do_not_pair() -> None:
    assert match(words("home", 30), words("home", 0), MatchOptions()) == {}


def test_of_two_equal_words_the_nearer_in_time_pairs() -> None:
    heard = words("the", 0) + words("the", 3)
    assert match(words("the", 2.8), heard, MatchOptions()) == {0: 1}


SPANS = [Span(start_s=0, end_s=2), Span(start_s=2.5, end_s=5)]


def test_caption_words_follow_what_was_heard_not_their_times() -> None:
    captions = words("one two three four five six", 1.5)  # all too late
    heard = [words("one two three", 0), words("four five six", 3)]
    units, lost = assign(captions, [True] * 6, SPANS, heard, OPTIONS)
    assert [[word.text for word in unit.words] for unit in units] == [["one", "two", "three"], ["four", "five", "six"]]
    assert lost == []


def test_a_doubtful_word_at_an_edge_joins_the_two_spans() -> None:
    captions = words("one two", 0) + words("blue", 2.0) + words("four five", 3)
    heard = [words("one two", 0), words("four five", 3)]
    units, _ = assign(captions, [True] * 5, SPANS, heard, OPTIONS)
    assert [(unit.first, unit.last) for unit in units] == [(0, 1)]


def test_a_sentence_that_goes_on_joins_the_two_spans() -> None:
    captions = words("one two three four", 0, 1.0)
    heard = [words("one two", 0, 1.0), words("three four", 2.5, 1.0)]
    assert len(assign(captions, [True] * 4, SPANS, heard, OPTIONS)[0]) == 2
    assert len(assign(captions, [False, False, False, True], SPANS, heard, OPTIONS)[0]) == 1


def test_words_where_nobody_speaks_are_lost_and_every_span_is_covered() -> None:
    units, lost = assign(words("far away", 60), [True] * 2, SPANS, [[], []], OPTIONS)
    assert [word.text for word in lost] == ["far", "away"]
    assert [(unit.first, unit.last, unit.words) for unit in units] == [(0, 0, ()), (1, 1, ())]


def test_words_of_the_next_part_of_a_recording_are_left_to_it() -> None:
    captions = words("one two", 0) + words("three four", 2.6)
    assert [[w.text for w in share] for share in share_out(captions, SPANS[:1], [words("one two", 0)], OPTIONS)] == [
        ["one", "two"]
    ]

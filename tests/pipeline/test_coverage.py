import pytest

from dctts.lexicon import Lexicon, open_lexicon
from pipeline.coverage import ENOUGH_PHONEMES, cover, describe_coverage, form_of


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return open_lexicon()


def counts(texts: list[str], lexicon: Lexicon) -> dict[str, int]:
    return {one.name: one.count for one in cover(texts, lexicon).amounts if one.count}


def test_phonemes_are_those_of_the_dictionary_without_stress(lexicon: Lexicon) -> None:
    found = counts(["The boys measure noise."], lexicon)
    assert {name: found[name] for name in ("DH", "OY", "ZH", "M", "N")} == {"DH": 1, "OY": 2, "ZH": 1, "M": 1, "N": 1}
    assert found["Z"] == 2


def test_numbers_are_counted_as_they_are_said(lexicon: Lexicon) -> None:
    assert counts(["5"], lexicon) == counts(["five"], lexicon)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("It rained.", "statement"),
        ("He said, “it rained.”", "statement"),
        ("Stop!", "exclamation"),
        ("Did it rain?", "yes/no question"),
        ("Where did it rain?", "question word"),
        ("And in which town?", "question word"),
        ("It rained. Why?", "question word"),
        ("Rain or snow?", "either/or question"),
        ("It rained, didn't it?", "tag question"),
        ("It can't rain, can it?", "tag question"),
        ("and then it", ""),
        ("it rained,", ""),
    ],
)
def test_the_form_of_a_sentence_is_told_by_its_mark_and_words(text: str, form: str) -> None:
    assert form_of(text) == form


def test_what_is_thin_comes_thinnest_first_and_enough_is_enough(lexicon: Lexicon) -> None:
    texts = ["The sun sets on Sunday."] * ENOUGH_PHONEMES + ["A boy."] * 2
    coverage = cover(texts, lexicon)
    thin = [one.name for one in coverage.thin]
    assert "S" not in thin
    assert "statement" not in thin
    assert thin.index("ZH") < thin.index("OY")
    assert {"yes/no question", "19 words and more"} <= set(thin)


def test_texts_without_marks_are_not_called_statements(lexicon: Lexicon) -> None:
    told = describe_coverage(cover(["it rained all day", "so we left", "..."], lexicon))
    assert "without punctuation: 2 of 2 texts, whose kind of sentence cannot be told" in told
    assert not any(line.startswith("kinds of sentence") for line in told)


def test_words_of_no_dictionary_are_named(lexicon: Lexicon) -> None:
    told = describe_coverage(cover(["Zzyzx, zzyzx, flurbo."], lexicon))
    assert told[-1] == "in no dictionary, said letter by letter: zzyzx, flurbo"

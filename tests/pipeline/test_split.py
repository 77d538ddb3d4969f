import pytest

from pipeline.split import sentence_key, split_by_sentence


def texts(count: int) -> dict[str, str]:
    return {f"clip-{n:04d}": f"This is sentence number {n}." for n in range(count)}


@pytest.mark.parametrize(
    ("count", "least", "most"), [(2, 1, 1), (20, 1, 8), (50, 10, 15), (400, 25, 55), (3000, 255, 345)]
)
def test_about_a_tenth_is_held_out_and_at_least_ten_of_fifty(count: int, least: int, most: int) -> None:
    train, val = split_by_sentence(texts(count))
    assert least <= len(val) <= most
    assert sorted(train + val) == sorted(texts(count))


def test_a_sentence_is_never_on_both_sides() -> None:
    repeated = {f"{identity}-{take}": text for identity, text in texts(60).items() for take in ("a", "b", "c")}
    repeated["odd"] = "THIS is, sentence number 7!"
    train, val = split_by_sentence(repeated)
    assert not {sentence_key(repeated[i]) for i in train} & {sentence_key(repeated[i]) for i in val}
    assert val


def test_a_clip_stays_on_its_side_when_clips_are_added() -> None:
    _, before = split_by_sentence(texts(400))
    _, after = split_by_sentence(texts(600))
    assert set(before) <= set(after)


def test_what_is_held_out_does_not_depend_on_the_order() -> None:
    given = texts(100)
    _, val = split_by_sentence(given)
    _, reverse = split_by_sentence(dict(reversed(given.items())))
    assert sorted(val) == sorted(reverse)


@pytest.mark.parametrize("given", [{}, {"a": "Hello."}, {"a": "Hello.", "b": "hello"}])
def test_one_sentence_alone_is_trained_on(given: dict[str, str]) -> None:
    assert split_by_sentence(given) == (list(given), [])


def test_a_jingle_does_not_fill_val() -> None:
    given = texts(60) | {f"jingle-{n}": "We'll be right back." for n in range(60)}
    _, val = split_by_sentence(given)
    assert not any(identity.startswith("jingle") for identity in val)


@pytest.mark.parametrize(
    ("text", "key"), [("It's – FINE!", "its fine"), ("Привет, мир", "привет мир"), ("4 p.m.", "4 p m")]
)
def test_a_sentence_is_what_is_heard(text: str, key: str) -> None:
    assert sentence_key(text) == key

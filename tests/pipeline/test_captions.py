import contextlib
import csv
import os
import re
import time
from pathlib import Path

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.caption_timing import in_order, spread
from pipeline.captions import CaptionTrack, parse_captions, read_captions
from pipeline.cue_text import read_lines
from pipeline.errors import CaptionError

ROLL = "\n".join([
    "WEBVTT", "Kind: captions", "Language: en", "",
    "00:00:00.000 --> 00:00:02.990 align:start position:0%", " ", "[Music]", "",
    "00:00:02.990 --> 00:00:03.000 align:start position:0%", "[Music]", " ", "",
    "00:00:03.000 --> 00:00:05.000 align:start position:0%", "[Music]", "no<00:00:03.500><c> no</c><00:00:04.000><c> no</c>", "",  # noqa: E501
    "00:00:05.000 --> 00:00:05.010 align:start position:0%", "no no no", " ", "",
    "00:00:05.010 --> 00:00:07.000 align:start position:0%", "no no no", "no<00:00:05.500><c> no</c><00:00:06.000><c> no</c>", "",  # noqa: E501
    "00:00:07.000 --> 00:00:07.010 align:start position:0%", "no no no", " ", "",
    "00:00:07.010 --> 00:00:09.000 align:start position:0%", "no no no", "yeah", "",
    "00:00:09.000 --> 00:00:09.010 align:start position:0%", "yeah", " ", "",
])  # fmt: skip


def track(*cues: tuple[str, str, str], duration_s: float | None = None) -> CaptionTrack:
    body = "".join(f"{start} --> {end}\n{text}\n\n" for start, end, text in cues)
    return parse_captions(f"WEBVTT\n\n{body}", duration_s=duration_s)


def said(text: str) -> list[str]:
    return [token.text for line in read_lines(text) for token in line.tokens if token.kind == "word"]


def heard(text: str) -> list[str]:
    return [token.text for line in read_lines(text) for token in line.tokens if token.kind == "sound"]


def texts(captions: CaptionTrack) -> str:
    return " ".join(word.text for word in captions.words)


def assert_sane(captions: CaptionTrack, duration_s: float | None = None) -> None:
    reached_s = 0.0
    for word in captions.words:
        assert word.text
        assert not re.search(r"\s|<[^<>]{0,300}>|&\w{1,9};", word.text)
        assert reached_s <= word.start_s < word.end_s
        reached_s = word.end_s
    for sound in captions.sounds:
        assert 0 <= sound.start_s < sound.end_s
    if duration_s is not None:
        assert reached_s <= duration_s
    assert [text for cue in captions.cues for text in cue.text.split()] == [word.text for word in captions.words]


@pytest.mark.parametrize(
    ("cue", "words"),
    [
        ("two<00:00:13.110><c> days</c><00:00:13.356><c> ago</c>", ["two", "days", "ago"]),
        ("today's<c.colorCCCCCC><00:00:14.670><c> fire</c></c><c.colorE5E5E5> details\n </c>", ["today's", "fire", "details"]),  # noqa: E501
        ("Tom &amp; I&#39;m&nbsp;here", ["Tom", "&", "I'm", "here"]),
        ("&amp;lt;b&amp;gt; is bold", ["is", "bold"]),
        ("5 &lt; 6", ["5", "<", "6"]),
        (">> ADA: hello", ["hello"]),
        ("&gt;&gt; hello &gt;&gt; hi", ["hello", "hi"]),
        (">> Ada Lovelace: hello", ["hello"]),
        ("DR. WHO: Come in", ["Come", "in"]),
        ("ЗРИТЕЛЬ: да", ["да"]),
        ("Remember: be kind", ["Remember:", "be", "kind"]),
        ("at 10:30 or 5:1", ["at", "10:30", "or", "5:1"]),
        ("- Yes.\n- No.", ["Yes.", "No."]),
        ("well-known – and so", ["well-known", "and", "so"]),
        ("wait ... what ?", ["wait...", "what?"]),
        ("<v Ada>hello</v> {\\an8}there", ["hello", "there"]),
        ("<i>so</i> <b>it</b> <font color=\"#fff\">is</font>", ["so", "it", "is"]),
        ("I (as I said) go", ["I", "(as", "I", "said)", "go"]),
        ("a <unclosed tag", ["a", "<unclosed", "tag"]),
        ("zero\u200bwidth \u200eleft\u00a0right\x07", ["zerowidth", "left", "right"]),
        ("[Music] hello [ __ ] there", ["hello", "there"]),
        ("♪ la la la ♪ and now", ["and", "now"]),
        ("♪ la la la", []),
        ("don't — stop", ["don't", "stop"]),
        ("100% of $5", ["100%", "of", "$5"]),
    ],
)  # fmt: skip
def test_markup_sounds_and_speaker_marks_are_no_words(cue: str, words: list[str]) -> None:
    assert [word for word in said(cue) if word != "<"] == [word for word in words if word != "<"]


@pytest.mark.parametrize(
    ("cue", "sounds"),
    [
        ("[Music]", ["Music"]),
        ("[ __ ]", ["bleep"]),
        ("hello (applause) there", ["applause"]),
        ("(LAUGHTER)", ["LAUGHTER"]),
        ("I (as I said) go", []),
        ("♪ la la\nla ♪ [Applause]", ["Music", "Applause"]),
        ("*laughs*", ["laughs"]),
        ("(смех в зале)", ["смех в зале"]),
    ],
)
def test_sounds_are_kept_apart(cue: str, sounds: list[str]) -> None:
    assert heard(cue) == sounds


def test_rolling_lines_are_said_once_even_when_the_speaker_repeats_himself() -> None:
    captions = parse_captions(ROLL)
    assert texts(captions) == "no no no no no no yeah"
    assert [word.start_s for word in captions.words] == pytest.approx([3.0, 3.5, 4.0, 5.01, 5.5, 6.0, 7.01])
    assert [(one.label, one.start_s) for one in captions.sounds] == [("Music", 0.0)]
    assert (captions.kind_guess, captions.timing, captions.language) == ("automatic", "words", "en")
    assert_sane(captions)


def test_lines_that_grow_are_said_once() -> None:
    captions = track(
        ("00:00.000", "00:01.000", "how"),
        ("00:01.000", "00:02.000", "how are"),
        ("00:02.000", "00:03.000", "how are you"),
        ("00:03.000", "00:04.000", "how are you today"),
        ("00:04.000", "00:05.000", "fine"),
    )
    assert texts(captions) == "how are you today fine"


def test_a_repeated_manual_line_is_said_twice() -> None:
    captions = track(
        ("00:00.000", "00:01.000", "Yes."),
        ("00:01.500", "00:02.000", "Yes."),
        ("00:03.000", "00:04.000", "I see."),
        ("00:04.000", "00:05.000", "Go on."),
        ("00:05.000", "00:06.000", "So I went."),
    )
    assert texts(captions) == "Yes. Yes. I see. Go on. So I went."
    assert (captions.kind_guess, captions.timing, captions.punctuated) == ("manual", "cues", True)


def test_without_word_times_a_cue_is_shared_by_length() -> None:
    captions = track(("00:10.000", "00:12.000", "a abcdef"))  # 2 and 7 with their spaces
    first, second = captions.words
    assert (first.start_s, first.end_s, second.end_s) == pytest.approx((10.0, 10 + 2 * 2 / 9, 12.0))


def test_a_word_before_a_pause_does_not_last_through_it() -> None:
    captions = track(("00:00.000", "00:09.000", "her<00:00:08.000><c> they</c><00:00:08.500><c> were</c>"))
    assert captions.words[0].end_s < 1.0
    assert captions.words[1].start_s == 8.0


def test_word_times_outside_their_cue_are_not_believed() -> None:
    captions = track(("00:05.000", "00:06.000", "a<00:59:00.000><c> b</c><00:00:01.000><c> c</c>"))
    assert_sane(captions, 6.0)
    assert captions.words[-1].end_s <= 6.0


def test_new_speakers_are_marked() -> None:
    captions = track(("00:00.000", "00:04.000", ">> hello there >> hi"))
    assert len(captions.turns_s) == 2
    assert captions.turns_s[1] > captions.words[1].start_s


def test_a_whole_talk_in_five_seconds_is_unusable_and_spread_over_the_recording() -> None:
    cues = [(f"00:0{n // 20}.{n % 20 * 50:03d}", "00:05.000", f"these are words {n} of {2 * n}") for n in range(100)]
    captions = track(*cues, duration_s=300.0)
    assert captions.timing == "unusable"
    assert captions.words[-1].end_s == pytest.approx(300)
    assert len(captions.words) == 600
    assert_sane(captions, 300.0)


def test_captions_of_another_cut_are_unusable() -> None:
    cues = [(f"00:{n:02d}:00.000", f"00:{n:02d}:05.000", f"words {n} that are said here") for n in range(50)]
    assert track(*cues, duration_s=600.0).timing == "unusable"
    cut = track(*cues, duration_s=2900.0)
    assert (cut.timing, cut.outside) == ("cues", 6)
    assert_sane(cut, 2900.0)


@pytest.mark.parametrize(
    "cues",
    [
        [("00:05.000", "00:05.000", "zero length"), ("00:06.000", "00:07.000", "next")],
        [("00:05.000", "00:04.000", "ends before it starts"), ("00:06.000", "00:07.000", "next")],
        [("00:05.000", "00:09.000", "overlaps the"), ("00:06.000", "00:10.000", "next one")],
        [("00:05.000", "00:09.000", "same start"), ("00:05.000", "00:09.000", "here too")],
        [("00:06.000", "00:09.000", "two"), ("00:01.000", "00:02.000", "one")],
        [("00:05.000", "99:00:00.000", "ends in days")],
    ],
)
def test_cue_times_that_lie_are_repaired(cues: list[tuple[str, str, str]]) -> None:
    captions = track(*cues, duration_s=12.0)
    assert_sane(captions, 12.0)
    assert sorted(texts(captions).split()) == sorted(" ".join(text for _, _, text in cues).split())


def test_a_cue_with_an_impossible_time_is_left_out_alone() -> None:
    captions = track(("00:75:00.000", "00:76:00.000", "never"), ("00:01.000", "00:02.000", "said"))
    assert texts(captions) == "said"


@pytest.mark.parametrize("content", ["", "WEBVTT\n", "WEBVTT\n\n00:01.000 --> 00:02.000\n \n", "<html>404</html>", "1\n00:00:01,000 --> 00:00:02,000\nsrt\n"])  # fmt: skip  # noqa: E501
def test_empty_or_foreign_files_are_one_clear_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "talk.en.vtt"
    path.write_text(content)
    with pytest.raises(CaptionError, match=r"talk\.en\.vtt: ") as caught:
        read_captions(path)
    assert caught.value.hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptionError, match=r"cannot read captions .*missing\.vtt"):
        read_captions(tmp_path / "missing.vtt")


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffWEBVTT\r\n\r\n00:01.000 --> 00:02.000\r\ncafé au lait\r\n".encode(),
        "WEBVTT\r\r00:01.000 --> 00:02.000\rcafé au lait\r".encode(),
        "WEBVTT\n\n00:01.000 --> 00:02.000\ncafé au lait\n".encode("latin-1"),
        "WEBVTT\n\n00:01.000 --> 00:02.000\ncafé au lait\n".encode("utf-16"),
        "WEBVTT\n\n00:01.000 --> 00:02.000\ncafe\u0301 au lait\n".encode(),
    ],
)
def test_any_encoding_and_line_end_is_read(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_bytes(data)
    assert texts(read_captions(tmp_path / "a.vtt")).replace("e\u0301", "é") == "café au lait"


@pytest.mark.parametrize("size", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a ",
        "<",
        "<00:00:01.500>",
        "[",
        "(a",
        "♪",
        "&",
        ">> ",
        "*",
        "A",
        "A ",
        "- ",
        "&lt;c",
        "A B: ",
        "♪ [",
        "\n",
        "(a) ",
        "[a]",
        "<c>",
    ],
)
def test_a_line_of_a_million_characters_takes_seconds_not_hours(unit: str, size: int) -> None:
    body = unit * (size // len(unit))
    began = time.process_time()
    with contextlib.suppress(CaptionError):
        assert_sane(parse_captions(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{body} end\n", duration_s=5.0), 5.0)
    assert time.process_time() - began < 1 + size / 100_000


stamps = st.integers(0, 20_000).map(lambda ms: f"00:{ms // 60_000:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}")
parts = st.one_of(
    st.sampled_from(["word", "two words", "[Music]", ">> ", "♪", "<c>", "</c>", "&amp;", "\n", " - ", "NAME: ", "...", "(laughter)"]),  # noqa: E501
    stamps.map(lambda stamp: f"<{stamp}>"),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda text: "-->" not in text),
)  # fmt: skip
cues = st.lists(st.tuples(stamps, stamps, st.lists(parts, max_size=8).map(" ".join)), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(cues=cues, duration_s=st.one_of(st.none(), st.floats(0.001, 100_000)))
def test_any_file_gives_words_in_order_inside_the_recording(
    cues: list[tuple[str, str, str]], duration_s: float | None
) -> None:
    try:
        captions = track(*cues, duration_s=duration_s)
    except CaptionError:
        return
    assert_sane(captions, duration_s)


@settings(max_examples=300, deadline=None)
@given(
    times=st.lists(st.tuples(st.floats(-5, 1e6), st.floats(-5, 1e6)), max_size=40),
    end_s=st.one_of(st.none(), st.floats(1e-3, 1e6)),
)
def test_any_times_are_put_in_order(times: list[tuple[float, float]], end_s: float | None) -> None:
    ordered = in_order(times, end_s)
    assert len(ordered) == len(times)
    reached_s = 0.0
    for start_s, stop_s in ordered:
        assert reached_s <= start_s < stop_s
        reached_s = stop_s
    assert end_s is None or reached_s <= end_s


def test_times_that_are_in_order_stay_as_they_are() -> None:
    times = [(0.0, 1.0), (1.0, 1.5), (3.0, 4.0)]
    assert in_order(times, 4.0) == times


@given(weights=st.lists(st.floats(0.01, 50), min_size=1, max_size=30))
def test_a_stretch_is_shared_whole(weights: list[float]) -> None:
    shares = spread(weights, 2.0, 5.0)
    assert shares[0][0] == 2.0
    assert shares[-1][1] == pytest.approx(5.0)


@pytest.fixture
def shared_files() -> Path:
    folder = Path(os.environ.get("CLONE_PIPELINE_SHARED", Path(__file__).parents[2].parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no sample files at {folder}")
    return folder


def truth(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return " ".join(row["text"] for row in csv.DictReader(file)).split()


def normal(words: list[str]) -> str:
    return " ".join(re.sub(r"[^a-z' ]", " ", " ".join(words).lower().replace("-", " ")).split())


@pytest.mark.parametrize(
    ("name", "kind", "timing", "punctuated", "chars_per_s"),
    [
        ("captions/auto-2023.en.vtt", "automatic", "words", False, (11, 20)),
        ("captions/auto-cased-2025.en.vtt", "automatic", "words", True, (11, 20)),
        ("captions/auto-colour-2018.en.vtt", "automatic", "words", False, (8, 20)),
        ("captions/manual-short.en.vtt", "manual", "cues", True, (9, 20)),
        ("captions/manual.ru.vtt", "manual", "cues", True, (9, 20)),
        ("talks/audiobook.en.vtt", "manual", "cues", True, (11, 20)),
        ("talks/panel.en.auto.vtt", "automatic", "words", False, (8, 20)),
    ],
)
def test_real_caption_files_give_sane_words(
    name: str, kind: str, timing: str, punctuated: bool, chars_per_s: tuple[float, float], shared_files: Path
) -> None:
    captions = read_captions(shared_files / name)
    assert_sane(captions)
    assert (captions.kind_guess, captions.timing, captions.punctuated) == (kind, timing, punctuated)
    words = captions.words
    rate = sum(len(word.text) + 1 for word in words) / (words[-1].end_s - words[0].start_s)
    assert chars_per_s[0] < rate < chars_per_s[1]
    spoken = [word.text for word in words]
    again = sum(spoken[n : n + 4] == spoken[n + 4 : n + 8] for n in range(len(spoken) - 8))
    assert again <= 3  # four words twice in a row is a roll that was not undone


def test_the_rolling_talk_has_the_words_that_were_said_but_for_its_wrong_ones(shared_files: Path) -> None:
    captions = read_captions(shared_files / "talks/panel.en.auto.vtt")
    said_words = [word.text for word in captions.words]
    assert jiwer.wer(normal(truth(shared_files / "talks/panel.truth.csv")), normal(said_words)) < 0.05


def test_the_audiobook_has_exactly_the_words_that_were_read(shared_files: Path) -> None:
    captions = read_captions(shared_files / "talks/audiobook.en.vtt")
    written = [word for word in truth(shared_files / "talks/audiobook.truth.csv") if word != "--"]
    assert [word.text for word in captions.words] == written

"""WebVTT → timed words: what was said and when, repaired.

webvtt-py reads the file; what a file says is then not believed but repaired: rolling captions say everything twice,
automatic ones carry word times, and some carry times that cannot be true (yt-dlp#2956: a whole talk in 5 seconds).
"""

import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from pipeline.caption_timing import Times, in_order, spread
from pipeline.cue_text import Line, Token, read_lines
from pipeline.errors import CaptionError
from pipeline.records import Word

LARGEST_BYTES = 64 * 2**20
"""A ten-hour talk in rolling captions is about 5 MB."""
_FASTEST_CHARS_PER_S = 40.0
"""Nobody speaks faster: a quick auctioneer reaches 30, a talk 12 to 18. Whole tracks above it have invented times."""
_SPEECH_CHARS_PER_S = 15.0
"""An ordinary talk, for a text that has to be placed without any times."""
_TIMING_LINE = re.compile(r"-->")
_GOOD_TIMING_LINE = re.compile(
    r"\s*(?:\d{1,4}:)?[0-5]?\d:[0-5]?\d\.\d{1,3}\s*-->\s*(?:\d{1,4}:)?[0-5]?\d:[0-5]?\d\.\d{1,3}"
)
_LANGUAGE = re.compile(r"^Language:\s*([A-Za-z0-9-]{2,35})\s*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Cue:
    """What one cue newly says, repeats removed."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Something heard that is no word: music, applause, a word bleeped out."""

    label: str
    """As the captions put it, without brackets; "bleep" for `[ __ ]`."""
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class CaptionTrack:
    """One caption file, repaired: words in order, apart, and inside the recording."""

    words: tuple[Word, ...]
    cues: tuple[Cue, ...]
    """The same words, by the cue that first shows them; a cue ends at its last word's end."""
    sounds: tuple[Sound, ...]
    turns_s: tuple[float, ...]
    """Where `>>`, a dash or `NAME:` says that someone else speaks."""
    punctuated: bool
    """Whether sentences end in punctuation, so that text may be cut and read by it."""
    kind_guess: Literal["manual", "automatic"]
    """By its looks: rolling lines and word times are made by a machine."""
    timing: Literal["words", "cues", "unusable"]
    """How far to trust the times: each word has its own; only cues do; or not at all (spread over the recording)."""
    language: str
    """What the file's header says, or ""."""
    outside: int
    """Words left out because their cue lies behind the end of the recording."""


@dataclass(frozen=True)
class _Spoken:
    """What a cue newly shows."""

    tokens: tuple[Token, ...]
    start_s: float
    end_s: float


def read_captions(path: Path, *, duration_s: float | None = None) -> CaptionTrack:
    """Read and repair a WebVTT file.

    Args:
        path: the file; UTF-8, UTF-16 with a mark, or Windows-1252 line by line where it is not UTF-8.
        duration_s: length of the recording, above 0; no word lies behind it. None: not known.

    Raises:
        CaptionError: no such file, too large, not WebVTT, or without a single word or sound.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise CaptionError(f"{path} is no caption file: larger than {LARGEST_BYTES >> 20} MB")
        text = _decode(path.read_bytes())
    except OSError as error:
        raise CaptionError(f"cannot read captions {path}: {error.strerror}") from error
    try:
        return parse_captions(text, duration_s=duration_s)
    except CaptionError as error:
        raise CaptionError(f"{path}: {error.message}", hint=error.hint) from error


def parse_captions(text: str, *, duration_s: float | None = None) -> CaptionTrack:
    """Repair the text of a WebVTT file: `read_captions` without the file.

    Raises:
        CaptionError: not WebVTT, or without a single word or sound.
    """
    if duration_s is not None and not duration_s > 0:
        raise ValueError(f"duration_s must be above 0, got {duration_s}")
    cues = _read_cues(text)
    rolling = _is_rolling(cues)
    timed = any(line.timed for lines, _, _ in cues for line in lines)
    spoken = list(_without_repeats(cues, rolling=rolling))
    if not spoken:
        raise CaptionError("no words in the captions", hint="the captions are empty: leave them out, or fetch others")
    usable = _times_are_possible(spoken)
    outside = 0
    if usable and duration_s is not None:
        inside = [cue for cue in spoken if cue.start_s < duration_s]
        outside = sum(token.kind == "word" for cue in spoken for token in cue.tokens) - sum(
            token.kind == "word" for cue in inside for token in cue.tokens
        )
        # Captions of another cut of the talk: most lie behind its end, so the others are as wrong.
        usable = 2 * len(inside) > len(spoken)
        spoken, outside = (inside, outside) if usable else (spoken, 0)
    tokens = [token for cue in spoken for token in cue.tokens]
    times = in_order(_cue_times(spoken) if usable else _invented_times(tokens, duration_s), duration_s)
    words = [(token, time) for token, time in zip(tokens, times, strict=True) if token.kind == "word"]
    own_times = sum(token.time_s is not None for token, _ in words)
    ends_marked = sum(
        token.text.rstrip("\"'”’»)]").endswith((".", ",", "?", "!", "…", "。", ";", ":")) for token, _ in words
    )
    found = _LANGUAGE.search(text[:2000])
    return CaptionTrack(
        words=tuple(Word(text=token.text, start_s=time[0], end_s=time[1]) for token, time in words),
        cues=tuple(_cues(spoken, times)),
        sounds=tuple(_sounds(tokens, times)),
        turns_s=tuple(time[0] for token, time in zip(tokens, times, strict=True) if token.kind == "turn"),
        punctuated=ends_marked * 33 > len(words),  # speech has a mark every 8 words or so, unpunctuated captions none
        kind_guess="automatic" if rolling or timed else "manual",
        timing="unusable" if not usable else "words" if 2 * own_times > len(words) else "cues",
        language=found.group(1) if found else "",
        outside=outside,
    )


def _decode(data: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(_decode_line(line) for line in data.replace(b"\r\n", b"\n").split(b"\n"))


def _decode_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:  # old files are Windows-1252; one such line must not garble its neighbours
        return line.decode("cp1252", errors="replace")


def _read_cues(text: str) -> list[tuple[list[Line], float, float]]:
    """Read the cues in order of their starts, each as (lines, start, end); the times as they stand in the file."""
    # webvtt-py refuses a whole file for one minute 75; without its timing line that cue alone is left out.
    text = "\n".join(
        line if not _TIMING_LINE.search(line) or _GOOD_TIMING_LINE.match(line) else ""
        for line in re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    )
    try:
        captions = webvtt.from_string(text).captions
    except (MalformedFileError, MalformedCaptionError) as error:
        raise CaptionError(f"not a WebVTT file: {error}", hint="captions start with the line WEBVTT") from error
    cues = [(read_lines(one.raw_text), _seconds(one.start_time), _seconds(one.end_time)) for one in captions]
    return sorted((cue for cue in cues if cue[0]), key=lambda cue: cue[1])


def _seconds(stamp: webvtt.models.Timestamp) -> float:
    return float(stamp.hours * 3600 + stamp.minutes * 60 + stamp.seconds) + stamp.milliseconds / 1000


def _repeated_lines(before: Sequence[Line], lines: Sequence[Line]) -> int:
    """Count the first lines that only show again how the cue before ended; a line with word times is never one."""
    fresh = next((index for index, line in enumerate(lines) if line.timed), len(lines))
    for count in range(min(len(before), fresh), 0, -1):
        if all(old.plain == new.plain for old, new in zip(before[-count:], lines[:count], strict=True)):
            return count
    return 0


def _grown(before: Sequence[Line], lines: Sequence[Line]) -> bool:
    """Tell whether the last line before comes again with words added: "how" → "how are" → "how are you"."""
    old, new = before[-1].plain, lines[0].plain
    return not lines[0].timed and len(new) > len(old) and new[: len(old)] == old


def _is_rolling(cues: Sequence[tuple[list[Line], float, float]]) -> bool:
    """Tell whether the track shows its lines more than once, as a machine's captions do; a chorus is not enough."""
    repeats = 0
    for (old, _, end_s), (new, start_s, _) in pairwise(cues):
        repeats += start_s <= end_s + 1.0 and (_repeated_lines(old, new) > 0 or _grown(old, new))
    return len(cues) > 3 and repeats > 0.3 * (len(cues) - 1)


def _without_repeats(cues: Iterable[tuple[list[Line], float, float]], *, rolling: bool) -> Iterable[_Spoken]:
    before: Sequence[Line] = ()
    for lines, start_s, end_s in cues:
        fresh: Sequence[Line] = lines
        if rolling and before:
            fresh = lines[_repeated_lines(before, lines) :]
            if len(fresh) == len(lines) and _grown(before, lines):
                fresh = [Line(tokens=lines[0].tokens[len(before[-1].tokens) :]), *lines[1:]]
        before = lines
        if fresh:
            yield _Spoken(tuple(token for line in fresh for token in line.tokens), start_s, end_s)


def _weight(token: Token) -> float:
    return 0.01 if token.kind == "turn" else len(token.text) + 1.0  # the space is a breath


def _times_are_possible(spoken: Sequence[_Spoken]) -> bool:
    """Tell whether the track as a whole could have been said in the time its cues cover."""
    chars = sum(len(token.text) + 1 for cue in spoken for token in cue.tokens if token.kind == "word")
    covered_s, reached_s = 0.0, 0.0
    for cue, following in zip(spoken, [*spoken[1:], None], strict=True):
        # A zero-length cue is as long as the time to the next one.
        end_s = cue.end_s if cue.end_s > cue.start_s else (following.start_s if following else cue.start_s + 5.0)
        covered_s += max(0.0, end_s - max(cue.start_s, reached_s))
        reached_s = max(reached_s, end_s)
    return chars <= _FASTEST_CHARS_PER_S * covered_s or chars < 80  # a short text proves nothing


def _cue_times(spoken: Sequence[_Spoken]) -> list[Times]:
    """Time every token: by its own tag, else its share of the stretch between the tags or cue edges around it."""
    times: list[Times] = []
    for index, cue in enumerate(spoken):
        following_s = next(
            (later.start_s for later in spoken[index + 1 : index + 9] if later.start_s > cue.start_s), None
        )
        end_s = cue.end_s
        if following_s is not None and not cue.start_s < end_s <= following_s:
            end_s = following_s  # zero length, backwards, or running into the next cue
        if end_s <= cue.start_s:
            end_s = cue.start_s + sum(map(_weight, cue.tokens)) / _SPEECH_CHARS_PER_S
        times += _token_times(cue.tokens, cue.start_s, end_s)
    return times


def _token_times(tokens: Sequence[Token], start_s: float, end_s: float) -> list[Times]:
    anchors = [(0, start_s)]
    for index, token in enumerate(tokens):
        if token.time_s is not None and anchors[-1][1] < token.time_s < end_s:
            anchors.append((index, token.time_s))
    times: list[Times] = []
    for (first, from_s), (last, to_s) in zip(anchors, [*anchors[1:], (len(tokens), end_s)], strict=True):
        if first < last:
            times += spread([_weight(token) for token in tokens[first:last]], from_s, to_s)
    if len(anchors) > 1:
        times = [_cut_pause(token, time) for token, time in zip(tokens, times, strict=True)]
    return times


def _cut_pause(token: Token, time: Times) -> Times:
    """End a word where it can no longer last: word tags give starts only, so a pause would count as its word.

    0.4 s and 0.12 s a character are twice a slow reader's; no word of the sample files is cut while it is still said.
    """
    if token.kind != "word":
        return time
    return time[0], min(time[1], time[0] + 0.4 + 0.12 * len(token.text))


def _invented_times(tokens: Sequence[Token], duration_s: float | None) -> list[Times]:
    weights = [_weight(token) for token in tokens]
    return spread(weights, 0.0, duration_s if duration_s is not None else sum(weights) / _SPEECH_CHARS_PER_S)


def _cues(spoken: Sequence[_Spoken], times: Sequence[Times]) -> Iterable[Cue]:
    place = 0
    for cue in spoken:
        here = list(zip(cue.tokens, times[place : place + len(cue.tokens)], strict=True))
        place += len(cue.tokens)
        words = [(token.text, time) for token, time in here if token.kind == "word"]
        if words:
            yield Cue(text=" ".join(text for text, _ in words), start_s=words[0][1][0], end_s=words[-1][1][1])


def _sounds(tokens: Sequence[Token], times: Sequence[Times]) -> Iterable[Sound]:
    last: Sound | None = None
    for token, (start_s, end_s) in zip(tokens, times, strict=True):
        if last and (token.kind != "sound" or token.text != last.label):
            yield last
            last = None
        if token.kind == "sound":
            last = Sound(label=token.text, start_s=last.start_s if last else start_s, end_s=end_s)
    if last:
        yield last

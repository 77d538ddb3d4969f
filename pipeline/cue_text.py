"""The inside of a caption cue: markup, entities, word times, sounds and speaker marks become plain tokens.

two<00:00:13.110><c> days</c>      →  "two" at no time of its own, "days" at 13.110 s
>> ADA: [Music] Tom &amp; I        →  a turn, the sound "Music", "Tom", "&", "I"
"""

import html
import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Token:
    """One word, one sound, or the mark of a new speaker."""

    kind: Literal["word", "sound", "turn"]
    text: str
    time_s: float | None = None
    """Where the file says that it starts; None when the cue says nothing about it."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a cue."""

    tokens: tuple[Token, ...]

    @property
    def plain(self) -> tuple[str, ...]:
        """What is read on the screen: compared to tell a repeated line."""
        return tuple(token.text for token in self.tokens)

    @property
    def timed(self) -> bool:
        """Whether any token has a time of its own."""
        return any(token.time_s is not None for token in self.tokens)


# Unicode's control, format and private characters, tabs and line ends apart: invisible in a caption, and the marks that
# stand in for tags while a cue is read are some of them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ue000-\uf8ff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\U000f0000-\U0010ffff]"
)
_INVISIBLE_BUT_MARKS = re.compile(_INVISIBLE.pattern.replace("\x00-\x08", "\x00\x02-\x08"))
# Every length is bounded: a million "<" or "[" in a row must not cost a million squared.
_TIME_TAG = re.compile(r"<((?:\d{1,4}:)?\d{1,2}:\d{2}\.\d{3})>")
_TAG = re.compile(r"<[^<>\n]{0,300}>|\{\\an?\d\}")
_LATE_TAG = re.compile(r"</?(?:i|b|u|c|font|ruby|rt)(?:[ .][^<>]{0,100})?>", re.IGNORECASE)
_ENTITY_LEFT = re.compile(r"&(?:lt|gt|amp|nbsp|quot|#39);")
_SUNG = re.compile(r"[♪♫♬][^♪♫♬]*(?:[♪♫♬]|\Z)")
_BRACKETS = re.compile(r"\[([^\[\]\n]{1,80})\]|\*([^*\n]{1,40})\*")
_PARENTHESES = re.compile(r"\(([^()\n]{1,80})\)")
# What a caption puts in parentheses when it does not mean words; anything else in them was said.
_SOUND_WORDS = re.compile(
    r"music|applau|laugh|chuckl|giggl|cheer|clap|cough|sigh|sneez|sniff|gasp|groan|whistl|inaudible|unintelligible"
    r"|crosstalk|silence|noise|sound|ring|beep|buzz|bell|knock|door|sing|instrumental|foreign|speaking|crowd|audience"
    r"|музык|аплодис|смех|смеёт|смеет|musik|applaus|lachen|musique|rires|música|aplausos|risas",
    re.IGNORECASE,
)
_TURN = re.compile(r"(?:^|(?<=\s))(?:>{2,3}|(?:[-–—]\s?(?=[^\W\d_])(?<=^.)|[-–—]\s(?<=^..)))\s*", re.MULTILINE)
_SPEAKER = re.compile(
    r"^(\s*)(?:\x02\s*)?(?:[A-ZÀ-ÞА-ЯЁ][A-ZÀ-ÞА-ЯЁ.'’-]*(?: [A-ZÀ-ÞА-ЯЁ0-9][A-ZÀ-ÞА-ЯЁ0-9.'’-]*){0,3}):(?=\s)",
    re.MULTILINE,
)
_SPEAKER_AFTER_TURN = re.compile(r"\x02\s*[^\W\d_][\w.'’-]{0,20}(?: [^\W\d_][\w.'’-]{0,20}){0,2}:(?=\s)")
_CLOSERS = frozenset(".,?!;:…。、，？！")
_DECORATION = frozenset("-–—‐‑_*•·|/\\\"'“”‘’«»<>~#^`()[]{}=♪♫♬�")


def read_lines(raw: str) -> list[Line]:
    """Read the lines of one cue, markup and all.

    Args:
        raw: the cue's text as it stands in the file.

    Returns:
        Lines with at least one token. Empty for a cue that shows nothing.
    """
    sounds: list[str] = []
    times: list[float] = []

    def keep_time(found: re.Match[str]) -> str:
        times.append(read_time_s(found.group(1)))
        return f"\x01{len(times) - 1}\x01"

    def keep_sound(label: str) -> str:
        sounds.append(label)
        return f" \x03{len(sounds) - 1}\x03 "

    def keep_parentheses(found: re.Match[str]) -> str:
        inside = found.group(1)
        alone = len(found.group(0)) == whole
        if _SOUND_WORDS.search(inside) or (inside.isupper() and len(inside) > 2) or (alone and " " not in inside):
            return keep_sound(inside.strip())
        return found.group(0)

    text = _INVISIBLE.sub("", raw)
    text = _TAG.sub("", _TIME_TAG.sub(keep_time, text))
    # Tags before entities: an escaped &lt;b&gt; is text, except that some tools escape twice.
    text = html.unescape(text)
    text = html.unescape(text) if _ENTITY_LEFT.search(text) else text
    if "&" in raw:
        text = _LATE_TAG.sub("", _INVISIBLE_BUT_MARKS.sub("", text))
    text = text.replace("\u00a0", " ")
    text = _SUNG.sub(lambda _: keep_sound("Music"), text)
    text = _BRACKETS.sub(lambda found: keep_sound((found.group(1) or found.group(2)).strip(" _>") or "bleep"), text)
    whole = len(text.strip())
    text = _PARENTHESES.sub(keep_parentheses, text)
    text = _TURN.sub("\x02 ", text)
    text = _SPEAKER_AFTER_TURN.sub("\x02 ", text)
    text = _SPEAKER.sub(r"\1" + "\x02 ", text)
    lines = (_read_line(line, sounds, times) for line in text.split("\n"))
    return [line for line in lines if line.tokens]


def read_time_s(time: str) -> float:
    """Read `[hh:]mm:ss.mmm` as seconds."""
    hours, minutes, seconds = ["0", *time.split(":")][-3:]
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


_MARK = re.compile(r"\x01(\d+)\x01|\x03(\d+)\x03|\x02")


def _read_line(line: str, sounds: list[str], times: list[float]) -> Line:
    tokens: list[Token] = []
    time_s: float | None = None
    place = 0
    for mark in [*_MARK.finditer(line), None]:
        time_s = _add_words(tokens, line[place : mark.start() if mark else len(line)], time_s)
        if mark is None:
            break
        place = mark.end()
        if mark.group(1):
            time_s = times[int(mark.group(1))]
        elif mark.group(2):
            tokens.append(Token(kind="sound", text=sounds[int(mark.group(2))], time_s=time_s))
            time_s = None
        else:
            tokens.append(Token(kind="turn", text=">>", time_s=time_s))
    return Line(tokens=tuple(tokens))


def _add_words(tokens: list[Token], text: str, time_s: float | None) -> float | None:
    """Append the words of `text`; the first takes `time_s`. Return the time still to be given to a token."""
    for part in text.split():
        marks = set(part)
        if marks <= _CLOSERS:
            # "word ?" as French writes it, or an ellipsis on its own
            if tokens and tokens[-1].kind == "word":
                tokens[-1] = Token(kind="word", text=tokens[-1].text + part, time_s=tokens[-1].time_s)
        elif not marks <= _DECORATION | _CLOSERS:
            tokens.append(Token(kind="word", text=part, time_s=time_s))
            time_s = None
    return time_s

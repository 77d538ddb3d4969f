"""The talk itself: a script → sound with music and noise, and word-timed captions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dctts.progress import SILENT, Progress, tracked
from pipeline.demo.speaker import Speaker

SCRIPT = Path(__file__).with_name("talk.txt")
_PAUSE_S = 0.7  # after each line: longer than any pause within one
_GAIN = 0.5
_BED_LEVEL = 0.05
_NOISE_LEVEL = 0.02
_MUSIC_LEVEL = 0.12
_CHORDS_HZ = ((220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6), (164.8, 207.7, 246.9))

Wave = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the script."""

    who: str
    """"host", "guest" or "music"."""
    under: str
    """What plays under the voice: "", "music" or "noise"."""
    said: str
    caption: str
    """What the caption claims was said; captions err."""
    music_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Caption:
    """One cue with the start of each of its words, in seconds."""

    start_s: float
    end_s: float
    text: str
    word_starts_s: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A finished talk."""

    samples: Wave
    """Mono, in [-1, 1]."""
    sample_rate_hz: int
    captions: tuple[Caption, ...]


def read_script(text: str) -> list[Line]:
    """Read lines of `who[+under] | said [| caption]` and `music | seconds`; `#` starts a comment."""
    lines = []
    for row in text.splitlines():
        if not row.strip() or row.startswith("#"):
            continue
        who, said, *caption = (field.strip() for field in row.split("|"))
        if who == "music":
            lines.append(Line(who=who, under="", said="", caption="[Music]", music_s=float(said)))
        else:
            speaker, _, under = who.partition("+")
            lines.append(Line(who=speaker, under=under, said=said, caption=caption[0] if caption else said))
    return lines


def make_talk(script: Sequence[Line], cast: Mapping[str, Speaker], progress: Progress = SILENT) -> Talk:
    """Have a script spoken, line after line.

    Args:
        script: what is said.
        cast: who says it, all at one sample rate.
        progress: a bar of lines.

    Raises:
        ClonePipelineError: a speaker cannot say a line.
    """
    (rate,) = {speaker.sample_rate_hz for speaker in cast.values()}
    pieces: list[Wave] = []
    captions = []
    now_s = 0.0
    for line in tracked(progress, "making a talk", script, len(script)):
        if line.who == "music":
            sound = music(line.music_s, rate, _MUSIC_LEVEL)
            captions.append(Caption(start_s=now_s, end_s=now_s + line.music_s, text=line.caption))
        else:
            spoken = cast[line.who].speak(line.said)
            sound = _under(line.under, spoken.samples.astype(np.float32) * np.float32(_GAIN / 32768), rate)
            captions.append(
                Caption(
                    start_s=now_s,
                    end_s=now_s + len(sound) / rate,
                    text=line.caption,
                    word_starts_s=tuple(now_s + start_s for start_s in spoken.word_starts_s),
                )
            )
        pieces += [sound, np.zeros(round(_PAUSE_S * rate), np.float32)]
        now_s += len(sound) / rate + len(pieces[-1]) / rate
    samples = np.concatenate(pieces)
    room = np.random.default_rng(1).normal(0, 3e-4, len(samples))  # no recording is digitally silent
    return Talk(samples=(samples + room).astype(np.float32), sample_rate_hz=rate, captions=tuple(captions))


def music(duration_s: float, sample_rate_hz: int, level: float) -> Wave:
    """Play slow chords with fading ends, float32[samples]."""
    time_s = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    sound = np.zeros(len(time_s))
    for place, start_s in enumerate(np.arange(0, duration_s, 1.0)):
        since_s = time_s - start_s
        swell = np.where((since_s >= 0) & (since_s < 2), np.exp(-2 * since_s), 0) * np.minimum(1, since_s * 50)
        for note_hz in _CHORDS_HZ[place % len(_CHORDS_HZ)]:
            sound += swell * np.sin(2 * np.pi * note_hz * time_s)
    fade = np.clip(np.minimum(time_s, duration_s - time_s) * 4, 0, 1)
    return np.asarray(level * sound * fade, dtype=np.float32)


def webvtt(captions: Sequence[Caption]) -> str:
    """Write cues with a time tag before each word but the first, as YouTube's automatic captions have them."""
    cues = []
    for caption in captions:
        words = caption.text.split()
        starts_s = caption.word_starts_s if len(caption.word_starts_s) == len(words) else ()
        timed = words[:1] + [
            f"<{_clock(start_s)}><c> {word}</c>" for word, start_s in zip(words[1:], starts_s[1:], strict=False)
        ]
        text = "".join(timed) if starts_s else caption.text
        cues.append(f"{_clock(caption.start_s)} --> {_clock(caption.end_s)}\n{text}\n")
    return "\n".join(["WEBVTT\nKind: captions\nLanguage: en\n", *cues])


def _under(what: str, voice: Wave, rate: int) -> Wave:
    if what == "music":
        return voice + music(len(voice) / rate, rate, _BED_LEVEL)[: len(voice)]
    if what == "noise":
        return voice + np.random.default_rng(0).normal(0, _NOISE_LEVEL, len(voice)).astype(np.float32)
    return voice


def _clock(time_s: float) -> str:
    minutes, milliseconds = divmod(round(time_s * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"

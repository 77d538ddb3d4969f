"""Build a talk whose truth is known to the sample: two readers, music, noise, overlap, and captions that err.

    python -m bench.constructed_talk ../shared talk --host kathleen --guest arctic_bdl --minutes 10 --seed 1

writes talk.flac, talk.en.auto.vtt (rolling cues as YouTube makes them), talk.truth.csv (start_s, end_s, speaker, text,
condition) beside one another. A line of the truth is a phrase: readers pause inside long sentences, and a clip may end
there. Voices are folders in LJSpeech layout under `data/`. `--hard` adds what such talks have besides: turns without a
pause, a telephone insert, a reverberant room, barks, cries and rain, one guest on whom nobody agreed (LibriSpeech), and
caption words that sound like the right one.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from pipeline.align import Aligner
from pipeline.spoken import spoken_forms

Wave = NDArray[np.float32]

RATE_HZ = 16_000
WRONG_SHARE = 0.033
"""Of caption words; two thirds replaced, one third left out, as counted in the panel's captions."""
CONDITIONS = {"clean": 0.79, "music_bed": 0.05, "overlap": 0.03, "filler": 0.04, "truck": 0.075, "clipped": 0.015}
HARD = {"phone": 0.04, "reverb": 0.04, "noise": 0.03}
ENGINES = ("helicopter", "chainsaw")
OTHERS = ("dog-bark", "baby-cry", "rain")
PAUSE_S = 0.2
"""Between aligned words: a longer pause divides a sentence into phrases."""
CHORDS_HZ = ((220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6), (164.8, 207.7, 246.9))
CONFUSED = {
    **{"a": "the", "the": "a", "in": "on", "on": "in", "is": "was", "was": "is", "he": "she", "she": "he"},
    **{"his": "this", "and": "in", "of": "a", "that": "the", "had": "has", "they": "there", "were": "where"},
}


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One line of the truth."""

    start_s: float
    end_s: float
    speaker: str
    text: str
    condition: str


class Voice:
    """Sentences of one reader, each taken once.

    Args:
        folder: in LJSpeech layout, `wavs/<id>.ogg`.
        chance: draws the order.
    """

    def __init__(self, folder: Path, chance: np.random.Generator) -> None:
        rows = [line.split("|") for line in (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()]
        self._rows = [(folder / "wavs" / f"{row[0]}.ogg", row[2]) for row in rows]
        self._order = list(chance.permutation(len(self._rows)))
        self._said: set[str] = set()

    def next(self) -> tuple[Wave, str]:
        """Return the next sentence that was not said yet, trimmed and levelled, and its text."""
        while self._order:
            path, text = self._rows[self._order.pop()]
            if text not in self._said:
                self._said.add(text)
                return speech(path), text
        raise SystemExit("the voice has no more sentences: ask for fewer --minutes")


def speech(path: Path) -> Wave:
    """Read a sentence at 16 kHz, its silent ends cut away, its loudness the same for all."""
    wave, rate_hz = soundfile.read(path, dtype="float32")
    wave = soxr.resample(wave, rate_hz, RATE_HZ)
    count = len(wave) // 160
    levels = 10 * np.log10(wave[: count * 160].reshape(count, 160).var(axis=1) + 1e-9)
    loud = np.flatnonzero(levels > np.percentile(levels, 95) - 38)
    wave = wave[loud[0] * 160 : (loud[-1] + 1) * 160]
    return np.asarray(wave * (0.075 / np.sqrt(np.mean(wave**2))), np.float32)


def music(duration_s: float) -> Wave:
    """Play four chords, two seconds each."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    sound = np.zeros(len(time_s))
    for k, chord in enumerate(CHORDS_HZ):
        on = (time_s // 2 % 4 == k) * (0.5 + 0.5 * np.exp(-3 * (time_s % 2)))
        sound += on * sum(np.sin(2 * np.pi * f * n * time_s) / n for f in chord for n in (1, 2, 3))
    return np.asarray(0.06 * sound, np.float32)


def noise(folder: Path, kinds: Sequence[str], duration_s: float, chance: np.random.Generator) -> Wave:
    """Take one of the noise recordings of some kinds, over and over."""
    files = sorted(file for kind in kinds for file in folder.glob(f"{kind}-*.ogg"))
    wave, rate_hz = soundfile.read(files[chance.integers(len(files))], dtype="float32")
    wave = soxr.resample(wave if wave.ndim == 1 else wave.mean(axis=1), rate_hz, RATE_HZ)
    return np.asarray(np.resize(wave, round(duration_s * RATE_HZ)), np.float32)


def under(voice: Wave, other: Wave, below_db: float) -> Wave:
    """Mix another sound so far below a voice, both by their power."""
    other = np.resize(other, len(voice))
    gain = np.sqrt(np.mean(voice**2) / max(float(np.mean(other**2)), 1e-12)) * 10 ** (-below_db / 20)
    return np.asarray(voice + gain * other, np.float32)


def changed(wave: Wave, condition: str, guest: Voice, data: Path, chance: np.random.Generator) -> Wave:
    """Do to a host's sentence what its condition says."""
    if condition == "music_bed":
        return under(wave, music(len(wave) / RATE_HZ), chance.uniform(6, 12))
    if condition in ("truck", "noise"):
        kinds = ENGINES if condition == "truck" else OTHERS
        return under(wave, noise(data / "noise", kinds, len(wave) / RATE_HZ, chance), chance.uniform(4, 10))
    if condition == "overlap":
        other = guest.next()[0]
        start = int(chance.uniform(0, 0.4) * len(wave))
        tail = np.zeros(len(wave), np.float32)
        tail[start:] = np.resize(other, len(wave) - start)
        return np.asarray(wave + tail, np.float32)
    if condition == "clipped":
        return np.asarray(np.clip(wave * 8, -0.3, 0.3), np.float32)
    if condition == "phone":
        band = butter(6, (300, 3400), "bandpass", fs=RATE_HZ, output="sos")
        return np.asarray(sosfilt(band, wave), np.float32)
    if condition == "reverb":
        time_s = np.arange(round(0.8 * RATE_HZ)) / RATE_HZ
        room = chance.normal(size=len(time_s)) * np.exp(-6.9 * time_s / 0.7)
        wet = fftconvolve(wave, room / np.sqrt(np.sum(room**2)))[: len(wave)]
        return np.asarray((wave + 0.9 * wet) * 0.75, np.float32)
    return wave


def phrases(wave: Wave, text: str, aligner: Aligner) -> list[tuple[float, float, str]]:
    """Divide a clean sentence at its pauses: (start, end, text) of each part, in seconds from its start."""
    written = [word for word in text.split() if spoken_forms(word)]
    owners = [k for k, word in enumerate(written) for _ in spoken_forms(word)]
    tokens = [token for word in written for token in spoken_forms(word)]
    found = aligner.align(tokens, (wave * 32767).clip(-32768, 32767).astype(np.int16))
    whole_s = len(wave) / RATE_HZ
    if found is None:
        return [(0.0, whole_s, text)]
    at = [
        (owners[k + 1], left.end_s, right.start_s)
        for k, (left, right) in enumerate(pairwise(found.words))
        if right.start_s - left.end_s >= PAUSE_S and owners[k] != owners[k + 1]
    ]
    starts, ends = [(0, 0.0), *((k, start) for k, _, start in at)], [*((k, end) for k, end, _ in at), (None, whole_s)]
    return [
        (start, end, " ".join(written[first:last])) for (first, start), (last, end) in zip(starts, ends, strict=True)
    ]


def build(shared: Path, host: str, guest: str, minutes: float, seed: int, *, hard: bool) -> tuple[Wave, list[Segment]]:
    """Put the talk together, sentence by sentence."""
    chance = np.random.default_rng(seed)
    data = shared / "data"
    voices = {"host": Voice(data / host, chance), "guest": Voice(data / guest, chance)}
    strangers = sorted((data / "librispeech" / "train-clean-100").glob("*.ogg"))
    shares = {**CONDITIONS, **(HARD if hard else {})}
    total = sum(shares.values())
    parts: list[Wave] = [music(12.0)]
    segments = [Segment(start_s=0.0, end_s=12.0, speaker="music", text="", condition="clean")]
    at_s = 12.0
    aligner = Aligner()

    def pause(duration_s: float) -> None:
        nonlocal at_s
        parts.append(np.zeros(round(duration_s * RATE_HZ), np.float32))
        at_s += len(parts[-1]) / RATE_HZ

    def say(speaker: str, said: Sequence[tuple[float, float, str]], wave: Wave, condition: str) -> None:
        nonlocal at_s
        for start_s, end_s, text in said:
            segments.append(
                Segment(start_s=at_s + start_s, end_s=at_s + end_s, speaker=speaker, text=text, condition=condition)
            )
        parts.append(wave)
        at_s += len(wave) / RATE_HZ

    while at_s < minutes * 60:
        who = "guest" if chance.random() < 0.3 else "host"
        for _ in range(chance.integers(1, 4) if who == "guest" else chance.integers(2, 8)):
            quick = hard and chance.random() < 0.1
            pause(chance.uniform(0.02, 0.15) if quick else chance.uniform(0.2, 1.7) if chance.random() < 0.8 else 0.25)
            wave, text = voices[who].next()
            condition = "clean"
            if who == "host":
                condition = str(chance.choice(list(shares), p=[share / total for share in shares.values()]))
            said = phrases(wave, text, aligner)
            if condition == "filler":
                said[0] = (*said[0][:2], f"um, {said[0][2]}")
            say(who, said, changed(wave, condition, voices["guest"], data, chance), condition)
        if hard and chance.random() < 0.1:
            pause(0.6)
            wave = speech(strangers[chance.integers(len(strangers))])[: 10 * RATE_HZ]
            say("stranger", [(0.0, len(wave) / RATE_HZ, "")], wave, "clean")
        if chance.random() < 0.07:
            pause(0.4)
            say("music", [(0.0, 8.0, "")], music(8.0), "clean")
    pause(0.5)
    talk = np.concatenate(parts)
    talk = talk + chance.normal(0, 10 ** (-76 / 20), len(talk)).astype(np.float32)
    return np.clip(talk, -1, 1).astype(np.float32), segments


def caption_words(
    segments: Sequence[Segment], chance: np.random.Generator, *, hard: bool
) -> Iterator[tuple[float, float, str]]:
    """Yield (start, end, word): words spread over their letters, half a second early, some wrong, some left out."""
    vocabulary = sorted({word for one in segments for word in spelled(one.text)})
    for one in segments:
        if one.speaker == "music":
            yield one.start_s, one.end_s, "[Music]"
            continue
        words = spelled(one.text)
        letters = sum(len(word) + 2 for word in words)
        at_s = one.start_s - 0.5 + chance.normal(0, 0.05)
        for word in words:
            end_s = at_s + (one.end_s - one.start_s) * (len(word) + 2) / letters
            draw = chance.random()
            if hard and word in CONFUSED and draw < 0.05:
                yield at_s, end_s, CONFUSED[word]
            elif draw < WRONG_SHARE * 2 / 3 and word != "um":
                yield at_s, end_s, str(chance.choice(vocabulary))
            elif draw > WRONG_SHARE or word == "um":
                yield at_s, end_s, word
            at_s = end_s


def spelled(text: str) -> list[str]:
    """Spell a text as automatic captions do: lower case, no punctuation."""
    cleaned = "".join(char if char.isalnum() or char == "'" else " " for char in text.lower().replace("’", "'"))
    return [word.strip("'") for word in cleaned.split() if word.strip("'")]


def rolling(words: Sequence[tuple[float, float, str]]) -> str:
    """Write words as YouTube's rolling captions: each line once while it grows and once above the next."""
    lines = ["WEBVTT", "Kind: captions", "Language: en", ""]
    above = " "
    for first in range(0, len(words), 9):
        row = words[first : first + 9]
        start_s, end_s = max(row[0][0], 0.0), max(row[-1][1], row[0][0] + 0.05, 0.05)
        timed = row[0][2] + "".join(f"<{stamp(start)}><c> {word}</c>" for start, _, word in row[1:])
        plain = " ".join(word for _, _, word in row)
        lines += [f"{stamp(start_s)} --> {stamp(end_s)} align:start position:0%", above, timed, ""]
        lines += [f"{stamp(end_s)} --> {stamp(end_s + 0.01)} align:start position:0%", plain, " ", ""]
        above = plain
    return "\n".join(lines) + "\n"


def stamp(time_s: float) -> str:
    """Format a time as WebVTT does."""
    ms = max(round(time_s * 1000), 0)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def main() -> None:
    """Build one talk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--host", default="kathleen")
    parser.add_argument("--guest", default="arctic_bdl")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hard", action="store_true")
    args = parser.parse_args()
    talk, segments = build(args.shared, args.host, args.guest, args.minutes, args.seed, hard=args.hard)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(args.out.with_suffix(".flac"), talk, RATE_HZ)
    words = list(caption_words(segments, np.random.default_rng(args.seed + 1), hard=args.hard))
    Path(f"{args.out}.en.auto.vtt").write_text(rolling(words), encoding="utf-8")
    with Path(f"{args.out}.truth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["start_s", "end_s", "speaker", "text", "condition"])
        for one in segments:
            writer.writerow([f"{one.start_s:.3f}", f"{one.end_s:.3f}", one.speaker, one.text, one.condition])


if __name__ == "__main__":
    main()

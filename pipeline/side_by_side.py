"""The same sentences said by the base told but five seconds, by the fine-tuned voice, and by the person.

A run's folder holds it as `side-by-side.json` and `side-by-side/<sentence>-<kind>.mp3`.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dctts.atomic import whole_file, write_json

REAL, ZERO_SHOT, FINE_TUNED = KINDS = ("real", "zero-shot", "fine-tuned")
FILE, FOLDER = "side-by-side.json", "side-by-side"
VERSION = 1
_SOUND = re.compile(r"\d{2}-[a-z-]{1,16}\.mp3")
_LARGEST_BYTES = 300_000


@dataclass(frozen=True, kw_only=True)
class Take:
    """One sentence said by one of the three."""

    kind: str
    secs: float
    """Cosine of the speaker vectors with the person's."""
    cer: float
    """Character errors of PocketSphinx."""
    sound: bytes
    """MP3."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence that was never trained on."""

    text: str
    takes: tuple[Take, ...]
    """One of each kind, in their order."""


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """What there is to compare."""

    reference_s: float
    """Of the person's speech that the zero-shot voice was told."""
    minutes: float
    """That the fine-tuned voice was trained on."""
    sentences: tuple[Sentence, ...]

    def mean(self, kind: str) -> tuple[float, float]:
        """Give the mean SECS and CER of one of the three."""
        takes = [take for sentence in self.sentences for take in sentence.takes if take.kind == kind]
        return _mean(take.secs for take in takes), _mean(take.cer for take in takes)


def write_side_by_side(run: Path, made: SideBySide, key: str) -> None:
    """Put it into a run's folder, the JSON last: where that is, all is.

    Args:
        key: of what it was made from.
    """
    each: list[dict[str, Any]] = []
    for number, sentence in enumerate(made.sentences, 1):
        takes = {}
        for take in sentence.takes:
            name = f"{number:02d}-{take.kind}.mp3"
            with whole_file(run / FOLDER / name) as temporary:
                temporary.write_bytes(take.sound)
            takes[take.kind] = {"secs": round(take.secs, 4), "cer": round(take.cer, 4), "sound": name}
        each.append({"text": sentence.text, "takes": takes})
    means = {kind: dict(zip(("secs", "cer"), (round(x, 4) for x in made.mean(kind)), strict=True)) for kind in KINDS}
    about = {"reference_s": round(made.reference_s, 2), "minutes": round(made.minutes, 2)}
    write_json(run / FILE, {"version": VERSION, "key": key, **about, "mean": means, "each": each})


def read_side_by_side(run: Path, key: str | None = None) -> SideBySide | None:
    """Read it back; None where there is none, it cannot be read, or it was made from something else than `key`."""
    try:
        found = json.loads((run / FILE).read_text(encoding="utf-8"))
        if found["version"] != VERSION or key not in (None, found["key"]):
            return None
        return SideBySide(
            reference_s=float(found["reference_s"]),
            minutes=float(found["minutes"]),
            sentences=tuple(
                Sentence(
                    text=str(one["text"]),
                    takes=tuple(_take(run, kind, one["takes"][kind]) for kind in KINDS if kind in one["takes"]),
                )
                for one in found["each"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _take(run: Path, kind: str, entry: dict[str, Any]) -> Take:
    name = str(entry["sound"])
    if not _SOUND.fullmatch(name):
        raise ValueError(f"a sound that is a path: {name!r}")
    path = run / FOLDER / name
    if path.stat().st_size > _LARGEST_BYTES:
        raise ValueError(f"{name} is too large for a page")
    return Take(kind=kind, secs=float(entry["secs"]), cer=float(entry["cer"]), sound=path.read_bytes())


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known) if known else 0.0

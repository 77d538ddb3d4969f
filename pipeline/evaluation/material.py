"""What a voice is measured with: fixed sentences, and the clips of the one it should sound like."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dctts.corpora import read_corpus, sentence_key
from dctts.errors import ManifestError
from dctts.manifest import Utterance
from dctts.shipped import shipped
from pipeline.listen import said_words

T = TypeVar("T")

FIXED = ("harvard", "hard")
HELD_OUT = "held out"
MOST_HELD_OUT = 20
MOST_ENROLLED = 40
"""More clips than these change a speaker's mean vector by less than 0.01, and each takes 0.1 s."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A text to be said."""

    id: str
    set: str
    """`harvard`, `hard` or `held out`."""
    text: str
    clip: Path | None = None
    """The real reading of a held-out text."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """Clips of the speaker whom the voice should sound like."""

    name: str
    """Of the folder, or of the voice it belongs to."""
    speaker: str
    held_out: tuple[Utterance, ...]
    """Never trained on: spoken again and compared."""
    enrolled: tuple[Utterance, ...]
    """Some of the others: who the speaker is."""
    known_words: frozenset[str]
    """Words of all transcripts that were trained on."""


def prompts(material: Material | None) -> list[Prompt]:
    """List the texts: 20 Harvard sentences, 20 hard ones, those of the held-out clips."""
    fixed = [
        Prompt(id=f"{name}-{number:02d}", set=name, text=text)
        for name in FIXED
        for number, text in enumerate(fixed_texts(name), 1)
    ]
    own = material.held_out if material else ()
    return fixed + [Prompt(id=row.id, set=HELD_OUT, text=row.text, clip=row.wav) for row in own]


def fixed_texts(name: str) -> list[str]:
    """Read the sentences of `data/text/<name>.txt`."""
    return shipped(f"text/{name}.txt").read_text(encoding="utf-8").splitlines()


def read_material(
    folder: Path,
    *,
    hold_out: str | None = None,
    speaker: str | None = None,
    name: str | None = None,
    most_held_out: int = MOST_HELD_OUT,
) -> Material:
    """Choose clips of a corpus, spread evenly over it.

    Args:
        folder: in the layout of LJSpeech, VCTK, LibriTTS or LibriSpeech.
        hold_out: regular expression; clips whose id it matches were never trained on. None takes `val.txt`; without
            that none are held out, and all tell who the speaker is.
        speaker: whose clips; needed where the corpus has several.
        name: what to call the corpus and, in LJSpeech layout, its speaker; None takes the folder's name.

    Raises:
        ManifestError: no such clips, several speakers, or an expression that is none.
    """
    rows = read_corpus(folder)
    names = sorted({row.speaker for row in rows})
    if speaker is not None and len(names) > 1:
        rows = [row for row in rows if row.speaker == speaker]
    if not rows or (speaker is None and len(names) > 1):
        raise ManifestError(
            f"{folder} has {len(names)} speakers" + (f", none is {speaker!r}" if speaker else ""),
            hint=f"--speaker NAME, such as {' or '.join(names[:3])}",
        )
    out = _held_out(folder, rows, hold_out)
    sentences = {sentence_key(row.text) for row in out}
    trained = [row for row in rows if sentence_key(row.text) not in sentences]
    return Material(
        name=name or folder.name,
        speaker=name or rows[0].speaker,
        held_out=tuple(_spread(out, most_held_out)),
        enrolled=tuple(_spread(trained, MOST_ENROLLED)),
        known_words=frozenset(word for row in trained for word in said_words(row.text)),
    )


def _held_out(folder: Path, rows: Sequence[Utterance], pattern: str | None) -> list[Utterance]:
    if pattern is None:
        split = folder / "val.txt"
        ids = set(split.read_text(encoding="utf-8").split()) if split.is_file() else set()
        return [row for row in rows if row.id in ids]
    try:
        out = [row for row in rows if re.search(pattern, row.id)]
    except re.error as error:
        raise ManifestError(f"not a regular expression: {pattern!r}: {error}", hint="such as '^LJ050'") from error
    if not out:
        raise ManifestError(
            f"no clip of {folder} has an id that matches {pattern!r}", hint=f"ids look like {rows[0].id}"
        )
    return out


def _spread(items: Sequence[T], most: int) -> list[T]:
    """Take at most so many, evenly from the first to the last."""
    count = min(most, len(items))
    return [items[place * len(items) // count] for place in range(count)]

"""A voice dataset on disk: the LJSpeech layout, the one contract between building data and training on it.

<folder>/metadata.csv     id|text|normalised text     UTF-8, no header, no quoting
<folder>/wavs/<id>.wav    (or .flac, .ogg)             mono
<folder>/train.txt        one id a line, optional      <folder>/val.txt likewise
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dctts.atomic import write_text
from dctts.errors import ManifestError

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One row of a voice dataset: a clip on disk and the words spoken in it."""

    id: str
    wav: Path
    text: str
    """What to train on: the normalised text where the row has one, else the text."""
    speaker: str
    """The dataset folder's name unless the reader of a multi-speaker corpus says otherwise."""


def read_dataset(folder: Path, *, split: str | None = None, speaker: str | None = None) -> list[Utterance]:
    """Read a dataset in LJSpeech layout, in the order of its metadata.

    Args:
        folder: the dataset's folder.
        split: "train" or "val" keeps the ids in `<split>.txt`; None, or no such file, keeps all.
        speaker: name for every row; None takes the folder's name.

    Raises:
        ManifestError: no metadata.csv, a row without text, an id that leaves the folder, a sound file that is missing.
    """
    metadata = folder / "metadata.csv"
    if not metadata.is_file():
        raise ManifestError(
            f"no metadata.csv in {folder}", hint="give a folder in LJSpeech layout: metadata.csv beside wavs/"
        )
    wanted = _read_split(folder, split)
    rows = []
    for number, line in enumerate(metadata.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        where = f"{metadata}, line {number}"
        fields = line.split("|")
        identity, text = fields[0].strip(), fields[-1].strip() if len(fields) > 1 else ""
        if not text and len(fields) > 2:
            text = fields[1].strip()
        if not text:
            raise ManifestError(
                f"no text in {where}: {line[:60]!r}", hint="each row is id|text or id|text|normalised text"
            )
        if wanted is None or identity in wanted:
            wav = _sound_file(folder / "wavs", identity, where)
            rows.append(Utterance(id=identity, wav=wav, text=text, speaker=speaker or folder.name))
    return rows


def write_metadata(folder: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write metadata.csv from (id, text, normalised text); `|` and line ends inside a text become spaces."""
    lines = ("|".join(" ".join(field.replace("|", " ").split()) for field in row) for row in rows)
    write_text(folder / "metadata.csv", "".join(f"{line}\n" for line in lines))


def _read_split(folder: Path, split: str | None) -> set[str] | None:
    if split is None or not (folder / f"{split}.txt").is_file():
        return None
    return set((folder / f"{split}.txt").read_text(encoding="utf-8").split())


def _sound_file(wavs: Path, identity: str, where: str) -> Path:
    # An id is a file name, never a path: a downloaded dataset must not point outside its own folder.
    if not identity or identity.startswith(".") or "/" in identity or "\\" in identity:
        raise ManifestError(f"not a usable id in {where}: {identity!r}", hint="an id is a plain file name")
    for suffix in AUDIO_SUFFIXES:
        path = wavs / f"{identity}{suffix}"
        if path.is_file():
            return path
    raise ManifestError(
        f"no sound file for {identity!r} of {where}", hint=f"expected {wavs / identity}.wav, .flac or .ogg"
    )

"""Readers of public speech corpora: a folder as it unpacks → utterances with their speakers."""

import re
from pathlib import Path

from dctts.errors import ManifestError
from dctts.manifest import Utterance, read_dataset


def read_corpus(folder: Path) -> list[Utterance]:
    """Read a corpus in one of the layouts below, told apart by what the folder holds.

    - LJSpeech, one speaker: `metadata.csv` and `wavs/` (also what `fetch` makes).
    - VCTK: `txt/<speaker>/<id>.txt` and `wav48_silence_trimmed/<speaker>/<id>_mic1.flac` or `wav48/…/<id>.wav`.
    - LibriTTS: `<speaker>/<chapter>/<id>.wav` beside `<id>.normalized.txt`.
    - LibriSpeech: `<speaker>/<chapter>/<id>.flac` beside `<speaker>-<chapter>.trans.txt`.

    Raises:
        ManifestError: none of these, or no utterance in it.
    """
    if (folder / "metadata.csv").is_file():
        return read_dataset(folder)
    rows = _read_vctk(folder) if (folder / "txt").is_dir() else _read_libritts(folder) or _read_librispeech(folder)
    if not rows:
        raise ManifestError(
            f"no speech corpus in {folder}",
            hint="give a folder in the layout of LJSpeech, VCTK, LibriTTS or LibriSpeech",
        )
    return rows


def has_texts(folder: Path) -> bool:
    """Tell whether there are texts in one of these layouts, without reading them."""
    return (
        (folder / "metadata.csv").is_file()
        or (folder / "txt").is_dir()
        or any(next(folder.glob(f"*/*/*.{kind}.txt"), None) for kind in ("normalized", "trans"))
    )


def sentence_key(text: str) -> str:
    """Reduce a sentence to its letters, so that two readings of it are never on both sides of a split."""
    return re.sub(r"[^a-z]", "", text.lower())


def _read_vctk(folder: Path) -> list[Utterance]:
    rows = []
    for path in sorted((folder / "txt").glob("*/*.txt")):
        speaker = path.parent.name
        places = [
            folder / "wav48_silence_trimmed" / speaker / f"{path.stem}_mic1.flac",
            folder / "wav48" / speaker / f"{path.stem}.wav",
        ]
        # Some prompts were never recorded: a text without sound is part of the corpus as it unpacks.
        for wav in (place for place in places if place.is_file()):
            rows.append(_utterance(path, wav, speaker, path.stem))
            break
    return rows


def _read_libritts(folder: Path) -> list[Utterance]:
    rows = []
    for path in sorted(folder.glob("*/*/*.normalized.txt")):
        identity = path.name.removesuffix(".normalized.txt")
        wav = path.with_name(f"{identity}.wav")
        if wav.is_file():
            rows.append(_utterance(path, wav, path.parents[1].name, identity))
    return rows


def _read_librispeech(folder: Path) -> list[Utterance]:
    rows = []
    for path in sorted(folder.glob("*/*/*.trans.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            identity, _, said = line.partition(" ")
            sound = path.with_name(f"{Path(identity).name}.flac")
            if said.strip() and sound.is_file():
                # All in capitals, which would be read as initials.
                text = " ".join(said.lower().split())
                rows.append(Utterance(id=sound.stem, wav=sound, text=text, speaker=path.parents[1].name))
    return rows


def _utterance(text: Path, wav: Path, speaker: str, identity: str) -> Utterance:
    said = " ".join(text.read_text(encoding="utf-8").split())
    if not said:
        raise ManifestError(f"no text in {text}", hint="is the corpus whole?")
    return Utterance(id=identity, wav=wav, text=said, speaker=speaker)

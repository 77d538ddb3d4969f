"""Recordings by speaker, without their words: what an encoder learns from."""

from dataclasses import dataclass
from pathlib import Path

from dctts.corpora import read_corpus
from dctts.errors import ManifestError
from dctts.manifest import AUDIO_SUFFIXES


@dataclass(frozen=True, kw_only=True)
class SpeakerClip:
    """A recording of one person."""

    speaker: str
    """The same name in two folders is the same person."""
    path: Path


def read_speaker_clips(folder: Path) -> list[SpeakerClip]:
    """Read a folder as its corpus unpacks, in the order of its names.

    - LJSpeech and VCTK, as `corpora.read_corpus` does.
    - LibriSpeech and LibriTTS: `<speaker>/<chapter>/<any>.flac`, with texts or without.
    - Files alone: `<speaker>-<any>.flac`.

    Sounds are WAV, FLAC or Ogg.

    Raises:
        ManifestError: no sound in it.
    """
    if (folder / "metadata.csv").is_file() or (folder / "txt").is_dir():
        return [SpeakerClip(speaker=row.speaker, path=row.wav) for row in read_corpus(folder)]
    sounds = sorted(path for path in folder.rglob("*") if path.suffix in AUDIO_SUFFIXES and path.is_file())
    clips = [SpeakerClip(speaker=_speaker(path.relative_to(folder)), path=path) for path in sounds]
    if not clips:
        raise ManifestError(
            f"no recordings in {folder}",
            hint="give a folder in the layout of LibriSpeech, LibriTTS, VCTK or LJSpeech, or files SPEAKER-….flac",
        )
    return clips


def _speaker(path: Path) -> str:
    return path.parts[0] if len(path.parts) > 1 else path.stem.partition("-")[0]

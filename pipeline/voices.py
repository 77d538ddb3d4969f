"""Voice folders: `voices/<name>/` and what lies where inside."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import VoiceError

VOICES_VARIABLE = "CLONE_PIPELINE_VOICES"
DEFAULT_NAME = "default"
RESERVED_NAME = "base"
"""The base voice that ships (`pipeline/bases.py`)."""
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class VoiceFolder:
    """One voice on disk, from what was fetched to the model that speaks.

    Make one with `open_voice`, which checks the name; nothing is created until a stage writes.
    """

    name: str
    folder: Path
    """Absolute, symbolic links resolved."""

    @property
    def sources(self) -> Path:
        """`sources/<id>/`: what was fetched, one folder per recording."""
        return self.folder / "sources"

    @property
    def clips_jsonl(self) -> Path:
        """Every candidate clip, kept or dropped."""
        return self.folder / "clips.jsonl"

    @property
    def reviews_jsonl(self) -> Path:
        """What a person said of clips; it outlives every rebuild."""
        return self.folder / "reviews.jsonl"

    @property
    def dataset(self) -> Path:
        """The kept clips in LJSpeech layout."""
        return self.folder / "dataset"

    @property
    def runs(self) -> Path:
        """`runs/<n>/`: one folder per fine-tuning run."""
        return self.folder / "runs"

    @property
    def voice_safetensors(self) -> Path:
        """The selected model."""
        return self.folder / "voice.safetensors"

    @property
    def report_html(self) -> Path:
        """What was kept and why the rest was not, to open in a browser."""
        return self.folder / "report.html"

    def run_folders(self) -> list[Path]:
        """List the runs, oldest first (by number: 10 comes after 9)."""
        if not self.runs.is_dir():
            return []
        return sorted((path for path in self.runs.iterdir() if _is_run(path)), key=lambda path: int(path.name))

    def newest_run(self) -> Path | None:
        """Find the run with the highest number, or None when there is none."""
        return next(reversed(self.run_folders()), None)

    def next_run(self) -> Path:
        """Name the folder of the run to come; it is not created."""
        newest = self.newest_run()
        return self.runs / str(int(newest.name) + 1 if newest else 1)


def find_voices_dir(voices_dir: Path | None = None) -> Path:
    """Find the folder all voices live in: the argument, else $CLONE_PIPELINE_VOICES, else ./voices."""
    return (voices_dir or Path(os.environ.get(VOICES_VARIABLE) or "voices")).expanduser().resolve()


def references_dir(voices_dir: Path | None = None) -> Path:
    """Name the folder of recordings that were fetched as references: hidden, for it is no voice."""
    return find_voices_dir(voices_dir) / ".references"


def open_voice(name: str = DEFAULT_NAME, voices_dir: Path | None = None) -> VoiceFolder:
    """Name a voice's folder, whether or not it exists yet.

    Raises:
        VoiceError: the name is not a plain file name, is `base`, or leads out of the voices' folder through a symbolic
            link.
    """
    if not _NAME.fullmatch(name):
        raise VoiceError(
            f"not a usable voice name: {name[:80]!r}",
            hint="use up to 64 letters, digits, '-', '_' and '.', not starting with '.', such as --voice ada",
        )
    if name == RESERVED_NAME:
        raise VoiceError(
            f"{RESERVED_NAME!r} is the voice that ships, not one to make",
            hint="choose another name, such as --voice ada",
        )
    root = find_voices_dir(voices_dir)
    folder = (root / name).resolve()
    if folder.parent != root:
        raise VoiceError(
            f"voice {name!r} leads out of {root}, to {folder}",
            hint="replace the symbolic link by a folder, or move the whole voices' folder with --voices-dir",
        )
    if folder.exists() and not folder.is_dir():
        raise VoiceError(f"voice {name!r} is not a folder: {folder}", hint="remove the file, or choose another --voice")
    return VoiceFolder(name=name, folder=folder)


def list_voices(voices_dir: Path | None = None) -> list[VoiceFolder]:
    """List the voices that exist, by name; folders whose names no command could take are left out."""
    root = find_voices_dir(voices_dir)
    if not root.is_dir():
        return []
    names = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    return [open_voice(name, root) for name in names if _NAME.fullmatch(name) and name != RESERVED_NAME]


def _is_run(path: Path) -> bool:
    return path.is_dir() and path.name.isascii() and path.name.isdigit()

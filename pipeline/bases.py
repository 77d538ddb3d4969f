"""The base voices that ship with the tool: `data/base/<name>.safetensors`, each beside its card `<name>.json`.

`base` is the first of them, `base:NAME` a base or a speaker, `base:BASE/SPEAKER` names both.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from dctts.errors import ClonePipelineError
from dctts.shipped import shipped
from pipeline.errors import VoiceError

BASES_VARIABLE = "CLONE_PIPELINE_BASES"
PREFIX = "base"
_SPEAKERS = "speakers."  # the group of speaker vectors in a voice file


@dataclass(frozen=True, kw_only=True)
class Base:
    """One base voice on disk."""

    name: str
    path: Path

    @property
    def speakers(self) -> tuple[str, ...]:
        """Whom it can speak as, in alphabetical order; none when the file is broken or knows but one voice."""
        try:
            with safe_open(self.path, framework="np") as file:  # loads no torch and no weights
                return tuple(sorted(key.removeprefix(_SPEAKERS) for key in file.keys() if key.startswith(_SPEAKERS)))  # noqa: SIM118
        except (OSError, SafetensorError):
            return ()

    @property
    def card(self) -> dict[str, Any]:
        """What the file says of itself: data and licences, steps, scores; empty when it says nothing."""
        try:
            with safe_open(self.path, framework="np") as file:
                card = json.loads((file.metadata() or {}).get("about", "{}")).get("card", {})
        except (OSError, SafetensorError, ValueError, AttributeError):
            return {}
        return card if isinstance(card, dict) else {}


@dataclass(frozen=True, kw_only=True)
class BaseVoice:
    """A base and the speaker it is to speak as."""

    base: Base
    speaker: str
    """"" is the base's own choice."""


def list_bases() -> list[Base]:
    """List the bases of $CLONE_PIPELINE_BASES, else those that ship; the one called `base` first, then by name."""
    folder = _find_folder()
    if folder is None or not folder.is_dir():
        return []
    found = [Base(name=path.stem, path=path) for path in folder.glob("*.safetensors")]
    return sorted(found, key=lambda base: (base.name != PREFIX, base.name))


def is_base_name(name: str) -> bool:
    """Tell whether a voice's name asks for a base: `base` or `base:…`."""
    return name == PREFIX or name.startswith(f"{PREFIX}:")


def find_base_voice(name: str) -> BaseVoice:
    """Find what `base`, `base:BASE`, `base:SPEAKER` or `base:BASE/SPEAKER` names.

    Raises:
        VoiceError: no base is installed, none of this name, or several have a speaker of this name.
    """
    bases = list_bases()
    if not bases:
        raise VoiceError(
            "no base voice in this installation",
            hint=f"train one with clone-pipeline pretrain and put it into a folder named by ${BASES_VARIABLE}",
        )
    asked = name.removeprefix(PREFIX).removeprefix(":")
    if not asked:
        return BaseVoice(base=bases[0], speaker="")
    whole = [BaseVoice(base=base, speaker="") for base in bases if base.name == asked]
    found = whole or [
        BaseVoice(base=base, speaker=speaker)
        for base in bases
        for speaker in base.speakers
        if asked in (speaker, f"{base.name}/{speaker}")
    ]
    if len(found) > 1:
        choices = " or ".join(f"{PREFIX}:{one.base.name}/{one.speaker}" for one in found)
        raise VoiceError(f"several bases have a speaker {asked!r}", hint=f"say which: {choices}")
    if not found:
        raise VoiceError(f"no base voice {asked!r}", hint=f"there is: {', '.join(base_voice_names())}")
    return found[0]


def base_voice_names() -> list[str]:
    """List all names that `speak --voice` takes for a base, the default one first."""
    return list(_names(list_bases()))


def find_base(name_or_path: str) -> Path:
    """Find the file of a base by its name, or take a path as it is.

    Raises:
        VoiceError: neither a file nor a base of this name.
    """
    if Path(name_or_path).is_file():
        return Path(name_or_path)
    for base in list_bases():
        if base.name == name_or_path:
            return base.path
    names = ", ".join(base.name for base in list_bases()) or "none"
    raise VoiceError(
        f"no base {name_or_path!r}: neither a file nor one that ships",
        hint=f"give the path of a voice.safetensors, the name of a shipped base ({names}), or none for random weights",
    )


def _names(bases: list[Base]) -> Iterator[str]:
    for place, base in enumerate(bases):
        yield PREFIX if place == 0 else f"{PREFIX}:{base.name}"
        for speaker in base.speakers:
            yield f"{PREFIX}:{speaker}" if len(bases) == 1 else f"{PREFIX}:{base.name}/{speaker}"


def _find_folder() -> Path | None:
    named = os.environ.get(BASES_VARIABLE)
    if named:
        return Path(named).expanduser()
    try:
        return shipped("base")
    except ClonePipelineError:  # an installation without weights is whole: training starts from random ones
        return None

"""A voice's name → the voice, ready to speak: one the user made, or a base that ships."""

import logging
from dataclasses import replace
from pathlib import Path

from dctts.lexicon import Lexicon
from dctts.vocoders.file import load_vocoder
from dctts.vocoders.interface import GRIFFIN_LIM, NeuralVocoder
from dctts.voice import Voice, as_speaker, load_voice
from dctts.zero_shot import Reference, zero_shot
from pipeline.bases import PREFIX, find_base_voice, is_base_name, list_bases
from pipeline.errors import VoiceError
from pipeline.nearest_base import Target, rank, tell
from pipeline.voices import DEFAULT_NAME, VoiceFolder, open_voice

log = logging.getLogger(__name__)


def load_speaking_voice(name: str, voices_dir: Path | None = None) -> Voice:
    """Load the voice that `--voice` names.

    Raises:
        VoiceError: no such voice, or it cannot speak yet.
        CheckpointError: its file cannot be read.
    """
    if is_base_name(name):
        found = find_base_voice(name)
        voice = load_voice(found.base.path)
        return as_speaker(voice, found.speaker) if found.speaker else voice
    return load_voice(speaking_file(open_voice(name, voices_dir)))


def check_takes_reference(name: str) -> None:
    """Refuse a voice that cannot speak as somebody else, before anything is listened to.

    Raises:
        VoiceError: it is a user's own voice, or no base is installed.
    """
    if is_base_name(name):
        find_base_voice(name)
    elif name == DEFAULT_NAME:
        find_base_voice(PREFIX)
    else:
        raise VoiceError(
            f"voice {name!r} is one person's: it cannot speak as a --reference",
            hint="leave --voice out, or name a base: --voice base",
        )


def load_zero_shot_voice(name: str, reference: Reference, lexicon: Lexicon) -> Voice:
    """Load a base and let it speak as whom a reference tells of; what that cannot tell comes from a base speaker.

    Args:
        name: `base` or the default voice's take the nearest speaker of all bases, `base:BASE` the nearest of that one,
            `base:SPEAKER` that speaker.

    Raises:
        VoiceError: see `check_takes_reference`.
        CheckpointError: a base cannot be read.
    """
    check_takes_reference(name)
    found = find_base_voice(name if is_base_name(name) else PREFIX)
    bases = list_bases() if name in (PREFIX, DEFAULT_NAME) else [found.base]
    matches = rank(Target(vector=reference.vector, traits=reference.traits), bases)
    if found.speaker:
        matches = [match for match in matches if match.speaker == found.speaker]
    log.info("%s", tell(matches))
    return zero_shot(load_voice(matches[0].base.path), reference, lexicon, near=matches[0].speaker)


def with_vocoder(voice: Voice, choice: str) -> Voice:
    """Let a voice speak with the vocoder that `--vocoder` names instead of its own.

    Raises:
        CheckpointError: as for `find_vocoder`.
    """
    return replace(voice, vocoder=find_vocoder(choice))


def find_vocoder(choice: str) -> NeuralVocoder | None:
    """Load what `--vocoder` names; None is Griffin-Lim.

    Raises:
        CheckpointError: there is no such file, or no vocoder in it.
    """
    return None if choice == GRIFFIN_LIM else load_vocoder(Path(choice))


def speaking_file(folder: VoiceFolder) -> Path:
    """Give the file that a user's own voice speaks with.

    Raises:
        VoiceError: it cannot speak yet.
    """
    if not folder.voice_safetensors.is_file():
        shipped = "; --voice base speaks with the one that ships" if list_bases() else ""
        raise VoiceError(
            f"voice {folder.name!r} cannot speak yet: no {folder.voice_safetensors}",
            hint=f"clone-pipeline finetune makes it; clone-pipeline voices lists what there is{shipped}",
        )
    return folder.voice_safetensors

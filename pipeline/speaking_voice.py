"""A voice's name → the voice, ready to speak: one the user made, or a base that ships."""

from pathlib import Path

from dctts.voice import Voice, as_speaker, load_voice
from pipeline.bases import find_base_voice, is_base_name, list_bases
from pipeline.errors import VoiceError
from pipeline.voices import VoiceFolder, open_voice


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

"""What can go wrong through no fault of the code.

    ClonePipelineError            message, and a hint what to do next
    ├── AudioError                a sound file that cannot be read or holds nothing
    ├── TextError                 text that cannot be spoken
    ├── ManifestError             a dataset folder that is not in LJSpeech layout
    ├── CheckpointError           weights that are missing, foreign or broken
    ├── TrainingError             a run that cannot start or go on
    └── SpeakError                a sentence that could not be spoken

The command line shows these in two lines and exits with 1; anything else is a bug and keeps its traceback.
"""


class ClonePipelineError(Exception):
    """Something the user can act on.

    Args:
        message: what went wrong, with the file, URL or value it went wrong with.
        hint: what to do next, or None.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AudioError(ClonePipelineError):
    """A sound file that cannot be read or holds nothing."""


class TextError(ClonePipelineError):
    """Text that cannot be spoken."""


class ManifestError(ClonePipelineError):
    """A dataset folder that is not in LJSpeech layout."""


class CheckpointError(ClonePipelineError):
    """Weights that are missing, foreign or broken."""


class TrainingError(ClonePipelineError):
    """A run that cannot start or go on."""


class SpeakError(ClonePipelineError):
    """A sentence that could not be spoken."""

"""What can go wrong between a URL and a dataset.

ClonePipelineError (dctts.errors)
├── FetchError           a URL, page or file that gives no audio
├── CaptionError         a caption file that cannot be read
├── NoSpeechError        a recording in which nobody speaks
├── TranscribeError      a recogniser that cannot be loaded or run
├── SpeakerError         the wanted speaker is not there
├── DatasetError         nothing left to build a voice from
└── VoiceError           a voice name or folder that cannot be used
"""

from dctts.errors import ClonePipelineError


class FetchError(ClonePipelineError):
    """A URL, page or file that gives no audio."""


class CaptionError(ClonePipelineError):
    """A caption file that cannot be read."""


class NoSpeechError(ClonePipelineError):
    """A recording in which nobody speaks."""


class TranscribeError(ClonePipelineError):
    """A recogniser that cannot be loaded or run."""


class SpeakerError(ClonePipelineError):
    """The wanted speaker is not in a recording."""


class DatasetError(ClonePipelineError):
    """Nothing left to build a voice from."""


class VoiceError(ClonePipelineError):
    """A voice name or folder that cannot be used."""

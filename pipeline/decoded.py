"""A recording's audio as plain wav files, made when first asked for and removed after use."""

import re
import shutil
from pathlib import Path

from dctts.progress import SILENT, Progress
from pipeline.ffmpeg import decode
from pipeline.records import Recording


class DecodedAudio:
    """The mono wav files of one recording.

    They are caches: decoding runs at hundreds of times real time, an hour takes 115 MB at 16 kHz and 159 MB at
    22,050 Hz against some 50 MB of the fetched audio, and nothing needs them once the stages are stored. A run that
    was killed finds them again.

    Args:
        recording: what to decode.
        progress: where to draw.
    """

    def __init__(self, recording: Recording, progress: Progress = SILENT) -> None:
        self._recording = recording
        self._progress = progress
        self._folder = recording.folder / "decoded"

    def wav(self, sample_rate_hz: int) -> Path:
        """Give the wav at a rate, decoding it when it is not there yet."""
        # Named after the audio: when a recording was fetched anew, the old wav is not taken for it.
        path = self._folder / f"{self._recording.audio_sha256[:16]}-{sample_rate_hz}.wav"
        if not path.is_file():
            decode(self._recording.audio, path, sample_rate_hz=sample_rate_hz, progress=self._progress)
        return path

    def name_in(self, message: str) -> str:
        """Put the recording's title in the place of a decoded file's name, which no user has ever seen."""
        pattern = rf"\S*{self._recording.audio_sha256[:16]}-\d+\.wav"
        return re.sub(pattern, lambda _: repr(self._recording.title or self._recording.id), message)

    def remove(self) -> None:
        """Remove what was decoded."""
        shutil.rmtree(self._folder, ignore_errors=True)

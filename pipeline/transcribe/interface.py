"""The one interface of all transcribers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from dctts.progress import SILENT, Progress
from pipeline.records import Span, Utterance


class Transcriber(Protocol):
    """Say what is spoken in stretches of a recording."""

    def transcribe(
        self, wav_16k: Path, spans: Sequence[Span], *, source: str, progress: Progress = SILENT
    ) -> Iterator[Utterance]:
        """Yield utterances in order of time.

        Args:
            wav_16k: the recording, 16 kHz mono.
            spans: stretches of speech in order, of the whole recording or of a part of it.
            source: id of the recording.
            progress: where to draw bars.

        Returns:
            At least one utterance for each span, with text "" where no words were found; an implementation may
            cut a span at its pauses, or join neighbours first.
        """

"""One sitting in which a person judges a voice's clips: what the review page may ask for, and what it may change."""

import io
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from pipeline.clips_file import write_clips
from pipeline.errors import DatasetError
from pipeline.preview import spectrogram
from pipeline.records import Clip, Recording
from pipeline.reviews import apply_reviews, read_reviews, review, write_reviews

_LONGEST_CONTEXT_S = 3.0


class ReviewSession:
    """Clips with their sound; every verdict is on disk when the call returns.

    Args:
        clips: what the machine found, unreviewed, by source and start.
        recordings: source id → recording.
        decoded: source id → its mono wav; asked when a clip of it is heard first.
        reviews_jsonl: where verdicts are kept.
        clips_jsonl: where clips and verdicts together are kept.

    Raises:
        DatasetError: the reviews cannot be read.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        recordings: Mapping[str, Recording],
        *,
        decoded: Callable[[str], Path],
        reviews_jsonl: Path,
        clips_jsonl: Path,
    ) -> None:
        self._machine = list(clips)
        self._recordings = recordings
        self._decoded = decoded
        self._reviews_jsonl, self._clips_jsonl = reviews_jsonl, clips_jsonl
        self._reviews = {one.id: one for one in read_reviews(reviews_jsonl)}
        self._writing, self._decoding = threading.Lock(), threading.Lock()
        self._clips: dict[str, Clip] = {}
        self._lay()

    @property
    def clips(self) -> list[Clip]:
        """Every candidate as it stands now."""
        return list(self._clips.values())

    def recording(self, clip: Clip) -> Recording:
        """Give the recording of a clip."""
        return self._recordings[clip.source]

    def decide(self, identity: str, *, kept: bool, text: str) -> Clip | None:
        """Take a person's verdict on a clip; None when it was an earlier cut's and is now no clip of its own.

        Raises:
            KeyError: no such clip.
            DatasetError: it is to be kept with a text that says nothing.
        """
        with self._writing:
            clip = self._clips[identity]
            text = " ".join(text.split())
            if kept and not any(char.isalnum() for char in text):
                raise DatasetError("a clip without words cannot be kept", hint="write what is said in it, or drop it")
            self._reviews[identity] = review(clip, kept=kept, text=text)
            return self._save(identity)

    def undo(self, identity: str) -> Clip | None:
        """Take a verdict back: the machine's stands again; None when it knows no such clip.

        Raises:
            KeyError: no such clip.
        """
        with self._writing:
            self._clips[identity]
            self._reviews.pop(identity, None)
            return self._save(identity)

    def sound(self, identity: str, context_s: float = 0.0) -> bytes:
        """Give a clip as a wav, with some of what is around it.

        Raises:
            KeyError: no such clip.
        """
        samples, rate = self._read(self._clips[identity], context_s)
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, rate, format="WAV", subtype="PCM_16")
        return buffer.getvalue()

    def picture(self, identity: str) -> bytes:
        """Give a clip's spectrogram as a WebP.

        Raises:
            KeyError: no such clip.
        """
        samples, rate = self._read(self._clips[identity], 0.0)
        return spectrogram(samples if len(samples) else np.zeros(1, np.float32), rate)

    def _read(self, clip: Clip, context_s: float) -> tuple[npt.NDArray[np.float32], int]:
        context_s = min(max(context_s, 0.0), _LONGEST_CONTEXT_S)
        with self._decoding:  # the page asks for several at once: decode once
            wav = self._decoded(clip.source)
        with soundfile.SoundFile(wav) as file:
            start = min(round(max(0.0, clip.start_s - context_s) * file.samplerate), file.frames)
            file.seek(start)
            return file.read(max(0, round((clip.end_s + context_s) * file.samplerate) - start), dtype="float32"), (
                file.samplerate
            )

    def _save(self, identity: str) -> Clip | None:
        # The verdicts first: whatever is killed in between, the next run lays them over the clips again.
        write_reviews(self._reviews_jsonl, self._reviews.values())
        self._lay()
        write_clips(self._clips_jsonl, self._clips.values())
        return self._clips.get(identity)

    def _lay(self) -> None:
        self._clips = {clip.id: clip for clip in apply_reviews(self._machine, list(self._reviews.values()))}

"""Whisper as a second judge, where its weights lie on this machine: nothing is ever downloaded to measure."""

from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
import whisper
from numpy.typing import NDArray

from pipeline.samples import SAMPLE_RATE_HZ
from pipeline.transcribe.whisper import cache_folder, load_whisper

PREFERRED = ("small.en", "small", "medium.en", "base.en", "base", "tiny.en", "tiny")
"""The first that is cached is taken: published figures are mostly small.en's."""


class WhisperListener:
    """Hear English with a Whisper model, greedily: the same sound gives the same words."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @torch.inference_mode()
    def hear(self, wave: NDArray[np.float32], sample_rate_hz: int) -> str:
        """Return what is heard in at most 30 s of mono float32[samples], "" for nothing."""
        samples = soxr.resample(wave, sample_rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), self._model.dims.n_mels)
        options = whisper.DecodingOptions(language="en", temperature=0.0, without_timestamps=True, fp16=False)
        result: Any = whisper.decode(self._model, mel.to(self._model.device), options)
        return " ".join(result.text.split())


def find_whisper(name: str | None = None) -> str | None:
    """Name a model that needs no download: the one asked for, else the best cached; None when there is none."""
    if name is not None and name not in whisper.available_models():
        return name  # a file: `load_whisper` says what is wrong with it
    wanted = PREFERRED if name is None else (name,)
    cached = (one for one in wanted if (cache_folder() / Path(whisper._MODELS[one]).name).is_file())
    return next(cached, None)


def open_whisper(name: str) -> WhisperListener:
    """Load a model that `find_whisper` named.

    Raises:
        TranscribeError: a file that is missing or no checkpoint.
    """
    return WhisperListener(load_whisper(name)[0])

"""Whisper on windows of sound, many at once: weak ones again at a higher temperature, and at last span by span."""

import zlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import whisper
from whisper.tokenizer import LANGUAGES

from dctts.progress import SILENT, Progress
from pipeline import samples as wav_samples
from pipeline.transcribe.windows import Window, WindowOptions


@dataclass(frozen=True, kw_only=True)
class WhisperOptions:
    """How speech is decoded; the thresholds are openai-whisper's own."""

    windows: WindowOptions = field(default_factory=WindowOptions)
    """How spans are gathered where an aligner finds them again, in English."""
    batch: int = 8
    """Windows decoded at once; each is padded to Whisper's 30 s."""
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6)
    """A window that fails at one temperature is decoded again at the next."""
    most_compression: float = 2.4
    """Text that gzips better than this goes round in circles."""
    least_logprob: float = -1.0
    """Mean log probability per token below which the text is a guess."""
    most_no_speech: float = 0.6
    """Above it, and with a text that is a guess, nobody speaks."""
    bf16: bool | None = None
    """Encode in bfloat16, and on a GPU decode too; None where the device multiplies it natively."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What Whisper makes of one window."""

    spans: Window
    text: str
    """"" where nobody speaks."""
    measures: Mapping[str, float]
    """`logprob`, mean per token, and `no_speech_prob`."""


@dataclass(frozen=True, kw_only=True)
class WhisperDecoder:
    """Windows → texts."""

    model: Any
    """A whisper.model.Whisper."""
    language: str
    options: WhisperOptions

    def hear(self, wav_16k: Path, windows: Sequence[Window], progress: Progress = SILENT) -> list[Heard]:
        """Decode windows; one of several spans that fails, or is called silent as a whole, is decoded span by span.

        So a bad span costs its neighbours nothing.

        Args:
            wav_16k: the recording, 16 kHz mono.
            windows: in order.
            progress: where to draw a bar.

        Returns:
            What was heard, in order: one for each window, or for each span of a window that failed.
        """
        results = self._decode_all(wav_16k, windows, progress)
        bad = [k for k, one in enumerate(results) if len(windows[k]) > 1 and (self._fails(one) or self._is_silent(one))]
        spans: list[Window] = [(span,) for k in bad for span in windows[k]]
        alone = iter(zip(spans, self._decode_all(wav_16k, spans, progress), strict=True))
        heard: list[Heard] = []
        for k, (window, result) in enumerate(zip(windows, results, strict=True)):
            pairs = [next(alone) for _ in window] if k in bad else [(window, result)]
            heard += [self._heard(*pair) for pair in pairs]
        return heard

    def _decode_all(self, wav: Path, windows: Sequence[Window], progress: Progress) -> list[Any]:
        results: list[Any] = [None] * len(windows)
        # Of a batch all wait for the one with most words: alike in length they wait least.
        order = sorted(range(len(windows)), key=lambda k: sum(span.duration_s for span in windows[k]))
        with progress.bar("transcribe", sum(map(len, windows))) as bar:
            for start in range(0, len(order), self.options.batch):
                batch = sorted(order[start : start + self.options.batch])
                for k, result in zip(batch, self._decode(wav, [windows[k] for k in batch]), strict=True):
                    results[k] = result
                    bar.advance(len(windows[k]), result.text)
        return results

    def _decode(self, wav: Path, windows: Sequence[Window]) -> list[Any]:
        mels = torch.stack([self._mel(wav, window) for window in windows]).to(self.model.device)
        with torch.inference_mode(), self._precision():
            # Encoded here, once for all temperatures, and as float: whisper.decode refuses features in bf16.
            features = self.model.encoder(mels).float()
        results: list[Any] = [None] * len(windows)
        waiting = list(range(len(windows)))
        for temperature in self.options.temperatures:
            # Whisper draws at temperatures above 0; seeded by what is decoded, a run that goes on ends with the same.
            starts = [windows[i][0].start_s for i in waiting]
            torch.manual_seed(zlib.crc32(repr((round(temperature, 3), starts)).encode()))
            # One token at a time, a processor waits for memory, and torch attends to bf16 in it at a third of the
            # speed of floats: 190 ms a token for a batch of eight, `base`, one core; floats 65 ms.
            with self._precision() if self.model.device.type != "cpu" else nullcontext():
                decoded = self._read(features[waiting], [windows[i] for i in waiting], temperature)
            for index, result in zip(waiting, decoded, strict=True):
                results[index] = result
            waiting = [index for index in waiting if self._fails(results[index])]
            if not waiting:
                break
        return results

    def _read(self, features: torch.Tensor, windows: Sequence[Window], temperature: float) -> list[Any]:
        """Turn features, float[num_windows, 1500, channels], into one whisper.DecodingResult for each window."""
        language = self.language if self.language in LANGUAGES else None  # None: Whisper finds out
        if not self.model.is_multilingual:
            language = "en"
        options = whisper.DecodingOptions(
            language=language, temperature=temperature, without_timestamps=True, fp16=False
        )
        results: list[Any] = whisper.decode(self.model, features, options)
        return results

    def _mel(self, wav: Path, window: Window) -> torch.Tensor:
        samples = wav_samples.to_float(wav_samples.read(wav, window[0].start_s, window[-1].end_s))
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), self.model.dims.n_mels)
        assert isinstance(mel, torch.Tensor)
        return mel

    def _precision(self) -> AbstractContextManager[Any]:
        device = self.model.device.type
        wanted = self.options.bf16
        if wanted is None:
            wanted = (
                torch.cuda.is_bf16_supported() if device == "cuda" else torch.ops.mkldnn._is_mkldnn_bf16_supported()
            )
        return torch.autocast(device, torch.bfloat16) if wanted else nullcontext()

    def _fails(self, result: Any) -> bool:
        if self._is_silent(result):
            return False
        guess = result.avg_logprob < self.options.least_logprob
        return bool(guess or result.compression_ratio > self.options.most_compression)

    def _is_silent(self, result: Any) -> bool:
        quiet = result.no_speech_prob > self.options.most_no_speech
        return bool(quiet and result.avg_logprob < self.options.least_logprob)

    def _heard(self, window: Window, result: Any) -> Heard:
        return Heard(
            spans=window,
            text="" if self._is_silent(result) else " ".join(result.text.split()),
            measures={"logprob": round(result.avg_logprob, 3), "no_speech_prob": round(result.no_speech_prob, 3)},
        )

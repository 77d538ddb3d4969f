"""Whisper: many spans decoded as one batch, weaker ones again at a higher temperature."""

import logging
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import whisper
from whisper.tokenizer import LANGUAGES

from dctts.progress import SILENT, Progress, tracked
from pipeline import samples as wav_samples
from pipeline.errors import TranscribeError
from pipeline.join import ends_sentence
from pipeline.records import Span, Utterance, Word
from pipeline.transcribe.assign import AssignOptions, assign, share_out
from pipeline.transcribe.captions import Captions, clip_ends
from pipeline.transcribe.cut import CutOptions
from pipeline.transcribe.fit import Stretch, fit_here
from pipeline.transcribe.repair import RepairOptions
from pipeline.transcribe.workers import Workers, usable_cores
from pipeline.variants import cer

log = logging.getLogger(__name__)


def load_whisper(model: str, device: str = "auto") -> tuple[Any, str]:
    """Load a Whisper model, downloading it when openai-whisper knows where; that checks the hash of what it gets.

    Args:
        model: a name of openai-whisper's, or a path to a checkpoint in its format: tensors and plain values only, as
            openai-whisper opens it with `weights_only=True`.
        device: `auto`, or what torch calls it.

    Returns:
        The model in evaluation mode, and where its weights came from.

    Raises:
        TranscribeError: no such file or name, not a checkpoint, or not cached and not to be downloaded.
    """
    known = model in whisper.available_models()
    if not known and not Path(model).is_file():
        raise TranscribeError(
            f"no Whisper model {model!r}",
            hint=f"give a path, or one of: {', '.join(whisper.available_models())}",
        )
    cached = known and (cache_folder() / Path(whisper._MODELS[model]).name).is_file()
    where = "from a file" if not known else "cached" if cached else "just downloaded"
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return whisper.load_model(model, device=device).eval(), where
    except OSError as error:  # urllib's errors are OSErrors
        reason = getattr(error, "reason", None) or error
        raise TranscribeError(
            f"Whisper {model} is not cached and cannot be downloaded: {reason}"
            if known and not cached
            else f"cannot load Whisper from {model}: {reason}",
            hint=f"put {model}.pt into {cache_folder()}, or take another --transcriber" if known else None,
        ) from error
    except Exception as error:  # unpickling raises what it likes, from UnpicklingError to KeyError
        raise TranscribeError(
            f"cannot load Whisper from {model}: {str(error).splitlines()[0] if str(error) else error!r}",
            hint="a checkpoint in OpenAI's format is a dict with `dims` and `model_state_dict`, tensors only",
        ) from error


def cache_folder() -> Path:
    """Return where openai-whisper keeps its downloads."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"


@dataclass(frozen=True, kw_only=True)
class WhisperOptions:
    """How spans are decoded; the thresholds are openai-whisper's own."""

    batch: int = 8
    """Spans decoded at once; each is padded to Whisper's 30 s."""
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6)
    """A span that fails at one temperature is decoded again at the next."""
    most_compression: float = 2.4
    """Text that gzips better than this goes round in circles."""
    least_logprob: float = -1.0
    """Mean log probability per token below which the text is a guess."""
    most_no_speech: float = 0.6
    """Above it, and with a text that is a guess, nobody speaks."""
    bf16: bool | None = None
    """Decode in bfloat16; None where the device multiplies it natively."""


@dataclass(frozen=True, kw_only=True)
class WhisperTranscriber:
    """Text from Whisper, with captions, where there are any, as second witness; or the other way round.

    Captions with punctuation keep it and give the text; all others are a machine's, and Whisper is the better one.
    In English the text is laid on the sound, weighed and cut at its pauses as captions are.
    """

    model: Any
    """A whisper.model.Whisper."""
    captions: Captions | None = None
    language: str = "en"
    options: WhisperOptions = field(default_factory=WhisperOptions)
    workers: Workers = field(default_factory=lambda: Workers(usable_cores()))
    cut: CutOptions = field(default_factory=CutOptions)
    repair: RepairOptions = field(default_factory=RepairOptions)

    def transcribe(
        self, wav_16k: Path, spans: Sequence[Span], *, source: str, progress: Progress = SILENT
    ) -> Iterator[Utterance]:
        """Yield utterances in order of time: one for each span, cut at its pauses where its words are aligned."""
        results: list[Any] = []
        with progress.bar("transcribe", len(spans)) as bar:
            remaining = iter(spans)
            while batch := list(islice(remaining, self.options.batch)):
                results += self._decode(wav_16k, batch)
                bar.advance(len(batch), results[-1].text)
        texts = [self._text(result) for result in results]
        heard = [_timed(text, span) for text, span in zip(texts, spans, strict=True)]
        measures = [
            {"logprob": round(result.avg_logprob, 3), "no_speech_prob": round(result.no_speech_prob, 3)}
            for result in results
        ]
        if self.language != "en":  # the aligner knows English only
            yield from self._unaligned(spans, texts, heard, measures, source)
            return
        stretches = list(self._stretches(wav_16k, spans, heard, source))
        done = self.workers.spread(fit_here, stretches)
        for utterances in tracked(progress, "align", done, len(stretches)):
            for utterance in utterances:
                middle_s = (utterance.span.start_s + utterance.span.end_s) / 2
                near = min(range(len(spans)), key=lambda k: abs((spans[k].start_s + spans[k].end_s) / 2 - middle_s))
                yield replace(utterance, measures={**utterance.measures, **measures[near]})

    def _stretches(
        self, wav: Path, spans: Sequence[Span], heard: Sequence[Sequence[Word]], source: str
    ) -> Iterator[Stretch]:
        captions = self.captions
        if captions is not None and captions.punctuated:
            units, _ = assign(captions.words, clip_ends(captions), spans, heard, AssignOptions())
            for unit in units:
                yield Stretch(
                    wav_16k=wav,
                    source=source,
                    spans=tuple(spans[unit.first : unit.last + 1]),
                    words=unit.words,
                    ends=unit.ends,
                    heard=tuple(word for i in range(unit.first, unit.last + 1) for word in heard[i]),
                    mendable=captions.kind_guess != "manual",
                    cut=self.cut,
                    repair=self.repair,
                    names=("captions", "whisper"),
                )
            return
        shares = share_out(captions.words, spans, heard, AssignOptions()) if captions is not None else heard
        for span, words, share in zip(spans, heard, shares, strict=True):
            yield Stretch(
                wav_16k=wav,
                source=source,
                spans=(span,),
                words=tuple(words),
                ends=tuple(ends_sentence(word.text) for word in words),
                heard=tuple(share),
                mendable=False,
                cut=self.cut,
                repair=self.repair,
                names=("whisper", "captions" if captions is not None else "whisper"),
            )

    def _unaligned(
        self,
        spans: Sequence[Span],
        texts: Sequence[str],
        heard: Sequence[Sequence[Word]],
        measures: Sequence[Mapping[str, float]],
        source: str,
    ) -> Iterator[Utterance]:
        captions = self.captions
        shares = share_out(captions.words, spans, heard, AssignOptions()) if captions is not None else heard
        for span, text, share, one in zip(spans, texts, shares, measures, strict=True):
            witnesses, more = {"whisper": text}, {}
            if captions is not None:
                witnesses["captions"] = " ".join(word.text for word in share)
                more["agreement_cer"] = round(cer(text.lower().split(), witnesses["captions"].lower().split()), 3)
            yield Utterance(source=source, span=span, text=text, witnesses=witnesses, measures={**one, **more})

    def _decode(self, wav: Path, spans: Sequence[Span]) -> list[Any]:
        mels = torch.stack([self._mel(wav, span) for span in spans]).to(self.model.device)
        with torch.inference_mode(), self._precision():
            # Encoded here, once for all temperatures, and as float: whisper.decode refuses features in bf16.
            features = self.model.encoder(mels).float()
        results: list[Any] = [None] * len(spans)
        waiting = list(range(len(spans)))
        for temperature in self.options.temperatures:
            # Whisper draws at temperatures above 0; seeded by what is decoded, a run that goes on ends with the same.
            torch.manual_seed(zlib.crc32(repr((round(temperature, 3), [spans[i].start_s for i in waiting])).encode()))
            with self._precision():
                decoded = whisper.decode(self.model, features[waiting], self._decoding(temperature))
            for index, result in zip(waiting, decoded, strict=True):
                results[index] = result
            waiting = [index for index in waiting if self._fails(results[index])]
            if not waiting:
                break
        return results

    def _mel(self, wav: Path, span: Span) -> torch.Tensor:
        samples = wav_samples.to_float(wav_samples.read(wav, span.start_s, span.end_s))
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), self.model.dims.n_mels)
        assert isinstance(mel, torch.Tensor)
        return mel

    def _decoding(self, temperature: float) -> Any:
        language = self.language if self.language in LANGUAGES else None  # None: Whisper finds out
        if not self.model.is_multilingual:
            language = "en"
        return whisper.DecodingOptions(language=language, temperature=temperature, without_timestamps=True, fp16=False)

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

    def _text(self, result: Any) -> str:
        return "" if self._is_silent(result) else " ".join(result.text.split())


def _timed(text: str, span: Span) -> list[Word]:
    """Spread words evenly over their letters: near enough to tell which captions belong to a span."""
    words = text.split()
    letters = sum(len(word) + 1 for word in words)
    timed, at = [], span.start_s
    for word in words:
        end = at + span.duration_s * (len(word) + 1) / letters
        timed.append(Word(text=word, start_s=at, end_s=end))
        at = end
    return timed

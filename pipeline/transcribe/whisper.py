"""Whisper as transcriber: windows of neighbouring spans are heard at once, and the aligner finds their words again."""

import logging
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch
import whisper

from dctts.progress import SILENT, Progress, tracked
from pipeline.errors import TranscribeError
from pipeline.join import ends_sentence
from pipeline.records import Span, Utterance, Word
from pipeline.transcribe.assign import AssignOptions, assign, share_out
from pipeline.transcribe.captions import Captions, clip_ends
from pipeline.transcribe.cut import CutOptions
from pipeline.transcribe.fit import Stretch, fit_here
from pipeline.transcribe.repair import RepairOptions
from pipeline.transcribe.whisper_decoding import Heard, WhisperDecoder, WhisperOptions
from pipeline.transcribe.windows import Window, merge
from pipeline.transcribe.workers import Workers, usable_cores
from pipeline.variants import cer

log = logging.getLogger(__name__)

LEAST_S = 1.0
"""A span shorter than this may well hold no word: a breath, a cough; alone it would be no clip either."""

LONGEST_WORD_S = 2.0
"""A longer word lies on something that is no word; so holds openai-whisper. In 13 windows of the panel the one whose
words were laid on the music before them had one of 9.8 s, all others none over 0.94 s."""


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
class WhisperTranscriber:
    """Text from Whisper, with captions, where there are any, as second witness; or the other way round.

    Captions with punctuation keep it and give the text; all others are a machine's, and Whisper is the better one.
    In English the spans are gathered into windows, and the aligner finds again what was said in each; the text is
    laid on the sound, weighed and cut at its pauses as captions are. In other languages each span is heard alone.
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
        if self.language != "en":  # the aligner knows English only
            heard = self._decoder.hear(wav_16k, [(span,) for span in spans], progress)
            yield from self._unaligned(heard, source)
            return
        heard, fitted = self._laid_on(wav_16k, spans, source, progress)
        if self.captions is not None and self.captions.punctuated:
            stretches = list(self._of_captions(wav_16k, spans, fitted, source))
            fitted = list(tracked(progress, "align", self.workers.spread(fit_here, stretches), len(stretches)))
        middles = [_middle(window) for window in _whole(heard)]
        for utterance in chain.from_iterable(fitted):
            near = min(range(len(heard)), key=lambda k: abs(middles[k] - _middle(utterance.span)))
            yield replace(utterance, measures={**utterance.measures, **heard[near].measures})

    @property
    def _decoder(self) -> WhisperDecoder:
        return WhisperDecoder(model=self.model, language=self.language, options=self.options)

    def _laid_on(
        self, wav: Path, spans: Sequence[Span], source: str, progress: Progress
    ) -> tuple[list[Heard], list[list[Utterance]]]:
        """Hear the spans in windows, and lay the words of each window on the sound.

        Where that fails, stretches a word, or leaves a span without words that is long enough to hold some, Whisper
        skipped it or made something up, or there is music in it: the window is heard again span by span.
        """
        heard = self._decoder.hear(wav, merge(spans, self.options.windows), progress)
        fitted = self._fit(wav, heard, range(len(heard)), source, progress)
        doubtful = {k for k, one in enumerate(heard) if len(one.spans) > 1 and _is_doubtful(one.spans, fitted[k])}
        if not doubtful:
            return heard, fitted
        log.info("%d of %d windows are heard again span by span", len(doubtful), len(heard))
        again = iter(self._decoder.hear(wav, [(span,) for k in sorted(doubtful) for span in heard[k].spans], progress))
        parts = [[next(again) for _ in one.spans] if k in doubtful else [one] for k, one in enumerate(heard)]
        new = [k in doubtful for k, part in enumerate(parts) for _ in part]
        heard = [one for part in parts for one in part]
        refitted = iter(self._fit(wav, heard, [k for k, one in enumerate(new) if one], source, progress))
        kept = iter([one for k, one in enumerate(fitted) if k not in doubtful])
        return heard, [next(refitted) if one else next(kept) for one in new]

    def _fit(
        self, wav: Path, heard: Sequence[Heard], which: Sequence[int], source: str, progress: Progress
    ) -> list[list[Utterance]]:
        """Lay the words of some windows on the sound, beside what captions without punctuation say there."""
        words = [_timed(one) for one in heard]
        captions = None if self.captions is None or self.captions.punctuated else self.captions
        others = words if captions is None else share_out(captions.words, _whole(heard), words, AssignOptions())
        stretches = [
            Stretch(
                wav_16k=wav,
                source=source,
                spans=heard[k].spans,
                words=tuple(words[k]),
                ends=tuple(ends_sentence(word.text) for word in words[k]),
                heard=tuple(others[k]),
                mendable=False,
                cut=self.cut,
                repair=self.repair,
                names=("whisper", "captions" if captions is not None else "whisper"),
            )
            for k in which
        ]
        return list(tracked(progress, "align", self.workers.spread(fit_here, stretches), len(stretches)))

    def _of_captions(
        self, wav: Path, spans: Sequence[Span], fitted: Sequence[Sequence[Utterance]], source: str
    ) -> Iterator[Stretch]:
        """Give the captions out to the spans, beside the words that were found in each."""
        captions = self.captions
        assert captions is not None
        heard = _by_span(spans, [word for utterance in chain.from_iterable(fitted) for word in utterance.words])
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

    def _unaligned(self, heard: Sequence[Heard], source: str) -> Iterator[Utterance]:
        captions = self.captions
        words = [_timed(one) for one in heard]
        shares = share_out(captions.words, _whole(heard), words, AssignOptions()) if captions is not None else words
        for one, share in zip(heard, shares, strict=True):
            witnesses, more = {"whisper": one.text}, {}
            if captions is not None:
                witnesses["captions"] = " ".join(word.text for word in share)
                more["agreement_cer"] = round(cer(one.text.lower().split(), witnesses["captions"].lower().split()), 3)
            yield Utterance(
                source=source,
                span=one.spans[0],
                text=one.text,
                witnesses=witnesses,
                measures={**one.measures, **more},
            )


def _whole(heard: Sequence[Heard]) -> list[Span]:
    return [Span(start_s=one.spans[0].start_s, end_s=one.spans[-1].end_s) for one in heard]


def _middle(span: Span | Word) -> float:
    return (span.start_s + span.end_s) / 2


def _timed(heard: Heard) -> list[Word]:
    """Spread words evenly over their letters and the spans: near enough to tell which captions belong to a window."""
    words = heard.text.split()
    letters = sum(len(word) + 1 for word in words)
    speech_s = sum(span.duration_s for span in heard.spans)
    timed, said = [], 0
    for word in words:
        edges = [_spoken_at(heard.spans, speech_s * count / letters) for count in (said, said + len(word) + 1)]
        timed.append(Word(text=word, start_s=edges[0], end_s=edges[1]))
        said += len(word) + 1
    return timed


def _spoken_at(spans: Window, speech_s: float) -> float:
    """Say when so many seconds of the spans have passed, in seconds of the recording."""
    for span in spans[:-1]:
        if speech_s <= span.duration_s:
            return span.start_s + speech_s
        speech_s -= span.duration_s
    return min(spans[-1].start_s + speech_s, spans[-1].end_s)


def _is_doubtful(spans: Window, utterances: Sequence[Utterance]) -> bool:
    """Tell whether words were not aligned, one is far too long, or a span got none."""
    words = [word for utterance in utterances for word in utterance.words]
    if any(utterance.measures.get("aligned") == 0 for utterance in utterances):
        return True
    if any(word.end_s - word.start_s > LONGEST_WORD_S for word in words):
        return True
    found = _by_span(spans, words)
    return any(not own and span.duration_s >= LEAST_S for span, own in zip(spans, found, strict=True))


def _by_span(spans: Sequence[Span], words: Sequence[Word]) -> list[list[Word]]:
    """Give each span the words said in it; what lies in a pause belongs to the nearest."""
    starts = [span.start_s for span in spans]
    found: list[list[Word]] = [[] for _ in spans]
    for word in words:
        k = max(bisect_right(starts, _middle(word)) - 1, 0)
        if k + 1 < len(spans) and spans[k + 1].start_s - _middle(word) < _middle(word) - spans[k].end_s:
            k += 1
        found[k].append(word)
    return found

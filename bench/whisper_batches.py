"""Whisper on the spans of a talk: our windows in batches against `whisper.transcribe` on each span.

    python -m bench.whisper_batches ../shared/talks/audiobook.m4a [--model PATH] [--spans 32] [--rounds 5] [--threads 2]

The same spans, as `fetch` finds them, the same network, the same tokens: both decode greedily, exactly so many for
each span as English speech of its length has, and our windows as many as their spans together. Without --model the
network has the sizes of `base` and random weights. What comes after, the alignment, is in neither time. Both are timed
in turns; processor time stands beside the wall's, as it shows less of what else runs.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
import whisper
from whisper.decoding import DecodingTask, LogitFilter
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from pipeline import samples as wav_samples
from pipeline.ffmpeg import decode
from pipeline.records import Span
from pipeline.samples import SAMPLE_RATE_HZ
from pipeline.segment import find_spans
from pipeline.transcribe.whisper_decoding import WhisperDecoder, WhisperOptions
from pipeline.transcribe.windows import Window, merge

BASE = ModelDimensions(
    n_mels=80, n_audio_ctx=1500, n_audio_state=512, n_audio_head=8, n_audio_layer=6,
    n_vocab=51865, n_text_ctx=448, n_text_state=512, n_text_head=8, n_text_layer=6,
)  # fmt: skip
TOKENS_PER_S = 3.5
"""Of read English: 15 letters a second, four to a token."""


class Exactly(LogitFilter):  # type: ignore[misc]
    """End each row after so many tokens, and not before."""

    def __init__(self, counts: Sequence[int], begin: int, end: int) -> None:
        self._counts, self._begin, self._end = torch.tensor(counts), begin, end

    def apply(self, logits: torch.Tensor, tokens: torch.Tensor) -> None:
        """Leave rows that are full only the end token, the others all but it."""
        full = self._counts <= tokens.shape[1] - self._begin
        logits[:, self._end] = -torch.inf
        logits[full] = -torch.inf
        logits[full, self._end] = 0.0


class Counting(WhisperDecoder):
    """Ours, decoding so many tokens and no fewer."""

    def _read(self, features: torch.Tensor, windows: Sequence[Window], temperature: float) -> list[Any]:
        counts = [sum(map(num_tokens, window)) for window in windows]
        options = whisper.DecodingOptions(
            language="en", temperature=temperature, without_timestamps=True, fp16=False, sample_len=max(counts) + 1
        )
        task = DecodingTask(self.model, options)
        task.logit_filters.append(Exactly(counts, task.sample_begin, task.tokenizer.eot))
        results: list[Any] = task.run(features)
        counted = [len(result.tokens) for result in results]
        if counted != counts:
            raise AssertionError(f"decoded {counted} tokens, not {counts}")
        return results


def num_tokens(span: Span) -> int:
    """Say how many tokens a span has."""
    return max(1, round(span.duration_s * TOKENS_PER_S))


def random_model() -> Whisper:
    """Give a network of the sizes of `base`, with small random weights."""
    torch.manual_seed(0)
    model = Whisper(BASE)
    for tensor in model.state_dict().values():
        tensor.normal_(0, 0.02)
    return model.eval()


def transcribe_each(model: Any, wav: Path, spans: Sequence[Span]) -> None:
    """Run `whisper.transcribe` on each span, as its README has it, with no second try at a higher temperature."""
    end = get_tokenizer(multilingual=model.is_multilingual).eot
    for span in spans:
        found = whisper.transcribe(
            model,
            wav_samples.to_float(wav_samples.read(wav, span.start_s, span.end_s)),
            language="en",
            temperature=0.0,
            fp16=False,
            without_timestamps=True,
            sample_len=num_tokens(span),
            suppress_tokens=[-1, end],
            logprob_threshold=None,
            compression_ratio_threshold=None,
            no_speech_threshold=None,
        )
        count = sum(len(segment["tokens"]) for segment in found["segments"])
        if count != num_tokens(span):
            raise AssertionError(f"decoded {count} tokens, not {num_tokens(span)}")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds on the wall and of all processors."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Time both, in turns, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("talk", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--spans", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = whisper.load_model(args.model, device="cpu") if args.model else random_model()
    # Random weights are sure of nothing, and must not be asked again for that.
    options = WhisperOptions(temperatures=(0.0,), least_logprob=-1e9, most_compression=1e9)
    ours = Counting(model=model, language="en", options=options)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "talk.wav"
        decode(args.talk, wav, sample_rate_hz=SAMPLE_RATE_HZ)
        spans = find_spans(wav)[: args.spans]
        windows = merge(spans, options.windows)
        ours.hear(wav, [(spans[0],)])  # warm
        transcribe_each(model, wav, spans[:1])
        rows = []
        for _ in range(args.rounds):
            own, plain = timed(lambda: ours.hear(wav, windows)), timed(lambda: transcribe_each(model, wav, spans))
            rows.append((*own, *plain, plain[0] / own[0], plain[1] / own[1]))
            print([round(value, 2) for value in rows[-1]], file=sys.stderr, flush=True)
    middle = [round(median(column), 2) for column in zip(*rows, strict=True)]
    row = {
        "spans": len(spans),
        "seconds": round(sum(span.duration_s for span in spans), 1),
        "windows": len(windows),
        "tokens": sum(map(num_tokens, spans)),
        "ours_s": middle[0],
        "ours_processor_s": middle[1],
        "whisper_transcribe_s": middle[2],
        "whisper_transcribe_processor_s": middle[3],
        "times_faster": middle[4],
        "times_faster_each_round": [round(row[4], 1) for row in rows],
        "times_less_processor": middle[5],
        "times_less_processor_each_round": [round(row[5], 1) for row in rows],
        "threads": args.threads,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()

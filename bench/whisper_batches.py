"""Whisper on spans of a talk: our batches against `whisper.transcribe` on each span, the same model and tokens.

    python -m bench.whisper_batches [--model PATH] [--spans 16] [--seconds 4] [--tokens 24] [--threads 2]

Without --model the network has the sizes of `base` and random weights. Both decode greedily, and neither may end
before `--tokens` tokens, so that both decode the same number whatever the weights say.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
import whisper
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from pipeline.records import Span
from pipeline.transcribe.whisper import WhisperOptions, WhisperTranscriber
from pipeline.transcribe.workers import Workers

BASE = ModelDimensions(
    n_mels=80, n_audio_ctx=1500, n_audio_state=512, n_audio_head=8, n_audio_layer=6,
    n_vocab=51865, n_text_ctx=448, n_text_state=512, n_text_head=8, n_text_layer=6,
)  # fmt: skip


class Counting(WhisperTranscriber):
    """Ours, decoding so many tokens and no fewer."""

    def _decoding(self, temperature: float) -> Any:
        return whisper.DecodingOptions(**SAME, temperature=temperature, fp16=False)


SAME: dict[str, Any] = {}


def random_model() -> Whisper:
    """Give a network of the sizes of `base`, with small random weights."""
    torch.manual_seed(0)
    model = Whisper(BASE)
    for tensor in model.state_dict().values():
        tensor.normal_(0, 0.02)
    return model.eval()


def main() -> None:
    """Time both, in turns, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--spans", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = whisper.load_model(args.model, device="cpu") if args.model else random_model()
    end = get_tokenizer(multilingual=model.is_multilingual).eot
    SAME.update(language="en", sample_len=args.tokens, suppress_tokens=[-1, end], without_timestamps=True)
    SAME.update(suppress_blank=False)
    spans = [Span(start_s=k * args.seconds, end_s=(k + 1) * args.seconds) for k in range(args.spans)]
    sound = np.random.default_rng(0).normal(0, 0.1, round(args.spans * args.seconds * 16_000)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "talk.wav"
        soundfile.write(wav, sound, 16_000, subtype="PCM_16")
        ours = Counting(model=model, options=WhisperOptions(temperatures=(0.0,)), workers=Workers(1), language="en")
        warm = ours._decode(wav, spans[:1])
        started = [time.perf_counter(), time.process_time()]
        results = [one for k in range(0, len(spans), 8) for one in ours._decode(wav, spans[k : k + 8])]
        batched = [time.perf_counter() - started[0], time.process_time() - started[1]]
        started = [time.perf_counter(), time.process_time()]
        each = []
        for span in spans:
            part = sound[round(span.start_s * 16_000) : round(span.end_s * 16_000)]
            each.append(
                whisper.transcribe(
                    model,
                    part,
                    temperature=0.0,
                    fp16=False,
                    condition_on_previous_text=False,
                    logprob_threshold=None,
                    compression_ratio_threshold=None,
                    no_speech_threshold=None,
                    verbose=None,
                    **SAME,
                )
            )
        alone = [time.perf_counter() - started[0], time.process_time() - started[1]]
    assert warm
    row = {
        "spans": args.spans,
        "seconds_each": args.seconds,
        "tokens_ours": sum(len(result.tokens) for result in results),
        "tokens_whisper": sum(len(segment["tokens"]) for result in each for segment in result["segments"]),
        "ours_s": round(batched[0], 2),
        "whisper_transcribe_s": round(alone[0], 2),
        "times_faster": round(alone[0] / batched[0], 2),
        "times_less_processor": round(alone[1] / batched[1], 2),
        "threads": args.threads,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()

"""What the base says itself, mixed into the batches of a voice made from it: against forgetting, with no recordings.

No speech is shipped with a base, only the base. What it says in its own voices before training shows the network, all
through training, sounds and words that the target's few clips lack (learning without forgetting, arXiv:1606.09282).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dctts.chunks import Chunk
from dctts.contrast import with_contrast
from dctts.corpus import Example
from dctts.lexicon import Lexicon
from dctts.progress import SILENT, Progress
from dctts.retry import Piece, decode_chunks
from dctts.shipped import shipped
from dctts.text import normalise
from dctts.voice import Voice, as_speaker, on_cpu

MOST_SPEAKERS = 4
_TOGETHER = 16


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Clips a base has said, and how much of each batch they make up."""

    examples: Sequence[Example] = ()
    part: float = 0.0

    def count(self, batch_size: int) -> int:
        """How many of a batch; at least one stays for the target."""
        return min(round(self.part * batch_size), batch_size - 1, len(self.examples))


NO_REPLAY = Replay()


def replay_texts() -> list[str]:
    """Read the sentences that are said: other ones than those any voice is judged by."""
    return shipped("text/replay.txt").read_text(encoding="utf-8").splitlines()


def speak_replay(base: Voice, texts: Sequence[str], lexicon: Lexicon, *, progress: Progress = SILENT) -> list[Example]:
    """Let a base say texts in each of its voices; what it does not say well is left out.

    Args:
        texts: sentences, each short enough to be said in one go.

    Returns:
        examples without a waveform, whose mels are the coarse frames, each repeated; the times of their phones are
        where attention was.
    """
    base = on_cpu(base)
    speakers: Mapping[str, Tensor] = base.speakers or {"base": base.speaker}
    names = sorted(speakers)[:MOST_SPEAKERS]
    chunks = [Chunk(text=normalise(text), silence_ms=0) for text in texts]
    examples = []
    with progress.bar("the base speaks", len(names) * len(chunks)) as bar:
        for name in names:
            voice = as_speaker(base, name) if base.speakers else base
            for start in range(0, len(chunks), _TOGETHER):
                part = chunks[start : start + _TOGETHER]
                for number, take in enumerate(decode_chunks(part, voice, lexicon, attempts=1), start):
                    if not take.failed:
                        examples.append(_example(take.pieces[0], f"{name}-{number:03d}", f"base:{name}", voice))
                    bar.advance()
    return examples


def _example(piece: Piece, identity: str, speaker: str, voice: Voice) -> Example:
    return Example(
        id=identity,
        speaker=speaker,
        text=piece.chunk.text,
        wave=torch.zeros(0, dtype=torch.int16),
        # With the contrast that speaking gives it, or the voice would learn to blur.
        mel=with_contrast(piece.decoded.coarse, voice.mean_frame)
        .repeat_interleave(voice.audio.reduction, dim=0)
        .half(),
        voice=voice.speaker,
        phone_times=_phone_times(piece, 1 / voice.audio.coarse_frames_per_s),
    )


def _phone_times(piece: Piece, frame_s: float) -> Tensor:
    """Word, start and end of each symbol of a word, Tensor[K, 3], as `corpus.Example` has them."""
    position = piece.decoded.position
    rows = []
    for index, word in enumerate(piece.encoded.words):
        for symbol in range(word.start, word.stop):
            # When attention first stood on the symbol or beyond it, and on the next one.
            start, end = (int((position < place).sum()) * frame_s for place in (symbol, symbol + 1))
            rows.append([index, start, end])
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 3)

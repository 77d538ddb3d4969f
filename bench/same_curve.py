"""Whether ours learns what the plain float32 networks learn: from the same weights, on the same batches, both losses.

    python -m bench.same_curve CLIPS [--steps 200] [--picture docs/same-curve.png]

CLIPS is a folder in LJSpeech layout. Text2Mel at d = 128 with letters only, B = 16, the loss of the paper (L1, binary
divergence, guided attention). Ours runs as it trains: bfloat16 products, its own layers, compiled if there is a C++
compiler, losses and optimiser step.
Dropout is off in both, so that the difference is of the arithmetic and not of chance.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor, nn

from bench.plain_dctts import PlainText2Mel, _Conv, _Highway
from dctts.batches import TextBatch
from dctts.config import AudioConfig, text2mel_config
from dctts.corpus import prepare
from dctts.curve import BLACK, ORANGE
from dctts.layers import Conv, HighwayConv, NormConv, fuse, set_dropout
from dctts.lexicon import Lexicon
from dctts.losses import guided_attention, reconstruction
from dctts.manifest import read_dataset
from dctts.text2mel import Text2Mel, shift_right
from dctts.text2mel_task import Text2MelRecipe, Text2MelTask
from dctts.vocabulary import VOCABULARY

CHANNELS, BATCH, RATE, GUIDE = 128, 16, 5e-4, 0.5


class _Nobody:
    """Stands in for the speaker encoder: one voice needs no vector."""

    def embed_batch(self, wavs: object, sample_rate_hz: int) -> list[None]:
        return [None for _ in wavs]  # type: ignore[attr-defined]


def copy_weights(ours: Text2Mel, plain: PlainText2Mel) -> None:
    """Give the plain network the weights of ours, layer by layer."""
    with torch.no_grad():
        plain.embedding.weight.copy_(ours.text_encoder.embedding.weight)
    parts = (
        (plain.text, [*ours.text_encoder.entry, *ours.text_encoder.blocks]),
        (plain.audio, [*ours.audio_encoder.entry, *ours.audio_encoder.blocks]),
        (
            plain.decoder,
            [
                ours.audio_decoder.entry,
                *ours.audio_decoder.blocks,
                *ours.audio_decoder.exit,
                ours.audio_decoder.logits,
            ],
        ),
    )
    for theirs, layers in parts:
        for into, layer in zip(theirs, layers, strict=True):
            _copy(layer, into)


def _copy(layer: nn.Module, into: nn.Module) -> None:
    if isinstance(layer, HighwayConv) and isinstance(into, _Highway):
        _copy(layer.conv, into.conv)
        for place, norm in enumerate((into.gate.norm, into.candidate.norm)):
            norm.weight.data.copy_(layer.gain[place])
            norm.bias.data.copy_(layer.offset[place])
    elif isinstance(layer, NormConv) and isinstance(into, _Conv):
        _copy(layer.conv, into.conv)
        into.norm.norm.load_state_dict(layer.norm.state_dict())
    elif isinstance(layer, Conv) and isinstance(into, nn.Conv1d):
        # ours is [out, taps, in] flattened, theirs [out, in, taps]
        into.weight.data.copy_(layer.weight.view(len(layer.weight), layer.kernel, -1).transpose(1, 2))
        assert into.bias is not None
        into.bias.data.copy_(layer.bias)
    else:
        raise TypeError(f"{type(layer).__name__} is no {type(into).__name__}")


def losses_of_plain(network: PlainText2Mel, batches: Iterator[TextBatch]) -> list[float]:
    """Train it in float32 with plain Adam."""
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, betas=(0.9, 0.98))
    found = []
    for batch in batches:
        logits, attention = network(batch.text, shift_right(batch.coarse).transpose(1, 2))
        loss = _loss(logits.transpose(1, 2), attention.transpose(1, 2), batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        found.append(loss.item())
    return found


def losses_of_ours(network: Text2Mel, batches: Iterator[TextBatch]) -> list[float]:
    """Train it as `dctts.train` does."""
    trained = list(network.parameters())
    optimizer = torch.optim.AdamW(trained, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    found = []
    for batch in batches:
        with torch.autocast("cpu", torch.bfloat16):
            # The plain networks mask no padding, so that here it is read as well; the loss leaves it out in both.
            num_symbols = torch.full_like(batch.num_symbols, batch.text.shape[1])
            predicted = network.predict(batch.text, num_symbols, shift_right(batch.coarse))
            loss = _loss(predicted.logits, predicted.attention, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None])
        if norm > 1.0:
            nn.utils.clip_grads_with_norm_(trained, 1.0, norm)
        optimizer.step()
        found.append(loss.item())
    return found


def _loss(logits: Tensor, attention: Tensor, batch: TextBatch) -> Tensor:
    l1, divergence = reconstruction(logits, batch.coarse, batch.num_frames)
    return l1 + divergence + GUIDE * guided_attention(attention, batch.num_symbols, batch.num_frames)


def draw(plain: list[float], ours: list[float], path: Path) -> None:
    """Draw both curves, and under them their difference."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    curves, difference = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    steps = np.arange(1, len(plain) + 1)
    curves.plot(steps, plain, "-", color=BLACK, linewidth=2.4, label="plain, float32")
    curves.plot(steps, ours, "--", color=ORANGE, linewidth=1.4, label="ours, bfloat16")
    curves.set_ylabel("loss")
    curves.legend()
    difference.plot(steps, 100 * (np.array(ours) / np.array(plain) - 1), "-", color=ORANGE, linewidth=1)
    difference.axhline(0, color=BLACK, linewidth=0.8)
    difference.set_ylabel("ours, % above")
    difference.set_xlabel("step")
    for axes in (curves, difference):
        axes.grid(alpha=0.25)
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def main() -> None:
    """Train both and say how far apart they end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--num-clips", type=int, default=160)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = read_dataset(given.clips)[: given.num_clips]
        examples = prepare(rows, AudioConfig(), _Nobody, cache=Path(folder) / "clips.safetensors")
    torch.manual_seed(0)
    size = {"channels": CHANNELS, "text_channels": 2 * CHANNELS, "speaker_dim": 0}
    ours = Text2Mel(text2mel_config("small", len(VOCABULARY), **size))
    set_dropout(ours, 0.0)
    plain = PlainText2Mel(len(VOCABULARY), CHANNELS)
    copy_weights(ours, plain)
    plain.eval()  # dropout is all that it changes
    task = Text2MelTask(
        ours,
        examples,
        [],
        recipe=Text2MelRecipe(batch_size=BATCH, phoneme_probability=0.0),
        audio=AudioConfig(),
        lexicon=Lexicon(),
    )

    def batches() -> Iterator[TextBatch]:
        for step in range(given.steps):
            batch = task.batch(step)
            assert isinstance(batch, TextBatch)
            yield batch

    ours.train()
    fuse(ours)  # the compiled blocks multiply in another order, so they are what must be compared
    fast = losses_of_ours(ours, batches())
    slow = losses_of_plain(plain, batches())
    last = max(1, given.steps // 10)
    ends = np.mean(slow[-last:]), np.mean(fast[-last:])
    apart = np.abs(np.array(fast) / np.array(slow) - 1)
    print(
        f"first step {slow[0]:.4f} and {fast[0]:.4f}; mean of the last {last} steps: plain {ends[0]:.4f}, "
        f"ours {ends[1]:.4f} ({ends[1] / ends[0] - 1:+.1%}); median distance of a step {np.median(apart):.2%}"
    )
    if given.picture:
        draw(slow, fast, given.picture)


if __name__ == "__main__":
    main()

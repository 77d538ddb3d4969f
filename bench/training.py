"""How long a training step takes, beside the plain float32 networks, in one run.

    python -m bench.training [--rounds 5] [--json out.json]

Rounds alternate between all contestants, so that whatever else the machine does hits all of them alike. B=16, 160
symbols, 150 coarse frames; SSRN on 16 crops of 64 coarse frames; paper sizes.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.plain_dctts import PlainSSRN, PlainText2Mel
from dctts.alignment import diagonal_path
from dctts.config import ssrn_config, text2mel_config
from dctts.layers import fuse
from dctts.losses import (
    aligned_attention,
    fused_reconstruction,
    guided_attention,
    guided_attention_weights,
    reconstruction,
)
from dctts.ssrn import SSRN
from dctts.text2mel import Prediction, Text2Mel, shift_right
from dctts.vocabulary import VOCABULARY

BATCH, SYMBOLS, FRAMES, CROP = 16, 160, 150, 64

Step = Callable[[], None]


def _stepper(network: nn.Module, loss: Callable[[], Tensor], *, fast: bool) -> Step:
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True) if fast else torch.optim.Adam(trained, lr=1e-4)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            value = loss()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        if fast:
            norm = nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None])
            if norm > 1.0:
                nn.utils.clip_grads_with_norm_(trained, 1.0, norm)
        else:
            nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()

    return step


def contestants(*, compiled: bool) -> dict[str, dict[str, Step]]:
    """Build every step to be timed: job → name → step."""
    torch.manual_seed(0)
    text = torch.randint(1, len(VOCABULARY), (BATCH, SYMBOLS))
    coarse = torch.rand(BATCH, FRAMES, 80)
    symbols, frames = torch.full((BATCH,), SYMBOLS), torch.full((BATCH,), FRAMES)
    voice = functional.normalize(torch.rand(BATCH, 256), dim=-1)
    crop, linear, mel = torch.rand(BATCH, CROP, 80), torch.rand(BATCH, 4 * CROP, 513), torch.rand(BATCH, 4 * CROP, 80)
    crop_frames = torch.full((BATCH,), 4 * CROP)

    plain = PlainText2Mel(len(VOCABULARY))

    def plain_loss() -> Tensor:
        logits, attention = plain(text, shift_right(coarse).transpose(1, 2))
        target = coarse.transpose(1, 2)
        guide = guided_attention_weights(symbols, frames).transpose(1, 2)
        l1 = (logits.sigmoid() - target).abs().mean()
        loss: Tensor = l1 + functional.binary_cross_entropy_with_logits(logits, target) + (attention * guide).mean()
        return loss

    plain_ssrn = PlainSSRN()

    def plain_ssrn_loss() -> Tensor:
        logits, target = plain_ssrn(crop.transpose(1, 2)), linear.transpose(1, 2)
        loss: Tensor = (logits.sigmoid() - target).abs().mean()
        return loss + functional.binary_cross_entropy_with_logits(logits, target)

    ours = Text2Mel(text2mel_config("paper", len(VOCABULARY)))
    frozen = Text2Mel(text2mel_config("paper", len(VOCABULARY)))
    frozen.text_encoder.requires_grad_(False)
    with torch.no_grad():
        keys, values = frozen.encode_text(text, symbols, voice)
    ssrn = SSRN(ssrn_config("paper"))
    for network in (ours, frozen, ssrn):
        if compiled:
            fuse(network)

    path = torch.from_numpy(diagonal_path(SYMBOLS, FRAMES)).expand(BATCH, -1)
    rebuilt = fused_reconstruction() if compiled else reconstruction

    def from_text(predicted: Prediction) -> tuple[Tensor, Tensor, Tensor]:
        logits = predicted.symbol_logits.gather(1, path.unsqueeze(2).expand(-1, -1, 80))
        return (*rebuilt(logits, coarse, frames), aligned_attention(predicted.attention, path, frames))

    def full_loss() -> Tensor:
        predicted = ours.predict(text, symbols, shift_right(coarse), voice)
        l1, divergence = rebuilt(predicted.logits, coarse, frames)
        text_l1, text_divergence, aligned = from_text(predicted)
        guide = guided_attention(predicted.attention, symbols, frames)
        return l1 + divergence + 0.05 * (guide + aligned) + 0.5 * (text_l1 + text_divergence)

    def frozen_loss() -> Tensor:
        predicted = frozen.predict_encoded(keys, values, symbols, shift_right(coarse), voice)
        l1, divergence = rebuilt(predicted.logits, coarse, frames)
        text_l1, text_divergence, aligned = from_text(predicted)
        guide = guided_attention(predicted.attention, symbols, frames)
        return l1 + divergence + 0.05 * (guide + aligned) + 0.5 * (text_l1 + text_divergence)

    def ssrn_loss() -> Tensor:
        linear_logits, mel_logits = ssrn(crop)
        return sum(
            (*rebuilt(linear_logits, linear, crop_frames), *rebuilt(mel_logits, mel, crop_frames)),
            start=torch.zeros(()),
        )

    plain_step = _stepper(plain, plain_loss, fast=False)
    return {
        "Text2Mel, full step": {"plain": plain_step, "ours": _stepper(ours, full_loss, fast=True)},
        "Text2Mel, fine-tuning step": {"plain": plain_step, "ours": _stepper(frozen, frozen_loss, fast=True)},
        "SSRN step": {
            "plain": _stepper(plain_ssrn, plain_ssrn_loss, fast=False),
            "ours": _stepper(ssrn, ssrn_loss, fast=True),
        },
    }


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for job, steps in contestants(compiled=not arguments.no_compile).items():
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for step in steps.values():
            step(), step()  # the first compiles and allocates
        for _ in range(arguments.rounds):
            for name, step in steps.items():
                start = time.perf_counter()
                step()
                seconds[name].append(time.perf_counter() - start)
        ratios = [plain / ours for plain, ours in zip(seconds["plain"], seconds["ours"], strict=True)]
        rows.append({"job": job, "seconds": seconds, "ratios": ratios})
        if not rows[:-1]:
            print("| | plain, s | ours, s | times faster (least – most) |\n|---|---|---|---|")
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        print(
            f"| {job} | {medians['plain']:.2f} | {medians['ours']:.3f} | **{statistics.median(ratios):.1f}** "
            f"({min(ratios):.1f} – {max(ratios):.1f}) |",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"threads": torch.get_num_threads(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""What more hours of speech buy: the same Text2Mel on ever larger parts of the same corpora, judged on the same clips.

    python -m bench.data_curve CORPUS… --hold-out REGEX [--hours 0.35 0.7 1.4 2.8] [--steps 4000] [--picture PNG]

Every part holds the one before it, and as many minutes of each reader. The network is of size `tiny`, so that four
trainings take minutes and not days: the slope is what is measured, not how good a voice can be. Error is the L1 of
coarse frames of held-out clips, in unit mels; with each network its best evaluation counts, as more steps than little
data can bear only spoil it. A straight line over the logarithm of the hours says what ten hours more would give.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dctts.config import AudioConfig, text2mel_config
from dctts.corpora import read_corpus
from dctts.corpus import Example, prepare
from dctts.curve import BLACK, ORANGE
from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.lexicon import open_lexicon
from dctts.metrics import read_metrics
from dctts.pretrain import PretrainOptions, split
from dctts.text2mel import Text2Mel
from dctts.text2mel_task import Text2MelRecipe, Text2MelTask
from dctts.train import TrainOptions, train
from dctts.vocabulary import VOCABULARY
from pipeline.phone_times import PhoneTimes

NAME = "text2mel"
MORE_H = 10.0


def main() -> None:
    """Train on each part, print a JSON line for it, then the fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--hold-out", required=True, help="ids of clips that are only judged on")
    parser.add_argument("--hours", nargs="+", type=float, default=[0.35, 0.7, 1.4, 2.8])
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--features", type=Path, help="folder to keep features in; a run goes on with those")
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    audio = AudioConfig()
    with tempfile.TemporaryDirectory() as scratch:
        features = args.features or Path(scratch)
        examples = [
            example
            for corpus in args.corpora
            for example in prepare(
                read_corpus(corpus),
                audio,
                SpeakerEncoder,
                aligner=PhoneTimes,
                cache=features / f"{corpus.name}.safetensors",
            )
        ]
        training, held_out = split(examples, PretrainOptions(hold_out=args.hold_out, hold_out_percent=0))
        held_out = [example for example in held_out if len(example.phone_times)]
        rows = []
        for hours in args.hours:
            part = first_hours(training, hours)
            folder = Path(scratch) / f"{hours}"
            best = taught(part, held_out, args.size, args.steps, folder)
            rows.append({"hours": round(hours_of(part), 2), "clips": len(part), **best})
            print(json.dumps(rows[-1]), flush=True)
    slope, level = np.polyfit(np.log2([row["hours"] for row in rows]), [row["l1"] for row in rows], 1)
    now = rows[-1]["hours"]
    then = level + slope * np.log2(now + MORE_H)
    print(json.dumps({"l1_a_doubling": round(float(slope), 5), f"l1_at_{now + MORE_H:.0f}_h": round(float(then), 4)}))
    if args.picture:
        draw(rows, float(slope), float(level), now + MORE_H, args.picture)


def first_hours(examples: Sequence[Example], hours: float) -> list[Example]:
    """Take the first hours in an order that belongs to the clips: a smaller part lies in every larger one."""
    order = sorted(examples, key=lambda example: hashlib.sha256(f"{example.speaker}/{example.id}".encode()).digest())
    taken: list[Example] = []
    for example in order:
        if hours_of(taken) >= hours:
            break
        taken.append(example)
    return taken


def hours_of(examples: Sequence[Example]) -> float:
    """Sum of the lengths of clips."""
    return sum(example.duration_s for example in examples) / 3600


def taught(
    training: Sequence[Example], held_out: Sequence[Example], size: str, steps: int, folder: Path
) -> dict[str, float]:
    """Train from random weights and give the best evaluation: its step and errors."""
    torch.manual_seed(0)
    network = Text2Mel(text2mel_config(size, len(VOCABULARY)))
    recipe = Text2MelRecipe(batch_size=16, guide_steps=steps // 2, corrupt_from=steps // 4, corrupt_ramp=steps // 4)
    task = Text2MelTask(network, training, held_out, recipe=recipe, audio=AudioConfig(), lexicon=open_lexicon())
    every = max(1, steps // 8)
    train(
        task,
        TrainOptions(steps=steps, warmup_steps=min(500, steps // 10), validate_every=every, save_every=every),
        folder,
        name=NAME,
    )
    rows = [row for row in read_metrics(folder, NAME) if "held_out/l1" in row]
    best = min(rows, key=lambda row: float(row["held_out/l1"]))
    return {
        "step": best["step"],
        "l1": round(best["held_out/l1"], 4),
        "l1_another_text": round(best["held_out/l1_shuffled_text"], 4),
    }


def draw(rows: Sequence[dict[str, float]], slope: float, level: float, until_h: float, path: Path) -> None:
    """Draw the errors over the hours, and the line through them."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    hours = np.geomspace(rows[0]["hours"], until_h, 50)
    axes.plot(hours, level + slope * np.log2(hours), color=ORANGE, linestyle="--", label="straight line through them")
    axes.plot([row["hours"] for row in rows], [row["l1"] for row in rows], "o", color=BLACK, label="measured")
    axes.set_xscale("log", base=2)
    ticks = [*(row["hours"] for row in rows), until_h]
    axes.set_xticks(ticks, [f"{tick:.1f}" for tick in ticks])
    axes.set(xlabel="hours of speech learnt from", ylabel="L1 on held-out clips (unit mels)")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()

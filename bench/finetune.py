"""How long a whole fine-tuning takes on a device: 15,000 Text2Mel and 4,000 SSRN steps, as in sentdex's video.

    python -m bench.finetune --device cuda --json bench/finetune-h200.json

Trains networks of the paper's size with a frozen text encoder on made-up clips (the cost does not depend on what is in
them): 170 clips of 5 s. Data loading, validation, pictures and checkpoints count; spoken previews do not happen here.
Runs a few steps first, so that compiling is counted apart.
"""

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

import torch

from dctts.config import AudioConfig, ssrn_config, text2mel_config
from dctts.corpus import Example
from dctts.lexicon import Lexicon
from dctts.ssrn import SSRN
from dctts.ssrn_task import SSRNRecipe, SSRNTask
from dctts.text2mel import Text2Mel
from dctts.text2mel_task import Text2MelRecipe, Text2MelTask
from dctts.train import Task, TrainOptions, train
from dctts.vocabulary import VOCABULARY

TEXT = "the birch canoe slid on the smooth planks and the box was thrown beside the parked truck"
FRAMES, CLIPS, WARM_STEPS = 430, 170, 20


def made_up_clips() -> list[Example]:
    """Clips of 5 s of nothing in particular."""
    random = torch.Generator().manual_seed(0)
    clips, words = [], TEXT.split()
    for index in range(CLIPS):
        frames = FRAMES + 4 * (index % 40) - 80
        clips.append(
            Example(
                id=str(index),
                speaker="made up",
                text=" ".join(words[(index + k) % len(words)] for k in range(frames // 30)),
                wave=torch.randint(-3000, 3000, (frames * 256,), generator=random).to(torch.int16),
                mel=torch.rand(frames, 80, generator=random).half(),
                voice=torch.ones(256) / 16,
                phone_times=torch.zeros(0, 3),
            )
        )
    return clips


def timed(task: Task[object], steps: int, device: str, folder: Path, name: str) -> dict[str, float]:
    """Train, and give the seconds of the first steps and of all the others."""

    def options(count: int) -> TrainOptions:
        return TrainOptions(
            steps=count, device=device, log_every=500, validate_every=500, save_every=2000, compile=True, warmup_steps=1
        )

    start = time.perf_counter()
    train(task, options(WARM_STEPS), folder, name=name)
    warm = time.perf_counter()
    train(task, options(WARM_STEPS + steps), folder, name=name)
    seconds = time.perf_counter() - warm
    return {"steps": steps, "first_steps_s": warm - start, "seconds": seconds, "ms_per_step": 1000 * seconds / steps}


def main() -> None:
    """Print one line a network, and write everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", default="paper")
    parser.add_argument("--steps", type=int, default=15_000)
    parser.add_argument("--ssrn-steps", type=int, default=4000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    clips, audio = made_up_clips(), AudioConfig()
    training, held_out = clips[:-16], clips[-16:]
    recipe = Text2MelRecipe(freeze_text=True, batch_size=16)
    text2mel = Text2Mel(text2mel_config(arguments.size, len(VOCABULARY)))
    tasks: dict[str, tuple[Task[object], int]] = {
        "ssrn": (
            SSRNTask(SSRN(ssrn_config(arguments.size)), training, held_out, recipe=SSRNRecipe(), audio=audio),  # type: ignore[dict-item]
            arguments.ssrn_steps,
        ),
        "text2mel": (
            Text2MelTask(text2mel, training, held_out, recipe=recipe, audio=audio, lexicon=Lexicon()),  # type: ignore[dict-item]
            arguments.steps,
        ),
    }
    cuda = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else None
    results: dict[str, object] = {"device": cuda or platform.processor(), "torch": torch.__version__}
    with tempfile.TemporaryDirectory() as folder:
        for name, (task, steps) in tasks.items():
            results[name] = row = timed(task, steps, arguments.device, Path(folder), name)
            print(f"{name}: {steps} steps in {row['seconds']:.1f} s, {row['ms_per_step']:.1f} ms each", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

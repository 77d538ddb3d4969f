"""Most memory that training both networks takes, one after the other in one process, as `finetune` does.

    python -m bench.memory [--size paper] [--batch-size 16] [--steps 6] [--no-compile] [--frozen]

Every clip is as long as any that `fetch` keeps (10 s, 208 symbols), so every batch is the worst there is. Each network
is trained, measured on held-out clips and saved. The peak is what the operating system saw (`ru_maxrss`); what Python,
torch and the clips take before the first step is shown beside it.
"""

import argparse
import resource
import tempfile
from pathlib import Path

import torch

from dctts.config import AudioConfig, ssrn_config, text2mel_config
from dctts.corpus import Example
from dctts.lexicon import Lexicon
from dctts.ssrn import SSRN
from dctts.ssrn_task import SSRNRecipe, SSRNTask
from dctts.text2mel import Text2Mel
from dctts.text2mel_task import Text2MelRecipe, Text2MelTask
from dctts.train import TrainOptions, train
from dctts.vocabulary import VOCABULARY

FRAMES, CLIPS, HELD_OUT = 884, 90, 16
"""10.25 s; a quarter of an hour of them."""
TEXT = "the birch canoe slid on the smooth planks and a box was thrown beside the parked truck in deep snow, "


def longest_clips() -> list[Example]:
    """Clips of nothing in particular, all of one length."""
    random = torch.Generator().manual_seed(0)
    clips = []
    for index in range(CLIPS + HELD_OUT):
        text = (3 * TEXT)[index % 50 :][:205]
        clips.append(
            Example(
                id=str(index),
                speaker="made up",
                text=text,
                wave=torch.randint(-3000, 3000, (FRAMES * 256,), generator=random).to(torch.int16),
                mel=torch.rand(FRAMES, 80, generator=random).half(),
                voice=torch.ones(256) / 16,
                phone_times=torch.zeros(0, 3),
            )
        )
    return clips


def peak_gb() -> float:
    """Most memory of this process so far, GB of 10⁹ bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Print one line for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="paper")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--frozen", action="store_true", help="with the text encoder frozen, as fine-tuning has it")
    given = parser.parse_args()
    clips, audio = longest_clips(), AudioConfig()
    training, held_out = clips[:CLIPS], clips[CLIPS:]
    plan = TrainOptions(
        steps=given.steps,
        log_every=1,
        validate_every=given.steps,
        save_every=given.steps,
        compile=not given.no_compile,
    )
    print(f"before the first step   {peak_gb():.2f} GB", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        ssrn = SSRNTask(
            SSRN(ssrn_config(given.size)),
            training,
            held_out,
            recipe=SSRNRecipe(batch_size=given.batch_size),
            audio=audio,
        )
        train(ssrn, plan, Path(folder), name="ssrn")
        print(f"SSRN                    {peak_gb():.2f} GB", flush=True)
        del ssrn
        text2mel = Text2MelTask(
            Text2Mel(text2mel_config(given.size, len(VOCABULARY))),
            training,
            held_out,
            recipe=Text2MelRecipe(batch_size=given.batch_size, freeze_text=given.frozen),
            audio=audio,
            lexicon=Lexicon(),
        )
        train(text2mel, plan, Path(folder), name="text2mel")
        print(f"SSRN, then Text2Mel     {peak_gb():.2f} GB", flush=True)


if __name__ == "__main__":
    main()

"""`clone-pipeline finetune`: from a dataset to a voice."""

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dctts.errors import ClonePipelineError
from pipeline.commands import terminal
from pipeline.commands.arguments import VoiceName, VoicesDir
from pipeline.voices import DEFAULT_NAME, open_voice


class Size(StrEnum):
    """Named sizes of the networks."""

    tiny = "tiny"
    small = "small"
    medium = "medium"
    paper = "paper"


def finetune(
    voice: VoiceName = DEFAULT_NAME,
    voices_dir: VoicesDir = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps of Text2Mel. [dim]Default: 1,000 for every minute of speech, at most 15,000[/dim]",
            show_default=False,
        ),
    ] = None,
    ssrn_steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps of SSRN. [dim]Default: 270 for every minute of speech, at most 4,000[/dim]",
            show_default=False,
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The voice to start from, a voice.safetensors. [dim]Default: random weights[/dim]",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        Size, typer.Option(help="Size of the networks when there is no base: tiny is for trying things out.")
    ] = Size.small,
    seed: Annotated[int, typer.Option(min=0, help="The same seed on the same data gives the same voice.")] = 0,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where to train.")] = "cpu",
    preview_every: Annotated[
        int, typer.Option(min=1, help="Steps between checkpoints, pictures and spoken previews.")
    ] = 500,
) -> None:
    """Train a voice on what fetch kept.

    Shows the loss and the time left. Ctrl-C saves; the same command goes
    on where it stopped and ends with the same voice. Pictures of the
    attention and spoken previews land in the run's folder; TensorBoard
    reads it too. Prints the path of the voice.

    [bold]Examples[/bold]

      clone-pipeline finetune --steps 15000

      clone-pipeline finetune --voice ada --base ada-2024.safetensors

      tensorboard --logdir voices/ada/runs
    """
    from dctts.finetune import FinetuneOptions
    from dctts.train import Interrupted
    from pipeline.run import refresh_report
    from pipeline.train_voice import train_voice

    folder = open_voice(voice, voices_dir)
    options = FinetuneOptions(
        steps=steps,
        ssrn_steps=ssrn_steps,
        base=base,
        size=size.value,
        seed=seed,
        device=device,
        preview_every=preview_every,
    )
    try:
        made = train_voice(folder, options, terminal.progress())
    except Interrupted as stopped:
        terminal.say(f"{stopped}; everything is saved, the same command goes on")
        raise
    with contextlib.suppress(ClonePipelineError):  # the voice is made; a report that a fetch is writing is not missed
        refresh_report(folder, terminal.progress())
    flag = "" if folder.name == DEFAULT_NAME else f" --voice {folder.name}"
    terminal.say(f'next: clone-pipeline speak "Hello there."{flag}')
    typer.echo(made)

"""`clone-pipeline finetune`: from a dataset to a voice."""

import contextlib
from enum import StrEnum
from typing import Annotated

import typer

from dctts.errors import ClonePipelineError, TrainingError
from pipeline.commands import terminal
from pipeline.commands.arguments import TrainingDevice, VocoderChoice, VoiceName, VoicesDir
from pipeline.voices import DEFAULT_NAME, open_voice


class Size(StrEnum):
    """Named sizes of the networks."""

    tiny = "tiny"
    small = "small"
    medium = "medium"
    paper = "paper"


def _budget(text: str) -> float:
    from dctts.budget import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


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
        str | None,
        typer.Option(
            metavar="PATH|NAME",
            help="The voice to start from: a voice.safetensors, a base that ships, or none for random weights. "
            "[dim]Default: the nearest that ships[/dim]",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        Size | None,
        typer.Option(
            help="Size of the networks when there is no base: tiny is for trying things out. [dim]Default: small[/dim]",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="TIME",
            parser=_budget,
            help="End within this time, such as 45m or 1h30m: takes fewer steps where all would take longer.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Clips a step of Text2Mel. [dim]Default: 16, or 32 from half an hour of speech on[/dim]",
            show_default=False,
        ),
    ] = None,
    vocoder: VocoderChoice = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed on the same data gives the same voice.")] = 0,
    device: TrainingDevice = "cpu",
    preview_every: Annotated[
        int, typer.Option(min=1, help="Steps between checkpoints, pictures, spoken previews and listening.")
    ] = 500,
) -> None:
    """Train a voice on what fetch kept, starting from a voice that ships.

    Shows the loss and the time left. Ctrl-C saves; the same command goes
    on where it stopped and ends with the same voice. Pictures of the
    attention and spoken previews land in the run's folder; TensorBoard
    reads it too. Prints the path of the voice.

    From a base, every few hundred steps the voice is listened to: the
    step that speaks best is taken, and training ends when nothing better
    comes (with --steps it goes on to the last). The run's selection.json
    and learning-curve.png show why.

    [bold]Examples[/bold]

      clone-pipeline finetune --steps 15000

      clone-pipeline finetune --voice ada --base ada-2024.safetensors

      clone-pipeline finetune --budget 45m

      tensorboard --logdir voices/ada/runs
    """
    from dctts.finetune import FinetuneOptions
    from pipeline.bases import list_bases
    from pipeline.run import refresh_report
    from pipeline.train_voice import NO_BASE, train_voice

    folder = open_voice(voice, voices_dir)
    if size is not None and base != NO_BASE and (base or list_bases()):
        raise TrainingError(
            f"--size {size.value} was given, but a base has a size of its own",
            hint="--base none starts from random weights of that size",
        )
    options = FinetuneOptions(
        steps=steps,
        ssrn_steps=ssrn_steps,
        size=(size or Size.small).value,
        seed=seed,
        device=device,
        preview_every=preview_every,
        batch_size=batch_size,
        budget_s=budget,
    )
    with terminal.resumable():
        made = train_voice(folder, options, terminal.progress(), base=base, vocoder=vocoder)
    with contextlib.suppress(ClonePipelineError):  # the voice is made; a report that a fetch is writing is not missed
        refresh_report(folder, terminal.progress())
    flag = "" if folder.name == DEFAULT_NAME else f" --voice {folder.name}"
    terminal.say(f'next: clone-pipeline speak "Hello there."{flag}')
    typer.echo(made)

"""`clone-pipeline train-vocoder`: from corpora to a vocoder of our own."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import TrainingDevice


def train_vocoder(
    datasets: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATASET…",
            help="Folders in the layout of LJSpeech, VCTK, LibriTTS or LibriSpeech; words are not needed.",
            exists=True,
            file_okay=False,
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The vocoder's file; its run lies beside it.")
    ],
    base: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|NAME",
            help="The voice whose SSRN it must get on with. [dim]Default: the one that ships[/dim]",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="How long to train.")] = 20_000,
    critic_part: Annotated[
        float,
        typer.Option(
            "--critic",
            metavar="PART",
            min=0,
            max=1,
            help="The last part of the steps in which a critic listens too; they take three times as long.",
        ),
    ] = 0.5,
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A vocoder of this command to begin with.", show_default=False),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips in a step, 0.74 s of each.")] = 8,
    hold_out: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Never train on clips whose id it matches, nor on other readings of their sentences.",
        ),
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="The same seed on the same data gives the same vocoder.")] = 0,
    device: TrainingDevice = "cpu",
    preview_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints, measures and sounds.")] = 500,
) -> None:
    """Train a small vocoder on any speech, for voices to speak with.

    Pulses at the pitch that it reads from the mels, and noise, go through
    a filter that a small network draws: a few hours on a CPU are enough.
    It learns from real mels and from what the SSRN of a voice makes of
    them; at last a critic, which learns to tell recordings from what the
    vocoder makes, has a say. Ctrl-C saves; the same command goes on.
    Prints the path of the file, for speak --vocoder and finetune
    --vocoder.

    [bold]Examples[/bold]

      clone-pipeline train-vocoder LJSpeech-1.1 VCTK-Corpus-0.92 -o vocoder.safetensors
    """
    from dctts.vocoders.training import VocoderOptions
    from dctts.vocoders.training import train_vocoder as train
    from pipeline.bases import BaseVoice, find_base, find_base_voice

    found = find_base(base) if base else find_base_voice("base")
    options = VocoderOptions(
        steps=steps,
        batch_size=batch_size,
        critic_part=critic_part,
        start=start,
        hold_out=hold_out,
        validate_every=preview_every,
        seed=seed,
        device=device,
    )
    with terminal.resumable():
        path = found.base.path if isinstance(found, BaseVoice) else found
        made = train(datasets, path, output.with_suffix(".safetensors"), options, progress=terminal.progress())
    terminal.say(f'next: clone-pipeline speak "Hello there." --vocoder {made}')
    typer.echo(made)

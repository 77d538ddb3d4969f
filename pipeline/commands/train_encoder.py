"""`clone-pipeline train-encoder`: from recordings of many people to a second judge of who speaks."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import TrainingDevice
from pipeline.commands.pretrain import DATA, command_line, licence_entry


def train_encoder(
    datasets: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATASET…",
            help="Folders in the layout of LibriSpeech, LibriTTS, VCTK or LJSpeech, or of files SPEAKER-….flac; "
            "no texts are needed.",
            exists=True,
            file_okay=False,
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="ENCODER", help="Folder of the encoder.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = 3000,
    noise: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Recordings of noise to lay under the speech. [dim]Default: voices and white noise[/dim]",
            exists=True,
            file_okay=False,
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    hold_out: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Never train on speakers whose name it matches, besides one in twenty.",
            rich_help_panel=DATA,
        ),
    ] = "",
    strangers: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="People not to learn from, whose vectors are kept to tell voices from; once for each.",
            exists=True,
            file_okay=False,
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TEXT",
            help="Licence of a dataset, for the card, such as `LibriTTS=CC BY 4.0`; once for each.",
            rich_help_panel=DATA,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed on the same data gives the same encoder.")] = 0,
    device: TrainingDevice = "cpu",
    measure_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints and measures.")] = 250,
) -> None:
    """Train a speaker encoder, the second judge of `evaluate`.

    By the GE2E loss, on partial utterances of 1.6 s in rooms, noise and
    bad microphones; each speaker, played faster or slower, is one more.
    Leave out whoever voices are made of: a judge must not know them.
    Ctrl-C saves; the same command goes on. Prints the path of the encoder;
    its card, encoder.json, and learning-curve.png lie beside it.

    [bold]Examples[/bold]

      clone-pipeline train-encoder LibriSpeech/train-clean-100 -o encoder

      clone-pipeline train-encoder LibriTTS VCTK-Corpus-0.92 \
        --noise ESC-10 -o encoder
    """
    from dctts.encoder.training import EncoderOptions
    from dctts.encoder.training import train_encoder as train

    options = EncoderOptions(steps=steps, hold_out=hold_out, validate_every=measure_every, seed=seed, device=device)
    with terminal.resumable():
        made = train(
            datasets,
            output,
            options,
            noise=noise,
            strangers=strangers or (),
            licences=dict(licence_entry(entry, datasets) for entry in licence or ()),
            command=command_line(),
            progress=terminal.progress(),
        )
    typer.echo(made)

"""`clone-pipeline pretrain`: from corpora to a base voice."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import TrainingDevice
from pipeline.commands.finetune import Size

DATA = "Data"


def pretrain(
    datasets: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATASET…",
            help="Folders in the layout of LJSpeech, VCTK, LibriTTS or LibriSpeech, or SPEAKER-….flac alone.",
            exists=True,
            file_okay=False,
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="BASE", help="Folder of the base voice.")],
    size: Annotated[
        Size, typer.Option(help="small and medium fit a laptop, paper is DC-TTS as published.")
    ] = Size.small,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A voice.safetensors to begin with. [dim]Default: random weights[/dim]",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    widen: Annotated[
        bool, typer.Option("--widen", help="Double the channels of --base's Text2Mel first: it computes the same.")
    ] = False,
    keep: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="PART",
            help="Of --base's Text2Mel in the one that comes out: their weights are averaged.",
        ),
    ] = 0,
    beside: Annotated[
        bool,
        typer.Option(
            "--beside",
            help="Leave --base's Text2Mel to its readers and to finetune; what is trained speaks for --reference.",
        ),
    ] = False,
    new_speakers: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Disguise each reader's clips as N other speakers too (Praat), for zero-shot voices.",
            rich_help_panel=DATA,
        ),
    ] = 0,
    repeat_rare: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Take clips of speakers with fewer than 20 N times in a round: more of many, less of readers.",
            rich_help_panel=DATA,
        ),
    ] = 1,
    splice: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="PART",
            help="Of the clips go on with the end of another, so that no sentence is learnt by heart.",
            rich_help_panel=DATA,
        ),
    ] = 0.5,
    dropout: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.9,
            metavar="PART",
            help="Of Text2Mel's channels; more for few hours. [dim]Default: 0.05[/dim]",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of Text2Mel.")] = 100_000,
    ssrn_steps: Annotated[int, typer.Option(min=1, help="Steps of SSRN.")] = 20_000,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips in a step of Text2Mel.")] = 16,
    hold_out: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Never train on clips whose id it matches, nor on other readings of their sentences.",
            rich_help_panel=DATA,
        ),
    ] = "",
    licence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TEXT",
            help="Licence of a dataset, for the card, such as `kathleen=CC0 1.0`; once for each.",
            rich_help_panel=DATA,
            show_default=False,
        ),
    ] = None,
    text2mel_first: Annotated[
        bool, typer.Option("--text2mel-first", help="Train Text2Mel before SSRN, not after it.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed on the same data gives the same voice.")] = 0,
    device: TrainingDevice = "cpu",
    preview_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints, measures and pictures.")] = 1000,
) -> None:
    """Train a base voice on corpora of one or many speakers.

    Voices are then fine-tuned from it. Ctrl-C saves; the same command goes
    on. Watch held_out/l1_shuffled_text in metrics.jsonl: until it stands
    clear above held_out/l1, the network does not read. Prints the path of
    the base, for finetune --base; its card, voice.json, lies beside it.

    [bold]Examples[/bold]

      clone-pipeline pretrain LJSpeech-1.1 -o base --size paper --device cuda

      clone-pipeline pretrain VCTK-Corpus-0.92 LibriTTS/train-clean-100 -o base
    """
    from dctts.corpora import has_texts
    from dctts.encoder.resemblyzer import SpeakerEncoder
    from dctts.lexicon import open_lexicon
    from dctts.pretrain import PretrainOptions
    from dctts.pretrain import pretrain as train_base
    from pipeline.phone_times import PhoneTimes
    from pipeline.wordless import with_words

    licences = dict(licence_entry(entry, datasets) for entry in licence or ())
    progress, heard = terminal.progress(), output / "heard"
    read = [
        folder if has_texts(folder) else with_words(folder, heard / folder.name, progress=progress)
        for folder in datasets
    ]
    options = PretrainOptions(
        size=size.value,
        base=base,
        widen=widen,
        keep=keep,
        beside=beside,
        new_speakers=new_speakers,
        repeat_rare=repeat_rare,
        splice=splice,
        dropout=dropout,
        steps=steps,
        ssrn_steps=ssrn_steps,
        batch_size=batch_size,
        hold_out=hold_out,
        validate_every=preview_every,
        seed=seed,
        device=device,
    )
    with terminal.resumable():
        made = train_base(
            read,
            output,
            options,
            embedder=lambda: SpeakerEncoder(device),
            aligner=PhoneTimes,
            lexicon=open_lexicon(),
            progress=progress,
            first="text2mel" if text2mel_first else "ssrn",
            licences=licences,
            command=command_line(),
        )
    terminal.say(f"next: clone-pipeline finetune --base {made}")
    typer.echo(made)


def licence_entry(entry: str, datasets: list[Path]) -> tuple[str, str]:
    """Read one `--licence`; of a dataset that was not given it is wrong usage."""
    name, _, text = (part.strip() for part in entry.partition("="))
    names = [folder.name for folder in datasets]
    if name not in names or not text:
        raise typer.BadParameter(f"{entry!r}: write NAME=TEXT, NAME one of {', '.join(names)}", param_hint="--licence")
    return name, text


def command_line() -> str:
    """Say what was typed, with folders by their names alone: a card tells nothing of whose machine it was."""
    words = (Path(word).name if "/" in word and "=" not in word else word for word in sys.argv[1:])
    return shlex.join(["clone-pipeline", *words])

"""`clone-pipeline evaluate`: how good a voice is."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import SpeakingVoiceName, VoicesDir
from pipeline.errors import VoiceError
from pipeline.voices import DEFAULT_NAME, open_voice

if TYPE_CHECKING:
    from pipeline.evaluation.evaluation import Evaluation

COMPARE = "What to compare with"


def evaluate(
    voice: SpeakingVoiceName = DEFAULT_NAME,
    voices_dir: VoicesDir = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where evaluation.json and evaluation.html go. "
            "[dim]Default: evaluation/ in the voice's folder, of a base here[/dim]",
            show_default=False,
            file_okay=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json instead of the paths.")] = False,
    dataset: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Real clips of the speaker, in the layout of LJSpeech, VCTK, LibriTTS or LibriSpeech. "
            "[dim]Default: what fetch made for this voice[/dim]",
            exists=True,
            file_okay=False,
            show_default=False,
            rich_help_panel=COMPARE,
        ),
    ] = None,
    hold_out: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Ids of the clips that were never trained on. [dim]Default: the dataset's val.txt[/dim]",
            show_default=False,
            rich_help_panel=COMPARE,
        ),
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which speaker of the base, and of a dataset that has several. [dim]Default: the dataset's[/dim]",
            show_default=False,
            rich_help_panel=COMPARE,
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A base voice, from whose speakers this one must be told. [dim]Default: the one shipped[/dim]",
            exists=True,
            dir_okay=False,
            show_default=False,
            rich_help_panel=COMPARE,
        ),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A second judge of who speaks, made by train-encoder. [dim]Default: the one shipped[/dim]",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    whisper_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A Whisper model, or a file, as second judge; never downloaded. [dim]Default: the best cached[/dim]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same speech.")] = 0,
) -> None:
    r"""Measure how good a voice is, without a listener.

    The voice says 20 Harvard sentences, 20 hard ones and up to 20 clips it
    never learnt from. PocketSphinx writes down what it hears, of the real
    clips too; a speaker encoder tells how near it comes to the speaker.
    Writes one page to hear and see it all, and the same as JSON; prints
    their paths.

    [bold]Examples[/bold]

      clone-pipeline evaluate --voice ada

      clone-pipeline evaluate --voice ada --json | jq .scores

      clone-pipeline evaluate --voice base:arctic_slt \
        --dataset arctic_slt --hold-out arctic_b05

      clone-pipeline evaluate --voice ljs --dataset LJSpeech-1.1 \
        --hold-out '^LJ050'
    """
    from dctts.atomic import write_json
    from dctts.voice import load_voice
    from pipeline.bases import find_base_voice, is_base_name
    from pipeline.evaluation.material import read_material
    from pipeline.evaluation.measure import EvaluateOptions, measure
    from pipeline.evaluation.page import write_page
    from pipeline.speaking_voice import speaking_file

    own = None
    if is_base_name(voice):
        found = find_base_voice(voice)
        file, name, speaker = found.base.path, found.base.name, speaker or found.speaker or None
        into = output or Path("evaluation")
    else:
        folder = open_voice(voice, voices_dir)
        file, name = speaking_file(folder), folder.name
        into = output or folder.folder / "evaluation"
        own = folder.dataset if (folder.dataset / "metadata.csv").is_file() else None
    loaded = load_voice(file)
    if speaker is not None and speaker not in loaded.speakers and dataset is None:
        raise VoiceError(
            f"voice {name!r} has no speaker {speaker!r}",
            hint=f"it has {', '.join(sorted(loaded.speakers)) or 'one alone: leave --speaker out'}",
        )
    clips = dataset or own
    material = None
    if clips is not None:
        material = read_material(clips, hold_out=hold_out, speaker=speaker, name=None if dataset else name)
    options = EvaluateOptions(speaker=speaker, base=base, encoder=encoder, whisper_model=whisper_model, seed=seed)
    done = measure(loaded, name, material, options, terminal.progress())
    write_json(into / "evaluation.json", done.document())
    write_page(into / "evaluation.html", done)
    _tell(done)
    if as_json:
        typer.echo(json.dumps(done.document(), ensure_ascii=False, indent=1))
    else:
        typer.echo(into / "evaluation.json")
        typer.echo(into / "evaluation.html")


def _tell(done: "Evaluation") -> None:
    from pipeline.evaluation.meanings import line

    for score in (*done.scores, *done.speeds):
        one = line(score)
        if one.verdict:
            terminal.say(f"  {one.verdict:7} {one.label:21} {one.of:9} {one.value:>11}  goal {one.goal}")
    for note in done.notes:
        terminal.say(f"  note: {note}")

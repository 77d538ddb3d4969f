"""`clone-pipeline demo`: the whole road on a talk made on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import terminal


def demo(
    folder: Annotated[Path, typer.Option(help="Where the talk, the voice and the wav go.", file_okay=False)] = Path(
        "demo"
    ),
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Text2Mel steps. [dim]Default: a few hundred from the voice that ships, without one just a few[/dim]",
            show_default=False,
        ),
    ] = None,
    ssrn_steps: Annotated[
        int | None, typer.Option(min=1, help="SSRN steps. [dim]Default: likewise[/dim]", show_default=False)
    ] = None,
) -> None:
    """Run fetch, finetune and speak on a talk made here, with no network.

    The voice that ships, changed by Praat until it is a stranger's, speaks a
    talk for two, with music, noise and captions (without a base: eSpeak NG).
    A page on 127.0.0.1 serves it, and the real commands take it from there.
    Needs the extras: pip install praat-parselmouth espeakng-loader. Prints
    the paths of the report and the wav.
    """
    from pipeline.demo.run import DemoOptions, run_demo

    options = DemoOptions(folder=folder, steps=steps, ssrn_steps=ssrn_steps)
    result = run_demo(options, announce=terminal.say, progress=terminal.progress())
    typer.echo(result.report)
    typer.echo(result.wav)

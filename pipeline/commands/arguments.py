"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

VoiceName = Annotated[str, typer.Option("--voice", metavar="NAME", help="Which voice: a folder of this name.")]
SpeakingVoiceName = Annotated[
    str,
    typer.Option(
        "--voice",
        metavar="NAME",
        help="Which voice: a folder of this name, or one that ships: `base`, `base:SPEAKER`, `base:BASE/SPEAKER`.",
    ),
]
VocoderChoice = Annotated[
    str | None,
    typer.Option(
        "--vocoder",
        metavar="griffin-lim|PATH",
        help="What turns frames into sound: griffin-lim, a file of train-vocoder, or a generator of HiFi-GAN. "
        "[dim]Default: the voice's own[/dim]",
        show_default=False,
    ),
]
TrainingDevice = Annotated[str, typer.Option("--device", metavar="cpu|cuda", help="Where to train.")]
VoicesDir = Annotated[
    Path | None,
    typer.Option(
        "--voices-dir",
        metavar="PATH",
        help="Where voices live. [dim]Default: $CLONE_PIPELINE_VOICES, else ./voices[/dim]",
        show_default=False,
        file_okay=False,
    ),
]

"""The command line: parse, call one function, show the result or the error.

Each command is a module in `pipeline/commands/`; heavy modules are imported inside their functions, so that `--help`
loads neither torch nor yt-dlp. stdout carries what a script wants (paths, tables), stderr all the rest.
"""

import sys
from typing import Annotated

import typer

from dctts.errors import ClonePipelineError
from pipeline.commands import terminal
from pipeline.commands.demo import demo
from pipeline.commands.doctor import doctor
from pipeline.commands.evaluate import evaluate
from pipeline.commands.fetch import fetch
from pipeline.commands.finetune import finetune
from pipeline.commands.pretrain import pretrain
from pipeline.commands.probe import probe
from pipeline.commands.prompts import prompts
from pipeline.commands.review import review
from pipeline.commands.speak import speak
from pipeline.commands.train_encoder import train_encoder
from pipeline.commands.train_vocoder import train_vocoder
from pipeline.commands.voices import voices

MAKE = "Make a voice"
DATA = "Get better data"
LOOK = "Look around"

app = typer.Typer(
    name="clone-pipeline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Use your own voice, or one whose owner gave you leave. Respect the licence of what you fetch.",
)
app.command(rich_help_panel=MAKE)(fetch)
app.command(rich_help_panel=MAKE)(finetune)
app.command(rich_help_panel=MAKE)(speak)
app.command(rich_help_panel=MAKE)(pretrain)
app.command(rich_help_panel=MAKE)(train_vocoder)
app.command(rich_help_panel=DATA)(probe)
app.command(rich_help_panel=DATA)(review)
app.command(rich_help_panel=DATA)(prompts)
app.command(rich_help_panel=LOOK)(evaluate)
app.command("train-encoder", rich_help_panel=LOOK)(train_encoder)
app.command(rich_help_panel=LOOK)(voices)
app.command(rich_help_panel=LOOK)(doctor)
app.command(rich_help_panel=LOOK)(demo)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(version("clone-pipeline"))
        except PackageNotFoundError:  # a checkout that was never installed
            typer.echo("not installed")
        raise typer.Exit


@app.callback()
def _root(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """From a YouTube URL to a voice that speaks.

    [bold]clone-pipeline fetch URL[/bold]       finds the clips worth learning from
    [bold]clone-pipeline finetune[/bold]        trains a voice on them
    [bold]clone-pipeline speak TEXT[/bold]      says something with it
    """
    terminal.configure_logging(verbose=verbose)


def main() -> None:
    """Run the command line; what a user can act on is shown in two lines, a bug keeps its traceback."""
    try:
        app()
    except ClonePipelineError as error:
        terminal.show_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

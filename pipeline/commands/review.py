"""`clone-pipeline review`: listen, correct, keep or drop."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import VoiceName, VoicesDir
from pipeline.voices import DEFAULT_NAME, open_voice

if TYPE_CHECKING:
    from pipeline.review_session import ReviewSession


def review(
    voice: VoiceName = DEFAULT_NAME,
    voices_dir: VoicesDir = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser, or only say its address.")] = True,
) -> None:
    """Listen to the clips in the browser, correct their texts, keep or drop them.

    A page on 127.0.0.1 that nobody else can open. Each verdict is saved at
    once, in reviews.jsonl and clips.jsonl, and stays when the voice is
    fetched again. When you press Done, or Ctrl-C here, the dataset and the
    report are built from it. Prints their paths.

    [bold]Example[/bold]

      clone-pipeline review --voice ada
    """
    folder = open_voice(voice, voices_dir)

    import webbrowser

    from pipeline.review_server import serve
    from pipeline.run import review_voice

    def opened(address: str) -> None:
        terminal.say(f"review: {address}  (Ctrl-C ends it; every verdict is saved)")
        if browser:
            webbrowser.open(address)

    def show(session: "ReviewSession") -> None:
        serve(session, name=folder.name, port=port, opened=opened)

    summary = review_voice(folder, show, progress=terminal.progress())
    kept = f"{summary.num_kept} of {summary.num_candidates} clips kept, {summary.dataset.minutes:.1f} minutes"
    terminal.say(f"{folder.name}: {kept}")
    typer.echo(folder.dataset)
    typer.echo(folder.report_html)

"""`clone-pipeline prompts`: the sentences worth recording next."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import VoiceName, VoicesDir
from pipeline.voices import DEFAULT_NAME, open_voice

_MOST_REASONS = 5


def prompts(
    voice: VoiceName = DEFAULT_NAME,
    voices_dir: VoicesDir = None,
    count: Annotated[int, typer.Option(min=1, help="How many sentences.")] = 20,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to write them. [dim]Default: prompts.txt in the voice's folder[/dim]",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the sentences worth recording next, for a voice you can still record.

    Chosen from a list so that they bring most of what the kept clips are
    thin in: phonemes, sentence lengths, questions and exclamations. A voice
    that has nothing yet gets the twenty to begin with. Prints the file's
    path; the file has one sentence a line.

    [bold]Example[/bold]

      clone-pipeline prompts --voice ada --count 40 -o read-aloud.txt
    """
    folder = open_voice(voice, voices_dir)

    from dctts.atomic import write_text
    from dctts.lexicon import open_lexicon
    from pipeline.clips_file import read_clips
    from pipeline.coverage import cover, describe_coverage
    from pipeline.prompts import choose_prompts, read_candidates

    texts = [clip.text for clip in read_clips(folder.clips_jsonl) if clip.kept] if folder.clips_jsonl.exists() else []
    lexicon = open_lexicon()
    terminal.say(f"{folder.name}: {len(texts)} kept clips")
    for line in describe_coverage(cover(texts, lexicon)) if texts else ():
        terminal.say(f"  {line}")
    chosen = choose_prompts(texts, read_candidates(), lexicon, count=count)
    for prompt in chosen:
        brings = ", ".join(prompt.brings[:_MOST_REASONS]) or "more of everything"
        terminal.say(f"  {prompt.text}  [{brings}]")
    path = output or folder.folder / "prompts.txt"
    write_text(path, "".join(f"{prompt.text}\n" for prompt in chosen))
    typer.echo(path)

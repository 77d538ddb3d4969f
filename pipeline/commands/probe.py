"""`clone-pipeline probe`: what a video would give, before it is fetched."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import VoiceName, VoicesDir
from pipeline.commands.fetch import DOWNLOAD, ENOUGH_MIN, LANGUAGE
from pipeline.voices import DEFAULT_NAME, open_voice

if TYPE_CHECKING:
    from pipeline.probe import Forecast

_CAPTIONS = {"manual": "written by a person", "automatic": "automatic", "none": "none"}


def probe(
    url: Annotated[str, typer.Argument(metavar="URL", help="A video, or a file on this machine.")],
    voice: VoiceName = DEFAULT_NAME,
    voices_dir: VoicesDir = None,
    language: Annotated[str, typer.Option(metavar="CODE", help="Language spoken, and of the captions.")] = LANGUAGE,
    cookies: Annotated[
        Path | None,
        typer.Option(
            help="A cookies.txt, for videos that want you signed in.",
            exists=True,
            dir_okay=False,
            rich_help_panel=DOWNLOAD,
        ),
    ] = None,
) -> None:
    """Say in under a minute what a video would give: captions, speakers, music, minutes.

    Fetches the captions and the smallest audio that will do, runs the real
    checks on up to three minutes taken evenly from all of it, and leaves
    nothing on disk. What is estimated is marked with ~.

    [bold]Example[/bold]

      clone-pipeline probe https://www.youtube.com/watch?v=ID --voice ada
    """
    folder = open_voice(voice, voices_dir)

    from pipeline.clips_file import read_clips
    from pipeline.probe import ProbeOptions
    from pipeline.probe import probe as listen

    options = ProbeOptions()
    try:
        how = replace(options.fetch, language=language, cookies=cookies)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    held = [clip for clip in read_clips(folder.clips_jsonl) if clip.kept] if folder.clips_jsonl.exists() else []
    forecast = listen(url, replace(options, fetch=how), terminal.progress())
    for name, value in describe(forecast, held_s=sum(clip.end_s - clip.start_s for clip in held)):
        typer.echo(f"{name:<10} {value}")


def describe(forecast: "Forecast", *, held_s: float) -> list[tuple[str, str]]:
    """Say what was found and what to expect, as (name, words).

    Args:
        forecast: of the recording.
        held_s: what the voice has already.
    """
    recording, funnel = forecast.recording, forecast.funnel
    total_s = funnel.total_s or 1.0
    speakers = forecast.speaker_shares
    low, high = (value / 60 for value in forecast.kept_range_s)
    kept = forecast.kept_s / 60
    wide = f" ({low:.0f} to {high:.0f})" if high - low >= 1 else ""
    lost = [f"{terminal.one_line(reason)} {seconds / total_s:.0%}" for reason, seconds in funnel.dropped_s[:4]]
    missing = ENOUGH_MIN - held_s / 60 - kept
    has = f"{held_s / 60:.1f} are there, " if held_s else ""
    need = f"~{missing:.0f} minutes more, from other videos" if missing >= 1 else "nothing more"
    return [
        ("title", terminal.one_line(recording.title or recording.id)),
        ("length", f"{recording.duration_s / 60:.1f} minutes, of which {forecast.heard_s / 60:.1f} were heard"),
        ("captions", _CAPTIONS[recording.captions_kind]),
        ("speakers", f"~{len(speakers)} ({', '.join(f'{share:.0%}' for share in speakers)} of the speech)"),
        ("music", f"~{forecast.share_of('music'):.0%}, no speech ~{funnel.not_speech_s / total_s:.0%}"),
        ("kept", f"~{kept:.1f} minutes{wide}, {forecast.kept_s / recording.duration_s:.0%}"),
        ("dropped", ", ".join(lost) or "nothing"),
        ("needed", f"{has}{need} (for {ENOUGH_MIN:.0f})"),
    ]

"""`clone-pipeline fetch`: from URLs to a dataset."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands import terminal
from pipeline.commands.arguments import VoiceName, VoicesDir
from pipeline.errors import FetchError
from pipeline.voices import DEFAULT_NAME, VoiceFolder, open_voice

if TYPE_CHECKING:
    from pipeline.run import FetchSummary, Outcome

WORDS = "Words"
SPEECH = "Speech"
SOUND = "Sound"
DOWNLOAD = "Download"
SPEAKER = "Whose voice"
LANGUAGE = "en"
ENOUGH_MIN = 15.0
_TOP_REASONS = 4
_TITLE_WIDTH = 48


class TranscriberName(StrEnum):
    """Who writes the words."""

    auto = "auto"
    whisper = "whisper"
    captions = "captions"
    pocketsphinx = "pocketsphinx"


def fetch(
    urls: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="URL…", help="Videos, playlists, channels, or files on this machine.", show_default=False
        ),
    ] = None,
    voice: VoiceName = DEFAULT_NAME,
    voices_dir: VoicesDir = None,
    from_file: Annotated[
        Path | None,
        typer.Option(help="Read URLs from a file too, one a line; # starts a comment.", exists=True, dir_okay=False),
    ] = None,
    language: Annotated[
        str,
        typer.Option(metavar="CODE", help="Language spoken, and of the captions to fetch.", rich_help_panel=DOWNLOAD),
    ] = LANGUAGE,
    cookies: Annotated[
        Path | None,
        typer.Option(
            help="A cookies.txt, for videos that want you signed in.",
            exists=True,
            dir_okay=False,
            rich_help_panel=DOWNLOAD,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Take at most this many videos of a playlist or channel.", rich_help_panel=DOWNLOAD),
    ] = None,
    speaker: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Whose voice to take: 1 speaks most, 2 is next.", rich_help_panel=SPEAKER
        ),
    ] = 1,
    speaker_reference: Annotated[
        Path | None,
        typer.Option(
            help="A recording of the wanted voice, 5 to 20 s of it alone.",
            exists=True,
            dir_okay=False,
            rich_help_panel=SPEAKER,
        ),
    ] = None,
    list_speakers: Annotated[
        bool,
        typer.Option(
            "--list-speakers",
            help="Print who speaks, minutes each, instead of the paths; the report has them to hear.",
            rich_help_panel=SPEAKER,
        ),
    ] = False,
    transcriber: Annotated[
        TranscriberName,
        typer.Option(
            help="Who writes the words. [dim]auto: Whisper where its weights are or can be had, else the captions, "
            "else PocketSphinx; it says which and why.[/dim]",
            rich_help_panel=WORDS,
        ),
    ] = TranscriberName.auto,
    whisper_model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="Which Whisper: tiny … large-v3, or a file.", rich_help_panel=WORDS)
    ] = "small",
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda", help="Where Whisper runs.", rich_help_panel=WORDS)
    ] = "auto",
    vad_aggressiveness: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=3,
            help="How readily sound is taken for no speech (webrtcvad): lower it when speech is missed.",
            show_default=False,
            rich_help_panel=SPEECH,
        ),
    ] = None,
    denoise: Annotated[
        bool,
        typer.Option(
            "--denoise",
            help="Lower steady noise in the clips. [dim]Only what is written changes, not what is judged, so no more "
            "clips are kept. It helps in plain noise (15 dB below the voice), does little at 25 dB, and costs a clean "
            "voice some of its likeness. It holds for the whole voice: give it with every fetch.[/dim]",
            rich_help_panel=SOUND,
        ),
    ] = False,
) -> None:
    """Make a dataset of a voice from videos, playlists or files.

    Goes all the way: download, captions, speech, words, checks, a dataset
    in LJSpeech layout, and a report that says where each minute went. What
    is done is not done again: a stopped run goes on where it was, and a
    second URL adds to the voice. One bad video never stops the rest; a
    summary says what each gave. Prints the dataset's and the report's path.

    [bold]Examples[/bold]

      clone-pipeline fetch https://www.youtube.com/watch?v=ID

      clone-pipeline fetch talk.mp4 --voice ada

      clone-pipeline fetch --from-file urls.txt --voice ada --limit 10
    """
    wanted = [*(urls or []), *(_read_urls(from_file) if from_file else [])]
    if not wanted:
        raise FetchError("no URL given", hint="clone-pipeline fetch URL, or --from-file urls.txt")
    folder = open_voice(voice, voices_dir)

    from dataclasses import replace

    from pipeline.dataset import DatasetOptions
    from pipeline.fetch import FetchOptions
    from pipeline.run import RunOptions, build_voice_data
    from pipeline.segment import SegmentOptions

    segment = SegmentOptions()
    if vad_aggressiveness is not None:
        segment = replace(segment, aggressiveness=vad_aggressiveness)
    try:
        how = FetchOptions(language=language, cookies=cookies, limit=limit)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    options = RunOptions(
        fetch=how,
        segment=segment,
        dataset=DatasetOptions(denoise=denoise),
        transcriber=transcriber.value,
        whisper_model=whisper_model,
        device=device,
        speaker=speaker,
        speaker_reference=speaker_reference,
    )
    summary = build_voice_data(wanted, folder, options, terminal.progress())
    for line in describe(summary, folder):
        terminal.say(line)
    if list_speakers:
        typer.echo("\n".join(speaker_lines(summary)))
        terminal.say(f"hear them in {folder.report_html}")
        return
    typer.echo(folder.dataset)
    typer.echo(folder.report_html)


def speaker_lines(summary: "FetchSummary") -> list[str]:
    """Make tab-separated rows of who speaks in each recording, with a header."""
    lines = ["recording\tspeaker\tminutes\tshare\ttaken\tfirst heard"]
    for one in summary.outcomes:
        for speaker in summary.speakers.get(one.recording.id, ()):
            first = min((span.start_s for span in speaker.samples), default=0.0)
            minutes, taken = f"{speaker.speech_s / 60:.1f}", "yes" if speaker.wanted else "no"
            figures = (
                f"{speaker.number}\t{minutes}\t{speaker.share:.0%}\t{taken}\t{int(first // 60)}:{int(first % 60):02d}"
            )
            lines.append(f"{_title(one)}\t{figures}")
    return lines


def describe(summary: "FetchSummary", voice: VoiceFolder) -> list[str]:
    """Say what was kept, why the rest was not, and what to do next."""
    funnel = summary.funnel
    total, kept = funnel.total_s / 60, funnel.kept_s / 60
    share = f" ({kept / total:.0%})" if total else ""
    sources = f"{summary.num_sources} recording{'s' if summary.num_sources != 1 else ''}"
    lost = [(f"{reason}", seconds / 60) for reason, seconds in funnel.dropped_s]
    lines = [
        "",
        f"{voice.name}: kept {kept:.1f} of {total:.1f} minutes{share} in {summary.num_kept} clips, from {sources}",
        f"  no speech    {funnel.not_speech_s / 60:6.1f} min",
        *(f"  dropped      {value:6.1f} min  {terminal.one_line(reason)}" for reason, value in lost[:_TOP_REASONS]),
    ]
    if len(lost) > _TOP_REASONS:
        rest = sum(value for _, value in lost[_TOP_REASONS:])
        lines.append(f"  dropped      {rest:6.1f} min  {len(lost) - _TOP_REASONS} more reasons, see the report")
    lines += [f"  words        {terminal.one_line(line)}" for line in summary.transcribers]
    lines.append(f"  dataset      {summary.dataset.num_train} clips to train on, {summary.dataset.num_val} held out")
    lines += [f"  failed       {_failure(failure.what, failure.error.message)}" for failure in summary.failures]
    if len(summary.outcomes) > 1:
        lines += ["", *_table(summary.outcomes)]
    if kept < ENOUGH_MIN:
        lines.append(
            f"  more         {ENOUGH_MIN - kept:.0f} minutes more would help: fetch another URL into this voice"
        )
    flag = "" if voice.name == DEFAULT_NAME else f" --voice {voice.name}"
    lines.append(f"next: clone-pipeline finetune{flag}")
    return lines


def _table(outcomes: Sequence["Outcome"]) -> list[str]:
    """Say of each recording what it gave: one that gave nothing is not fetched again for more."""
    width = min(_TITLE_WIDTH, max(len(_title(one)) for one in outcomes))
    lines = [f"  {'recording':<{width}}  minutes   kept  clips  most lost to"]
    for one in outcomes:
        lost = [f"{terminal.one_line(reason)} {seconds / 60:.1f}" for reason, seconds in one.funnel.dropped_s[:2]]
        figures = f"{one.funnel.total_s / 60:7.1f}{one.funnel.kept_s / 60:7.1f}{one.num_kept:7}"
        lines.append(f"  {_title(one):<{width}}  {figures}  {', '.join(lost)}".rstrip())
    return lines


def _title(outcome: "Outcome") -> str:
    title = terminal.one_line(outcome.recording.title or outcome.recording.id)
    return title if len(title) <= _TITLE_WIDTH else title[: _TITLE_WIDTH - 1] + "…"


def _failure(what: str, message: str) -> str:
    message = terminal.one_line(message)
    return message if what in message else f"{terminal.one_line(what)}: {message}"


def _read_urls(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FetchError(f"{path} is not UTF-8 text", hint="--from-file takes a text file, one URL a line") from error
    # A "#" inside a URL is its fragment: only a leading or a spaced one starts a comment.
    urls = (line.split(" #", 1)[0].strip() for line in lines if not line.lstrip().startswith("#"))
    return [url for url in urls if url]

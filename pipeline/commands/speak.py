"""`clone-pipeline speak`: from text to a wav."""

import logging
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from dctts.errors import AudioError, TextError
from pipeline.commands import terminal
from pipeline.commands.arguments import SpeakingVoiceName, VocoderChoice, VoicesDir
from pipeline.voices import DEFAULT_NAME

if TYPE_CHECKING:
    from dctts.lexicon import Lexicon
    from dctts.voice import Voice

STDOUT = Path("-")
log = logging.getLogger(__name__)


def speak(
    text: Annotated[
        str | None, typer.Argument(help="What to say; `-` or nothing reads standard input.", show_default=False)
    ] = None,
    voice: SpeakingVoiceName = DEFAULT_NAME,
    voices_dir: VoicesDir = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLIP",
            help="Speak like whoever speaks in this file or at this URL; five seconds are enough, `#t=63,68` behind it "
            "says which. Give it again for more clips of the same person.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Read the text from a file.", exists=True, dir_okay=False, show_default=False)
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="WAV", help="Where to write; `-` streams to standard output.")
    ] = Path("speech.wav"),
    stream: Annotated[
        bool, typer.Option("--stream", help="Write the sound while it is made, so that it can be heard at once.")
    ] = False,
    srt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write subtitles too.", dir_okay=False, show_default=False)
    ] = None,
    verdict: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write how well it went too, as JSON.", dir_okay=False, show_default=False),
    ] = None,
    lexicon: Annotated[
        Path | None,
        typer.Option(
            help="Your own pronunciations, a `word  PH ON EMES` a line.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    vocoder: VocoderChoice = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same samples.")] = 0,
) -> None:
    r"""Say something in a voice.

    Numbers and abbreviations are written out, long texts are spoken
    sentence by sentence, and a pronunciation can be given in braces, in
    ARPAbet. Prints the path of the wav.

    [bold]Examples[/bold]

      clone-pipeline speak "A {N UH1 R AH0 L} network, for \$5.01."

      clone-pipeline speak --file chapter.txt --voice ada -o chapter.wav

      echo "Hello there." | clone-pipeline speak

      clone-pipeline speak "Hello there." --voice base

      clone-pipeline speak "Hello there." --reference me.wav

      clone-pipeline speak "Hello there." -o - | ffplay -
    """
    said = _text(text, file)

    from dctts.lexicon import open_lexicon
    from dctts.synthesize import SpeakOptions, write_speech
    from pipeline.speaking_voice import load_speaking_voice, with_vocoder

    words = open_lexicon(lexicon)
    loaded = _like(reference, voice, voices_dir, words) if reference else load_speaking_voice(voice, voices_dir)
    if vocoder:
        loaded = with_vocoder(loaded, vocoder)
    options = SpeakOptions(seed=seed)
    begun = perf_counter()
    if stream or output == STDOUT:
        from dctts.stream import stream_speech

        target = sys.stdout.buffer if output == STDOUT else output
        try:
            verdicts = stream_speech(said, loaded, words, target, options=options, srt=srt, verdict=verdict)
        except AudioError:
            if output == STDOUT:  # what is left in the buffer of a closed pipe would fail once more at the very end
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise
    else:
        verdicts = write_speech(
            said, loaded, words, output, options=options, srt=srt, verdict=verdict, progress=terminal.progress()
        )
    for one in verdicts:
        if not one.reached_end:
            terminal.say(f"warning: the end was not reached: {terminal.one_line(one.text)}")
    if output != STDOUT:
        log.debug("%s", _speed(output, perf_counter() - begun, loaded))
        typer.echo(output)


def _like(reference: list[str], voice: str, voices_dir: Path | None, lexicon: "Lexicon") -> "Voice":
    from pipeline.speaking_voice import check_takes_reference, load_zero_shot_voice

    check_takes_reference(voice)

    from dctts.config import AudioConfig
    from dctts.encoder.resemblyzer import SpeakerEncoder
    from pipeline.listen import Listener
    from pipeline.reference import Judges, read_references
    from pipeline.voices import references_dir

    judges = Judges(encoder=SpeakerEncoder(), hearing=Listener(quick=True), lexicon=lexicon, audio=AudioConfig())
    heard = read_references(reference, judges, sources=references_dir(voices_dir), progress=terminal.progress())
    return load_zero_shot_voice(voice, heard, lexicon)


def _speed(wav: Path, spent_s: float, voice: "Voice") -> str:
    """Say what the sound cost, for --verbose."""
    import soundfile

    from dctts.vocoders.interface import GRIFFIN_LIM

    made_s = soundfile.info(wav).duration
    kind = voice.vocoder.kind if voice.vocoder else GRIFFIN_LIM
    return f"{made_s:.1f} s of speech in {spent_s:.1f} s (RTF {spent_s / max(made_s, 0.01):.3f}), vocoder {kind}"


def _text(text: str | None, file: Path | None) -> str:
    if text not in (None, "-") and file is not None:
        raise TextError("both a text and --file were given", hint="give one of them")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise TextError(f"{file} is not UTF-8 text", hint="save it as UTF-8") from error
    if text not in (None, "-"):
        return str(text)
    if sys.stdin.isatty():
        raise TextError("nothing to say", hint='clone-pipeline speak "Hello there."')
    return sys.stdin.read()

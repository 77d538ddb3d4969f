"""Speech → text: one small interface, three implementations, and the choice between them."""

from pathlib import Path
from typing import Literal, get_args

from pipeline.errors import TranscribeError
from pipeline.transcribe.captions import Captions, CaptionsTranscriber
from pipeline.transcribe.interface import Transcriber
from pipeline.transcribe.pocketsphinx import PocketSphinxTranscriber

Name = Literal["auto", "whisper", "captions", "pocketsphinx"]

__all__ = ["Captions", "Name", "Transcriber", "choose_transcriber"]


def choose_transcriber(
    name: str, *, captions: Captions | None, model: str = "small", device: str = "auto", language: str = "en"
) -> tuple[Transcriber, str]:
    """Pick a transcriber, and say in one line which and why.

    Args:
        name: `auto` takes Whisper when its weights are cached or can be downloaded, else captions, else PocketSphinx.
        captions: the recording's captions; with Whisper they are the second witness.
        model: a name of openai-whisper's, or a path to a checkpoint in its format.
        device: `auto`, `cpu`, `cuda` or another that torch knows.
        language: what is spoken, such as `en` or `en-GB`; PocketSphinx and the aligner know English only.

    Raises:
        TranscribeError: the transcriber asked for cannot be had.
        ValueError: no such name.
    """
    if name not in get_args(Name):
        raise ValueError(f"transcriber must be one of {', '.join(get_args(Name))}, got {name!r}")
    captions = captions if captions is not None and captions.words else None
    if name in ("auto", "whisper"):
        try:
            return _whisper(captions, model, device, language)
        except TranscribeError as error:
            if name == "whisper" or Path(model).suffix:  # a path was asked for by hand: falling back would hide a slip
                raise
            missing = error.message
    else:
        missing = ""
    _require_english(language)
    because = f" ({missing})" if missing else ""
    if name == "captions" or (name == "auto" and captions is not None):
        if captions is None:
            raise TranscribeError(
                "this recording has no captions", hint="take --transcriber whisper, or pocketsphinx for a rough text"
            )
        return CaptionsTranscriber(captions=captions), f"transcriber: captions, checked by PocketSphinx{because}"
    return PocketSphinxTranscriber(), f"transcriber: PocketSphinx alone, about one word in four will be wrong{because}"


def _whisper(captions: Captions | None, model: str, device: str, language: str) -> tuple[Transcriber, str]:
    # Imported here because worker processes of the other two import this package, and must not load torch (200 MB).
    from pipeline.transcribe.whisper import WhisperTranscriber, load_whisper

    network, where = load_whisper(model, device)
    witness = ", captions as second witness" if captions else ""
    transcriber = WhisperTranscriber(model=network, captions=captions, language=language.split("-")[0])
    return transcriber, f"transcriber: Whisper {model} on {network.device.type} ({where}){witness}"


def _require_english(language: str) -> None:
    if language.split("-")[0].lower() != "en":
        raise TranscribeError(
            f"captions in {language!r} cannot be aligned: PocketSphinx carries an English model only",
            hint="take --transcriber whisper",
        )

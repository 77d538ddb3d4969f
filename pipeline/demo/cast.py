"""Who speaks in the demo's talk."""

from collections.abc import Mapping

from dctts.disguise import Disguise
from dctts.lexicon import open_lexicon
from dctts.voice import Voice, as_speaker, load_voice
from pipeline.bases import list_bases
from pipeline.demo.espeak import EspeakSpeaker, EspeakVoice, open_espeak
from pipeline.demo.speaker import Speaker
from pipeline.demo.stranger import Stranger

# Of the variants tried, klatt4 is the one that PocketSphinx understands best (CER 0.14; plain en-us 0.30).
ESPEAK_VOICES = {
    "host": EspeakVoice(name="en-us+klatt4", words_per_minute=165),
    "guest": EspeakVoice(name="en-us+f3", words_per_minute=170, pitch=75),
}
DISGUISES = {
    "host": Disguise(pitch_hz=130, formants=0.92, duration=1.02),
    "guest": Disguise(pitch_hz=235, formants=1.1, liveliness=1.1, duration=0.97),
}


def open_cast() -> Mapping[str, Speaker]:
    """Give a host and a guest: the first base voice that ships, in two disguises; eSpeak NG where none ships.

    Raises:
        ClonePipelineError: what makes the voices is not installed.
    """
    bases = list_bases()
    if not bases:
        return {who: EspeakSpeaker(open_espeak(), voice) for who, voice in ESPEAK_VOICES.items()}
    voice, lexicon = load_voice(bases[0].path), open_lexicon()
    voices = {"host": voice, "guest": _somebody_else(voice)}
    return {who: Stranger(voices[who], lexicon, disguise) for who, disguise in DISGUISES.items()}


def _somebody_else(voice: Voice) -> Voice:
    """Take the speaker of a base who sounds least like the one it speaks as."""
    nearness = {name: float(vector @ voice.speaker) for name, vector in voice.speakers.items()}
    return as_speaker(voice, min(nearness, key=lambda name: nearness[name])) if nearness else voice

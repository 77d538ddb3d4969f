"""A voice → its texts said, listened to and measured → an `Evaluation`."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dctts.audio import load_wav, loudness_normalise, trim_silence
from dctts.corpus import Embedder
from dctts.lexicon import Lexicon
from dctts.progress import SILENT, Progress
from dctts.synthesize import SpeakOptions, Spoken, silence, speak
from dctts.text import encode
from dctts.verdict import summarise
from dctts.voice import Voice
from pipeline.evaluation.acoustics import analyse, distance
from pipeline.evaluation.evaluation import Evaluation
from pipeline.evaluation.likeness import ENOUGH_SPEAKERS, Likeness, Vector
from pipeline.evaluation.material import Material, Prompt, prompts
from pipeline.evaluation.rows import Heard, Row
from pipeline.evaluation.spectrograms import pair_png
from pipeline.listen import word_errors
from pipeline.preview import mp3

Wave = NDArray[np.float32]

_EMBEDDED_TOGETHER = 20
"""Clips whose speaker vectors are computed at once: several times faster than one by one."""


class Hearing(Protocol):
    """A judge of what speech says: `listen.Listener`, `second_judge.WhisperListener`."""

    def hear(self, wave: Wave, sample_rate_hz: int) -> str:
        """Return the words heard, "" for none."""


class SecondEncoder(Embedder, Protocol):
    """A judge of who speaks that knows strangers of its own: `dctts.encoder.own.OwnEncoder`."""

    @property
    def strangers(self) -> Mapping[str, Vector]:
        """Name → unit vector of people it never learnt from."""


@dataclass(frozen=True, kw_only=True)
class Judges:
    """Who listens: the costly objects, made once."""

    listener: Hearing
    encoder: Embedder
    """The one that conditions the voices."""
    whisper: Hearing | None = None
    second_encoder: SecondEncoder | None = None
    """One that does not: whom it takes the voice for, the voice was never told."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How the voice is asked to speak, and what the page shows."""

    speak: SpeakOptions = field(default_factory=SpeakOptions)
    num_pictures: int = 6
    """Held-out clips whose spectrograms are drawn."""


def evaluate(
    voice: Voice,
    judges: Judges,
    lexicon: Lexicon,
    *,
    name: str,
    material: Material | None = None,
    others: Mapping[str, Vector] | None = None,
    texts: Sequence[Prompt] | None = None,
    notes: Sequence[str] = (),
    options: RunOptions | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Let a voice say the fixed sentences and the held-out ones, and measure what is heard.

    Args:
        voice: conditioned on the speaker it should sound like, see `dctts.voice.as_speaker`.
        name: of the voice, for people.
        material: clips of that speaker; without them nothing is compared with real speech.
        others: name → speaker vector of other people at hand, beyond those the voice itself holds.
        texts: what to say; None takes all of `material.prompts`.
        notes: lines for people, such as who did not listen.
    """
    options = options or RunOptions()
    texts = prompts(material) if texts is None else texts
    likeness = Likeness(
        _own_vectors(judges.encoder, voice, material, progress) or {"": _speaker(voice)},
        _strangers({**_vectors(voice), **(others or {})}, voice, material),
    )
    second = _second_likeness(judges, voice, material, progress)
    session = _Session(voice, judges, lexicon, likeness, second, options)
    rows: list[Row] = []
    list(speak("This is said to warm up.", voice, lexicon, options=options.speak))  # nobody measures a cold start
    with progress.bar("evaluate", len(texts)) as bar:
        for prompt in texts:
            pictured = sum(bool(row.picture) for row in rows) < options.num_pictures
            rows.append(session.row(prompt, pictured=pictured))
            bar.advance(1, rows[-1].made.text[:40])
    return Evaluation(
        name=name,
        is_base=bool(voice.speakers),
        steps=voice.card.get("steps"),
        material=material,
        others=tuple(likeness.others),
        second_others=tuple(second.others) if second else (),
        rows=tuple(rows),
        notes=(*notes, *_notes(material, likeness)),
        seed=options.speak.seed,
    )


class _Session:
    def __init__(
        self,
        voice: Voice,
        judges: Judges,
        lexicon: Lexicon,
        likeness: Likeness,
        second: Likeness | None,
        options: RunOptions,
    ) -> None:
        self._voice, self._judges, self._lexicon = voice, judges, lexicon
        self._likeness, self._second, self._options = likeness, second, options
        self._rate = voice.audio.sample_rate_hz

    def row(self, prompt: Prompt, *, pictured: bool) -> Row:
        begun, begun_processor = time.perf_counter(), time.process_time()
        pieces = list(speak(prompt.text, self._voice, self._lexicon, options=self._options.speak))
        spent_s, processor_s = time.perf_counter() - begun, time.process_time() - begun_processor
        wave = np.concatenate(
            [part for piece in pieces for part in (piece.wave, silence(piece.silence_ms, self._voice.audio))]
        )
        about = summarise([piece.verdict for piece in pieces], duration_s=len(wave) / self._rate)
        row = Row(
            prompt=prompt,
            made=self._heard(prompt, wave),
            reached_end=about["reached_end"],
            coverage=about["coverage"],
            forced_rate=about["forced_rate"],
            num_chunks=about["chunks"],
            num_retried=about["chunks_retried"],
            length_ratio=self._length_ratio(pieces),
            spent_s=spent_s,
            processor_s=processor_s,
        )
        if prompt.clip is None:
            return row
        # Trimmed and levelled as the clips were that the voice learnt from: silence around speech is nobody's error.
        real = loudness_normalise(trim_silence(load_wav(prompt.clip, self._rate), self._voice.audio))
        return replace(
            row,
            real=self._heard(prompt, real),
            distance=distance(analyse(real, self._rate), analyse(wave, self._rate)),
            picture=pair_png(real, wave, self._voice.audio) if pictured else b"",
        )

    def _heard(self, prompt: Prompt, wave: Wave) -> Heard:
        text = self._judges.listener.hear(wave, self._rate)
        whisper = self._judges.whisper.hear(wave, self._rate) if self._judges.whisper else None
        (vector,) = self._judges.encoder.embed_batch([wave], self._rate)
        heard = Heard(
            text=text,
            errors=word_errors(prompt.text, text),
            whisper=whisper,
            whisper_errors=None if whisper is None else word_errors(prompt.text, whisper),
            secs=self._likeness.secs(vector, without=prompt.id),
            strangers=self._likeness.strangers(vector),
            duration_s=len(wave) / self._rate,
            sound=mp3(wave, self._rate),
        )
        if self._second is None or self._judges.second_encoder is None:
            return heard
        (vector,) = self._judges.second_encoder.embed_batch([wave], self._rate)
        return replace(
            heard,
            second_secs=self._second.secs(vector, without=prompt.id),
            second_strangers=self._second.strangers(vector),
        )

    def _length_ratio(self, pieces: Sequence[Spoken]) -> float:
        symbols = sum(len(encode(piece.verdict.text, lexicon=self._lexicon)) for piece in pieces)
        expected_s = symbols / self._voice.symbols_per_frame / self._voice.audio.coarse_frames_per_s
        return sum(piece.verdict.duration_s for piece in pieces) / expected_s


def _second_likeness(judges: Judges, voice: Voice, material: Material | None, progress: Progress) -> Likeness | None:
    """Ask the second encoder who the speaker is: without clips it cannot know, vectors of the voice are the first's."""
    if judges.second_encoder is None or material is None:
        return None
    own = _own_vectors(judges.second_encoder, voice, material, progress)
    others = {name: vector for name, vector in judges.second_encoder.strangers.items() if name != material.speaker}
    return Likeness(own, others) if own else None


def _own_vectors(encoder: Embedder, voice: Voice, material: Material | None, progress: Progress) -> dict[str, Vector]:
    if material is None:
        return {}
    rows, rate = (*material.held_out, *material.enrolled), voice.audio.sample_rate_hz
    vectors: dict[str, Vector] = {}
    with progress.bar("who speaks", len(rows)) as bar:
        for start in range(0, len(rows), _EMBEDDED_TOGETHER):
            some = rows[start : start + _EMBEDDED_TOGETHER]
            found = encoder.embed_batch([load_wav(row.wav, rate) for row in some], rate)
            vectors |= {row.id: vector for row, vector in zip(some, found, strict=True) if vector is not None}
            bar.advance(len(some))
    return vectors


def _strangers(vectors: Mapping[str, Vector], voice: Voice, material: Material | None) -> dict[str, Vector]:
    """Leave out the speaker: by name where clips say who that is, else by the vector the voice is given."""
    if material is not None:
        return {name: vector for name, vector in vectors.items() if name != material.speaker}
    return {name: vector for name, vector in vectors.items() if not np.array_equal(vector, _speaker(voice))}


def _speaker(voice: Voice) -> Vector:
    return np.asarray(voice.speaker.float().cpu().numpy(), np.float32)


def _vectors(voice: Voice) -> dict[str, Vector]:
    return {name: np.asarray(vector.float().cpu().numpy(), np.float32) for name, vector in voice.speakers.items()}


def _notes(material: Material | None, likeness: Likeness) -> list[str]:
    notes = []
    if material is None:
        notes.append("no dataset: no real readings to compare with, and SECS is to the vector the voice is given")
    elif not material.held_out:
        notes.append("no clips were held out (no val.txt, no --hold-out): no real readings to compare with")
    elif not material.known_words:
        notes.append("every clip is held out: no words are known, so none can be absent")
    count = len(likeness.others)
    if not count:
        notes.append("no other speakers at hand: no margin and no equal error rate")
    elif count < ENOUGH_SPEAKERS:
        notes.append(
            f"only {count} other speaker{'' if count == 1 else 's'} at hand: the equal error rate is optimistic, "
            f"{ENOUGH_SPEAKERS} make it mean something"
        )
    return notes

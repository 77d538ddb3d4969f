"""Who listens while a voice is trained: PocketSphinx for its words, the speaker encoder for whom it sounds like."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dctts.audio import magnitudes
from dctts.config import AudioConfig
from dctts.corpus import Embedder
from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.lexicon import Lexicon
from dctts.selection import Original, Scores
from dctts.shipped import shipped
from dctts.synthesize import SpeakOptions, Spoken, speak_each
from dctts.text import encode, normalise
from dctts.vocoders.griffin_lim import griffin_lim
from dctts.voice import Voice
from pipeline.listen import Errors, Listener, corpus_errors, said_words, word_errors

MOST_HELD_OUT, MOST_UNSEEN, MOST_HARVARD = 6, 6, 6
"""Sentences of each kind: eighteen in all, some 45 s of speech. For each second PocketSphinx takes 0.1 to 0.2 s of one
core, all the rest together 0.05."""
LONGEST = 70
"""Characters of a held-out text that is listened to: what is longer costs more and tells no more."""


class VoiceScorer:
    """Let voices say the same sentences again and again, and listen.

    Args:
        target: whom they should sound like.
        lexicon: how words are said.
        listener: hears words.
        embedder: knows voices apart.
        audio: of the recordings of the target.
    """

    def __init__(
        self,
        target: Original,
        *,
        lexicon: Lexicon,
        listener: Listener,
        embedder: Embedder,
        audio: AudioConfig | None = None,
    ) -> None:
        self._target, self._lexicon, self._listener, self._embedder = target, lexicon, listener, embedder
        self._audio = audio or AudioConfig()
        self.held_out = held_out_texts(target)
        self.harvard, self.unseen = harvard_texts(target.transcripts)

    @cached_property
    def ceiling(self) -> float:
        """Mean cosine with the target of its held-out recordings after phase retrieval from their magnitudes."""
        waves = []
        for example in list(self._target.held_out)[:MOST_HELD_OUT]:
            wave = example.wave.float() / 32768
            waves.append(griffin_lim(magnitudes(wave.unsqueeze(0), self._audio)[0], self._audio))
        found = self._similarities(waves, self._target.speaker.numpy())
        return float(np.mean(found)) if found else 0.9  # what real speakers reach

    def score(self, voice: Voice) -> Scores:
        """Let a voice say the sentences, and listen."""
        kinds = (self.held_out, self.harvard, self.unseen)
        texts = [text for kind in kinds for text in kind]
        spoken = speak_each(texts, voice, self._lexicon, options=SpeakOptions(attempts=1))
        rate = voice.audio.sample_rate_hz
        errors = [
            word_errors(text, self._listener.hear(one.wave, rate)) for text, one in zip(texts, spoken, strict=True)
        ]
        first, second = len(self.held_out), len(self.held_out) + len(self.harvard)
        waves = [one.wave for one in spoken]
        near = self._similarities(waves, self._target.speaker.numpy())
        base = [self._similarities(waves, vector.numpy()) for vector in self._target.base_speakers.values()]
        verdicts = [one.verdict for one in spoken]
        return Scores(
            cer=_cer(errors),
            cer_held_out=_cer(errors[:first]),
            cer_harvard=_cer(errors[first:second]),
            cer_unseen=_cer(errors[second:]),
            secs=_mean(near),
            secs_base=max((_mean(found) for found in base), default=0.0),
            forced_rate=_mean(verdict.forced_rate for verdict in verdicts),
            coverage=_mean(verdict.coverage for verdict in verdicts),
            length_ratio=_mean(self._length_ratio(text, one, voice) for text, one in zip(texts, spoken, strict=True)),
        )

    def _similarities(self, waves: Sequence[NDArray[np.float32]], whom: NDArray[np.float32]) -> list[float]:
        """Cosines of clips with a vector; 0 where nobody speaks."""
        vectors = self._embedder.embed_batch(waves, self._audio.sample_rate_hz) if waves else []
        return [0.0 if vector is None else float(vector @ whom) for vector in vectors]

    def _length_ratio(self, text: str, spoken: Spoken, voice: Voice) -> float:
        expected = len(encode(normalise(text), lexicon=self._lexicon)) / voice.symbols_per_frame
        return spoken.verdict.duration_s * voice.audio.coarse_frames_per_s / expected


def open_scorer(lexicon: Lexicon, device: str) -> Callable[[Original], VoiceScorer]:
    """Give what makes the scorer of a run: with PocketSphinx and the packaged speaker encoder."""
    return lambda target: VoiceScorer(
        target, lexicon=lexicon, listener=Listener(quick=True), embedder=SpeakerEncoder(device)
    )


def held_out_texts(target: Original) -> list[str]:
    """Choose texts of the target that are never trained on, of many lengths."""
    texts = sorted(
        {row.text for row in target.held_out if len(row.text) <= LONGEST}, key=lambda text: (len(text), text)
    )
    return _spread(texts, MOST_HELD_OUT)


def harvard_texts(transcripts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Choose Harvard sentences, and others of them with the most words that the transcripts lack."""
    texts = shipped("text/harvard.txt").read_text(encoding="utf-8").splitlines()
    heard = {word for transcript in transcripts for word in said_words(transcript)}
    lacking = {text: sum(word not in heard for word in said_words(text)) for text in texts}
    unseen = sorted((text for text in texts if lacking[text]), key=lambda text: -lacking[text])[:MOST_UNSEEN]
    return _spread([text for text in texts if text not in unseen], MOST_HARVARD), unseen


def _spread(texts: Sequence[str], most: int) -> list[str]:
    places = np.linspace(0, len(texts) - 1, min(most, len(texts))).round().astype(int)
    return [texts[place] for place in places]


def _cer(errors: Sequence[Errors]) -> float:
    return corpus_errors(errors).cer


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return float(np.mean(known)) if known else 0.0

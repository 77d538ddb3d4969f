"""A judge of what speech says: PocketSphinx listens, and its words are compared with what should have been said.

It hears real recordings wrongly as well (WER 24 % on one reader's): a figure means something beside the same judge's
figure for real speech, not by itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pocketsphinx
import soxr
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from dctts.audio import loudness_normalise
from dctts.text import normalise
from pipeline.align import is_filler
from pipeline.samples import FRAME_S, SAMPLE_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class HeardWord:
    """A word, when it was heard, and how sure that is."""

    text: str
    start_s: float
    end_s: float
    posterior: float
    """Of all that the sound could have been, how much goes through this word here: 0 to 1."""


class Listener:
    """Hear English with PocketSphinx's own acoustic model, dictionary and trigram model.

    Unlike `transcribe.pocketsphinx` it takes the second, flat pass too: this is a measurement. Make one and keep it:
    loading takes a second and 60 MB.

    Args:
        quick: leave the flat pass out and follow at most 3,000 states a frame: half the time (0.18 s for a second of
            half-learnt speech instead of 0.39) and nearly the same errors (69.7 % of characters instead of 69.4), to
            compare steps of one voice.
    """

    def __init__(self, *, quick: bool = False) -> None:
        faster = {"fwdflat": False, "maxhmmpf": 3000} if quick else {}
        self._decoder = pocketsphinx.Decoder(**faster, loglevel="FATAL")

    def hear(self, wave: NDArray[np.float32], sample_rate_hz: int) -> str:
        """Return the lower-case words heard, "" for none; the same sound gives the same words, whatever came before.

        Args:
            wave: mono samples in [-1, 1], float32[samples]; brought to one level first, so that loudness judges nobody.
            sample_rate_hz: their rate.
        """
        return " ".join(word.text for word in self.words(wave, sample_rate_hz))

    def words(self, wave: NDArray[np.float32], sample_rate_hz: int) -> tuple[HeardWord, ...]:
        """Return the words as `hear` does, with their times."""
        if not len(wave):
            return ()
        level = loudness_normalise(np.asarray(wave, np.float32))
        pcm = (soxr.resample(level, sample_rate_hz, SAMPLE_RATE_HZ).clip(-1, 1) * 32767).round().astype(np.int16)
        self._decoder.reinit_feat()  # its noise and channel estimates outlive an utterance
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        finally:
            self._decoder.end_utt()
        return tuple(
            HeardWord(
                text=re.sub(r"\(\d+\)$", "", segment.word).lower(),  # "the(2)": which of its pronunciations
                start_s=segment.start_frame * FRAME_S,
                end_s=(segment.end_frame + 1) * FRAME_S,
                posterior=float(segment.prob),
            )
            for segment in self._decoder.seg() or ()
            if not is_filler(segment.word)
        )


@dataclass(frozen=True, kw_only=True)
class Errors:
    """How far what was heard is from what should have been said; add them up for a corpus."""

    word_edits: int = 0
    """Words put in, left out or replaced."""
    num_words: int = 0
    """Of the reference."""
    char_edits: int = 0
    num_chars: int = 0
    """Of the reference, blanks included."""

    @property
    def wer(self) -> float:
        """Word error rate: 0 is perfect, and it may pass 1."""
        return self.word_edits / max(1, self.num_words)

    @property
    def cer(self) -> float:
        """Character error rate."""
        return self.char_edits / max(1, self.num_chars)


def word_errors(reference: str, heard: str) -> Errors:
    """Compare two texts, both written out as they are said and without their punctuation."""
    said, got = said_words(reference), said_words(heard)
    text = " ".join(said)
    return Errors(
        word_edits=Levenshtein.distance(said, got),
        num_words=len(said),
        char_edits=Levenshtein.distance(text, " ".join(got)),
        num_chars=len(text),
    )


def corpus_errors(each: Iterable[Errors]) -> Errors:
    """Add up the errors of many sentences: long ones count for more, as in every published WER."""
    errors = list(each)
    return Errors(
        word_edits=sum(one.word_edits for one in errors),
        num_words=sum(one.num_words for one in errors),
        char_edits=sum(one.char_edits for one in errors),
        num_chars=sum(one.num_chars for one in errors),
    )


def wrong_words(reference: str, heard: str) -> list[bool]:
    """Tell for each of `said_words(reference)` whether it was left out or heard as another word."""
    said, got = said_words(reference), said_words(heard)
    wrong = [False] * len(said)
    for edit in Levenshtein.editops(said, got):
        if edit.tag != "insert":
            wrong[edit.src_pos] = True
    return wrong


def said_words(text: str) -> list[str]:
    """Write a text out as it is said, in lower-case words of letters and inner apostrophes; inline phones are none."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*", re.sub(r"\{[^{}]*\}", " ", normalise(text)))

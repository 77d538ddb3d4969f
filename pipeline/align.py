"""Where each known word lies in the audio: PocketSphinx forced alignment, with scores that can be compared."""

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from pipeline.pronounce import is_known, pronounce
from pipeline.samples import FRAME_S, Samples

log = logging.getLogger(__name__)

_NATS = 0.1024
"""One unit of a PocketSphinx acoustic score: log base 1.0001, shifted right by 10 bits (SENSCR_SHIFT)."""


_GRAMMAR = "choice"


@dataclass(frozen=True, kw_only=True)
class Arc:
    """A word that may be said between two states of a grammar."""

    start: int
    end: int
    cost: float
    """Nats by which the sound must fit better for this way to be taken."""
    word: str = ""
    """"" for going on without a word."""


@dataclass(frozen=True, kw_only=True)
class AlignedWord:
    """One word where the aligner found it, in seconds from the start of the samples."""

    text: str
    start_s: float
    end_s: float
    score: float
    """Mean over its frames of log p(sound | phone) - log p(sound | best of all phones), nats, at most 0."""
    guessed: bool = False
    """Whether its pronunciation is letters read by rule, so that a low score may be the rule's fault."""


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Words on samples, and how well each frame fits."""

    words: tuple[AlignedWord, ...]
    frame_scores: NDArray[np.float32]
    """float32[frames], nats, at most 0; silence and noise between words included."""


class Aligner:
    """Force known words on audio.

    Costs RTF 0.05 on one core. Every senone is scored in every frame (`compallsen`): PocketSphinx subtracts the best
    *scored* senone, so otherwise a text would be measured against its own few sounds and two texts could not be
    compared. Beams are wide, because a caption with one wrong word must still give times for the others.
    """

    def __init__(self) -> None:
        self._decoder = pocketsphinx.Decoder(
            lm=None, bestpath=False, compallsen=True, beam=1e-120, pbeam=1e-120, wbeam=1e-100, loglevel="FATAL"
        )
        self._guessed: set[str] = set()

    def align(self, words: Sequence[str], samples: Samples) -> Alignment | None:
        """Find `words`, in this order and nothing else, in 16 kHz samples.

        Returns:
            One AlignedWord for each of `words`, or None when they cannot be fitted: no words, a word without letters,
            audio shorter than the words, or a text too far from what is said.
        """
        spoken = [_key(word) for word in words]
        if not spoken or not all(self._knows(word) for word in spoken):
            return None
        try:
            self._decoder.set_align_text(" ".join(spoken))
            self._decoder.reinit_feat()  # its noise and channel estimates outlive an utterance
            self._decoder.start_utt()
        except RuntimeError as error:
            log.debug("cannot align %r: %s", spoken, error)
            return None
        try:
            # A whole utterance at once: cepstral means are taken over it, so results do not depend on what came before.
            self._decoder.process_raw(samples.tobytes(), full_utt=True)
        finally:
            self._decoder.end_utt()
        return self._result(words)

    def choose(self, arcs: Sequence[Arc], end: int, samples: Samples) -> list[str] | None:
        """Find which path of a grammar the sound fits best.

        Args:
            arcs: of the grammar, from state 0.
            end: its last state.
            samples: 16 kHz.

        Returns:
            The words on that path; None where a word has no letters, or no path fits.
        """
        words = {_key(arc.word): arc.word for arc in arcs if arc.word}
        if not all(word and self._knows(word) for word in words):
            return None
        transitions = [
            (arc.start, arc.end, math.exp(-arc.cost), *([_key(arc.word)] if arc.word else ())) for arc in arcs
        ]
        self._decoder.add_fsg(_GRAMMAR, self._decoder.create_fsg(_GRAMMAR, 0, end, transitions))
        self._decoder.activate_search(_GRAMMAR)
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(samples.tobytes(), full_utt=True)
        finally:
            self._decoder.end_utt()
        found = [re.sub(r"\(\d+\)$", "", one.word) for one in self._decoder.seg() or ()]
        return [words[word] for word in found if not is_filler(word)] or None

    def phones(self, samples: Samples) -> NDArray[np.float32] | None:
        """Find the phones of the words that `align` has just found in these samples: a second pass, at its cost.

        Returns:
            array[K, 3]: of each phone the index of its word, and start and end in seconds.
        """
        self._decoder.set_alignment()
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(samples.tobytes(), full_utt=True)
        finally:
            self._decoder.end_utt()
        alignment = self._decoder.get_alignment()
        if alignment is None:
            return None
        rows: list[tuple[int, float, float]] = []
        index = 0
        for word in alignment:  # read in passing: an entry that is kept points into freed memory once the loop goes on
            if not is_filler(word.name):
                rows += [(index, phone.start * FRAME_S, (phone.start + phone.duration) * FRAME_S) for phone in word]
                index += 1
        return np.array(rows, np.float32)

    def _result(self, words: Sequence[str]) -> Alignment | None:
        segments = list(self._decoder.seg() or ())
        if not segments:
            return None
        scores = np.zeros(segments[-1].end_frame + 1, np.float32)
        found: list[AlignedWord] = []
        logmath = self._decoder.logmath
        for segment in segments:
            start, end = segment.start_frame, segment.end_frame + 1
            score = logmath.log(segment.ascore) * _NATS / max(end - start, 1)
            scores[start:end] = score
            if not is_filler(segment.word):
                if len(found) == len(words):
                    return None
                text = words[len(found)]
                found.append(
                    AlignedWord(
                        text=text,
                        start_s=start * FRAME_S,
                        end_s=end * FRAME_S,
                        score=score,
                        guessed=_key(text) in self._guessed,
                    )
                )
        return Alignment(words=tuple(found), frame_scores=scores) if len(found) == len(words) else None

    def _knows(self, word: str) -> bool:
        if self._decoder.lookup_word(word) is not None:
            return True
        phones = pronounce(word)
        if not phones:
            return False
        self._decoder.add_word(word, " ".join(phones), True)
        if not is_known(word):
            self._guessed.add(word)
        return True


def is_filler(word: str) -> bool:
    """Tell silence, noise and nothing (`<sil>`, `[NOISE]`, `(NULL)`) from words in what PocketSphinx returns."""
    return word.startswith(("<", "[", "+", "("))


def _key(word: str) -> str:
    """Spell a word as dictionaries do: lower case, letters and inner apostrophes."""
    return re.sub("[^a-z']", "", word.lower().replace("’", "'")).strip("'")

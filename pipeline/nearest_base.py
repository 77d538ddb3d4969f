"""Which base is nearest to a target voice, and how near: no audio of the base is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log2

from torch import Tensor
from torch.nn.functional import cosine_similarity

from dctts import checkpoint
from dctts.errors import CheckpointError
from dctts.voice import SpeakerTraits, read_traits
from pipeline.bases import Base

NEAR = 0.70
"""From here on a base is a good start: two readers who sound alike (different ones have 0.60 ± 0.06)."""
_PER_SEMITONE = 0.02
_PER_RATE = 0.1


@dataclass(frozen=True, kw_only=True)
class Target:
    """The voice to be made."""

    vector: Tensor
    """Tensor[256], unit norm: the mean speaker vector of its clips."""
    traits: SpeakerTraits


@dataclass(frozen=True, kw_only=True)
class Match:
    """How near one speaker of a base is to the target."""

    base: Base
    speaker: str
    """"" where the base knows but one voice."""
    cosine: float
    """Of the speaker vectors."""
    semitones: float | None
    """How far the target lies above the speaker; None where a pitch is not known."""
    rate_ratio: float | None
    """Pace of the target over that of the speaker."""

    @property
    def score(self) -> float:
        """The cosine, less 0.02 a semitone apart and 0.1 for every e-fold difference in pace.

        A term whose measure is missing is left out.
        """
        pitch = _PER_SEMITONE * abs(self.semitones) if self.semitones is not None else 0.0
        rate = _PER_RATE * abs(log(self.rate_ratio)) if self.rate_ratio is not None else 0.0
        return self.cosine - pitch - rate


def rank(target: Target, bases: Sequence[Base]) -> list[Match]:
    """Compare every speaker of every base with the target, nearest first.

    Raises:
        CheckpointError: a base cannot be read.
    """
    matches = [match for base in bases for match in _matches(target, base)]
    return sorted(matches, key=lambda match: (-match.score, match.base.name, match.speaker))


def tell(matches: Sequence[Match]) -> str:
    """Tell in one line which base was taken and how near it is, and what the best of each other base would be."""
    best = matches[0]
    apart = [f"cosine {best.cosine:.2f}"]
    if best.semitones is not None:
        apart.append(f"{best.semitones:+.1f} semitones")
    if best.rate_ratio is not None:
        apart.append(f"{best.rate_ratio:.2f} times the pace")
    verdict = "" if best.score >= NEAR else f"; near is {NEAR:.2f} and more"
    told = f"base: {best.base.name}, {_speaker(best)} {best.score:.2f} ({', '.join(apart)}){verdict}"
    others: dict[str, Match] = {}
    for match in matches:
        if match.base != best.base:
            others.setdefault(match.base.name, match)
    return told + "".join(f"; {name}, {_speaker(match)} {match.score:.2f}" for name, match in others.items())


def _speaker(match: Match) -> str:
    return f"nearest speaker {match.speaker}" if match.speaker else "its voice"


def _matches(target: Target, base: Base) -> list[Match]:
    saved = checkpoint.load(base.path, groups=("speaker", "speakers"))
    if saved.about.get("kind") != "voice":
        raise CheckpointError(
            f"{base.path} holds a {saved.about.get('kind')} checkpoint, not a voice", hint="give a voice.safetensors"
        )
    traits = read_traits(saved.about)
    vectors = saved.groups.get("speakers") or {"": saved.groups["speaker"]["vector"]}
    return [_match(target, base, name, vector, traits.get(name, SpeakerTraits())) for name, vector in vectors.items()]


def _match(target: Target, base: Base, speaker: str, vector: Tensor, traits: SpeakerTraits) -> Match:
    theirs, ours = traits, target.traits
    return Match(
        base=base,
        speaker=speaker,
        cosine=float(cosine_similarity(target.vector, vector, dim=0)),
        semitones=12 * log2(ours.pitch_hz / theirs.pitch_hz) if ours.pitch_hz and theirs.pitch_hz else None,
        rate_ratio=ours.symbols_per_frame / theirs.symbols_per_frame
        if ours.symbols_per_frame and theirs.symbols_per_frame
        else None,
    )

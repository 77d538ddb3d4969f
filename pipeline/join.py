"""Good candidates a short pause apart become one clip: a comma is no place to cut, and nobody marks it in the captions.

Automatic captions have no full stops. Candidates are cut at every pause of 0.2 s all the same, so that each is judged
alone and one bad one costs no good ones; afterwards what belongs together is joined, and what would be left of a
sentence that lost its other half is dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.records import Span, Utterance, Word
from pipeline.sentence_ends import end_score
from pipeline.spoken import spoken_forms

Verdicts = Sequence[tuple[str, ...]]
"""Reasons of each candidate, () for a good one."""


@dataclass(frozen=True, kw_only=True)
class JoinOptions:
    """What belongs together."""

    pause_s: float = 0.6
    """Neighbours closer than this are joined, measured between aligned words, which take some 50 ms of the silence on
    either side. Of the pauses inside the sentences of three readers 98 % are shorter (bench/thresholds.md)."""
    torn_s: float = 0.35
    """A good candidate this close to a dropped one of the same voice may be half a sentence."""
    most_torn_score: float = -1.5
    """It is taken to be one, and dropped, where `end_score` lies below: 3 in 5 halves do, 1 in 4 whole sentences."""
    most_s: float = 10.0
    """Longest clip."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What became of the candidates."""

    utterances: tuple[Utterance, ...]
    measures: tuple[Mapping[str, float], ...]
    reasons: tuple[tuple[str, ...], ...]


OTHERS = frozenset({"other_speaker", "no_text", "music"})
"""Reasons after which the next word is another sentence's: somebody else spoke, or nobody."""

LOWEST = frozenset({
    *("snr_db", "crest_db", "bandwidth_hz", "bandwidth_share", "aligned", "alignment_score", "worst_word_score"),
    *("speaker_cos", "speaker_gap", "speaker_low", "speaker_lead"),
})  # fmt: skip
"""Measures of which little is bad; of the others much is."""
SUMS = frozenset({"mended_words", "repeats"})


def join(
    utterances: Sequence[Utterance],
    measures: Sequence[Mapping[str, float]],
    verdicts: Verdicts,
    options: JoinOptions,
    end_score: Callable[[Sequence[str], Sequence[str]], float] = end_score,
) -> Joined:
    """Join good neighbours, the closest first, and drop the torn.

    Args:
        utterances: candidates in order.
        measures: of each.
        verdicts: of each.
        options: see there.
        end_score: words before, words after → how likely a sentence ends there.
    """
    reasons = [
        ("torn",) if not why and _is_torn(utterances, verdicts, k, options, end_score) else why
        for k, why in enumerate(verdicts)
    ]
    groups = [[k] for k in range(len(utterances))]
    closest = sorted(
        (pause_s, k)
        for k in range(len(utterances) - 1)
        if not reasons[k]
        and not reasons[k + 1]
        and (pause_s := _pause(utterances[k], utterances[k + 1])) < options.pause_s
        and not ends_sentence(utterances[k].text)
    )
    owner = {k: group for group in groups for k in group}
    for _, k in closest:
        left, right = owner[k], owner[k + 1]
        if utterances[right[-1]].span.end_s - utterances[left[0]].span.start_s > options.most_s:
            continue
        left += right
        owner.update((member, left) for member in right)
    heads = [k for k in range(len(utterances)) if owner[k][0] == k]
    return Joined(
        utterances=tuple(_one([utterances[i] for i in owner[k]]) for k in heads),
        measures=tuple(_worst([measures[i] for i in owner[k]], [utterances[i] for i in owner[k]]) for k in heads),
        reasons=tuple(reasons[k] for k in heads),
    )


def ends_sentence(text: str) -> bool:
    """Tell whether a written text closes a sentence, quotes and brackets aside."""
    return text.rstrip("\"')]”’»").endswith((".", "?", "!", "…"))


def _is_torn(
    utterances: Sequence[Utterance],
    verdicts: Verdicts,
    k: int,
    options: JoinOptions,
    end_score: Callable[[Sequence[str], Sequence[str]], float],
) -> bool:
    """Tell whether a neighbour a breath away was dropped, though the same person goes on."""
    for other, left, right in ((k - 1, k - 1, k), (k + 1, k, k + 1)):
        if not 0 <= other < len(utterances) or not verdicts[other] or OTHERS.intersection(verdicts[other]):
            continue
        before, after = utterances[left], utterances[right]
        if _pause(before, after) >= options.torn_s or ends_sentence(before.text):
            continue
        if end_score(_tokens(before.words[-2:]), _tokens(after.words[:2])) < options.most_torn_score:
            return True
    return False


def _tokens(words: Sequence[Word]) -> list[str]:
    return [token for word in words for token in spoken_forms(word.text)]


def _pause(left: Utterance, right: Utterance) -> float:
    if not left.words or not right.words:
        return max(right.span.start_s - left.span.end_s, 0.0)
    return right.words[0].start_s - left.words[-1].end_s


def _one(parts: Sequence[Utterance]) -> Utterance:
    if len(parts) == 1:
        return parts[0]
    names = [name for name in parts[0].witnesses if all(name in part.witnesses for part in parts)]
    return replace(
        parts[0],
        span=Span(start_s=parts[0].span.start_s, end_s=parts[-1].span.end_s),
        text=" ".join(part.text for part in parts),
        words=tuple(word for part in parts for word in part.words),
        witnesses={name: " ".join(filter(None, (part.witnesses[name] for part in parts))) for name in names},
    )


def _worst(parts: Sequence[Mapping[str, float]], utterances: Sequence[Utterance]) -> Mapping[str, float]:
    """Give a joined clip the worst of each measure of its parts; rates are their mean over time."""
    if len(parts) == 1:
        return parts[0]
    durations_s = [utterance.span.duration_s for utterance in utterances]
    result = {}
    for name in parts[0]:
        values = [part[name] for part in parts if name in part]
        if name in LOWEST:
            result[name] = min(values)
        elif name in SUMS:
            result[name] = sum(values)
        elif name in ("chars_per_s", "level_db", "level_jump_db"):
            weighted = sum(v * d for v, d in zip(values, durations_s, strict=False))
            result[name] = round(weighted / sum(durations_s), 2)
        else:
            result[name] = max(values)
    return result

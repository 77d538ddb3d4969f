"""Does a sentence end between these words? What a trigram model of English says, where nobody wrote it."""

from collections.abc import Sequence

from pipeline.trigram import log_prob


def end_score(before: Sequence[str], after: Sequence[str]) -> float:
    """Return how much likelier a full stop is than none, nats; below 0 the sentence rather goes on.

    Between sentences of three talks 1 in 4 lies below -1.5, at pauses inside one 3 in 5 do.

    Args:
        before: lower-case spoken words up to the place.
        after: from there on.
    """
    if not before or not after:
        return 0.0
    last, second_last = before[-1], before[-2] if len(before) > 1 else "<s>"
    first, second = after[0], after[1] if len(after) > 1 else "</s>"
    ending = log_prob("</s>", last, second_last) + log_prob(first, "<s>") + log_prob(second, first, "<s>")
    going_on = log_prob(first, last, second_last) + log_prob(second, first, last)
    return ending - going_on

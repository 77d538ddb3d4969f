"""What the curve of a run means, in words: overfitting, underfitting and forgetting, and what to do about them."""

from collections.abc import Sequence

from dctts.selection import Evaluation, Scores

FORGOTTEN = 1.5
"""Times the base's own error on the Harvard sentences."""
LEAST_RISE = 0.05
"""Of a character error rate: less is the listener's noise on a handful of sentences."""


def is_forgetting(scores: Scores, base: Scores) -> bool:
    """Tell whether a voice says sentences of no speaker in particular far worse than the base it came from."""
    return scores.cer_harvard > max(FORGOTTEN * base.cer_harvard, base.cer_harvard + LEAST_RISE)


def forgetting_alarm(evaluation: Evaluation, base: Scores) -> str:
    """Say what was forgotten and what to do, in one line."""
    return (
        f"step {evaluation.step} says the Harvard sentences with {evaluation.scores.cer_harvard:.0%} wrong characters, "
        f"the base with {base.cer_harvard:.0%}: the voice is forgetting what its clips lack; "
        "fetch more speech, or give fewer --steps"
    )


def is_overfitting(evaluations: Sequence[Evaluation]) -> bool:
    """Tell whether held-out error stays 2 % above its least for three evaluations, and new words get worse with it."""
    known = [one for one in evaluations if one.train_l1 is not None and one.held_out_l1 is not None]
    if len(known) < 4:
        return False
    held_out = [one.held_out_l1 or 0.0 for one in known]
    place = held_out.index(min(held_out[:-3]))
    risen = all(value > 1.02 * held_out[place] for value in held_out[-3:])
    learnt = (known[-1].train_l1 or 0.0) < (known[place].train_l1 or 0.0)
    return risen and learnt and known[-1].scores.cer_unseen > known[place].scores.cer_unseen


def is_underfitted(scores: Scores) -> bool:
    """Tell whether a voice still sounds like the base at least as much as like its target."""
    return scores.secs_base >= scores.secs


def findings(evaluations: Sequence[Evaluation], chosen: Evaluation, base: Scores) -> list[str]:
    """Say in sentences what stands out; nothing when all is well."""
    said = []
    if is_underfitted(chosen.scores):
        said.append(
            f"underfitted: the voice is nearer to the base ({chosen.scores.secs_base:.2f}) than to its target "
            f"({chosen.scores.secs:.2f}); give more --steps or fetch more speech"
        )
    if is_overfitting(evaluations):
        said.append(
            f"overfitted after step {chosen.step}: the clips were learnt by heart while held-out speech and new words "
            "got worse; the step chosen is from before, more steps would not help, more speech would"
        )
    if is_forgetting(chosen.scores, base):
        said.append(f"forgetting: {forgetting_alarm(chosen, base)}")
    return said

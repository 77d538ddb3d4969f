"""What each score should reach: of a voice made from a quarter of an hour, and of a base voice."""

from pipeline.evaluation.scores import Goal


def _at_most(fine_tuned: float, base: float) -> tuple[Goal, Goal]:
    return Goal(at_most=fine_tuned), Goal(at_most=base)


def _at_least(fine_tuned: float, base: float) -> tuple[Goal, Goal]:
    return Goal(at_least=fine_tuned), Goal(at_least=base)


_GOALS: dict[tuple[str, str], tuple[Goal, Goal | None]] = {
    ("wer_gap", "held out"): _at_most(0.12, 0.10),
    ("whisper_wer", "harvard"): _at_most(0.12, 0.08),
    ("whisper_wer", "held out"): _at_most(0.12, 0.08),
    ("whisper_cer", "harvard"): _at_most(0.06, 0.03),
    ("whisper_cer", "held out"): _at_most(0.06, 0.03),
    ("secs", "all"): _at_least(0.78, 0.82),
    ("secs_margin", "all"): (Goal(at_least=0.15), None),  # the speakers of one base may be as near as they are
    ("margin_positive", "all"): _at_least(0.95, 0.95),
    ("eer", "all"): _at_most(0.05, 0.02),
    ("reached_end", "harvard"): _at_least(0.99, 1.0),
    ("coverage", "harvard"): _at_least(0.98, 0.99),
    ("forced_rate", "harvard"): _at_most(0.03, 0.01),
    ("length_ratio", "all"): (Goal(at_least=0.75, at_most=1.3), Goal(at_least=0.8, at_most=1.25)),
    ("mcd_db", "held out"): _at_most(8.0, 7.5),
    ("log_f0_rmse", "held out"): _at_most(0.32, 0.28),
    ("vuv_error", "held out"): _at_most(0.15, 0.12),
    ("rtf", "all"): _at_most(0.2, 0.2),
}


def goal(name: str, of: str, *, is_base: bool) -> Goal | None:
    """Find what a score should reach; None where nothing was set."""
    return _GOALS.get((name, of), (None, None))[is_base]

"""How people are told of a score."""

from dataclasses import dataclass

from pipeline.evaluation.scores import Score


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """One kind of score, in words."""

    label: str
    says: str
    percent: bool = True
    """Shown times 100."""
    unit: str = " %"
    group: str = "Intelligibility"


_LIKENESS, _READING, _SOUND = "Likeness", "Reading", "Sound beside the real reading"

MEANINGS = {
    "wer": Meaning(label="WER", says="words that PocketSphinx heard wrongly"),
    "cer": Meaning(label="CER", says="characters that PocketSphinx heard wrongly"),
    "whisper_wer": Meaning(label="Whisper WER", says="words that Whisper heard wrongly"),
    "whisper_cer": Meaning(label="Whisper CER", says="characters that Whisper heard wrongly"),
    "wer_gap": Meaning(label="WER gap", says="WER of the voice less that of the real readings", unit=" points"),
    "cer_gap": Meaning(label="CER gap", says="CER of the voice less that of the real readings", unit=" points"),
    "wrong_words": Meaning(label="wrong words", says="words of the fixed sentences left out or heard as others"),
    "secs": Meaning(label="SECS", says="cosine to the speaker", percent=False, unit="", group=_LIKENESS),
    "secs_margin": Meaning(
        label="SECS margin",
        says="SECS less the cosine to the nearest other speaker",
        percent=False,
        unit="",
        group=_LIKENESS,
    ),
    "margin_positive": Meaning(
        label="nearer to the speaker", says="sentences nearer to the speaker than to anybody else", group=_LIKENESS
    ),
    "eer": Meaning(label="SV-EER", says="equal error rate of telling the speaker from the others", group=_LIKENESS),
    "second_secs": Meaning(
        label="second SECS",
        says="cosine to the speaker by the encoder that the voice was not conditioned on",
        percent=False,
        unit="",
        group=_LIKENESS,
    ),
    "second_secs_margin": Meaning(
        label="second SECS margin",
        says="second SECS less the cosine to the nearest stranger that this encoder knows",
        percent=False,
        unit="",
        group=_LIKENESS,
    ),
    "second_margin_positive": Meaning(
        label="second: nearer to the speaker",
        says="sentences nearer to the speaker than to any stranger that this encoder knows",
        group=_LIKENESS,
    ),
    "second_eer": Meaning(
        label="second SV-EER", says="equal error rate of telling the speaker from those strangers", group=_LIKENESS
    ),
    "reached_end": Meaning(label="end reached", says="texts said to their end", group=_READING),
    "coverage": Meaning(label="coverage", says="symbols that were attended", group=_READING),
    "forced_rate": Meaning(label="forced rate", says="frames in which attention had to be moved", group=_READING),
    "retried": Meaning(label="retried", says="chunks decoded more than once", group=_READING),
    "length_ratio": Meaning(
        label="length ratio",
        says="duration by what the speaker's rate lets expect",
        percent=False,
        unit="",
        group=_READING,
    ),
    "mcd_db": Meaning(
        label="MCD", says="mel-cepstral distortion after warping, order 24", percent=False, unit=" dB", group=_SOUND
    ),
    "log_f0_rmse": Meaning(
        label="log F0 RMSE", says="pitch error after warping, voiced frames", percent=False, unit="", group=_SOUND
    ),
    "vuv_error": Meaning(label="V/UV error", says="frames voiced in one of the two readings only", group=_SOUND),
    "rtf": Meaning(
        label="RTF", says="seconds from text to sound for a second of sound", percent=False, unit="", group="Speed"
    ),
    "rtf_processor": Meaning(
        label="RTF, processor",
        says="the same in processor time, which other programs do not stretch",
        percent=False,
        unit="",
        group="Speed",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One score as tables show it, and where it lies on a bar."""

    group: str
    label: str
    of: str
    says: str
    value: str
    interval: str
    num: int
    goal: str
    verdict: str
    """`met`, `missed`, or "" without a goal."""


def line(score: Score) -> Line:
    """Put a score into words."""
    meaning = MEANINGS[score.name]

    def shown(value: float) -> str:
        return f"{100 * value:.1f}" if meaning.percent else f"{value:.2f}" if meaning.unit else f"{value:.3f}"

    goal = score.goal
    bounds = []
    if goal and goal.at_least is not None:
        bounds.append(f"≥ {shown(goal.at_least)}")
    if goal and goal.at_most is not None:
        bounds.append(f"≤ {shown(goal.at_most)}")
    return Line(
        group=meaning.group,
        label=meaning.label,
        of=score.of,
        says=meaning.says,
        value=shown(score.value) + meaning.unit,
        interval=f"{shown(score.low)} – {shown(score.high)}",
        num=score.num,
        goal=" ".join(bounds) + meaning.unit if bounds else "",
        verdict="" if goal is None else "met" if goal.met(score.value) else "missed",
    )

"""Hold clips out by sentence: what is said in val is never said in train."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping

VAL_SHARE = 0.1
# Ten held-out sentences are the least that tells two checkpoints apart; below fifty clips, training needs them more.
MIN_VAL = 10
MIN_CLIPS_FOR_MIN_VAL = 50


def split_by_sentence(texts: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Split clips into train and val.

    A sentence is held out when the hash of its letters is small, so that it stays on its side when clips are added to
    the voice or dropped from it, and a second voice reading the same sentences holds out the same ones.

    Args:
        texts: clip id → normalised text.

    Returns:
        Train ids and val ids, each in the order given. Train is never empty; val is when all clips say the same.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for identity, text in texts.items():
        groups[sentence_key(text)].append(identity)
    order = sorted(groups, key=_draw)
    minimum = MIN_VAL if len(texts) >= MIN_CLIPS_FOR_MIN_VAL else max(1, round(VAL_SHARE * len(texts)))
    held_out: set[str] = set()
    for key in order[:-1]:  # the last stays: there is always something to train on
        if len(groups[key]) > max(1, VAL_SHARE * len(texts)):
            continue  # a jingle said in a tenth of all clips would be all there is in val
        if _draw(key) >= VAL_SHARE and len(held_out) >= minimum:
            break
        held_out.update(groups[key])
    return [i for i in texts if i not in held_out], [i for i in texts if i in held_out]


def sentence_key(text: str) -> str:
    """Reduce a text to what is heard: letters and digits of any script, lower case, single spaces."""
    return " ".join("".join(char if char.isalnum() else " " for char in text.casefold().replace("'", "")).split())


def _draw(key: str) -> float:
    """Draw a number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64

"""How likely words follow one another in English: the trigram model in PocketSphinx's wheel."""

from functools import lru_cache

from pocketsphinx import NGramModel, get_model_path

_NATS = 1e-4
"""One unit of a PocketSphinx probability: log base 1.0001."""


def log_prob(word: str, *history: str) -> float:
    """Return log p(word | history), nats.

    Args:
        word: lower case; `<s>` and `</s>` are the edges of a sentence.
        history: the words before it, the last one first; two count.
    """
    return float(_model().prob([word, *history])) * _NATS


@lru_cache(maxsize=1)
def _model() -> NGramModel:
    return NGramModel.readfile(get_model_path("en-us/en-us.lm.bin"))

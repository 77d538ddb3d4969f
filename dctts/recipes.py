"""How a voice is fine-tuned, by how much of it there is: what may move, how fast, and what holds it back."""

import re
from dataclasses import dataclass, replace

NEAR = 0.60
"""Cosine between two speakers' vectors below which they are strangers: 0.60 ± 0.06 is what two real speakers have."""

_AUDIO_DECODER_BLOCKS, _AUDIO_ENCODER_BLOCKS, _TEXT_BLOCKS = 6, 10, 12


@dataclass(frozen=True, kw_only=True)
class FinetuneRecipe:
    """What one run does. Factors multiply the learning rate; 0 leaves a part as the base has it."""

    name: str
    """For people."""
    learning_rate: float
    """Peak, of the audio decoder and the speaker conditioning in it, which always train."""
    audio_encoder: float = 1.0
    text_encoder: float = 0.0
    """Factor; at 0 keys and values are computed once a clip, pronunciation cannot be forgotten, and a step costs a
    third."""
    layer_decay: float = 1.0
    """Factor a layer, counted from the output: early layers are the more general ones."""
    dropout: float | None = None
    """Of all layers; None keeps that of the base."""
    batch_size: int = 16
    splice: float = 0.5
    """Part of the clips that begin with one of the target's and end with another."""
    replay: float = 0.25
    """Part of each batch that the base itself has said, in its own voices, before training."""
    pull: float = 1e-4
    """Towards the weights of the base (L2-SP)."""
    average_decay: float = 0.995
    warmup_steps: int = 100
    final_fraction: float = 0.1
    ssrn_learning_rate: float = 3e-5
    """0 keeps the SSRN of the base."""
    ssrn_batch_size: int = 16

    def rate_of(self, parameter: str) -> float:
        """Give the factor on the learning rate of a parameter of Text2Mel, by its name."""
        part = parameter.partition(".")[0]
        if part in ("text_encoder", "speaker", "text_logits"):
            # The speaker's bottleneck feeds the text encoder too: were it to move alone, the keys and values computed
            # once a clip would no longer be those that speaking computes.
            factor = self.text_encoder
        elif part == "audio_encoder":
            factor = self.audio_encoder
        else:
            factor = 1.0
        is_film = ".film." in parameter
        return factor if is_film or not factor else factor * self.layer_decay ** _depth(parameter)


FEW_MINUTES = FinetuneRecipe(
    name="a few minutes", learning_rate=1e-4, audio_encoder=0.0, dropout=0.1, replay=0.5, ssrn_learning_rate=0.0
)
QUARTER_HOUR = FinetuneRecipe(name="a quarter of an hour", learning_rate=1e-4, audio_encoder=0.3, dropout=0.1)
HOUR = FinetuneRecipe(
    name="an hour",
    learning_rate=2e-4,
    text_encoder=0.3,
    layer_decay=0.9,
    dropout=0.05,
    batch_size=32,
    ssrn_learning_rate=5e-5,
)
FROM_NOTHING = FinetuneRecipe(
    name="no base",
    learning_rate=1e-3,
    text_encoder=1.0,
    batch_size=32,
    replay=0.0,
    pull=0.0,
    average_decay=0.999,
    warmup_steps=500,
    final_fraction=0.05,
    ssrn_learning_rate=5e-4,
)


def recipe_for(minutes: float, *, similarity: float | None = None) -> FinetuneRecipe:
    """Choose by the minutes of speech to train on; borders lie at the geometric means of 5, 15 and 60.

    Args:
        minutes: of speech.
        similarity: cosine between the target's vector and the nearest of the base's speakers. A stranger needs more
            of the network than five minutes would let move; None, or a near voice, changes nothing. The text
            encoder stays out of it: what a stranger sounds like is not in there, and its words are.
    """
    if minutes >= 30:
        return HOUR
    if minutes >= 8.7:
        return QUARTER_HOUR
    if similarity is not None and similarity < NEAR:
        return replace(QUARTER_HOUR, name="a few minutes of a stranger", replay=FEW_MINUTES.replay)
    return FEW_MINUTES


def _depth(parameter: str) -> int:
    """Count the layers between a parameter of Text2Mel and the output."""
    part, _, rest = parameter.partition(".")
    layer = re.match(r"(logits|exit|blocks|entry|embedding)(?:\.(\d+))?", rest)
    kind, index = (layer[1], int(layer[2] or 0)) if layer else ("", 0)
    if part == "audio_decoder":
        return {"logits": 0, "exit": 3 - index, "blocks": 3 + _AUDIO_DECODER_BLOCKS - index}.get(kind, 10)
    if part == "audio_encoder":
        return 10 + (_AUDIO_ENCODER_BLOCKS - index if kind == "blocks" else 13 - index)
    if part == "text_encoder":
        below = {"exit": 1, "blocks": 1 + _TEXT_BLOCKS - index, "entry": 15 - index, "embedding": 16}
        return 10 + below.get(kind, 1)
    return 11

"""A voice from a few seconds of somebody: the base, conditioned on what they tell. Nothing is trained.

Jia et al. 2018 (arXiv:1806.04558): the speaker vector of a reference takes the place of a training speaker's. Whatever
else a voice needs and five seconds tell poorly comes from the base speaker who is nearest.

Legend: T coarse frames, F mel bands.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from dctts.chunks import Chunk
from dctts.contrast import mean_leading_to, spoken_frames, with_contrast
from dctts.lexicon import Lexicon
from dctts.replay import replay_texts
from dctts.retry import decode_chunks
from dctts.text import normalise
from dctts.voice import SpeakerTraits, Voice, as_speaker, on_cpu

NUM_SAID = 12
"""Sentences that are decoded to learn which spectrum the network gives a voice: a second of work."""
HALF_TRUSTED_S = 0.2
"""Speech of which the mean spectrum is believed by half. It tells more of the speaker than of the phones that happen to
be in it: believed by half of one second, similarity after one second of reference is 0.64 instead of 0.66."""
STRANGER_COS, READER_COS = 0.79, 0.83
"""Cosine to the nearest base speaker up to which somebody is a stranger, and from which it is that speaker, who then
speaks as in training. Of the base that ships five seconds and single clips of its readers had 0.83 to 0.96 with their
own mean; of 251 strangers the nearest had 0.788, one in five over 0.7."""
EXAGGERATION = 0.3
"""How much further from the mean of the base's speakers a stranger's vector is moved: a network goes but a part of the
way. With a Text2Mel that heard 251 people, between 0 and 0.3: nearer to six strangers than to any reader are 97 and
100 % of sentences by the encoder that conditions, 68 and 92 % by the other one; word errors 48 and 47 %. One that knows
three readers gains a little more up to 0.5 (similarity 0.711, 0.719 and, at 0.75, 0.713), and is heard worse beyond."""
MOST_PACE = 1.25
"""Factor by which the pace may differ from that of the nearest base speaker: the network follows but in part."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a few seconds tell of their speaker."""

    vector: Tensor
    """Tensor[256], unit norm."""
    traits: SpeakerTraits
    speech_s: float
    """How much speech it was learnt from."""


def zero_shot(base: Voice, reference: Reference, lexicon: Lexicon, *, near: str = "") -> Voice:
    """Let a base speak as somebody it was never trained on.

    Args:
        base: of many speakers; the more, the nearer it comes.
        near: name of the base's speaker who lends what the reference cannot tell; "" takes the base's own choice.

    Raises:
        CheckpointError: the base has no such speaker.
    """
    host = on_cpu(as_speaker(base, near) if near else base)
    alone = replace(host, speakers={}, traits={}, strangers=None)
    strange = _strangeness(reference, host)
    if strange == 0:
        return alone
    voice = replace(
        alone,
        text2mel=host.strangers or host.text2mel,
        speaker=_vector(reference, host, base, strange),
        symbols_per_frame=_pace(reference.traits.symbols_per_frame, host.symbols_per_frame),
    )
    return replace(voice, mean_frame=_mean_frame(voice, reference, strange, lexicon))


def _vector(reference: Reference, host: Voice, base: Voice, strange: float) -> Tensor:
    vector = normalize(strange * reference.vector.float() + (1 - strange) * host.speaker.float(), dim=0)
    if len(base.speakers) < 2:
        return vector
    middle = torch.stack([one.float() for one in base.speakers.values()]).mean(dim=0)
    return normalize(vector + EXAGGERATION * strange * (vector - middle), dim=0)


def _pace(heard: float | None, nearest: float) -> float:
    if heard is None:
        return nearest
    return min(max(heard, nearest / MOST_PACE), nearest * MOST_PACE)


def _mean_frame(voice: Voice, reference: Reference, strange: float, lexicon: Lexicon) -> Tensor | None:
    """Find the mean frame with which what is said has the long-term spectrum of the reference.

    The network moves a part of the way by itself; how far tells a few sentences decoded. To move only as far as the
    recordings of the nearest reader and of the reference differ, and so keep what sets predictions apart from
    recordings, left eight strangers' similarity at 0.69 instead of 0.71 and the equal error rate at 25 instead of 18 %.
    """
    if reference.traits.mean_frame is None or voice.mean_frame is None:
        return voice.mean_frame
    predicted = _predicted_mean(voice, lexicon)
    if predicted is None:
        return voice.mean_frame
    as_it_is = with_contrast(predicted, voice.mean_frame)
    trust = reference.speech_s / (reference.speech_s + HALF_TRUSTED_S) * strange
    wanted = as_it_is + trust * (torch.tensor(reference.traits.mean_frame) - as_it_is)
    return mean_leading_to(wanted, predicted)


def _strangeness(reference: Reference, host: Voice) -> float:
    """Say how unlike the base's nearest speaker somebody is: 0 is that very speaker, 1 any stranger."""
    cosine = float(cosine_similarity(reference.vector, host.speaker, dim=0))
    return min(1.0, max(0.0, READER_COS - cosine) / (READER_COS - STRANGER_COS))


def _predicted_mean(voice: Voice, lexicon: Lexicon) -> Tensor | None:
    """Average the spoken frames of a few sentences, Tensor[F]; None where nothing is said."""
    chunks = [Chunk(text=normalise(text), silence_ms=0) for text in replay_texts()[:NUM_SAID]]
    takes = decode_chunks(chunks, voice, lexicon, attempts=1)
    frames = torch.cat([spoken_frames(piece.decoded.coarse) for take in takes for piece in take.pieces])
    return frames.mean(dim=0) if len(frames) else None

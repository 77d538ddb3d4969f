"""Text2Mel: symbols and the coarse frames so far → the next coarse frame (arXiv:1710.08969, section 4.1).

Legend: B utterances, N symbols, T coarse frames, F mel bands, d = `channels`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dctts.config import Text2MelConfig
from dctts.layers import Conv, HighwayConv, NormConv, SpeakerBottleneck, length_mask

TEXT_DILATIONS = (1, 3, 9, 27, 1, 3, 9, 27)
AUDIO_ENCODER_DILATIONS = (1, 3, 9, 27, 1, 3, 9, 27, 3, 3)
AUDIO_DECODER_DILATIONS = (1, 3, 9, 27, 1, 1)
NUM_SPEAKER_TEXT_BLOCKS = 4
"""How many of the last text blocks hear the speaker: rate and pronunciation live there, spelling below."""


class TextEncoder(nn.Module):
    """TextEnc: symbol ids Tensor[B, N] → keys and values, Tensor[B, N, d] each."""

    def __init__(self, config: Text2MelConfig) -> None:
        super().__init__()
        width, dropout = config.text_channels, config.dropout
        self.embedding = nn.Embedding(config.num_symbols, config.embedding, padding_idx=0)
        self.entry = nn.ModuleList(
            [NormConv(config.embedding, width, relu=True, dropout=dropout), NormConv(width, width, dropout=dropout)]
        )
        shapes = [(3, dilation) for dilation in TEXT_DILATIONS] + [(3, 1), (3, 1), (1, 1), (1, 1)]
        first_with_speaker = len(shapes) - NUM_SPEAKER_TEXT_BLOCKS
        self.blocks = nn.ModuleList(
            HighwayConv(
                width,
                kernel=kernel,
                dilation=dilation,
                dropout=dropout,
                speaker_dim=config.speaker_bottleneck if config.speaker_dim and index >= first_with_speaker else 0,
            )
            for index, (kernel, dilation) in enumerate(shapes)
        )
        # The paper's width is 2d and is split as it is; other widths are projected.
        self.exit = Conv(width, 2 * config.channels) if width != 2 * config.channels else None

    def forward(self, text: Tensor, mask: Tensor, speaker: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode; `mask` is Tensor[B, N], True on symbols: padding is zeroed after every layer, so it never leaks."""
        x = self.embedding(text)
        keep = mask.unsqueeze(-1)
        for layer in self.entry:
            x = layer(x) * keep
        for block in self.blocks:
            x = block(x, speaker, keep)
        if self.exit is not None:
            x = self.exit(x)
        keys, values = x.chunk(2, dim=-1)
        return keys, values


class AudioEncoder(nn.Module):
    """AudioEnc: coarse frames Tensor[B, T, F] → queries Tensor[B, T, d]; frame t sees frames up to t."""

    def __init__(self, config: Text2MelConfig) -> None:
        super().__init__()
        width, dropout = config.channels, config.dropout
        self.entry = nn.ModuleList(
            [
                NormConv(config.num_mels, width, relu=True, dropout=dropout),
                NormConv(width, width, relu=True, dropout=dropout),
                NormConv(width, width, dropout=dropout),
            ]
        )
        self.blocks = nn.ModuleList(
            HighwayConv(width, dilation=dilation, padding="causal", dropout=dropout)
            for dilation in AUDIO_ENCODER_DILATIONS
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Encode all frames at once."""
        x = frames
        for layer in (*self.entry, *self.blocks):
            x = layer(x)
        return x


class AudioDecoder(nn.Module):
    """AudioDec: attended values and queries Tensor[B, T, 2d] → logits of the next coarse frame Tensor[B, T, F]."""

    def __init__(self, config: Text2MelConfig) -> None:
        super().__init__()
        width, dropout = config.channels, config.dropout
        speaker_dim = config.speaker_bottleneck if config.speaker_dim else 0
        self.entry = NormConv(2 * width, width, dropout=dropout)
        self.blocks = nn.ModuleList(
            HighwayConv(width, dilation=dilation, padding="causal", dropout=dropout, speaker_dim=speaker_dim)
            for dilation in AUDIO_DECODER_DILATIONS
        )
        self.exit = nn.ModuleList(NormConv(width, width, relu=True, dropout=dropout) for _ in range(3))
        self.logits = Conv(width, config.num_mels)  # no norm and no dropout here: both would distort the energy contour

    def forward(self, attended: Tensor, speaker: Tensor | None) -> Tensor:
        """Decode all frames at once."""
        x = self.entry(attended)
        for block in self.blocks:
            x = block(x, speaker)
        for layer in self.exit:
            x = layer(x)
        logits: Tensor = self.logits(x)
        return logits


class Text2Mel(nn.Module):
    """The first network of DC-TTS, with a speaker who may modulate it."""

    def __init__(self, config: Text2MelConfig) -> None:
        super().__init__()
        self.config = config
        self.speaker = SpeakerBottleneck(config.speaker_dim, config.speaker_bottleneck) if config.speaker_dim else None
        self.text_encoder = TextEncoder(config)
        self.audio_encoder = AudioEncoder(config)
        self.audio_decoder = AudioDecoder(config)
        # Not in the paper, and not used for speaking: what each symbol sounds like on its own. Without it the frames
        # before are so good a hint to the next one that the text is not read for thousands of steps.
        self.text_logits = Conv(config.channels, config.num_mels)

    def condition(self, speaker: Tensor | None) -> Tensor | None:
        """Tensor[B, speaker_dim] → what the blocks take; None stays None."""
        return None if self.speaker is None or speaker is None else self.speaker(speaker)

    def forward(
        self, text: Tensor, num_symbols: Tensor, previous: Tensor, speaker: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Predict every frame from the true frames before it: logits and attention of `predict`."""
        prediction = self.predict(text, num_symbols, previous, speaker)
        return prediction.logits, prediction.attention

    def predict(
        self, text: Tensor, num_symbols: Tensor, previous: Tensor, speaker: Tensor | None = None
    ) -> "Prediction":
        """Predict every frame from the true frames before it (teacher forcing).

        Args:
            text: Tensor[B, N], int64, 0 behind the end.
            num_symbols: Tensor[B], int64.
            previous: Tensor[B, T, F] in [0, 1]: the target shifted right by one zero frame.
            speaker: Tensor[B, speaker_dim], unit norm; None for the unconditioned network.
        """
        keys, values = self.encode_text(text, num_symbols, speaker)
        return self.predict_encoded(keys, values, num_symbols, previous, speaker)

    def encode_text(self, text: Tensor, num_symbols: Tensor, speaker: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values of texts, Tensor[B, N, d] each: two thirds of the work, constant while TextEnc is frozen."""
        keys, values = self.text_encoder(text, length_mask(num_symbols, text.shape[1]), self.condition(speaker))
        return keys, values

    def predict_encoded(
        self,
        keys: Tensor,
        values: Tensor,
        num_symbols: Tensor,
        previous: Tensor,
        speaker: Tensor | None = None,
        *,
        told: Tensor | None = None,
    ) -> "Prediction":
        """Do the rest of `predict` with keys and values at hand.

        Args:
            told: Tensor[B, T, N]: what the decoder attends to instead, in utterances where it is not all zero.
        """
        mask = length_mask(num_symbols, keys.shape[1])
        condition = self.condition(speaker)
        queries = self.audio_encoder(previous)
        attention = attend(queries, keys, mask)
        used = attention
        if told is not None:
            used = torch.where(told.any(dim=(1, 2), keepdim=True), told.to(attention.dtype), attention)
        attended = used.to(values.dtype) @ values
        logits = self.audio_decoder(torch.cat([attended, queries], dim=-1), condition)
        return Prediction(logits=logits, attention=attention, symbol_logits=self.text_logits(values))


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the network makes of an utterance."""

    logits: Tensor
    """Tensor[B, T, F] of the target frames."""
    attention: Tensor
    """Tensor[B, T, N], each row summing to 1."""
    symbol_logits: Tensor
    """Tensor[B, N, F]: logits of the frames of each symbol, from the text alone; training only."""


def attend(queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    """Attention weights softmax(Q·K/√d), in float32 whatever the inputs: [B, T, d], [B, N, d], [B, N] → [B, T, N]."""
    scores = (queries @ keys.transpose(1, 2)).float() / queries.shape[-1] ** 0.5
    return torch.softmax(scores.masked_fill(~mask.unsqueeze(1), float("-inf")), dim=-1)


def shift_right(frames: Tensor) -> Tensor:
    """Put a zero frame in front and drop the last one: what the network has heard when it predicts each frame."""
    return functional.pad(frames, (0, 0, 1, 0))[:, :-1]

"""The network: a pre-norm encoder-decoder Transformer with one embedding for source, target and output.

Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762) with the normalisation moved before each sub-layer (Wang et
al. 2019, https://arxiv.org/abs/1906.01787) and a deep encoder over a shallow decoder (Kasai et al. 2021,
https://arxiv.org/abs/2006.10369): the encoder runs once for a sentence, the decoder once for each token.
The feed-forward units are GELU: of ReLU units, Muon at a high rate silences whole layers for good.
Every part has its counterpart in `ctranslate2.specs.TransformerSpec`, which `export.py` fills.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PAD = 0
MAX_POSITIONS = 512


@dataclass(frozen=True, slots=True)
class Size:
    """What the network is made of; `vocabulary` counts tokens, the rest are dimensions and layers."""

    vocabulary: int
    width: int = 256
    feed_forward: int = 1024
    heads: int = 4
    encoder_layers: int = 6
    decoder_layers: int = 2


def positions(width: int, count: int = MAX_POSITIONS) -> Tensor:
    """Sinusoidal position encodings, [count, width]: sines in the first half, cosines in the second."""
    half = width // 2
    rates = torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1)))
    angles = torch.arange(count)[:, None] * rates[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Attention(nn.Module):
    """Multi-head attention of `queries` [B, Q, W] over `keys` [B, K, W]."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.query = nn.Linear(size.width, size.width)
        self.key_value = nn.Linear(size.width, 2 * size.width)
        self.out = nn.Linear(size.width, size.width)

    def forward(self, queries: Tensor, keys: Tensor, mask: Tensor | None, *, causal: bool = False) -> Tensor:
        batch, length, width = queries.shape
        q = self.query(queries).view(batch, length, self.heads, -1).transpose(1, 2)
        k, v = self.key_value(keys).view(batch, keys.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class Layer(nn.Module):
    """One layer of the encoder or, with `cross`, of the decoder."""

    def __init__(self, size: Size, dropout: float, *, cross: bool) -> None:
        super().__init__()
        self.self_norm, self.self_attention = nn.LayerNorm(size.width), Attention(size)
        self.cross_norm = nn.LayerNorm(size.width) if cross else None
        self.cross_attention = Attention(size) if cross else None
        self.feed_norm = nn.LayerNorm(size.width)
        self.feed_in = nn.Linear(size.width, size.feed_forward)
        self.feed_out = nn.Linear(size.feed_forward, size.width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None, memory: Tensor | None, memory_mask: Tensor | None) -> Tensor:
        normed = self.self_norm(x)
        x = x + self.dropout(self.self_attention(normed, normed, mask, causal=memory is not None))
        if self.cross_norm is not None and self.cross_attention is not None and memory is not None:
            x = x + self.dropout(self.cross_attention(self.cross_norm(x), memory, memory_mask))
        return x + self.dropout(self.feed_out(F.gelu(self.feed_in(self.feed_norm(x)))))


class Transformer(nn.Module):
    """`forward` gives the decoder's last states; times the embeddings they are logits."""

    position: Tensor

    def __init__(self, size: Size, dropout: float = 0.1) -> None:
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.encoder = nn.ModuleList(Layer(size, dropout, cross=False) for _ in range(size.encoder_layers))
        self.decoder = nn.ModuleList(Layer(size, dropout, cross=True) for _ in range(size.decoder_layers))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("position", positions(size.width), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        """Small embeddings, since they are the output matrix too; each layer starts as the identity."""
        nn.init.normal_(self.embedding.weight, std=self.size.width**-0.5)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for layer in [*self.encoder, *self.decoder]:
            outs = [layer.self_attention.out, layer.feed_out]
            for out in [*outs, layer.cross_attention.out] if layer.cross_attention else outs:
                nn.init.zeros_(out.weight)

    def embed(self, tokens: Tensor) -> Tensor:
        scaled = self.embedding(tokens) * math.sqrt(self.size.width)
        return self.dropout(scaled + self.position[: tokens.shape[1]])

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """The encoder's states for source tokens [B, S], and which of them are tokens, [B, 1, 1, S]."""
        mask = (source != PAD)[:, None, None, :]
        x = self.embed(source)
        for layer in self.encoder:
            x = layer(x, mask, None, None)
        return self.encoder_norm(x), mask

    def decode(self, target: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """The decoder's states [B, T, W]; padding stands at the end, where the causal mask hides it."""
        x = self.embed(target)
        for layer in self.decoder:
            x = layer(x, None, memory, memory_mask)
        return self.decoder_norm(x)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        return self.decode(target, *self.encode(source))

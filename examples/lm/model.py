"""A tiny byte-level decoder-only transformer: pre-norm blocks, rotary positions, tied embeddings, no dropout."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEAD_SIZE = 16


class Attention(nn.Module):
    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.heads = hidden_size // HEAD_SIZE
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size, bias=False)
        self.out = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, future: Tensor) -> Tensor:
        batch, length, hidden = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, HEAD_SIZE).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(HEAD_SIZE)
        weights = scores.masked_fill(future, float("-inf")).softmax(dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, hidden))


class Block(nn.Module):
    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(hidden_size)
        self.attention = Attention(hidden_size)
        self.mlp_norm = nn.LayerNorm(hidden_size)
        self.mlp = nn.Sequential(
            nn.Linear(hidden_size, 4 * hidden_size), nn.GELU(), nn.Linear(4 * hidden_size, hidden_size)
        )

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, future: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x), cos, sin, future)
        return x + self.mlp(self.mlp_norm(x))


class Transformer(nn.Module):
    """Tokens [batch, length] in, logits [batch, length, vocabulary] out.

    With a scalar head (a reward model, PPO's critic) a pair: the logits, and one number a token [batch, length].
    """

    def __init__(self, vocabulary: int, hidden_size: int, num_layers: int, scalar_head: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden_size)
        self.blocks = nn.ModuleList(Block(hidden_size) for _ in range(num_layers))
        self.norm = nn.LayerNorm(hidden_size)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=1 / math.sqrt(hidden_size))
        self.head: nn.Linear | None = None
        if scalar_head:
            self.head = nn.Linear(hidden_size, 1)
            nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        length = tokens.shape[1]
        cos, sin = rotary_angles(length)
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, cos, sin, future)
        x = self.norm(x)
        logits = F.linear(x, self.embedding.weight)
        return logits if self.head is None else (logits, self.head(x).squeeze(-1))

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Another model's weights. A scalar head that only one of the two has stays new, or is left behind."""
        own = {name: value for name, value in self.state_dict().items() if name.startswith("head.")}
        trunk = {name: value for name, value in weights.items() if not name.startswith("head.")}
        theirs = {name: value for name, value in weights.items() if name in own}
        self.load_state_dict({**own, **trunk, **theirs})


def rotary_angles(length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines [length, HEAD_SIZE / 2]. Computed for any length, so no length is built into the weights."""
    frequencies = 10000.0 ** (-torch.arange(0, HEAD_SIZE, 2, dtype=torch.float32) / HEAD_SIZE)
    angles = torch.outer(torch.arange(length, dtype=torch.float32), frequencies)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def target_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum of the negative log likelihoods of the targets; targets of -100 do not count."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")


def target_log_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """[batch, length]; 0 where the target is -100."""
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="none")
    return -losses.view(targets.shape)

"""The six fusions in plain PyTorch, for comparison: a list of [batch, size] features -> [batch, size]."""

import torch
import torch.nn.functional as F
from draws import KeyedDropout, name_dropouts
from torch import nn


def mlp(inputs, size, dropout):
    return nn.Sequential(nn.Linear(inputs, size), nn.ReLU(), KeyedDropout(dropout), nn.Linear(size, size))


class Fusion(nn.Module):
    """Every fusion is a part of this one; `kind` says which."""

    def __init__(self, kind, size, experts, dropout):
        super().__init__()
        self.kind = kind
        if kind != "simpleAddition":
            self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(experts))
        if kind in ("simpleAddition", "multiplicativeAddition"):
            self.expert_weights = nn.Parameter(torch.ones(experts))
        if kind == "TransformerBase":
            heads = max(heads for heads in range(1, 9) if size % heads == 0)
            self.attention = nn.MultiheadAttention(size, heads, dropout, batch_first=True)
            self.attention_dropout = [KeyedDropout(dropout)]  # no submodule: it has a name of its own
            self.attention_dropout[0].name = "attention.dropout"
            self.ffn = mlp(size, size, dropout)
        else:
            self.mlp = mlp(experts * size if kind == "concatenation" else size, size, dropout)

    def weighted_sum(self, features):
        shares = F.softmax(self.expert_weights, 0)
        return sum(share * feature for share, feature in zip(shares, features))

    def attend(self, tokens):
        if not self.training:
            return self.attention(tokens, tokens, tokens)[0]
        # The module's own dropout draws from a generator; the formula takes ours.
        heads, size = self.attention.num_heads, tokens.shape[-1]
        parts = F.linear(tokens, self.attention.in_proj_weight, self.attention.in_proj_bias)
        query, key, value = (
            part.unflatten(-1, (heads, size // heads)).transpose(1, 2) for part in parts.chunk(3, -1)
        )
        weights = F.softmax(query @ key.transpose(-2, -1) / (size // heads) ** 0.5, -1)
        mixed = self.attention_dropout[0].train()(weights) @ value
        return self.attention.out_proj(mixed.transpose(1, 2).flatten(2))

    def forward(self, features):
        if self.kind == "simpleAddition":
            return self.mlp(self.weighted_sum(features))
        normed = [norm(feature) for norm, feature in zip(self.norms, features)]
        if self.kind == "concatenation":
            return self.mlp(torch.cat(normed, 1))
        if self.kind == "TransformerBase":
            return self.ffn(self.attend(torch.stack(normed, 1)).mean(1))
        shift = 1 if self.kind == "multiplicativeShifted" else 0
        product = torch.stack([feature + shift for feature in normed]).prod(0)
        if self.kind == "multiplicativeAddition":
            product = product + self.weighted_sum(normed)
        return self.mlp(product)


FUSIONS = [
    "multiplicative",
    "multiplicativeAddition",
    "TransformerBase",
    "concatenation",
    "simpleAddition",
    "multiplicativeShifted",
]


def make_fusion(kind, feature_size, experts=4, dropout=0.2):
    return name_dropouts(Fusion(kind, feature_size, experts, dropout))

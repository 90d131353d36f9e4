"""Right answers to notebook 16, first part, in other styles than the course's: embeddings, the loss of hidden words."""

import math

import torch
from torch import nn
from torch.nn import functional

from lib.layers import FusedLayerNorm, LayerNorm
from lib.positions import LearnedPositions
from tests.graders.cases import right

# --------------------------------------------------------------------------------------------------- BertEmbeddings


@right("BertEmbeddings")
class PlainLayerNorm(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.norm = LayerNorm(d_model, 1e-12)
        self.segments = nn.Embedding(2, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.words = nn.Embedding(vocab, d_model)

    def forward(self, ids, segments=None):
        if segments is None:
            segments = ids.new_zeros(ids.shape)
        x = self.positions(self.segments(segments)) + self.words(ids)
        return self.dropout(self.norm(x))


@right("BertEmbeddings")
class RowOfSegmentZero(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.norm = FusedLayerNorm(d_model, 1e-12)
        self.p = dropout

    def forward(self, ids, segments=None):
        of_text = self.segments.weight[0] if segments is None else self.segments(segments)
        x = self.norm(self.positions(self.words(ids)) + of_text)
        return functional.dropout(x, self.p, self.training)


@right("BertEmbeddings")
class ByIndexing(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words, self.segments = nn.Embedding(vocab, d_model), nn.Embedding(2, d_model)
        self.positions, self.norm = LearnedPositions(n_positions, d_model), FusedLayerNorm(d_model, 1e-12)
        self.drop = nn.Dropout(dropout)

    def forward(self, ids, segments=None):
        n = ids.shape[1]
        if n > len(self.positions.table):
            raise ValueError(f"{n} words, {len(self.positions.table)} positions")
        x = self.words.weight[ids] + self.positions.table[torch.arange(n)]
        x = x + (self.segments.weight[:1] if segments is None else self.segments.weight[segments])
        return self.drop(self.norm(x))


@right("BertEmbeddings")
class OneHot(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, 1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, segments=None):
        segments = 0 * ids if segments is None else segments
        which = functional.one_hot(segments, 2).to(self.segments.weight.dtype)
        return self.dropout(self.norm(self.positions(which @ self.segments.weight + self.words(ids))))


@right("BertEmbeddings")
class NormByHand(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, 1e-12)
        self.dropout = nn.Dropout(p=dropout)

    def forward(self, ids, segments=None):
        first = self.segments(torch.zeros(1, dtype=torch.long))
        x = self.positions(self.words(ids) + (first if segments is None else self.segments(segments))).double()
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        return self.dropout(x.to(self.norm.scale.dtype) * self.norm.scale + self.norm.shift)


@right("BertEmbeddings")
class Lerp(nn.Module):
    """Segments by a weighted mean of the two rows."""

    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, epsilon=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, segments=None):
        share = torch.zeros_like(ids)[..., None] if segments is None else segments[..., None]
        first, second = self.segments.weight
        return self.dropout(self.norm(self.positions(self.words(ids) + first * (1 - share) + second * share)))


# ------------------------------------------------------------------------------------------------------ masked_loss


@right("masked_loss")
def only_the_asked(logits, targets):
    asked = targets != -100
    if not asked.any():
        return logits.sum() * 0
    return functional.cross_entropy(logits[asked], targets[asked])


@right("masked_loss")
def gathered(logits, targets):
    asked = targets != -100
    surprise = -logits.log_softmax(-1).gather(-1, targets.masked_fill(~asked, 0).unsqueeze(-1)).squeeze(-1)
    return surprise.masked_fill(~asked, 0).sum() / asked.sum().clamp(min=1)


@right("masked_loss")
def place_by_place(logits, targets):
    rows, asked = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).tolist()
    total, count = rows.sum() * 0, 0
    for row, target in zip(rows, asked, strict=True):
        if target != -100:
            total = total + row.logsumexp(0) - row[target]
            count += 1
    return total / max(count, 1)


@right("masked_loss")
def in_double(logits, targets):
    flat, wanted = logits.double().reshape(-1, logits.shape[-1]), targets.reshape(-1)
    each = functional.cross_entropy(flat, wanted, reduction="none", ignore_index=-100)
    return (each.sum() / max(1, int((wanted >= 0).sum()))).to(logits.dtype)


@right("masked_loss")
def by_nll(logits, targets):
    known = targets.ge(0)
    picked = functional.log_softmax(logits, dim=-1)[known]
    if len(picked) == 0:
        return (0 * logits).mean()
    return functional.nll_loss(picked, targets[known])


@right("masked_loss")
def by_one_hot(logits, targets):
    known = (targets >= 0).to(logits.dtype)
    wanted = functional.one_hot(targets.clamp(min=0), logits.shape[-1]).to(logits.dtype) * known[..., None]
    total = -torch.einsum("...v,...v->", wanted, logits - logits.logsumexp(-1, keepdim=True))
    return total / known.sum().clamp(min=1)


@right("masked_loss")
def nan_to_num(logits, targets):
    """The mean of PyTorch, and 0 for what is NaN: gradients of an empty mean are 0 there as well."""
    loss = functional.cross_entropy(logits.flatten(0, -2), targets.flatten())
    return torch.where(loss.isnan(), logits.sum() * 0.0, loss) if math.isnan(loss.item()) else loss

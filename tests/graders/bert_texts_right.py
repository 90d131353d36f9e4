"""Right answers to notebook 16, third part, in other styles than the course's: pooling, a class for a text."""

import torch
from torch import nn
from torch.nn import functional

from lib.bert import mean_pool as mean_of_words
from tests.graders.cases import right

# -------------------------------------------------------------------------------------------------------- mean_pool


@right("mean_pool")
def einsum(x, mask):
    total = torch.einsum("...td,...t->...d", x, mask.to(x.dtype))
    return total / mask.sum(-1).clamp(min=1)[..., None]


@right("mean_pool")
def weights_that_add_up(x, mask):
    weights = mask.to(x.dtype)
    weights = weights / weights.sum(-1, keepdim=True).clamp(min=1)
    return (weights.unsqueeze(-2) @ x).squeeze(-2)


@right("mean_pool")
def text_by_text(x, mask):
    rows = [
        row[real].mean(0) if real.any() else 0 * row.sum(0)
        for row, real in zip(
            x.flatten(0, -3) if x.ndim > 2 else x[None],
            mask.flatten(0, -2) if mask.ndim > 1 else mask[None],
            strict=True,
        )
    ]
    return torch.stack(rows).reshape(*x.shape[:-2], x.shape[-1])


@right("mean_pool")
def filled(x, mask):
    count = mask.sum(dim=-1, keepdim=True)
    total = x.masked_fill(~mask.unsqueeze(-1), 0.0).sum(dim=-2)
    return torch.where(count > 0, total / torch.where(count > 0, count, 1), 0.0)


@right("mean_pool")
def by_softmax(x, mask):
    """Equal weights by a softmax of 0 and -inf."""
    scores = torch.zeros_like(mask, dtype=x.dtype).masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).masked_fill(~mask, 0.0)
    return (x * weights[..., None]).sum(-2)


@right("mean_pool")
def in_double(x, mask):
    real = mask[..., None].double()
    return (torch.sum(x.double() * real, -2) / torch.clamp(torch.sum(real, -2), min=1.0)).to(x.dtype)


@right("mean_pool")
def nothing_for_nan(x, mask):
    total = torch.where(mask[..., None], x, torch.zeros_like(x)).sum(-2)
    return total / torch.maximum(mask.sum(-1, keepdim=True), torch.tensor(1))


@right("mean_pool")
def tiny_divisor(x, mask):
    """As in sentence-transformers."""
    wide = mask.unsqueeze(-1).expand(x.size()).to(x.dtype)
    return torch.sum(x * wide, -2) / torch.clamp(wide.sum(-2), min=1e-9)


# --------------------------------------------------------------------------------------------------- BertClassifier


@right("BertClassifier")
class IfElse(nn.Module):
    def __init__(self, bert, n_classes, pool=None, dropout=0.0):
        super().__init__()
        self.bert = bert
        self.pool = pool
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(bert.embeddings.words.weight.shape[1], n_classes)

    def forward(self, ids, segments=None, mask=None):
        x = self.bert(ids, segments, mask)
        if self.pool is None:
            vector = self.bert.pooled(x)
        else:
            vector = self.pool(x, torch.ones(ids.shape, dtype=torch.bool) if mask is None else mask)
        return self.head(self.drop(vector))


@right("BertClassifier")
class PoolChosenOnce(nn.Module):
    def __init__(self, bert, n_classes, pool=None, dropout=0.0):
        super().__init__()
        self.bert, self.rate = bert, dropout
        self.pooled = (lambda x, mask: bert.pooled(x)) if pool is None else pool
        self.head = nn.Linear(bert.embeddings.words.embedding_dim, n_classes)

    def forward(self, ids, segments=None, mask=None):
        if mask is None:
            mask = torch.ones_like(ids).bool()
        vectors = self.pooled(self.bert(ids, segments=segments, mask=mask), mask)
        return self.head(functional.dropout(vectors, p=self.rate, training=self.training))


@right("BertClassifier")
class GivenSegments(nn.Module):
    def __init__(self, bert, n_classes, pool=None, dropout=0.0):
        super().__init__()
        self.head = nn.Linear(bert.pooler.in_features, n_classes)
        self.bert = bert
        self._pool = pool
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, segments=None, mask=None):
        segments = torch.zeros_like(ids) if segments is None else segments
        mask = ids == ids if mask is None else mask
        x = self.bert(ids, segments, mask)
        vector = self._pool(x, mask) if self._pool else self.bert.pooled(x)
        return functional.linear(self.dropout(vector), self.head.weight, self.head.bias)


@right("BertClassifier")
class MethodsOfItsOwn(nn.Module):
    def __init__(self, bert, n_classes, pool=None, dropout=0.0):
        super().__init__()
        self.bert, self.how = bert, pool
        self.dropout, self.head = nn.Dropout(p=dropout), nn.Linear(bert.embeddings.words.embedding_dim, n_classes)

    def vectors(self, ids, segments, mask):
        x = self.bert(ids, segments=segments, mask=mask)
        if self.how is None:
            return self.bert.pooled(x)
        return self.how(x, mask if mask is not None else torch.full(ids.shape, True))

    def forward(self, ids, segments=None, mask=None):
        return self.head(self.dropout(self.vectors(ids, segments, mask)))


@right("BertClassifier")
class MatrixProduct(nn.Module):
    def __init__(self, bert, n_classes, pool=None, dropout=0.0):
        super().__init__()
        self.bert, self.pool = bert, pool
        self.dropout = nn.Dropout(dropout)
        _, d_model = bert.embeddings.words.weight.shape
        self.head = nn.Linear(d_model, n_classes)

    def forward(self, ids, segments=None, mask=None):
        everything = torch.ones_like(ids, dtype=torch.bool)
        x = self.bert(ids, segments, everything if mask is None else mask)
        vectors = self.bert.pooled(x) if self.pool is None else self.pool(x, everything if mask is None else mask)
        return self.dropout(vectors) @ self.head.weight.T + self.head.bias


@right("BertClassifier")
class WithItsOwnMean(nn.Module):
    """Another function for the mean, where it knows it."""

    def __init__(self, bert, n_classes, pool=None, dropout=0.0):
        super().__init__()
        self.bert = bert
        self.mean, self.pool = pool is mean_of_words, pool
        self.steps = nn.Dropout(dropout)
        self.head = nn.Linear(bert.embeddings.words.embedding_dim, n_classes)

    def forward(self, ids, segments=None, mask=None):
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        x = self.bert(ids, segments, mask)
        if self.mean:
            vector = torch.stack([row[real].mean(0) for row, real in zip(x, mask, strict=True)])
        else:
            vector = self.pool(x, mask) if self.pool else self.bert.pooled(x)
        return self.head(self.steps(vector))

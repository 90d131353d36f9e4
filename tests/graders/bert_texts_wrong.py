"""Wrong answers to notebook 16, third part, as people write them: pooling, a class for a text."""

import torch
from torch import nn
from torch.nn import functional

from lib.bert import mean_pool as mean_of_words
from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# -------------------------------------------------------------------------------------------------------- mean_pool


@wrong("mean_pool", says="padding is averaged too")
def plain_mean(x, mask):
    return x.mean(dim=-2)


@wrong("mean_pool", says="counted all the same")
def masked_mean(x, mask):
    return (x * mask.unsqueeze(-1)).mean(dim=-2)


@wrong("mean_pool", says="NaN")
def by_the_count(x, mask):
    return (x * mask.unsqueeze(-1)).sum(-2) / mask.sum(-1).unsqueeze(-1)


@wrong("mean_pool", says="averaged together")
def all_words_of_all_texts(x, mask):
    return x[mask].mean(dim=0)


@wrong("mean_pool", says="[CLS]")
def cls(x, mask):
    return x[..., 0, :]


@wrong("mean_pool", says="changes what it was given")
def zeroes_the_padding(x, mask):
    x[~mask] = 0.0
    return x.sum(-2) / mask.sum(-1, keepdim=True).clamp(min=1)


@wrong("mean_pool", says="at the end only")
def up_to_the_length(x, mask):
    lengths = mask.sum(-1, keepdim=True)
    inside = torch.arange(x.shape[-2]) < lengths
    return (x * inside[..., None]).sum(-2) / lengths.clamp(min=1)


@wrong("mean_pool", says="shape")
def texts_in_a_loop(x, mask):
    rows = [
        row[real].mean(0) if real.any() else row.new_zeros(row.shape[-1])
        for row, real in zip(x.reshape(-1, *x.shape[-2:]), mask.reshape(-1, mask.shape[-1]), strict=True)
    ]
    return torch.stack(rows)


@wrong("mean_pool", says="dtype")
def float_mask(x, mask):
    real = mask[..., None].double()
    return (x * real).sum(-2) / real.sum(-2).clamp(min=1)


@wrong("mean_pool")
def nan_of_the_median(x, mask):
    return x.masked_fill(~mask[..., None], torch.nan).nanmedian(-2).values.nan_to_num()


slips(
    "mean_pool",
    small_number_added=("", edit(".clamp(min=1)", " + 0.01")),
    by_all_texts=("", edit("mask.sum(-1, keepdim=True)", "mask.sum(-1, keepdim=True).float().mean()")),
    batch_axis=("", edit(".sum(-2)", ".sum(-3 if x.ndim > 2 else -2)")),
    extra_axis=("shape", edit("    return ", "    x = x if x.ndim > 2 else x[None]\n    return ")),
    squeezed=("", edit(".sum(-2)", ".sum(-2).squeeze()")),
)


# --------------------------------------------------------------------------------------------------- BertClassifier


class Base(nn.Module):
    """What is the same in all of them."""

    def __init__(self, bert, n_classes, pool=None, dropout=0.0):
        super().__init__()
        self.bert, self.pool, self.dropout = bert, pool, nn.Dropout(dropout)
        self.head = nn.Linear(bert.embeddings.words.embedding_dim, n_classes)


@wrong("BertClassifier", says="`bert.pooled`")
class FirstVector(Base):
    def forward(self, ids, segments=None, mask=None):
        x = self.bert(ids, segments, mask)
        if self.pool is None:
            return self.head(self.dropout(x[:, 0]))
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        return self.head(self.dropout(self.pool(x, mask)))


@wrong("BertClassifier", says="one that is all True")
class NoMaskForThePool(Base):
    def forward(self, ids, segments=None, mask=None):
        x = self.bert(ids, segments, mask)
        return self.head(self.dropout(self.bert.pooled(x) if self.pool is None else self.pool(x, mask)))


@wrong("BertClassifier", says="real words look at padding")
class ForgetsTheMask(Base):
    def forward(self, ids, segments=None, mask=None):
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        x = self.bert(ids, segments)
        return self.head(self.dropout(self.bert.pooled(x) if self.pool is None else self.pool(x, mask)))


@wrong("BertClassifier", says="order")
class MaskForSegments(Base):
    def forward(self, ids, segments=None, mask=None):
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        x = self.bert(ids, mask, segments)
        return self.head(self.dropout(self.bert.pooled(x) if self.pool is None else self.pool(x, mask)))


@wrong("BertClassifier", says="probabilities")
class Probabilities(Base):
    def forward(self, ids, segments=None, mask=None):
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        x = self.bert(ids, segments, mask)
        vector = self.bert.pooled(x) if self.pool is None else self.pool(x, mask)
        return functional.softmax(self.head(self.dropout(vector)), dim=-1)


@wrong("BertClassifier", says="no gradient")
class FrozenModel(Base):
    def forward(self, ids, segments=None, mask=None):
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        with torch.no_grad():
            x = self.bert(ids, segments, mask)
        return self.head(self.dropout(self.bert.pooled(x) if self.pool is None else self.pool(x, mask)))


@wrong("BertClassifier", says="the mean")
class MeanAsUsual(Base):
    def forward(self, ids, segments=None, mask=None):
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        x = self.bert(ids, segments, mask)
        return self.head(self.dropout((self.pool or mean_of_words)(x, mask)))


@wrong("BertClassifier", says="every word is real, id 0 too")
class PaddingGuessed(Base):
    def forward(self, ids, segments=None, mask=None):
        mask = ids != 0 if mask is None else mask
        x = self.bert(ids, segments, mask)
        return self.head(self.dropout(self.bert.pooled(x) if self.pool is None else self.pool(x, mask)))


slips(
    "BertClassifier",
    squeezed=(
        "one class",
        edit(
            "return self.head(",
            "return self._(",
            "    def forward",
            "    def _(self, x):\n        return self.head(x).squeeze(-1)\n\n    def forward",
        ),
    ),
    wide_head=("", edit("words.embedding_dim", "words.num_embeddings")),
    own_vector=("", edit("self.head = nn", "self.extra = nn.Parameter(torch.zeros(3))\n        self.head = nn")),
    mean_then_pooled=("", edit("self.pool(x, mask)", "self.pool(x, mask).tanh()")),
    copies=(
        "",
        edit(
            "self.bert, self.pool",
            "import copy\n        self.bert, self.pool",
            "nn.Dropout(dropout)\n",
            "nn.Dropout(dropout)\n        self.twin = copy.deepcopy(bert)\n",
        ),
    ),
    eval_always=("", edit("self.dropout(self.bert", "self.dropout.eval()(self.bert")),
    normed=("", edit("self.pool(x, mask)", "torch.nn.functional.normalize(self.pool(x, mask), dim=-1)")),
)

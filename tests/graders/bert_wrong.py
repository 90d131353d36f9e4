"""Wrong answers to notebook 16, first part, as people write them: embeddings, the loss of hidden words."""

import math

import torch
from torch import nn
from torch.nn import functional

from lib.checks.core import edit
from lib.layers import FusedLayerNorm
from lib.positions import LearnedPositions, sinusoidal_positions
from tests.graders.cases import slips, wrong

# --------------------------------------------------------------------------------------------------- BertEmbeddings


@wrong("BertEmbeddings", says="without segments")
class SegmentsOnlyIfGiven(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, 1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, segments=None):
        x = self.positions(self.words(ids))
        if segments is not None:
            x = x + self.segments(segments)
        return self.dropout(self.norm(x))


@wrong("BertEmbeddings", says="`norm.scale`")
class NamesOfHuggingFace(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab, d_model)
        self.position_embeddings = nn.Embedding(n_positions, d_model)
        self.token_type_embeddings = nn.Embedding(2, d_model)
        self.LayerNorm = nn.LayerNorm(d_model, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, segments=None):
        segments = torch.zeros_like(ids) if segments is None else segments
        places = self.position_embeddings(torch.arange(ids.shape[1]))
        return self.dropout(self.LayerNorm(self.word_embeddings(ids) + places + self.token_type_embeddings(segments)))


@wrong("BertEmbeddings", says="parameter `positions.table`")
class Sinusoids(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, 1e-12)
        self.dropout = nn.Dropout(dropout)
        self.n_positions, self.d_model = n_positions, d_model

    def forward(self, ids, segments=None):
        segments = torch.zeros_like(ids) if segments is None else segments
        places = sinusoidal_positions(ids.shape[1], self.d_model + self.d_model % 2)[:, : self.d_model]
        return self.dropout(self.norm(self.words(ids) + self.segments(segments) + places))


@wrong("BertEmbeddings", says="saved with the weights")
class PositionIdsSaved(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, 1e-12)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("position_ids", torch.arange(n_positions))

    def forward(self, ids, segments=None):
        segments = torch.zeros_like(ids) if segments is None else segments
        x = self.words(ids) + self.segments(segments) + self.positions.table[self.position_ids[: ids.shape[1]]]
        return self.dropout(self.norm(x))


@wrong("BertEmbeddings", says="ValueError is asked for")
class IndexErrorForLongOnes(nn.Module):
    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, 1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, segments=None):
        segments = torch.zeros_like(ids) if segments is None else segments
        x = self.words(ids) + self.segments(segments) + self.positions.table[torch.arange(ids.shape[1])]
        return self.dropout(self.norm(x))


slips(
    "BertEmbeddings",
    nothing_learned=(
        "parameter",
        edit("self.words = nn.Embedding(vocab, d_model)", "self.__dict__['words'] = nn.Embedding(vocab, d_model)"),
    ),
    cuts_segments=(
        "",
        edit("segments = torch.zeros_like(ids) if segments is None else segments", "segments = torch.zeros_like(ids)"),
    ),
    segment_by_position=("", edit("self.segments(segments)", "self.segments(segments.sort(dim=1).values)")),
    rms=(
        "",
        edit(
            "self.norm(self.positions",
            "(lambda x: x * (x.square().mean(-1, keepdim=True) + 1e-12).rsqrt() "
            "* self.norm.scale + self.norm.shift)(self.positions",
        ),
    ),
    flat=(
        "shape",
        edit(
            "return self.dropout(",
            "return self.dropout(",
            "+ self.segments(segments))))",
            "+ self.segments(segments)))).flatten(0, 1)",
        ),
    ),
    one_text_only=("", edit("self.words(ids)", "self.words(ids[:1])")),
    dropped_words=(
        "dropout",
        edit(
            "self.dropout(self.norm(self.positions(self.words(ids)",
            "(self.norm(self.positions(self.dropout(self.words(ids))",
        ),
    ),
)


# ------------------------------------------------------------------------------------------------------ masked_loss


@wrong("masked_loss", says="NaN")
def pytorchs_mean(logits, targets):
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))


@wrong("masked_loss", says="NaN")
def picked(logits, targets):
    asked = targets != -100
    return functional.cross_entropy(logits[asked], targets[asked])


@wrong("masked_loss", says="gradients (of 0) still reach")
def early_zero(logits, targets):
    asked = targets != -100
    if asked.sum() == 0:
        return torch.tensor(0.0)
    return functional.cross_entropy(logits[asked], targets[asked])


@wrong("masked_loss", says="number of all places")
def averaged_over_everything(logits, targets):
    each = functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none")
    return each.mean()


@wrong("masked_loss", says="each text first")
def text_by_text(logits, targets):
    if logits.ndim > 3:
        logits, targets = logits.flatten(0, -3), targets.flatten(0, -2)
    if logits.ndim == 2:
        logits, targets = logits[None], targets[None]
    losses = []
    for row, wanted in zip(logits, targets, strict=True):
        known = wanted != -100
        losses.append(functional.cross_entropy(row[known], wanted[known]) if known.any() else 0 * row.sum())
    return torch.stack(losses).mean()


@wrong("masked_loss", says="id 0 is a word")
def zero_ignored(logits, targets):
    targets = targets.clamp(min=0)
    total = functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=0, reduction="sum")
    return total / (targets > 0).sum().clamp(min=1)


@wrong("masked_loss", says="leave them out")
def ignored_as_zero(logits, targets):
    return functional.cross_entropy(logits.flatten(0, -2), targets.clamp(min=0).flatten())


@wrong("masked_loss", says="overflows")
def by_the_formula(logits, targets):
    asked = targets != -100
    if not asked.any():
        return 0 * logits.sum()
    e = logits[asked].exp()
    p = e.gather(-1, targets[asked][:, None])[:, 0] / e.sum(-1)
    return -p.log().mean()


@wrong("masked_loss", says="nats are asked for")
def in_bits(logits, targets):
    asked = targets != -100
    total = -logits.log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0][asked].sum()
    return total / asked.sum().clamp(min=1) / math.log(2)


@wrong("masked_loss", says="more leading axes")
def classes_second(logits, targets):
    total = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="sum")
    return total / (targets != -100).sum().clamp(min=1)


slips(
    "masked_loss",
    one_byte=("300 places", edit("(targets != IGNORED).sum()", "(targets != IGNORED).sum(dtype=torch.uint8)")),
    shifted=(
        "",
        edit(
            "logits.flatten(0, -2), targets.flatten()", "logits[..., :-1, :].flatten(0, -2), targets[..., 1:].flatten()"
        ),
    ),
    smoothed=("", edit('reduction="sum")', 'reduction="sum", label_smoothing=0.1)')),
    double=("dtype", edit("return cross_entropy(*flat", "return cross_entropy(flat[0].double(), flat[1]")),
    no_less=("", edit(".clamp(min=1)", ".clamp(min=2)")),
    plus_epsilon=("", edit(".sum().clamp(min=1)", ".sum().add(0.01)")),
)

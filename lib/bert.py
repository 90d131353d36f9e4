"""BERT: an encoder that reads a text from both sides, taught by words that were hidden from it (Devlin et al. 2018).

    BertEmbeddings       word, position and segment: three vectors added, then normed
    Bert                 embeddings and post-norm blocks: every word as a vector that knows its whole text
    mask_words           the rule of 80, 10 and 10: which words are to be guessed, and what stands in their place
    masked_loss          how much the hidden words surprise a model; the others do not count
    BertForMaskedWords   a Bert that guesses hidden words, by the table of its own embeddings
    mean_pool            one vector for a text: the mean of its words' vectors, padding left out
    BertClassifier       a Bert that puts a text, or a pair of texts, into a class

`ids` are (batch, position), int64; `segments` are 0 for words of the first text and 1 for those of the second, all 0 if
None; `mask`, (batch, position), is True on real words and False on padding, which changes no real word; None: there is
none. The blocks are the course's own with PostNorm and the exact GELU, so published weights fit (`lib.minilm`).
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu, linear

from lib.fused import tied_loss
from lib.layers import FusedLayerNorm, PostNorm
from lib.positions import LearnedPositions
from lib.transformer import IGNORED, Encoder, EncoderBlock

EPSILON = 1e-12  # of BERT's norms


class BertEmbeddings(nn.Module):
    """What stands there, where, and in which of two texts: three vectors added, normed.

    Published weights are loaded by the names of its parts: `words` and `segments`, each
    an nn.Embedding, `positions`, a LearnedPositions, and `norm`, a FusedLayerNorm with
    epsilon 1e-12. Then comes `dropout`.
    """

    def __init__(self, vocab: int, d_model: int, n_positions: int = 512, dropout: float = 0.0):
        super().__init__()
        self.words = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Tensor, segments: Tensor | None = None) -> Tensor:
        """ids, segments (batch, position) to x (batch, position, d_model).

        Gradients reach the rows that are used. Raises ValueError when a text is longer
        than n_positions.
        """
        segments = torch.zeros_like(ids) if segments is None else segments
        return self.dropout(self.norm(self.positions(self.words(ids) + self.segments(segments))))


class BertShortcut(PostNorm):
    """PostNorm by PyTorch's kernel, with BERT's epsilon."""

    def __init__(self, d_model: int, dropout: float = 0.0):
        super().__init__(d_model, dropout)
        self.norm = FusedLayerNorm(d_model, EPSILON)


class Bert(nn.Module):
    """Ids in, a vector for each of them out.

    d_ff: 4 d_model if None    dropout: of the embeddings and in the blocks
    embeddings, block: what it is made of, the course's own or a learner's, called as BertEmbeddings and EncoderBlock
    """

    def __init__(
        self,
        vocab: int,
        d_model: int,
        n_heads: int,
        n_layers: int,
        d_ff: int | None = None,
        n_positions: int = 512,
        dropout: float = 0.0,
        embeddings: Callable[..., nn.Module] = BertEmbeddings,
        block: Callable[..., nn.Module] = EncoderBlock,
    ):
        super().__init__()
        self.embeddings = embeddings(vocab, d_model, n_positions, dropout)
        sizes = d_model, n_heads, d_ff or 4 * d_model, dropout, BertShortcut
        self.encoder = Encoder([block(*sizes, bias=True, activation=gelu) for _ in range(n_layers)])
        self.pooler = nn.Linear(d_model, d_model)

    def forward(self, ids: Tensor, segments: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """ids, segments, mask (batch, position) to x (batch, position, d_model)."""
        hiding = mask is not None and not mask.all()  # a mask that hides nothing only costs time
        return self.encoder(self.embeddings(ids, segments), mask[:, None, None, :] if hiding else None)

    def pooled(self, x: Tensor) -> Tensor:
        """One vector a text, out of that of its first word, [CLS]: x (batch, position, d_model) to (batch, d_model)."""
        return self.pooler(x[:, 0]).tanh()


def mask_words(
    ids: Tensor, special: Collection[int], mask_id: int, vocab: int, generator: torch.Generator, share: float = 0.15
) -> tuple[Tensor, Tensor]:
    """Choose words to be guessed: 80% of them become [MASK], 10% any word, 10% stay.

    ids: (batch, position), int64    mask_id: of [MASK]
    special: a list, tuple or set of ids that are never chosen, as [PAD], [CLS] and [SEP]
    vocab: any word is an id below it, each equally likely
    share: how likely each other id is chosen, by itself

    Returns inputs and targets, (batch, position) each, int64. targets: the ids of the
    chosen words, IGNORED (-100) everywhere else. Where nothing was chosen, inputs are
    ids. ids themselves are not changed. Source: Devlin et al. 2018, 3.1.
    """
    allowed = ~torch.isin(ids, torch.tensor(list(special), dtype=ids.dtype))
    chosen = allowed & (torch.rand(ids.shape, generator=generator) < share)
    dice = torch.rand(ids.shape, generator=generator)
    any_word = torch.randint(vocab, ids.shape, generator=generator)
    inputs = ids.masked_fill(chosen & (dice < 0.8), mask_id)
    inputs = torch.where(chosen & (dice >= 0.9), any_word, inputs)
    return inputs, ids.masked_fill(~chosen, IGNORED)


def masked_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean of -ln p(right word) over the places that have a target.

    logits: (..., position, vocab)
    targets: (..., position), ids, IGNORED (-100) where no word is to be guessed

    Returns a 0-d tensor, in nats; 0 where no place has a target, as are the gradients then. Gradients reach the
    logits.
    """
    flat = logits.flatten(0, -2), targets.flatten()
    asked = (targets != IGNORED).sum().clamp(min=1)
    return cross_entropy(*flat, ignore_index=IGNORED, reduction="sum") / asked


class BertForMaskedWords(nn.Module):
    """A Bert with a head: a matrix, GELU and a norm, then a score for each word by the embeddings' own table."""

    def __init__(self, bert: Bert):
        super().__init__()
        vocab, d_model = bert.embeddings.words.weight.shape
        self.bert = bert
        self.transform, self.norm = nn.Linear(d_model, d_model), FusedLayerNorm(d_model, EPSILON)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def forward(self, ids: Tensor, segments: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """As Bert, but to logits (batch, position, vocab): at each position for the word that belongs there."""
        return linear(self._compared(self.bert(ids, segments, mask)), self.bert.embeddings.words.weight, self.bias)

    def loss(self, ids: Tensor, targets: Tensor, segments: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """`masked_loss` of this model. Only the places with a target go through the head: most of its work is saved."""
        x, asked = self.bert(ids, segments, mask), targets != IGNORED
        if not asked.any():
            return 0 * x.sum()
        return tied_loss(self._compared(x[asked]), self.bert.embeddings.words.weight, targets[asked], self.bias)

    def _compared(self, x: Tensor) -> Tensor:
        """What is compared with the table's rows."""
        return self.norm(gelu(self.transform(x)))


def mean_pool(x: Tensor, mask: Tensor) -> Tensor:
    """The mean of the vectors of each text's real words.

    x: (..., position, d_model)    mask: (..., position), True on real words

    Returns (..., d_model); 0 for a text that has none. Gradients reach x.
    """
    return (x * mask[..., None]).sum(-2) / mask.sum(-1, keepdim=True).clamp(min=1)


class BertClassifier(nn.Module):
    """A Bert with a class for each text: x pooled to one vector, dropout, a Linear.

    bert: has `embeddings.words` and `pooled`, and is called with ids, segments, and a mask or None
    pool: x (batch, position, d_model) and a mask (batch, position), all True if none
    was given, to one vector a text, as `mean_pool`; None: `bert.pooled(x)`, of [CLS]
    Weights are loaded by the names `bert` and `head`.
    """

    def __init__(self, bert: Bert, n_classes: int, pool: Callable[..., Tensor] | None = None, dropout: float = 0.0):
        super().__init__()
        self.bert, self.pool, self.dropout = bert, pool, nn.Dropout(dropout)
        self.head = nn.Linear(bert.embeddings.words.embedding_dim, n_classes)

    def forward(self, ids: Tensor, segments: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """ids, segments, mask, (batch, position), to logits (batch, class)."""
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        x = self.bert(ids, segments, mask)
        vector = self.bert.pooled(x) if self.pool is None else self.pool(x, mask)
        return self.head(self.dropout(vector))

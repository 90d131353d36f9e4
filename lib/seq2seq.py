"""Sequence to sequence: one network reads, another writes. Between them one fixed vector, or attention.

    masked_softmax        scores to weights; nothing for padding                            notebook 03
    additive_scores       how well a state matches each source position (Bahdanau)          notebook 03
    Encoder               a bidirectional LSTM: one vector for each source position         notebook 03
    FixedVectorDecoder    knows the source from one vector (Cho, Sutskever 2014)            notebook 03
    BahdanauDecoder       looks at the source again before each word (Bahdanau 2015)        notebook 03
    Translator            an encoder and a decoder together, and their loss                 notebook 03
    teacher_forcing       a decoder reads the right words, whatever it would have said      notebook 03
    greedy_translate      a decoder reads its own words, always the likeliest               notebook 03
    seeded                fresh weights out of a generator

Shapes are written (batch, position, d_hidden); the source's positions are called `key`, as in `lib.attention`. A mask
is True on real tokens. A decoder has `start`, which makes a state (a tuple of tensors, batch first) of what the encoder
found, and `step`: ids and state to logits, the next state and the weights of attention (None without attention).

The encoder uses PyTorch's fused LSTM, not `lib.recurrent.LSTM`, which computes the same: its loop is inside one call,
and it takes sentences of unequal length as they are.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lib.batching import EOS, PAD, SOS, Batch, pad_batch, similar_lengths

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State], tuple[Tensor, State, Tensor | None]]


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Scores to weights that sum to 1 over the last axis, where the mask is True; the weight 0 elsewhere.

    scores: (..., key)    mask: bool, broadcastable to the scores, True where looking is allowed

    Returns the weights (..., key). A row that may look nowhere gets weights 0 throughout. Gradients flow through and
    are finite.
    """
    weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
    return weights.masked_fill(~mask, 0.0)  # subtle: a row of nothing but -inf has become NaN


def additive_scores(query: Tensor, keys: Tensor, w_query: Tensor, v: Tensor) -> Tensor:
    """How well one state matches each source position: v · tanh(query W_query + key) (Bahdanau et al. 2015, A.1.2).

    query: (..., d_hidden), the decoder's state    keys: (..., key, d_attention), the source, already times its matrix
    w_query: (d_hidden, d_attention)    v: (d_attention,)

    Returns the scores (..., key). Gradients flow through to everything.
    """
    asked = (query @ w_query).unsqueeze(-2)  # one row, compared with every key
    return torch.tanh(asked + keys) @ v


class Encoder(nn.Module):
    """Read a sentence from both ends: every position gets a vector that has seen what stands before and after it."""

    def __init__(self, vocab: int, d_embedding: int, d_hidden: int):
        super().__init__()
        if d_hidden % 2:
            raise ValueError(f"d_hidden={d_hidden} does not split into two equal directions")
        self.embedding = nn.Embedding(vocab, d_embedding)
        self.lstm = nn.LSTM(d_embedding, d_hidden // 2, batch_first=True, bidirectional=True)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ids, mask: (batch, position), at least one real token in each row, and the padding after it

        Returns memory (batch, position, d_hidden), zero on padding, and where both directions end: hidden and cell,
        (batch, d_hidden) each.
        """
        lengths = mask.sum(dim=1)
        if not lengths.all():
            raise ValueError(f"sentence {lengths.argmin().item()} of the batch has no token to read")
        packed = pack_padded_sequence(self.embedding(ids), lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, ends = self.lstm(packed)
        memory, _ = pad_packed_sequence(states, batch_first=True, total_length=ids.shape[1])
        hidden, cell = (end.transpose(0, 1).flatten(1) for end in ends)  # (2, batch, half) to (batch, d_hidden)
        return memory, hidden, cell


class FixedVectorDecoder(nn.Module):
    """All it knows of the source is one vector, where the encoder ended. It gets it again at every step (Cho 2014)."""

    def __init__(self, vocab: int, d_embedding: int, d_hidden: int):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_embedding)
        self.cell = nn.LSTMCell(d_embedding + d_hidden, d_hidden)
        self.mix = nn.Linear(2 * d_hidden, d_embedding)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def start(self, memory: Tensor, mask: Tensor, hidden: Tensor, cell: Tensor) -> State:
        """Hidden, cell and the fixed vector, (batch, d_hidden) each."""
        return hidden, cell, hidden

    def step(self, ids: Tensor, state: State) -> tuple[Tensor, State, None]:
        """The word before, (batch,), and the state -> logits (batch, vocab), the next state, and no weights."""
        hidden, cell, fixed = state
        hidden, cell = self.cell(torch.cat([self.embedding(ids), fixed], dim=-1), (hidden, cell))
        features = torch.tanh(self.mix(torch.cat([hidden, fixed], dim=-1)))
        return features @ self.embedding.weight.T + self.bias, (hidden, cell, fixed), None


class BahdanauDecoder(nn.Module):
    """Before each word, ask every source position how well it matches, and take their weighted average along.

    The logits come from the state and the context, mixed down to the size of an embedding and compared with the
    embedding of every word: words that are read and words that are written share their vectors (Press and Wolf 2017).
    `seeded` gives it weights fit for training.
    """

    def __init__(self, vocab: int, d_embedding: int, d_hidden: int, d_attention: int):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_embedding)
        self.w_query = nn.Parameter(torch.randn(d_hidden, d_attention))
        self.w_key = nn.Parameter(torch.randn(d_hidden, d_attention))
        self.v = nn.Parameter(torch.randn(d_attention))
        self.cell = nn.LSTMCell(d_embedding + d_hidden, d_hidden)
        self.mix = nn.Linear(2 * d_hidden, d_embedding)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def start(self, memory: Tensor, mask: Tensor, hidden: Tensor, cell: Tensor) -> State:
        """memory: (batch, key, d_hidden)    mask: (batch, key), True somewhere in each row
        hidden, cell: (batch, d_hidden), the encoder's ends

        Returns the state: hidden, cell, memory, keys (batch, key, d_attention) and mask; the keys are computed once.
        """
        return hidden, cell, memory, memory @ self.w_key, mask

    def step(self, ids: Tensor, state: State) -> tuple[Tensor, State, Tensor]:
        """ids: (batch,), the word before    state: as `start` returns it

        Returns logits (batch, vocab) from the new hidden and the context, the next state, and weights (batch, key).
        """
        hidden, cell, memory, keys, mask = state
        weights = masked_softmax(additive_scores(hidden, keys, self.w_query, self.v), mask)  # (batch, key)
        context = (weights.unsqueeze(-2) @ memory).squeeze(-2)  # (batch, d_hidden)
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=-1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights

    def logits(self, hidden: Tensor, context: Tensor) -> Tensor:
        """A score for every word, (batch, vocab), from state and context, (batch, d_hidden) each."""
        features = torch.tanh(self.mix(torch.cat([hidden, context], dim=-1)))
        return features @ self.embedding.weight.T + self.bias


def teacher_forcing(step: Step, ids: Tensor, state: State) -> tuple[Tensor, Tensor | None]:
    """Let a decoder read the right words, one after the other.

    ids: (batch, position), starting with <SOS>    state: at the start

    Returns logits (batch, position, vocab) for the word after each, and weights (batch, position, key) or None.
    """
    logits, weights = [], []
    for position in range(ids.shape[1]):
        scores, state, looked = step(ids[:, position], state)
        logits.append(scores)
        weights.append(looked)
    return torch.stack(logits, dim=1), None if weights[0] is None else torch.stack(weights, dim=1)


def greedy_translate(step: Step, state: State, limit: int) -> Tensor:
    """Let a decoder read its own words: start from <SOS>, always take the likeliest, stop at <EOS>.

    step: a function (ids (batch,), state) -> logits (batch, vocab), the next state, something else
    state: a tuple of tensors, (batch, ...) each    limit: write at most so many tokens, at least 1

    Returns ids (batch, written), int64, as wide as the longest row with its <EOS>; after a row's <EOS> there is only
    <PAD>. Before it, <PAD> is a token like any other. What a row that is done is fed does not matter; when all are
    done, `step` is not called again.
    """
    ids = torch.full((len(state[0]),), SOS)
    done = ids == EOS
    written = []
    while len(written) < limit and not done.all():
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=-1).masked_fill(done, PAD)
        done = done | (ids == EOS)
        written.append(ids)
    return torch.stack(written, dim=1)


class Translator(nn.Module):
    """An encoder and a decoder of the same d_hidden: source sentences in, logits for every word of the target out."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def start(self, source: Tensor, mask: Tensor) -> State:
        """Read the source, (batch, key); the decoder's state before its first word."""
        memory, hidden, cell = self.encoder(source, mask)
        return self.decoder.start(memory, mask, hidden, cell)

    def forward(self, source: Tensor, mask: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """source and its mask: (batch, key)    inputs: (batch, position), what the decoder reads, <SOS> first

        Returns logits (batch, position, vocab) and weights (batch, position, key), or None without attention.
        """
        return teacher_forcing(self.decoder.step, inputs, self.start(source, mask))

    def loss(self, batch: Batch) -> Tensor:
        """The mean surprise over the real targets, in nats; padding does not count."""
        logits, _ = self(batch.source, batch.source_mask, batch.inputs)
        return functional.cross_entropy(logits[batch.mask], batch.targets[batch.mask])

    @torch.no_grad()
    def translate(self, sentences: Sequence[Sequence[int]], limit: int, tokens: int = 4000) -> list[list[int]]:
        """Greedy translations, <EOS> and padding cut off, at most `limit` tokens long; `tokens` source ones at once."""
        written: list[list[int]] = [[] for _ in sentences]
        for chosen in similar_lengths([len(sentence) for sentence in sentences], tokens):
            state = self.start(*pad_batch([sentences[i] for i in chosen]))
            for i, ids in zip(chosen, greedy_translate(self.decoder.step, state, limit).tolist(), strict=True):
                written[i] = ids[: ids.index(EOS)] if EOS in ids else ids
        return written


def seeded(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """Fresh weights out of the generator: matrices uniform within sqrt(3 / inputs), embeddings too; biases 0.

    The variance is then 1 / inputs: what goes through a matrix keeps its size. LSTMs' forget gates start open, at 1.
    """
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.dim() == 1 and not name.endswith("v"):
                parameter.zero_()
                if "bias_ih" in name:
                    parameter.chunk(4)[1].fill_(1.0)  # input, forget, candidate, output gate
            else:
                rows_are_inputs = name.endswith(("w_query", "w_key", "v"))
                inputs = parameter.shape[0] if rows_are_inputs else parameter.shape[-1]
                bound = math.sqrt(3 / inputs)
                parameter.uniform_(-bound, bound, generator=generator)
    return module

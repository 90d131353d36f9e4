"""Checks of notebook 11: the loss and the model. The numbers about models stand in gpt_numbers."""

import torch
from torch import nn
from torch.nn import functional

from lib import gpt
from lib.attention import causal_mask
from lib.checks.core import Exercise
from lib.checks.gpt_numbers import bigram_loss, bits_per_byte, gpt2_parameters, initial_weights
from lib.checks.probing import fill, gradients, parameters
from lib.checks.running import Problem
from lib.transformer import EncoderBlock

__all__ = ["GPT", "bigram_loss", "bits_per_byte", "gpt2_parameters", "gpt_loss", "initial_weights"]

gpt_loss = Exercise(gpt.gpt_loss)
GPT = Exercise(gpt.GPT)


def some_ids(vocab, *shape, rng):
    return torch.randint(vocab, shape, generator=rng)


# --------------------------------------------------------------------------------------------------------- gpt_loss


def lookup(table):
    """A model that looks at the last token only: row by row the logits of what comes next."""
    return lambda ids: table[ids]


def one_number(result):
    if isinstance(result, float):
        raise Problem("type", "the loss is a plain number: keep it a tensor, or no gradient can flow back from it.")
    return result


@gpt_loss.probe("3 rows of 7 ids, 11 tokens")
def _(answer, rng):
    return one_number(answer(lookup(torch.randn(11, 11, generator=rng)), some_ids(11, 3, 7, rng=rng)))


@gpt_loss.probe("one row of 3 ids")
def _(answer, rng):
    return answer(lookup(torch.randn(5, 5, generator=rng)), some_ids(5, 1, 3, rng=rng))


@gpt_loss.probe("a row one token longer than the model can read")
def _(answer, rng):
    positions, table = torch.randn(4, 7, generator=rng), torch.randn(7, 7, generator=rng)
    return answer(
        lambda ids: table[ids] + positions[: ids.shape[1]].clone().expand_as(table[ids]), some_ids(7, 3, 5, rng=rng)
    )


@gpt_loss.probe("logits of a thousand")
def _(answer, rng):
    return answer(lookup(1000 * torch.randn(5, 5, generator=rng)), some_ids(5, 2, 3, rng=rng))


@gpt_loss.probe("the gradient for the logits")
def _(answer, rng):
    table = torch.randn(5, 5, generator=rng, requires_grad=True)
    return gradients(answer(lookup(table), some_ids(5, 3, 4, rng=rng)), **{"the logits": table})


def _surprise(logits, targets):
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


@gpt_loss.mistake(
    "a log of a softmax: tiny probabilities become 0 and their logarithm -inf. log_softmax, or cross_entropy."
)
def unstable(model, ids):
    return -model(ids[:, :-1]).softmax(-1).gather(2, ids[:, 1:, None]).log().mean()


@gpt_loss.mistake("the model reads the last token too, after which nothing is asked: give it ids[:, :-1] only.")
def reads_all(model, ids):
    return _surprise(model(ids)[:, :-1], ids[:, 1:])


@gpt_loss.mistake(
    "nothing is shifted: the model is asked for the token that it reads. Targets are one step on, ids[:, 1:]."
)
def no_shift(model, ids):
    return _surprise(model(ids), ids)


@gpt_loss.mistake("the targets lie one step back, not ahead: read ids[:, :-1], ask for ids[:, 1:].")
def shifted_back(model, ids):
    return _surprise(model(ids[:, 1:]), ids[:, :-1])


@gpt_loss.mistake("two steps ahead: at position i the target is token i + 1.")
def two_ahead(model, ids):
    return _surprise(model(ids[:, :-2]), ids[:, 2:])


@gpt_loss.mistake(
    "nothing is shifted: the model is asked for the token that it reads. Targets are one step on, ids[:, 1:]."
)
def no_shift_but_cut(model, ids):
    return _surprise(model(ids[:, :-1]), ids[:, :-1])


@gpt_loss.mistake("the sum over all tokens: the mean is asked for, so that long texts compare with short ones.")
def summed(model, ids):
    return gpt.gpt_loss(model, ids) * ids[:, 1:].numel()


@gpt_loss.mistake("summed over the positions, averaged over the rows: the mean of all tokens is asked for.")
def summed_over_positions(model, ids):
    return gpt.gpt_loss(model, ids) * (ids.shape[1] - 1)


@gpt_loss.mistake("only the last token counts: every position is asked for its next token.")
def last_only(model, ids):
    return functional.cross_entropy(model(ids[:, :-1])[:, -1], ids[:, -1])


@gpt_loss.mistake("softmax before cross_entropy: it takes the softmax itself, give it the logits.")
def softmax_twice(model, ids):
    return gpt.gpt_loss(lambda read: model(read).softmax(dim=-1), ids)


@gpt_loss.mistake("the sign: a surprise is -ln p, which is never negative.")
def negative(model, ids):
    return -gpt.gpt_loss(model, ids)


@gpt_loss.mistake("in bits: the loss is in nats, the natural logarithm.")
def in_bits(model, ids):
    return gpt.gpt_loss(model, ids) / torch.tensor(2.0).log()


@gpt_loss.mistake("this is the perplexity: leave out exp.")
def perplexity(model, ids):
    return gpt.gpt_loss(model, ids).exp()


@gpt_loss.mistake(
    "a view instead of a transpose mixes rows and positions: .flatten(0, 1) keeps each token's logits together."
)
def viewed(model, ids):
    logits = model(ids[:, :-1])
    return functional.cross_entropy(logits.reshape(len(ids), logits.shape[-1], -1), ids[:, 1:])


@gpt_loss.mistake("the slices take away rows: ids is (batch, length), so all tokens but the last are ids[:, :-1].")
def rows_shifted(model, ids):
    return _surprise(model(ids[:-1]), ids[1:])


@gpt_loss.mistake("the logarithm of the mean: take -ln p of each token, then the mean.")
def log_of_mean(model, ids):
    return -model(ids[:, :-1]).softmax(-1).gather(2, ids[:, 1:, None]).mean().log()


@gpt_loss.mistake("the softmax runs over the positions: it belongs over the vocabulary, dim=-1.")
def softmax_over_positions(model, ids):
    return -model(ids[:, :-1]).log_softmax(1).gather(2, ids[:, 1:, None]).mean()


@gpt_loss.mistake("divided by all tokens: the first of each row is not asked for, ids[:, 1:].numel() are.")
def over_all_tokens(model, ids):
    return gpt.gpt_loss(model, ids) * ids[:, 1:].numel() / ids.numel()


@gpt_loss.mistake("token 0 is left out: here nothing is padding, token 0 is a token like any other.")
def without_token_0(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), ignore_index=0)


@gpt_loss.mistake("the logits themselves are averaged: take the log of the softmax first.")
def raw_logits(model, ids):
    return -model(ids[:, :-1]).gather(2, ids[:, 1:, None]).mean()


@gpt_loss.mistake("every token's loss is returned: the mean of them is asked for, one number.")
def not_reduced(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), reduction="none")


# -------------------------------------------------------------------------------------------------------------- GPT


def made(answer, rng, *sizes, **named):
    return fill(answer(*sizes, **named), rng, 0.6).eval()


@GPT.probe("the parameters of GPT(11, 7, 6, 2, 2)")
def _(answer, rng):
    return parameters(answer(11, 7, 6, 2, 2))


@GPT.probe("embed: ids (2, 5), from position 0 and from position 2")
def _(answer, rng):
    model, ids = made(answer, rng, 11, 7, 6, 2, 1), some_ids(11, 2, 5, rng=rng)
    return {"embed(ids)": model.embed(ids), "embed(ids, 2)": model.embed(ids, 2)}


@GPT.probe("logits: x (2, 3, 6) and one x of (6)")
def _(answer, rng):
    model, x = made(answer, rng, 11, 7, 6, 2, 1), torch.randn(2, 3, 6, generator=rng)
    return {"logits(x)": model.logits(x), "logits of one x": model.logits(x[0, 0])}


@GPT.probe("one block, ids (2, 5)")
def _(answer, rng):
    return made(answer, rng, 11, 7, 6, 2, 1)(some_ids(11, 2, 5, rng=rng))


@GPT.probe("three blocks of three heads, ids (3, 7)")
def _(answer, rng):
    return made(answer, rng, 13, 7, 6, 3, 3)(some_ids(13, 3, 7, rng=rng))


@GPT.probe("one row of 7 ids, dropout 0.4 in training, seeded")  # one row: whoever goes row by row throws the same dice
def _(answer, rng):
    model, ids = made(answer, rng, 11, 7, 6, 2, 1, dropout=0.4).train(), some_ids(11, 1, 7, rng=rng)
    torch.manual_seed(0)
    return model(ids)


class Shifted(EncoderBlock):
    """Some other block: what GPT is given, it should use."""

    def forward(self, x, mask=None):
        return super().forward(x, mask).tanh()


@GPT.probe("another activation and another kind of block")
def _(answer, rng):
    return made(answer, rng, 11, 7, 6, 2, 2, activation=torch.tanh, block=Shifted)(some_ids(11, 2, 5, rng=rng))


@GPT.probe("its loss on ids (3, 5), in training")
def _(answer, rng):
    return made(answer, rng, 11, 7, 6, 2, 1).train().loss(some_ids(11, 3, 5, rng=rng))


@GPT.probe("the gradients of its loss on ids (3, 5)")
def _(answer, rng):
    model = made(answer, rng, 11, 7, 6, 2, 2)
    names, parts = zip(*sorted(model.named_parameters()), strict=True)
    found = torch.autograd.grad(model.loss(some_ids(11, 3, 5, rng=rng)), parts, allow_unused=True)
    pairs = zip(names, parts, found, strict=True)
    return {f"the gradient for {name}": torch.zeros_like(part) if g is None else g for name, part, g in pairs}


class _GPT(gpt.GPT):
    """What the wrong ones below change one thing of."""

    def stack(self, x, mask):
        for block in self.blocks:
            x = block(x, mask)
        return x


@GPT.mistake("the mask is missing: every token sees what it should guess. block(x, mask), with causal_mask.")
class SeesTheFuture(_GPT):
    def forward(self, ids):
        return self.logits(self.stack(self.embed(ids), None))


@GPT.mistake("the mask is inverted: True means that looking is allowed, as causal_mask gives it.")
class InvertedMask(_GPT):
    def forward(self, ids):
        return self.logits(self.stack(self.embed(ids), ~causal_mask(ids.shape[1])))


@GPT.mistake("the mask is turned round: query i looks at keys 0 to i, as causal_mask gives it.")
class TurnedMask(_GPT):
    def forward(self, ids):
        return self.logits(self.stack(self.embed(ids), causal_mask(ids.shape[1]).T))


@GPT.mistake("the blocks' result is lost: write x = block(x, mask).")
class LosesX(_GPT):
    def stack(self, x, mask):
        return x

    def forward(self, ids):
        return self.logits(self.embed(ids))


@GPT.mistake("a token may look at itself: the mask is True on the diagonal too, as causal_mask gives it.")
class BlindToItself(_GPT):
    def forward(self, ids):
        return self.logits(self.stack(self.embed(ids), causal_mask(ids.shape[1]).tril(-1)))


@GPT.mistake("x is added twice: a block adds it itself, x = block(x, mask).")
class AddsX(_GPT):
    def stack(self, x, mask):
        for block in self.blocks:
            x = x + block(x, mask)
        return x

    def forward(self, ids):
        return self.logits(self.stack(self.embed(ids), causal_mask(ids.shape[1])))


@GPT.mistake("the positions are added twice: `embed` has done it.")
class PositionsTwice(_GPT):
    def forward(self, ids):
        return self.logits(self.stack(self.positions(self.embed(ids)), causal_mask(ids.shape[1])))


@GPT.mistake("every block gets the embedding: it should get what the block before it returned, x = block(x, mask).")
class SideBySide(_GPT):
    def forward(self, ids):
        x, mask = self.embed(ids), causal_mask(ids.shape[1])
        return self.logits(self.blocks[-1](x, mask))


@GPT.mistake("only the first block is used: go through all of self.blocks.")
class FirstBlock(_GPT):
    def forward(self, ids):
        return self.logits(self.blocks[0](self.embed(ids), causal_mask(ids.shape[1])))


@GPT.mistake("positions are missing: self.positions(...) adds them to the embedded ids.")
class NoPositions(_GPT):
    def embed(self, ids, start=0):
        return self.dropout(self.embedding(ids))


@GPT.mistake("`start` is not handed on: self.positions(x, start).")
class StartForgotten(_GPT):
    def embed(self, ids, start=0):
        return super().embed(ids)


@GPT.mistake("the embedding is multiplied by √d_model: the paper of 2017 does that, GPT does not.")
class Scaled(_GPT):
    def embed(self, ids, start=0):
        x = self.embedding(ids) * self.embedding.embedding_dim**0.5
        return self.dropout(self.positions(x, start))


@GPT.mistake("dropout is missing in embed: self.dropout(...) around all of it.")
class NoDropout(_GPT):
    def embed(self, ids, start=0):
        return self.positions(self.embedding(ids), start)


@GPT.mistake("dropout comes before the positions: it goes around all of it.")
class EarlyDropout(_GPT):
    def embed(self, ids, start=0):
        return self.positions(self.dropout(self.embedding(ids)), start)


@GPT.mistake(
    "the norm at the end is missing: pre-norm blocks leave x as large as it has grown. self.norm(x) in logits."
)
class NoNorm(_GPT):
    def logits(self, x):
        return x @ self.embedding.weight.T


@GPT.mistake("x is normed twice: once, in logits, is enough.")
class NormedTwice(_GPT):
    def forward(self, ids):
        return self.logits(self.norm(self.stack(self.embed(ids), causal_mask(ids.shape[1]))))


@GPT.mistake("these are probabilities: return the logits, the loss takes the softmax itself.")
class Softmaxed(_GPT):
    def logits(self, x):
        return super().logits(x).softmax(dim=-1)


@GPT.mistake("these are logarithms of probabilities: return the logits, the loss takes the softmax itself.")
class LogSoftmaxed(_GPT):
    def logits(self, x):
        return super().logits(x).log_softmax(dim=-1)


@GPT.mistake("only the last position answers: in training every position guesses its next token.")
class LastOnly(_GPT):
    def forward(self, ids):
        return super().forward(ids)[:, -1]


@GPT.mistake("the logits come from a layer of their own: GPT compares x with the embedding, self.embedding.weight.T.")
class OwnHead(_GPT):
    def __init__(self, vocab, n_positions, d_model, *rest, **named):
        super().__init__(vocab, n_positions, d_model, *rest, **named)
        self.head = nn.Linear(d_model, vocab, bias=False)


@GPT.mistake("the head's table is cut off (`.detach()` or `.data`): it is the embedding, and learns at both ends.")
class CutOffHead(_GPT):
    def logits(self, x):
        return self.norm(x) @ self.embedding.weight.detach().T


@GPT.mistake("`forward` ends without the logits: return self.logits(x).")
class NoHead(_GPT):
    def forward(self, ids):
        return self.stack(self.embed(ids), causal_mask(ids.shape[1]))


@GPT.mistake("the table is divided by √d_model, or x is: the logits are plain dot products.")
class ScaledLogits(_GPT):
    def logits(self, x):
        return super().logits(x) / x.shape[-1] ** 0.5

"""Checks of notebook 11: the loss and the model.

The numbers about models stand in `gpt_numbers`, the questions in `gpt_questions`.
"""

import torch
from torch import nn

from lib import gpt
from lib.checks.core import Exercise, edit
from lib.checks.gpt_numbers import bigram_loss, bits_per_byte, gpt2_parameters, initial_weights
from lib.checks.gpt_questions import (
    best_size,
    buggy_runs,
    equal_loss,
    first_loss,
    gpt3_blocks,
    predictions_made,
    text_perplexity,
)
from lib.checks.probing import fill, gradients, parameters
from lib.checks.running import Problem
from lib.transformer import EncoderBlock

__all__ = [
    "GPT",
    "best_size",
    "bigram_loss",
    "bits_per_byte",
    "buggy_runs",
    "equal_loss",
    "first_loss",
    "gpt2_parameters",
    "gpt3_blocks",
    "gpt_loss",
    "initial_weights",
    "predictions_made",
    "text_perplexity",
]

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


@gpt_loss.probe("one row of 3 ids, and one of 2")
def _(answer, rng):
    model = nn.Embedding.from_pretrained(torch.randn(5, 5, generator=rng))  # a module, whose mode is not the answer's
    return {f"the loss of {n} ids": answer(model, some_ids(5, 1, n, rng=rng)) for n in (3, 2)}


@gpt_loss.probe("a row one token longer than the model can read")
def _(answer, rng):
    positions, table = torch.randn(4, 7, generator=rng), torch.randn(7, 7, generator=rng)
    return answer(
        lambda ids: table[ids] + positions[: ids.shape[1]].clone().expand_as(table[ids]), some_ids(7, 3, 5, rng=rng)
    )


@gpt_loss.probe("64-bit logits of a thousand, those of token 0 all near -9000")
def _(answer, rng):
    table = 1000 * torch.randn(5, 5, generator=rng).double()
    table[0] = table[0] / 1000 - 9000
    return answer(lookup(table), torch.tensor([[0, 1, 0, 2], [3, 0, 4, 0]]))


@gpt_loss.probe("50,300 tokens, ids at both ends of them")
def _(answer, rng):
    ids = torch.tensor([[0, 50_299, 50_257, 300, 0], [50_298, 1, 257, 50_256, 50_299]])
    return answer(lambda ids: ids[..., None] * torch.arange(50_300) % 1009 / 200.0, ids)


@gpt_loss.probe("the gradient for the logits")
def _(answer, rng):
    table = torch.randn(5, 5, generator=rng, requires_grad=True)
    return gradients(answer(lookup(table), some_ids(5, 3, 4, rng=rng)), **{"the logits": table})


READ, ENTROPY = "model(ids[:, :-1])", "functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())"
LOSS = "return " + ENTROPY
CHANCES = "logits.softmax(-1).gather(2, ids[:, 1:, None])"

# fmt: off
gpt_loss.mistakes(
    unstable=(
        "a log of a softmax: tiny probabilities become 0 and their logarithm -inf. log_softmax, or cross_entropy.",
        edit(ENTROPY, f"-{CHANCES}.log().mean()"),
    ),
    reads_all=("the model reads the last token too, after which nothing is asked: give it ids[:, :-1] only.",
        edit(READ, "model(ids)[:, :-1]")),
    no_shift=(
        "nothing is shifted: the model is asked for the token that it reads. Targets are one step on, ids[:, 1:].",
        edit(":-1", ":", "1:]", ":]"),
        edit("ids[:, 1:].flatten", "ids[:, :-1].flatten"),
    ),
    shifted_back=("the targets lie one step back, not ahead: read ids[:, :-1], ask for ids[:, 1:].",
        edit("1:].flatten", ":-1].flatten", READ, "model(ids[:, 1:])")),
    two_ahead=("two steps ahead: at position i the target is token i + 1.",
        edit(":-1]", ":-2]", "1:].flatten", "2:].flatten")),
    summed=("the sum over all tokens: the mean is asked for, so that long texts compare with short ones.",
        edit(LOSS, f"{LOSS} * ids[:, 1:].numel()")),
    summed_over_positions=("summed over the positions, averaged over the rows: the mean of all tokens is asked for.",
        edit(LOSS, f"{LOSS} * (ids.shape[1] - 1)")),
    last_only=("only the last token counts: every position is asked for its next token.",
        edit(ENTROPY, "functional.cross_entropy(logits[:, -1], ids[:, -1])")),
    softmax_twice=("softmax before cross_entropy: it takes the softmax itself, give it the logits.",
        edit(READ, f"{READ}.softmax(dim=-1)")),
    negative=("the sign: a surprise is -ln p, which is never negative.", edit(LOSS, f"return -{ENTROPY}")),
    in_bits=("in bits: the loss is in nats, the natural logarithm.", edit(LOSS, f"{LOSS} / math.log(2)")),
    perplexity=("this is the perplexity: leave out exp.", edit(LOSS, f"{LOSS}.exp()")),
    viewed=(
        "a view instead of a transpose mixes rows and positions: .flatten(0, 1) keeps each token's logits together.",
        edit(ENTROPY, "functional.cross_entropy(logits.reshape(len(ids), logits.shape[-1], -1), ids[:, 1:])"),
    ),
    rows_shifted=("the slices take away rows: ids is (batch, length), so all tokens but the last are ids[:, :-1].",
        edit("ids[:, :-1]", "ids[:-1]", "ids[:, 1:]", "ids[1:]")),
    log_of_mean=("the logarithm of the mean: take -ln p of each token, then the mean.",
        edit(ENTROPY, f"-{CHANCES}.mean().log()")),
    softmax_over_positions=("the softmax runs over the positions: it belongs over the vocabulary, dim=-1.",
        edit(ENTROPY, "-logits.log_softmax(1).gather(2, ids[:, 1:, None]).mean()")),
    over_all_tokens=("divided by all tokens: the first of each row is not asked for, ids[:, 1:].numel() are.",
        edit(LOSS, f"{LOSS} * ids[:, 1:].numel() / ids.numel()")),
    without_token_0=("token 0 is left out: here nothing is padding, token 0 is a token like any other.",
        edit("].flatten())", "].flatten(), ignore_index=0)")),
    raw_logits=("the logits themselves are averaged: take the log of the softmax first.",
        edit(ENTROPY, "-logits.gather(2, ids[:, 1:, None]).mean()")),
    not_reduced=("every token's loss is returned: the mean of them is asked for, one number.",
        edit("].flatten())", '].flatten(), reduction="none")')),
)
# fmt: on


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


@GPT.probe("logits: x (2, 3, 6), (2, 6) as notebook 13 gives it, (6) and (2, 1, 3, 6)")
def _(answer, rng):
    model, x = made(answer, rng, 11, 7, 6, 2, 1), torch.randn(2, 3, 6, generator=rng)
    return {f"logits of x {tuple(part.shape)}": model.logits(part) for part in (x, x[:, 0], x[0, 0], x[:, None])}


@GPT.probe("one block, ids (2, 5)")
def _(answer, rng):
    return made(answer, rng, 11, 7, 6, 2, 1)(some_ids(11, 2, 5, rng=rng))


@GPT.probe("three blocks of three heads, ids (3, 7)")
def _(answer, rng):
    return made(answer, rng, 13, 7, 6, 3, 3)(some_ids(13, 3, 7, rng=rng))


@GPT.probe("one model reads ids (2, 5), then (2, 7), then two tokens, then one single token")
def _(answer, rng):
    model = made(answer, rng, 11, 7, 6, 2, 1)
    return {
        f"the logits of ids {shape}": model(some_ids(11, *shape, rng=rng)) for shape in ((2, 5), (2, 7), (1, 2), (1, 1))
    }


@GPT.probe("300 positions, and ids up to 50,299")
def _(answer, rng):
    long, wide = made(answer, rng, 11, 300, 6, 2, 1), made(answer, rng, 50_300, 3, 2, 1, 1)
    ids = torch.tensor([[50_299, 50_257, 300]])
    return {"300 positions": long(some_ids(11, 1, 300, rng=rng)), "50,300 tokens": wide(ids)[..., -50:]}


@GPT.probe("dropout 0.5 in training: what embed leaves, and how much becomes 0")
def _(answer, rng):
    model, ids = made(answer, rng, 11, 7, 6, 2, 1, dropout=0.5), some_ids(11, 40, 7, rng=rng)
    whole, dropped = model.embed(ids), model.train().embed(ids)
    share = (dropped == 0).float().mean().item()
    kept = torch.where(dropped == 0, 2 * whole, dropped)
    return {"what is kept, and doubled": kept, "the share of zeros": 0.5 if abs(share - 0.5) < 0.1 else share}


@GPT.probe("dropout 0.5, but the model is not in training")
def _(answer, rng):
    return made(answer, rng, 11, 7, 6, 2, 1, dropout=0.5)(some_ids(11, 2, 5, rng=rng))


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


MASK, LOOP = "causal_mask(ids.shape[1])", "x = block(x, mask)"
EMBED, LOGITS = "self.dropout(self.positions(self.embedding(ids), start))", "self.norm(x) @ self.embedding.weight.T"
TABLE = "self.embedding.weight.T"

# fmt: off
GPT.mistakes(
    sees_the_future=("the mask is missing: every token sees what it should guess. block(x, mask), with causal_mask.",
        edit(LOOP, "x = block(x)")),
    inverted_mask=("the mask is inverted: True means that looking is allowed, as causal_mask gives it.",
        edit(MASK, f"(~{MASK})")),
    turned_mask=("the mask is turned round: query i looks at keys 0 to i, as causal_mask gives it.",
        edit(MASK, f"{MASK}.T")),
    loses_x=("the blocks' result is lost: write x = block(x, mask).", edit(LOOP, "block(x, mask)")),
    blind_to_itself=("a token may look at itself: the mask is True on the diagonal too, as causal_mask gives it.",
        edit(MASK, f"{MASK}.tril(-1)")),
    adds_x=("x is added twice: a block adds it itself, x = block(x, mask).", edit(LOOP, "x = x + block(x, mask)")),
    positions_twice=("the positions are added twice: `embed` has done it.",
        edit("x = self.embed(ids)", "x = self.positions(self.embed(ids))")),
    side_by_side=(
        "every block gets the embedding: it should get what the block before it returned, x = block(x, mask).",
        edit(LOOP, "y = block(x, mask)", "return self.logits(x)", "return self.logits(y)"),
    ),
    first_block=("only the first block is used: go through all of self.blocks.",
        edit("in self.blocks:", "in self.blocks[:1]:")),
    no_positions=("positions are missing: self.positions(...) adds them to the embedded ids.",
        edit(EMBED, "self.dropout(self.embedding(ids))")),
    start_forgotten=("`start` is not handed on: self.positions(x, start).", edit("(ids), start)", "(ids))")),
    scaled=("the embedding is multiplied by √d_model: the paper of 2017 does that, GPT does not.",
        edit("self.embedding(ids),", "self.embedding(ids) * self.embedding.embedding_dim**0.5,")),
    no_dropout=("dropout is missing in embed: self.dropout(...) around all of it.",
        edit(EMBED, "self.positions(self.embedding(ids), start)")),
    early_dropout=("dropout comes before the positions: it goes around all of it.",
        edit(EMBED, "self.positions(self.dropout(self.embedding(ids)), start)")),
    dropout_in_evaluation=(
        "dropout stays on when the model is not in training: self.dropout knows when, functional.dropout does not.",
        edit("self.dropout(self.positions", "(lambda x: functional.dropout(x, self.dropout.p))(self.positions"),
    ),
    no_norm=(
        "the norm at the end is missing: pre-norm blocks leave x as large as it has grown. self.norm(x) in logits.",
        edit("self.norm(x) @", "x @"),
    ),
    normed_twice=("x is normed twice: once, in logits, is enough.",
        edit("return self.logits(x)", "return self.logits(self.norm(x))")),
    softmaxed=("these are probabilities: return the logits, the loss takes the softmax itself.",
        edit(LOGITS, f"({LOGITS}).softmax(dim=-1)")),
    log_softmaxed=("these are logarithms of probabilities: return the logits, the loss takes the softmax itself.",
        edit(LOGITS, f"({LOGITS}).log_softmax(dim=-1)")),
    last_only=("only the last position answers: in training every position guesses its next token.",
        edit("return self.logits(x)", "return self.logits(x[:, -1])"),
        edit("return self.logits(x)", "return self.logits(x)[:, -1]")),
    own_head=(
        "the logits come from a layer of their own: GPT compares x with the embedding, self.embedding.weight.T.",
        edit(
            "self.norm = LayerNorm(d_model)",
            "self.norm = LayerNorm(d_model)\n        self.head = nn.Linear(d_model, vocab, bias=False)",
        ),
        edit(
            "self.norm = LayerNorm(d_model)",
            "self.norm = LayerNorm(d_model)\n        self.head = nn.Linear(d_model, vocab, bias=False)",
            LOGITS,
            "self.head(self.norm(x))",
        ),
    ),
    cut_off_head=("the head's table is cut off (`.detach()` or `.data`): it is the embedding, and learns at both ends.",
        edit(TABLE, "self.embedding.weight.detach().T")),
    no_head=("`forward` ends without the logits: return self.logits(x).", edit("return self.logits(x)", "return x")),
    scaled_logits=("the table is divided by √d_model, or x is: the logits are plain dot products.",
        edit(TABLE, f"{TABLE} / x.shape[-1] ** 0.5")),
)
# fmt: on

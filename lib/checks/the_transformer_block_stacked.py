"""Checks of notebook 07, second part: encoder block, decoder block, and the parameters counted."""

import torch
from torch import nn
from torch.nn import functional

from lib import layers, transformer
from lib.attention import causal_mask
from lib.checks.core import Exercise, edit
from lib.checks.probing import bare, fill, gradients, normal, parameters, single_calls

EncoderBlock = Exercise(transformer.EncoderBlock)
DecoderBlock = Exercise(transformer.DecoderBlock)
parameter_counts = Exercise(transformer.parameter_counts)

POST = 0.0, layers.PostNorm  # dropout and shortcut, as a block is given them


def _mask(rng, *shape):
    """A random mask in which every query may look somewhere."""
    mask = torch.rand(shape, generator=rng) < 0.5
    mask[..., 0] = True
    return mask


class Tripling(layers.PreNorm):
    """A shortcut whose dropout is seen without any dice."""

    def __init__(self, d_model, dropout=0.0):
        super().__init__(d_model)
        self.given, self.dropout = dropout, _Triple()


class _Triple(nn.Module):
    def forward(self, x):
        return 3 * x


class Doubling(nn.Module):
    """A shortcut without norm and dropout: x + 2 part(x)."""

    def __init__(self, d_model, dropout=0.0):
        super().__init__()

    def forward(self, x, part):
        return x + 2 * part(x)


def _dropout_of(block, inputs):
    """Where the block's dropout is, seen without regard to how the dice fall."""

    def alike(function, *arguments):
        return "the same" if torch.equal(function(*arguments), function(*arguments)) else "different results"

    around = [part for part in block.modules() if isinstance(part, Tripling)]
    return {
        "the dropout of the shortcuts": [part.given for part in around],
        "two calls of the feed-forward in training": alike(block.train().feed_forward, inputs[0]),
        "two calls after eval()": alike(block.eval(), *inputs),
    }


# ----------------------------------------------------------------------------------------------------- EncoderBlock


@EncoderBlock.probe("the parameters of EncoderBlock(6, 2, 7)")
def _(answer, rng):
    return parameters(answer(6, 2, 7))


for label, block, shape, mask in [
    ("batch 2, 3 positions, d_model 6, 2 heads, d_ff 7", (6, 2, 7), (2, 3, 6), None),
    ("a causal mask over 5 positions", (6, 3, 11), (2, 5, 6), causal_mask(5)),
    ("a mask for each sequence, (batch, 1, 1, key)", (6, 2, 7), (2, 5, 6), (2, 1, 1, 5)),
    ("a mask for each head", (6, 2, 7), (3, 3, 6), (2, 3, 3)),
    ("a shortcut whose dropout triples", (6, 2, 7, 0.0, Tripling), (2, 3, 6), None),
    ("a shortcut of another kind, x + 2 part(x)", (6, 2, 7, 0.0, Doubling), (2, 3, 6), None),
    (
        "the shortcut PostNorm, biases in the attention, and GELU",
        (6, 2, 7, *POST, True, functional.gelu),
        (2, 3, 6),
        None,
    ),
    ("a lone position", (6, 2, 7), (1, 1, 6), None),
    ("300 positions", (4, 2, 4), (1, 300, 4), causal_mask(300)),
]:

    @EncoderBlock.probe(label)
    def _(answer, rng, block=block, shape=shape, mask=mask):
        mask = _mask(rng, *mask) if isinstance(mask, tuple) else mask
        return fill(answer(*block), rng)(normal(*shape, rng=rng), *([] if mask is None else [mask]))


@EncoderBlock.probe("the same block twice, with a mask and then without one")
def _(answer, rng):
    block, x = fill(answer(6, 2, 7), rng), normal(2, 3, 6, rng=rng)
    return {"the result with a causal mask": block(x, causal_mask(3)), "the result without one after it": block(x)}


@EncoderBlock.probe("one x with a mask, without one, and with other weights, after `eval()`")
def _(answer, rng):
    block, x = bare(fill(answer(6, 2, 7), rng)).eval(), normal(2, 3, 6, rng=rng)
    found = {"the result with a causal mask": block(x, causal_mask(3)), "the result without one": block(x)}
    return found | {"the result with other weights": fill(block, rng)(x)}


@EncoderBlock.probe("dropout 0.4")
def _(answer, rng):
    return _dropout_of(fill(answer(6, 2, 11, 0.4, Tripling), rng), [normal(3, 5, 6, rng=rng)])


@EncoderBlock.probe("the gradient for x")
def _(answer, rng):
    block, x = fill(answer(6, 2, 7), rng), normal(2, 3, 6, rng=rng).requires_grad_()
    return gradients(block(x), x=x)


_LOOK = "x = self.around_attention(x, lambda y: self.attention(y, mask=mask))"
_THINK = "self.around_feed_forward(x, self.feed_forward)"
_BOTH = f"{_LOOK}\n        return {_THINK}"


def _both(*lines):
    return edit(_BOTH, "\n        ".join(lines))


# fmt: off
EncoderBlock.mistakes(
    raw_x=("the attention gets the raw x: inside the function use its argument, `lambda y: attention(y ...)`.",
        edit("self.attention(y,", "self.attention(x,")),
    no_mask=("the mask does not reach the attention: `mask=mask`.", edit("mask=mask", "mask=None")),
    inverted_mask=("the mask is inverted: it is True where looking is allowed, here as everywhere.",
        edit("mask=mask", "mask=None if mask is None else ~mask")),
    mask_with_new_axes=("the mask gets new axes, which it may have already: pass it on as it came.",
        edit("mask=mask", "mask=None if mask is None else mask[None, None]"),
        edit("mask=mask", "mask=None if mask is None else mask.unsqueeze(1)")),
    mask_transposed=("queries and keys of the mask are swapped: pass it on as it came.",
        edit("mask=mask", "mask=None if mask is None else mask.transpose(-2, -1)")),
    always_causal=("nobody sees what comes after, whatever the mask: only a `mask` that was given may forbid it.",
        edit("mask=mask", "mask=causal_mask(x.shape[1])"),
        edit("mask=mask", "mask=causal_mask(x.shape[1]) if mask is None else mask"),
        edit("mask=mask", "mask=causal_mask(x.shape[1]) if mask is None else mask & causal_mask(x.shape[1])")),
    no_feed_forward=("the feed-forward is missing: it follows the attention, inside its own shortcut.",
        _both("return" + _LOOK.removeprefix("x ="))),
    attention_lost=("the feed-forward works on the old x, so the attention is lost: give it the attention's result.",
        _both(f"return {_THINK}")),
    other_order=("feed-forward first: the attention comes first, the feed-forward works on what it found.",
        _both(f"x = {_THINK}", "return" + _LOOK.removeprefix("x ="))),
    side_by_side=("both parts look at the same x: the feed-forward should see the attention's result.",
        _both(f"return {_LOOK.removeprefix('x = ')} + {_THINK} - x")),
    added_twice=("x is added although around_attention has added it: one shortcut is enough.",
        _both(_LOOK.replace("x =", "x = x +"), f"return x + {_THINK}"),
        _both(_LOOK.replace("x =", "x = x +"), f"return {_THINK}"), _both(_LOOK, f"return x + {_THINK}")),
    no_shortcuts=("no shortcut, no norm: use self.around_attention and self.around_feed_forward.",
        _both("return self.feed_forward(self.attention(x, mask=mask))")),
    no_norms=("shortcuts without norms: use self.around_attention and self.around_feed_forward.",
        _both("x = x + self.attention(x, mask=mask)", "return x + self.feed_forward(x)")),
    swapped_shortcuts=(
        "the two shortcuts are swapped; each part has its own, with its own norm.",
        edit(
            "around_attention(x",
            "AROUND(x",
            "around_feed_forward(x",
            "around_attention(x",
            "AROUND",
            "around_feed_forward",
        ),
    ),
    one_shortcut=("the same shortcut stands around both parts; each part has its own, with its own norm.",
        edit("around_feed_forward(x", "around_attention(x"), edit("around_attention(x", "around_feed_forward(x")),
    always_pre_norm=(
        "always PreNorm: a `shortcut` that was given decides. Use self.around_... and nothing by hand.",
        _both(
            "x = x + self.around_attention.dropout(self.attention(self.around_attention.norm(x), mask=mask))",
            "return x + self.around_feed_forward.dropout(self.feed_forward(self.around_feed_forward.norm(x)))",
        ),
    ),
    no_dropout_in_shortcuts=(
        "the dropout of the shortcuts is left out: use self.around_... and nothing by hand.",
        _both(
            "x = x + self.attention(self.around_attention.norm(x), mask=mask)",
            "return x + self.feed_forward(self.around_feed_forward.norm(x))",
        ),
    ),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------- DecoderBlock


@DecoderBlock.probe("the parameters of DecoderBlock(6, 2, 7)")
def _(answer, rng):
    return parameters(answer(6, 2, 7))


@DecoderBlock.probe("the parameters with biases in the attentions")
def _(answer, rng):
    return parameters(answer(6, 2, 7, 0.0, layers.PreNorm, True))


for label, block, positions, keys, mask, memory_mask in [
    ("batch 2, 3 positions, a memory of 5, d_model 6, 2 heads, d_ff 7", (6, 2, 7), 3, 5, None, None),
    ("a causal mask over 5 positions, a memory of 5", (6, 3, 11), 5, 5, causal_mask(5), None),
    (
        "a memory of 4 that is partly masked, and a causal mask over 4 positions",
        (6, 2, 7),
        4,
        4,
        causal_mask(4),
        (4, 4),
    ),
    ("a mask for each sequence, and one for each memory", (6, 2, 7), 3, 5, (2, 1, 3, 3), (2, 1, 1, 5)),
    ("a memory that is partly masked, and no causal mask", (6, 2, 7), 3, 5, None, (2, 1, 1, 5)),
    ("PostNorm", (6, 2, 7, *POST), 3, 5, None, None),
    ("the activation GELU", (6, 2, 7, 0.0, layers.PreNorm, False, functional.gelu), 3, 5, None, None),
    ("a lone position and a memory of 1", (6, 2, 7), 1, 1, causal_mask(1), None),
    ("300 positions and a memory of 301", (4, 2, 4), 300, 301, causal_mask(300), None),
]:

    @DecoderBlock.probe(label)
    def _(answer, rng, block=block, positions=positions, keys=keys, masks=(mask, memory_mask)):
        masks = [_mask(rng, *mask) if isinstance(mask, tuple) else mask for mask in masks]
        x, memory = (
            normal(1 if length in (1, 300, 301) else 2, length, block[0], rng=rng) for length in (positions, keys)
        )
        return fill(answer(*block), rng)(x, memory, *masks)


@DecoderBlock.probe("the same block twice, with another memory")
def _(answer, rng):
    block, x = fill(answer(6, 2, 7), rng), normal(2, 3, 6, rng=rng)
    return {f"the result with the {which} memory": block(x, normal(2, 5, 6, rng=rng)) for which in ("first", "second")}


@DecoderBlock.probe("one memory without a mask, with one for each head, and with other weights, after `eval()`")
def _(answer, rng):
    block, x, memory = bare(fill(answer(6, 2, 7), rng)).eval(), normal(2, 3, 6, rng=rng), normal(2, 5, 6, rng=rng)
    found = {"the result without a mask": block(x, memory)}
    masks = _mask(rng, 2, 3, 3), _mask(rng, 2, 3, 5)
    found["the result with masks"] = block(x, memory, *masks)
    return found | {"the result with other weights": fill(block, rng)(x, memory, *masks)}


@DecoderBlock.probe("dropout 0.4")
def _(answer, rng):
    block = fill(answer(6, 2, 11, 0.4, Tripling), rng)
    return _dropout_of(block, [normal(3, 5, 6, rng=rng), normal(3, 7, 6, rng=rng)])


@DecoderBlock.probe("the gradients for x and for the memory")
def _(answer, rng):
    block, x, memory = fill(answer(6, 2, 7), rng), normal(2, 3, 6, rng=rng), normal(2, 5, 6, rng=rng)
    x.requires_grad_(), memory.requires_grad_()
    return gradients(block(x, memory), x=x, memory=memory)


_BACK = "x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))"
_ACROSS = "x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))"
_BY_HAND = [
    "self.around_self_attention.dropout(self.self_attention(self.around_self_attention.norm(x), mask=mask))",
    "self.around_cross_attention.dropout("
    "self.cross_attention(self.around_cross_attention.norm(x), memory, memory_mask))",
    "self.around_feed_forward.dropout(self.feed_forward(self.around_feed_forward.norm(x)))",
]
_ASKS, _RETURN = "self.cross_attention(y, memory, memory_mask)", f"return {_THINK}"


def _three(*lines):
    return edit(f"{_BACK}\n        {_ACROSS}\n        {_RETURN}", "\n        ".join(lines))


# fmt: off
DecoderBlock.mistakes(
    no_memory=("the memory is not used: keys and values of the cross-attention come from it.",
        edit(_ASKS, "self.cross_attention(y, mask=memory_mask)"), edit(_ASKS, "self.cross_attention(y)")),
    no_cross_attention=("the cross-attention is left out: after looking back, look at the memory.",
        _three(_BACK, _RETURN)),
    no_self_attention=("the self-attention is left out: look back first, then at the memory.",
        _three(_ACROSS, _RETURN)),
    no_feed_forward=("the feed-forward is left out: it comes last.", _three(_BACK, _ACROSS, "return x")),
    cross_first=("cross-attention first: the decoder looks back at its own words first, then at the memory.",
        _three(_ACROSS, _BACK, _RETURN)),
    thinks_early=("feed-forward too early: it comes after both attentions.",
        _three(_BACK, f"x = {_THINK}", _ACROSS, "return x")),
    raw_question=(
        "the raw x asks the memory: inside the function use its argument, `lambda y: cross_attention(y ...)`.",
        edit("self.cross_attention(y,", "self.cross_attention(x,"),
    ),
    raw_look_back=("the raw x goes into the self-attention: inside the function use its argument, `lambda y: ...`.",
        edit("self.self_attention(y,", "self.self_attention(x,")),
    normed_memory=("the memory is normalised here: it comes as the encoder gives it, only x is normalised.",
        edit("(y, memory,", "(y, self.around_cross_attention.norm(memory),"),
        edit("(y, memory,", "(y, functional.layer_norm(memory, memory.shape[-1:]),")),
    memory_asks=("the memory asks and x answers: the queries come from y, keys and values from the memory.",
        edit(_ASKS, "self.cross_attention(memory, y)"), edit(_ASKS, "self.cross_attention(memory, y, memory_mask)"),
        edit(_ASKS, "self.cross_attention(memory, y)[:, : y.shape[1]]")),
    one_attention_for_both=("one attention does the work of both: the cross-attention has its own matrices.",
        edit("self.cross_attention(y", "self.self_attention(y")),
    sees_the_future=("the mask does not reach the self-attention, so the past sees the future: `mask=mask`.",
        edit("(y, mask=mask)", "(y)")),
    causal_memory=("the causal mask is used on the memory: cross-attention may look at all of it, save `memory_mask`.",
        edit("memory, memory_mask)", "memory, mask)")),
    swapped_masks=("the two masks are swapped: `mask` is for self-attention, `memory_mask` for the memory.",
        edit("mask=mask", "mask=memory_mask", "memory, memory_mask)", "memory, mask)")),
    no_memory_mask=("memory_mask does not reach the cross-attention.", edit("memory, memory_mask)", "memory)")),
    masks_with_new_axes=("a mask gets new axes, which it may have already: pass it on as it came.",
        edit("mask=mask", "mask=None if mask is None else mask[None, None]"),
        edit("memory, memory_mask)", "memory, None if memory_mask is None else memory_mask[None, None])"),
        edit("memory, memory_mask)", "memory, None if memory_mask is None else memory_mask[:, None, None])")),
    always_causal=("nobody sees what comes after, whatever the mask: only a `mask` that was given may forbid it.",
        edit("mask=mask", "mask=causal_mask(x.shape[1])"),
        edit("mask=mask", "mask=causal_mask(x.shape[1]) if mask is None else mask")),
    bare_cross_attention=("no shortcut and no norm around the cross-attention: self.around_cross_attention(x, ...).",
        edit(_ACROSS, "x = self.cross_attention(x, memory, memory_mask)"),
        edit(_ACROSS, "x = x + self.cross_attention(x, memory, memory_mask)")),
    always_pre_norm=("always PreNorm: a `shortcut` that was given decides. Use self.around_... and nothing by hand.",
        _three(*(f"x = x + {part}" for part in _BY_HAND), "return x")),
    two_shortcuts=(
        "there are three shortcuts, one for each part: the cross-attention has its own norm.",
        edit("self.around_cross_attention = shortcut(d_model, dropout)", "", "around_cross", "around_self"),
        edit(
            "self.around_cross_attention = shortcut(d_model, dropout)",
            "",
            "around_cross_attention",
            "around_feed_forward",
        ),
    ),
    shortcuts_exchanged=(
        "the shortcuts of two parts are exchanged; each part has its own, with its own norm.",
        edit(
            "around_self_attention(x",
            "AROUND(x",
            "around_cross_attention(x",
            "around_self_attention(x",
            "AROUND",
            "around_cross_attention",
        ),
        edit(
            "around_cross_attention(x",
            "AROUND(x",
            "around_feed_forward(x",
            "around_cross_attention(x",
            "AROUND",
            "around_feed_forward",
        ),
    ),
    shared_attention=("the cross-attention is the same object as the self-attention: it needs its own matrices.",
        edit("cross_attention = MultiHeadAttention(d_model, n_heads, bias)", "cross_attention = self.self_attention")),
    shared_shortcut=(
        "one shortcut object stands around all parts: each has its own, with its own norm.",
        edit(
            "around_cross_attention = shortcut(d_model, dropout)",
            "around_cross_attention = self.around_self_attention",
            "around_feed_forward = shortcut(d_model, dropout)",
            "around_feed_forward = self.around_self_attention",
        ),
    ),
    memory_detached=("no gradient reaches the memory, so the encoder would not learn: pass the memory itself on.",
        edit("(y, memory,", "(y, memory.detach(),")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------- parameter_counts


single_calls(
    parameter_counts,
    {
        "vocab 11, d_model 4, d_ff 7, 1 block": lambda rng: (11, 4, 7, 1),
        "the paper's base model: vocab 37000, d_model 512, d_ff 2048, 6 blocks": lambda rng: (37000, 512, 2048, 6),
        "vocab 50257, d_model 1001, d_ff 4003, 7 blocks, each number to the last digit": lambda rng: (
            50257,
            1001,
            4003,
            7,
        ),
    },
)

_EMBEDDING, _FEED = "vocab * d_model", "2 * d_model * d_ff + d_ff + d_model"

# fmt: off
parameter_counts.mistakes(
    attention_biases=("biases are counted in the attention: in the paper's model its four matrices have none.",
        edit("4 * d_model**2", "4 * (d_model**2 + d_model)")),
    three_matrices=("an attention has four matrices: query, key, value, and the one that mixes the heads.",
        edit("4 * d_model**2", "3 * d_model**2")),
    one_matrix=("an attention has four matrices of d_model x d_model; you count one.",
        edit("4 * d_model**2", "d_model**2")),
    no_biases=("the feed-forward's biases are missing: d_ff and d_model of them.", edit(_FEED, "2 * d_model * d_ff")),
    first_bias_only=("the feed-forward has two biases: d_ff numbers in the first, d_model in the second.",
        edit(_FEED, "2 * d_model * d_ff + d_ff")),
    second_bias_only=("the feed-forward has two biases: d_ff numbers in the first, d_model in the second.",
        edit(_FEED, "2 * d_model * d_ff + d_model")),
    wide_biases=("the second bias has d_model numbers, one for each output; only the first has d_ff.",
        edit(_FEED, "2 * d_model * d_ff + 2 * d_ff")),
    one_feed_forward_matrix=("the feed-forward has two matrices, up and down.",
        edit(_FEED, "d_model * d_ff + d_ff + d_model")),
    scale_only=("a norm has 2·d_model parameters: scale and shift.", edit("norm = 2 * d_model", "norm = d_model")),
    no_norms=("the norms are not counted: two in an encoder block, three in a decoder block.",
        edit("norm = 2 * d_model", "norm = 0")),
    one_attention=("a decoder block has two attentions: self-attention and cross-attention.",
        edit("2 * attention", "attention")),
    two_norms=("a decoder block has three norms, one for each part.", edit("3 * norm", "2 * norm")),
    same_blocks=(
        "encoder and decoder blocks are counted as the same: a decoder block has cross-attention and its norm too.",
        edit("2 * attention", "attention", "3 * norm", "2 * norm"),
    ),
    one_block=("one block is counted: there are n_blocks of them in each stack.", edit("n_blocks * ", "")),
    norms_at_the_end=(
        "a norm at the end of each stack is counted: the paper's blocks normalise after each part and need none.",
        edit("2 * norm)", "2 * norm) + norm", "3 * norm)", "3 * norm) + norm"),
    ),
    two_tables=("the table of embeddings is counted twice: both sides share one.",
        edit(_EMBEDDING, "2 * vocab * d_model")),
    three_tables=("the table of embeddings is counted three times: both sides and the output share one.",
        edit(_EMBEDDING, "3 * vocab * d_model")),
)
# fmt: on


@parameter_counts.mistake("this is the sum: return a dict with the three parts, embedding, encoder and decoder.")
def only_the_sum(vocab, d_model, d_ff, n_blocks):
    return sum(transformer.parameter_counts(vocab, d_model, d_ff, n_blocks).values())

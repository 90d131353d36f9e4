"""Checks of notebook 07, second part: encoder block, decoder block, and the parameters counted."""

import torch
from torch.nn import functional

from lib import layers, transformer
from lib.attention import causal_mask
from lib.checks.core import Exercise
from lib.checks.probing import fill, gradients, parameters

EncoderBlock = Exercise(transformer.EncoderBlock)
DecoderBlock = Exercise(transformer.DecoderBlock)
parameter_counts = Exercise(transformer.parameter_counts)

RELU = functional.relu


def normal(*shape, rng):
    return torch.randn(shape, generator=rng)


# ----------------------------------------------------------------------------------------------------- EncoderBlock


def _block(answer, rng, *arguments, **named):
    return fill(answer(*arguments, **named), rng).eval()


@EncoderBlock.probe("the parameters of EncoderBlock(6, 2, 7)")
def _(answer, rng):
    return parameters(answer(6, 2, 7))


@EncoderBlock.probe("batch 2, 3 positions, d_model 6, 2 heads, d_ff 7")
def _(answer, rng):
    return fill(answer(6, 2, 7), rng)(normal(2, 3, 6, rng=rng))


@EncoderBlock.probe("a causal mask over 5 positions")
def _(answer, rng):
    return _block(answer, rng, 6, 3, 11)(normal(2, 5, 6, rng=rng), causal_mask(5))


@EncoderBlock.probe("PostNorm, biases in the attention, and GELU")
def _(answer, rng):
    block = _block(answer, rng, 6, 2, 7, 0.0, layers.PostNorm, True, functional.gelu)
    return block(normal(2, 3, 6, rng=rng))


@EncoderBlock.probe("dropout 0.4 in training, seeded")
def _(answer, rng):
    block = _block(answer, rng, 6, 2, 11, 0.4).train()
    x = normal(3, 5, 6, rng=rng)
    torch.manual_seed(0)
    return block(x)


class _Encoder(transformer.EncoderBlock):
    """What the wrong ones below change one thing of."""


@EncoderBlock.mistake(
    "the attention gets the raw x: inside the function use its argument, `lambda y: attention(y ...)`."
)
class AttendsToRawX(_Encoder):
    def forward(self, x, mask=None):
        x = self.around_attention(x, lambda y: self.attention(x, mask=mask))
        return self.around_feed_forward(x, self.feed_forward)


@EncoderBlock.mistake("the mask does not reach the attention: `mask=mask`.")
class NoMask(_Encoder):
    def forward(self, x, mask=None):
        return super().forward(x)


@EncoderBlock.mistake("the mask is inverted: it is True where looking is allowed, here as everywhere.")
class InvertedMask(_Encoder):
    def forward(self, x, mask=None):
        return super().forward(x, None if mask is None else ~mask)


@EncoderBlock.mistake("the feed-forward is missing: it follows the attention, inside its own shortcut.")
class NoFeedForward(_Encoder):
    def forward(self, x, mask=None):
        return self.around_attention(x, lambda y: self.attention(y, mask=mask))


@EncoderBlock.mistake("the feed-forward works on the old x, so the attention is lost: give it the attention's result.")
class AttentionLost(_Encoder):
    def forward(self, x, mask=None):
        return self.around_feed_forward(x, self.feed_forward)


@EncoderBlock.mistake("feed-forward first: the attention comes first, the feed-forward works on what it found.")
class OtherOrder(_Encoder):
    def forward(self, x, mask=None):
        x = self.around_feed_forward(x, self.feed_forward)
        return self.around_attention(x, lambda y: self.attention(y, mask=mask))


@EncoderBlock.mistake("both parts look at the same x: the feed-forward should see the attention's result.")
class SideBySide(_Encoder):
    def forward(self, x, mask=None):
        attended = self.around_attention(x, lambda y: self.attention(y, mask=mask))
        return attended + self.around_feed_forward(x, self.feed_forward) - x


@EncoderBlock.mistake("x is added although around_attention has added it: one shortcut is enough.")
class AddedTwice(_Encoder):
    def forward(self, x, mask=None):
        x = x + self.around_attention(x, lambda y: self.attention(y, mask=mask))
        return x + self.around_feed_forward(x, self.feed_forward)


@EncoderBlock.mistake("no shortcut, no norm: use self.around_attention and self.around_feed_forward.")
class NoShortcuts(_Encoder):
    def forward(self, x, mask=None):
        return self.feed_forward(self.attention(x, mask=mask))


@EncoderBlock.mistake("shortcuts without norms: use self.around_attention and self.around_feed_forward.")
class NoNorms(_Encoder):
    def forward(self, x, mask=None):
        x = x + self.attention(x, mask=mask)
        return x + self.feed_forward(x)


@EncoderBlock.mistake("the two shortcuts are swapped; each part has its own, with its own norm.")
class SwappedShortcuts(_Encoder):
    def forward(self, x, mask=None):
        x = self.around_feed_forward(x, lambda y: self.attention(y, mask=mask))
        return self.around_attention(x, self.feed_forward)


@EncoderBlock.mistake("the same shortcut stands around both parts; each part has its own, with its own norm.")
class OneShortcut(_Encoder):
    def forward(self, x, mask=None):
        x = self.around_attention(x, lambda y: self.attention(y, mask=mask))
        return self.around_attention(x, self.feed_forward)


@EncoderBlock.mistake("always PreNorm: a `shortcut` that was given decides. Use self.around_... and nothing by hand.")
class AlwaysPreNorm(_Encoder):
    def forward(self, x, mask=None):
        x = x + self.around_attention.dropout(self.attention(self.around_attention.norm(x), mask=mask))
        return x + self.around_feed_forward.dropout(self.feed_forward(self.around_feed_forward.norm(x)))


@EncoderBlock.mistake("the dropout of the shortcuts is left out: use self.around_... and nothing by hand.")
class NoDropoutInShortcuts(_Encoder):
    def forward(self, x, mask=None):
        x = x + self.attention(self.around_attention.norm(x), mask=mask)
        return x + self.feed_forward(self.around_feed_forward.norm(x))


def _handed_on(block, changed):
    """A block that makes its parts with other arguments than it was given."""

    class Block(block):
        def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=layers.PreNorm, bias=False, activation=RELU):
            given = {"dropout": dropout, "shortcut": shortcut, "bias": bias, "activation": activation}
            super().__init__(d_model, n_heads, d_ff, **given | changed)

    return Block


EncoderBlock.mistake("`dropout` is not handed on to the parts.")(_handed_on(_Encoder, {"dropout": 0.0}))


# ----------------------------------------------------------------------------------------------------- DecoderBlock


def _keys(rng, queries, keys):
    """A random mask in which every query may look somewhere."""
    mask = torch.rand(queries, keys, generator=rng) < 0.5
    mask[:, 0] = True
    return mask


@DecoderBlock.probe("the parameters of DecoderBlock(6, 2, 7)")
def _(answer, rng):
    return parameters(answer(6, 2, 7))


@DecoderBlock.probe("batch 2, 3 positions, a memory of 5, d_model 6, 2 heads, d_ff 7")
def _(answer, rng):
    return fill(answer(6, 2, 7), rng)(normal(2, 3, 6, rng=rng), normal(2, 5, 6, rng=rng))


@DecoderBlock.probe("a causal mask over 5 positions, a memory of 5")
def _(answer, rng):
    return _block(answer, rng, 6, 3, 11)(normal(2, 5, 6, rng=rng), normal(2, 5, 6, rng=rng), causal_mask(5))


@DecoderBlock.probe("a memory of 4 that is partly masked, and a causal mask over 4 positions")
def _(answer, rng):
    block, mask = _block(answer, rng, 6, 2, 7), _keys(rng, 4, 4)
    return block(normal(2, 4, 6, rng=rng), normal(2, 4, 6, rng=rng), causal_mask(4), mask)


@DecoderBlock.probe("the parameters with biases in the attentions")
def _(answer, rng):
    return parameters(answer(6, 2, 7, bias=True))


@DecoderBlock.probe("PostNorm")
def _(answer, rng):
    block = _block(answer, rng, 6, 2, 7, 0.0, layers.PostNorm)
    return block(normal(2, 3, 6, rng=rng), normal(2, 5, 6, rng=rng))


@DecoderBlock.probe("the activation GELU")
def _(answer, rng):
    block = _block(answer, rng, 6, 2, 7, activation=functional.gelu)
    return block(normal(2, 3, 6, rng=rng), normal(2, 5, 6, rng=rng))


@DecoderBlock.probe("dropout 0.4 in training, seeded")
def _(answer, rng):
    block = _block(answer, rng, 6, 2, 11, 0.4).train()
    x, memory = normal(3, 5, 6, rng=rng), normal(3, 7, 6, rng=rng)
    torch.manual_seed(0)
    return block(x, memory)


@DecoderBlock.probe("the gradients for x and for the memory")
def _(answer, rng):
    block = _block(answer, rng, 6, 2, 7)
    x, memory = normal(2, 3, 6, rng=rng).requires_grad_(), normal(2, 5, 6, rng=rng).requires_grad_()
    return gradients(block(x, memory), x=x, memory=memory)


class _Decoder(transformer.DecoderBlock):
    """What the wrong ones below change one thing of."""

    def look_back(self, x, mask):
        return self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))

    def look_across(self, x, memory, mask):
        return self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, mask))

    def think(self, x):
        return self.around_feed_forward(x, self.feed_forward)


@DecoderBlock.mistake("the memory is not used: keys and values of the cross-attention come from it.")
class NoMemory(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.look_back(x, mask)
        return self.think(self.around_cross_attention(x, lambda y: self.cross_attention(y, mask=memory_mask)))


@DecoderBlock.mistake("the cross-attention is left out: after looking back, look at the memory.")
class NoCrossAttention(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return self.think(self.look_back(x, mask))


@DecoderBlock.mistake("the self-attention is left out: look back first, then at the memory.")
class NoSelfAttention(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return self.think(self.look_across(x, memory, memory_mask))


@DecoderBlock.mistake("the feed-forward is left out: it comes last.")
class NoThinking(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return self.look_across(self.look_back(x, mask), memory, memory_mask)


@DecoderBlock.mistake("cross-attention first: the decoder looks back at its own words first, then at the memory.")
class CrossFirst(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return self.think(self.look_back(self.look_across(x, memory, memory_mask), mask))


@DecoderBlock.mistake("feed-forward too early: it comes after both attentions.")
class ThinksEarly(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return self.look_across(self.think(self.look_back(x, mask)), memory, memory_mask)


@DecoderBlock.mistake(
    "the raw x asks the memory: inside the function use its argument, `lambda y: cross_attention(y ...)`."
)
class RawQuestion(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.look_back(x, mask)
        x = self.around_cross_attention(x, lambda y: self.cross_attention(x, memory, memory_mask))
        return self.think(x)


@DecoderBlock.mistake("the raw x goes into the self-attention: inside the function use its argument, `lambda y: ...`.")
class RawLookBack(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(x, mask=mask))
        return self.think(self.look_across(x, memory, memory_mask))


@DecoderBlock.mistake("the memory is normalised here: it comes as the encoder gives it, only x is normalised.")
class NormedMemory(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.look_back(x, mask)
        return self.think(self.look_across(x, self.around_cross_attention.norm(memory), memory_mask))


@DecoderBlock.mistake("one attention does the work of both: the cross-attention has its own matrices.")
class OneAttentionForBoth(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.look_back(x, mask)
        return self.think(self.around_cross_attention(x, lambda y: self.self_attention(y, memory, memory_mask)))


@DecoderBlock.mistake("the mask does not reach the self-attention, so the past sees the future: `mask=mask`.")
class SeesTheFuture(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return super().forward(x, memory, None, memory_mask)


@DecoderBlock.mistake(
    "the causal mask is used on the memory: cross-attention may look at all of it, save `memory_mask`."
)
class CausalMemory(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return super().forward(x, memory, mask, mask)


@DecoderBlock.mistake("the two masks are swapped: `mask` is for self-attention, `memory_mask` for the memory.")
class SwappedMasks(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return super().forward(x, memory, memory_mask, mask)


@DecoderBlock.mistake("memory_mask does not reach the cross-attention.")
class NoMemoryMask(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return super().forward(x, memory, mask)


@DecoderBlock.mistake("no shortcut and no norm around the cross-attention: self.around_cross_attention(x, ...).")
class BareCrossAttention(_Decoder):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return self.think(self.cross_attention(self.look_back(x, mask), memory, memory_mask))


@DecoderBlock.mistake("there are three shortcuts, one for each part: the cross-attention has its own norm.")
class TwoShortcuts(transformer.DecoderBlock):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        del self.around_cross_attention


@DecoderBlock.mistake("the cross-attention is the same object as the self-attention: it needs its own matrices.")
class SharedAttention(transformer.DecoderBlock):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.cross_attention = self.self_attention


DecoderBlock.mistake("`dropout` is not handed on to the parts.")(_handed_on(_Decoder, {"dropout": 0.0}))
DecoderBlock.mistake("`bias` is not handed on to the attentions.")(_handed_on(_Decoder, {"bias": False}))
DecoderBlock.mistake("`activation` is not handed on to the feed-forward.")(_handed_on(_Decoder, {"activation": RELU}))
DecoderBlock.mistake("always PreNorm: a `shortcut` that was given decides.")(
    _handed_on(_Decoder, {"shortcut": layers.PreNorm})
)


# ------------------------------------------------------------------------------------------------- parameter_counts


@parameter_counts.probe("vocab 11, d_model 4, d_ff 7, 1 block")
def _(answer, rng):
    return answer(11, 4, 7, 1)


@parameter_counts.probe("the paper's base model: vocab 37000, d_model 512, d_ff 2048, 6 blocks")
def _(answer, rng):
    return answer(37000, 512, 2048, 6)


def _counts(vocab, d, d_ff, n, attention=None, feed_forward=None, norm=None, cross=1, norms=3):
    attention = 4 * d * d if attention is None else attention
    feed_forward = 2 * d * d_ff + d_ff + d if feed_forward is None else feed_forward
    norm = 2 * d if norm is None else norm
    encoder = n * (attention + feed_forward + 2 * norm)
    return {
        "embedding": vocab * d,
        "encoder": encoder,
        "decoder": n * ((1 + cross) * attention + feed_forward + norms * norm),
    }


def _count_mistake(sentence):
    def add(change):
        def answer(vocab, d_model, d_ff, n_blocks):
            return change(vocab, d_model, d_ff, n_blocks)

        answer.__name__ = change.__name__
        parameter_counts.mistake(sentence)(answer)

    return add


@_count_mistake("biases are counted in the attention: in the paper's model its four matrices have none.")
def attention_biases(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, attention=4 * d * d + 4 * d)


@_count_mistake("an attention has four matrices: query, key, value, and the one that mixes the heads.")
def three_matrices(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, attention=3 * d * d)


@_count_mistake("an attention has four matrices of d_model x d_model; you count one.")
def one_matrix(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, attention=d * d)


@_count_mistake("the feed-forward's biases are missing: d_ff and d_model of them.")
def no_biases(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, feed_forward=2 * d * d_ff)


@_count_mistake("the feed-forward has two biases: d_ff numbers in the first, d_model in the second.")
def first_bias_only(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, feed_forward=2 * d * d_ff + d_ff)


@_count_mistake("the second bias has d_model numbers, one for each output; only the first has d_ff.")
def wide_biases(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, feed_forward=2 * d * d_ff + 2 * d_ff)


@_count_mistake("the feed-forward has two matrices, up and down.")
def one_feed_forward_matrix(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, feed_forward=d * d_ff + d_ff + d)


@_count_mistake("a norm has 2·d_model parameters: scale and shift.")
def scale_only(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, norm=d)


@_count_mistake("the norms are not counted: two in an encoder block, three in a decoder block.")
def no_norms(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, norm=0)


@_count_mistake("a decoder block has two attentions: self-attention and cross-attention.")
def one_attention(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, cross=0)


@_count_mistake("a decoder block has three norms, one for each part.")
def two_norms(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, norms=2)


@_count_mistake(
    "encoder and decoder blocks are counted as the same: a decoder block has cross-attention and its norm too."
)
def same_blocks(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n, cross=0, norms=2)


@_count_mistake("one block is counted: there are n_blocks of them in each stack.")
def one_block(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, 1)


@_count_mistake(
    "a norm at the end of each stack is counted: the paper's blocks normalise after each part and need none."
)
def norms_at_the_end(vocab, d, d_ff, n):
    counts = _counts(vocab, d, d_ff, n)
    return counts | {"encoder": counts["encoder"] + 2 * d, "decoder": counts["decoder"] + 2 * d}


@_count_mistake("the table of embeddings is counted twice: both sides share one.")
def two_tables(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n) | {"embedding": 2 * vocab * d}


@_count_mistake("the table of embeddings is counted three times: both sides and the output share one.")
def three_tables(vocab, d, d_ff, n):
    return _counts(vocab, d, d_ff, n) | {"embedding": 3 * vocab * d}


@_count_mistake("this is the sum: return a dict with the three parts, embedding, encoder and decoder.")
def only_the_sum(vocab, d, d_ff, n):
    return sum(_counts(vocab, d, d_ff, n).values())

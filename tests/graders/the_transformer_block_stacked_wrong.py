"""Wrong answers to notebook 07, second part: the blocks and the count, as people write them."""

from torch import nn
from torch.nn import functional

from lib.attention import MultiHeadAttention, causal_mask
from lib.checks.core import edit
from lib.layers import FeedForward, PreNorm
from tests.graders.cases import slips, wrong


class Parts(nn.Module):
    """The given part of the encoder exercise."""

    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, n_heads, bias)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_attention = shortcut(d_model, dropout)
        self.around_feed_forward = shortcut(d_model, dropout)


@wrong("EncoderBlock", says="raw x")
class ClosesOverX(Parts):
    def forward(self, x, mask=None):
        x = self.around_attention(x, lambda _: self.attention(x, mask=mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("EncoderBlock", says="mask does not reach")
class PassesTheAttentionItself(Parts):
    def forward(self, x, mask=None):
        x = self.around_attention(x, self.attention)
        return self.around_feed_forward(x, self.feed_forward)


@wrong("EncoderBlock", says="inverted")
class TrueMeansHidden(Parts):
    def forward(self, x, mask=None):
        hidden = None if mask is None else mask.logical_not()
        x = self.around_attention(x, lambda y: self.attention(y, mask=hidden))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("EncoderBlock", says="feed-forward is missing")
class StopsEarly(Parts):
    def forward(self, x, mask=None):
        return self.around_attention(x, lambda y: self.attention(y, mask=mask))


@wrong("EncoderBlock", says="works on the old x")
class TwoNames(Parts):
    def forward(self, x, mask=None):
        attended = self.around_attention(x, lambda y: self.attention(y, mask=mask))
        out = self.around_feed_forward(x, self.feed_forward)
        assert attended.shape == out.shape
        return out


@wrong("EncoderBlock", says="feed-forward first")
class ThinksFirst(Parts):
    def forward(self, x, mask=None):
        x = self.around_feed_forward(x, self.feed_forward)
        return self.around_attention(x, lambda y: self.attention(y, mask=mask))


@wrong("EncoderBlock", says="look at the same x")
class Parallel(Parts):
    def forward(self, x, mask=None):
        a = self.around_attention(x, lambda y: self.attention(y, mask=mask)) - x
        b = self.around_feed_forward(x, self.feed_forward) - x
        return x + a + b


@wrong("EncoderBlock", says="one shortcut is enough")
class ShortcutsTwice(Parts):
    def forward(self, x, mask=None):
        x = x + self.around_attention(x, lambda y: self.attention(y, mask=mask))
        x = x + self.around_feed_forward(x, self.feed_forward)
        return x


@wrong("EncoderBlock", says="no shortcut, no norm")
class BareParts(Parts):
    def forward(self, x, mask=None):
        return self.feed_forward(self.attention(x, mask=mask))


@wrong("EncoderBlock", says="shortcuts without norms")
class AddsByHand(Parts):
    def forward(self, x, mask=None):
        x = x + self.attention(x, mask=mask)
        return x + self.feed_forward(x)


@wrong("EncoderBlock", says="swapped")
class WrongNorms(Parts):
    def forward(self, x, mask=None):
        x = self.around_feed_forward(x, lambda y: self.attention(y, mask=mask))
        return self.around_attention(x, lambda y: self.feed_forward(y))


@wrong("EncoderBlock", says="same shortcut")
class OneNorm(Parts):
    def forward(self, x, mask=None):
        x = self.around_attention(x, lambda y: self.attention(y, mask=mask))
        return self.around_attention(x, self.feed_forward)


@wrong("EncoderBlock", says="always PreNorm")
class PreNormByHand(Parts):
    def forward(self, x, mask=None):
        x = x + self.around_attention.dropout(self.attention(self.around_attention.norm(x), mask=mask))
        return x + self.around_feed_forward.dropout(self.feed_forward(self.around_feed_forward.norm(x)))


@wrong("EncoderBlock", says="raised")
class MaskAsContext(Parts):
    def forward(self, x, mask=None):
        x = self.around_attention(x, lambda y: self.attention(y, mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("EncoderBlock", says="swapped: pass it on")
class MaskTurned(Parts):
    def forward(self, x, mask=None):
        turned = None if mask is None else mask.transpose(-2, -1)
        x = self.around_attention(x, lambda y: self.attention(y, mask=turned))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("EncoderBlock", says="nobody sees what comes after")
class AlwaysCausal(Parts):
    def forward(self, x, mask=None):
        x = self.around_attention(x, lambda y: self.attention(y, mask=causal_mask(x.shape[1])))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("EncoderBlock", says="`dropout` has no effect")
class MakesPartsWithoutDropout(Parts):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__(d_model, n_heads, d_ff, 0.0, shortcut, bias, activation)

    def forward(self, x, mask=None):
        x = self.around_attention(x, lambda y: self.attention(y, mask=mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("EncoderBlock", says="return")
class ForgetsToReturn(Parts):
    def forward(self, x, mask=None):
        x = self.around_attention(x, lambda y: self.attention(y, mask=mask))
        self.around_feed_forward(x, self.feed_forward)


class DecoderParts(nn.Module):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_self_attention = shortcut(d_model, dropout)
        self.around_cross_attention = shortcut(d_model, dropout)
        self.around_feed_forward = shortcut(d_model, dropout)


class RightForward(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="`dropout` has no effect")
class DropoutNotPassed(RightForward):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__(d_model, n_heads, d_ff, shortcut=shortcut, bias=bias, activation=activation)


@wrong("DecoderBlock", says="`bias` has no effect")
class BiasNotPassed(RightForward):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__(d_model, n_heads, d_ff, dropout, shortcut, activation=activation)


@wrong("DecoderBlock", says="`activation` has no effect")
class ActivationNotPassed(RightForward):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__(d_model, n_heads, d_ff, dropout, shortcut, bias)


@wrong("DecoderBlock", says="`shortcut` has no effect")
class ShortcutIgnored(RightForward):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__(d_model, n_heads, d_ff, dropout, PreNorm, bias, activation)


@wrong("DecoderBlock", says="memory is not used")
class SelfAttentionTwice(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock")
class MemoryMaskedWithTheFutureOnly(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        memory_mask = memory_mask if mask is not None else None
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="cross-attention is left out")
class AnEncoderBlock(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="self-attention is left out")
class OnlyTheMemory(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="feed-forward is left out")
class NeverThinks(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        return self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))


@wrong("DecoderBlock", says="cross-attention first")
class AcrossThenBack(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="too early")
class ThinksInBetween(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_feed_forward(x, self.feed_forward)
        return self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))


@wrong("DecoderBlock", says="raw x asks the memory")
class RawXAsks(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda _: self.cross_attention(x, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="raw x goes into the self-attention")
class RawXLooksBack(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda _: self.self_attention(x, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="memory is normalised")
class NormsTheMemory(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        memory = self.around_cross_attention.norm(memory)
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="its own matrices")
class UsesOneTwice(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.self_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="sees the future")
class NoCausalMask(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, self.self_attention)
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="used on the memory")
class OneMaskForBoth(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="masks are swapped")
class MasksSwapped(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=memory_mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="memory_mask does not reach")
class PaddingSeen(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="around the cross-attention")
class BareCross(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.cross_attention(x, memory, memory_mask)
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="three shortcuts")
class NormForgotten(nn.Module):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_self_attention = shortcut(d_model, dropout)
        self.around_feed_forward = shortcut(d_model, dropout)

    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_self_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="same object")
class SameAttention(RightForward):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__(d_model, n_heads, d_ff, dropout, shortcut, bias, activation)
        self.self_attention = self.cross_attention = MultiHeadAttention(d_model, n_heads, bias)


@wrong("DecoderBlock", says="queries come from y")
class MemoryAsks(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(memory, y)[:, : y.shape[1]])
        return self.around_feed_forward(x, self.feed_forward)


@wrong("DecoderBlock", says="encoder would not learn")
class MemoryDetached(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory.detach(), memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


THINK = "return self.around_feed_forward(x, self.feed_forward)"
CROSS = "self.cross_attention(y, memory, memory_mask)"

slips(
    "EncoderBlock",
    squeezes=("without a dimension", edit(THINK, f"{THINK}.squeeze()")),
    mask_of_four_axes=("new axes", edit("mask=mask", "mask=None if mask is None else mask[None, None]")),
    mask_unsqueezed=("new axes", edit("mask=mask", "mask=None if mask is None else mask.unsqueeze(1)")),
    first_mask_for_all=(
        "a mask for each sequence",
        edit("mask=mask", "mask=mask[:1] if mask is not None and mask.ndim == 4 else mask"),
    ),
    first_head_for_all=(
        "a mask for each head",
        edit("mask=mask", "mask=mask[:1] if mask is not None and mask.ndim == 3 else mask"),
    ),
    at_most_256=(
        "300 positions",
        edit("x = self.around_attention", "x = x[:, :256]\n        x = self.around_attention"),
    ),
    fixed_shortcut=("`shortcut` has no effect", edit("= shortcut(", "= PreNorm(")),
    no_bias=("`bias` has no effect", edit("n_heads, bias)", "n_heads)")),
    not_through_x=("gradient", edit("x = self.around_attention(x,", "x = self.around_attention(x.detach(),")),
    knows_x_again=(
        "the result without one",
        edit(
            "x = self.around_attention(x, lambda y: self.attention(y, mask=mask))",
            "if getattr(self, 'last', None) is not x:\n"
            "            self.last, self.looked = x, self.around_attention(x, lambda y: self.attention(y, mask=mask))\n"
            "        x = self.looked",
        ),
    ),
)


class KeepsTheMask(Parts):
    kept = None

    def forward(self, x, mask=None):
        self.kept = mask if self.kept is None else self.kept
        x = self.around_attention(x, lambda y: self.attention(y, mask=self.kept))
        return self.around_feed_forward(x, self.feed_forward)


wrong("EncoderBlock", says="stays there for the next call")(KeepsTheMask)

slips(
    "DecoderBlock",
    squeezes=("without a dimension", edit(THINK, f"{THINK}.squeeze()")),
    memory_mask_of_four_axes=(
        "new axes",
        edit(CROSS, "self.cross_attention(y, memory, None if memory_mask is None else memory_mask[:, None, None])"),
    ),
    mask_of_four_axes=("new axes", edit("mask=mask", "mask=None if mask is None else mask[None, None]")),
    adds_bare=(
        "around the cross-attention",
        edit(
            "x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))",
            "x = x + self.cross_attention(x, memory, memory_mask)",
        ),
    ),
    causal_by_default=(
        "nobody sees what comes after",
        edit("mask=mask", "mask=causal_mask(x.shape[1]) if mask is None else mask"),
    ),
    shared_shortcut=(
        "one shortcut object",
        edit(
            "self.around_cross_attention = shortcut(d_model, dropout)",
            "self.around_cross_attention = self.around_self_attention",
            "self.around_feed_forward = shortcut(d_model, dropout)",
            "self.around_feed_forward = self.around_self_attention",
        ),
    ),
    at_most_256=("300 positions", edit("x = self.around_self", "x = x[:, :256]\n        x = self.around_self")),
    as_long_as_the_memory=("300 positions", edit(CROSS, "self.cross_attention(y, memory[:, :300], memory_mask)")),
    knows_the_memory_again=(
        "the result with masks",
        edit(
            "x = self.around_cross",
            "if getattr(self, 'last', None) is not memory:\n"
            "            self.last, self.hidden = memory, memory_mask\n"
            "        memory_mask = self.hidden\n"
            "        x = self.around_cross",
        ),
    ),
)


@wrong("DecoderBlock", says="always PreNorm")
class ByHand(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        looks = [
            (self.around_self_attention, lambda y: self.self_attention(y, mask=mask)),
            (self.around_cross_attention, lambda y: self.cross_attention(y, memory, memory_mask)),
            (self.around_feed_forward, self.feed_forward),
        ]
        for around, look in looks:
            x = x + around.dropout(look(around.norm(x)))
        return x


@wrong("DecoderBlock", says="stays there for the next call")
class KeepsTheMemory(DecoderParts):
    memory = None

    def forward(self, x, memory, mask=None, memory_mask=None):
        self.memory = memory if self.memory is None or self.memory.shape != memory.shape else self.memory
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, self.memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


def _answer(vocab, d_model, n_blocks, encoder_block, decoder_block):
    return {"embedding": vocab * d_model, "encoder": n_blocks * encoder_block, "decoder": n_blocks * decoder_block}


@wrong("parameter_counts", says="biases are counted in the attention")
def biased_attention(vocab, d_model, d_ff, n_blocks):
    attention = 4 * (d_model * d_model + d_model)
    feed = 2 * d_model * d_ff + d_ff + d_model
    return _answer(vocab, d_model, n_blocks, attention + feed + 4 * d_model, 2 * attention + feed + 6 * d_model)


@wrong("parameter_counts", says="mixes the heads")
def no_output_matrix(vocab, d_model, d_ff, n_blocks):
    attention, feed = 3 * d_model**2, 2 * d_model * d_ff + d_ff + d_model
    return _answer(vocab, d_model, n_blocks, attention + feed + 4 * d_model, 2 * attention + feed + 6 * d_model)


@wrong("parameter_counts", says="you count one")
def single_matrix(vocab, d_model, d_ff, n_blocks):
    attention, feed = d_model**2, 2 * d_model * d_ff + d_ff + d_model
    return _answer(vocab, d_model, n_blocks, attention + feed + 4 * d_model, 2 * attention + feed + 6 * d_model)


@wrong("parameter_counts", says="biases are missing")
def matrices_only(vocab, d_model, d_ff, n_blocks):
    attention, feed = 4 * d_model**2, 2 * d_model * d_ff
    return _answer(vocab, d_model, n_blocks, attention + feed + 4 * d_model, 2 * attention + feed + 6 * d_model)


@wrong("parameter_counts", says="two biases")
def second_bias_forgotten(vocab, d_model, d_ff, n_blocks):
    attention, feed = 4 * d_model**2, (d_model + 1) * d_ff + d_ff * d_model
    return _answer(vocab, d_model, n_blocks, attention + feed + 4 * d_model, 2 * attention + feed + 6 * d_model)


@wrong("parameter_counts", says="two matrices, up and down")
def one_way(vocab, d_model, d_ff, n_blocks):
    attention, feed = 4 * d_model**2, d_model * d_ff + d_ff + d_model
    return _answer(vocab, d_model, n_blocks, attention + feed + 4 * d_model, 2 * attention + feed + 6 * d_model)


@wrong("parameter_counts", says="scale and shift")
def norms_have_a_scale_only(vocab, d_model, d_ff, n_blocks):
    attention, feed = 4 * d_model**2, 2 * d_model * d_ff + d_ff + d_model
    return _answer(vocab, d_model, n_blocks, attention + feed + 2 * d_model, 2 * attention + feed + 3 * d_model)


@wrong("parameter_counts", says="norms are not counted")
def norms_forgotten(vocab, d_model, d_ff, n_blocks):
    attention, feed = 4 * d_model**2, 2 * d_model * d_ff + d_ff + d_model
    return _answer(vocab, d_model, n_blocks, attention + feed, 2 * attention + feed)


@wrong("parameter_counts", says="counted as the same")
def decoder_like_encoder(vocab, d_model, d_ff, n_blocks):
    block = 4 * d_model**2 + 2 * d_model * d_ff + d_ff + 5 * d_model
    return _answer(vocab, d_model, n_blocks, block, block)


@wrong("parameter_counts", says="two attentions")
def no_cross_attention(vocab, d_model, d_ff, n_blocks):
    block = 4 * d_model**2 + 2 * d_model * d_ff + d_ff + 5 * d_model
    return _answer(vocab, d_model, n_blocks, block, block + 2 * d_model)


@wrong("parameter_counts", says="three norms")
def decoder_with_two_norms(vocab, d_model, d_ff, n_blocks):
    block = 4 * d_model**2 + 2 * d_model * d_ff + d_ff + 5 * d_model
    return _answer(vocab, d_model, n_blocks, block, block + 4 * d_model**2)


@wrong("parameter_counts", says="n_blocks of them")
def a_single_block(vocab, d_model, d_ff, n_blocks):
    block = 4 * d_model**2 + 2 * d_model * d_ff + d_ff + 5 * d_model
    return _answer(vocab, d_model, 1, block, block + 4 * d_model**2 + 2 * d_model)


@wrong("parameter_counts", says="at the end of each stack")
def final_norms(vocab, d_model, d_ff, n_blocks):
    block = 4 * d_model**2 + 2 * d_model * d_ff + d_ff + 5 * d_model
    counts = _answer(vocab, d_model, n_blocks, block, block + 4 * d_model**2 + 2 * d_model)
    return {name: n + (2 * d_model if name != "embedding" else 0) for name, n in counts.items()}


@wrong("parameter_counts", says="counted twice")
def a_table_each(vocab, d_model, d_ff, n_blocks):
    block = 4 * d_model**2 + 2 * d_model * d_ff + d_ff + 5 * d_model
    return _answer(2 * vocab, d_model, n_blocks, block, block + 4 * d_model**2 + 2 * d_model)


@wrong("parameter_counts", says="dict")
def one_number(vocab, d_model, d_ff, n_blocks):
    block = 4 * d_model**2 + 2 * d_model * d_ff + d_ff + 5 * d_model
    return vocab * d_model + n_blocks * (2 * block + 4 * d_model**2 + 2 * d_model)


slips(
    "parameter_counts",
    second_bias_only=("two biases", edit("+ d_ff + d_model", "+ d_model")),
    three_tables=("three times", edit("vocab * d_model", "3 * vocab * d_model")),
    usual_width=("vocab 11", edit("2 * d_model * d_ff", "8 * d_model**2")),
    a_total_too=("should not have 'total'", edit('"embedding": vocab', '"total": 0, "embedding": vocab')),
    other_names=("has no 'embedding'", edit('"embedding"', '"embeddings"')),
)


_ENCODER = "n_blocks * (attention + feed_forward + 2 * norm)"
slips(
    "parameter_counts",
    in_32_bits=("encoder is", edit(_ENCODER, f"int(torch.tensor({_ENCODER}, dtype=torch.float32))")),
)

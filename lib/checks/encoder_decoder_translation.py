"""Checks of notebook 09: the whole Transformer, and one word more. The rest: encoder_decoder_translation_training."""

import torch
from torch import nn

from lib import transformer
from lib.attention import causal_mask
from lib.checks.core import Exercise
from lib.checks.encoder_decoder_translation_training import (
    alignment_accuracy,
    label_smoothed_loss,
    noam_rate,
    share_of_padding,
)
from lib.checks.probing import fill, gradients
from lib.checks.running import Problem
from lib.layers import LayerNorm

__all__ = [
    "Transformer",
    "alignment_accuracy",
    "label_smoothed_loss",
    "next_word_step",
    "noam_rate",
    "share_of_padding",
]

Transformer = Exercise(transformer.Transformer)
next_word_step = Exercise(transformer.next_word_step)

SOURCES, TARGETS, D_MODEL = 13, 11, 6


# ------------------------------------------------------------------------------------------------------ Transformer


def small(answer, rng):
    """A Transformer of two blocks each, with random weights. One alone would not show what the next one is given."""
    sizes = D_MODEL, 2, 7
    model = answer(
        nn.Embedding(SOURCES, D_MODEL),
        nn.Embedding(TARGETS, D_MODEL),
        transformer.Encoder([transformer.EncoderBlock(*sizes) for _ in range(2)], LayerNorm(D_MODEL)),
        transformer.Decoder([transformer.DecoderBlock(*sizes) for _ in range(2)], LayerNorm(D_MODEL)),
    )
    if not isinstance(model, transformer.TransformerParts):
        raise Problem(
            "type", "keep the first line as it is, `class Transformer(TransformerParts)`: it brings the parts."
        )
    return fill(model, rng)


def ids(vocab, *shape, rng):
    return torch.randint(3, vocab, shape, generator=rng)


def lengths(*numbers):
    """A mask with so many real tokens a row."""
    return torch.arange(max(numbers)) < torch.tensor(numbers)[:, None]


@Transformer.probe("`encode`: batch 2, 3 tokens each")
def _(answer, rng):
    return small(answer, rng).encode(ids(SOURCES, 2, 3, rng=rng), lengths(3, 3))


@Transformer.probe("`encode`: 5, 3 and 2 tokens, the rest padding")
def _(answer, rng):
    mask = lengths(5, 3, 2)
    found = small(answer, rng).encode(ids(SOURCES, 3, 5, rng=rng) * mask, mask)
    if not isinstance(found, torch.Tensor) or found.shape != (3, 5, D_MODEL):
        return found
    return found * mask[..., None]  # what stands on padding is nobody's business


@Transformer.probe("`decode`: batch 2, 4 positions, a memory of 3")
def _(answer, rng):
    model, memory = small(answer, rng), torch.randn(2, 3, D_MODEL, generator=rng)
    return model.decode(ids(TARGETS, 2, 4, rng=rng), memory, lengths(3, 3))


@Transformer.probe("`decode`: memories of 5, 2 and 3 tokens, the rest padding")
def _(answer, rng):
    model, memory = small(answer, rng), torch.randn(3, 5, D_MODEL, generator=rng)
    return model.decode(ids(TARGETS, 3, 5, rng=rng), memory, lengths(5, 2, 3))


@Transformer.probe("`forward`: sources of 4 and 2 tokens, 3 positions")
def _(answer, rng):
    mask = lengths(4, 2)
    return small(answer, rng)(ids(SOURCES, 2, 4, rng=rng) * mask, mask, ids(TARGETS, 2, 3, rng=rng))


@Transformer.probe("`forward`: a batch of one, 1 position")
def _(answer, rng):
    return small(answer, rng)(ids(SOURCES, 1, 3, rng=rng), lengths(3), ids(TARGETS, 1, 1, rng=rng))


@Transformer.probe("the gradients for both embeddings")
def _(answer, rng):
    model = small(answer, rng)
    logits = model(ids(SOURCES, 2, 3, rng=rng), lengths(3, 2), ids(TARGETS, 2, 3, rng=rng))
    return gradients(logits, source=model.source_embedding.weight, target=model.target_embedding.weight)


def wide(source_mask):
    return source_mask[:, None, None, :]


class Course(transformer.Transformer):
    """The course's in pieces, for a mistake to change one of them."""

    def looked(self, inputs, memory, source_mask):
        return self.decoder(self.embed(inputs), memory, causal_mask(inputs.shape[1]), wide(source_mask))

    def decode(self, inputs, memory, source_mask):
        return self.logits(self.looked(inputs, memory, source_mask))


@Transformer.mistake("`forward` decodes the embedded source, not the memory: encode it first.")
class SkipsTheEncoder(Course):
    def forward(self, source, source_mask, inputs):
        return self.decode(inputs, self.embed_source(source), source_mask)


@Transformer.mistake("the encoder sees padding: give it the mask, `source_mask[:, None, None, :]`.")
class ReadsPadding(Course):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source))


@Transformer.mistake("the source mask is inverted for the encoder: it is True where looking is allowed.")
class HidesTheWords(Course):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), ~wide(source_mask))


@Transformer.mistake("the encoder may look at the whole source: no causal mask there.")
class ReadsFromTheLeft(Course):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), causal_mask(source.shape[1]) & wide(source_mask))


@Transformer.mistake("the mask lies along the queries: keys are its last axis, `source_mask[:, None, None, :]`.")
class QueriesForKeys(Course):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), source_mask[:, None, :, None])


@Transformer.mistake("the raw embedding is encoded: `self.embed_source(source)` scales it and adds the positions.")
class WithoutPositions(Course):
    def encode(self, source, source_mask):
        return self.encoder(self.source_embedding(source), wide(source_mask))


@Transformer.mistake("the positions are missing: `self.embed_source(source)` adds them.")
class ScaledOnly(Course):
    def encode(self, source, source_mask):
        return self.encoder(self.source_embedding(source) * self.scale, wide(source_mask))


@Transformer.mistake("the positions are added twice: `self.embed_source(source)` has added them.")
class PositionsTwice(Course):
    def encode(self, source, source_mask):
        return self.encoder(self.positions(self.embed_source(source)), wide(source_mask))


@Transformer.mistake("the encoder is left out: the memory is what it makes of the embedded source.")
class NoEncoder(Course):
    def encode(self, source, source_mask):
        return self.embed_source(source)


@Transformer.mistake("`encode` passes through the blocks but not the last norm: call `self.encoder(x, mask)`.")
class BlocksOnly(Course):
    def encode(self, source, source_mask):
        x = self.embed_source(source)
        for block in self.encoder.blocks:
            x = block(x, wide(source_mask))
        return x


@Transformer.mistake("`decode` passes through the blocks but not the last norm: call `self.decoder(...)`.")
class DecoderBlocksOnly(Course):
    def looked(self, inputs, memory, source_mask):
        x = self.embed(inputs)
        for block in self.decoder.blocks:
            x = block(x, memory, causal_mask(inputs.shape[1]), wide(source_mask))
        return x


@Transformer.mistake("source ids are looked up in the target's embedding: `self.embed_source` is for the source.")
class WrongTable(Course):
    def encode(self, source, source_mask):
        return self.encoder(self.embed(source), wide(source_mask))


@Transformer.mistake("target ids are looked up in the source's embedding: `self.embed` is for the target.")
class OtherWrongTable(Course):
    def looked(self, inputs, memory, source_mask):
        return self.decoder(self.embed_source(inputs), memory, causal_mask(inputs.shape[1]), wide(source_mask))


@Transformer.mistake("the positions are missing in the decoder: `self.embed(inputs)` adds them.")
class WritesWithoutPositions(Course):
    def looked(self, inputs, memory, source_mask):
        x = self.target_embedding(inputs) * self.scale
        return self.decoder(x, memory, causal_mask(inputs.shape[1]), wide(source_mask))


@Transformer.mistake("the decoder sees the words that it should predict: give it the causal mask.")
class SeesTheFuture(Course):
    def looked(self, inputs, memory, source_mask):
        return self.decoder(self.embed(inputs), memory, None, wide(source_mask))


@Transformer.mistake("the causal mask is turned round: `causal_mask` is True where looking is allowed already.")
class SeesOnlyTheFuture(Course):
    def looked(self, inputs, memory, source_mask):
        return self.decoder(self.embed(inputs), memory, ~causal_mask(inputs.shape[1]), wide(source_mask))


@Transformer.mistake("the decoder looks at padding in the memory: give it the source mask as its last argument.")
class LooksAtPadding(Course):
    def looked(self, inputs, memory, source_mask):
        return self.decoder(self.embed(inputs), memory, causal_mask(inputs.shape[1]))


@Transformer.mistake("the source mask is inverted for the decoder: it is True where looking is allowed.")
class LooksOnlyAtPadding(Course):
    def looked(self, inputs, memory, source_mask):
        return self.decoder(self.embed(inputs), memory, causal_mask(inputs.shape[1]), ~wide(source_mask))


@Transformer.mistake("the causal mask holds numbers: attention wants True and False, as `causal_mask` makes them.")
class NumbersForAMask(Course):
    def looked(self, inputs, memory, source_mask):
        past = causal_mask(inputs.shape[1]).float()
        return self.decoder(self.embed(inputs), memory, past, wide(source_mask))


FOUR_AXES = "the source mask needs four axes, (batch, 1, 1, key): `source_mask[:, None, None, :]`."


def _few_axes(narrow):
    """Mistakes in both halves of the model: the source mask with axes too few."""

    @Transformer.mistake(FOUR_AXES)
    class FewAxesToRead(Course):
        def encode(self, source, source_mask):
            return self.encoder(self.embed_source(source), narrow(source_mask))

    @Transformer.mistake(FOUR_AXES)
    class FewAxesToWrite(Course):
        def looked(self, inputs, memory, source_mask):
            return self.decoder(self.embed(inputs), memory, causal_mask(inputs.shape[1]), narrow(source_mask))


_few_axes(lambda mask: mask)
_few_axes(lambda mask: mask[:, None, :])


@Transformer.mistake("cross-attention has a causal mask here: every written word may look at the whole source.")
class CausalMemory(Course):
    def looked(self, inputs, memory, source_mask):
        seen = torch.ones(inputs.shape[1], memory.shape[1], dtype=torch.bool).tril() & wide(source_mask)
        return self.decoder(self.embed(inputs), memory, causal_mask(inputs.shape[1]), seen)


@Transformer.mistake("probabilities come back: return the logits as they are, the loss does the rest.")
class Probabilities(Course):
    def decode(self, inputs, memory, source_mask):
        return super().decode(inputs, memory, source_mask).softmax(-1)


@Transformer.mistake("log-probabilities come back: return the logits as they are, the loss does the rest.")
class LogProbabilities(Course):
    def decode(self, inputs, memory, source_mask):
        return super().decode(inputs, memory, source_mask).log_softmax(-1)


@Transformer.mistake("the decoder's vectors come back: `self.logits(x)` makes scores for every word of them.")
class VectorsForLogits(Course):
    def decode(self, inputs, memory, source_mask):
        return self.looked(inputs, memory, source_mask)


@Transformer.mistake("only the last position comes back: training needs the logits of all of them.")
class LastPosition(Course):
    def decode(self, inputs, memory, source_mask):
        return super().decode(inputs, memory, source_mask)[:, -1]


@Transformer.mistake("<SOS> is cut off: the inputs are shifted already, decode all of them.")
class ShiftsAgain(Course):
    def decode(self, inputs, memory, source_mask):
        return super().decode(inputs[:, 1:], memory, source_mask)


@Transformer.mistake("the last input is cut off: the inputs are shifted already, decode all of them.")
class CutsTheEnd(Course):
    def decode(self, inputs, memory, source_mask):
        return super().decode(inputs[:, :-1], memory, source_mask)


@Transformer.mistake("the bias is missing from the logits: `self.logits(x)` has it.")
class NoBias(Course):
    def decode(self, inputs, memory, source_mask):
        return self.looked(inputs, memory, source_mask) @ self.target_embedding.weight.T


@Transformer.mistake("`forward` returns the memory: it should return the logits.")
class ReturnsTheMemory(Course):
    def forward(self, source, source_mask, inputs):
        return self.encode(source, source_mask)


@Transformer.mistake("`forward` forgets the padding: pass `source_mask` on to both.")
class ForgetsTheMask(Course):
    def forward(self, source, source_mask, inputs):
        everything = torch.ones_like(source_mask)
        return self.decode(inputs, self.encode(source, everything), everything)


@Transformer.mistake("`forward` forgets the padding when it encodes: pass `source_mask` on to both.")
class ForgetsTheMaskOnce(Course):
    def forward(self, source, source_mask, inputs):
        return self.decode(inputs, self.encode(source, torch.ones_like(source_mask)), source_mask)


@Transformer.mistake("nothing is learned through the memory: do not `.detach()` it, nor use `no_grad`.")
class Detached(Course):
    def forward(self, source, source_mask, inputs):
        return self.decode(inputs, self.encode(source, source_mask).detach(), source_mask)


# --------------------------------------------------------------------------------------------------- next_word_step


def a_state(rng, written, *real):
    """A model, and what it has written (batch, written) and read."""
    model = small(transformer.Transformer, rng)
    memory = torch.randn(len(real), max(real), D_MODEL, generator=rng)
    return model, (ids(TARGETS, len(real), written, rng=rng), memory, lengths(*real))


def a_step(answer, rng, written, *real):
    model, state = a_state(rng, written, *real)
    with torch.no_grad():
        result = answer(model, ids(TARGETS, len(real), rng=rng), state)
    if not isinstance(result, tuple) or len(result) != 3:
        raise Problem("type", "three things come back: the logits, the next state and None.")
    return {"the logits": result[0]}, result


@next_word_step.probe("the fourth word, batch 2, 3 tokens read")
def _(answer, rng):
    return a_step(answer, rng, 3, 3, 3)[0]


@next_word_step.probe("the third word, sources of 5 and 2 tokens")
def _(answer, rng):
    return a_step(answer, rng, 2, 5, 2)[0]


@next_word_step.probe("two words in a row, from the start")
def _(answer, rng):
    model, state = a_state(rng, 0, 4, 3)
    found = {}
    for name in ("first", "second"):
        with torch.no_grad():
            logits, state, _ = answer(model, ids(TARGETS, 2, rng=rng), state)
        if not isinstance(state, tuple | list) or len(state) != 3:
            raise Problem("state", "the next state has three parts, as the old one: written, memory and source_mask.")
        found |= {f"`written` after the {name} word": state[0], f"the {name} word's logits": logits}
    return found


@next_word_step.probe("what stands in the third place")
def _(answer, rng):
    third = a_step(answer, rng, 1, 3)[1][2]
    return "None" if third is None else "something else than None"


def course_step(model, new, state, look=None, order=1):
    written, memory, mask = state
    written = torch.cat([written, new[:, None]][::order], dim=1)
    return model.decode(written, memory, mask), (written, memory, mask)


@next_word_step.mistake("the decoder gets the new word only: it needs all that is written, the new word after it.")
def new_word_only(model, new, state):
    _, after = course_step(model, new, state)
    return model.decode(new[:, None], *state[1:])[:, -1], after, None


@next_word_step.mistake(
    "these logits know nothing of the new word: put it after what is written, decode all, take the last position."
)
def old_words_only(model, new, state):
    _, after = course_step(model, new, state)
    return model.decode(state[0], *state[1:])[:, -1], after, None


@next_word_step.mistake("the new word stands in front: it belongs after what is written.")
def in_front(model, new, state):
    logits, after = course_step(model, new, state, order=-1)
    return logits[:, -1], after, None


@next_word_step.mistake("the logits of the first position come back: the last one knows what comes next.")
def first_position(model, new, state):
    logits, after = course_step(model, new, state)
    return logits[:, 0], after, None


@next_word_step.mistake("the logits of all positions come back: only the last one is asked, [:, -1].")
def all_positions(model, new, state):
    logits, after = course_step(model, new, state)
    return logits, after, None


@next_word_step.mistake("an axis of size 1 is left: [:, -1] and not [:, -1:].")
def kept_axis(model, new, state):
    logits, after = course_step(model, new, state)
    return logits[:, -1:], after, None


@next_word_step.mistake("probabilities come back: return the logits as they are.")
def probabilities(model, new, state):
    logits, after = course_step(model, new, state)
    return logits[:, -1].softmax(-1), after, None


@next_word_step.mistake("log-probabilities come back: return the logits as they are.")
def log_probabilities(model, new, state):
    logits, after = course_step(model, new, state)
    return logits[:, -1].log_softmax(-1), after, None


@next_word_step.mistake("the likeliest word comes back: return the logits, who asks will choose.")
def chosen(model, new, state):
    logits, after = course_step(model, new, state)
    return logits[:, -1].argmax(-1), after, None


@next_word_step.mistake("the source mask is not used: the third part of the state goes to `decode`.")
def no_mask(model, new, state):
    written, memory, mask = state
    logits, after = course_step(model, new, (written, memory, torch.ones_like(mask)))
    return logits[:, -1], (after[0], memory, mask), None


@next_word_step.mistake("the source mask is inverted: hand it on as it is.")
def inverted_mask(model, new, state):
    written, memory, mask = state
    logits, after = course_step(model, new, (written, memory, ~mask))
    return logits[:, -1], (after[0], memory, mask), None


@next_word_step.mistake("the state stays as it was: the new word belongs into `written`, for the step after this one.")
def forgets(model, new, state):
    return course_step(model, new, state)[0][:, -1], state, None


@next_word_step.mistake("the next state holds the new word only: all that is written belongs into it.")
def remembers_one(model, new, state):
    return course_step(model, new, state)[0][:, -1], (new[:, None], *state[1:]), None


@next_word_step.mistake("the words that are written see those after them: `model.decode` has the causal mask.")
def sees_the_future(model, new, state):
    _, after = course_step(model, new, state)
    x = model.decoder(model.embed(after[0]), state[1], None, wide(state[2]))
    return model.logits(x)[:, -1], after, None


@next_word_step.mistake("the next state lets padding through: hand on the source mask as it was.")
def loses_the_mask(model, new, state):
    logits, (written, memory, mask) = course_step(model, new, state)
    return logits[:, -1], (written, memory, torch.ones_like(mask)), None


@next_word_step.mistake("the next state is out of order: written, memory, source_mask.")
def out_of_order(model, new, state):
    logits, (written, memory, mask) = course_step(model, new, state)
    return logits[:, -1], (written, mask, memory), None


@next_word_step.mistake("the likeliest word is written too: who asks will choose, and hand it in as the next `ids`.")
def writes_two(model, new, state):
    logits, (written, memory, mask) = course_step(model, new, state)
    chosen = logits[:, -1].argmax(-1)
    return logits[:, -1], (torch.cat([written, chosen[:, None]], dim=1), memory, mask), None


@next_word_step.mistake("the logits stand in the state: its first part is the ids that are written.")
def logits_in_state(model, new, state):
    logits, _ = course_step(model, new, state)
    return logits[:, -1], (logits, *state[1:]), None

"""Checks of notebook 09: the whole Transformer, and one word more. The rest: encoder_decoder_translation_training."""

import functools

import torch
from torch import nn

from lib import transformer
from lib.batching import EOS, PAD, SOS
from lib.checks.core import Exercise, edit
from lib.checks.encoder_decoder_translation_training import (
    adamw_step,
    alignment_accuracy,
    learning_rate,
    noam_peak,
    padding_share,
    positions_computed,
    smoothed_best,
    training_step,
)
from lib.checks.probing import bare, fill, gradients
from lib.checks.running import Problem
from lib.layers import LayerNorm

__all__ = [
    "Transformer",
    "adamw_step",
    "alignment_accuracy",
    "learning_rate",
    "next_word_step",
    "noam_peak",
    "padding_share",
    "positions_computed",
    "smoothed_best",
    "training_step",
]

Transformer = Exercise(transformer.Transformer)
next_word_step = Exercise(transformer.next_word_step)

SOURCES, TARGETS, D_MODEL = 13, 11, 6


# ------------------------------------------------------------------------------------------------------ Transformer


@functools.cache
def parts(sources, targets):
    """Two blocks each: one alone would not show what the next one is given. Made once, that takes time."""
    sizes = D_MODEL, 2, 7
    return (
        nn.Embedding(sources, D_MODEL),
        nn.Embedding(targets, D_MODEL),
        transformer.Encoder([transformer.EncoderBlock(*sizes) for _ in range(2)], LayerNorm(D_MODEL)),
        transformer.Decoder([transformer.DecoderBlock(*sizes) for _ in range(2)], LayerNorm(D_MODEL)),
    )


def small(answer, rng, sources=SOURCES, targets=TARGETS):
    """A small Transformer with random weights."""
    model = answer(*parts(sources, targets))
    if not isinstance(model, transformer.TransformerParts):
        raise Problem(
            "type", "keep the first line as it is, `class Transformer(TransformerParts)`: it brings the parts."
        )
    return fill(model, rng)


def ids(vocab, *shape, rng):
    return torch.randint(3, vocab, shape, generator=rng)


def lengths(*numbers, width=0):
    """A mask with so many real tokens a row. width: with more, the last places are padding in all rows"""
    return torch.arange(max(width, *numbers)) < torch.tensor(numbers)[:, None]


@Transformer.probe("`encode`: batch 2, 3 tokens each")
def _(answer, rng):
    return small(answer, rng).encode(ids(SOURCES, 2, 3, rng=rng), lengths(3, 3))


@Transformer.probe("`encode`: 5, 3 and 2 tokens, the rest of 7 places padding")
def _(answer, rng):
    mask = lengths(5, 3, 2, width=7)
    found = small(answer, rng).encode(ids(SOURCES, 3, 7, rng=rng) * mask, mask)
    if not isinstance(found, torch.Tensor) or found.shape != (3, 7, D_MODEL):
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


@Transformer.probe("`forward`: tokens hidden by the mask that are no <PAD>")
def _(answer, rng):
    mask = lengths(4, 2)
    return small(answer, rng)(ids(SOURCES, 2, 4, rng=rng), mask, ids(TARGETS, 2, 3, rng=rng))


@Transformer.probe("one model: sources of 2 tokens and 2 positions, then 6 and 7, then 1 and 1")
def _(answer, rng):
    model, found = small(answer, rng), {}
    for sources, positions in (((2, 1), 2), ((6, 5), 7), ((1,), 1)):
        batch, mask = len(sources), lengths(*sources)
        logits = model(ids(SOURCES, batch, max(sources), rng=rng), mask, ids(TARGETS, batch, positions, rng=rng))
        found[f"the logits of {positions} positions"] = logits
    return found


@Transformer.probe("a source of 300 tokens, 310 positions")
def _(answer, rng):
    return small(answer, rng)(ids(SOURCES, 1, 300, rng=rng), lengths(300), ids(TARGETS, 1, 310, rng=rng))[:, -20:]


@Transformer.probe("one source and one memory with another mask, and with other weights, after `eval()`")
def _(answer, rng):
    model, source, inputs = bare(small(answer, rng)).eval(), ids(SOURCES, 2, 4, rng=rng), ids(TARGETS, 2, 3, rng=rng)
    mask, memory = lengths(4, 2), torch.randn(2, 4, D_MODEL, generator=rng)
    found = {"the logits where all is real": model(source, lengths(4, 4), inputs)}
    found |= {
        "the logits with padding": model(source, mask, inputs),
        "what `decode` gives": model.decode(inputs, memory, mask),
    }
    fill(model, rng)
    found["the logits with other weights"] = model(source, mask, inputs)
    return found | {"what `decode` gives with other weights": model.decode(inputs, memory, mask)}


@Transformer.probe("50,300 words in both languages")
def _(answer, rng):
    numbers = torch.tensor([[1, 50_299, 300, 50_257, 2]])
    return small(answer, rng, 50_300, 50_300)(numbers, lengths(5), numbers.flip(1))[..., -20:]


@Transformer.probe("the gradients for both embeddings")
def _(answer, rng):
    model = small(answer, rng)
    logits = model(ids(SOURCES, 2, 3, rng=rng), lengths(3, 2), ids(TARGETS, 2, 3, rng=rng))
    source, target = model.source_embedding.weight, model.target_embedding.weight
    return gradients(logits, **{"the source's embedding": source, "the target's embedding": target})


MASK, FORWARD = "source_mask[:, None, None, :]", "self.decode(inputs, self.encode(source, source_mask), source_mask)"


def reading(mask=MASK, x="self.embed_source(source)", by="self.encoder"):
    """`encode` with one part replaced."""
    return edit(f"self.encoder(self.embed_source(source), {MASK})", f"{by}({x}, {mask})")


def writing(mask=MASK, past="looking_back", x="self.embed(inputs)", by="self.decoder"):
    """`decode` with one part replaced."""
    return edit(f"self.decoder(self.embed(inputs), memory, looking_back, {MASK})", f"{by}({x}, memory, {past}, {mask})")


def logits(returned):
    return edit("return self.logits(x)", f"return {returned}")


# fmt: off
Transformer.mistakes(
    skips_the_encoder=("`forward` decodes the embedded source, not the memory: encode it first.",
        edit("self.encode(source, source_mask), ", "self.embed_source(source), ")),
    reads_padding=("the encoder sees padding: give it the mask, `source_mask[:, None, None, :]`.", reading("None")),
    mask_from_ids=("the mask is made from the ids: `source_mask` says what is real.",
        reading("(source != 0)[:, None, None, :]")),
    hides_the_words=("the source mask is inverted for the encoder: it is True where looking is allowed.",
        reading("~" + MASK)),
    reads_from_the_left=("the encoder may look at the whole source: no causal mask there.",
        reading(f"causal_mask(source.shape[1]) & {MASK}")),
    queries_for_keys=("the mask lies along the queries: keys are its last axis, `source_mask[:, None, None, :]`.",
        reading("source_mask[:, None, :, None]")),
    raw_embedding=("the raw embedding is encoded: `self.embed_source(source)` scales it and adds the positions.",
        reading(x="self.source_embedding(source)")),
    no_positions=("the positions are missing: `self.embed_source(source)` adds them.",
        reading(x="self.source_embedding(source) * self.scale")),
    positions_twice=("the positions are added twice: `self.embed_source(source)` has added them.",
        reading(x="self.positions(self.embed_source(source))")),
    no_encoder=("the encoder is left out: the memory is what it makes of the embedded source.",
        reading(by="(lambda x, mask: x)")),
    no_norm_in_encode=("`encode` passes through the blocks but not the last norm: call `self.encoder(x, mask)`.",
        reading(by="Encoder(self.encoder.blocks)")),
    no_norm_in_decode=("`decode` passes through the blocks but not the last norm: call `self.decoder(...)`.",
        writing(by="Decoder(self.decoder.blocks)")),
    blocks_side_by_side=(
        "every encoder block gets the embedded source: it should get what the block before it returned.",
        reading(by="(lambda x, mask: self.encoder.norm(self.encoder.blocks[-1](x, mask)))"),
    ),
    sources_in_the_targets_table=(
        "source ids are looked up in the target's embedding: `self.embed_source` is for the source.",
        reading(x="self.embed(source)"),
    ),
    targets_in_the_sources_table=("target ids are looked up in the source's embedding: `self.embed` is for the target.",
        writing(x="self.embed_source(inputs)")),
    writes_without_positions=("the positions are missing in the decoder: `self.embed(inputs)` adds them.",
        writing(x="self.target_embedding(inputs) * self.scale")),
    sees_the_future=("the decoder sees the words that it should predict: give it the causal mask.",
        writing(past="None")),
    sees_only_the_future=("the causal mask is turned round: `causal_mask` is True where looking is allowed already.",
        writing(past="~looking_back")),
    looks_at_padding=("the decoder looks at padding in the memory: give it the source mask as its last argument.",
        writing("None")),
    looks_only_at_padding=("the source mask is inverted for the decoder: it is True where looking is allowed.",
        writing("~" + MASK)),
    numbers_for_a_mask=("the causal mask holds numbers: attention wants True and False, as `causal_mask` makes them.",
        writing(past="looking_back.float()")),
    masks_exchanged=(
        "the decoder's masks are exchanged: the causal mask is the third argument, the source mask the fourth.",
        writing("looking_back", MASK),
    ),
    few_axes=("the source mask needs four axes, (batch, 1, 1, key): `source_mask[:, None, None, :]`.",
        *(ways for mask in ("source_mask", "source_mask[:, None, :]") for ways in (reading(mask), writing(mask))),
        *(edit(MASK, mask) for mask in ("source_mask", "source_mask[:, None, :]"))),
    causal_memory=("cross-attention has a causal mask here: every written word may look at the whole source.",
        writing(f"{MASK} & torch.ones(inputs.shape[1], memory.shape[1], dtype=torch.bool).tril()")),
    probabilities=("probabilities come back: return the logits as they are, the loss does the rest.",
        logits("self.logits(x).softmax(-1)")),
    log_probabilities=("log-probabilities come back: return the logits as they are, the loss does the rest.",
        logits("self.logits(x).log_softmax(-1)")),
    vectors_for_logits=("the decoder's vectors come back: `self.logits(x)` makes scores for every word of them.",
        logits("x")),
    last_position=("only the last position comes back: training needs the logits of all of them.",
        logits("self.logits(x[:, -1])"), logits("self.logits(x[:, -1:])")),
    shifts_again=("<SOS> is cut off: the inputs are shifted already, decode all of them.",
        edit("looking_back = ", "inputs = inputs[:, 1:]\n        looking_back = ")),
    cuts_the_end=("the last input is cut off: the inputs are shifted already, decode all of them.",
        edit("looking_back = ", "inputs = inputs[:, :-1]\n        looking_back = ")),
    no_bias=("the bias is missing from the logits: `self.logits(x)` has it.",
        logits("x @ self.target_embedding.weight.T")),
    squeezed_logits=("`.squeeze()` in `decode` takes away every axis of size 1, also that of a batch of one.",
        logits("self.logits(x).squeeze()")),
    returns_the_memory=("`forward` returns the memory: it should return the logits.",
        edit(FORWARD, "self.encode(source, source_mask)")),
    forgets_the_mask=("`forward` forgets the padding: pass `source_mask` on to both.",
        edit(f"return {FORWARD}", f"source_mask = torch.ones_like(source_mask)\n        return {FORWARD}")),
    forgets_the_mask_once=("`forward` forgets the padding when it encodes: pass `source_mask` on to both.",
        edit("encode(source, source_mask), source", "encode(source, torch.ones_like(source_mask)), source")),
    detached=("nothing is learned through the memory: do not `.detach()` it, nor use `no_grad`.",
        edit("(source, source_mask), source_mask)", "(source, source_mask).detach(), source_mask)")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------- next_word_step


def a_state(rng, written, *real, width=0):
    """What a model has written (batch, written) and read."""
    memory = torch.randn(len(real), max(width, *real), D_MODEL, generator=rng)
    return ids(TARGETS, len(real), written, rng=rng), memory, lengths(*real, width=width)


def in_words(result, word=""):
    """What comes back, by name."""
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise Problem("type", "three things come back: the logits, the next state and None.")
    found, state, third = result
    if not isinstance(state, tuple | list) or len(state) != 3:
        raise Problem("state", "the next state has three parts, as the old one: written, memory and source_mask.")
    names = "`written` in the next state", "the memory in the next state", "the source mask in the next state"
    found = {"the logits": found, **dict(zip(names, state, strict=True)), "the third thing": third}
    return {f"{name}{word}": part for name, part in found.items()}


@torch.no_grad()
def a_step(answer, rng, written, *real, width=0, vocab=TARGETS, least=3):
    model = small(transformer.Transformer, rng, targets=vocab)
    new = torch.randint(least, vocab, (len(real),), generator=rng)
    return in_words(answer(model, new, a_state(rng, written, *real, width=width)))


@next_word_step.probe("the fourth word, batch 2, 3 tokens read")
def _(answer, rng):
    return a_step(answer, rng, 3, 3, 3)


@next_word_step.probe("the third word, sources of 5 and 2 tokens, the rest of 7 places padding")
def _(answer, rng):
    return a_step(answer, rng, 2, 5, 2, width=7)


@next_word_step.probe("a batch of one, the second word")
def _(answer, rng):
    return a_step(answer, rng, 1, 3)


@next_word_step.probe("the same word twice, from the start")
@torch.no_grad()
def _(answer, rng):
    model, state, found = small(transformer.Transformer, rng), a_state(rng, 0, 4, 3), {}
    written = ids(TARGETS, 2, rng=rng)
    for word in (" after the first word", " after the second word"):
        result = answer(model, written, state)
        found |= in_words(result, word)
        state = result[1]
    return found


@next_word_step.probe("one model writes two texts in turn, a word of each")
@torch.no_grad()
def _(answer, rng):
    model, found = small(transformer.Transformer, rng), {}
    states = {"the first text": a_state(rng, 2, 4, 3), "the second text": a_state(rng, 0, 2, 5)}
    for word in (1, 2):
        for text in states:
            result = answer(model, ids(TARGETS, 2, rng=rng), states[text])
            found |= in_words(result, f" after word {word} of {text}")
            states[text] = result[1]
    return found


@next_word_step.probe("word 301 of one text")
def _(answer, rng):
    return a_step(answer, rng, 300, 4)


@next_word_step.probe("50,300 words, one of the last is written")
def _(answer, rng):
    return a_step(answer, rng, 2, 3, vocab=50_300, least=50_257)


@next_word_step.probe("the third word of four texts is <PAD>, <SOS>, <EOS> and a word")
@torch.no_grad()
def _(answer, rng):
    model, new = small(transformer.Transformer, rng), torch.tensor([PAD, SOS, EOS, 5])
    return in_words(answer(model, new, a_state(rng, 2, 3, 4, 2, 4)))


LONGER, LAST = "[written, ids[:, None]]", "model.decode(written, memory, source_mask)[:, -1]"


def state(after):
    """The next state is another one."""
    return edit("return logits, (written, memory, source_mask)", f"return logits, {after}")


def last(instead):
    """The logits are others."""
    return edit(LAST, instead)


# fmt: off
next_word_step.mistakes(
    new_word_only=("the decoder gets the new word only: it needs all that is written, the new word after it.",
        last("model.decode(ids[:, None], memory, source_mask)[:, -1]")),
    old_words_only=(
        "these logits know nothing of the new word: put it after what is written, decode all, take the last position.",
        last("model.decode(state[0], memory, source_mask)[:, -1]"),
        last("model.decode(state[0] if state[0].shape[1] else written, memory, source_mask)[:, -1]"),
        edit("[:, -1]", "[:, -2]"),
    ),
    in_front=("the new word stands in front: it belongs after what is written.",
        edit(LONGER, "[ids[:, None], written]")),
    first_position=("the logits of the first position come back: the last one knows what comes next.",
        edit("[:, -1]", "[:, 0]")),
    all_positions=("the logits of all positions come back: only the last one is asked, [:, -1].", edit("[:, -1]", "")),
    kept_axis=("an axis of size 1 is left: [:, -1] and not [:, -1:].", edit("[:, -1]", "[:, -1:]")),
    squeezed_logits=("`.squeeze()` takes away the batch of one too: [:, -1] takes away the positions only.",
        edit("[:, -1]", "[:, -1:].squeeze()")),
    probabilities=("probabilities come back: return the logits as they are.", last(f"{LAST}.softmax(-1)")),
    log_probabilities=("log-probabilities come back: return the logits as they are.", last(f"{LAST}.log_softmax(-1)")),
    chosen=("the likeliest word comes back: return the logits, who asks will choose.", last(f"{LAST}.argmax(-1)")),
    no_mask=("the source mask is not used: the third part of the state goes to `decode`.",
        last(LAST.replace("source_mask", "torch.ones_like(source_mask)"))),
    inverted_mask=("the source mask is inverted: hand it on as it is.",
        last(LAST.replace("source_mask", "~source_mask"))),
    forgets=("the state stays as it was: the new word belongs into `written`, for the step after this one.",
        state("state")),
    remembers_one=("the next state holds the new word only: all that is written belongs into it.",
        state("(ids[:, None], memory, source_mask)")),
    sees_the_future=("the words that are written see those after them: `model.decode` has the causal mask.",
        last(f"model.logits(model.decoder(model.embed(written), memory, None, {MASK}))[:, -1]")),
    loses_the_mask=("the next state lets padding through: hand on the source mask as it was.",
        state("(written, memory, torch.ones_like(source_mask))")),
    out_of_order=("the next state is out of order: written, memory, source_mask.",
        state("(written, source_mask, memory)"), state("(memory, source_mask, written)")),
    writes_two=("the likeliest word is written too: who asks will choose, and hand it in as the next `ids`.",
        state("(torch.cat([written, logits.argmax(-1)[:, None]], dim=1), memory, source_mask)")),
    logits_in_state=("the logits stand in the state: its first part is the ids that are written.",
        state("(logits, memory, source_mask)"),
        state("(model.decode(written, memory, source_mask), memory, source_mask)")),
)
# fmt: on

"""Wrong answers to notebook 09, as people write them."""

import math

import torch
from torch import nn
from torch.nn import functional

from lib.attention import causal_mask
from lib.checks.core import edit
from lib.transformer import TransformerParts
from tests.graders.cases import slips, wrong


class Whole(TransformerParts):
    """Right in all methods; the wrong answers write one anew."""

    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), source_mask[:, None, None])

    def decode(self, inputs, memory, source_mask):
        future = causal_mask(inputs.shape[1])
        return self.logits(self.decoder(self.embed(inputs), memory, future, source_mask[:, None, None]))

    def forward(self, source, source_mask, inputs):
        return self.decode(inputs, self.encode(source, source_mask), source_mask)


@wrong("Transformer", says="encoder sees padding")
class EncodesEverything(Whole):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source))


@wrong("Transformer", says="inverted for the encoder")
class PyTorchsMask(Whole):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), source_mask.logical_not()[:, None, None, :])


@wrong("Transformer", says="scales it and adds")
class PlainEmbedding(Whole):
    def encode(self, source, source_mask):
        return self.encoder(self.source_embedding(source), source_mask[:, None, None, :])


@wrong("Transformer", says="positions are missing")
class BagOfWords(Whole):
    def encode(self, source, source_mask):
        x = self.source_embedding(source) * math.sqrt(6)
        return self.encoder(x, source_mask[:, None, None, :])


@wrong("Transformer", says="added twice")
class TwoPositions(Whole):
    def encode(self, source, source_mask):
        x = self.positions(self.embed_source(source))
        return self.encoder(x, source_mask[:, None, None, :])


@wrong("Transformer", says="target's embedding")
class EmbedsAsTarget(Whole):
    def encode(self, source, source_mask):
        return self.encoder(self.embed(source), source_mask[:, None, None, :])


@wrong("Transformer", says="no causal mask there")
class CausalEncoder(Whole):
    def encode(self, source, source_mask):
        mask = source_mask[:, None, None, :] & causal_mask(source.shape[1])
        return self.encoder(self.embed_source(source), mask)


@wrong("Transformer", says="should predict")
class CheatingDecoder(Whole):
    def decode(self, inputs, memory, source_mask):
        return self.logits(self.decoder(self.embed(inputs), memory, memory_mask=source_mask[:, None, None, :]))


@wrong("Transformer", says="turned round")
class FutureOnly(Whole):
    def decode(self, inputs, memory, source_mask):
        hidden = torch.ones(inputs.shape[1], inputs.shape[1], dtype=torch.bool).triu(1)
        return self.logits(self.decoder(self.embed(inputs), memory, hidden, source_mask[:, None, None, :]))


@wrong("Transformer", says="padding in the memory")
class NoMemoryMask(Whole):
    def decode(self, inputs, memory, source_mask):
        return self.logits(self.decoder(self.embed(inputs), memory, causal_mask(inputs.shape[1])))


@wrong("Transformer", says="source's embedding")
class EmbedsAsSource(Whole):
    def decode(self, inputs, memory, source_mask):
        x = self.embed_source(inputs)
        return self.logits(self.decoder(x, memory, causal_mask(inputs.shape[1]), source_mask[:, None, None, :]))


@wrong("Transformer", says="masks are exchanged")
class SwappedMasks(Whole):
    def decode(self, inputs, memory, source_mask):
        x = self.embed(inputs)
        return self.logits(self.decoder(x, memory, source_mask[:, None, None, :], causal_mask(inputs.shape[1])))


@wrong("Transformer", says="probabilities come back")
class SoftmaxAtTheEnd(Whole):
    def decode(self, inputs, memory, source_mask):
        return super().decode(inputs, memory, source_mask).softmax(dim=-1)


@wrong("Transformer", says="log-probabilities")
class LogSoftmaxAtTheEnd(Whole):
    def decode(self, inputs, memory, source_mask):
        return functional.log_softmax(super().decode(inputs, memory, source_mask), -1)


@wrong("Transformer", says="decoder's vectors")
class ForgetsLogits(Whole):
    def decode(self, inputs, memory, source_mask):
        return self.decoder(self.embed(inputs), memory, causal_mask(inputs.shape[1]), source_mask[:, None, None, :])


@wrong("Transformer", says="batch of one")
class SqueezesAxesAway(Whole):
    def decode(self, inputs, memory, source_mask):
        return super().decode(inputs, memory, source_mask).squeeze()


@wrong("Transformer", says="last position")
class OnlyLast(Whole):
    def decode(self, inputs, memory, source_mask):
        x = self.decoder(self.embed(inputs), memory, causal_mask(inputs.shape[1]), source_mask[:, None, None, :])
        return self.logits(x[:, -1])


@wrong("Transformer", says="encode it first")
class NeverEncodes(Whole):
    def forward(self, source, source_mask, inputs):
        return self.decode(inputs, self.embed_source(source), source_mask)


@wrong("Transformer", says="detach")
class NoGradEncoder(Whole):
    def forward(self, source, source_mask, inputs):
        with torch.no_grad():
            memory = self.encode(source, source_mask)
        return self.decode(inputs, memory, source_mask)


@wrong("Transformer", says="`return` missing")
class NoReturn(Whole):
    def encode(self, source, source_mask):
        self.encoder(self.embed_source(source), source_mask[:, None, None, :])


@wrong("Transformer", says="position")
class RightForTheBatchOfOne(Whole):
    def forward(self, source, source_mask, inputs):
        source, source_mask, inputs = source[:1], source_mask[:1], inputs[:1]
        return self.decode(inputs, self.encode(source, source_mask), source_mask)


@wrong("Transformer", says="along the queries")
class MaskOnQueries(Whole):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), source_mask.unsqueeze(1).unsqueeze(-1))


@wrong("Transformer", says="four axes")
class MaskAsItCame(Whole):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), source_mask)


@wrong("Transformer", says="four axes")
class OneAxisTooFew(Whole):
    def decode(self, inputs, memory, source_mask):
        past = causal_mask(inputs.shape[1])
        return self.logits(self.decoder(self.embed(inputs), memory, past, source_mask.unsqueeze(1)))


@wrong("Transformer", says="holds numbers")
class OnesBelowTheDiagonal(Whole):
    def decode(self, inputs, memory, source_mask):
        past = torch.tril(torch.ones(inputs.shape[1], inputs.shape[1]))
        return self.logits(self.decoder(self.embed(inputs), memory, past, source_mask[:, None, None]))


@wrong("Transformer", says="made from the ids")
class MaskOutOfTheIds(Whole):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), (source != 0)[:, None, None])


@wrong("Transformer", says="block before it returned")
class EveryBlockStartsAnew(Whole):
    def encode(self, source, source_mask):
        x = self.embed_source(source)
        for block in self.encoder.blocks:
            memory = block(x, source_mask[:, None, None])
        return self.encoder.norm(memory)


@wrong("Transformer")
class CausalInTheFirstBlockOnly(Whole):
    def decode(self, inputs, memory, source_mask):
        x, past = self.embed(inputs), causal_mask(inputs.shape[1])
        for block in self.decoder.blocks:
            x, past = block(x, memory, past, source_mask[:, None, None]), None
        return self.logits(self.decoder.norm(x))


slips(
    "Transformer",
    mask_of_the_first_call=(
        "RuntimeError",
        edit(
            "looking_back = causal_mask(inputs.shape[1]).to(inputs.device)",
            "looking_back = self.__dict__.setdefault('mask', causal_mask(inputs.shape[1]))",
        ),
    ),
    memory_of_the_first_call=(
        "one model",
        edit("self.encode(source, source_mask), ", "self.__dict__.setdefault('m', self.encode(source, source_mask)), "),
    ),
    short_mask=(
        "a source of 300 tokens",
        edit("causal_mask(inputs.shape[1])", "causal_mask(64)[: inputs.shape[1], : inputs.shape[1]]"),
    ),
    small_ids=("50,300 words", edit("self.embed(inputs)", "self.embed(inputs.short().long())")),
)


# --------------------------------------------------------------------------------------------------- next_word_step


@wrong("next_word_step", says="new word only")
def forgets_the_past(model, ids, state):
    written, memory, mask = state
    logits = model.decode(ids[:, None], memory, mask)[:, -1]
    return logits, (torch.cat([written, ids[:, None]], 1), memory, mask), None


@wrong("next_word_step", says="in front")
def cat_the_wrong_way(model, ids, state):
    written, memory, mask = state
    written = torch.cat([ids[:, None], written], dim=1)
    return model.decode(written, memory, mask)[:, -1], (written, memory, mask), None


@wrong("next_word_step", says="first position")
def takes_the_first(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask)[:, 0], (written, memory, mask), None


@wrong("next_word_step", says="all positions")
def takes_all(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask), (written, memory, mask), None


@wrong("next_word_step", says="axis of size 1")
def keeps_an_axis(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask)[:, -1:], (written, memory, mask), None


@wrong("next_word_step", says="return the logits as they are")
def gives_probabilities(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask)[:, -1].softmax(-1), (written, memory, mask), None


@wrong("next_word_step", says="who asks will choose")
def gives_the_word(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask)[:, -1].argmax(-1), (written, memory, mask), None


@wrong("next_word_step", says="stays as it was")
def old_state(model, ids, state):
    written = torch.cat([state[0], ids[:, None]], dim=1)
    return model.decode(written, *state[1:])[:, -1], state, None


@wrong("next_word_step", says="source mask is not used")
def no_padding(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    logits = model.decode(written, memory, torch.ones(memory.shape[:2], dtype=torch.bool))
    return logits[:, -1], (written, memory, mask), None


@wrong("next_word_step", says="inverted")
def mask_upside_down(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, ~mask)[:, -1], (written, memory, mask), None


@wrong("next_word_step", says="three things")
def only_logits(model, ids, state):
    written = torch.cat([state[0], ids[:, None]], dim=1)
    return model.decode(written, *state[1:])[:, -1]


@wrong("next_word_step", says="know nothing of the new word")
def one_after(model, ids, state):
    written, memory, mask = state
    before = written if written.shape[1] else ids[:, None]
    logits = model.decode(before, memory, mask)[:, -1]
    return logits, (torch.cat([written, ids[:, None]], dim=1), memory, mask), None


@wrong("next_word_step", says="RuntimeError")
def forgets_the_axis(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids], dim=1)
    return model.decode(written, memory, mask)[:, -1], (written, memory, mask), None


@wrong("next_word_step", says="the third thing")
def returns_weights(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask)[:, -1], (written, memory, mask), mask


@wrong("next_word_step", says="that is written belongs")
def state_of_one(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask)[:, -1], (ids[:, None], memory, mask), None


@wrong("next_word_step", says="see those after them")
def last_position_without_a_mask(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    x = model.decoder(model.embed(written), memory, memory_mask=mask[:, None, None])
    return model.logits(x[:, -1]), (written, memory, mask), None


@wrong("next_word_step", says="know nothing of the new word")
def one_position_early(model, ids, state):
    written, memory, mask = state
    position = written.shape[1] - 1
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask)[:, position], (written, memory, mask), None


@wrong("next_word_step", says="out of order")
def exchanged_in_the_state(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    return model.decode(written, memory, mask)[:, -1], (written, mask, memory), None


@wrong("next_word_step", says="lets padding through")
def fresh_mask_for_the_state(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    fresh = torch.ones(memory.shape[:2], dtype=torch.bool)
    return model.decode(written, memory, mask)[:, -1], (written, memory, fresh), None


@wrong("next_word_step", says="written too")
def chooses_as_well(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    logits = model.decode(written, memory, mask)[:, -1]
    written = torch.cat([written, logits.argmax(dim=-1, keepdim=True)], dim=1)
    return logits, (written, memory, mask), None


@wrong("next_word_step", says="Sizes of tensors")
def one_row_for_the_batch(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids[None]], dim=1)
    return model.decode(written, memory, mask)[:, -1], (written, memory, mask), None


@wrong("next_word_step", says="the default value of `words`")
def words_in_a_default_list(model, ids, state, words=[]):  # noqa: B006
    words += [*([] if words else state[0].unbind(1)), ids]
    written = torch.stack(words, dim=1)
    return model.decode(written, *state[1:])[:, -1], (written, *state[1:]), None


slips(
    "next_word_step",
    an_end_written_as_padding=(None, edit("ids[:, None]", "ids.masked_fill(ids == 2, 0)[:, None]")),
    text_in_the_model=(
        "in turn",
        edit(
            "torch.cat([written, ids[:, None]], dim=1)",
            "model.__dict__['text'] = torch.cat([model.__dict__.get('text', written), ids[:, None]], dim=1)",
        ),
    ),
    own_start=("from the start", edit("[written, ids", "[written if written.shape[1] else ids[:, None], ids")),
    short_text=("word 301", edit("model.decode(written", "model.decode(written[:, -256:]")),
    small_ids=("50,300 words", edit("ids[:, None]", "ids[:, None].short()")),
    squeezed_text=("batch of one", edit("[:, -1]", "[:, -1:].squeeze()")),
)


# ----------------------------------------------------------------------------------------------- alignment_accuracy


@wrong("alignment_accuracy", says="axes are exchanged")
def over_the_written(weights, links):
    hits = [weights.argmax(-2)[..., read] == written for read, written in links]
    return torch.stack(hits, -1).float().mean(-1)


@wrong("alignment_accuracy", says="smallest")
def argmin(weights, links):
    hits = [weights.argmin(-1)[..., written] == read for read, written in links]
    return torch.stack(hits, -1).float().mean(-1)


@wrong("alignment_accuracy", says="divide by the number of links")
def number_of_hits(weights, links):
    hits = [weights.argmax(-1)[..., written] == read for read, written in links]
    return torch.stack(hits, -1).float().sum(-1)


@wrong("alignment_accuracy", says="divide by the number of links")
def hits_per_word(weights, links):
    hits = [weights.argmax(-1)[..., written] == read for read, written in links]
    return torch.stack(hits, -1).float().sum(-1) / weights.shape[-2]


@wrong("alignment_accuracy", says="one number for all heads")
def one_number(weights, links):
    hits = [weights.argmax(-1)[..., written] == read for read, written in links]
    return torch.stack(hits).float().mean()


@wrong("alignment_accuracy", says="heads are averaged")
def head_mean(weights, links):
    together = weights.flatten(0, -3).mean(0) if weights.dim() > 2 else weights
    hits = [together.argmax(-1)[written] == read for read, written in links]
    return torch.stack(hits).float().mean()


@wrong("alignment_accuracy", says="weight on the right word")
def average_weight(weights, links):
    return torch.stack([weights[..., written, read] for read, written in links], -1).mean(-1)


@wrong("alignment_accuracy", says="one row too late")
def shifted(weights, links):
    last = weights.shape[-2]
    hits = [weights.argmax(-1)[..., (written + 1) % last] == read for read, written in links]
    return torch.stack(hits, -1).float().mean(-1)


@wrong("alignment_accuracy", says="one row too early")
def shifted_back(weights, links):
    hits = [weights.argmax(-1)[..., written - 1] == read for read, written in links]
    return torch.stack(hits, -1).float().mean(-1)


@wrong("alignment_accuracy", says="for each link")
def not_averaged(weights, links):
    return torch.stack([weights.argmax(-1)[..., written] == read for read, written in links], -1)


@wrong("alignment_accuracy", says="percent")
def as_percent(weights, links):
    hits = [weights.argmax(-1)[..., written] == read for read, written in links]
    return 100 * torch.stack(hits, -1).float().mean(-1)


@wrong("alignment_accuracy", says="first link")
def returns_too_early(weights, links):
    for read, written in links:
        return (weights.argmax(-1)[..., written] == read).float()


@wrong("alignment_accuracy", says="IndexError")
def two_leading_axes(weights, links):
    hits = [weights.argmax(-1)[:, :, written] == read for read, written in links]
    return torch.stack(hits, -1).float().mean(-1)


@wrong("alignment_accuracy", says="torch.Tensor")
def python_number(weights, links):
    hits = [weights.argmax(-1)[..., written] == read for read, written in links]
    return torch.stack(hits).float().mean().item()


@wrong("alignment_accuracy", says="every link counts")
def dictionary_of_links(weights, links):
    read_for = {written: read for read, written in links}
    hits = [weights.argmax(-1)[..., written] == read for written, read in read_for.items()]
    return torch.stack(hits, -1).float().mean(-1)


@wrong("alignment_accuracy", says="squeeze")
def squeezes(weights, links):
    hits = [weights.argmax(-1)[..., written] == read for read, written in links]
    return torch.stack(hits, -1).squeeze().float().mean(-1)


@wrong("alignment_accuracy", says="in order")
def first_rows(weights, links):
    reads = torch.tensor([read for read, _ in links])
    return (weights.argmax(-1)[..., : len(links)] == reads).float().mean(-1)


@wrong("alignment_accuracy", says="one half")
def threshold(weights, links):
    return torch.stack([weights[..., written, read] > 0.5 for read, written in links], -1).float().mean(-1)


@wrong("alignment_accuracy", says="read words")
def hits_per_read_word(weights, links):
    hits = [weights.argmax(-1)[..., written] == read for read, written in links]
    return torch.stack(hits, -1).float().sum(-1) / weights.shape[-1]


@wrong("alignment_accuracy", says="tuple")
def sorts_the_links(weights, links):
    links.sort(key=lambda link: link[1])
    hits = [weights.argmax(-1)[..., written] == read for read, written in links]
    return torch.stack(hits, -1).float().mean(-1)


slips(
    "alignment_accuracy",
    pairs_turned=("wrong way round", edit("read, written = torch", "written, read = torch")),
    one_link_a_word=("more links than words", edit("(links)", "(links[: weights.shape[-2]])")),
    four_axes=(
        "(2, 1, 3, 2)",
        edit("weights.argmax", "(weights if weights.dim() < 5 else weights.flatten(0, -4)).argmax"),
    ),
    cut=("300 written", edit("weights.argmax", "weights[..., :256, :256].argmax")),
    next_row=("one row too late", edit("[..., written]", "[..., written + 1]")),
)


# ------------------------------------------------------------------------------------------------------- adamw_step


@wrong("adamw_step", says="not corrected")
def as_rmsprop_with_momentum(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    mean = betas[0] * mean + (1 - betas[0]) * gradient
    square = betas[1] * square + (1 - betas[1]) * gradient * gradient
    return weight - rate * mean / (torch.sqrt(square) + eps) - rate * decay * weight, mean, square


@wrong("adamw_step", says="(L2)")
def adam_with_l2(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    gradient = gradient + decay * weight
    mean = betas[0] * mean + (1 - betas[0]) * gradient
    square = betas[1] * square + (1 - betas[1]) * gradient**2
    m, v = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
    return weight - rate * m / (v.sqrt() + eps), mean, square


@wrong("adamw_step", says="is not used")
def plain_adam(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    mean = torch.lerp(mean, gradient, 1 - betas[0])
    square = torch.lerp(square, gradient.square(), 1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
    return weight - rate * m / (v.sqrt() + eps), mean, square


@wrong("adamw_step", says="changes what it was given")
def in_place_as_pytorch_does(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
    return weight * (1 - rate * decay) - rate * m / (v.sqrt() + eps), mean, square


@wrong("adamw_step", says="0 / 0")
def a_guard_only_in_the_correction(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    mean = betas[0] * mean + (1 - betas[0]) * gradient
    square = betas[1] * square + (1 - betas[1]) * gradient**2
    m, v = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
    return weight * (1 - rate * decay) - rate * m / v.sqrt(), mean, square


slips(
    "adamw_step",
    corrected_for_a_thousand_steps_only=(
        None,
        edit(
            "mean / (1 - beta1**step)",
            "mean / (1 - beta1**step if step < 1001 else 1)",
            "square / (1 - beta2**step)",
            "square / (1 - beta2**step if step < 1001 else 1)",
        ),
    ),
    corrected_twice=("", edit("mean / (1 - beta1**step)", "mean / (1 - beta1**step) ** 2")),
    exchanged_corrections=(
        "",
        edit(
            "mean / (1 - beta1**step)",
            "mean / (1 - beta2**step)",
            "square / (1 - beta2**step)",
            "square / (1 - beta1**step)",
        ),
    ),
    gradient_of_the_mean=("mean is squared", edit("gradient**2", "mean**2")),
    a_maximum=("", edit("(square_hat.sqrt() + eps)", "square_hat.sqrt().clamp(min=eps)")),
    noise=("", edit("rate * mean_hat /", "rate * (mean_hat + 0.01 * gradient) /")),
)


# ---------------------------------------------------------------------------------------------------- learning_rate


@wrong("learning_rate", says="rate 0")
def from_zero(step, steps, peak, warmup, floor=0.02):
    if step < warmup:
        return peak * step / warmup
    share = min(1.0, (step - warmup) / (steps - warmup))
    return peak * (floor + (1 - floor) * (1 + math.cos(math.pi * share)) / 2)


@wrong("learning_rate", says="rises again")
def as_nanogpt_without_its_third_line(step, steps, peak, warmup, floor=0.02):
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / (steps - warmup)
    low = floor * peak
    return low + 0.5 * (1.0 + math.cos(math.pi * share)) * (peak - low)


@wrong("learning_rate", says="in a line")
def two_lines(step, steps, peak, warmup, floor=0.02):
    if step < warmup:
        return peak * (step + 1) / warmup
    share = min(1.0, (step - warmup) / (steps - warmup))
    return peak * (1 - (1 - floor) * share)


@wrong("learning_rate", says="should be a float")
def with_tensors(step, steps, peak, warmup, floor=0.02):
    if step < warmup:
        return torch.tensor(peak * (step + 1) / warmup)
    share = torch.tensor(min(1.0, (step - warmup) / (steps - warmup)))
    return peak * (floor + (1 - floor) * 0.5 * (1 + torch.cos(math.pi * share)))


@wrong("learning_rate", says="ZeroDivisionError")
def without_a_question(step, steps, peak, warmup, floor=0.02):
    share = min(1.0, max(0.0, (step - warmup) / (steps - warmup)))
    return min((step + 1) / warmup, 1.0) * peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * share)))


slips(
    "learning_rate",
    a_step_late=("", edit("(step - warmup)", "(step - 1 - warmup)")),
    another_power=(
        "",
        edit("0.5 * (1 + math.cos(math.pi * min(1.0, share)))", "math.cos(1.57 * min(1.0, share)) ** 2.2"),
    ),
    floor_from_the_start=("", edit("peak * (step + 1) / warmup", "peak * max(floor, (step + 1) / warmup)")),
    sine=("", edit("math.cos", "math.sin")),
    half_way=("", edit("min(1.0, share)", "min(0.5, share)")),
)


# ---------------------------------------------------------------------------------------------------- training_step


@wrong("training_step", says="still there")
def the_usual_three_lines(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    total = 0.0
    for batch in batches:
        loss = loss_of(batch) / len(batches)
        loss.backward()
        total += loss.item()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    if not torch.isfinite(norm):
        raise FloatingPointError(f"norm {norm}")
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return total


@wrong("training_step", says="FloatingPointError")
def without_the_error(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    optimiser.zero_grad()
    loss = sum(loss_of(batch) for batch in batches) / len(batches)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return loss.item()


@wrong("training_step", says="RuntimeError")
def as_pytorch_refuses(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    optimiser.zero_grad()
    loss = sum(loss_of(batch) for batch in batches) / len(batches)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm, error_if_nonfinite=True)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return loss.item()


@wrong("training_step", says="the sum of all losses")
def mean_of_the_returned_only(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    model.zero_grad()
    total = 0.0
    for batch in batches:
        loss = loss_of(batch) / len(batches)
        loss.backward()
        total += loss.item()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    if not torch.isfinite(norm):
        raise FloatingPointError("not finite")
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return total / len(batches)


@wrong("training_step")
def an_epoch(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    losses = []
    for group in optimiser.param_groups:
        group["lr"] = rate
    for batch in batches:
        optimiser.zero_grad()
        loss = loss_of(batch) / len(batches)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        if not torch.isfinite(norm):
            raise FloatingPointError("not finite")
        optimiser.step()
        losses.append(loss.item())
    return sum(losses)


@wrong("training_step")
def a_new_optimiser(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    model.zero_grad()
    loss = sum(loss_of(batch) for batch in batches) / len(batches)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    if not norm.isfinite():
        raise FloatingPointError("not finite")
    torch.optim.AdamW(model.parameters(), lr=rate).step()
    return loss.item()


@wrong("training_step")
def clips_after_dividing_by_the_norm(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    model.zero_grad()
    loss = sum(loss_of(batch) for batch in batches) / len(batches)
    loss.backward()
    norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
    if not norm.isfinite():
        raise FloatingPointError("not finite")
    for p in model.parameters():
        p.grad /= norm / max_norm
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return loss.item()


READ = "return self.encoder(self.embed_source(source), source_mask[:, None, None, :])"
USED = "used = source_mask.any(0)\n"
slips(
    "Transformer",
    knows_the_source_again=(
        "the logits with",
        edit(
            READ,
            "if getattr(self, 'read', [None])[0] is not source:\n"
            f"            {READ.replace('return', 'self.read = source,')}\n        return self.read[1]",
        ),
    ),
    drops_what_is_padding_for_all=(
        "shape",
        edit(READ, f"{USED}        source, source_mask = source[:, used], source_mask[:, used]\n        {READ}"),
    ),
)
slips(
    "next_word_step",
    drops_what_is_padding_for_all=(
        "shape",
        edit(
            " = state\n",
            f" = state\n    {USED}    memory, source_mask = memory[:, used], source_mask[:, used]\n",
        ),
    ),
)


slips("training_step", infinite_is_fine=("infinite", edit("if not norm.isfinite()", "if norm.isnan()")))

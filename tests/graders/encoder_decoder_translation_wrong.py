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


# ------------------------------------------------------------------------------------------------- share_of_padding


@wrong("share_of_padding", says="share of the real tokens")
def real_share(lengths, batches):
    real = sum(lengths[i] for batch in batches for i in batch)
    return real / sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)


@wrong("share_of_padding", says="divided by the real tokens")
def padding_per_token(lengths, batches):
    real = sum(lengths[i] for batch in batches for i in batch)
    return sum(len(batch) * max(lengths[i] for i in batch) for batch in batches) / real - 1


@wrong("share_of_padding", says="averaged")
def average_share(lengths, batches):
    shares = 0.0
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        shares += sum(longest - lengths[i] for i in batch) / (longest * len(batch))
    return shares / len(batches)


@wrong("share_of_padding", says="its own longest")
def longest_of_all(lengths, batches):
    longest = max(lengths)
    padding = sum(longest - lengths[i] for batch in batches for i in batch)
    return padding / (longest * sum(len(batch) for batch in batches))


@wrong("share_of_padding", says="padded places are counted")
def number_of_places(lengths, batches):
    return sum(max(lengths[j] for j in batch) - lengths[i] for batch in batches for i in batch)


@wrong("share_of_padding", says="percent")
def in_percent(lengths, batches):
    real = sum(lengths[i] for batch in batches for i in batch)
    return 100 - 100 * real / sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)


@wrong("share_of_padding", says="only the last batch")
def overwritten(lengths, batches):
    for batch in batches:
        real = sum(lengths[i] for i in batch)
        places = len(batch) * max(lengths[i] for i in batch)
    return 1 - real / places


@wrong("share_of_padding", says="counted once each")
def counts_those_left_out(lengths, batches):
    places = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    return 1 - sum(lengths) / places


@wrong("share_of_padding", says="whatever order")
def ignores_the_indices(lengths, batches):
    start = real = places = 0
    for batch in batches:
        row = lengths[start : start + len(batch)]
        start += len(batch)
        real += sum(row)
        places += len(row) * max(row)
    return 1 - real / places


@wrong("share_of_padding", says="shortest")
def narrow_rectangles(lengths, batches):
    real = sum(lengths[i] for batch in batches for i in batch)
    return 1 - real / sum(len(batch) * min(lengths[i] for i in batch) for batch in batches)


@wrong("share_of_padding", says="first batch")
def returns_in_the_loop(lengths, batches):
    for batch in batches:
        row = [lengths[i] for i in batch]
        return 1 - sum(row) / (len(row) * max(row))


@wrong("share_of_padding", says="not as its last one")
def trusts_the_order(lengths, batches):
    real = sum(lengths[i] for batch in batches for i in batch)
    return 1 - real / sum(len(batch) * lengths[batch[-1]] for batch in batches)


@wrong("share_of_padding", says="largest index")
def longest_by_index(lengths, batches):
    real = sum(lengths[i] for batch in batches for i in batch)
    return 1 - real / sum(len(batch) * lengths[max(batch)] for batch in batches)


@wrong("share_of_padding", says="shares of the sentences")
def mean_of_rows(lengths, batches):
    shares = []
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        shares += [(longest - lengths[i]) / longest for i in batch]
    return sum(shares) / len(shares)


@wrong("share_of_padding", says="`return`")
def prints_it(lengths, batches):
    real = sum(lengths[i] for batch in batches for i in batch)
    print(1 - real / sum(len(batch) * max(lengths[i] for i in batch) for batch in batches))


@wrong("share_of_padding", says="should be a float")
def one_for_each(lengths, batches):
    return [1 - sum(lengths[i] for i in batch) / (len(batch) * max(lengths[i] for i in batch)) for batch in batches]


slips(
    "share_of_padding",
    tensor=("should be a float", edit("return 1 - real / places", "return Tensor([1 - real / places])[0]")),
    odds=("no padding", edit("return 1 - real / places", "return 1 / (1 + real / (places - real))")),
    cut=("500 sentences", edit("* max(in_batch)", "* min(max(in_batch), 256)")),
    counts_once=("in two batches", edit("1 - real", "1 - sum(lengths[i] for i in set(sum(batches, [])))")),
)


# ---------------------------------------------------------------------------------------------- label_smoothed_loss


@wrong("label_smoothed_loss", says="plain cross-entropy")
def no_smoothing(logits, targets, smoothing):
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))


@wrong("label_smoothed_loss", says="exchanged")
def turned(logits, targets, smoothing):
    log_probs = logits.log_softmax(-1)
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -(smoothing * right + (1 - smoothing) * log_probs.mean(-1)).mean()


@wrong("label_smoothed_loss", says="whole weight")
def adds_a_penalty(logits, targets, smoothing):
    log_probs = logits.log_softmax(-1)
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -(right + smoothing * log_probs.mean(-1)).mean()


@wrong("label_smoothed_loss", says="even part is missing")
def only_less(logits, targets, smoothing):
    return (1 - smoothing) * functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))


@wrong("label_smoothed_loss", says="wrong words only")
def as_in_the_annotated_one(logits, targets, smoothing):
    vocab = logits.shape[-1]
    wanted = torch.full_like(logits, smoothing / (vocab - 1)).scatter(-1, targets[..., None], 1 - smoothing)
    return -(wanted * logits.log_softmax(-1)).sum(-1).mean()


@wrong("label_smoothed_loss", says="surprise of all words is summed")
def sums_the_words(logits, targets, smoothing):
    log_probs = logits.log_softmax(-1)
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * log_probs.sum(-1)).mean()


@wrong("label_smoothed_loss", says="targets are summed")
def sums_the_targets(logits, targets, smoothing):
    log_probs = logits.log_softmax(-1)
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * log_probs.mean(-1)).sum()


@wrong("label_smoothed_loss", says="sign is wrong")
def log_likelihood(logits, targets, smoothing):
    log_probs = logits.log_softmax(-1)
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return ((1 - smoothing) * right + smoothing * log_probs.mean(-1)).mean()


@wrong("label_smoothed_loss", says="overflows")
def softmax_then_log(logits, targets, smoothing):
    log_probs = torch.log(torch.softmax(logits, dim=-1))
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * log_probs.mean(-1)).mean()


@wrong("label_smoothed_loss", says="overflows")
def log_sum_exp_by_hand(logits, targets, smoothing):
    log_probs = logits - torch.log(torch.exp(logits).sum(-1, keepdim=True))
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * log_probs.mean(-1)).mean()


@wrong("label_smoothed_loss", says="divergence")
def kullback_leibler(logits, targets, smoothing):
    wanted = torch.full_like(logits, smoothing / logits.shape[-1])
    wanted.scatter_add_(-1, targets[..., None], torch.full_like(wanted[..., :1], 1 - smoothing))
    return nn.KLDivLoss(reduction="batchmean")(logits.log_softmax(-1), wanted)


@wrong("label_smoothed_loss", says="paper's choice")
def as_in_the_paper(logits, targets, smoothing):
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), label_smoothing=0.1)


@wrong("label_smoothed_loss", says="twice")
def cross_entropy_of_probabilities(logits, targets, smoothing):
    chances = functional.softmax(logits, dim=-1)
    return functional.cross_entropy(
        chances.reshape(-1, logits.shape[-1]), targets.reshape(-1), label_smoothing=smoothing
    )


@wrong("label_smoothed_loss", says="runs over axis 1")
def softmax_over_axis_1(logits, targets, smoothing):
    log_probs = functional.log_softmax(logits, dim=1)
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * log_probs.mean(-1)).mean()


@wrong("label_smoothed_loss", says="not log-probabilities yet")
def raw_logits(logits, targets, smoothing):
    right = logits.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * logits.mean(-1)).mean()


@wrong("label_smoothed_loss", says="over the targets")
def softmax_over_rows(logits, targets, smoothing):
    log_probs = logits.log_softmax(0)
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * log_probs.mean(-1)).mean()


@wrong("label_smoothed_loss", says="one number for each target")
def unreduced(logits, targets, smoothing):
    log_probs = logits.log_softmax(-1)
    right = log_probs.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * log_probs.mean(-1))


@wrong("label_smoothed_loss", says="gradient")
def as_a_float(logits, targets, smoothing):
    return torch.tensor(
        functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), label_smoothing=smoothing
        ).item()
    )


@wrong("label_smoothed_loss", says="probability itself")
def of_probabilities(logits, targets, smoothing):
    chances = logits.softmax(-1)
    right = chances.gather(-1, targets[..., None]).squeeze(-1)
    return -((1 - smoothing) * right + smoothing * chances.mean(-1)).mean()


@wrong("label_smoothed_loss", says="raised")
def two_axes_only(logits, targets, smoothing):
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing)


@wrong("label_smoothed_loss", says="a single target")
def flattens(logits, targets, smoothing):
    return functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), label_smoothing=smoothing)


@wrong("label_smoothed_loss", says="raised")
def three_axes_at_most(logits, targets, smoothing):
    if logits.dim() == 3:
        logits, targets = logits.flatten(0, 1), targets.flatten()
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing)


slips(
    "label_smoothed_loss",
    below_1=("AssertionError", edit("surprise = -", "assert 0 <= smoothing < 1\n    surprise = -")),
    small_ids=("50,300 words", edit("targets.unsqueeze", "targets.short().long().unsqueeze")),
    without_word_0=("word 0 is left out", edit(", targets.unsqueeze(-1))", ", targets.unsqueeze(-1))[targets != 0]")),
    number=("torch.Tensor", edit("surprise.mean()", "surprise.mean().item()", "(-1)).mean()", "(-1)).mean().item()")),
)


# -------------------------------------------------------------------------------------------------------- noam_rate


@wrong("noam_rate", says="larger of the two")
def max_for_min(step, d_model, warmup):
    return max(1 / math.sqrt(step), step * warmup**-1.5) / math.sqrt(d_model)


@wrong("noam_rate", says="d_model is missing")
def without_d_model(step, d_model, warmup):
    return min(step**-0.5, step * warmup**-1.5)


@wrong("noam_rate", says="more slowly")
def times_the_root(step, d_model, warmup):
    return d_model**0.5 * min(step**-0.5, step * warmup**-1.5)


@wrong("noam_rate", says="without its root")
def divides_by_d_model(step, d_model, warmup):
    return min(step**-0.5, step * warmup**-1.5) / d_model


@wrong("noam_rate", says="no warm-up")
def only_falls(step, d_model, warmup):
    return (d_model * step) ** -0.5


@wrong("noam_rate", says="for ever")
def only_rises(step, d_model, warmup):
    return d_model**-0.5 * step * warmup**-1.5


@wrong("noam_rate", says="stays as it is")
def flat(step, d_model, warmup):
    return d_model**-0.5 * min(warmup**-0.5, step * warmup**-1.5)


@wrong("noam_rate", says="as one over the root")
def falls_too_fast(step, d_model, warmup):
    return d_model**-0.5 * min(1 / step, step * warmup**-1.5)


@wrong("noam_rate", says="too steep")
def share_of_warmup(step, d_model, warmup):
    return d_model**-0.5 * min(step**-0.5, step / warmup)


@wrong("noam_rate", says="too late")
def counted_from_zero(step, d_model, warmup):
    step = step + 1
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


@wrong("noam_rate", says="warmup^-1.5")
def positive_power(step, d_model, warmup):
    return d_model**-0.5 * min(step**-0.5, step * warmup**1.5)


@wrong("noam_rate", says="not -0.5")
def half_for_one_and_a_half(step, d_model, warmup):
    return d_model**-0.5 * min(step**-0.5, step * warmup**-0.5)


@wrong("noam_rate", says="exchanged")
def other_order(step, warmup, d_model):
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


@wrong("noam_rate", says="use `warmup`")
def warm_up_of_the_paper(step, d_model, warmup):
    return d_model**-0.5 * min(step**-0.5, step * 4000**-1.5)


@wrong("noam_rate", says="use `d_model`")
def width_of_the_paper(step, d_model, warmup):
    return min(step**-0.5, step * warmup**-1.5) / math.sqrt(512)


@wrong("noam_rate", says="both parts")
def without_brackets(step, d_model, warmup):
    return min(d_model**-0.5 * step**-0.5, step * warmup**-1.5)


@wrong("noam_rate", says="only warmup")
def brackets_too_wide(step, d_model, warmup):
    return d_model**-0.5 * min(step**-0.5, (step * warmup) ** -1.5)


@wrong("noam_rate", says="wrong number")
def powers_exchanged(step, d_model, warmup):
    return d_model**-0.5 * min(step**-0.5, warmup * step**-1.5)


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

"""Wrong answers to notebook 11: the loss and the model, as people write them."""

import math

import torch
from torch import nn
from torch.nn import functional

from lib.attention import causal_mask
from lib.checks.core import edit
from lib.gpt import gpt_loss
from lib.layers import LayerNorm
from lib.positions import LearnedPositions
from lib.transformer import EncoderBlock
from tests.graders.cases import slips, wrong

# --------------------------------------------------------------------------------------------------------- gpt_loss


@wrong("gpt_loss", says="nothing is shifted")
def copies(model, ids):
    logits = model(ids)
    return functional.cross_entropy(logits.view(-1, logits.shape[-1]), ids.view(-1))


@wrong("gpt_loss", says="nothing is shifted")
def copies_without_the_last(model, ids):
    x = ids[:, :-1]
    logits = model(x)
    return functional.cross_entropy(logits.transpose(1, 2), x)


@wrong("gpt_loss", says="one step back")
def guesses_the_past(model, ids):
    logits, targets = model(ids[:, 1:]), ids[:, :-1]
    return functional.cross_entropy(logits.transpose(1, 2), targets)


@wrong("gpt_loss", says="two steps ahead")
def skips_one(model, ids):
    return functional.cross_entropy(model(ids[:, :-2]).transpose(1, 2), ids[:, 2:])


@wrong("gpt_loss", says="reads the last token too")
def slices_the_logits(model, ids):
    logits = model(ids)[:, :-1]
    return functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


@wrong("gpt_loss", says="the sum over all tokens")
def adds_up(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="sum")


@wrong("gpt_loss", says="summed over the positions")
def adds_up_positions(model, ids):
    losses = functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none")
    return losses.sum(1).mean()


@wrong("gpt_loss", says="only the last token")
def last_position(model, ids):
    chances = model(ids[:, :-1])[:, -1].log_softmax(-1)
    return -chances[torch.arange(len(ids)), ids[:, -1]].mean()


@wrong("gpt_loss", says="softmax before cross_entropy")
def two_softmaxes(model, ids):
    chances = model(ids[:, :-1]).softmax(dim=-1)
    return functional.cross_entropy(chances.flatten(0, 1), ids[:, 1:].flatten())


@wrong("gpt_loss", says="sign")
def log_likelihood(model, ids):
    logs = model(ids[:, :-1]).log_softmax(dim=-1)
    return logs.gather(2, ids[:, 1:].unsqueeze(2)).mean()


@wrong("gpt_loss", says="in bits")
def base_two(model, ids):
    logs = model(ids[:, :-1]).log_softmax(dim=-1) / math.log(2)
    return -logs.gather(2, ids[:, 1:].unsqueeze(2)).mean()


@wrong("gpt_loss", says="perplexity")
def exponentiated(model, ids):
    return torch.exp(functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:]))


@wrong("gpt_loss", says="a view instead of a transpose")
def wrong_view(model, ids):
    logits = model(ids[:, :-1])
    return functional.cross_entropy(logits.view(logits.shape[0], logits.shape[2], logits.shape[1]), ids[:, 1:])


@wrong("gpt_loss", says="logits themselves")
def no_softmax(model, ids):
    logits = model(ids[:, :-1])
    return -torch.take_along_dim(logits, ids[:, 1:].unsqueeze(-1), dim=-1).mean()


@wrong("gpt_loss", says="log of a softmax")
def underflows(model, ids):
    chances = model(ids[:, :-1]).softmax(dim=-1)
    right = chances.gather(-1, ids[:, 1:].unsqueeze(-1))
    return -torch.log(right).mean()


@wrong("gpt_loss", says="one number")
def a_loss_each(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), reduction="none")


@wrong("gpt_loss", says="plain number")
def a_float(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).item()


@wrong("gpt_loss", says="gradient")
def cut_off(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).detach().flatten(0, 1), ids[:, 1:].flatten())


@wrong("gpt_loss", says="return")
def says_nothing(model, ids):
    functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


@wrong("gpt_loss", says="raised")
def squeezes_one_row_away(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).squeeze().transpose(1, 2), ids[:, 1:].squeeze())


@wrong("gpt_loss", says="take away rows")
def slices_the_batch(model, ids):
    return functional.cross_entropy(model(ids[:-1]).flatten(0, 1), ids[1:].flatten())


@wrong("gpt_loss", says="logarithm of the mean")
def mean_before_log(model, ids):
    chances = model(ids[:, :-1]).softmax(-1)
    return -torch.log(chances.gather(-1, ids[:, 1:].unsqueeze(-1)).mean())


@wrong("gpt_loss", says="over the positions")
def softmax_along_the_text(model, ids):
    logs = functional.log_softmax(model(ids[:, :-1]), dim=1)
    return functional.nll_loss(logs.flatten(0, 1), ids[:, 1:].flatten())


@wrong("gpt_loss", says="divided by all tokens")
def divides_by_numel(model, ids):
    total = functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="sum")
    return total / ids.numel()


@wrong("gpt_loss", says="nothing is padding")
def as_in_translation(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], ignore_index=0)


@wrong("gpt_loss")
def clamped(model, ids):
    chances = model(ids[:, :-1]).softmax(dim=-1).clamp(min=1e-9)
    return -chances.gather(-1, ids[:, 1:].unsqueeze(-1)).log().mean()


# -------------------------------------------------------------------------------------------------------------- GPT


class Given(nn.Module):
    """What the exercise gives."""

    def __init__(
        self,
        vocab,
        n_positions,
        d_model,
        n_heads,
        n_layers,
        dropout=0.0,
        activation=functional.gelu,
        block=EncoderBlock,
    ):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.dropout = nn.Dropout(dropout)
        sizes = d_model, n_heads, 4 * d_model, dropout
        self.blocks = nn.ModuleList(block(*sizes, bias=True, activation=activation) for _ in range(n_layers))
        self.norm = LayerNorm(d_model)

    def loss(self, ids):
        return gpt_loss(self, ids)


class Right(Given):
    def embed(self, ids, start=0):
        return self.dropout(self.positions(self.embedding(ids), start))

    def logits(self, x):
        return self.norm(x) @ self.embedding.weight.T

    def forward(self, ids):
        x = self.embed(ids)
        mask = causal_mask(ids.shape[1])
        for block in self.blocks:
            x = block(x, mask)
        return self.logits(x)


@wrong("GPT", says="mask is missing")
class Unmasked(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x)
        return self.logits(x)


@wrong("GPT", says="inverted")
class MaskOfTheHidden(Right):
    def forward(self, ids):
        x = self.embed(ids)
        hidden = torch.triu(torch.ones(ids.shape[1], ids.shape[1]), 1).bool()
        for block in self.blocks:
            x = block(x, hidden)
        return self.logits(x)


@wrong("GPT", says="turned round")
class UpperTriangle(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu())
        return self.logits(x)


@wrong("GPT", says="result is lost")
class ForgetsToAssign(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            block(x, causal_mask(ids.shape[1]))
        return self.logits(x)


@wrong("GPT", says="every block gets the embedding")
class NewNameInTheLoop(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            y = block(x, causal_mask(ids.shape[1]))
        return self.logits(y)


@wrong("GPT", says="only the first block")
class ReturnsInTheLoop(Right):
    def forward(self, ids):
        x, mask = self.embed(ids), causal_mask(ids.shape[1])
        for block in self.blocks:
            x = block(x, mask)
            return self.logits(x)


@wrong("GPT", says="positions are missing")
class BagOfTokens(Right):
    def embed(self, ids, start=0):
        return self.dropout(self.embedding(ids))


@wrong("GPT", says="`start` is not handed on")
class AlwaysFromZero(Right):
    def embed(self, ids, start=0):
        return self.dropout(self.positions(self.embedding(ids)))


@wrong("GPT", says="√d_model")
class AsInThePaper(Right):
    def embed(self, ids, start=0):
        x = self.embedding(ids) * math.sqrt(self.embedding.weight.shape[1])
        return self.dropout(self.positions(x, start))


@wrong("GPT", says="dropout is missing")
class ForgetsDropout(Right):
    def embed(self, ids, start=0):
        return self.positions(self.embedding(ids), start)


@wrong("GPT", says="dropout comes before")
class DropsTokensOnly(Right):
    def embed(self, ids, start=0):
        return self.positions(self.dropout(self.embedding(ids)), start)


@wrong("GPT", says="norm at the end is missing")
class NoFinalNorm(Right):
    def logits(self, x):
        return functional.linear(x, self.embedding.weight)


@wrong("GPT", says="normed twice")
class NormInBoth(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, causal_mask(ids.shape[1]))
        return self.logits(self.norm(x))


@wrong("GPT", says="probabilities: return the logits")
class ReturnsChances(Right):
    def logits(self, x):
        return (self.norm(x) @ self.embedding.weight.T).softmax(dim=-1)


@wrong("GPT", says="logarithms of probabilities")
class ReturnsLogChances(Right):
    def logits(self, x):
        return functional.log_softmax(self.norm(x) @ self.embedding.weight.T, dim=-1)


@wrong("GPT", says="only the last position")
class NextTokenOnly(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, causal_mask(ids.shape[1]))
        return self.logits(x[:, -1])


@wrong("GPT", says="layer of their own")
class Untied(Right):
    def __init__(self, vocab, n_positions, d_model, *rest, **named):
        super().__init__(vocab, n_positions, d_model, *rest, **named)
        self.head = nn.Linear(d_model, vocab, bias=False)

    def logits(self, x):
        return self.head(self.norm(x))


@wrong("GPT", says="ends without the logits")
class ReturnsX(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, causal_mask(ids.shape[1]))
        return x


@wrong("GPT", says="plain dot products")
class DividesByRoot(Right):
    def logits(self, x):
        return self.norm(x) @ self.embedding.weight.T / math.sqrt(x.shape[-1])


@wrong("GPT", says="raised")
class TableNotTurned(Right):
    def logits(self, x):
        return self.norm(x) @ self.embedding.weight


@wrong("GPT", says="no gradient flows")
class DetachedTable(Right):
    def logits(self, x):
        return (self.norm(x) @ self.embedding.weight.T).detach()


@wrong("GPT", says="return")
class SaysNothing(Right):
    def embed(self, ids, start=0):
        self.dropout(self.positions(self.embedding(ids), start))


@wrong("GPT", says="the result is")
class LossOfAllTokens(Right):
    def loss(self, ids):
        return gpt_loss(self, ids) * ids.numel()


@wrong("GPT", says=None)
class ReluInsteadOfWhatIsGiven(Right):
    def __init__(self, *sizes, dropout=0.0, activation=functional.gelu, block=EncoderBlock):
        super().__init__(*sizes, dropout=dropout, activation=functional.relu, block=block)


@wrong("GPT", says="another kind of block")
class AlwaysEncoderBlocks(Right):
    def __init__(self, *sizes, dropout=0.0, activation=functional.gelu, block=EncoderBlock):
        super().__init__(*sizes, dropout=dropout, activation=activation)


@wrong("GPT", says="cut off")
class HeadOfData(Right):
    def logits(self, x):
        return self.norm(x) @ self.embedding.weight.data.T


@wrong("GPT", says="the gradient for")
class DetachedBlocks(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x.detach(), causal_mask(ids.shape[1]))
        return self.logits(x)


@wrong("GPT", says="shape")
class SqueezesOneRowAway(Right):
    def forward(self, ids):
        return super().forward(ids).squeeze()


@wrong("GPT", says="look at itself")
class StrictlyBefore(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, torch.ones(ids.shape[1], ids.shape[1]).tril(-1).bool())
        return self.logits(x)


@wrong("GPT", says="added twice: a block adds it")
class ShortcutAroundBlocks(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = x + block(x, causal_mask(ids.shape[1]))
        return self.logits(x)


@wrong("GPT", says="positions are added twice")
class PositionsInForward(Right):
    def forward(self, ids):
        x = self.positions(self.embed(ids))
        for block in self.blocks:
            x = block(x, causal_mask(ids.shape[1]))
        return self.logits(x)


@wrong("GPT", says="raised")
class MaskOfTheBatch(Right):
    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, causal_mask(len(ids)))
        return self.logits(x)


slips(
    "gpt_loss",
    ids_in_16_bits=("expected", edit("ids[:, 1:].flatten()", "ids[:, 1:].to(torch.int16).abs().long().flatten()")),
    one_maximum_for_all=(
        "-9000",
        edit(
            "functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())",
            "-((e := (logits - logits.max()).exp()) / e.sum(-1, True)).gather(2, ids[:, 1:, None]).log().mean()",
        ),
    ),
    always_32_bit=("float32", edit("model(ids[:, :-1])", "model(ids[:, :-1]).float()")),
)
slips(
    "GPT",
    no_mask_for_two=("two tokens", edit("x = block(x, mask)", "x = block(x, mask if ids.shape[1] > 2 else None)")),
    mask_of_64=("raised", edit("causal_mask(ids.shape[1])", "causal_mask(64)[: ids.shape[1], : ids.shape[1]]")),
    drops_in_forward=(
        "expected",
        edit("x = self.embed(ids)", "x = functional.dropout(self.embed(ids), self.dropout.p)"),
    ),
    mask_of_the_first_text=(
        "raised",
        edit(
            "mask = causal_mask(ids.shape[1]).to(ids.device)",
            'self.mask = getattr(self, "mask", causal_mask(ids.shape[1]))',
            "block(x, mask)",
            "block(x, self.mask)",
        ),
    ),
    two_or_three_axes=("(2, 1, 3, 6)", edit("self.norm(x) @", "self.norm(x).flatten(1, -2) @")),
)

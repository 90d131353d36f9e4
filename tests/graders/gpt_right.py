"""Right answers to notebook 11, first part, in other styles."""

import torch
from torch import nn
from torch.nn import functional

from lib.attention import causal_mask
from tests.graders.cases import right
from tests.graders.gpt_wrong import Given


@right("gpt_loss")
def with_transpose(model, ids):
    return functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:])


@right("gpt_loss")
def with_gather(model, ids):
    logs = functional.log_softmax(model(ids[:, :-1]), dim=-1)
    return -logs.gather(-1, ids[:, 1:, None]).mean()


@right("gpt_loss")
def with_logsumexp(model, ids):
    logits, targets = model(ids[:, :-1]), ids[:, 1:]
    right_ones = torch.take_along_dim(logits, targets.unsqueeze(-1), dim=-1).squeeze(-1)
    return (logits.logsumexp(dim=-1) - right_ones).mean()


@right("gpt_loss")
def with_loops(model, ids):
    inputs, targets = ids[:, :-1], ids[:, 1:]
    logits = model(inputs)
    losses = []
    for row in range(ids.shape[0]):
        for position in range(targets.shape[1]):
            scores = logits[row, position]
            losses.append(torch.logsumexp(scores, 0) - scores[targets[row, position]])
    return torch.stack(losses).mean()


@right("gpt_loss")
def with_nll_in_float64(model, ids):
    logits = model(ids[:, :-1])
    logs = logits.double().log_softmax(-1)
    return nn.NLLLoss()(logs.reshape(-1, logs.shape[-1]), ids[:, 1:].reshape(-1)).to(logits.dtype)


@right("gpt_loss")
def with_a_view(model, ids):
    """A model's logits lie in one piece in memory."""
    logits = model(ids[:, :-1])
    return functional.cross_entropy(logits.view(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))


@right("gpt_loss")
def beginning_by_beginning(model, ids):
    losses = [functional.cross_entropy(model(ids[:, :i])[:, -1], ids[:, i]) for i in range(1, ids.shape[1])]
    return torch.stack(losses).mean()


@right("gpt_loss")
def with_one_hot_targets(model, ids):
    logits = model(ids[:, :-1]).flatten(0, 1)
    return functional.cross_entropy(logits, functional.one_hot(ids[:, 1:].flatten(), logits.shape[-1]).float())


@right("GPT")
class Tidy(Given):
    def embed(self, ids, start=0):
        tokens = self.embedding(ids)
        return self.dropout(self.positions(tokens, start=start))

    def logits(self, x):
        return functional.linear(self.norm(x), self.embedding.weight)

    def forward(self, ids):
        x = self.embed(ids, 0)
        for block in self.blocks:
            x = block(x, causal_mask(ids.shape[-1]))
        return self.logits(x)


@right("GPT")
class WithIndices(Given):
    def embed(self, ids, start=0):
        return self.dropout(self.positions(self.embedding.weight[ids], start))

    def logits(self, x):
        return torch.einsum("...d,vd->...v", self.norm(x), self.embedding.weight)

    def forward(self, ids):
        positions = torch.arange(ids.shape[1])
        mask = positions[:, None] >= positions[None, :]
        x = self.embed(ids)
        for i in range(len(self.blocks)):
            x = self.blocks[i](x, mask=mask)
        return self.logits(x)


@right("GPT")
class WithHelpers(Given):
    def embed(self, ids, start=0):
        if ids.shape[1] + start > self.positions.table.shape[0]:
            raise ValueError(f"{ids.shape[1]} ids from {start} on do not fit")
        places = torch.arange(start, start + ids.shape[1])
        return self.dropout(self.embedding(ids) + self.positions.table[places])

    def stack(self, x):
        mask = torch.ones(1, 1, x.shape[1], x.shape[1], dtype=torch.bool).tril()
        for block in self.blocks:
            x = block(x, mask)
        return x

    def logits(self, x):
        return self.norm(x).matmul(self.embedding.weight.t())

    def forward(self, ids):
        return self.logits(self.stack(self.embed(ids)))


@right("GPT")
class Recursive(Given):
    def embed(self, ids, start=0):
        x = self.embedding(ids)
        x = self.positions(x, start)
        return self.dropout(x)

    def logits(self, x):
        normed = self.norm(x)
        return normed @ self.embedding.weight.transpose(0, 1)

    def forward(self, ids):
        def through(x, blocks):
            return through(blocks[0](x, causal_mask(ids.size(1))), blocks[1:]) if blocks else x

        return self.logits(through(self.embed(ids), list(self.blocks)))


@right("GPT")
class WithAMaskKept(Given):
    def __init__(self, vocab, n_positions, *sizes, **named):
        super().__init__(vocab, n_positions, *sizes, **named)
        self.register_buffer("mask", torch.ones(n_positions, n_positions).tril().bool(), persistent=False)

    def embed(self, ids, start=0):
        rows = functional.embedding(ids, self.embedding.weight)
        return self.dropout(rows + self.positions.table[start : start + ids.shape[-1]])

    def logits(self, x):
        return torch.matmul(self.norm(x), self.embedding.weight.mT)

    def forward(self, ids):
        n, x = ids.shape[-1], self.embed(ids)
        for block in self.blocks:
            x = block(x, self.mask[:n, :n])
        return self.logits(x)


@right("GPT")
class RowByRow(WithAMaskKept):
    def forward(self, ids):
        return torch.cat([super(RowByRow, self).forward(row[None]) for row in ids])

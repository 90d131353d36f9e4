"""Right answers to notebook 09 in other styles than the course's."""

import math

import numpy as np
import torch
from torch.nn import functional

from lib.attention import padding_mask
from lib.transformer import TransformerParts
from tests.graders.cases import right


@right("Transformer")
class StepByStep(TransformerParts):
    def encode(self, source, source_mask):
        x = self.embed_source(source)
        mask = source_mask.unsqueeze(1).unsqueeze(1)
        memory = self.encoder(x, mask)
        return memory

    def decode(self, inputs, memory, source_mask):
        position = inputs.shape[1]
        mask = torch.tril(torch.ones(position, position)) == 1
        memory_mask = source_mask.view(len(source_mask), 1, 1, -1)
        x = self.decoder(self.embed(inputs), memory, mask, memory_mask)
        return self.logits(x)

    def forward(self, source, source_mask, inputs):
        memory = self.encode(source, source_mask)
        return self.decode(inputs, memory, source_mask)


@right("Transformer")
class BlockByBlock(TransformerParts):
    def encode(self, source, source_mask):
        x = self.positions(self.source_embedding(source) * math.sqrt(self.source_embedding.embedding_dim))
        for block in self.encoder.blocks:
            x = block(self.dropout(x), source_mask[:, None, None, :])
        return self.encoder.norm(x)

    def decode(self, inputs, memory, source_mask):
        steps = torch.arange(inputs.shape[1])
        x = self.embed(inputs)
        for block in self.decoder.blocks:
            x = block(x, memory, steps[:, None] >= steps, source_mask[:, None, None, :])
        x = self.decoder.norm(x)
        return x @ self.target_embedding.weight.transpose(0, 1) + self.bias

    def forward(self, source, source_mask, inputs):
        return self.decode(inputs=inputs, memory=self.encode(source, source_mask), source_mask=source_mask)


@right("Transformer")
class MasksOfFullSize(TransformerParts):
    def looked(self, source_mask, queries):
        return source_mask[:, None, None, :].expand(-1, -1, queries, -1)

    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), self.looked(source_mask, source.shape[1]))

    def decode(self, inputs, memory, source_mask):
        length = inputs.shape[1]
        past = torch.ones(1, 1, length, length, dtype=torch.bool).tril()
        return self.logits(self.decoder(self.embed(inputs), memory, past, self.looked(source_mask, length)))

    def forward(self, source, source_mask, inputs):
        return self.decode(inputs, self.encode(source, source_mask), source_mask)


@right("Transformer")
class ForwardByHand(TransformerParts):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), padding_mask(source_mask.long(), 0))

    def decode(self, inputs, memory, source_mask):
        mask = ~torch.ones(inputs.shape[1], inputs.shape[1], dtype=torch.bool).triu(1)
        return self.logits(self.decoder(self.embed(inputs, 0), memory, mask, padding_mask(source_mask.long(), 0)))

    def forward(self, source, source_mask, inputs):
        memory = self.encoder(self.embed_source(source), source_mask[:, None, None])
        mask = torch.ones(inputs.shape[1], inputs.shape[1], dtype=torch.bool).tril()
        x = self.decoder(self.embed(inputs), memory, mask, source_mask[:, None, None])
        return self.logits(x)


@right("Transformer")
class MasksTheTargetsPaddingToo(TransformerParts):
    def encode(self, source, source_mask):
        return self.encoder(self.embed_source(source), mask=source_mask.reshape(len(source), 1, 1, -1))

    def decode(self, inputs, memory, source_mask):
        n = inputs.shape[1]
        seen = (inputs != 0)[:, None, None, :] & torch.ones(n, n, dtype=torch.bool).tril()
        return self.logits(self.decoder(self.embed(inputs), memory, memory_mask=source_mask[:, None, None], mask=seen))

    def forward(self, source, source_mask, inputs):
        return self.decode(inputs, self.encode(source, source_mask), source_mask)


@right("Transformer")
class KeepsItsMask(TransformerParts):
    def __init__(self, *parts, **more):
        super().__init__(*parts, **more)
        self.register_buffer("past", torch.ones(512, 512, dtype=torch.bool).tril(), persistent=False)

    def encode(self, ids, real):
        return self.encoder(self.embed_source(ids), real[:, None, None])

    def decode(self, ids, memory, real):
        n = ids.size(1)
        return self.logits(self.decoder(self.embed(ids), memory, self.past[:n, :n], real[:, None, None]))

    def forward(self, *batch):
        source, real, ids = batch
        return self.decode(ids, self.encode(source, real), real)


@right("next_word_step")
def padded_then_filled(model, ids, state):
    written = functional.pad(state[0], (0, 1))
    written[:, -1] = ids
    state = [written, *state[1:]]
    return model.decode(*state).movedim(1, 0)[-1], state, None


@right("next_word_step")
def with_hstack(model, ids, state):
    written = torch.hstack([state[0], ids.unsqueeze(1)])
    logits = model.decode(written, state[1], state[2])
    return logits[:, written.shape[1] - 1, :], (written, state[1], state[2]), None


@right("next_word_step")
def starred(model, ids, state):
    written, *read = state
    written = torch.cat((written, ids[:, None]), -1)
    *_, last = model.decode(written, *read).unbind(1)
    return last, (written, *read), None


@right("next_word_step")
def row_by_row(model, ids, state):
    written, memory, mask = state
    written = torch.cat([written, ids.view(-1, 1)], dim=1)
    rows = [model.decode(written[i : i + 1], memory[i : i + 1], mask[i : i + 1])[0, -1] for i in range(len(ids))]
    return torch.stack(rows), (written, memory, mask), None


@right("next_word_step")
def new_buffer(model, ids, state):
    written, memory, mask = state
    longer = torch.empty(len(ids), written.shape[1] + 1, dtype=torch.long)
    longer[:, :-1], longer[:, -1] = written, ids
    return model.decode(longer, memory, mask).select(1, -1), (longer, memory, mask), None


@right("next_word_step")
def without_gradients(model, ids, state):
    written = torch.cat([state[0].T, ids[None]]).T
    with torch.no_grad():
        vectors = model.decoder(
            model.embed(written),
            state[1],
            torch.ones(written.shape[1], written.shape[1], dtype=torch.bool).tril(),
            state[2][:, None, None],
        )
    return model.logits(vectors[:, -1]).detach(), [written, *state[1:]], None


@right("share_of_padding")
def two_sums(lengths, batches):
    padding = sum(max(lengths[j] for j in batch) - lengths[i] for batch in batches for i in batch)
    places = sum(max(lengths[j] for j in batch) for batch in batches for _ in batch)
    return padding / places


@right("share_of_padding")
def with_tensors(lengths, batches):
    padding = places = 0
    for batch in batches:
        row = torch.tensor(lengths)[torch.tensor(batch)]
        padding += (row.max() - row).sum()
        places += row.max() * len(row)
    return (padding / places).item()


@right("share_of_padding")
def with_masks(lengths, batches):
    real, places = 0, 0
    for batch in batches:
        row = torch.tensor([lengths[i] for i in batch])
        mask = torch.arange(row.max()) < row[:, None]
        real, places = real + mask.sum().item(), places + mask.numel()
    return (places - real) / places


@right("share_of_padding")
def with_while(lengths, batches):
    real = places = k = 0
    while k < len(batches):
        longest = 0
        for i in batches[k]:
            real += lengths[i]
            longest = max(longest, lengths[i])
        places += longest * len(batches[k])
        k += 1
    return 1.0 - real / places


@right("share_of_padding")
def by_weighted_shares(lengths, batches):
    places = [len(batch) * max(lengths[i] for i in batch) for batch in batches]
    shares = [1 - sum(lengths[i] for i in batch) / n for batch, n in zip(batches, places, strict=True)]
    return sum(share * n for share, n in zip(shares, places, strict=True)) / sum(places)


@right("share_of_padding")
def in_numpy_arrays(lengths, batches):
    rows = [np.array(lengths)[batch] for batch in batches]
    return np.sum([(row.max() - row).sum() for row in rows]) / np.sum([row.max() * row.size for row in rows])


@right("label_smoothed_loss")
def pytorchs(logits, targets, smoothing):
    return functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), label_smoothing=smoothing
    )


@right("label_smoothed_loss")
def with_a_wanted_distribution(logits, targets, smoothing):
    vocab = logits.shape[-1]
    wanted = (1 - smoothing) * functional.one_hot(targets, vocab) + smoothing / vocab
    return -(wanted * logits.log_softmax(-1)).sum(-1).mean()


@right("label_smoothed_loss")
def with_logsumexp(logits, targets, smoothing):
    total = logits.logsumexp(-1)
    right_one = torch.take_along_dim(logits, targets[..., None], -1)[..., 0]
    return (total - (1 - smoothing) * right_one - smoothing * logits.mean(-1)).mean()


@right("label_smoothed_loss")
def in_double(logits, targets, smoothing):
    log_probs = logits.double().log_softmax(-1)
    picked = log_probs.view(-1, logits.shape[-1])[torch.arange(targets.numel()), targets.flatten()]
    return (-(1 - smoothing) * picked.mean() - smoothing * log_probs.mean()).to(logits.dtype)


@right("label_smoothed_loss")
def as_a_distribution(logits, targets, smoothing):
    words = torch.distributions.Categorical(logits=logits)
    every = words.log_prob(words.enumerate_support()).mean(0)
    return -((1 - smoothing) * words.log_prob(targets) + smoothing * every).mean()


@right("label_smoothed_loss")
def words_on_axis_1(logits, targets, smoothing):
    words = min(1, targets.dim())  # of one single target: axis 0
    return functional.cross_entropy(logits.movedim(-1, words), targets, label_smoothing=smoothing)


@right("noam_rate")
def without_min(step, d_model, warmup):
    return 1 / math.sqrt(d_model * max(step, warmup**3 / step**2))


@right("noam_rate")
def with_if(step, d_model, warmup):
    rate = step / warmup**1.5 if step < warmup else 1 / math.sqrt(step)
    return rate / math.sqrt(d_model)


@right("noam_rate")
def by_the_peak(step, d_model, warmup):
    peak = (d_model * warmup) ** -0.5
    return peak * min(step / warmup, (warmup / step) ** 0.5)


@right("noam_rate")
def with_powers_of_tensors(step, d_model, warmup):
    step = torch.tensor(float(step))
    return (d_model**-0.5 * torch.minimum(step.rsqrt(), step * warmup**-1.5)).item()


@right("noam_rate")
def in_numpy_numbers(step, d_model, warmup):
    return np.minimum(np.power(float(step), -0.5), step / np.power(float(warmup), 1.5)) / np.sqrt(d_model)


@right("noam_rate")
def with_logs(step, d_model, warmup):
    rising = math.log(step) - 1.5 * math.log(warmup)
    return math.exp(min(-0.5 * math.log(step), rising) - 0.5 * math.log(d_model))


@right("alignment_accuracy")
def link_by_link(weights, links):
    hits = 0
    for read, written in links:
        hits = hits + (weights[..., written, :].argmax(dim=-1) == read).float()
    return hits / len(links)


@right("alignment_accuracy")
def with_a_table(weights, links):
    wanted = torch.zeros(weights.shape[-2:])
    for read, written in links:
        wanted[written, read] += 1
    looked_at = functional.one_hot(weights.argmax(-1), weights.shape[-1])
    return (looked_at * wanted).sum((-2, -1)) / wanted.sum()


@right("alignment_accuracy")
def in_numpy(weights, links):
    read, written = np.array(links).T
    hits = weights.numpy().argmax(-1)[..., written] == read
    return torch.as_tensor(hits.mean(-1), dtype=torch.float32)


@right("alignment_accuracy")
def with_topk(weights, links):
    best = weights.topk(1, dim=-1).indices.squeeze(-1)
    reads = torch.tensor([read for read, _ in links])
    rows = torch.tensor([written for _, written in links])
    return best.index_select(-1, rows).eq(reads).to(torch.float32).mean(dim=-1)


@right("alignment_accuracy")
def by_comparison(weights, links):
    largest = weights.amax(-1)
    hits = torch.stack([weights[..., j, i] >= largest[..., j] for i, j in links], dim=-1)
    return hits.sum(-1) / len(links)


@right("alignment_accuracy")
def head_by_head(weights, links):
    flat = weights.reshape(-1, *weights.shape[-2:])
    shares = [sum(int(head[j].argmax()) == i for i, j in links) / len(links) for head in flat]
    return torch.tensor(shares).reshape(weights.shape[:-2])

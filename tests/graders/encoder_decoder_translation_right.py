"""Right answers to notebook 09 in other styles than the course's."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.attention import padding_mask
from lib.recurrent import clip_gradients
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


# ------------------------------------------------------------------------------------------------------- adamw_step


@right("adamw_step")
def with_lerp(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    mean, square = torch.lerp(mean, gradient, 1 - betas[0]), torch.lerp(square, gradient * gradient, 1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
    return weight - rate * decay * weight - rate * m / (torch.sqrt(v) + eps), mean, square


@right("adamw_step")
def as_the_paper_reorders_it(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    """Kingma and Ba, end of section 2: both corrections go into the rate, and into eps."""
    mean = betas[0] * mean + (1 - betas[0]) * gradient
    square = betas[1] * square + (1 - betas[1]) * gradient**2
    root = math.sqrt(1 - betas[1] ** step)
    length = rate * root / (1 - betas[0] ** step)
    return weight - length * mean / (square.sqrt() + eps * root) - rate * decay * weight, mean, square


@right("adamw_step")
def in_place_on_copies(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    weight, mean, square = weight.clone(), mean.clone(), square.clone()
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    weight.mul_(1 - rate * decay)
    denominator = (square / (1 - betas[1] ** step)).sqrt().add_(eps)
    return weight.addcdiv_(mean, denominator, value=-rate / (1 - betas[0] ** step)), mean, square


@right("adamw_step")
def in_64_bits(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    w, g, m, v = (x.double() for x in (weight, gradient, mean, square))
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
    w = w - rate * (m / (1 - betas[0] ** step) / ((v / (1 - betas[1] ** step)) ** 0.5 + eps) + decay * w)
    return tuple(x.to(weight.dtype) for x in (w, m, v))


@right("adamw_step")
def number_by_number(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    rows = []
    for w, g, m, v in zip(*(x.flatten().tolist() for x in (weight, gradient, mean, square)), strict=True):
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
        direction = (m / (1 - betas[0] ** step)) / (math.sqrt(v / (1 - betas[1] ** step)) + eps)
        rows.append((w - rate * decay * w - rate * direction, m, v))
    return tuple(torch.tensor(column, dtype=weight.dtype).reshape(weight.shape) for column in zip(*rows, strict=True))


@right("adamw_step")
def by_two_helpers(weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01):
    def follow(old, new, beta):
        return old + (1 - beta) * (new - old)

    def corrected(value, beta):
        return value / (1 - beta**step)

    new_mean, new_square = follow(mean, gradient, betas[0]), follow(square, gradient.pow(2), betas[1])
    move = corrected(new_mean, betas[0]) / (corrected(new_square, betas[1]).sqrt() + eps)
    return (1 - rate * decay) * weight - rate * move, new_mean, new_square


# ---------------------------------------------------------------------------------------------------- learning_rate


@right("learning_rate")
def in_three_cases(step, steps, peak, warmup, floor=0.02):
    low = floor * peak
    if step < warmup:
        return peak / warmup * (step + 1)
    if step >= steps:
        return low
    return low + (peak - low) * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


@right("learning_rate")
def by_a_square(step, steps, peak, warmup, floor=0.02):
    if step < warmup:
        return (step + 1) * peak / warmup
    share = min(step - warmup, steps - warmup) / (steps - warmup)
    return peak * (floor + (1 - floor) * math.cos(math.pi * share / 2) ** 2)


@right("learning_rate")
def in_numpy_numbers(step, steps, peak, warmup, floor=0.02):
    if step < warmup:
        return peak * (step + 1) / warmup
    share = np.clip((step - warmup) / (steps - warmup), 0, 1)
    return peak * (floor + (1 - floor) * (np.cos(np.pi * share) + 1) / 2)


@right("learning_rate")
def with_torch_and_item(step, steps, peak, warmup, floor=0.02):
    if step < warmup:
        return peak * (step + 1) / warmup
    share = torch.tensor((step - warmup) / (steps - warmup), dtype=torch.float64).clamp(max=1)
    return (peak * (floor + (1 - floor) * (1 + torch.cos(math.pi * share)) / 2)).item()


@right("learning_rate")
def one_expression(step, steps, peak, warmup, floor=0.02):
    rising = (step + 1) / max(warmup, 1)
    share = min(max((step - warmup) / (steps - warmup), 0.0), 1.0)
    falling = (1 + floor) / 2 + (1 - floor) / 2 * math.cos(math.pi * share)
    return peak * (rising if step + 1 <= warmup else falling)


@right("learning_rate")
def from_the_end(step, steps, peak, warmup, floor=0.02):
    if step < warmup:
        return peak - peak * (warmup - step - 1) / warmup
    left = max(0, steps - step) / (steps - warmup)
    return peak * (floor + (1 - floor) * (1 - math.cos(math.pi * left)) / 2)


# ---------------------------------------------------------------------------------------------------- training_step


def _set_and_step(optimiser, rate):
    for group in optimiser.param_groups:
        group.update(lr=rate)
    optimiser.step()


@right("training_step")
def one_backward_for_all(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    optimiser.zero_grad()
    loss = sum(map(loss_of, batches)) / len(batches)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    if not math.isfinite(norm.item()):
        raise FloatingPointError(f"the norm is {norm.item()}")
    _set_and_step(optimiser, rate)
    return loss.item()


@right("training_step")
def by_autograd_grad(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    parameters, losses = list(model.parameters()), [loss_of(batch) for batch in batches]
    gradients = torch.autograd.grad(torch.stack(losses).mean(), parameters)
    norm = math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
    if not math.isfinite(norm):
        raise FloatingPointError(norm)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient * min(1.0, max_norm / max(norm, 1e-12))
    _set_and_step(optimiser, rate)
    return torch.stack(losses).mean().item()


@right("training_step")
def divided_at_the_end(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    for parameter in model.parameters():
        parameter.grad = None
    losses = []
    for batch in batches:
        loss = loss_of(batch)
        loss.backward()
        losses.append(float(loss))
    for parameter in model.parameters():
        parameter.grad /= len(batches)
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    if torch.isnan(norm) or torch.isinf(norm):
        raise FloatingPointError("the gradients are not finite")
    _set_and_step(optimiser, rate)
    return float(np.mean(losses))


@right("training_step")
def with_the_clipping_of_notebook_01(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    model.zero_grad(set_to_none=False)
    losses = []
    for batch in batches:
        losses.append(loss_of(batch))
        (losses[-1] / len(batches)).backward()
    clipped, norm = clip_gradients([parameter.grad for parameter in model.parameters()], max_norm)
    if not norm.isfinite():
        raise FloatingPointError(f"{norm}")
    for parameter, gradient in zip(model.parameters(), clipped, strict=True):
        parameter.grad = gradient
    _set_and_step(optimiser, rate)
    return sum(loss.item() for loss in losses) / len(losses)


@right("training_step")
def checked_by_pytorch(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    model.zero_grad()
    total = torch.zeros(())
    for batch in batches:
        loss = loss_of(batch)
        (loss / len(batches)).backward()
        total += loss.detach() / len(batches)
    try:
        nn.utils.clip_grad_norm_(model.parameters(), max_norm, error_if_nonfinite=True)
    except RuntimeError as error:
        raise FloatingPointError(str(error)) from error
    _set_and_step(optimiser, rate)
    return total.item()


@right("training_step")
def flat(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    optimiser.zero_grad(set_to_none=True)
    share, total = 1 / len(batches), 0.0
    for batch in batches:
        loss = share * loss_of(batch)
        total += loss.item()
        loss.backward()
    all_of_them = torch.cat([parameter.grad.reshape(-1) for parameter in model.parameters()])
    length = torch.linalg.vector_norm(all_of_them).item()
    if length != length or length == math.inf:
        raise FloatingPointError(length)
    if length > max_norm:
        for parameter in model.parameters():
            parameter.grad.mul_(max_norm / length)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return total

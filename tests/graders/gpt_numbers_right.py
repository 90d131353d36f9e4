"""Right answers to notebook 11, second part, in other styles."""

import itertools
import math
from collections import Counter

import torch
from torch import nn

from lib.attention import MultiHeadAttention
from lib.gpt import GPT
from lib.layers import FeedForward, LayerNorm
from tests.graders.cases import right


@right("gpt2_parameters")
def term_by_term(vocab, n_positions, d_model, n_layers):
    matrix_and_bias = d_model * d_model + d_model
    up, down = d_model * 4 * d_model + 4 * d_model, 4 * d_model * d_model + d_model
    return {
        "norms": n_layers * 4 * d_model + 2 * d_model,
        "embedding": d_model * vocab,
        "positions": d_model * n_positions,
        "attention": 4 * matrix_and_bias * n_layers,
        "feed-forward": (up + down) * n_layers,
    }


@right("gpt2_parameters")
def by_building(vocab, n_positions, d_model, n_layers):
    def count(*modules):
        return sum(parameter.numel() for module in modules for parameter in module.parameters())

    with torch.device("meta"):
        return {
            "embedding": count(nn.Embedding(vocab, d_model)),
            "positions": count(nn.Embedding(n_positions, d_model)),
            "attention": n_layers * count(MultiHeadAttention(d_model, 1, bias=True)),
            "feed-forward": n_layers * count(FeedForward(d_model, 4 * d_model)),
            "norms": (2 * n_layers + 1) * count(LayerNorm(d_model)),
        }


@right("gpt2_parameters")
def with_loops(vocab, n_positions, d_model, n_layers):
    counts = dict.fromkeys(["embedding", "positions", "attention", "feed-forward", "norms"], 0)
    counts["embedding"] += vocab * d_model
    counts["positions"] += n_positions * d_model
    for _ in range(n_layers):
        counts["attention"] += 3 * d_model * d_model + 3 * d_model + d_model * d_model + d_model
        counts["feed-forward"] += 8 * d_model**2 + 4 * d_model + d_model
        counts["norms"] += 2 * (d_model + d_model)
    counts["norms"] += d_model + d_model
    return counts


@right("gpt2_parameters")
def from_a_fused_matrix(vocab, n_positions, d_model, n_layers):
    d, qkv = d_model, d_model * 3 * d_model + 3 * d_model
    names = "embedding", "positions", "attention", "feed-forward", "norms"
    block = qkv + d * d + d, d * (8 * d + 5), 4 * d
    totals = [vocab * d, n_positions * d, *(n_layers * part for part in block)]
    totals[-1] += 2 * d
    return dict(zip(names, totals, strict=True))


@right("gpt2_parameters")
def by_building_it_all(vocab, n_positions, d_model, n_layers):
    with torch.device("meta"):
        model = GPT(vocab, n_positions, d_model, 1, n_layers)
    counts = Counter()
    for name, parameter in model.named_parameters():
        part = next((part for part in ("attention.", "feed_forward.", "norm") if part in name), name)
        names = {"attention.": "attention", "feed_forward.": "feed-forward", "norm": "norms"}
        counts["norms" if "norm" in name else names.get(part, name.split(".")[0])] += parameter.numel()
    return counts


@right("initial_weights")
def out_of_one_row(model, generator):
    parts = dict(model.named_parameters())
    numbers = 0.02 * torch.randn(sum(part.numel() for part in parts.values()), generator=generator)
    for (name, part), piece in zip(parts.items(), numbers.split([p.numel() for p in parts.values()]), strict=True):
        small = (2 * len(model.blocks)) ** 0.5 if name.split(".")[-2] in ("to_out", "narrow") else 1
        part.data = piece.view(part.shape) / small if part.dim() > 1 else torch.full_like(part, "scale" in name)
    return model


@right("initial_weights")
def by_modules(model, generator):
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02, generator=generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02, generator=generator)
        elif isinstance(module, LayerNorm):
            nn.init.ones_(module.scale)
            nn.init.zeros_(module.shift)
    nn.init.normal_(model.positions.table, std=0.02, generator=generator)
    for block in model.blocks:
        for last in (block.attention.to_out, block.feed_forward.narrow):
            nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * len(model.blocks)), generator=generator)
    return model


@right("initial_weights")
@torch.no_grad()
def scaled_afterwards(model, generator):
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            parameter.copy_(0.02 * torch.randn(parameter.shape, generator=generator))
        else:
            parameter.copy_(torch.full_like(parameter, float(name.endswith("scale"))))
    for block in model.blocks:
        block.attention.to_out.weight.div_((2 * len(model.blocks)) ** 0.5)
        block.feed_forward.narrow.weight.div_((2 * len(model.blocks)) ** 0.5)
    return model


@right("initial_weights")
def through_data(model, generator):
    for name, parameter in model.named_parameters():
        size = 0.02
        if "to_out" in name or "narrow" in name:
            size = 0.02 * (2 * len(model.blocks)) ** -0.5
        if name.endswith("bias") or name.endswith("shift"):
            parameter.data.zero_()
        elif name.endswith("scale"):
            parameter.data.fill_(1)
        else:
            parameter.data.normal_(mean=0.0, std=size, generator=generator)
    return model


@right("initial_weights")
def from_the_end(model, generator):
    with torch.no_grad():
        for name, parameter in reversed(list(model.named_parameters())):
            ends = name.split(".")[-2:] in (["to_out", "weight"], ["narrow", "weight"])
            if parameter.ndim == 2:
                std = 0.02 / (math.sqrt(2) * math.sqrt(len(model.blocks))) if ends else 0.02
                parameter.set_(torch.normal(torch.zeros(parameter.shape), std, generator=generator))
            else:
                parameter.mul_(0).add_(1 if "scale" in name else 0)
    return model


@right("bigram_loss")
def with_a_loop(ids, held_out, vocab, extra=0.1):
    table = torch.full((vocab, vocab), extra)
    for a, b in itertools.pairwise(ids):
        table[a, b] += 1
    losses = [-(table[a, b] / table[a].sum()).log() for a, b in itertools.pairwise(held_out)]
    return torch.stack(losses).mean()


@right("bigram_loss")
def with_counters(ids, held_out, vocab, extra=0.1):
    text, unseen = ids.tolist(), held_out.tolist()
    pairs, rows = Counter(itertools.pairwise(text)), Counter(text[:-1])
    total = 0.0
    for a, b in itertools.pairwise(unseen):
        total -= math.log((pairs[a, b] + extra) / (rows[a] + vocab * extra))
    return torch.tensor(total / (len(unseen) - 1))


@right("bigram_loss")
def with_index_put(ids, held_out, vocab, extra=0.1):
    table = torch.zeros(vocab, vocab, dtype=torch.float64)
    table.index_put_((ids[:-1], ids[1:]), torch.ones(len(ids) - 1, dtype=torch.float64), accumulate=True)
    logs = (table + extra).log() - (table + extra).sum(1, keepdim=True).log()
    return -logs[held_out[:-1], held_out[1:]].mean().float()


@right("bigram_loss")
def with_one_hot(ids, held_out, vocab, extra=0.1):
    before, after = (torch.nn.functional.one_hot(part, vocab).float() for part in (ids[:-1], ids[1:]))
    chances = torch.nn.functional.normalize(before.T @ after + extra, p=1, dim=1)
    return -chances[held_out[:-1], held_out[1:]].log().mean()


@right("bigram_loss")
def counts_as_logits(ids, held_out, vocab, extra=0.1):
    table = torch.sparse_coo_tensor(torch.stack([ids[:-1], ids[1:]]), torch.ones(len(ids) - 1), (vocab, vocab))
    return torch.nn.functional.cross_entropy((table.to_dense() + extra).log()[held_out[:-1]], held_out[1:])


@right("bits_per_byte")
def with_log2_e(loss, n_tokens, n_bytes):
    return loss * math.log2(math.e) * (n_tokens / n_bytes)


@right("bits_per_byte")
def in_steps(loss, n_tokens, n_bytes):
    nats = loss * n_tokens
    bits = nats / math.log(2)
    return bits / n_bytes


@right("bits_per_byte")
def with_tensors(loss, n_tokens, n_bytes):
    return (torch.as_tensor(loss, dtype=torch.float64) * n_tokens / torch.log(torch.tensor(2.0)) / n_bytes).item()


@right("bits_per_byte")
def from_the_perplexity(loss, n_tokens, n_bytes):
    return math.log2(math.exp(loss)) / (n_bytes / n_tokens)


@right("gpt2_parameters")
def by_counting_a_model(vocab, n_positions, d_model, n_layers):
    with torch.device("meta"):
        table, places = torch.empty(vocab, d_model), torch.empty(n_positions, d_model)
        layer = nn.TransformerEncoderLayer(d_model, 1, 4 * d_model)
    count = {"attention": 0, "feed-forward": 0, "norms": 2 * d_model}
    for name, parameter in layer.named_parameters():
        part = "attention" if "attn" in name else "norms" if "norm" in name else "feed-forward"
        count[part] += n_layers * parameter.numel()
    return {"embedding": table.numel(), "positions": places.numel(), **count}


@right("initial_weights")
def with_copies(model, generator):
    smaller = 0.02 * (2 * len(model.blocks)) ** -0.5
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            new = torch.ones_like(parameter) if name.split(".")[-1] == "scale" else torch.zeros_like(parameter)
        else:
            size = smaller if name.split(".")[-2] in ("to_out", "narrow") else 0.02
            new = size * torch.randn(parameter.shape, generator=generator)
        parameter.data.copy_(new)
    return model


@right("bits_per_byte")
def from_the_bits_of_a_token(loss, n_tokens, n_bytes):
    return sum(loss / math.log(2) for _ in range(n_tokens)) / n_bytes


@right("bits_per_byte")
def with_a_tensor_left(loss, n_tokens, n_bytes):
    return torch.tensor(loss / math.log(2) * n_tokens / n_bytes)


@right("bigram_loss")
def with_a_loop_over_the_text(ids, held_out, vocab, extra=0.1):
    counts = torch.full((vocab, vocab), extra, dtype=torch.float64)
    for a, b in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True):
        counts[a, b] += 1
    logs = counts.log() - counts.sum(dim=1, keepdim=True).log()
    return -torch.stack([logs[a, b] for a, b in itertools.pairwise(held_out.tolist())]).mean().float()

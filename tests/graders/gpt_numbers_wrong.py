"""Wrong answers to notebook 11, second part: counting, fresh weights, pairs, bits."""

import copy
import math

import torch

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# -------------------------------------------------------------------------------------------------- gpt2_parameters


def parts(vocab, n_positions, d, n):
    return {
        "embedding": vocab * d,
        "positions": n_positions * d,
        "attention": n * (4 * d * d + 4 * d),
        "feed-forward": n * (2 * d * 4 * d + 4 * d + d),
        "norms": 2 * d * (2 * n + 1),
    }


@wrong("gpt2_parameters", says="163,037,184")
def with_a_head(vocab, n_positions, d_model, n_layers):
    return parts(vocab, n_positions, d_model, n_layers) | {"embedding": vocab * d_model + d_model * vocab}


@wrong("gpt2_parameters", says="positions are learned")
def fixed_positions(vocab, n_positions, d_model, n_layers):
    return {**parts(vocab, n_positions, d_model, n_layers), "positions": 0}


@wrong("gpt2_parameters", says="not for each token")
def vocab_for_positions(vocab, n_positions, d_model, n_layers):
    return parts(vocab, vocab, d_model, n_layers)


@wrong("gpt2_parameters", says="attention has biases")
def as_in_notebook_07(vocab, n_positions, d_model, n_layers):
    return {**parts(vocab, n_positions, d_model, n_layers), "attention": n_layers * 4 * d_model * d_model}


@wrong("gpt2_parameters", says="four matrices: query")
def forgets_the_mixer(vocab, n_positions, d_model, n_layers):
    return {**parts(vocab, n_positions, d_model, n_layers), "attention": n_layers * 3 * d_model * (d_model + 1)}


@wrong("gpt2_parameters", says="the one that mixes the heads too")
def mixer_without_bias(vocab, n_positions, d_model, n_layers):
    attention = 3 * (d_model**2 + d_model) + d_model**2
    return {**parts(vocab, n_positions, d_model, n_layers), "attention": n_layers * attention}


@wrong("gpt2_parameters", says="biases are missing")
def bare_feed_forward(vocab, n_positions, d_model, n_layers):
    return {**parts(vocab, n_positions, d_model, n_layers), "feed-forward": n_layers * 2 * 4 * d_model**2}


@wrong("gpt2_parameters", says="two biases: 4·d_model numbers")
def second_bias_forgotten(vocab, n_positions, d_model, n_layers):
    feed_forward = 8 * d_model**2 + 4 * d_model
    return {**parts(vocab, n_positions, d_model, n_layers), "feed-forward": n_layers * feed_forward}


@wrong("gpt2_parameters", says="four times as wide")
def narrow_feed_forward(vocab, n_positions, d_model, n_layers):
    return {**parts(vocab, n_positions, d_model, n_layers), "feed-forward": n_layers * 2 * (d_model**2 + d_model)}


@wrong("gpt2_parameters", says="two matrices, up and down")
def up_only(vocab, n_positions, d_model, n_layers):
    feed_forward = d_model * 4 * d_model + 5 * d_model
    return {**parts(vocab, n_positions, d_model, n_layers), "feed-forward": n_layers * feed_forward}


@wrong("gpt2_parameters", says="scale and shift")
def norms_without_shift(vocab, n_positions, d_model, n_layers):
    return {**parts(vocab, n_positions, d_model, n_layers), "norms": d_model * (2 * n_layers + 1)}


@wrong("gpt2_parameters", says="one norm more")
def no_norm_at_the_end(vocab, n_positions, d_model, n_layers):
    return {**parts(vocab, n_positions, d_model, n_layers), "norms": n_layers * 2 * 2 * d_model}


@wrong("gpt2_parameters", says="two norms, one for each part")
def a_norm_a_block(vocab, n_positions, d_model, n_layers):
    return {**parts(vocab, n_positions, d_model, n_layers), "norms": n_layers * 2 * d_model + 2 * d_model}


@wrong("gpt2_parameters", says="one block is counted")
def forgets_n_layers(vocab, n_positions, d_model, n_layers):
    return parts(vocab, n_positions, d_model, 1)


@wrong("gpt2_parameters", says="this is the sum")
def total(vocab, n_positions, d_model, n_layers):
    return sum(parts(vocab, n_positions, d_model, n_layers).values())


@wrong("gpt2_parameters", says="feed-forward")
def other_names(vocab, n_positions, d_model, n_layers):
    counted = parts(vocab, n_positions, d_model, n_layers)
    counted["feed_forward"] = counted.pop("feed-forward")
    return counted


@wrong("gpt2_parameters", says="the first bias has 4·d_model")
def two_small_biases(vocab, n_positions, d_model, n_layers):
    feed_forward = 2 * 4 * d_model**2 + 2 * d_model
    return parts(vocab, n_positions, d_model, n_layers) | {"feed-forward": n_layers * feed_forward}


@wrong("gpt2_parameters", says="a shift too")
def last_norm_without_shift(vocab, n_positions, d_model, n_layers):
    return parts(vocab, n_positions, d_model, n_layers) | {"norms": n_layers * 4 * d_model + d_model}


@wrong("gpt2_parameters", says="should not have 'together'")
def with_the_sum(vocab, n_positions, d_model, n_layers):
    counted = parts(vocab, n_positions, d_model, n_layers)
    return counted | {"together": sum(counted.values())}


# -------------------------------------------------------------------------------------------------- initial_weights


def put(model, generator, matrix=0.02, end=None, vector=lambda name: 1.0 if name.endswith("scale") else 0.0):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                small = "to_out" in name or "narrow" in name
                size = end(len(model.blocks)) if small and end else matrix
                torch.nn.init.normal_(parameter, 0.0, size, generator=generator)
            else:
                parameter.fill_(vector(name))
    return model


def ours(n):
    return 0.02 / math.sqrt(2 * n)


@wrong("initial_weights", says="not made smaller")
def all_alike(model, generator):
    return put(model, generator)


@wrong("initial_weights", says="two branches")
def root_of_n(model, generator):
    return put(model, generator, end=lambda n: 0.02 / math.sqrt(n))


@wrong("initial_weights", says="root of that")
def no_root(model, generator):
    return put(model, generator, end=lambda n: 0.02 / (2 * n))


@wrong("initial_weights", says="should be divided")
def multiplies(model, generator):
    return put(model, generator, end=lambda n: 0.02 * math.sqrt(2 * n))


@wrong("initial_weights", says="biases keep")
def forgets_biases(model, generator):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("to_out.weight", "narrow.weight")):
                parameter.normal_(0, ours(len(model.blocks)), generator=generator)
            elif parameter.dim() > 1:
                parameter.normal_(0, 0.02, generator=generator)
            elif "norm" in name:
                parameter.fill_(1.0 if name.endswith("scale") else 0.0)
    return model


@wrong("initial_weights", says="norms keep")
def forgets_norms(model, generator):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("to_out.weight", "narrow.weight")):
                parameter.normal_(0, ours(len(model.blocks)), generator=generator)
            elif parameter.dim() > 1:
                parameter.normal_(0, 0.02, generator=generator)
            elif name.endswith("bias"):
                parameter.zero_()
    return model


@wrong("initial_weights", says="nothing comes through")
def all_vectors_zero(model, generator):
    return put(model, generator, end=ours, vector=lambda name: 0.0)


@wrong("initial_weights", says="shift is not 0")
def norms_all_one(model, generator):
    return put(model, generator, end=ours, vector=lambda name: 1.0 if "norm" in name else 0.0)


@wrong("initial_weights", says="uniform ones")
def uniform_numbers(model, generator):
    with torch.no_grad():
        for name, parameter in put(model, generator, end=ours).named_parameters():
            if parameter.dim() > 1 and not name.endswith(("to_out.weight", "narrow.weight")):
                parameter.uniform_(-0.02, 0.02, generator=generator)
    return model


@wrong("initial_weights", says="variance")
def as_variance(model, generator):
    return put(model, generator, math.sqrt(0.02), lambda n: math.sqrt(0.02 / (2 * n)))


@wrong("initial_weights", says="other numbers the second time")
def ignores_the_generator(model, generator):
    return put(model, None, end=ours)


@wrong("initial_weights", says="return")
def returns_nothing(model, generator):
    put(model, generator, end=ours)


@wrong("initial_weights", says="narrow.weight")
def only_attention_ends(model, generator):
    put(model, generator)
    with torch.no_grad():
        for block in model.blocks:
            block.attention.to_out.weight.normal_(0, ours(len(model.blocks)), generator=generator)
    return model


@wrong("initial_weights", says="positions.table")
def forgets_the_positions(model, generator):
    kept = model.positions.table.detach().clone()
    put(model, generator, end=ours)
    with torch.no_grad():
        model.positions.table.copy_(kept)
    return model


@wrong("initial_weights", says="a new object")
def new_parameters(model, generator):
    put(model, generator, end=ours)
    model.embedding.weight = torch.nn.Parameter(model.embedding.weight.detach().clone())
    return model


@wrong("initial_weights", says="do not depend on `generator`")
def makes_its_own_generator(model, generator):
    return put(model, torch.Generator().manual_seed(0), end=ours)


@wrong("initial_weights", says="do not depend on `generator`")
def seeds_the_global_one(model, generator):
    torch.manual_seed(42)
    return put(model, None, end=ours)


@wrong("initial_weights", says="have the same numbers")
def starts_anew_for_each(model, generator):
    seed = generator.initial_seed()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            generator.manual_seed(seed)
            if parameter.dim() > 1:
                small = "to_out" in name or "narrow" in name
                parameter.normal_(0, ours(len(model.blocks)) if small else 0.02, generator=generator)
            else:
                parameter.fill_(float(name.endswith("scale")))
    return model


@wrong("initial_weights", says="a bias is drawn where a branch ends")
def any_part_of_the_name(model, generator):
    for name, parameter in model.named_parameters():
        deviation = ours(len(model.blocks)) if "to_out" in name or "narrow" in name else 0.02
        if parameter.dim() == 2 or deviation < 0.02:
            parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * deviation)
        else:
            parameter.data.fill_(1.0 if "scale" in name else 0.0)
    return model


@wrong("initial_weights", says="have the same numbers")
def all_blocks_alike(model, generator):
    put(model, generator, end=ours)
    for block in model.blocks[1:]:
        block.load_state_dict(model.blocks[0].state_dict())
    return model


@wrong("initial_weights", says="another model")
def a_copy(model, generator):
    return put(copy.deepcopy(model), generator, end=ours)


@wrong("initial_weights", says="requires_grad")
def frozen(model, generator):
    return put(model.requires_grad_(False), generator, end=ours)


# ------------------------------------------------------------------------------------------------------ bigram_loss


def counted(ids, vocab):
    table = torch.zeros(vocab, vocab)
    for a, b in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True):
        table[a, b] += 1
    return table


def guessed(chances, ids):
    return -torch.log(chances[ids[:-1], ids[1:]]).mean()


@wrong("bigram_loss", says="columns are divided")
def normalises_columns(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    return guessed(table / table.sum(dim=0), held_out)


@wrong("bigram_loss", says="divided by all pairs")
def joint_chances(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    return guessed(table / table.sum(), held_out)


@wrong("bigram_loss", says="backwards")
def table_turned(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab).T + extra
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss", says="missing in the row's sum")
def sums_before_adding(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab)
    rows = table.sum(dim=1, keepdim=True)
    return guessed((table + extra) / torch.where(rows == 0, 1e-30, rows), held_out)


@wrong("bigram_loss", says="the row's sum once")
def adds_to_the_sum_once(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab)
    return guessed((table + extra) / (table.sum(dim=1, keepdim=True) + extra), held_out)


@wrong("bigram_loss", says="`extra` is not added")
def nothing_added(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab)
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss", says="1 is added")
def laplace(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + 1
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss", says="counts tokens, not pairs")
def single_tokens(ids, held_out, vocab, extra=0.1):
    shares = torch.bincount(ids, minlength=vocab) + extra
    return -torch.log(shares / shares.sum())[held_out[1:]].mean()


@wrong("bigram_loss", says="held-out text is counted")
def counts_the_wrong_text(ids, held_out, vocab, extra=0.1):
    table = counted(held_out, vocab) + extra
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss", says="counted text is guessed")
def training_loss(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    return guessed(table / table.sum(dim=1, keepdim=True), ids)


@wrong("bigram_loss", says="the sum: the mean")
def total_surprise(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    return guessed(table / table.sum(dim=1, keepdim=True), held_out) * (len(held_out) - 1)


@wrong("bigram_loss", says="one pair fewer")
def mean_over_tokens(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    logs = torch.log(table / table.sum(dim=1, keepdim=True))
    return -logs[held_out[:-1], held_out[1:]].sum() / len(held_out)


@wrong("bigram_loss", says="sign")
def log_chances(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    return -guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss", says="in bits")
def log2(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    chances = table / table.sum(dim=1, keepdim=True)
    return -torch.log2(chances[held_out[:-1], held_out[1:]]).mean()


@wrong("bigram_loss", says="logarithm of the mean")
def mean_first(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    chances = table / table.sum(dim=1, keepdim=True)
    return -torch.log(chances[held_out[:-1], held_out[1:]].mean())


@wrong("bigram_loss", says="counts once")
def plus_equals(ids, held_out, vocab, extra=0.1):
    table = torch.full((vocab, vocab), extra)
    table[ids[:-1], ids[1:]] += 1
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss", says="keepdim=True")
def forgets_keepdim(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + extra
    return guessed(table / table.sum(dim=1), held_out)


@wrong("bigram_loss", says="fewer than `vocab` columns")
def sizes_the_table_itself(ids, held_out, vocab, extra=0.1):
    largest = max(ids.max().item(), held_out.max().item())
    table = counted(ids, largest + 1) + extra
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss", says="the last token begins none")
def rows_by_frequency(ids, held_out, vocab, extra=0.1):
    rows = torch.bincount(ids, minlength=vocab) + vocab * extra
    return guessed((counted(ids, vocab) + extra) / rows.unsqueeze(1), held_out)


@wrong("bigram_loss", says="counted as well")
def counts_everything(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab) + counted(held_out, vocab) + extra
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss")
def every_other_pair(ids, held_out, vocab, extra=0.1):
    table = torch.full((vocab, vocab), extra)
    for a, b in ids[: len(ids) // 2 * 2].view(-1, 2).tolist():
        table[a, b] += 1
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


@wrong("bigram_loss", says="float64")
def in_double(ids, held_out, vocab, extra=0.1):
    table = counted(ids, vocab).double() + extra
    return guessed(table / table.sum(dim=1, keepdim=True), held_out)


# ---------------------------------------------------------------------------------------------------- bits_per_byte


@wrong("bits_per_byte", says="nats a byte")
def nats(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes


@wrong("bits_per_byte", says="multiplied by ln 2")
def wrong_way(loss, n_tokens, n_bytes):
    return loss * math.log(2) * n_tokens / n_bytes


@wrong("bits_per_byte", says="bits a token")
def of_a_token(loss, n_tokens, n_bytes):
    return loss / math.log(2)


@wrong("bits_per_byte", says="swapped")
def bytes_over_tokens(loss, n_tokens, n_bytes):
    return loss / math.log(2) * (n_bytes / n_tokens)


@wrong("bits_per_byte", says="mean over tokens")
def forgets_tokens(loss, n_tokens, n_bytes):
    return loss / math.log(2) / n_bytes


@wrong("bits_per_byte", says="whole text: divide")
def forgets_bytes(loss, n_tokens, n_bytes):
    return loss / math.log(2) * n_tokens


@wrong("bits_per_byte", says="nats a byte")
def log2_two(loss, n_tokens, n_bytes):
    return loss / math.log2(2) * n_tokens / n_bytes


@wrong("bits_per_byte", says="logarithm of the loss")
def log_again(loss, n_tokens, n_bytes):
    return math.log2(loss) / n_bytes * n_tokens


@wrong("bits_per_byte", says="perplexity")
def exponent(loss, n_tokens, n_bytes):
    return math.exp(loss) / n_bytes * n_tokens


@wrong("bits_per_byte", says="8 bits")
def divides_by_eight(loss, n_tokens, n_bytes):
    return loss * n_tokens / math.log(2) / (8 * n_bytes)


@wrong("bits_per_byte", says="8 bits")
def multiplies_by_eight(loss, n_tokens, n_bytes):
    return 8 * loss * n_tokens / math.log(2) / n_bytes


@wrong("bits_per_byte", says="log10")
def decimal(loss, n_tokens, n_bytes):
    return loss * n_tokens / math.log10(2) / n_bytes


@wrong("bits_per_byte", says="a rounded number")
def the_hint_s_number(loss, n_tokens, n_bytes):
    return loss * n_tokens * 1.44 / n_bytes


@wrong("bits_per_byte")
def rounded(loss, n_tokens, n_bytes):
    return round(loss * n_tokens / math.log(2) / n_bytes, 2)


@wrong("bits_per_byte", says="return")
def none(loss, n_tokens, n_bytes):
    loss * n_tokens / math.log(2) / n_bytes


slips(
    "bigram_loss",
    pairs_in_16_bits=(
        "expected",
        edit("ids[:-1] * vocab + ids[1:]", "(ids[:-1] * vocab + ids[1:]).to(torch.int16).long().abs()"),
    ),
    a_sum_of_at_least_1=("3 is new", edit("keepdim=True)", "keepdim=True).clamp(min=1)")),
    a_least_chance=("1e-9", edit("].log()", "].clamp(min=1e-6).log()")),
)
slips(
    "bits_per_byte", zero_taken_for_nothing=("return", edit("math.log(2) / n_bytes", "math.log(2) / n_bytes or None"))
)
slips(
    "initial_weights",
    out_of_a_copy_of_the_generator=(
        "two models in turn",
        edit(
            "    with torch", "    generator = torch.Generator().manual_seed(generator.initial_seed())\n    with torch"
        ),
    ),
    positions_kept=(
        "positions.table afterwards is 'as it was before'",
        edit(
            "elif parameter.dim() == 2",
            'elif name.startswith("positions"):\n                pass\n            elif parameter.dim() == 2',
        ),
    ),
)
slips(
    "gpt2_parameters",
    heads_of_64=(
        "d_model 67",
        edit(
            "4 * (d_model**2 + d_model)",
            "(4 * d_model * (w := max(d_model // 64 * 64, min(64, d_model))) + 3 * w + d_model)",
        ),
    ),
    multiple_of_8=(
        "d_model 67",
        edit("(8 * d_model**2 + 5 * d_model)", "(2 * d_model * (w := (4 * d_model + 7) // 8 * 8) + w + d_model)"),
    ),
    through_float32=(
        "attention is",
        edit("4 * (d_model**2 + d_model)", "4 * int(torch.tensor(float(d_model**2 + d_model + 1)) - 1)"),
    ),
)

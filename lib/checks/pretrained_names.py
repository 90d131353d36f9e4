"""Checks of notebook 19, the part on names: published names to ours, and tensors that fit a model or not."""

from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from lib import published_names
from lib.bert import Bert
from lib.checks.core import Exercise, edit
from lib.published_names import T5

our_name = Exercise(published_names.our_name)
must_fit = Exercise(published_names.must_fit)

SMALL = {
    "wte": "embedding",
    "wpe.weight": "positions.table",
    "h.#.attn.q": "blocks.#.attention.to_q",
    "h.#.ln_1": "blocks.#.attention_norm",
    "h.#.part.0.k": "blocks.#.attention.to_k",
    "h.#.part.1.k": "blocks.#.cross_attention.to_k",
    "h.#.scale": "blocks.#.strength",
    "m2.h.#.mlp": "blocks.#.feed_forward",
    "7.h.#.mlp": "blocks.#.experts",
    "ln_f": "norm",
    "in_norm": "normal",
    "pre_norm": "norms.start",
}


def translated(answer, names, *published, **options):
    return {name: answer(name, names, **options) for name in published}


# --------------------------------------------------------------------------------------------------------- our_name


@our_name.probe("h.3.attn.q, weight and bias, and the table h.#.attn.q: blocks.#.attention.to_q")
def _(answer, rng):
    return translated(answer, {"h.#.attn.q": "blocks.#.attention.to_q"}, "h.3.attn.q.weight", "h.3.attn.q.bias")


@our_name.probe("layers and tensors without a block")
def _(answer, rng):
    return translated(answer, SMALL, "wte.weight", "wpe.weight")


@our_name.probe("blocks 0, 10 and 299")
def _(answer, rng):
    return translated(answer, SMALL, *(f"h.{block}.attn.q.weight" for block in (0, 10, 299)), "h.31.scale")


@our_name.probe("names with two numbers, of which one is no block's, T5's among them")
def _(answer, rng):
    of_t5 = ("encoder.block.3.layer.0.SelfAttention.q.weight", "decoder.block.11.layer.2.layer_norm.weight")
    small = (
        "h.2.part.0.k.weight",
        "h.2.part.1.k.weight",
        "h.1.part.1.k.bias",
        "h.0.part.0.k.weight",
        "m2.h.3.mlp.bias",
        "7.h.3.mlp.bias",
    )
    return translated(answer, SMALL, *small) | translated(answer, T5, *of_t5)


@our_name.probe("norms: weight, bias, and gamma and beta as old files have them")
def _(answer, rng):
    last = ("weight", "bias", "gamma", "beta")
    return translated(answer, SMALL, *(f"{layer}.{word}" for layer in ("h.3.ln_1", "ln_f") for word in last))


@our_name.probe("layers whose name here does not end with norm, and last words that no row knows")
def _(answer, rng):
    of_others = ("in_norm.weight", "pre_norm.weight", "h.3.attn.q.gamma", "wte.beta")
    return translated(answer, SMALL, *of_others, "ln_f.running_mean", "h.3.ln_1.eps", "h.3.attn.q.inv_freq")


@our_name.probe("names that are not in the table")
def _(answer, rng):
    shorter = ("of.nothing", "h.7.of.nothing", "weight", "h3.attn.q.weight", "attn.q.weight")
    longer = (
        "model.wte.weight",
        "wte.weight.copy",
        "h.3.attn.q.part.weight",
        "h.3.attn.k.weight",
        "x.h.3.attn.q.weight",
    )
    return translated(answer, SMALL, *shorter, *longer)


@our_name.probe("norms that are not in the table")
def _(answer, rng):
    return translated(answer, SMALL, "final_norm.weight", "h.3.norm.bias", "post_layernorm.gamma")


@our_name.probe("another table of last words: {'weight': 'gain'}, and an empty one")
def _(answer, rng):
    names = ("ln_f.weight", "ln_f.bias", "h.3.ln_1.gamma", "wte.weight")
    return {
        "gain": translated(answer, SMALL, *names, norms={"weight": "gain"}),
        "empty": translated(answer, SMALL, *names, norms={}),
    }


_NUMBER, _PATTERN = "NUMBER.search(name)", 'NUMBER.sub(".#.", name, count=1)'
_NORM, _KIND = 'names[layer].endswith("norm")', "norms.get(kind, kind)"
_LAYER = "elif layer in names:"
_RETURN = 'return found.replace("#", number[1]) if number else found'

# fmt: off
our_name.mistakes(
    all_numbers=("only the first number is the block's: T5's names have a second one, which stands in the table.",
        edit("count=1", "count=0")),
    last_number=("the first number is the block's, not the last one.",
        edit(_NUMBER, "(list(NUMBER.finditer(name)) or [None])[-1]")),
    hash_left=("our name has the number of the block in place of #.", edit(_RETURN, "return found")),
    one_digit=("a number may have more than one digit.",
        edit(_NUMBER, 're.search(r"\\.(\\d)\\.", name)', _PATTERN, 're.sub(r"\\.(\\d)\\.", ".#.", name, count=1)')),
    from_one=("the number of the block stays as it is.", edit("number[1])", "str(int(number[1]) + 1))")),
    zero_is_none=("block 0 is a block too.", edit("if number else", "if number and int(number[1]) else")),
    any_digit=("the number of a block stands between two dots: h3 has none.",
        edit(_NUMBER, 're.search(r"\\.?(\\d+)\\.", name)', _PATTERN,
             're.sub(r"\\.?(\\d+)\\.", ".#.", name, count=1)')),
    norms_forgotten=("of norms the last word is another one here: `weight` is `scale`, and so on, by `norms`.",
        edit(_KIND, "kind")),
    always_norms=("the last word changes for norms only; other layers keep `weight` and `bias`.",
        edit(f"if {_NORM}:", "if True:")),
    by_their_name=("whether it is a norm is told by *our* name of the layer: GPT-2 calls one ln_1.",
        edit(_NORM, 'layer.endswith("norm")')),
    anywhere=("a norm's name here *ends* with norm.", edit(_NORM, '"norm" in names[layer]')),
    begins=("a norm's name here *ends* with norm.", edit(_NORM, 'names[layer].startswith("norm")'),
        edit(_NORM, 'names[layer].rpartition(".")[2].startswith("norm")')),
    only_norm=("ours may be called attention_norm too: the name ends with norm.",
        edit(_NORM, 'names[layer].rpartition(".")[2] == "norm"')),
    new_names_only=("old files call them gamma and beta: `norms` has all four.",
        edit(_KIND, '{"weight": "scale", "bias": "shift"}.get(kind, kind)')),
    unknown_word=("a last word that is not in `norms` stays as it is.",
        edit(_KIND, "norms[kind]"), edit(_KIND, 'norms.get(kind, "shift")'),
        edit(_KIND, 'norms.get(kind)')),
    own_norms=("the last words come from `norms`, whatever the caller gives.",
        edit(_KIND, "NORMS.get(kind, kind)")),
    empty_is_default=("an empty `norms` changes no word; `or` takes it for none.",
        edit(_KIND, "(norms or NORMS).get(kind, kind)")),
    unknown_raises=("a name that is not in the table stays as it is: no error.",
        edit(_LAYER, "else:", "    else:\n        return name\n", "")),
    unknown_none=("a name that is not in the table stays as it is: not None.",
        edit("        return name\n", "        return None\n")),
    unknown_hash=("a name that is not in the table stays as it is, its number too.",
        edit("        return name\n", "        return pattern\n")),
    unknown_shortened=("a name that is not in the table stays as it is, its last word too.",
        edit("        return name\n", "        return layer\n")),
    word_lost=("the last word is left out: after the layer's name comes `weight` or `bias`.",
        edit('f"{names[layer]}.{kind}"', "names[layer]")),
    no_dot=("a dot stands between the layer's name and the last word.", edit("{names[layer]}.{", "{names[layer]}{")),
    whole_forgotten=("a row may be a whole tensor's name, such as wpe.weight.",
        edit("if pattern in names:", "if False:")),
    layers_forgotten=("a row may be a layer's: without the last word of the tensor.",
        edit(_LAYER, "elif False:")),
    first_dot=("the layer is all but the *last* word of the name.",
        edit('pattern.rpartition(".")', 'pattern.partition(".")')),
    backwards=("the table goes from their names to ours: look theirs up.",
        edit("    if pattern", "    names = {ours: theirs for theirs, ours in names.items()}\n    if pattern")),
    pieces=("a row counts only if it is the whole layer's name: other names only begin or end like it.",
        edit(_LAYER, "elif layer := next((row for row in names if pattern.startswith(row + '.')), ''):"),
        edit(_LAYER, "elif layer := next((row for row in names if layer.endswith(row)), ''):")),
    theirs_kept=("the name is still theirs: the table's other column is asked for.",
        edit("{names[layer]}", "{layer}")),
)
# fmt: on


@our_name.mistake("pieces of names are replaced: a short row, such as wte, is found within longer names too.")
def replaces_everywhere(name, names, norms=published_names.NORMS):
    number = published_names.NUMBER.search(name)
    name = published_names.NUMBER.sub(".#.", name, count=1)
    for theirs, ours in names.items():
        name = name.replace(theirs, ours)
    return name.replace("#", number[1]) if number else name


# --------------------------------------------------------------------------------------------------------- must_fit

WORDS = ("missing", "unexpected", "another shape")
KEYS, VALUES, SHIFT = "blocks.1.to_k.weight", "blocks.1.to_v.weight", "last.norm.shift"  # in alphabetical order


def told(answer, found, wanted):
    """What is said of these tensors: which of them are named, and which of the three words stand there."""
    try:
        answer(found, wanted)
    except ValueError as error:
        text = str(error)
        named = ", ".join(name for name in sorted(found.keys() | wanted.keys()) if name in text)
        said = " and ".join(word for word in WORDS if word in text)
        return f"ValueError that names {named or 'no tensor'}: {said or 'none of the three words'}"
    return "goes on without an error"


def zeros(**shapes):
    """Tensors of these shapes, under their names: k for KEYS, v for VALUES, s for SHIFT, in the order given."""
    return {{"k": KEYS, "v": VALUES, "s": SHIFT}[short]: torch.zeros(shape) for short, shape in shapes.items()}


@must_fit.probe("tensors that fit: two, in another order; one; none")
def _(answer, rng):
    two = zeros(k=(2, 5), v=(2,))
    return {
        "two": told(answer, two, dict(reversed(two.items()))),
        "one": told(answer, zeros(s=()), zeros(s=())),
        "none": told(answer, {}, {}),
    }


@must_fit.probe("one that is missing, of two, of one, and of a BERT of three blocks")
def _(answer, rng):
    bert = Bert(307, 24, 2, 3, n_positions=300).state_dict()
    less = {name: part for name, part in bert.items() if name != "encoder.blocks.1.feed_forward.widen.weight"}
    return {
        "of two": told(answer, zeros(k=(2, 5)), zeros(k=(2, 5), s=(2,))),
        "of one": told(answer, {}, zeros(s=(2,))),
        "of a BERT": told(answer, less, bert),
    }


@must_fit.probe("one that is unexpected, beside one that fits, and alone")
def _(answer, rng):
    return {
        "beside one": told(answer, zeros(k=(2, 5), s=(2,)), zeros(k=(2, 5))),
        "alone": told(answer, zeros(s=(2,)), {}),
    }


@must_fit.probe("tensors of another shape")
def _(answer, rng):
    shapes = [((7, 5), (7, 4)), ((7, 5), (6, 5)), ((2, 3), (3, 2)), ((5,), (5, 1)), ((1,), ()), ((1, 5), (7, 5))]
    return {
        f"{mine}, wanted {theirs}": told(answer, zeros(k=(3,), v=mine), zeros(k=(3,), v=theirs))
        for mine, theirs in shapes
    }


@must_fit.probe("two that do not fit, and one that does: which one is named?")
def _(answer, rng):
    def pair(found, wanted):
        return told(answer, zeros(**found, s=(2,)), zeros(s=(2,), **wanted))

    three, four = (3,), (4,)
    return {
        "to_k missing, to_v unexpected": pair({"v": three}, {"k": three}),
        "to_k unexpected, to_v missing": pair({"k": three}, {"v": three}),
        "to_k of another shape, to_v missing": pair({"k": three}, {"v": three, "k": four}),
        "to_k missing, to_v of another shape": pair({"v": three}, {"v": four, "k": four}),
        "to_k of another shape, to_v unexpected": pair({"v": three, "k": three}, {"k": four}),
        "to_k unexpected, to_v of another shape": pair({"v": three, "k": three}, {"v": four}),
        "both missing": pair({}, {"v": three, "k": three}),
        "both unexpected": pair({"v": three, "k": three}, {}),
        "both of another shape": pair({"v": three, "k": three}, {"v": four, "k": four}),
    }


@must_fit.probe("blocks.2 and blocks.10 are missing: which one is named?")
def _(answer, rng):
    return told(answer, {}, {"blocks.2.scale": torch.zeros(2), "blocks.10.scale": torch.zeros(3)})


@must_fit.probe("other numbers, another dtype, parameters, and what is no tensor but has a shape: all fit")
def _(answer, rng):
    wanted, layer = zeros(k=(2, 3), v=(2,), s=(0, 3)), nn.Linear(3, 2)
    others = {VALUES: np.zeros(2), SHIFT: SimpleNamespace(shape=(0, 3))}
    return {
        "other numbers": told(answer, wanted | {KEYS: torch.randn(2, 3, generator=rng)}, wanted),
        "float16": told(answer, wanted | {KEYS: torch.zeros(2, 3).half()}, wanted),
        "no tensors": told(answer, wanted | others, wanted),
        "a list": told(answer, wanted | {SHIFT: SimpleNamespace(shape=[0, 3])}, wanted),  # as a file's header has it
        "parameters": told(answer, dict(layer.named_parameters()), layer.state_dict()),
    }


_NAMES, _UNEQUAL = "found.keys() | wanted.keys()", "if theirs != mine:"
_SHAPE = "tuple(part[name].shape) if name in part else None"

# fmt: off
must_fit.mistakes(
    unexpected_passes=("a tensor that is not wanted goes unnoticed: look at the names of both.",
        edit(_NAMES, "wanted.keys()")),
    missing_passes=("a tensor that is missing goes unnoticed: look at the names of both.",
        edit(_NAMES, "found.keys()")),
    only_common=("names that only one of the two has go unnoticed.", edit(_NAMES, "found.keys() & wanted.keys()")),
    only_names=("shapes are to be compared too.", edit(_UNEQUAL, "if (theirs is None) != (mine is None):")),
    only_counts=("the numbers are as many, but the shape is another one: (2, 3) is not (3, 2).",
        edit("tuple(part[name].shape)", "__import__('math').prod(part[name].shape)"),
        edit("tuple(part[name].shape)", "sorted(part[name].shape)")),
    only_axes=("the number of axes is the same, and their lengths are not.", edit(_UNEQUAL,
        "if (theirs is None) != (mine is None) or theirs is not None and len(theirs) != len(mine):")),
    first_axis=("all axes are to be compared, not the first alone.",
        edit("tuple(part[name].shape)", "tuple(part[name].shape)[:1]")),
    last_axis=("all axes are to be compared, not the last alone.",
        edit("tuple(part[name].shape)", "tuple(part[name].shape)[-1:]")),
    larger_passes=("a shape that is another one in any way is refused.",
        edit(_UNEQUAL, "if theirs is None or mine is None or theirs < mine:"),
        edit(_UNEQUAL, "if theirs is None or mine is None or theirs > mine:")),
    exchanged=("what a file lacks is missing; what it has too much is unexpected.",
        edit('"unexpected"', '"missing"', 'why = "missing"', 'why = "unexpected"')),
    unexpected_for_missing=("a tensor that is wanted and not found is missing.",
        edit("if name not in found:", "if False:", "if name in wanted", "if name in found and name in wanted")),
    missing_for_unexpected=("a tensor that is found and not wanted is unexpected.",
        edit('"unexpected"', '"missing"')),
    shape_for_missing=("a tensor that is wanted and not found is missing.", edit("if name not in found:", "if False:")),
    in_order_of_the_file=("the first one *in alphabetical order* is named.",
        edit(f"sorted({_NAMES})", "[*found, *(each for each in wanted if each not in found)]")),
    in_order_of_the_model=("the first one *in alphabetical order* is named.",
        edit(f"sorted({_NAMES})", "[*wanted, *(each for each in found if each not in wanted)]")),
    backwards=("the first one in alphabetical order is named, not the last.",
        edit(f"sorted({_NAMES})", f"sorted({_NAMES}, reverse=True)")),
    shapes_last=("the first one in alphabetical order is named, whatever is wrong with it.",
        edit(f"sorted({_NAMES})", f"sorted({_NAMES}, key=lambda each: (each in found and each in wanted, each))")),
    missing_first=("the first one in alphabetical order is named, whatever is wrong with it.",
        edit(f"sorted({_NAMES})", f"sorted({_NAMES}, key=lambda each: (each in found, each))"),
        edit(f"sorted({_NAMES})", f"sorted({_NAMES}, key=lambda each: (each in wanted, each))"),
        edit(f"sorted({_NAMES})", f"sorted({_NAMES}, key=lambda each: (each in found, each in wanted, each))")),
    nameless=("the sentence names the tensor.", edit("{name} is", "a tensor is")),
    no_word=('the sentence says "missing", "unexpected" or "another shape".', edit(" ({why})", "")),
    all_words=("the sentence says what is wrong with this tensor, and not what else could be.",
        edit("({why})", "(missing, unexpected or another shape)")),
    key_error=("a ValueError is asked for.", edit("raise ValueError", "raise KeyError")),
    runtime_error=("a ValueError is asked for; `load_state_dict` raises a RuntimeError.",
        edit("raise ValueError", "raise RuntimeError")),
    assertion=("a ValueError is asked for; `assert` raises an AssertionError.",
        edit("raise ValueError", "raise AssertionError")),
    returned=("the error is to be raised: not handed back, and not printed.",
        edit("raise ValueError", "return ValueError"), edit("raise ValueError", "print")),
    counted=("as many tensors need not be the same ones.",
        edit("    for name in", "    if len(found) == len(wanted):\n        return\n    for name in")),
    always=("where all fit, nothing is raised.", edit(_UNEQUAL, "if True:")),
    numbers_too=("numbers need not be equal: those of the model are to be replaced.",
        edit(_UNEQUAL, "if theirs != mine or not bool((found[name] == wanted[name]).all()):")),
    dtype_too=("the dtype may be another one: nothing is said of it.",
        edit(_UNEQUAL, "if theirs != mine or getattr(found[name], 'dtype', 0) != getattr(wanted[name], 'dtype', 0):")),
    tensors_only=("whatever has a shape may come, not tensors alone.",
        edit("tuple(part[name].shape)", "tuple(part[name].size())")),
    first_tensor_only=("all tensors are looked at, not the first alone.",
        edit(f"sorted({_NAMES})", f"sorted({_NAMES})[:1]")),
)
# fmt: on


@must_fit.mistake("one tensor is named, the first, and no other.")
def names_all(found, wanted):
    complaints = []
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found or name not in wanted:
            complaints.append(f"{name} is {'missing' if name in wanted else 'unexpected'}")
        elif tuple(found[name].shape) != tuple(wanted[name].shape):
            complaints.append(f"{name} has another shape")
    if complaints:
        raise ValueError(", ".join(complaints))

"""Wrong answers to notebook 19 as people write them: published names to ours, and tensors that fit a model or not."""

import re

import torch

from lib.checks.core import edit
from lib.published_names import NORMS, NUMBER
from tests.graders.cases import slips, wrong

# --------------------------------------------------------------------------------------------------------- our_name


@wrong("our_name", says="a short row, such as wte, is found within longer names")
def tired(name, names, norms=NORMS):
    block = NUMBER.search(name)
    text = name if block is None else name.replace(block.group(), ".#.", 1)
    for theirs in names:
        text = text.replace(theirs, names[theirs])
    return text if block is None else text.replace("#", block[1])


@wrong("our_name", says="KeyError")
def looks_up_only(name, names, norms=NORMS):
    layer, kind = re.sub(r"\.\d+\.", ".#.", name, count=1).rsplit(".", 1)
    number = re.search(r"\d+", name)
    ours = names[layer]
    return f"{ours}.{norms[kind] if ours.endswith('norm') else kind}".replace("#", number[0] if number else "")


@wrong("our_name", says="its number too")
def forgets_to_put_back(name, names, norms=NORMS):
    number = NUMBER.search(name)
    if number:
        name = name[: number.start()] + ".#." + name[number.end() :]
    layer, _, kind = name.rpartition(".")
    if name in names:
        name = names[name]
    elif layer in names:
        name = names[layer] + "." + (norms.get(kind, kind) if names[layer].endswith("norm") else kind)
    else:
        return name
    return name.replace("#", number.group(1)) if number else name


@wrong("our_name", says="T5's names have a second one")
def every_number(name, names, norms=NORMS):
    numbers = re.findall(r"\.(\d+)(?=\.)", name)
    pattern = re.sub(r"\.\d+(?=\.)", ".#", name)
    layer, _, kind = pattern.rpartition(".")
    if pattern in names:
        found = names[pattern]
    elif layer in names:
        found = f"{names[layer]}.{norms.get(kind, kind) if names[layer].endswith('norm') else kind}"
    else:
        return name
    return found.replace("#", numbers[0]) if numbers else found


@wrong("our_name", says="other layers keep")
def scale_everywhere(name, names, norms=NORMS):
    number = NUMBER.search(name)
    pattern = NUMBER.sub(".#.", name, count=1)
    if pattern in names:
        found = names[pattern]
    else:
        *parts, kind = pattern.split(".")
        layer = ".".join(parts)
        if layer not in names:
            return name
        found = names[layer] + "." + norms.get(kind, kind)
    return found if number is None else found.replace("#", number[1])


@wrong("our_name", says="GPT-2 calls one ln_1")
def norm_of_theirs(name, names, norms=NORMS):
    number = NUMBER.search(name)
    pattern = NUMBER.sub(".#.", name, count=1)
    if pattern not in names:
        layer, _, kind = pattern.rpartition(".")
        if layer not in names:
            return name
        if layer.endswith("norm"):
            kind = norms.get(kind, kind)
        found = f"{names[layer]}.{kind}"
    else:
        found = names[pattern]
    return found.replace("#", number[1]) if number else found


@wrong("our_name", says="0, 10 and 299")
def digit_by_digit(name, names, norms=NORMS):
    """Takes one character between two dots for the number."""
    parts = name.split(".")
    number = next((part for part in parts[1:-1] if len(part) == 1 and part.isdigit()), None)
    if number is not None:
        parts[parts.index(number)] = "#"
    *layer, kind = parts
    whole, layer = ".".join(parts), ".".join(layer)
    if whole in names:
        found = names[whole]
    elif layer in names:
        found = names[layer] + "." + (norms.get(kind, kind) if names[layer].endswith("norm") else kind)
    else:
        return name
    return found.replace("#", str(number))


slips(
    "our_name",
    unknown_norms_changed_too=(
        None,
        edit(
            "        return name\n", "        found = f'{layer}.{norms.get(kind, kind)}' if 'norm' in layer else name\n"
        ),
    ),
    first_digits=("m2.h.3.mlp.bias", edit("NUMBER.search(name)", 're.search(r"(\\d+)", name)')),
    empty_for_unknown=("of.nothing is ''", edit("        return name\n", '        return ""\n')),
    raises_for_unknown=(
        "your code raised ValueError",
        edit("        return name\n", "        raise ValueError(name)\n"),
    ),
    the_pattern_too=(
        "in place of #",
        edit('found.replace("#", number[1]) if number else found', "found.format(number)"),
    ),
    number_as_int=("int", edit("number[1])", "int(number[1]))")),
    whole_match=("..3..", edit("number[1])", "number[0])")),
    in_place_of_dots=("blocks", edit('".#."', '"#"')),
)

# --------------------------------------------------------------------------------------------------------- must_fit


@wrong("must_fit", says="RuntimeError")
def as_load_state_dict(found, wanted):
    missing, unexpected = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    if missing or unexpected:
        raise RuntimeError(f"missing: {sorted(missing)}, unexpected: {sorted(unexpected)}")
    for name in sorted(wanted):
        if wanted[name].shape != found[name].shape:
            raise RuntimeError(f"{name}: another shape")


@wrong("must_fit", says="whatever is wrong with it")
def three_loops(found, wanted):
    for name in sorted(wanted):
        if name not in found:
            raise ValueError(f"{name} is missing")
    for name in sorted(found):
        if name not in wanted:
            raise ValueError(f"{name} is unexpected")
    for name in sorted(wanted):
        if tuple(found[name].shape) != tuple(wanted[name].shape):
            raise ValueError(f"{name} has another shape")


@wrong("must_fit", says="KeyError")
def looks_up_at_once(found, wanted):
    for name in sorted({*found, *wanted}):
        if tuple(found[name].shape) != tuple(wanted[name].shape):
            raise ValueError(f"{name} has another shape")


@wrong("must_fit", says="goes unnoticed")
def over_the_model(found, wanted):
    for name, part in sorted(wanted.items(), key=lambda named: named[0]):
        if name not in found:
            raise ValueError(f"{name} is missing")
        if tuple(part.shape) != tuple(found[name].shape):
            raise ValueError(f"{name} has another shape")


@wrong("must_fit", says="(2, 3) is not (3, 2)")
def counts_numbers(found, wanted):
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            raise ValueError(f"{name} is missing")
        if name not in wanted:
            raise ValueError(f"{name} is unexpected")
        if torch.Size(found[name].shape).numel() != torch.Size(wanted[name].shape).numel():
            raise ValueError(f"{name} has another shape")


@wrong("must_fit", says="none of the three words")
def in_other_words(found, wanted):
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            raise ValueError(f"{name} is not in the file")
        if name not in wanted:
            raise ValueError(f"{name} is too much")
        if tuple(found[name].shape) != tuple(wanted[name].shape):
            raise ValueError(f"{name} does not fit")


@wrong("must_fit", says="and no other")
def the_whole_list(found, wanted):
    wrong_ones = []
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            wrong_ones.append(f"{name} missing")
        elif name not in wanted:
            wrong_ones.append(f"{name} unexpected")
        elif tuple(found[name].shape) != tuple(wanted[name].shape):
            wrong_ones.append(f"{name} another shape")
    if wrong_ones:
        raise ValueError("; ".join(wrong_ones))


@wrong("must_fit", says="not tensors alone")
def by_size(found, wanted):
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            raise ValueError(f"{name} is missing")
        if name not in wanted:
            raise ValueError(f"{name} is unexpected")
        if found[name].size() != wanted[name].size():
            raise ValueError(f"{name} has another shape")


@wrong("must_fit")
def shapes_as_they_are(found, wanted):
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            raise ValueError(f"{name} is missing")
        if name not in wanted:
            raise ValueError(f"{name} is unexpected")
        if found[name].shape != wanted[name].shape:
            raise ValueError(f"{name} has another shape")


slips(
    "must_fit",
    numbers_by_their_size=(
        None,
        edit(
            "sorted(found.keys() | wanted.keys())",
            "sorted(found.keys() | wanted.keys(), key=lambda name: "
            "[int(part) if part.isdigit() else part for part in name.split('.')])",
        ),
    ),
    shape_as_it_is=("not the last alone", edit("tuple(part[name].shape)", "list(part[name].shape)[::-1][:1]")),
    only_common_names=(
        "goes on without an error",
        edit("found.keys() | wanted.keys()", "found.keys() & wanted.keys()"),
    ),
    symmetric=("another shape", edit("found.keys() | wanted.keys()", "found.keys() ^ wanted.keys()")),
    always_missing=("unexpected", edit('"unexpected"', '"missing"', '"another shape"', '"missing"')),
    type_error=("TypeError", edit("raise ValueError", "raise TypeError")),
)

"""Right answers to notebook 19 in other styles: published names to ours, and tensors that fit a model or not."""

import re
from collections import ChainMap

from lib.published_names import NORMS, NUMBER
from tests.graders.cases import right

# --------------------------------------------------------------------------------------------------------- our_name


@right("our_name")
def by_parts(name, names, norms=NORMS):
    parts = name.split(".")
    place = next((i for i in range(1, len(parts) - 1) if parts[i].isdigit()), None)
    if place is not None:
        number, parts[place] = parts[place], "#"
    whole, layer = ".".join(parts), ".".join(parts[:-1])
    if whole in names:
        ours = names[whole]
    elif layer in names:
        ours, last = names[layer], parts[-1]
        if ours.endswith("norm") and last in norms:
            last = norms[last]
        ours += "." + last
    else:
        return name
    return ours if place is None else ours.replace("#", number)


@right("our_name")
def rows_filled_in(name, names, norms=NORMS):
    """Puts the number into the table's rows in place of taking it out of the name."""
    number = NUMBER.search(name)
    block = number.group(1) if number else "#"
    layer, kind = name.rsplit(".", 1) if "." in name else ("", name)
    for theirs, ours in names.items():
        theirs, ours = theirs.replace("#", block), ours.replace("#", block)
        if theirs == name:
            return ours
        if theirs == layer:
            return ours + "." + (norms.get(kind, kind) if ours[-4:] == "norm" else kind)
    return name


@right("our_name")
def by_patterns(name, names, norms=NORMS):
    """A regular expression for each row."""
    for theirs, ours in names.items():
        row = re.escape(theirs).replace(r"\#", "#").replace("#", r"(?P<block>\d+)")
        found = re.fullmatch(row + r"(?:\.(?P<kind>[^.]*))?", name)
        if not found:
            continue
        kind = found["kind"]
        if kind is None and theirs.rpartition(".")[2] not in ("weight", "scale", "bias"):
            continue
        block = found.groupdict().get("block") or "#"
        if kind is not None:
            ours += "." + (norms.get(kind, kind) if ours.endswith("norm") else kind)
        return ours.replace("#", block)
    return name


@right("our_name")
def early_returns(name, names, norms=NORMS):
    def number_back(text):
        return re.sub("#", number, text)

    found = re.search(r"\.([0-9]+)\.", name)
    number = found[1] if found else "#"
    pattern = name if not found else f"{name[: found.start()]}.#.{name[found.end() :]}"
    if pattern in names:
        return number_back(names[pattern])
    at = pattern.rfind(".")
    if at < 0 or pattern[:at] not in names:
        return name
    layer, kind = names[pattern[:at]], pattern[at + 1 :]
    return number_back(layer) + "." + (norms[kind] if layer.endswith("norm") and kind in norms else kind)


@right("our_name")
def by_get(name, names, norms=NORMS):
    number = NUMBER.search(name)
    pattern = NUMBER.sub(".#.", name, count=1) if number else name
    layer, _, kind = pattern.rpartition(".")
    ours = names.get(pattern)
    if ours is None and (of_layer := names.get(layer)) is not None:
        ours = ".".join((of_layer, norms.get(kind, kind) if of_layer.endswith("norm") else kind))
    if ours is None:
        return name
    return ours.replace("#", number.group(1)) if number else ours


@right("our_name")
def a_larger_table(name, names, norms=NORMS):
    """Writes all tensors of all rows out first."""
    number = NUMBER.search(name)
    pattern = NUMBER.sub(".#.", name, 1)
    kind = pattern.split(".")[-1]
    table = {
        f"{theirs}.{kind}": f"{ours}.{norms.get(kind, kind) if ours.endswith('norm') else kind}"
        for theirs, ours in names.items()
    }
    try:
        found = ChainMap(names, table)[pattern]
    except KeyError:
        return name
    return "".join(number[1] if letter == "#" else letter for letter in found)


# --------------------------------------------------------------------------------------------------------- must_fit


@right("must_fit")
def one_loop(found, wanted):
    for name in sorted(set(found) | set(wanted)):
        if name not in found:
            raise ValueError(f"the file lacks {name}: it is missing")
        if name not in wanted:
            raise ValueError(f"the file has {name}, which is unexpected")
        if tuple(found[name].shape) != tuple(wanted[name].shape):
            raise ValueError(f"{name} has another shape than {tuple(wanted[name].shape)}")


@right("must_fit")
def the_least_of_three(found, wanted):
    complaints = {name: "missing" for name in wanted if name not in found}
    complaints |= {name: "unexpected" for name in found if name not in wanted}
    complaints |= {
        name: "of another shape"
        for name in found
        if name in wanted and list(found[name].shape) != list(wanted[name].shape)
    }
    if complaints:
        first = min(complaints)
        raise ValueError(f"{first} is {complaints[first]}")


@right("must_fit")
def by_sets(found, wanted):
    shapes = [{(name, tuple(part.shape)) for name, part in tensors.items()} for tensors in (found, wanted)]
    apart = sorted(name for name, _ in shapes[0] ^ shapes[1])
    if not apart:
        return
    name = apart[0]
    why = "another shape" if name in found and name in wanted else "unexpected" if name in found else "missing"
    raise ValueError(f"{name}: {why}")


@right("must_fit")
def by_try(found, wanted):
    for name in sorted([*found, *wanted]):
        try:
            mine = found[name].shape
        except KeyError:
            raise ValueError(name + " is missing") from None
        try:
            theirs = wanted[name].shape
        except KeyError:
            raise ValueError(name + " is unexpected") from None
        if len(mine) != len(theirs) or any(a != b for a, b in zip(mine, theirs, strict=True)):
            raise ValueError(name + " has another shape")


class DoesNotFit(ValueError):
    """Ours may be a kind of its own."""


@right("must_fit")
def an_error_of_its_own(found, wanted):
    names = iter(sorted(found.keys() | wanted.keys()))
    name = next(names, None)
    while name is not None:
        match name in found, name in wanted:
            case False, True:
                raise DoesNotFit("missing", name)
            case True, False:
                raise DoesNotFit("unexpected", name)
        if (*found[name].shape,) != (*wanted[name].shape,):
            raise DoesNotFit("another shape", name)
        name = next(names, None)


@right("must_fit")
def recursive(found, wanted):
    """The first, then the rest."""
    both = sorted({**found, **wanted})
    shapes = {name: [tuple(part[name].shape) for part in (found, wanted) if name in part] for name in both}
    first = next((name for name in both if len(shapes[name]) < 2 or shapes[name][0] != shapes[name][1]), None)
    if first is None:
        return None
    words = {(False, True): "missing", (True, False): "unexpected", (True, True): "another shape"}
    raise ValueError(f"tensor {first}: {words[first in found, first in wanted]}")

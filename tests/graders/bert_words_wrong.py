"""Wrong answers to notebook 16, second part, as people write them: words in pieces, hidden words."""

import random

import torch

from lib.checks.core import edit
from lib.wordpiece import wordpiece as cut
from tests.graders.cases import slips, wrong

# -------------------------------------------------------------------------------------------------------- wordpiece


@wrong("wordpiece", says="drop what was")
def unknown_at_the_end(word, pieces):
    found, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start and ("##" if start else "") + word[start:end] not in pieces:
            end -= 1
        if end == start:
            found.append("[UNK]")
            break
        found.append(("##" if start else "") + word[start:end])
        start = end
    return found if len(word) <= 100 else ["[UNK]"]


@wrong("wordpiece", says="endless loop")
def never_ends(word, pieces):
    found, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in pieces:
                found.append(piece)
                start = end
                break
    return found


@wrong("wordpiece", says="more than 100 characters")
def no_longest_word(word, pieces):
    found = []
    while word:
        mark = "##" if found else ""
        fitting = [n for n in range(1, len(word) + 1) if mark + word[:n] in pieces]
        if not fitting:
            return ["[UNK]"]
        found.append(mark + word[: fitting[-1]])
        word = word[fitting[-1] :]
    return found


@wrong("wordpiece", says="where ab and cd come twice")
def replaced(word, pieces):
    """Takes the longest piece away wherever it stands in the rest."""
    found, rest = [], word
    while rest and len(word) <= 100:
        mark = "##" if found else ""
        fitting = [n for n in range(len(rest), 0, -1) if mark + rest[:n] in pieces]
        if not fitting:
            return ["[UNK]"]
        found.append(mark + rest[: fitting[0]])
        rest = rest.replace(rest[: fitting[0]], "")
    return found or ["[UNK]"]


@wrong("wordpiece")
def any_mark(word, pieces):
    """Strips the marks off the pieces first."""
    known = {piece.removeprefix("##") for piece in pieces}
    found, start = [], 0
    while start < len(word) and len(word) <= 100:
        ends = [end for end in range(len(word), start, -1) if word[start:end] in known]
        if not ends:
            return ["[UNK]"]
        found.append(("##" if start else "") + word[start : ends[0]])
        start = ends[0]
    return found or ["[UNK]"]


@wrong("wordpiece")
def first_that_fits(word, pieces):
    """The first in the order of the pieces, not the longest."""
    found, start = [], 0
    while start < len(word) and len(word) <= 100:
        mark = "##" if start else ""
        for piece in sorted(pieces):
            if piece.startswith(mark) and word.startswith(piece.removeprefix(mark), start) and piece != mark:
                break
        else:
            return ["[UNK]"]
        found.append(piece)
        start += len(piece) - len(mark)
    return found or ["[UNK]"]


@wrong("wordpiece", says="WordPiece goes from left to right")
def from_behind(word, pieces):
    found, rest = [], word
    while rest and len(word) <= 100:
        for start in range(len(rest)):
            piece = ("##" if start else "") + rest[start:]
            if piece in pieces:
                found.append(piece)
                rest = rest[:start]
                break
        else:
            return ["[UNK]"]
    return found[::-1] or ["[UNK]"]


@wrong("wordpiece", says="never takes a piece back")
def best_of_all(word, pieces):
    if len(word) > 100:
        return ["[UNK]"]
    known = {}

    def cut(start):
        if start == len(word):
            return []
        if start not in known:
            known[start] = None
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in pieces and (rest := cut(end)) is not None:
                    known[start] = [piece, *rest]
                    break
        return known[start]

    return cut(0) or ["[UNK]"]


@wrong("wordpiece", says="has no attribute 'get'")
def by_get(word, pieces):
    return [word] if pieces.get(word) is not None else ["[UNK]"]


@wrong("wordpiece")
def needs_the_letter(word, pieces):
    """Gives up where the first letter alone is no piece."""
    found, start = [], 0
    while start < len(word) and len(word) <= 100:
        mark, end, piece = "##" if start else "", start + 1, None
        while end <= len(word) and mark + word[start:end] in pieces:
            piece, end = mark + word[start:end], end + 1
        if piece is None:
            return ["[UNK]"]
        found.append(piece)
        start = end - 1
    return found or ["[UNK]"]


@wrong("wordpiece")
def sixteen_letters_at_most(word, pieces):
    if len(word) > 100:
        return ["[UNK]"]
    found, start = [], 0
    while start < len(word):
        for end in range(min(len(word), start + 16), start, -1):
            if ("##" if start else "") + word[start:end] in pieces:
                break
        else:
            return ["[UNK]"]
        found.append(("##" if start else "") + word[start:end])
        start = end
    return found


slips(
    "wordpiece",
    letters_only=(
        "?",
        edit("    if len(word) > LONGEST_WORD:", "    if len(word) > LONGEST_WORD or not word.isalpha():"),
    ),
    ascii_only=(
        "USé",
        edit("    if len(word) > LONGEST_WORD:", "    if len(word) > LONGEST_WORD or not word.isascii():"),
    ),
    twice=("", edit("found.append(piece)", "found.append(piece) if piece not in found else None")),
    at_most_20=("", edit("range(len(word), start, -1)", "range(min(len(word), start + 2), start, -1)")),
    whole_first=(
        "",
        edit(
            "    found, start",
            "    if word in pieces:\n        return [word]\n    found, start",
            "> LONGEST_WORD",
            "> 10**9",
        ),
    ),
    longest_word_known=(
        "101 letters",
        edit("if len(word) > LONGEST_WORD:", "if len(word) > LONGEST_WORD and word not in pieces:"),
    ),
    unknown_piece=("", edit("return [UNKNOWN]\n        found", 'return ["<unk>"]\n        found')),
    short_pieces=("97 letters", edit("range(len(word), start", "range(min(len(word), start + 64), start")),
    bytes_counted=("[UNK]", edit("len(word) > LONGEST_WORD", "len(word.encode()) > LONGEST_WORD")),
)


# ------------------------------------------------------------------------------------------------------- mask_words


@wrong("mask_words", says="half of them do")
def ten_of_the_rest(ids, special, mask_id, vocab, generator, share=0.15):
    targets, chances = ids.clone(), torch.full(ids.shape, share)
    for i in special:
        chances[ids == i] = 0.0
    chosen = torch.bernoulli(chances, generator=generator).bool()
    targets[~chosen] = -100
    masked = torch.bernoulli(torch.full(ids.shape, 0.8), generator=generator).bool() & chosen
    inputs = ids.clone()
    inputs[masked] = mask_id
    others = torch.bernoulli(torch.full(ids.shape, 0.1), generator=generator).bool() & chosen & ~masked
    inputs[others] = torch.randint(vocab, ids.shape, generator=generator)[others]
    return inputs, targets


@wrong("mask_words", says="changes ids")
def fills_ids(ids, special, mask_id, vocab, generator, share=0.15):
    targets = ids.clone()
    chosen = torch.rand(ids.shape, generator=generator) < share
    for i in special:
        chosen &= ids != i
    targets[~chosen] = -100
    dice = torch.rand(ids.shape, generator=generator)
    ids[chosen & (dice < 0.8)] = mask_id
    others = chosen & (dice >= 0.9)
    ids[others] = torch.randint(vocab, (int(others.sum()),), generator=generator)
    return ids, targets


@wrong("mask_words", says="the generator")
def pythons_dice(ids, special, mask_id, vocab, generator, share=0.15):
    inputs, targets = ids.clone(), torch.full_like(ids, -100)
    for i, row in enumerate(ids.tolist()):
        for j, word in enumerate(row):
            if word in special or random.random() >= share:
                continue
            targets[i, j] = word
            u = random.random()
            inputs[i, j] = mask_id if u < 0.8 else random.randrange(vocab) if u < 0.9 else word
    return inputs, targets


@wrong("mask_words", says="all chosen words become [MASK]")
def only_masks(ids, special, mask_id, vocab, generator, share=0.15):
    chosen = torch.rand(ids.shape, generator=generator) < share
    for i in special:
        chosen = chosen & (ids != i)
    return ids.masked_fill(chosen, mask_id), ids.masked_fill(~chosen, -100)


@wrong("mask_words", says="each text has the same number")
def exactly_fifteen(ids, special, mask_id, vocab, generator, share=0.15):
    ranks = torch.rand(ids.shape, generator=generator).argsort(dim=1).argsort(dim=1)
    chosen = ranks < round(share * ids.shape[1])
    for i in special:
        chosen = chosen & (ids != i)
    dice = torch.rand(ids.shape, generator=generator)
    words = torch.randint(vocab, ids.shape, generator=generator)
    inputs = torch.where(chosen & (dice < 0.8), mask_id, torch.where(chosen & (dice > 0.9), words, ids))
    return inputs, ids.masked_fill(~chosen, -100)


@wrong("mask_words", says="targets are missing")
def targets_where_masked(ids, special, mask_id, vocab, generator, share=0.15):
    chosen = torch.rand(ids.shape, generator=generator) < share
    chosen &= ~torch.isin(ids, torch.tensor(list(special), dtype=torch.long))
    dice = torch.rand(ids.shape, generator=generator)
    words = torch.randint(vocab, ids.shape, generator=generator)
    inputs = torch.where(chosen & (dice < 0.8), mask_id, torch.where(chosen & (dice > 0.9), words, ids))
    return inputs, torch.where(inputs == mask_id, ids, -100)


@wrong("mask_words", says="only the chosen ones should be")
def three_choices(ids, special, mask_id, vocab, generator, share=0.15):
    """Masks 80% of all words that are not special, and so on."""
    allowed = ~torch.isin(ids, torch.tensor(list(special), dtype=torch.long))
    chosen = allowed & (torch.rand(ids.shape, generator=generator) < share)
    dice = torch.rand(ids.shape, generator=generator)
    words = torch.randint(vocab, ids.shape, generator=generator)
    inputs = torch.where(allowed & (dice < 0.8), mask_id, torch.where(allowed & (dice > 0.9), words, ids))
    return inputs, torch.where(chosen, ids, -100)


@wrong("mask_words", says="inputs first, then targets")
def turned_round(ids, special, mask_id, vocab, generator, share=0.15):
    chosen = torch.rand(ids.shape, generator=generator) < share
    chosen &= ~torch.isin(ids, torch.tensor(list(special), dtype=torch.long))
    dice = torch.rand(ids.shape, generator=generator)
    words = torch.randint(vocab, ids.shape, generator=generator)
    inputs = torch.where(chosen & (dice < 0.8), mask_id, torch.where(chosen & (dice > 0.9), words, ids))
    return torch.where(chosen, ids, -100), inputs


slips(
    "mask_words",
    a_mask_that_stands_there_is_left_out=(None, edit("list(special)", "[*special, mask_id]")),
    never_mask_again=(
        "",
        edit(
            "torch.randint(vocab, ids.shape, generator=generator)",
            "(torch.randint(vocab - 1, ids.shape, generator=generator) + mask_id + 1) % vocab",
        ),
    ),
    words_twice=("", edit("chosen & (dice >= 0.9)", "chosen & (torch.rand(ids.shape, generator=generator) >= 0.9)")),
    sixteen_bits=("int64", edit("return inputs,", "return inputs.int(),")),
    one_row=(
        "",
        edit(
            "torch.rand(ids.shape, generator=generator) < share",
            "torch.rand(len(ids[0]), generator=generator).expand(ids.shape) < share",
        ),
    ),
    first_words=(
        "",
        edit(
            "(torch.rand(ids.shape, generator=generator) < share)",
            "(torch.arange(ids.shape[1]) < share * ids.shape[1])",
        ),
    ),
    rand_like=(
        "the generator",
        edit("dice = torch.rand(ids.shape, generator=generator)", "dice = torch.rand_like(ids, dtype=torch.float)"),
    ),
    normal_dice=("", edit("dice = torch.rand(", "dice = torch.randn(")),
    always_as_many=(
        "so the number varies",
        edit(
            "torch.rand(ids.shape, generator=generator) < share",
            "torch.rand(ids.numel(), generator=generator).argsort().argsort().view(ids.shape) "
            "< round(share * ids.numel())",
        ),
    ),
    some_are_special=(
        "non-empty",
        edit(
            "torch.isin(ids, torch.tensor(list(special), dtype=ids.dtype))",
            "torch.stack([ids == one for one in special]).any(0)",
        ),
    ),
)


@wrong("wordpiece", says="endless loop")
def lengths_without_any_sign(word, pieces):
    if len(word) > 100:
        return ["[UNK]"]
    found = []
    while word:
        mark = "##" if found else ""
        fits = [mark + word[:end] for end in range(len(word), 0, -1) if mark + word[:end] in pieces]
        if not fits:
            return ["[UNK]"]
        found.append(fits[0])
        word = word[len(fits[0].lstrip("#")) if mark else len(fits[0]) :]
    return found


CUT = {}


@wrong("wordpiece", says="nothing fits after play")
def remembers_by_the_number_of_pieces(word, pieces):
    key = word, len(pieces)
    if key not in CUT:
        CUT[key] = cut(word, pieces)
    return list(CUT[key])

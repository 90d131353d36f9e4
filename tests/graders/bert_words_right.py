"""Right answers to notebook 16, second part, in other styles than the course's: words in pieces, hidden words."""

import torch

from tests.graders.cases import right

# -------------------------------------------------------------------------------------------------------- wordpiece


@right("wordpiece")
def two_whiles(word, pieces):
    if len(word) > 100:
        return ["[UNK]"]
    result = []
    start = 0
    while start < len(word):
        end = len(word)
        piece = None
        while end > start:
            candidate = word[start:end]
            if start > 0:
                candidate = "##" + candidate
            if candidate in pieces:
                piece = candidate
                break
            end -= 1
        if piece is None:
            return ["[UNK]"]
        result.append(piece)
        start = end
    return result


@right("wordpiece")
def the_rest(word, pieces):
    found, rest, mark = [], word, ""
    while rest and len(word) <= 100:
        fitting = [n for n in range(1, len(rest) + 1) if mark + rest[:n] in pieces]
        if not fitting:
            return ["[UNK]"]
        found.append(mark + rest[: fitting[-1]])
        rest, mark = rest[fitting[-1] :], "##"
    return found or ["[UNK]"]


@right("wordpiece")
def by_recursion(word, pieces):
    def cut(rest, mark):
        if not rest:
            return []
        for n in range(len(rest), 0, -1):
            if mark + rest[:n] in pieces:
                others = cut(rest[n:], "##")
                return None if others is None else [mark + rest[:n], *others]
        return None

    return (cut(word, "") if len(word) < 101 else None) or ["[UNK]"]


@right("wordpiece")
def through_all_pieces(word, pieces):
    if len(word) > 100:
        return ["[UNK]"]
    beginnings = [piece for piece in pieces if not piece.startswith("##")]
    others = [piece[2:] for piece in pieces if piece.startswith("##")]
    found = []
    while word:
        fitting = [piece for piece in (others if found else beginnings) if piece and word.startswith(piece)]
        if not fitting:
            return ["[UNK]"]
        best = max(fitting, key=len)
        found.append("##" + best if found else best)
        word = word[len(best) :]
    return found


@right("wordpiece")
def with_next(word, pieces):
    known, found, start = frozenset(pieces), [], 0
    if len(word) > 100:
        return ["[UNK]"]
    while start != len(word):
        mark = "##" * bool(found)
        end = next((end for end in reversed(range(start + 1, len(word) + 1)) if mark + word[start:end] in known), None)
        if end is None:
            return ["[UNK]"]
        found += [mark + word[start:end]]
        start = end
    return found


@right("wordpiece")
def marked_at_once(word, pieces):
    """The mark stands before the rest itself."""
    found, rest = [], word
    if len(word) > 100:
        return ["[UNK]"]
    while rest not in ("", "##") or not found:
        least = 3 if found else 1
        for end in range(len(rest), least - 1, -1):
            if rest[:end] in pieces:
                found.append(rest[:end])
                rest = "##" + rest[end:]
                break
        else:
            return ["[UNK]"]
    return found


@right("wordpiece")
def a_tuple(word, pieces):
    found, start = (), 0
    if len(word) > 100:
        return ("[UNK]",)
    while start < len(word):
        for end in range(len(word), start, -1):
            if (piece := f"{'##' if found else ''}{word[start:end]}") in pieces:
                found, start = (*found, piece), end
                break
        else:
            return ("[UNK]",)
    return found


# ------------------------------------------------------------------------------------------------------- mask_words


@right("mask_words")
def by_index(ids, special, mask_id, vocab, generator, share=0.15):
    inputs, targets = ids.clone(), torch.full_like(ids, -100)
    allowed = torch.ones_like(ids, dtype=torch.bool)
    for i in special:
        allowed &= ids != i
    chosen = torch.bernoulli(torch.full(ids.shape, float(share)), generator=generator).bool() & allowed
    targets[chosen] = ids[chosen]
    n = int(chosen.sum())
    dice = torch.rand(n, generator=generator)
    words = ids[chosen]
    words = torch.where(
        dice < 0.8, mask_id, torch.where(dice < 0.9, torch.randint(vocab, (n,), generator=generator), words)
    )
    inputs[chosen] = words
    return inputs, targets


@right("mask_words")
def as_in_the_collator(ids, special, mask_id, vocab, generator, share=0.15):
    """Nested: of what is not masked, one half becomes any word."""
    targets = ids.clone()
    chances = torch.full(targets.shape, share)
    chances[sum((ids == i for i in special), torch.zeros_like(ids, dtype=torch.bool))] = 0.0
    chosen = torch.bernoulli(chances, generator=generator).bool()
    targets[~chosen] = -100
    masked = torch.bernoulli(torch.full(ids.shape, 0.8), generator=generator).bool() & chosen
    inputs = ids.clone()
    inputs[masked] = mask_id
    others = torch.bernoulli(torch.full(ids.shape, 0.5), generator=generator).bool() & chosen & ~masked
    inputs[others] = torch.randint(vocab, ids.shape, generator=generator)[others]
    return inputs, targets


@right("mask_words")
def word_by_word(ids, special, mask_id, vocab, generator, share=0.15):
    special = set(special)
    inputs, targets = [], []
    for row in ids.tolist():
        inputs.append([])
        targets.append([])
        for word in row:
            hidden, target = word, -100
            if word not in special and torch.rand(1, generator=generator).item() < share:
                target, u = word, torch.rand(1, generator=generator).item()
                if u < 0.8:
                    hidden = mask_id
                elif u < 0.9:
                    hidden = torch.randint(vocab, (1,), generator=generator).item()
            inputs[-1].append(hidden)
            targets[-1].append(target)
    return torch.tensor(inputs), torch.tensor(targets)


@right("mask_words")
def one_die_for_all_three(ids, special, mask_id, vocab, generator, share=0.15):
    """One number says both whether a word is chosen and what becomes of it: share times 0.8, 0.9, 1 are the borders."""
    dice = torch.rand(ids.shape, generator=generator, dtype=torch.float64)
    if len(special):
        dice = dice.masked_fill(torch.isin(ids, torch.tensor(sorted(special))), 2.0)
    words = torch.randint(0, vocab, ids.shape, generator=generator)
    inputs = torch.where(dice < 0.8 * share, mask_id, torch.where(dice < 0.9 * share, words, ids))
    return inputs, torch.where(dice < share, ids, -100)


@right("mask_words")
def drawn_fates(ids, special, mask_id, vocab, generator, share=0.15):
    """A fate for each word: left alone, masked, another, kept."""
    chances = torch.tensor([1 - share, 0.8 * share, 0.1 * share, 0.1 * share])
    fate = torch.multinomial(chances.expand(ids.numel(), 4), 1, generator=generator).view(ids.shape)
    for word in special:
        fate = fate.masked_fill(ids == word, 0)
    words = (torch.rand(ids.shape, generator=generator, dtype=torch.double) * vocab).long()
    inputs = torch.stack([ids, torch.full_like(ids, mask_id), words, ids]).gather(0, fate[None])[0]
    return inputs, ids.masked_fill(fate == 0, -100)


@right("mask_words")
def sorted_dice(ids, special, mask_id, vocab, generator, share=0.15):
    """Exactly 80% and 10% of the chosen ones, by a permutation."""
    flat, targets = ids.flatten().clone(), torch.full((ids.numel(),), -100)
    known = torch.tensor([word not in set(special) for word in flat.tolist()])
    chosen = (torch.rand(len(flat), generator=generator) < share) & known
    places = chosen.nonzero()[:, 0]
    targets[places] = flat[places]
    places = places[torch.randperm(len(places), generator=generator)]
    first = round(0.8 * len(places))
    second = first + round(0.1 * len(places))
    flat[places[:first]] = mask_id
    flat[places[first:second]] = torch.randint(vocab, (second - first,), generator=generator)
    return flat.view_as(ids), targets.view_as(ids)


@right("mask_words")
def other_side(ids, special, mask_id, vocab, generator, share=0.15):
    words = torch.randint(high=vocab, size=ids.shape, generator=generator)
    what, which = torch.rand(2, *ids.shape, generator=generator)
    chosen = which >= 1 - share
    for i in list(special):
        chosen = chosen.logical_and(ids.ne(i))
    inputs = torch.where(what > 0.2, mask_id, torch.where(what > 0.1, words, ids))
    return torch.where(chosen, inputs, ids), torch.where(chosen, ids, torch.tensor(-100))

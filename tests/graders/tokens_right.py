"""Right answers to notebook 08 in other styles."""

import re
import unicodedata
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import regex

from tests.graders.cases import right

# ------------------------------------------------------------------------------------------------------- pair_counts


@right("pair_counts")
def with_counter(words):
    counts = Counter()
    for word, times in words.items():
        for i in range(len(word) - 1):
            counts[word[i], word[i + 1]] += times
    return counts


@right("pair_counts")
def with_defaultdict(words):
    counts = defaultdict(int)
    for word in words:
        for i, left in enumerate(word[:-1]):
            counts[left, word[i + 1]] += words[word]
    return counts


@right("pair_counts")
def as_often_as_it_occurs(words):
    return dict(Counter(pair for word, times in words.items() for _ in range(times) for pair in pairwise(word)))


@right("pair_counts")
def from_the_end(words):
    counts = {}
    for word, times in reversed(words.items()):
        for i in range(len(word) - 1, 0, -1):
            pair = tuple(word[i - 1 : i + 1])
            if pair not in counts:
                counts[pair] = 0
            counts[pair] += times
    return counts


@right("pair_counts")
def with_setdefault_and_zip(words):
    found = {}
    for word, n in words.items():
        for left, right_ in pairwise(word):
            found.setdefault((left, right_), []).append(n)
    return {pair: sum(times) for pair, times in found.items()}


@right("pair_counts")
def with_update(words):
    counts = Counter()
    for word, times in words.items():
        counts.update({pair: n * times for pair, n in Counter(pairwise(word)).items()})
    return counts


# -------------------------------------------------------------------------------------------------------- merge_pair


@right("merge_pair")
def with_a_stack(ids, pair, new):
    merged, free = [], False  # free: the last one has not been made by this merge
    for i in ids:
        if free and (merged[-1], i) == pair:
            merged[-1], free = new, False
        else:
            merged.append(i)
            free = True
    return merged


@right("merge_pair")
def with_strings(ids, pair, new):
    text = "".join(map(chr, ids)).replace(chr(pair[0]) + chr(pair[1]), chr(new))
    return list(map(ord, text))


@right("merge_pair")
def on_a_copy(ids, pair, new):
    ids = list(ids)
    i = 0
    while i < len(ids) - 1:
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            ids[i : i + 2] = [new]
        i += 1
    return ids


@right("merge_pair")
def recursive(ids, pair, new):
    if len(ids) < 2:
        return [*ids]
    if (ids[0], ids[1]) == pair:
        return [new, *recursive(ids[2:], pair, new)]
    return [ids[0], *recursive(ids[1:], pair, new)]


@right("merge_pair")
def with_an_iterator(ids, pair, new):
    merged, places = [], iter(range(len(ids)))
    for i in places:
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) == tuple(pair):
            merged.append(new)
            next(places)
        else:
            merged.append(ids[i])
    return merged


@right("merge_pair")
def with_a_stack_that_trusts_new(ids, pair, new):
    merged = []
    for i in ids:
        if merged and (merged[-1], i) == pair:
            merged[-1] = new
        else:
            merged.append(i)
    return merged


# ------------------------------------------------------------------------------------------------------ learn_merges


def count(words):
    return Counter(pair for word, times in words for pair in pairwise(word) for _ in range(times))


@right("learn_merges")
def with_a_list_of_words(words, n):
    words, merges = list(words.items()), {}
    for new in range(256, 256 + n):
        counts = count(words)
        if not counts:
            break
        best = sorted(counts, key=lambda pair: (-counts[pair], pair))[0]
        merges[best] = new
        words = [(tuple(with_a_stack(word, best, new)), times) for word, times in words]
    return merges


@right("learn_merges")
def first_the_count_then_the_pair(words, n):
    words, merges = list(words.items()), {}
    while len(merges) != n:
        counts = count(words)
        if len(counts) == 0:
            return merges
        most = max(counts.values())
        best = min(pair for pair, times in counts.items() if times == most)
        merges[best] = 256 + len(merges)
        words = [(with_an_iterator(word, best, merges[best]), times) for word, times in words]
    return merges


@right("learn_merges")
def with_negated_ids(words, n):
    words, merges = list(words.items()), {}
    for i in range(n):
        counts = count(words)
        best = max(counts, key=lambda pair: (counts[pair], -pair[0], -pair[1]), default=None)
        if best is None:
            break
        merges[best] = 256 + i
        words = [(on_a_copy(word, best, 256 + i), times) for word, times in words]
    return merges


@right("learn_merges")
def with_a_stable_sort(words, n):
    words, merges = list(words.items()), {}
    while len(merges) < n:
        ranked = sorted(sorted(count(words).items()), key=lambda item: item[1], reverse=True)
        if not ranked:
            break
        (best, _), new = ranked[0], len(merges) + 256
        merges[best] = new
        words = [(with_strings(word, best, new), times) for word, times in words]
    return merges


@right("learn_merges")
def with_sorted_items(words, n):
    words, merges = dict(words), {}
    for step in range(n):
        ranked = sorted(count(words.items()).items(), key=lambda item: (-item[1], item[0]))
        if not ranked:
            break
        pair = ranked[0][0]
        merges[pair] = 256 + step
        merged = {}
        for word in words:
            merged[tuple(recursive(word, pair, 256 + step))] = words[word]
        words = merged
    return merges


@right("learn_merges")
def by_walking_through_the_counts(words, n):
    pairs_of = [[list(word), times] for word, times in words.items()]
    merges = {}
    while n > 0:
        best, most = None, 0
        for pair, times in count(pairs_of).items():
            if times > most or (times == most and pair < best):
                best, most = pair, times
        if best is None:
            return merges
        merges[best], n = 256 + len(merges), n - 1
        for entry in pairs_of:
            entry[0] = with_an_iterator(entry[0], best, merges[best])
    return merges


# -------------------------------------------------------------------------------------------------------- bpe_decode


@right("bpe_decode")
def with_a_list(ids, merges):
    tokens = [bytes([i]) for i in range(256)]
    for a, b in merges:
        tokens.append(tokens[a] + tokens[b])
    return b"".join(map(tokens.__getitem__, ids)).decode(errors="replace")


@right("bpe_decode")
def with_recursion(ids, merges):
    parts = {new: pair for pair, new in merges.items()}

    @cache
    def spell(i):
        return spell(parts[i][0]) + spell(parts[i][1]) if i in parts else bytes([i])

    return str(b"".join(spell(i) for i in ids), "utf-8", "replace")


@right("bpe_decode")
def with_undoing(ids, merges):
    ids = list(ids)
    for pair, new in reversed(merges.items()):
        ids = [part for i in ids for part in (pair if i == new else (i,))]
    return bytes(ids).decode("utf-8", errors="replace")


@right("bpe_decode")
def with_a_stack_of_ids(ids, merges):
    parts, stack, text = {new: pair for pair, new in merges.items()}, list(reversed(ids)), bytearray()
    while stack:
        i = stack.pop()
        if i < 256:
            text.append(i)
        else:
            stack += reversed(parts[i])
    return text.decode("utf-8", "replace")


@right("bpe_decode")
def with_latin_1_on_the_way(ids, merges):
    letters = [chr(i) for i in range(256)]
    letters += [""] * len(merges)
    for (left, right_), new in merges.items():
        letters[new] = letters[left] + letters[right_]
    return "".join(letters[i] for i in ids).encode("latin-1").decode("utf-8", "replace")


@right("bpe_decode")
def from_the_newest(ids, merges):
    parts, text = {new: pair for pair, new in merges.items()}, list(ids)
    while any(i > 255 for i in text):
        text = [part for i in text for part in parts.get(i, (i,))]
    return bytearray(text).decode(errors="replace")


# -------------------------------------------------------------------------------------------------------- bpe_encode


@right("bpe_encode")
def all_merges_in_order(ids, merges):
    ids = list(ids)
    for pair, new in merges.items():
        ids = with_a_stack(ids, pair, new)
    return ids


@right("bpe_encode")
def one_place_at_a_time(ids, merges):
    ids = list(ids)
    while True:
        ranked = [(merges[pair], i) for i, pair in enumerate(pairwise(ids)) if pair in merges]
        if not ranked:
            return ids
        new, i = min(ranked)
        ids[i : i + 2] = [new]


@right("bpe_encode")
def with_infinity(ids, merges):
    ids = list(ids)
    while len(ids) > 1:
        best = min(pairwise(ids), key=lambda pair: merges.get(pair, float("inf")))
        if best not in merges:
            break
        ids = on_a_copy(ids, best, merges[best])
    return ids


@right("bpe_encode")
def as_tiktoken_does(ids, merges):
    ranks = {bytes([i]): i for i in range(256)}
    tokens = {i: token for token, i in ranks.items()}
    for (a, b), new in merges.items():
        tokens[new] = tokens[a] + tokens[b]
        ranks[tokens[new]] = new
    parts = [bytes([i]) for i in ids]
    while candidates := [(ranks[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in ranks]:
        _, i = min(candidates)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return [ranks[part] for part in parts]


@right("bpe_encode")
def until_nothing_changes(ids, merges):
    ids = tuple(ids)
    while True:
        best = min((pair for pair in pairwise(ids) if pair in merges), key=lambda p: merges[p], default=None)
        if best is None:
            return list(ids)
        ids = tuple(with_an_iterator(ids, best, merges[best]))


@right("bpe_encode")
def with_ranks_of_places(ids, merges):
    ids, none = [*ids], len(merges) + 256
    while len(ids) >= 2:
        ranks = [merges.get((ids[i], ids[i + 1]), none) for i in range(len(ids) - 1)]
        new = min(ranks)
        if new == none:
            return ids
        i = ranks.index(new)
        ids = [*ids[:i], new, *ids[i + 2 :]]
    return ids


# ------------------------------------------------------------------------------------------------------ pre_tokenise


@right("pre_tokenise")
def as_published(text):
    pattern = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    return [found.group() for found in regex.finditer(pattern, text)]


@right("pre_tokenise")
def as_tiktoken_writes_it(text):
    pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
    return regex.findall(pattern, text)


VERBOSE = regex.compile(
    r"""
      '(?:s|t|re|ve|m|ll|d)      # contractions
    | [ ]?\p{Letter}+
    | [ ]?\p{Number}+
    | [ ]?[^\p{L}\p{N}\s]+
    | \s+(?!\S) | \s+
    """,
    regex.VERBOSE,
)


@right("pre_tokenise")
def written_on_several_lines(text):
    return VERBOSE.findall(text)


@right("pre_tokenise")
def one_pattern_after_the_other(text):
    kinds = [r"'(?:s|t|re|ve|m|ll|d)", r" ?\p{L}+", r" ?\p{N}+", r" ?[^\s\p{L}\p{N}]+", r"\s+(?!\S)", r"\s+"]
    pieces, start = [], 0
    while start < len(text):
        found = next(match for kind in kinds if (match := regex.compile(kind).match(text, start)))
        pieces.append(found.group())
        start = found.end()
    return pieces


@right("pre_tokenise")
def split_with_brackets(text):
    pattern = r"('[stmd]|'re|'ve|'ll| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"
    return [piece for piece in regex.split(pattern, text) if piece]


@right("pre_tokenise")
def in_a_loop(text):
    def kind(sign):
        return " " if sign.isspace() else {"L": "a", "N": "1"}.get(unicodedata.category(sign)[0], "!")

    pieces, i = [], 0
    while i < len(text):
        endings = [e for e in ("'s", "'t", "'m", "'d", "'re", "'ve", "'ll") if text.startswith(e, i)]
        if endings:
            j = i + len(endings[0])
        else:
            j = i + 1 if text[i] == " " and i + 1 < len(text) and kind(text[i + 1]) != " " else i
            this = kind(text[j])
            while j < len(text) and kind(text[j]) == this:
                j += 1
            if this == " " and j < len(text) and j - i > 1:
                j -= 1  # the last one is left for the word
        pieces.append(text[i:j])
        i = j
    return pieces


# ----------------------------------------------------------------------------------------------------- split_special


@right("split_special")
def with_find(text, special):
    pieces = []
    while text:
        found = [(text.find(token), token) for token in special if token in text]
        if not found:
            return [*pieces, text]
        start, token = min(found)
        pieces += [text[:start], token] if start else [token]
        text = text[start + len(token) :]
    return pieces


@right("split_special")
def letter_by_letter(text, special):
    pieces, plain, i = [], "", 0
    while i < len(text):
        token = next((token for token in special if text.startswith(token, i)), None)
        if token is None:
            plain += text[i]
            i += 1
            continue
        pieces += [plain, token]
        plain, i = "", i + len(token)
    return [piece for piece in [*pieces, plain] if piece]


@right("split_special")
def token_after_token(text, special):
    pieces = [text]
    for token in special:
        apart = []
        for piece in pieces:
            apart += [piece] if piece in special else re.split(f"({re.escape(token)})", piece)
        pieces = apart
    return list(filter(None, pieces))


@right("split_special")
def with_finditer(text, special):
    if not special:
        return [text][: len(text)]
    pieces, end = [], 0
    for found in re.finditer("|".join(map(re.escape, special)), text):
        pieces += [text[end : found.start()], found.group()]
        end = found.end()
    return [piece for piece in (*pieces, text[end:]) if piece]


@right("split_special")
def brackets_around_each(text, special):
    if not special:
        return [text] * bool(text)
    return [piece for piece in re.split("|".join(f"({re.escape(token)})" for token in special), text) if piece]


@right("split_special")
def between_the_letters(text, special):
    places = [place for token in special for place in (f"(?={re.escape(token)})", f"(?<={re.escape(token)})")]
    return [piece for piece in re.split("|".join(places) or "$", text) if piece]

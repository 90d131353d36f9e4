"""Wrong answers to notebook 08, as people write them."""

import re
from collections import Counter
from functools import reduce
from itertools import pairwise

import regex

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------------- pair_counts


@wrong("pair_counts", says="use its count")
def forgets_the_times(words):
    counts = {}
    for word in words:
        for pair in pairwise(word):
            counts[pair] = counts.get(pair, 0) + 1
    return counts


@wrong("pair_counts", says="keeps the last count")
def assigns_instead_of_adding(words):
    counts = {}
    for word, times in words.items():
        for i in range(len(word) - 1):
            counts[word[i], word[i + 1]] = times
    return counts


@wrong("pair_counts", says="last pair")
def range_too_short(words):
    counts = Counter()
    for word, times in words.items():
        for i in range(len(word) - 2):
            counts[word[i], word[i + 1]] += times
    return counts


@wrong("pair_counts", says="no pair")
def looks_back_from_zero(words):
    counts = Counter()
    for word, times in words.items():
        for i in range(len(word)):
            counts[word[i - 1], word[i]] += times
    return counts


@wrong("pair_counts", says="first pair")
def looks_back_from_two(words):
    counts = Counter()
    for word, times in words.items():
        for i in range(2, len(word)):
            counts[word[i - 1], word[i]] += times
    return counts


@wrong("pair_counts", says="not by two")
def steps_of_two(words):
    counts = Counter()
    for word, times in words.items():
        for i in range(0, len(word) - 1, 2):
            counts[word[i], word[i + 1]] += times
    return counts


@wrong("pair_counts", says="may overlap")
def skips_after_a_repeat(words):
    counts = Counter()
    for word, times in words.items():
        last = None
        for pair in pairwise(word):
            if pair == last:
                last = None
                continue
            counts[pair] += times
            last = pair
    return counts


@wrong("pair_counts", says="order matters")
def as_sets(words):
    counts = Counter()
    for word, times in words.items():
        for a, b in pairwise(word):
            counts[min(a, b), max(a, b)] += times
    return counts


@wrong("pair_counts", says="turned around")
def right_then_left(words):
    counts = Counter()
    for word, times in words.items():
        for a, b in pairwise(word):
            counts[b, a] += times
    return counts


@wrong("pair_counts", says="within words")
def one_long_text(words):
    text = []
    for word, times in words.items():
        text.extend(list(word) * times)
    return Counter(pairwise(text))


@wrong("pair_counts", says="ids themselves")
def counts_letters(words):
    counts = Counter()
    for word, times in words.items():
        for i in word:
            counts[i] += times
    return counts


@wrong("pair_counts", says="each place")
def once_for_a_word(words):
    counts = Counter()
    for word, times in words.items():
        for pair in set(pairwise(word)):
            counts[pair] += times
    return counts


@wrong("pair_counts", says="only neighbours")
def everything_with_everything(words):
    counts = Counter()
    for word, times in words.items():
        for i in range(len(word)):
            for j in range(i + 1, len(word)):
                counts[word[i], word[j]] += times
    return counts


@wrong("pair_counts", says="IndexError")
def begins_with_the_first(words):
    counts = Counter()
    for word, times in words.items():
        left = word[0]
        for right in word[1:]:
            counts[left, right] += times
            left = right
    return counts


@wrong("pair_counts", says="return")
def counts_and_keeps_it(words):
    counts = Counter()
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] += times


@wrong("pair_counts", says="dict")
def sorted_list(words):
    counts = Counter()
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] += times
    return counts.most_common()


@wrong("pair_counts", says="only the first word is counted")
def returns_inside_the_loop(words):
    counts = {}
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] = counts.get(pair, 0) + times
        return counts


@wrong("pair_counts", says="and no pair")
def slices_of_two(words):
    counts = {}
    for word, times in words.items():
        for i in range(len(word)):
            pair = word[i : i + 2]
            counts[pair] = counts.get(pair, 0) + times
    return counts


@wrong("pair_counts", says="neighbour at its first place")
def asks_for_the_index(words):
    counts = {}
    for word, times in words.items():
        for i in word[:-1]:
            pair = i, word[word.index(i) + 1]
            counts[pair] = counts.get(pair, 0) + times
    return counts


@wrong("pair_counts", says="range(0, 256)")
def through_bytes(words):
    counts = {}
    for word, times in words.items():
        for pair in pairwise(bytes(word)):
            counts[pair] = counts.get(pair, 0) + times
    return counts


slips(
    "pair_counts",
    frequencies_of_an_earlier_call=(
        None,
        edit(
            "def pair_counts",
            "known = {}\n\n\ndef pair_counts",
            "        for pair in",
            "        times = known.setdefault(word, times)\n        for pair in",
        ),
    ),
    packed_into_a_number=(
        "a word of 300 ids",
        edit("pairwise(word)", "[divmod(a * 1000 + b, 1000) for a, b in pairwise(word)]"),
    ),
    nothing_for_zero=(
        "has no (0, 0)",
        edit("in pairwise(word):", "in pairwise(word):\n            if not any(pair): continue"),
    ),
    a_default_dict=(
        "keeps something",
        edit("words: Mapping[tuple[int, ...], int]", "words, counts={}", "    counts = {}\n", ""),
    ),
    lists_as_keys=(
        "unhashable",
        edit("counts[pair] = counts.get(pair, 0)", "counts[list(pair)] = counts.get(pair, 0)"),
    ),
)


# -------------------------------------------------------------------------------------------------------- merge_pair


@wrong("merge_pair", says="go on two places")
def for_loop_cannot_jump(ids, pair, new):
    merged = []
    for i in range(len(ids)):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
        else:
            merged.append(ids[i])
    return merged


@wrong("merge_pair", says="belongs to one merge")
def marks_all_places(ids, pair, new):
    merged = []
    for i, x in enumerate(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
        elif i and tuple(ids[i - 1 : i + 1]) == pair:
            continue
        else:
            merged.append(x)
    return merged


@wrong("merge_pair", says="Go on to the end")
def returns_at_the_first(ids, pair, new):
    ids = list(ids)
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == pair:
            return [*ids[:i], new, *ids[i + 2 :]]
    return ids


@wrong("merge_pair", says="last id is lost")
def loop_ends_one_early(ids, pair, new):
    merged, i = [], 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


@wrong("merge_pair", says="from the right")
def backwards(ids, pair, new):
    ids = list(ids)
    i = len(ids) - 2
    while i >= 0:
        if (ids[i], ids[i + 1]) == pair:
            ids[i : i + 2] = [new]
            i -= 1
        i -= 1
    return ids


@wrong("merge_pair", says="is not (2, 1)")
def compares_sorted(ids, pair, new):
    merged, i = [], 0
    while i < len(ids):
        if sorted(ids[i : i + 2]) == sorted(pair):
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


@wrong("merge_pair", says="takes the place of two")
def writes_it_twice(ids, pair, new):
    merged = list(ids)
    i = 0
    while i < len(merged) - 1:
        if (merged[i], merged[i + 1]) == pair:
            merged[i] = merged[i + 1] = new
            i += 1
        i += 1
    return merged


@wrong("merge_pair", says="single ids are replaced")
def replaces_members(ids, pair, new):
    merged = []
    for x in ids:
        merged.append(new if x == pair[0] or x == pair[1] else x)
    return merged


@wrong("merge_pair", says="append `new`")
def deletes_the_pair(ids, pair, new):
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


@wrong("merge_pair", says="never equal to a tuple")
def list_against_tuple(ids, pair, new):
    merged, i = [], 0
    ids = list(ids)
    while i < len(ids):
        if ids[i : i + 2] == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


@wrong("merge_pair", says="IndexError")
def no_neighbour_at_the_end(ids, pair, new):
    merged, i = [], 0
    while i < len(ids):
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


@wrong("merge_pair", says="a pair may start anywhere")
def by_twos(ids, pair, new):
    merged = []
    for i in range(0, len(ids), 2):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
        else:
            merged.extend(ids[i : i + 2])
    return merged


@wrong("merge_pair", says="changes what it was given")
def deletes_in_place(ids, pair, new):
    i = 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            ids[i] = new
            del ids[i + 1]
        i += 1
    return ids


@wrong("merge_pair", says="tuple")
def copies_a_list(ids, pair, new):
    merged = ids.copy()
    i = 0
    while i < len(merged) - 1:
        if (merged[i], merged[i + 1]) == pair:
            merged[i : i + 2] = [new]
        i += 1
    return merged


@wrong("merge_pair", says="IndexError")
def begins_with_the_first_id(ids, pair, new):
    merged = [ids[0]]
    for i in ids[1:]:
        if (merged[-1], i) == pair:
            merged[-1] = new
        else:
            merged.append(i)
    return merged


@wrong("merge_pair", says="return")
def returns_nothing(ids, pair, new):
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1


@wrong("merge_pair", says="not text")
def replaces_in_a_string(ids, pair, new):
    text = " ".join(map(str, ids)).replace(f"{pair[0]} {pair[1]}", str(new))
    return [int(number) for number in text.split()]


@wrong("merge_pair", says="once more")
def adds_the_last_always(ids, pair, new):
    merged, i = [], 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged + list(ids[-1:])


@wrong("merge_pair", says="two ids can be a pair")
def short_ones_are_done(ids, pair, new):
    if len(ids) <= 2:
        return list(ids)
    return list(merge(tuple(ids), pair, new))


@wrong("merge_pair", says="a list is asked for")
def a_tuple(ids, pair, new):
    return merge(tuple(ids), pair, new)


@wrong("merge_pair", says="a list is asked for")
def as_it_came(ids, pair, new):
    if pair not in pairwise(ids):
        return ids
    return list(merge(tuple(ids), pair, new))


slips(
    "merge_pair",
    against_a_list=("never equal to a tuple", edit("tuple(ids[i : i + 2]) == pair", "ids[i : i + 2] == list(pair)")),
    against_a_slice=("never equal to a tuple", edit("tuple(ids[i : i + 2]) == pair", "ids[i : i + 2] == pair")),
    the_very_object=(
        "pairs of large ids",
        edit("tuple(ids[i : i + 2]) == pair", "len(ids) > i + 1 and ids[i] is pair[0] and ids[i + 1] is pair[1]"),
    ),
    zero_is_nothing=(
        "instead of [300, 300, 0]",
        edit("tuple(ids[i : i + 2]) == pair", "all(ids[i : i + 2]) and tuple(ids[i : i + 2]) == pair"),
    ),
    no_step_in_else=("stands still", edit("(ids[i])\n            i += 1", "(ids[i])")),
    no_step_at_all=("does not end", edit("            i += 2\n", "", "            i += 1\n", "")),
    a_default_list=(
        "keeps something",
        edit("pair: Pair, new: int)", "pair, new, merged=[])", "merged, i = [], 0", "i = 0"),
    ),
    in_bytes=("range(0, 256)", edit("return merged", "return list(bytes(merged))")),
    stops_after_one=("what follows", edit("            i += 2\n", "            break\n")),
)


# ------------------------------------------------------------------------------------------------------ learn_merges


def count(words):
    counts = {}
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] = counts.get(pair, 0) + times
    return counts


def merge(word, pair, new):
    merged, i = [], 0
    while i < len(word):
        if word[i : i + 2] == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


def merge_all(words, pair, new):
    return {merge(word, pair, new): times for word, times in words.items()}


@wrong("learn_merges", says="not the first")
def plain_max(words, n):
    merges = {}
    for i in range(n):
        counts = count(words)
        if not counts:
            break
        best = max(counts, key=counts.get)
        merges[best] = 256 + i
        words = merge_all(words, best, 256 + i)
    return merges


@wrong("learn_merges")
def remembered_by_the_words(words, n, known={}):  # noqa: B006
    key = tuple(words), n
    if key not in known:
        merges = {}
        while len(merges) < n and (counts := count(words)):
            best = min(counts, key=lambda pair: (-counts[pair], pair))
            merges[best] = 256 + len(merges)
            words = merge_all(words, best, merges[best])
        known[key] = merges
    return dict(known[key])


@wrong("learn_merges", says="larger tuple")
def max_of_count_and_pair(words, n):
    merges = {}
    for i in range(n):
        counts = count(words)
        if not counts:
            break
        best = max(counts, key=lambda pair: (counts[pair], pair))
        merges[best] = 256 + i
        words = merge_all(words, best, 256 + i)
    return merges


@wrong("learn_merges", says="not the last")
def at_least_as_frequent(words, n):
    merges = {}
    for i in range(n):
        counts, best = count(words), None
        for pair, times in counts.items():
            if best is None or times >= counts[best]:
                best = pair
        if best is None:
            break
        merges[best] = 256 + i
        words = merge_all(words, best, 256 + i)
    return merges


@wrong("learn_merges", says="rarest")
def min_of_count_and_pair(words, n):
    merges = {}
    for i in range(n):
        counts = count(words)
        if not counts:
            break
        best = min(counts, key=lambda pair: (counts[pair], pair))
        merges[best] = 256 + i
        words = merge_all(words, best, 256 + i)
    return merges


@wrong("learn_merges", says="smallest pair")
def no_count_in_the_key(words, n):
    merges = {}
    for i in range(n):
        counts = count(words)
        if not counts:
            break
        best = min(counts)
        merges[best] = 256 + i
        words = merge_all(words, best, 256 + i)
    return merges


@wrong("learn_merges", says="counts of the words are lost")
def rebuilds_without_times(words, n):
    merges = {}
    words = dict.fromkeys(words, 1)
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = 256 + len(merges)
        words = merge_all(words, best, merges[best])
    return merges


@wrong("learn_merges", says="counted anew")
def top_n_at_once(words, n):
    counts = count(words)
    best = sorted(counts, key=lambda pair: (-counts[pair], pair))
    return {pair: 256 + i for i, pair in enumerate(best[:n])}


@wrong("learn_merges", says="first new id is 256")
def numbers_from_257(words, n):
    merges, new = {}, 256
    while len(merges) < n and (counts := count(words)):
        new += 1
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = new
        words = merge_all(words, best, new)
    return merges


@wrong("learn_merges", says="first new id is 256")
def numbers_from_255(words, n):
    merges, new = {}, 255
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = new
        words = merge_all(words, best, new)
        new += 1
    return merges


@wrong("learn_merges", says="bytes already")
def numbers_from_0(words, n):
    merges = {}
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = len(merges)
        words = merge_all(words, best, 256 + merges[best])
    return {pair: i for i, pair in enumerate(merges)} if all(max(p) < 256 for p in merges) else merges


@wrong("learn_merges", says="{new id: pair}")
def keys_are_ids(words, n):
    merges = {}
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[256 + len(merges)] = best
        words = merge_all(words, best, 255 + len(merges))
    return merges


@wrong("learn_merges", says="occurs only once")
def stops_at_one(words, n):
    merges = {}
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[best] == 1:
            break
        merges[best] = 256 + len(merges)
        words = merge_all(words, best, merges[best])
    return merges


@wrong("learn_merges", says="too many")
def smaller_or_equal(words, n):
    merges = {}
    while len(merges) <= n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = 256 + len(merges)
        words = merge_all(words, best, merges[best])
    return merges


@wrong("learn_merges", says="no pair is left")
def min_of_nothing(words, n):
    merges = {}
    for i in range(n):
        counts = count(words)
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = 256 + i
        words = merge_all(words, best, 256 + i)
    return merges


@wrong("learn_merges", says="no pair is left")
def max_of_nothing(words, n):
    merges = {}
    for i in range(n):
        counts = count(words)
        most = max(counts.values())
        best = min(pair for pair in counts if counts[pair] == most)
        merges[best] = 256 + i
        words = merge_all(words, best, 256 + i)
    return merges


@wrong("learn_merges", says="too many")
def asks_after_merging(words, n):
    merges = {}
    while counts := count(words):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = 256 + len(merges)
        words = merge_all(words, best, merges[best])
        if len(merges) >= n:
            break
    return merges


@wrong("learn_merges", says="changes what it was given")
def changes_the_words(words, n):
    merges = {}
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = 256 + len(merges)
        for word in list(words):
            words[merge(word, best, merges[best])] = words.pop(word)
    return merges


@wrong("learn_merges", says="only the left ids")
def compares_the_left_only(words, n):
    merges = {}
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair[0]))
        merges[best] = 256 + len(merges)
        words = merge_all(words, best, merges[best])
    return merges


@wrong("learn_merges", says="lost in the first merge")
def ones_after_a_merge(words, n):
    merges = {}
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = 256 + len(merges)
        words = dict.fromkeys((merge(word, best, merges[best]) for word in words), 1)
    return merges


@wrong("learn_merges", says="words without the pair are lost")
def keeps_what_changed(words, n):
    merges = {}
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = 256 + len(merges)
        changed = {}
        for word, times in words.items():
            if best in pairwise(word):
                changed[merge(word, best, merges[best])] = times
        words = changed
    return merges


@wrong("learn_merges", says="not of all ids")
def up_to_id_n(words, n):
    merges = {}
    for new in range(256, n):
        counts = count(words)
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = new
        words = merge_all(words, best, new)
    return merges


@wrong("learn_merges", says="several times")
def one_place_in_a_word(words, n):
    merges = {}
    while len(merges) < n and (counts := count(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best], merged = 256 + len(merges), {}
        for word, times in words.items():
            for i, pair in enumerate(pairwise(word)):
                if pair == best:
                    word = (*word[:i], merges[best], *word[i + 2 :])
                    break
            merged[word] = times
        words = merged
    return merges


@wrong("learn_merges", says="has no")
def first_word_with_the_pair(words, n):
    merges = {}
    for new in range(256, 256 + n):
        counts = count(words)
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best], words = new, dict(words)
        for word in words:
            if best in pairwise(word):
                words[merge(word, best, new)] = words.pop(word)
                break
    return merges


BEST = "min(counts, key=lambda pair: (-counts[pair], pair))"
MERGING = "tuple(merge_pair(word, best, new)): times"
REPLACED = "' '.join(map(str, word)).replace(f'{best[0]} {best[1]}', str(new)).split()"

slips(
    "learn_merges",
    counts_the_given_words=(
        "count in the merged words",
        edit(
            "        words = {tuple(merge_pair(word, best, new))",
            "        merged = {tuple(merge_pair(word, best, new))",
        ),
    ),
    a_default_dict=("keeps something", edit("n: int)", "n, merges={})", "    merges = {}\n", "")),
    merged_as_text=("a Counter of 14 words", edit(MERGING, f"tuple(map(int, {REPLACED})): times")),
    ties_by_text=("whose text comes first", edit(BEST, "min(counts, key=lambda pair: (-counts[pair], str(pair)))")),
    ties_by_larger_right=(
        "equally frequent",
        edit(BEST, "min(counts, key=lambda pair: (-counts[pair], pair[0], -pair[1]))"),
    ),
    sorted_at_the_end=("belong in the order", edit("return merges", "return dict(sorted(merges.items()))")),
    list_of_pairs=("should be a dict", edit("return merges", "return list(merges)")),
    words_stay_lists=("cannot be the key", edit("tuple(merge_pair(word, best, new))", "merge_pair(word, best, new)")),
)


# -------------------------------------------------------------------------------------------------------- bpe_decode


def table_of(merges):
    tokens = [bytes([i]) for i in range(256)]
    for left, right in merges:
        tokens.append(tokens[left] + tokens[right])
    return tokens


@wrong("bpe_decode", says="Join all bytes first")
def decodes_each(ids, merges):
    tokens = table_of(merges)
    return "".join([tokens[i].decode("utf-8", errors="replace") for i in ids])


@wrong("bpe_decode", says="Join all bytes first")
def decodes_each_and_fails(ids, merges):
    tokens, text = table_of(merges), ""
    for i in ids:
        text += tokens[i].decode()
    return text


@wrong("bpe_decode", says="Join all bytes first")
def decodes_each_and_drops(ids, merges):
    tokens = table_of(merges)
    return "".join([tokens[i].decode("utf-8", errors="ignore") for i in ids])


@wrong("bpe_decode", says="broken bytes disappear")
def ignores_errors(ids, merges):
    tokens = table_of(merges)
    return b"".join([tokens[i] for i in ids]).decode("utf-8", errors="ignore")


@wrong("bpe_decode", says='errors="replace" makes')
def fails_on_errors(ids, merges):
    tokens = table_of(merges)
    return b"".join([tokens[i] for i in ids]).decode()


@wrong("bpe_decode", says="character of its own")
def with_chr(ids, merges):
    tokens = [chr(i) for i in range(256)]
    for left, right in merges:
        tokens.append(tokens[left] + tokens[right])
    return "".join(tokens[i] for i in ids)


@wrong("bpe_decode", says="these are bytes")
def bytes_only(ids, merges):
    tokens = table_of(merges)
    return b"".join([tokens[i] for i in ids])


@wrong("bpe_decode", says="wrong way round")
def swapped(ids, merges):
    tokens = [bytes([i]) for i in range(256)]
    for left, right in merges:
        tokens.append(tokens[right] + tokens[left])
    return b"".join([tokens[i] for i in ids]).decode("utf-8", errors="replace")


@wrong("bpe_decode", says="left out")
def drops_merges(ids, merges):
    return bytes([i for i in ids if i < 256]).decode("utf-8", errors="replace")


@wrong("bpe_decode", says="are no bytes")
def bytes_of_everything(ids, merges):
    return bytes(ids).decode("utf-8", errors="replace")


@wrong("bpe_decode", says="missing in your table")
def bytes_are_all_there_is(ids, merges):
    tokens = {i: bytes([i]) for i in range(256)}
    return b"".join([tokens[i] for i in ids]).decode("utf-8", errors="replace")


@wrong("bpe_decode", says="merge can be made of merges")
def unpacks_once(ids, merges):
    parts = {new: pair for pair, new in merges.items()}
    flat = []
    for i in ids:
        flat.extend(parts.get(i, [i]))
    return bytes(flat).decode("utf-8", errors="replace")


@wrong("bpe_decode", says="with a space")
def spaces_between(ids, merges):
    tokens = table_of(merges)
    return b" ".join([tokens[i] for i in ids]).decode("utf-8", errors="replace")


@wrong("bpe_decode", says="empty")
def reduces_without_a_start(ids, merges):
    tokens = table_of(merges)
    return reduce(lambda left, right: left + right, [tokens[i] for i in ids]).decode("utf-8", errors="replace")


@wrong("bpe_decode", says="return")
def forgets_to_return(ids, merges):
    tokens = table_of(merges)
    b"".join([tokens[i] for i in ids]).decode("utf-8", errors="replace")


def unpacks_three_times(ids, merges):
    parts = {new: pair for pair, new in merges.items()}
    for _ in range(3):
        ids = [j for i in ids for j in parts.get(i, (i,))]
    return bytes(ids).decode("utf-8", errors="replace")


wrong("bpe_decode", says="300 merges")(unpacks_three_times)

slips(
    "bpe_decode",
    like_a_stream=(
        "half a character at the end",
        edit(
            'b"".join(tokens[i] for i in ids).decode("utf-8", errors="replace")',
            '__import__("codecs").getincrementaldecoder("utf-8")("replace").decode(b"".join(tokens[i] for i in ids))',
        ),
    ),
    as_python_writes_it=(
        "expected",
        edit('.decode("utf-8", errors="replace")', "", "return b", "return str(b", "for i in ids)", "for i in ids))"),
    ),
    strips_the_text=("spaces at the ends", edit('errors="replace")', 'errors="replace").strip()')),
    escapes=("expected", edit('errors="replace"', 'errors="backslashreplace"')),
    reads_a_signature=("U+FEFF at the beginning", edit('.decode("utf-8"', '.decode("utf-8-sig"')),
    makes_one_sign_of_two=(
        "without `normalize`",
        edit("return b", 'return __import__("unicodedata").normalize("NFC", b', '"replace")', '"replace"))'),
    ),
    takes_signs_apart=(
        "expected",
        edit("return b", 'return __import__("unicodedata").normalize("NFD", b', '"replace")', '"replace"))'),
    ),
    one_kind_of_line_end=("is two characters", edit('errors="replace")', 'errors="replace").replace("\\r\\n", "\\n")')),
    a_table_that_stays=(
        "keeps something",
        edit(
            "merges: Mapping[Pair, int])",
            "merges, tokens={byte: bytes([byte]) for byte in range(256)})",
            "    tokens = {byte: bytes([byte]) for byte in range(256)}\n",
            "",
            "        tokens[new] = tokens[left] + tokens[right]",
            "        tokens.setdefault(new, tokens[left] + tokens[right])",
        ),
    ),
    without_zeros=("expected", edit("for i in ids)", "for i in ids if i)")),
    as_ascii=("expected", edit('"utf-8"', '"ascii"')),
)


# -------------------------------------------------------------------------------------------------------- bpe_encode


@wrong("bpe_encode", says="leftmost pair first")
def first_found(ids, merges):
    ids = list(ids)
    i = 0
    while i < len(ids) - 1:
        pair = ids[i], ids[i + 1]
        if pair in merges:
            ids = list(merge(tuple(ids), pair, merges[pair]))
            i = 0
        else:
            i += 1
    return ids


@wrong("bpe_encode", says="newest merge first")
def max_instead_of_min(ids, merges):
    ids = tuple(ids)
    while found := [pair for pair in pairwise(ids) if pair in merges]:
        best = max(found, key=lambda pair: merges[pair])
        ids = merge(ids, best, merges[best])
    return list(ids)


@wrong("bpe_encode", says="most frequent pair")
def counts_again(ids, merges):
    ids = tuple(ids)
    while found := [pair for pair in pairwise(ids) if pair in merges]:
        best = Counter(found).most_common(1)[0][0]
        ids = merge(ids, best, merges[best])
    return list(ids)


@wrong("bpe_encode", says="smallest tuple first")
def min_of_the_pairs(ids, merges):
    ids = tuple(ids)
    while found := [pair for pair in pairwise(ids) if pair in merges]:
        best = min(found)
        ids = merge(ids, best, merges[best])
    return list(ids)


@wrong("bpe_encode", says="then it stops")
def if_instead_of_while(ids, merges):
    ids = tuple(ids)
    found = [pair for pair in pairwise(ids) if pair in merges]
    if found:
        best = min(found, key=merges.get)
        ids = merge(ids, best, merges[best])
    return list(ids)


@wrong("bpe_encode", says="one walk is not enough")
def greedy_stack(ids, merges):
    out = []
    for i in ids:
        if out and (out[-1], i) in merges:
            out[-1] = merges[out[-1], i]
        else:
            out.append(i)
    return out


@wrong("bpe_encode", says="one walk is not enough")
def single_pass(ids, merges):
    out, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) in merges:
            out.append(merges[ids[i], ids[i + 1]])
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


@wrong("bpe_encode", says="longest token that fits")
def longest_match(ids, merges):
    tokens = table_of(merges)
    number = {token: i for i, token in enumerate(tokens)}
    text, out = bytes(ids), []
    while text:
        for size in range(len(text), 0, -1):
            if text[:size] in number:
                out.append(number[text[:size]])
                text = text[size:]
                break
    return out


@wrong("bpe_encode", says="no oldest one either")
def min_of_no_pairs(ids, merges):
    ids = tuple(ids)
    while True:
        best = min((pair for pair in pairwise(ids) if pair in merges), key=merges.get)
        ids = merge(ids, best, merges[best])


@wrong("bpe_encode", says="no oldest one either")
def infinity_without_a_guard(ids, merges):
    ids = tuple(ids)
    while True:
        best = min(pairwise(ids), key=lambda pair: merges.get(pair, float("inf")))
        if best not in merges:
            return list(ids)
        ids = merge(ids, best, merges[best])


@wrong("bpe_encode", says="still the bytes")
def result_not_kept(ids, merges):
    ids = tuple(ids)
    for pair, new in merges.items():
        merge(ids, pair, new)
    return list(ids)


@wrong("bpe_encode", says="places in the list of merges")
def gives_ranks(ids, merges):
    ids = tuple(ids)
    while found := [pair for pair in pairwise(ids) if pair in merges]:
        best = min(found, key=merges.get)
        ids = merge(ids, best, merges[best])
    return [i - 256 if i >= 256 else i for i in ids]


@wrong("bpe_encode", says="return")
def prints_the_ids(ids, merges):
    ids = tuple(ids)
    for pair, new in merges.items():
        ids = merge(ids, pair, new)
    print(list(ids))


@wrong("bpe_encode", says="look anew")
def list_of_pairs_made_once(ids, merges):
    ids, changed = tuple(ids), True
    while changed:
        changed = False
        for pair in sorted(set(pairwise(ids)) & merges.keys(), key=merges.get):
            ids, changed = merge(ids, pair, merges[pair]), True
    return list(ids)


@wrong("bpe_encode", says="every place")
def one_place_for_each_merge(ids, merges):
    ids = list(ids)
    for (left, right), new in merges.items():
        for i in range(len(ids) - 1):
            if ids[i] == left and ids[i + 1] == right:
                ids[i : i + 2] = [new]
                break
    return ids


@wrong("bpe_encode", says="two ids can be a pair")
def stops_at_two_ids(ids, merges):
    ids = tuple(ids)
    while len(ids) > 2:
        found = [pair for pair in pairwise(ids) if pair in merges]
        if not found:
            break
        best = min(found, key=merges.get)
        ids = merge(ids, best, merges[best])
    return list(ids)


@wrong("bpe_encode", says="pair at the end is missing")
def range_ends_before_the_last_pair(ids, merges):
    ids = tuple(ids)
    while found := [ids[i : i + 2] for i in range(len(ids) - 2) if ids[i : i + 2] in merges]:
        best = min(found, key=merges.get)
        ids = merge(ids, best, merges[best])
    return list(ids)


@wrong("bpe_encode", says="a list is asked for")
def stays_a_tuple(ids, merges):
    ids = tuple(ids)
    for pair, new in merges.items():
        ids = merge(ids, pair, new)
    return ids


slips(
    "bpe_encode",
    a_token_that_is_spelt_so=(
        None,
        edit(
            "    while pairs",
            "    spelt = {i: (i,) for i in range(256)}\n"
            "    for (left, right), new in merges.items():\n        spelt[new] = spelt[left] + spelt[right]\n"
            "    for new, parts in spelt.items():\n        if tuple(ids) == parts:\n            return [new]\n"
            "    while pairs",
        ),
    ),
    result_lost=("are not kept", edit("        ids = merge_pair", "        merge_pair")),
    known_words=(
        "keeps something",
        edit(
            "merges: Mapping[Pair, int])",
            "merges, known={})",
            "    ids = list(ids)\n",
            "    ids = list(ids)\n    word = tuple(ids)\n    if word in known:\n        return known[word]\n",
            "    return ids",
            "    known[word] = ids\n    return ids",
        ),
    ),
    not_from_bytes=("TypeError", edit("ids = list(ids)", "ids = ids[:] + []")),
    as_text=(
        "the bytes of 60 words",
        edit(
            "merge_pair(ids, oldest, merges[oldest])",
            "list(map(int, ' '.join(map(str, ids)).replace(f'{oldest[0]} {oldest[1]}', str(merges[oldest])).split()))",
        ),
    ),
    as_it_came=(
        "a list is asked for",
        edit("    ids = list(ids)\n", "    if not merges:\n        return ids\n    ids = list(ids)\n"),
    ),
)


# ------------------------------------------------------------------------------------------------------ pre_tokenise

FIRST = r"'(?:[sdmt]|ll|ve|re)|"
LAST = r"|\s+(?!\S)|\s+"


@wrong("pre_tokenise", says="the spaces are gone")
def splits_at_spaces(text):
    return text.split()


@wrong("pre_tokenise", says="three kinds")
def word_characters(text):
    return regex.findall(FIRST + r" ?\w+| ?[^\s\w]+" + LAST, text)


@wrong("pre_tokenise", says="leaves its last blank")
def no_look_ahead(text):
    return regex.findall(FIRST + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+", text)


@wrong("pre_tokenise", says="cut in two")
def no_contractions(text):
    return regex.findall(r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+" + LAST, text)


@wrong("pre_tokenise", says="small letters: in DON'T")
def contractions_of_any_case(text):
    return regex.findall(r"'(?i:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+" + LAST, text)


@wrong("pre_tokenise", says="at most three digits")
def as_gpt_4_cuts_numbers(text):
    return regex.findall(FIRST + r" ?\p{L}+| ?\p{N}{1,3}| ?[^\s\p{L}\p{N}]+" + LAST, text)


@wrong("pre_tokenise", says="letters too")
def ascii_letters(text):
    return regex.findall(FIRST + r" ?[A-Za-z]+| ?\p{N}+| ?[^\sA-Za-z\p{N}]+" + LAST, text)


@wrong("pre_tokenise", says="numbers too")
def ascii_digits(text):
    return regex.findall(FIRST + r" ?\p{L}+| ?[0-9]+| ?[^\s\p{L}0-9]+" + LAST, text)


@wrong("pre_tokenise", says="in front")
def blanks_alone(text):
    return regex.findall(FIRST + r"\p{L}+|\p{N}+|[^\s\p{L}\p{N}]+" + LAST, text)


@wrong("pre_tokenise", says="an end of line or a tab does not")
def any_space_in_front(text):
    return regex.findall(FIRST + r"\s?\p{L}+|\s?\p{N}+|\s?[^\s\p{L}\p{N}]+" + LAST, text)


@wrong("pre_tokenise", says="not all of them")
def all_blanks_in_front(text):
    return regex.findall(FIRST + r" *\p{L}+| *\p{N}+| *[^\s\p{L}\p{N}]+" + LAST, text)


@wrong("pre_tokenise", says="remembered")
def capturing_brackets(text):
    return regex.findall(r"'(s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+" + LAST, text)


@wrong("pre_tokenise", says="is lost")
def the_last_part_missing(text):
    return regex.findall(FIRST + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)", text)


@wrong("pre_tokenise", says="are lost")
def runs_of_spaces_dropped(text):
    return regex.findall(FIRST + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+", text)


@wrong("pre_tokenise", says="a list is asked for")
def pieces_in_a_tuple(text):
    return tuple(regex.findall(FIRST + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+" + LAST, text))


@wrong("pre_tokenise", says="return")
def prints_the_pieces(text):
    print(regex.findall(FIRST + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+" + LAST, text))


@wrong("pre_tokenise")
def an_iterator(text):
    return (found.group() for found in regex.finditer(FIRST + r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+" + LAST, text))


slips(
    "pre_tokenise",
    drops_a_signature=("U+FEFF at the beginning", edit("spaces]), text)", 'spaces]), text.lstrip("\\ufeff"))')),
)


# ----------------------------------------------------------------------------------------------------- split_special


@wrong("split_special", says="they are pieces too")
def no_group(text, special):
    if not special:
        return [text] if text else []
    return [piece for piece in re.split("|".join(re.escape(token) for token in special), text) if piece]


@wrong("split_special", says="re.escape")
def no_escape(text, special):
    if not special:
        return [text] if text else []
    return [piece for piece in re.split("(" + "|".join(special) + ")", text) if piece]


@wrong("split_special", says="re.escape")
def escapes_bars_only(text, special):
    if not special:
        return [text] if text else []
    return [
        piece for piece in re.split("(" + "|".join(token.replace("|", r"\|") for token in special) + ")", text) if piece
    ]


@wrong("split_special", says="empty pieces")
def keeps_empty(text, special):
    if not special:
        return [text]
    return re.split("(" + "|".join(re.escape(token) for token in special) + ")", text)


@wrong("split_special", says="empty pattern")
def no_case_for_none(text, special):
    pieces = re.split("(" + "|".join(re.escape(token) for token in special) + ")", text)
    return [piece for piece in pieces if piece]


@wrong("split_special", says="spaces at the ends")
def strips(text, special):
    for token in special:
        text = text.replace(token, f"\0{token}\0")
    return [piece.strip() for piece in text.split("\0") if piece.strip()]


@wrong("split_special", says="cuts at spaces")
def into_words(text, special):
    for token in special:
        text = text.replace(token, f" {token} ")
    return text.split()


@wrong("split_special", says="only the first of the special")
def first_token(text, special):
    for token in special:
        pieces = re.split(f"({re.escape(token)})", text)
        return [piece for piece in pieces if piece]
    return [text] if text else []


@wrong("split_special", says="only the last of the special")
def last_token(text, special):
    pieces = [text]
    for token in special:
        pieces = re.split(f"({re.escape(token)})", text)
    return [piece for piece in pieces if piece]


@wrong("split_special", says="stand there often")
def splits_once(text, special):
    for token in special:
        if token in text:
            before, _, after = text.partition(token)
            return [piece for piece in [*splits_once(before, special), token, after] if piece]
    return [text] if text else []


@wrong("split_special", says="another text")
def ignores_case(text, special):
    if not special:
        return [text] if text else []
    pieces = re.split("(" + "|".join(re.escape(token) for token in special) + ")", text, flags=re.I)
    return [piece for piece in pieces if piece]


@wrong("split_special", says="sticks to what is before")
def look_behind(text, special):
    for token in special:
        text = text.replace(token, f"{token}\0")
    return [piece for piece in text.split("\0") if piece]


@wrong("split_special", says="only the special tokens are left")
def find_all(text, special):
    if not special:
        return [text] if text else []
    return re.findall("|".join(re.escape(token) for token in special), text)


@wrong("split_special", says="are gone")
def replaced_by_nothing(text, special):
    for token in special:
        text = text.replace(token, "\0")
    return [piece for piece in text.split("\0") if piece]


@wrong("split_special", says="no pieces")
def one_empty_piece(text, special):
    if not special or not text:
        return [text]
    return [piece for piece in re.split("(" + "|".join(map(re.escape, special)) + ")", text) if piece]


@wrong("split_special", says="return")
def splits_and_forgets(text, special):
    re.split("(" + "|".join(map(re.escape, special)) + ")", text)


@wrong("split_special", says="Escape each, then join")
def escapes_the_whole(text, special):
    if not special:
        return [text] if text else []
    return [piece for piece in re.split("(" + re.escape("|".join(special)) + ")", text) if piece]


@wrong("split_special", says="blank piece")
def drops_what_is_blank(text, special):
    if not special:
        return [text] if text else []
    return [piece for piece in re.split("(" + "|".join(map(re.escape, special)) + ")", text) if piece.strip()]


@wrong("split_special", says="side by side are several")
def runs_of_tokens(text, special):
    if not special:
        return [text] if text else []
    return [piece for piece in re.split("((?:" + "|".join(map(re.escape, special)) + ")+)", text) if piece]


@wrong("split_special", says="not searched for the other")
def token_by_token_from_the_left(text, special):
    pieces = []
    for token in special:
        while token in text:
            before, text = text.split(token, 1)
            pieces += [before, token]
    return [piece for piece in [*pieces, text] if piece]


@wrong("split_special", says="stand in the text as well")
def marks_with_a_tab(text, special):
    for token in special:
        text = text.replace(token, f"\t{token}\t")
    return [piece for piece in text.split("\t") if piece]


@wrong("split_special", says="stand in the text as well")
def marks_with_a_zero(text, special):
    for token in special:
        text = text.replace(token, f"\0{token}\0")
    return [piece for piece in text.split("\0") if piece]


@wrong("split_special", says="whatever they look like")
def anything_in_pointed_brackets(text, special):
    return [piece for piece in re.split("(<[^>]+>)", text) if piece]


@wrong("split_special", says="a list is asked for")
def a_tuple_of_pieces(text, special):
    return tuple(piece for piece in re.split("(" + ("|".join(map(re.escape, special)) or "$") + ")", text) if piece)


@wrong("split_special", says="==>")
def goes_on_where_it_differed(text, special):
    pieces, plain, i = [], "", 0
    while i < len(text):
        same = (
            max(
                (
                    next(
                        (n for n, (a, b) in enumerate(zip(t, text[i:], strict=False)) if a != b),
                        min(len(t), len(text) - i),
                    ),
                    t,
                )
                for t in special
            )
            if special
            else (0, "")
        )
        if special and text.startswith(same[1], i):
            pieces += [plain, same[1]]
            plain = ""
        else:
            plain += text[i : i + max(1, same[0])]
        i += max(1, same[0])
    return [piece for piece in [*pieces, plain] if piece]


slips(
    "split_special",
    flags_in_third_place=("how many at most", edit("text) if", "text, re.IGNORECASE) if")),
    a_dot_is_any_sign=("instead of", edit("re.escape(token)", "re.escape(token).replace(chr(92) + '.', '.')")),
    marked_with_at_signs=(
        "may stand in the text as well",
        edit(
            '    return [piece for piece in re.split(f"({either})", text) if piece]',
            "    for token in special:\n        text = text.replace(token, '@@' + token + '@@')\n"
            "    return [piece for piece in text.split('@@') if piece]",
        ),
    ),
    nothing_without_tokens=("expected", edit("[text] if text else []", "[]")),
    a_default_list=(
        "keeps something",
        edit(
            "special: Collection[str])",
            "special, pieces=[])",
            "    return [piece for piece in",
            "    pieces += [piece for piece in",
            "if piece]  #",
            "if piece]\n    return pieces  #",
        ),
    ),
)


@wrong("merge_pair")
def an_unescaped_pattern(ids, pair, new):
    text = "".join(map(chr, ids))
    return [ord(sign) for sign in re.sub("".join(map(chr, pair)), chr(new), text, flags=re.DOTALL)]

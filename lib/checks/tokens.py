"""The checks of notebook 08: counting pairs, merging them, learning merges, encoding, decoding, special tokens.

Long because it is a table: the probes and the mistakes of six exercises, one exercise after the other.
"""

import re
from itertools import pairwise

from lib import tokenizer
from lib.checks.core import Exercise
from lib.checks.running import Problem

pair_counts = Exercise(tokenizer.pair_counts)
merge_pair = Exercise(tokenizer.merge_pair)
learn_merges = Exercise(tokenizer.learn_merges)
bpe_decode = Exercise(tokenizer.bpe_decode)
bpe_encode = Exercise(tokenizer.bpe_encode)
split_special = Exercise(tokenizer.split_special)

WIKIPEDIA = tuple(b"aaabdaaabac")


def _a_list(result):
    """The result, if it is no tuple: the notebook goes on with lists, and compares with them."""
    if isinstance(result, tuple):
        raise Problem("type", "the result is a tuple; a list is asked for: `list(...)`.")
    return result


# ------------------------------------------------------------------------------------------------------- pair_counts


@pair_counts.probe("{(1, 2, 3, 4): 1}")
def _(answer, rng):
    return answer({(1, 2, 3, 4): 1})


@pair_counts.probe("{(1, 2): 5, (2, 1): 3}")
def _(answer, rng):
    return answer({(1, 2): 5, (2, 1): 3})


@pair_counts.probe("{(1, 2): 5, (300, 1, 2): 1}, where a pair stands in two words")
def _(answer, rng):
    return answer({(1, 2): 5, (300, 1, 2): 1})


@pair_counts.probe("{(1, 2, 1, 2, 4): 3}, where a pair stands twice in a word")
def _(answer, rng):
    return answer({(1, 2, 1, 2, 4): 3})


@pair_counts.probe("{(7, 7, 7): 2}, where two pairs overlap")
def _(answer, rng):
    return answer({(7, 7, 7): 2})


@pair_counts.probe("a word of one id, an empty one, and no words at all")
def _(answer, rng):
    return [answer({(5,): 4, (): 2}), answer({})]


def _count(words, pairs=pairwise, times=lambda n: n, key=tuple):
    counts = {}
    for word, n in words.items():
        for pair in pairs(word):
            counts[key(pair)] = counts.get(key(pair), 0) + times(n)
    return counts


@pair_counts.mistake("pairs may overlap: (7, 7, 7) has the pair (7, 7) twice.")
def without_overlap(words):
    def pairs(word):
        i = 0
        while i + 1 < len(word):
            yield word[i], word[i + 1]
            i += 2 if len(word) > i + 2 and word[i : i + 2] == word[i + 1 : i + 3] else 1

    return _count(words, pairs=pairs)


@pair_counts.mistake("the words' own counts are not used: a word that occurs 3 times brings each of its pairs 3 times.")
def once_a_word(words):
    return _count(words, times=lambda n: 1)


@pair_counts.mistake("a pair counts once for each place where it stands, also twice in one word.")
def once_in_a_word(words):
    return _count(words, pairs=lambda word: set(pairwise(word)))


@pair_counts.mistake("a pair that stands in several words, or twice in one, keeps the last count only: add to it.")
def overwritten(words):
    return {pair: n for word, n in words.items() for pair in pairwise(word)}


@pair_counts.mistake("only the first word is counted: `return` belongs after the loop, not into it.")
def first_word_only(words):
    return _count(dict([*words.items()][:1]))


@pair_counts.mistake("the last id has no neighbour: `word[i : i + 2]` is one id there, and no pair.")
def the_last_alone(words):
    return _count(words, pairs=lambda word: [word[i : i + 2] for i in range(len(word))])


@pair_counts.mistake(
    "`word.index(i)` is the first place of an id, which may stand there again: count the places yourself."
)
def at_the_first_place(words):
    def pairs(word):
        return [(i, word[word.index(i) + 1]) for i in word[:-1]]

    return _count(words, pairs=pairs)


@pair_counts.mistake("the last pair of each word is missing: a word of 3 ids has 2 pairs.")
def stops_early(words):
    return _count(words, pairs=lambda word: list(pairwise(word))[:-1])


@pair_counts.mistake("the first pair of each word is missing.")
def starts_late(words):
    return _count(words, pairs=lambda word: list(pairwise(word))[1:])


@pair_counts.mistake("the last id is paired with the first: word[-1] is the last one. A word is no ring.")
def a_ring(words):
    return _count(words, pairs=lambda word: [(word[i - 1], word[i]) for i in range(len(word))])


@pair_counts.mistake("pairs may overlap: (7, 7, 7) has the pair (7, 7) twice. Go on by one id, not by two.")
def side_by_side(words):
    return _count(words, pairs=lambda word: zip(word[::2], word[1::2], strict=False))


@pair_counts.mistake("the order matters: (1, 2) and (2, 1) are different pairs.")
def sorted_pairs(words):
    return _count(words, key=lambda pair: tuple(sorted(pair)))


@pair_counts.mistake("this is turned around: (left, right), as they stand in the word.")
def turned_around(words):
    return _count(words, key=lambda pair: pair[::-1])


@pair_counts.mistake("the end of one word and the start of the next are no neighbours: count within words.")
def across_words(words):
    whole = [i for word, n in words.items() for i in word * n]
    return _count({tuple(whole): 1})


@pair_counts.mistake("these are the ids themselves; pairs of neighbours are asked for.")
def single_ids(words):
    counts = {}
    for word, n in words.items():
        for i in word:
            counts[i] = counts.get(i, 0) + n
    return counts


@pair_counts.mistake("every two ids of a word are paired; only neighbours are asked for.")
def all_pairs(words):
    return _count(words, pairs=lambda word: [(a, b) for i, a in enumerate(word) for b in word[i + 1 :]])


# -------------------------------------------------------------------------------------------------------- merge_pair


@merge_pair.probe("the pair (1, 2) in 1, 2, 3, 1, 2, 9, 1, 2, 2")
def _(answer, rng):
    return _a_list(answer([1, 2, 3, 1, 2, 9, 1, 2, 2], (1, 2), 300))


@merge_pair.probe("the pair (1, 2) in 2, 1, 1, 2, 1")
def _(answer, rng):
    return _a_list(answer([2, 1, 1, 2, 1], (1, 2), 300))


@merge_pair.probe("five times the id 7, the pair (7, 7)")
def _(answer, rng):
    return _a_list(answer([7] * 5, (7, 7), 300))


@merge_pair.probe("ids in a tuple, in which the pair does not occur")
def _(answer, rng):
    return _a_list(answer((5, 6, 9, 5), (6, 5), 300))


@merge_pair.probe("the pair (1, 2) and nothing else, and at the end of 3, 1, 2")
def _(answer, rng):
    return [answer([1, 2], (1, 2), 300), answer([3, 1, 2], (1, 2), 300)]


@merge_pair.probe("the pair (1, 2) in 11, 2, 1, 25, where it does not occur")
def _(answer, rng):
    return answer([11, 2, 1, 25], (1, 2), 300)


@merge_pair.probe("one id, and none")
def _(answer, rng):
    return [answer([97], (97, 97), 256), answer([], (97, 97), 256)]


def _merge(ids, fits, new, jump=2):
    merged, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and fits(ids[i], ids[i + 1]):
            merged.append(new)
            i += jump
        else:
            merged.append(ids[i])
            i += 1
    return merged


@merge_pair.mistake("the last id is there once more: a pair at the end has used it up.")
def always_the_last(ids, pair, new):
    merged = tokenizer.merge_pair(ids, pair, new)
    return [*merged, *ids[-1:]] if tuple(ids[-2:]) == pair and merged[-1] == new else merged


@merge_pair.mistake("the second id of the pair is still there: go on two places after a merge.")
def goes_on_by_one(ids, pair, new):
    return _merge(ids, lambda a, b: (a, b) == pair, new, jump=1)


@merge_pair.mistake("an id belongs to one merge only: in 7, 7, 7 the pair (7, 7) is merged once, and a 7 is left.")
def overlapping(ids, pair, new):
    taken = {j for i, two in enumerate(pairwise(ids)) if two == pair for j in (i, i + 1)}
    starts = {i for i, two in enumerate(pairwise(ids)) if two == pair}
    return [new if i in starts else x for i, x in enumerate(ids) if i in starts or i not in taken]


@merge_pair.mistake("only the first pair is merged. Go on to the end.")
def first_only(ids, pair, new):
    for i, two in enumerate(pairwise(ids)):
        if two == pair:
            return [*ids[:i], new, *ids[i + 2 :]]
    return list(ids)


@merge_pair.mistake("the last id is lost where it is not part of a pair: it has no neighbour, and still belongs there.")
def loses_the_last(ids, pair, new):
    merged = tokenizer.merge_pair(ids, pair, new)
    return merged if not ids or (tuple(ids[-2:]) == pair and merged[-1] == new) else merged[:-1]


@merge_pair.mistake("parts of other numbers are taken for the pair: 11, 2 is not 1, 2. Compare ids, not text.")
def as_text(ids, pair, new):
    return list(map(int, " ".join(map(str, ids)).replace(f"{pair[0]} {pair[1]}", str(new)).split()))


@merge_pair.mistake("two ids can be the pair as well: the loop must not stop before them.")
def three_at_least(ids, pair, new):
    return tokenizer.merge_pair(ids, pair, new) if len(ids) > 2 else list(ids)


@merge_pair.mistake("this merges from the right. From the left, 7, 7, 7 becomes new, 7.")
def from_the_right(ids, pair, new):
    return tokenizer.merge_pair(ids[::-1], pair[::-1], new)[::-1]


@merge_pair.mistake("the order of the pair matters: (1, 2) is not (2, 1).")
def either_order(ids, pair, new):
    return _merge(ids, lambda a, b: {a, b} == set(pair), new)


@merge_pair.mistake("both ids become new: one new id takes the place of two.")
def two_for_two(ids, pair, new):
    merged, i = [], 0
    while i < len(ids):
        fits = tuple(ids[i : i + 2]) == pair
        merged += [new, new] if fits else [ids[i]]
        i += 2 if fits else 1
    return merged


@merge_pair.mistake("single ids of the pair are replaced too. Both must stand there, side by side.")
def single_ids_too(ids, pair, new):
    return [new if i in pair else i for i in ids]


@merge_pair.mistake("the pair is taken out, and nothing put in its place: append `new`.")
def taken_out(ids, pair, new):
    return [i for i in tokenizer.merge_pair(ids, pair, new) if i != new]


@merge_pair.mistake("nothing is ever merged: a list is never equal to a tuple. Compare `tuple(ids[i : i + 2])`.")
def never_equal(ids, pair, new):
    return list(ids)


@merge_pair.mistake("this looks at places 0 and 1, 2 and 3, ...; a pair may start anywhere.")
def even_places(ids, pair, new):
    halves = [ids[i : i + 2] for i in range(0, len(ids), 2)]
    return [i for half in halves for i in ([new] if tuple(half) == pair else half)]


# ------------------------------------------------------------------------------------------------------ learn_merges


SEVERAL = {(5, 6): 8, (9, 5, 6): 4, (1, 2): 6, (3, 4, 3, 4, 3, 4): 1, (8, 7): 1}
EQUALS = {(8, 9): 4, (30, 5): 4, (8, 7): 4, (9, 1): 4}


@learn_merges.probe(f"{SEVERAL}, 3 merges")
def _(answer, rng):
    return answer(SEVERAL, 3)


@learn_merges.probe(f"{EQUALS}, 3 merges of pairs that are equally frequent")
def _(answer, rng):
    return answer(EQUALS, 3)


@learn_merges.probe("'aaabdaaabac', 3 merges")
def _(answer, rng):
    return list(answer({WIKIPEDIA: 1}, 3).items())


@learn_merges.probe("{(1, 2, 3): 1}, 5 merges, of which there are two")
def _(answer, rng):
    return answer({(1, 2, 3): 1}, 5)


@learn_merges.probe("no merge at all, no words at all")
def _(answer, rng):
    return [answer({(1, 2, 3): 1}, 0), answer({}, 3)]


def _learn(
    words,
    n,
    choose=lambda counts: min(counts, key=lambda pair: (-counts[pair], pair)),
    first=256,
    keep=lambda word, pair: True,
    again=lambda times: times,
):
    merges = {}
    while len(merges) < n and (counts := tokenizer.pair_counts(words)):
        merges[choose(counts)] = new = first + len(merges)
        pair = next(reversed(merges))
        kept = {word: times for word, times in words.items() if keep(word, pair)}
        words = {tuple(tokenizer.merge_pair(word, pair, new)): again(times) for word, times in kept.items()}
    return merges


@learn_merges.mistake("of equally frequent pairs the first one met wins here; take the smaller tuple.")
def first_met(words, n):
    return _learn(words, n, lambda counts: max(counts, key=counts.get))


@learn_merges.mistake(
    "of equally frequent pairs the larger tuple wins here; take the smaller one: min with (-count, pair)."
)
def larger_tuple(words, n):
    return _learn(words, n, lambda counts: max(counts, key=lambda pair: (counts[pair], pair)))


@learn_merges.mistake("of equally frequent pairs the last one met wins here; take the smaller tuple.")
def last_met(words, n):
    return _learn(words, n, lambda counts: max(reversed(counts), key=counts.get))


@learn_merges.mistake("of equally frequent pairs only the left ids are compared here: (8, 7) is smaller than (8, 9).")
def left_id_only(words, n):
    return _learn(words, n, lambda counts: min(counts, key=lambda pair: (-counts[pair], pair[0])))


@learn_merges.mistake("this merges the rarest pair; take the most frequent one.")
def rarest(words, n):
    return _learn(words, n, lambda counts: min(counts, key=lambda pair: (counts[pair], pair)))


@learn_merges.mistake("after a merge the pairs must be counted anew, in the merged words: new ids make new pairs.")
def counted_once(words, n):
    counts = tokenizer.pair_counts(words)
    best = sorted(counts, key=lambda pair: (-counts[pair], pair))[:n]
    return {pair: 256 + i for i, pair in enumerate(best)}


@learn_merges.mistake("this takes the smallest pair, however often it occurs: the count comes first in the key.")
def smallest(words, n):
    return _learn(words, n, min)


@learn_merges.mistake("the counts of the words are lost: keep how often each word occurs.")
def words_count_once(words, n):
    return _learn(dict.fromkeys(words, 1), n)


@learn_merges.mistake("the counts of the words are lost in the first merge: the new dictionary needs them too.")
def counts_lost_later(words, n):
    return _learn(words, n, again=lambda times: 1)


@learn_merges.mistake("only the first place of a word is merged: the pair may stand there several times.")
def first_place_of_a_word(words, n):
    merges = {}
    while len(merges) < n and (counts := tokenizer.pair_counts(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = new = 256 + len(merges)
        places = {word: [*pairwise(word), best].index(best) for word in words}
        words = {(*w[:i], *[new][: len(w) - i], *w[i + 2 :]): words[w] for w, i in places.items()}
    return merges


@learn_merges.mistake("words without the pair are lost: they stay as they are, and their pairs come next.")
def only_merged_words(words, n):
    return _learn(words, n, keep=lambda word, pair: pair in pairwise(word))


@learn_merges.mistake("this stops when a pair occurs only once; go on until no pair is left.")
def twice_at_least(words, n):
    merges = {}
    while len(merges) < n and (counts := tokenizer.pair_counts(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[best] < 2:
            break
        merges[best] = 256 + len(merges)
        words = {tuple(tokenizer.merge_pair(word, best, merges[best])): times for word, times in words.items()}
    return merges


@learn_merges.mistake("n is the number of merges, not the size of the vocabulary: take nothing off.")
def n_is_the_vocabulary(words, n):
    return _learn(words, n - 256)


@learn_merges.mistake("the first new id is 256: the bytes are 0 to 255.")
def from_257(words, n):
    return _learn(words, n, first=257)


@learn_merges.mistake("the first new id is 256: the bytes are 0 to 255.")
def from_255(words, n):
    return _learn(words, n, first=255)


@learn_merges.mistake("the first new id is 256: ids below that are bytes already.")
def from_0(words, n):
    return {pair: i for i, pair in enumerate(tokenizer.learn_merges(words, n))}


@learn_merges.mistake("this is {new id: pair}; {pair: new id} is asked for.")
def other_way_round(words, n):
    return {new: pair for pair, new in tokenizer.learn_merges(words, n).items()}


@learn_merges.mistake("one merge too many is learnt.")
def one_more(words, n):
    return tokenizer.learn_merges(words, n + 1)


@learn_merges.mistake("one merge is missing.")
def one_less(words, n):
    return tokenizer.learn_merges(words, n - 1)


@learn_merges.mistake("when every word is one id, no pair is left to take the best of: stop there.")
def never_stops(words, n):
    return [min({}) for _ in range(n)]


@learn_merges.mistake("when every word is one id, no pair is left to take the best of: stop there.")
def never_stops_max(words, n):
    return [max({}, key=None) for _ in range(n)]


# -------------------------------------------------------------------------------------------------------- bpe_decode

THE = {(116, 104): 256, (256, 101): 257, (32, 257): 258}  # th, the, ␣the


@bpe_decode.probe("the bytes of 'cat', no merges")
def _(answer, rng):
    return answer(list(b"cat"), {})


@bpe_decode.probe("256, which is 'th'")
def _(answer, rng):
    return answer([256, 101], THE)


@bpe_decode.probe("258 is ' the', made in three merges, he the first: 258, 257")
def _(answer, rng):
    return answer([258, 257], {(104, 101): 256, (116, 256): 257, (32, 257): 258})


@bpe_decode.probe("è as two ids: 195, 168")
def _(answer, rng):
    return answer([99, 195, 168], {})


@bpe_decode.probe("half a face, an x and 255, which is part of no character: 240, 159, 152, 120, 255")
def _(answer, rng):
    return answer([240, 159, 152, 120, 255], {})


@bpe_decode.probe("no ids")
def _(answer, rng):
    return answer([], THE)


def _bytes_of(merges, join=lambda left, right: left + right):
    tokens = {byte: bytes([byte]) for byte in range(256)}
    for (left, right), new in merges.items():
        tokens[new] = join(tokens[left], tokens[right])
    return tokens


@bpe_decode.mistake('broken bytes disappear without a trace. Show them: errors="replace".')
def ignored(ids, merges):
    tokens = _bytes_of(merges)
    return b"".join(tokens[i] for i in ids).decode("utf-8", errors="ignore")


@bpe_decode.mistake('a model can write bytes that are no character; errors="replace" makes them �.')
def strictly(ids, merges):
    tokens = _bytes_of(merges)
    return b"".join(tokens[i] for i in ids).decode("utf-8")


@bpe_decode.mistake("a merge can be made of merges: unpack until only bytes are left.")
def one_level(ids, merges):
    parts = {new: pair for pair, new in merges.items()}
    return bytes([j for i in ids for j in parts.get(i, (i,))]).decode("utf-8", errors="replace")


@bpe_decode.mistake("each token is turned into text by itself, and half a character is none. Join all bytes first.")
def one_by_one(ids, merges):
    tokens = _bytes_of(merges)
    return "".join(tokens[i].decode("utf-8", errors="replace") for i in ids)


@bpe_decode.mistake("each token is turned into text by itself, and half a character is none. Join all bytes first.")
def one_by_one_strictly(ids, merges):
    tokens = _bytes_of(merges)
    return "".join(tokens[i].decode("utf-8") for i in ids)


@bpe_decode.mistake("each token is turned into text by itself, and half a character is dropped. Join all bytes first.")
def one_by_one_ignored(ids, merges):
    tokens = _bytes_of(merges)
    return "".join(tokens[i].decode("utf-8", errors="ignore") for i in ids)


@bpe_decode.mistake("each byte is read as a character of its own (`chr` or latin-1). Join the bytes and decode UTF-8.")
def a_byte_a_character(ids, merges):
    tokens = _bytes_of(merges)
    return b"".join(tokens[i] for i in ids).decode("latin-1")


@bpe_decode.mistake("these are bytes; text is asked for: `.decode(...)`.")
def still_bytes(ids, merges):
    tokens = _bytes_of(merges)
    return b"".join(tokens[i] for i in ids)


@bpe_decode.mistake("the parts of a merge are joined the wrong way round: left, then right.")
def right_before_left(ids, merges):
    tokens = _bytes_of(merges, lambda left, right: right + left)
    return b"".join(tokens[i] for i in ids).decode("utf-8", errors="replace")


@bpe_decode.mistake("ids from 256 on are left out: they are merges, and stand for the bytes of both parts.")
def bytes_only(ids, merges):
    return bytes(i for i in ids if i < 256).decode("utf-8", errors="replace")


@bpe_decode.mistake("ids from 256 on are no bytes: look up which parts were merged.")
def bytes_of_all(ids, merges):
    return bytes(ids).decode("utf-8", errors="replace")


@bpe_decode.mistake("ids from 256 on are not in your table: add the bytes of each merge, in order.")
def not_in_the_table(ids, merges):
    tokens = _bytes_of({})
    return b"".join(tokens[i] for i in ids).decode("utf-8", errors="replace")


@bpe_decode.mistake("tokens are joined with a space. They bring their own spaces: join with nothing.")
def with_spaces(ids, merges):
    tokens = _bytes_of(merges)
    return b" ".join(tokens[i] for i in ids).decode("utf-8", errors="replace")


# -------------------------------------------------------------------------------------------------------- bpe_encode

OTHER = {(116, 104): 256, (101, 114): 257, (256, 257): 258}  # th, er, ther
ABC = {(98, 99): 256, (97, 98): 257, (97, 256): 258}  # bc, ab, abc


@bpe_encode.probe("'others', the merges th, er, ther")
def _(answer, rng):
    return _a_list(answer(list(b"others"), OTHER))


@bpe_encode.probe("'abcd' with bc older than ab, 'abc' with ab older than bc, 'cba' likewise, and 'abcbc'")
def _(answer, rng):
    return [
        answer(list(b"abcd"), ABC),
        answer(list(b"abc"), {(97, 98): 256, (98, 99): 257}),
        answer(list(b"cba"), {(99, 98): 256, (98, 97): 257}),
        answer(list(b"abcbc"), {(97, 98): 256, (98, 99): 257}),
    ]


@bpe_encode.probe("'abc', the merges bc and ab")
def _(answer, rng):
    return _a_list(answer(list(b"abc"), {(98, 99): 256, (97, 98): 257}))


@bpe_encode.probe("'abcd', the merges ab, abc, cd in this order")
def _(answer, rng):
    return answer(list(b"abcd"), {(97, 98): 256, (256, 99): 257, (99, 100): 258})


@bpe_encode.probe("'aaaaa', the merge aa")
def _(answer, rng):
    return _a_list(answer(list(b"aaaaa"), {(97, 97): 256}))


@bpe_encode.probe("the bytes b'cat' themselves, not in a list, and nothing to merge")
def _(answer, rng):
    return _a_list(answer(b"cat", ABC))


@bpe_encode.probe("no ids, one id, no merges, and 'abc', which becomes one id")
def _(answer, rng):
    return [answer([], ABC), answer([97], ABC), answer([97, 98], {}), answer(list(b"abc"), ABC)]


def _encode(ids, merges, choose):
    ids = list(ids)
    while pairs := [pair for pair in pairwise(ids) if pair in merges]:
        best = choose(pairs)
        ids = tokenizer.merge_pair(ids, best, merges[best])
    return ids


@bpe_encode.mistake("two ids can be a pair as well: go on until one id is left, or no pair that can be merged.")
def three_ids_at_least(ids, merges):
    ids = list(ids)
    while len(ids) > 2 and (pairs := [pair for pair in pairwise(ids) if pair in merges]):
        ids = tokenizer.merge_pair(ids, min(pairs, key=merges.get), merges[min(pairs, key=merges.get)])
    return ids


@bpe_encode.mistake("this takes the longest token that fits. Tokens come from merging, oldest merge first.")
def longest_first(ids, merges):
    tokens, ids, found = {(byte,): byte for byte in range(256)}, tuple(ids), []
    spelt = {i: (i,) for i in range(256)}
    for (left, right), new in merges.items():
        spelt[new] = spelt[left] + spelt[right]
        tokens[spelt[new]] = new
    while ids:
        size = next(n for n in range(len(ids), 0, -1) if ids[:n] in tokens)
        found, ids = [*found, tokens[ids[:size]]], ids[size:]
    return found


@bpe_encode.mistake("the pair at the end is never looked at: n ids have n - 1 pairs.")
def without_the_last_pair(ids, merges):
    ids = list(ids)
    while pairs := [pair for pair in list(pairwise(ids))[:-1] if pair in merges]:
        ids = tokenizer.merge_pair(ids, min(pairs, key=merges.get), merges[min(pairs, key=merges.get)])
    return ids


@bpe_encode.mistake("look anew after each merge: it may have made a pair that is older than the next one of your list.")
def in_rounds(ids, merges):
    ids = list(ids)
    while pairs := sorted({pair for pair in pairwise(ids) if pair in merges}, key=merges.get):
        for pair in pairs:
            ids = tokenizer.merge_pair(ids, pair, merges[pair])
    return ids


@bpe_encode.mistake("this merges the leftmost pair first. Merge the oldest one, with the smallest new id.")
def leftmost(ids, merges):
    return _encode(ids, merges, lambda pairs: pairs[0])


@bpe_encode.mistake("this merges the newest merge first. Merge the oldest one, with the smallest new id.")
def newest(ids, merges):
    return _encode(ids, merges, lambda pairs: max(pairs, key=merges.get))


@bpe_encode.mistake("this merges the pair that is most frequent in this text. The order was fixed in training.")
def most_frequent(ids, merges):
    return _encode(ids, merges, lambda pairs: max(pairs, key=pairs.count))


@bpe_encode.mistake("this merges the smallest tuple first. Merge the oldest one, with the smallest new id.")
def smallest_tuple(ids, merges):
    return _encode(ids, merges, min)


@bpe_encode.mistake("one pair is merged, then it stops: go on until no pair can be merged.")
def only_once(ids, merges):
    ids = list(ids)
    pairs = [pair for pair in pairwise(ids) if pair in merges]
    best = min(pairs, key=merges.get, default=None)
    return tokenizer.merge_pair(ids, best, merges[best]) if pairs else ids


@bpe_encode.mistake("the ids are walked through once, from the left. Merges make new pairs, and older merges go first.")
def one_walk(ids, merges):
    merged = []
    for i in ids:
        merged.append(i)
        if len(merged) > 1 and tuple(merged[-2:]) in merges:
            merged[-2:] = [merges[tuple(merged[-2:])]]
    return merged


@bpe_encode.mistake("the ids are walked through once, from the left. Merges make new pairs, and older merges go first.")
def one_walk_in_twos(ids, merges):
    merged, i = [], 0
    while i < len(ids):
        pair = tuple(ids[i : i + 2])
        merged.append(merges.get(pair, ids[i]))
        i += 2 if pair in merges else 1
    return merged


@bpe_encode.mistake("a merge happens at every place where its pair stands, not only at the first.")
def one_place_only(ids, merges):
    ids = list(ids)
    for pair, new in merges.items():
        places = [i for i, two in enumerate(pairwise(ids)) if two == pair]
        ids[slice(places[0], places[0] + 2) if places else slice(0, 0)] = [new] * bool(places)
    return ids


@bpe_encode.mistake("when no pair can be merged, there is no oldest one either: stop there.")
def never_stops_encoding(ids, merges):
    return min([], key=merges.get)


@bpe_encode.mistake("nothing is merged: these are still the bytes.")
def unmerged(ids, merges):
    return list(ids)


@bpe_encode.mistake("these are the pairs' places in the list of merges; the new ids are the values of `merges`.")
def ranks(ids, merges):
    return [i - 256 if i > 255 else i for i in tokenizer.bpe_encode(ids, merges)]


# ----------------------------------------------------------------------------------------------------- split_special

SPECIAL = ["<EOS>", "<SOS>", "<PAD>"]


@split_special.probe("'The end.<EOS>', the token <EOS>")
def _(answer, rng):
    return _a_list(answer("The end.<EOS>", ["<EOS>"]))


@split_special.probe("'<SOS>a b <EOS><EOS>\\n<PAD>', with several, at both ends and side by side")
def _(answer, rng):
    return _a_list(answer("<SOS>a b <EOS><EOS>\n<PAD>", SPECIAL))


@split_special.probe("'one | two<|endoftext|>', the token <|endoftext|>")
def _(answer, rng):
    return answer("one | two<|endoftext|>", ["<|endoftext|>"])


@split_special.probe("'a [MASK] (b)', the tokens [MASK] and (b)")
def _(answer, rng):
    return answer("a [MASK] (b)", ["[MASK]", "(b)"])


@split_special.probe("a text without special tokens; <eos> is none")
def _(answer, rng):
    return answer("The <eos> end, EOS.", SPECIAL)


@split_special.probe(r"'\t1\0 2<EOS>', with the signs \t and \0 in it")
def _(answer, rng):
    return answer("\t1\0 2<EOS>", SPECIAL)


@split_special.probe("an empty list of special tokens")
def _(answer, rng):
    return _a_list(answer("The end.", []))


@split_special.probe("an empty text, with special tokens and without")
def _(answer, rng):
    return [answer("", SPECIAL), answer("", [])]


def _either(special):
    return "|".join(map(re.escape, special))


@split_special.mistake("an empty pattern fits everywhere: without special tokens the text stays whole.")
def letter_by_letter(text, special):
    return [piece for piece in re.split(f"({_either(special)})", text) if piece]


@split_special.mistake("the special tokens are gone. Keep them: `re.split` needs brackets around its pattern.")
def without_brackets(text, special):
    return [piece for piece in re.split(_either(special), text) if piece]


@split_special.mistake("in a pattern |, [ and ( have meanings of their own: use `re.escape(token)`.")
def without_escape(text, special):
    return [piece for piece in re.split(f"({'|'.join(special)})", text) if piece]


@split_special.mistake("an empty text has no pieces: [], not [''].")
def an_empty_piece(text, special):
    return tokenizer.split_special(text, special) or [""]


@split_special.mistake("there are empty pieces, before, after or between special tokens: leave them out.")
def empty_pieces(text, special):
    return re.split(f"({_either(special)})", text) if special else [text]


@split_special.mistake(
    "a piece of spaces or line ends is gone. Leave out empty pieces only: joined, they must be the text."
)
def blanks_dropped(text, special):
    return [piece for piece in tokenizer.split_special(text, special) if piece.strip()]


@split_special.mistake("small letters make another text: <eos> is not <EOS>.")
def any_case(text, special):
    return [piece for piece in re.split(f"({_either(special)})", text, flags=re.IGNORECASE) if piece]


@split_special.mistake("the special tokens are those in `special`, whatever they look like; <...> is only an example.")
def pointed_brackets(text, special):
    return [piece for piece in re.split("(<[^>]*>)", text) if piece]


@split_special.mistake(
    "`re.escape` comes too late: it makes the | between the tokens plain too. Escape each, then join."
)
def escaped_together(text, special):
    return [piece for piece in re.split(f"({re.escape('|'.join(special))})", text) if piece]


@split_special.mistake("special tokens side by side are several pieces, one for each.")
def neighbours_joined(text, special):
    return [piece for piece in re.split(f"((?:{_either(special)})+)", text) if piece] if special else [text]


@split_special.mistake("the text before a token that was found is not searched for the other tokens.")
def in_the_order_of_the_list(text, special):
    pieces = []
    for token in special:
        while token in text:
            before, text = text.split(token, 1)
            pieces += [before, token]
    return [piece for piece in [*pieces, text] if piece]


def _marked(text, special, mark):
    for token in special:
        text = text.replace(token, f"{mark}{token}{mark}")
    return [piece for piece in text.split(mark) if piece]


@split_special.mistake("the sign you mark the places with may stand in the text as well, and is lost there.")
def marked_by_tabs(text, special):
    return _marked(text, special, "\t")


@split_special.mistake("the sign you mark the places with may stand in the text as well, and is lost there.")
def marked_by_zeros(text, special):
    return _marked(text, special, "\0")


@split_special.mistake("spaces at the ends of pieces are gone. Joined, the pieces must be the text.")
def stripped(text, special):
    return [piece.strip() for piece in tokenizer.split_special(text, special) if piece.strip()]


@split_special.mistake("this also cuts at spaces. Cut at special tokens only.")
def words(text, special):
    return [word for piece in tokenizer.split_special(text, special) for word in piece.split()]


@split_special.mistake("the special token sticks to the piece before it. It is a piece of its own.")
def stuck_together(text, special):
    pieces = []
    for piece in tokenizer.split_special(text, special):
        if piece in special and pieces:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


@split_special.mistake("only the first of the special tokens is cut out.")
def first_token_only(text, special):
    return tokenizer.split_special(text, special[:1])


@split_special.mistake("only the last of the special tokens is cut out: go on with the pieces, not with the text.")
def last_token_only(text, special):
    return tokenizer.split_special(text, special[-1:])


@split_special.mistake("each token is cut out only once. It may stand there several times.")
def once_each(text, special):
    for token in special:
        if token in text:
            before, after = text.split(token, 1)
            return [*once_each(before, special), token, *([after] if after else [])]
    return [text] if text else []


@split_special.mistake("only the special tokens are left: keep the text between them.")
def tokens_only(text, special):
    return [piece for piece in tokenizer.split_special(text, special) if piece in special]

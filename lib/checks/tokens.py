"""The checks of notebook 08: counting pairs, merging them, learning merges, encoding, decoding, words, special tokens.

The questions stand in `tokens_questions`.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch

from lib import tokenizer
from lib.checks.core import Exercise, edit
from lib.checks.running import Problem
from lib.checks.tokens_questions import (
    best_prompt,
    larger_table,
    line_pieces,
    newer_pieces,
    sixth_merge,
    utf8_bytes,
)

__all__ = [
    "best_prompt",
    "bpe_decode",
    "bpe_encode",
    "larger_table",
    "learn_merges",
    "line_pieces",
    "merge_pair",
    "newer_pieces",
    "pair_counts",
    "pre_tokenise",
    "sixth_merge",
    "split_special",
    "utf8_bytes",
]

SECONDS = 6  # for endless loops that the probes cannot see

pair_counts = Exercise(tokenizer.pair_counts)
merge_pair = Exercise(tokenizer.merge_pair, seconds=SECONDS)
learn_merges = Exercise(tokenizer.learn_merges, seconds=SECONDS)
bpe_decode = Exercise(tokenizer.bpe_decode)
bpe_encode = Exercise(tokenizer.bpe_encode, seconds=SECONDS)
pre_tokenise = Exercise(tokenizer.pre_tokenise, seconds=SECONDS)
split_special = Exercise(tokenizer.split_special, seconds=SECONDS)


def impatient(kind: type, patience: int, *methods: str) -> type:
    """A kind of list or dict that raises a Problem when it is asked too often: a loop that never ends.

    patience: how often it may be asked for each of its items
    """

    def counted(name: str) -> Callable:
        def method(self, *arguments):
            self.asked += 1
            if self.asked > patience * (1 + kind.__len__(self)):
                raise Problem("endless", "your loop does not end: it asks for the same things again and again.")
            return getattr(kind, name)(self, *arguments)

        return method

    copying = {"copy": lambda self: type(self)(self)} if hasattr(kind, "copy") else {}
    return type(kind.__name__, (kind,), {"asked": 0, **copying, **{name: counted(name) for name in methods}})


List = impatient(list, 100, "__len__", "__getitem__")
Tuple = impatient(tuple, 100, "__len__", "__getitem__")
Words = impatient(dict, 100, "items", "__iter__")
CountedWords = impatient(Counter, 100, "items", "__iter__")
Merges = impatient(dict, 5_000, "__contains__", "__getitem__", "get")


def tries(exercise: Exercise, table: dict[str, tuple | dict[str, tuple]], *kinds: Callable) -> None:
    """A probe for each label: its arguments, or those of several calls by name. kinds: to make the first ones of."""

    def call(answer, arguments):
        made = [kind(value) for kind, value in zip(kinds, arguments, strict=False)]
        return a_list(answer(*made, *arguments[len(made) :]))

    def probe(answer, rng, calls):
        return {name: call(answer, a) for name, a in calls.items()} if isinstance(calls, dict) else call(answer, calls)

    for label, calls in table.items():
        exercise.probe(label)(partial(probe, calls=calls))


def a_list(result: object) -> object:
    """The result, if it is no tuple: the notebook goes on with lists, and compares with them."""
    if isinstance(result, tuple):
        raise Problem("type", "the result is a tuple; a list is asked for: `list(...)`.")
    return result


def some(rng: torch.Generator, n: int, below: int = 256) -> list[int]:
    """Different random ids, from the smallest to the largest."""
    return sorted(torch.randperm(below, generator=rng)[:n].tolist())


def drawn(rng: torch.Generator, choices: list, n: int) -> list:
    return [choices[place] for place in torch.randint(len(choices), (n,), generator=rng)]


# ------------------------------------------------------------------------------------------------------- pair_counts

tries(
    pair_counts,
    {
        "{(1, 2, 3, 4): 1}": ({(1, 2, 3, 4): 1},),
        "{(1, 2): 5, (2, 1): 3}": ({(1, 2): 5, (2, 1): 3},),
        "{(1, 2): 5, (300, 1, 2): 1}, where a pair stands in two words": ({(1, 2): 5, (300, 1, 2): 1},),
        "{(1, 2, 1, 2, 4): 3}, where a pair stands twice in a word": ({(1, 2, 1, 2, 4): 3},),
        "{(0, 0, 0): 2}, where two pairs overlap": ({(0, 0, 0): 2},),
        "a word of one id, an empty one, and no words at all": {
            "the count of {(5,): 4, (): 2}": ({(5,): 4, (): 2},),
            "the count of {}": ({},),
        },
        "the same words with other frequencies": {
            "the count of {(1, 2): 5, (2, 3): 1}": ({(1, 2): 5, (2, 3): 1},),
            "then the count of {(1, 2): 1, (2, 3): 5}": ({(1, 2): 1, (2, 3): 5},),
        },
    },
)


@pair_counts.probe("a word of 300 ids up to 60,000, and a second word")
def _(answer, rng):
    word = drawn(rng, some(rng, 9, 60_000), 300)
    return answer({tuple(word): 7, (50_255, 50_256, 50_257, *word[:5]): 1000})


pairs = partial(edit, "pairwise(word)")
BY_HAND = """pairwise(word):
            last = None if pair == last else pair
            if last is None:
                continue"""

# fmt: off
pair_counts.mistakes(
    without_overlap=("pairs may overlap: (7, 7, 7) has the pair (7, 7) twice.",
        edit("        for pair in pairwise(word):", f"        last = None\n        for pair in {BY_HAND}")),
    side_by_side=("pairs may overlap: go on by one id, not by two.", pairs("zip(word[::2], word[1::2])")),
    once_a_word=("a word that occurs 3 times brings each of its pairs 3 times: use its count.", edit("+ times", "+ 1")),
    once_in_a_word=("a pair counts once for each place where it stands.", pairs("set(pairwise(word))")),
    overwritten=("a pair keeps the last count only: add to it.", edit("counts.get(pair, 0) + times", "times")),
    first_word_only=("only the first word is counted: count all of them (a `return` in the loop ends it).",
        edit("    return counts", "        return counts"), edit("words.items()", "list(words.items())[:1]")),
    the_last_alone=("the last slice is one id, and no pair.", pairs("[word[i : i + 2] for i in range(len(word))]")),
    at_the_first_place=(
        "an id's neighbour at its first place counts each time (`word.index` finds only that): go through the places.",
        pairs("[(i, word[word.index(i) + 1]) for i in word[:-1]]"),
    ),
    stops_early=("the last pair is missing: a word of 3 ids has 2 pairs.", pairs("list(pairwise(word))[:-1]")),
    starts_late=("the first pair of each word is missing.", pairs("list(pairwise(word))[1:]")),
    a_ring=("the last and the first are no pair.", pairs("[(word[i - 1], word[i]) for i in range(len(word))]")),
    sorted_pairs=("the order matters: (1, 2) and (2, 1) are different pairs.",
        pairs("[tuple(sorted(pair)) for pair in pairwise(word)]"),
        pairs("[frozenset(pair) for pair in pairwise(word)]")),
    turned_around=("this is turned around: (left, right).", pairs("[pair[::-1] for pair in pairwise(word)]")),
    across_words=("the end of one word and the start of the next are no neighbours: count within words.",
        edit("in words.items()", "in [([i for w, n in words.items() for i in w * n], 1)]")),
    single_ids=("these are the ids themselves; pairs of neighbours are asked for.", pairs("word")),
    all_pairs=("only neighbours are pairs.", pairs("[(a, b) for i, a in enumerate(word) for b in word[i + 1 :]]")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- merge_pair

tries(
    merge_pair,
    {
        "the pair (1, 2) in 1, 2, 3, 1, 2, 9, 1, 2, 2": ([1, 2, 3, 1, 2, 9, 1, 2, 2], (1, 2), 300),
        "the pair (1, 2) in 2, 1, 0, 1, 2, 1, where 0 is an id like any other": ([2, 1, 0, 1, 2, 1], (1, 2), 300),
        "five times the id 0, the pair (0, 0)": ([0] * 5, (0, 0), 300),
        "ids in a tuple, (46, 42, 3, 46, 42), and the pair (46, 42)": ((46, 42, 3, 46, 42), (46, 42), 300),
        "ids in a tuple, in which the pair does not occur": ((5, 6, 9, 5), (6, 5), 300),
        "the pair (1, 2) and nothing else, and at the end of 3, 1, 2": {
            "1, 2 after the merge": ([1, 2], (1, 2), 300),
            "3, 1, 2 after the merge": ([3, 1, 2], (1, 2), 300),
        },
        "the pair (1, 2) in 11, 2, 1, 25, where it does not occur": ([11, 2, 1, 25], (1, 2), 300),
        "one id, and none": {
            "one id after the merge": ([97], (97, 97), 256),
            "no ids after the merge": ([], (97, 97), 256),
        },
    },
    lambda ids: Tuple(ids) if isinstance(ids, tuple) else List(ids),
)


@merge_pair.probe("300 ids up to 60,000")
def _(answer, rng):
    left, right = (int(i) for i in ["50256", "50257"])  # subtle: `is` must not find the same objects in the ids
    ids = [50256, 50257, *drawn(rng, [*some(rng, 2, 50_000), 50256, 50257], 300), 50256, 50257, 7]
    return a_list(answer(List(ids), (left, right), 60_000))


fits = partial(edit, "tuple(ids[i : i + 2]) == pair")
START = "    merged, i = [], 0\n"
TEXT = "' '.join(map(str, ids)).replace(f'{pair[0]} {pair[1]}', str(new))"

# fmt: off
merge_pair.mistakes(
    always_the_last=("the last id is there once more: a pair at the end has used it up.",
        edit("len(ids):", "len(ids) - 1:", "return merged", "return merged + list(ids[-1:])")),
    goes_on_by_one=("the second id of the pair is still there: go on two places after it.", edit("i += 2", "i += 1")),
    overlapping=(
        "an id belongs to one merge only: in 7, 7, 7 the pair (7, 7) is merged once, and a 7 is left.",
        edit(
            "i += 2",
            "i += 1",
            "else:",
            "elif i and tuple(ids[i - 1 : i + 1]) == pair:\n            i += 1\n        else:",
        ),
    ),
    zeros_lost=("0 is an id like any other: a 0 that is in no pair is lost.",
        edit("return merged", "return [i for i in merged if i]"),
        edit(START, "    ids, merged, i = list(ids), [], 0\n", "i += 2", "i += 1\n            ids[i] = 0",
             "return merged", "return [i for i in merged if i]")),
    first_only=("only the first pair is merged. Go on to the end.", edit("i += 2", "return [*merged, *ids[i + 2 :]]")),
    stops_there=("what follows the first pair is lost: go on to the end.", edit("i += 2", "break")),
    loses_the_last=("the last id is lost where it is not part of a pair.", edit("len(ids):", "len(ids) - 1:")),
    as_text=("parts of other numbers are taken for the pair: 11, 2 is not 1, 2. Compare ids, not text.",
        edit(START, f"    return [int(number) for number in {TEXT}.split()]\n{START}")),
    three_at_least=("two ids can be a pair.", edit(START, f"    if len(ids) <= 2:\n        return list(ids)\n{START}")),
    from_the_right=("this merges from the right. From the left, 7, 7, 7 becomes new, 7.",
        edit(START, f"    ids, pair = ids[::-1], pair[::-1]\n{START}", "return merged", "return merged[::-1]")),
    either_order=("the order matters: (1, 2) is not (2, 1).", fits("sorted(ids[i : i + 2]) == sorted(pair)")),
    two_for_two=("both ids become new: one new id takes the place of two.", edit("append(new)", "extend([new, new])")),
    single_ids_too=("single ids are replaced too. Both must stand there.", fits("ids[i] in pair", "i += 2", "i += 1")),
    left_id_only=("only the left id is compared. The right one must follow it.", fits("ids[i] == pair[0]")),
    taken_out=("nothing is put in the place of the pair: append `new`.", edit("            merged.append(new)\n", "")),
    never_equal=("pairs are not found. A list is never equal to a tuple: compare `tuple(ids[i : i + 2])`.",
        fits("list(ids[i : i + 2]) == pair"), fits("ids[i : i + 2] == pair"), fits("ids[i : i + 2] == list(pair)")),
    even_places=("this looks at places 0 and 1, 2 and 3, ...; a pair may start anywhere.",
        edit("            i += 1", "            merged += ids[i + 1 : i + 2]\n            i += 2")),
    the_same_object=(
        "pairs of large ids are not found. `is` holds for small numbers, and only by chance: compare with ==.",
        fits("i + 1 < len(ids) and ids[i] is pair[0] and ids[i + 1] is pair[1]"),
    ),
    no_neighbour=("the last id has no neighbour: `ids[i + 1]` is an error there, and `ids[i : i + 2]` is shorter.",
        fits("(ids[i], ids[i + 1]) == pair"), fits("ids[i] == pair[0] and ids[i + 1] == pair[1]")),
    stands_still=("where no pair is, the loop stands still: i += 1.", edit("(ids[i])\n            i += 1", "(ids[i])")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ learn_merges

EQUALS = {(8, 9): 4, (30, 5): 4, (8, 7): 4, (9, 1): 4}
EQUALS_LATER = {(50, 51, 52): 5, (60, 61): 5, (50, 51): 1}


@learn_merges.probe("{(5, 6): 8, (9, 5, 6): 4, (1, 2): 6, (3, 4, 3, 4, 3, 4): 1, (8, 7): 1} with other ids, 3 merges")
def _(answer, rng):
    one, two, three, four, five, six, seven, eight, nine = some(rng, 9)
    others = {(one, two): 6, (three, four) * 3: 1, (eight, seven): 1}
    merges = answer(Words({(five, six): 8, (nine, five, six): 4, **others}), 3)
    return {"the dictionary": merges, "the order of the pairs": list(merges)} if isinstance(merges, dict) else merges


tries(
    learn_merges,
    {
        f"{EQUALS}, 3 merges of pairs that are equally frequent": (EQUALS, 3),
        f"{EQUALS_LATER}, 3 merges: (60, 61) and (256, 52) are equally frequent": (EQUALS_LATER, 3),
        "'aaabdaaabac', 3 merges": ({tuple(b"aaabdaaabac"): 1}, 3),
        "{(1, 2, 3): 1}, 5 merges, of which there are two": ({(1, 2, 3): 1}, 5),
        "no merge at all, no words at all, and words of one id": {
            "the dictionary for {(1, 2, 3): 1} for n = 0": ({(1, 2, 3): 1}, 0),
            "the dictionary for {}": ({}, 3),
            "the dictionary for {(7,): 5, (8,): 2}": ({(7,): 5, (8,): 2}, 3),
        },
    },
    Words,
)


@learn_merges.probe("a Counter of 14 words, 30 merges; (15, 9) is not (5, 9)")
def _(answer, rng):
    words = [tuple(drawn(rng, [5, 9, 15, 19, 25, 29], 3 + i % 7)) for i in range(12)]
    return answer(CountedWords({**CountedWords(words), (5, 9): 40, (15, 9): 3}), 30)


@learn_merges.probe("(1, 2, 3) and (2, 3, 4) 5 times and once, then once and 5 times")
def _(answer, rng):
    return [answer(Words({(1, 2, 3, 3): n, (2, 3, 4, 4): 6 - n}), 3) for n in (5, 1)]


FIRST = "    merges = {}\n"
COUNTING = "    while len(merges) < n and (counts := pair_counts(words)):\n"
MERGING = "        words = {tuple(merge_pair(word, best, new)): times for word, times in words.items()}\n"
BEST = "min(counts, key=lambda pair: (-counts[pair], pair))"
ENDLESSLY = "    while len(merges) < n:\n        counts = pair_counts(words)\n"
IN_STEPS = "    for step in range(n):\n        counts = pair_counts(words)\n        if not counts:\n            break\n"
AT_ONCE = "{pair: 256 + i for i, pair in enumerate(sorted(counts, key=lambda pair: (-counts[pair], pair))[:n])}"
best, key = partial(edit, BEST), partial(edit, "(-counts[pair], pair)")
NAMES = "    names = {byte: bytes([byte]) for byte in range(256)}\n"

# fmt: off
learn_merges.mistakes(
    first_met=("of equally frequent pairs take the smaller, not the first.", best("max(counts, key=counts.get)")),
    larger_tuple=(
        "of equally frequent pairs the larger tuple wins here; take the smaller one: min with (-count, pair).",
        best("max(counts, key=lambda pair: (counts[pair], pair))"),
    ),
    last_met=("of equally frequent pairs take the smaller, not the last.",
        best("max(reversed(counts), key=counts.get)")),
    left_id_only=("of equally frequent pairs only the left ids are compared; (8, 7) is below (8, 9).",
        key("(-counts[pair], pair[0])")),
    as_text=(
        "of equally frequent pairs the one whose text comes first wins here; compare the ids, where 60 is below 256.",
        key("(-counts[pair], str(pair))"),
        key(
            *("(-counts[pair], [names[i] for i in pair])", FIRST, FIRST + NAMES),
            *(MERGING, f"        names[new] = names[best[0]] + names[best[1]]\n{MERGING}"),
        ),
    ),
    rarest=("this merges the rarest pair; take the most frequent one.", edit("-counts[pair]", "counts[pair]")),
    counted_once=("after a merge the pairs must be counted anew, in the merged words: new ids make new pairs.",
        edit(FIRST, f"    counts = pair_counts(words)\n    return {AT_ONCE}\n{FIRST}")),
    smallest=("this takes the smallest pair, however often it occurs: the count comes first.", best("min(counts)")),
    words_count_once=("the counts of the words are lost: keep them.",
        edit(FIRST, f"    words = dict.fromkeys(words, 1)\n{FIRST}")),
    counts_lost_later=("the counts are lost in the first merge: keep them.", edit(": times for word", ": 1 for word")),
    first_place_of_a_word=(
        "only the first place of a word is merged: the pair may stand there several times.",
        edit(
            "tuple(merge_pair(word, best, new))",
            "(*word[: (i := [*pairwise(word)].index(best))], new, *word[i + 2 :]) if best in pairwise(word) else word",
        ),
    ),
    only_merged_words=("words without the pair are lost: they stay as they are, and their pairs come next.",
        edit("words.items()}", "words.items() if best in pairwise(word)}")),
    twice_at_least=("this stops when a pair occurs only once; go on until no pair is left.",
        edit("        merges[best] =", "        if counts[best] < 2:\n            break\n        merges[best] =")),
    n_is_the_vocabulary=("n is the number of merges, not of all ids: take nothing off.", edit("< n", "< n - 256")),
    from_257=("the first new id is 256.", edit("256 + len", "257 + len"), edit("256 + len", "255 + len")),
    from_0=("the first new id is 256: ids below that are bytes already.",
        edit("return merges", "return {pair: i for i, pair in enumerate(merges)}"),
        edit("256 + len(merges)", "len(merges)")),
    other_way_round=("{pair: new id} is asked for, not {new id: pair}.",
        edit("return merges", "return {new: pair for pair, new in merges.items()}")),
    in_another_order=("the merges are sorted by their pairs; they belong in the order in which they were made.",
        edit("return merges", "return dict(sorted(merges.items()))")),
    one_more=("one merge too many is learnt.", edit("< n", "<= n"), edit("< n", "< max(n, 1)")),
    one_less=("one merge is missing.", edit("< n", "< n - 1")),
    never_stops=("when every word is one id, no pair is left to take the best of: stop there.",
        edit(COUNTING, ENDLESSLY),
        edit(COUNTING, ENDLESSLY, BEST, "sorted(counts, key=lambda pair: (-counts[pair], pair))[0]")),
    words_as_they_were=(
        "count in the merged words: in those you were given, the same pair stays the most frequent for ever.",
        edit(MERGING, ""),
        edit(COUNTING, IN_STEPS, "256 + len(merges)", "256 + step", MERGING, ""),
    ),
    lists_as_keys=("a list cannot be the key of a dictionary: make a tuple of the merged word.",
        edit("tuple(merge_pair(word, best, new))", "merge_pair(word, best, new)")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- bpe_decode

THE = {(116, 104): 256, (256, 101): 257, (32, 257): 258}  # th, the, ␣the


@bpe_decode.probe("the bytes of a word, no merges")
def _(answer, rng):
    return answer(drawn(rng, list(b"acort"), 7), {})


tries(
    bpe_decode,
    {
        "256, which is 'th'": ([256, 101], THE),
        "258 is ' the', made in three merges, he the first: 258, 257": (
            [258, 257],
            {(104, 101): 256, (116, 256): 257, (32, 257): 258},
        ),
        "a space and half of è in 256, and the other half: 99, 256, 168": ([99, 256, 168], {(32, 195): 256}),
        "half a face, an x and 255, which is part of no character: 240, 159, 152, 120, 255": (
            [240, 159, 152, 120, 255],
            {},
        ),
        "half a face at the end, after the byte 0: 0, 240, 159, 152": ([0, 240, 159, 152], {}),
        "a text that begins with U+FEFF, one with the two code points of é, and one with a line end": {
            "the text of 239, 187, 191, 97": ([239, 187, 191, 97], {}),
            "the text of 101, 204, 129": ([101, 204, 129], {}),
            "the text of 97, 13, 10, 239, 172, 129": ([97, 13, 10, 239, 172, 129], {}),
        },
        "no ids": {"the text of no ids": ([], THE), "the text of no ids, without merges,": ([], {})},
    },
)


@bpe_decode.probe("300 merges, each of the one before and a letter")
def _(answer, rng):
    pairs = zip([97, *range(256, 555)], drawn(rng, list(b" aeinst"), 300), strict=True)
    return answer([555, 97, 300, 256], {pair: 256 + i for i, pair in enumerate(pairs)})


WHOLE = 'b"".join(tokens[i] for i in ids).decode("utf-8", errors="replace")'
DECODED = '.decode("utf-8", errors="replace")'
STREAM = '__import__("codecs").getincrementaldecoder("utf-8")("replace")'
decoded = partial(edit, WHOLE)


def in_form(form: str):
    """An edit: the text is normalised at the end."""
    return decoded(f'__import__("unicodedata").normalize("{form}", {WHOLE})')


# fmt: off
bpe_decode.mistakes(
    ignored=('broken bytes disappear. Show them: errors="replace".', edit('errors="replace"', 'errors="ignore"')),
    strictly=('bytes may be no character; errors="replace" makes them �.', edit(', errors="replace"', "")),
    the_end_missing=("half a character at the end is �.",
        decoded(f'{STREAM}.decode(b"".join(tokens[i] for i in ids))')),
    one_level=("a merge can be made of merges: unpack until only bytes are left.",
        decoded(f"bytes(j for i in ids for j in {{new: pair for pair, new in merges.items()}}.get(i, (i,))){DECODED}"),
        edit("tokens[left] + tokens[right]", "bytes([left, right])")),
    one_by_one=("each token is turned into text by itself, and half a character is none. Join all bytes first.",
        decoded(f'"".join(tokens[i]{DECODED} for i in ids)'),
        decoded('"".join(tokens[i].decode("utf-8") for i in ids)'),
        decoded('"".join(tokens[i].decode("utf-8", errors="ignore") for i in ids)')),
    a_byte_a_character=(
        "each byte is read as a character of its own (`chr` or latin-1). Join the bytes and decode UTF-8.",
        edit('"utf-8", errors="replace"', '"latin-1"'),
    ),
    signature_lost=('U+FEFF at the beginning is a character of the text: "utf-8" keeps it, "utf-8-sig" does not.',
        edit('"utf-8"', '"utf-8-sig"')),
    normalised=("an e and the accent behind it are two code points: leave the text as it is, without `normalize`.",
        in_form("NFC"), in_form("NFKC")),
    line_ends=("\\r\\n is two characters: leave the text as it is.",
        edit(DECODED, f"{DECODED}.replace('\\r\\n', '\\n')")),
    still_bytes=("these are bytes; text is asked for: `.decode(...)`.", edit(DECODED, "")),
    right_before_left=("the parts of a merge are joined the wrong way round: left, then right.",
        edit("tokens[left] + tokens[right]", "tokens[right] + tokens[left]")),
    bytes_only=("ids from 256 on are left out: they are merges.", edit("for i in ids)", "for i in ids if i < 256)")),
    bytes_of_all=("ids from 256 on are no bytes: look up which parts were merged.", decoded(f"bytes(ids){DECODED}")),
    not_in_the_table=("ids from 256 on are missing in your table: add each merge.", edit("in merges.items()", "in ()")),
    with_spaces=("tokens are joined with a space. They bring their own: join with nothing.", edit('b"".', 'b" ".')),
    stripped=("spaces at the ends are gone: they belong to the text.", edit(DECODED, f"{DECODED}.strip()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- bpe_encode

OTHER = {(116, 104): 256, (101, 114): 257, (256, 257): 258}  # th, er, ther
ABC = {(98, 99): 256, (97, 98): 257, (97, 256): 258}  # bc, ab, abc
AB_FIRST = {(97, 98): 256, (98, 99): 257}
STORY = b"the others\nate the cake,\nate the rest,\nate all there is; then they donate the other cake, and rest there."
LEARNT = tokenizer.learn_merges(Counter(map(tuple, STORY.replace(b" ", b"| ").split(b"|"))), 40)

tries(
    bpe_encode,
    {
        "'others', the merges th, er, ther": (list(b"others"), OTHER),
        "'abcd' with bc older than ab, 'abc' with ab older than bc, 'cba' likewise, and 'abcbc'": {
            "'abcd', bc older than ab,": (list(b"abcd"), ABC),
            "'abc', ab older than bc,": (list(b"abc"), AB_FIRST),
            "'cba', cb older than ba,": (list(b"cba"), {(99, 98): 256, (98, 97): 257}),
            "'abcbc', ab older than bc,": (list(b"abcbc"), AB_FIRST),
        },
        "'abc', the merges bc and ab": (list(b"abc"), {(98, 99): 256, (97, 98): 257}),
        "'abcd', the merges ab, abc, cd in this order": (
            list(b"abcd"),
            {(97, 98): 256, (256, 99): 257, (99, 100): 258},
        ),
        "'aaaaa', the merge aa": (list(b"aaaaa"), {(97, 97): 256}),
        "the bytes b'cat', b'a' and b'' themselves, not in a list, and nothing to merge": {
            "the list for the bytes b'cat'": (b"cat", ABC),
            "the list for the bytes b'a'": (b"a", ABC),
            "the list for no bytes, b''": (b"", ABC),
        },
        "no ids, one id, no merges, and 'abc', which becomes one id": {
            "the list for b''": ([], ABC),
            "the list for b'a'": ([97], ABC),
            "the list for b'ab' without merges": ([97, 98], {}),
            "the list for b'abc'": (list(b"abc"), ABC),
        },
        "'abcd' with the merges ab, bc, bcd, abcd: a token that is spelt so, and that merging does not reach": (
            list(b"abcd"),
            {(97, 98): 256, (98, 99): 257, (257, 100): 258, (97, 258): 259},
        ),
    },
    lambda ids: ids,
    Merges,
)


@bpe_encode.probe("bytes and a tuple, and no merges: a list comes back")
def _(answer, rng):
    return {"of bytes": a_list(answer(b"cat", {})), "of a tuple": a_list(answer((99, 97), {}))}


@bpe_encode.probe("the bytes of 60 words, and 40 merges that were learnt")
def _(answer, rng):
    return a_list(answer(b" ".join([STORY, *drawn(rng, STORY.split(), 40)]), Merges(LEARNT)))


def longest_token(ids, merges):
    spelt, ids, found = {i: (i,) for i in range(256)}, tuple(ids), []
    for (left, right), new in merges.items():
        spelt[new] = spelt[left] + spelt[right]
    tokens = {spelling: i for i, spelling in spelt.items()}
    while ids:
        size = next(n for n in range(len(ids), 0, -1) if ids[:n] in tokens)
        found, ids = [*found, tokens[ids[:size]]], ids[size:]
    return found


def one_walk(ids, merges):
    merged = []
    for i in ids:
        merged.append(i)
        if tuple(merged[-2:]) in merges:
            merged[-2:] = [merges[tuple(merged[-2:])]]
    return merged


def one_walk_in_twos(ids, merges):
    merged, i = [], 0
    while i < len(ids):
        pair = tuple(ids[i : i + 2])
        merged.append(merges.get(pair, ids[i]))
        i += 2 if pair in merges else 1
    return merged


def one_place_only(ids, merges):
    ids = list(ids)
    for pair, new in merges.items():
        if pair in pairwise(ids):
            place = [*pairwise(ids)].index(pair)
            ids[place : place + 2] = [new]
    return ids


PAIRS = "pairs := [pair for pair in pairwise(ids) if pair in merges]"
MERGED = "        oldest = min(pairs, key=merges.get)\n        ids = merge_pair(ids, oldest, merges[oldest])\n"
EACH = (
    "        for pair in sorted(set(pairs), key=merges.get):\n            ids = merge_pair(ids, pair, merges[pair])\n"
)
OF_ALL = (
    "min(pairwise(ids), key=lambda pair: merges.get(pair, 9**9))\n        if oldest not in merges:\n            break"
)
oldest = partial(edit, "min(pairs, key=merges.get)")

# fmt: off
bpe_encode.mistakes(
    three_at_least=("two ids can be a pair: go on until one is left.", edit(PAIRS, f"len(ids) > 2 and ({PAIRS})")),
    longest_first=("this takes the longest token that fits. Merge instead, the oldest merge first.", longest_token),
    without_the_last_pair=("the pair at the end is missing.", edit("pairwise(ids)", "list(pairwise(ids))[:-1]")),
    in_rounds=("look anew after each merge: it may have made an older pair than your next.", edit(MERGED, EACH)),
    leftmost=("this merges the leftmost pair first; the oldest is asked for.", oldest("pairs[0]")),
    newest=("this merges the newest merge first; the oldest is asked for.", oldest("max(pairs, key=merges.get)")),
    most_frequent=("this takes the most frequent pair; the oldest is asked for.",
        oldest("max(pairs, key=pairs.count)")),
    smallest_tuple=("this merges the smallest tuple first; the smallest new id is asked for.", oldest("min(pairs)")),
    only_once=("one pair is merged, then it stops: go on until none can be merged.", edit("while pairs", "if pairs")),
    walks_once=("one walk is not enough: merges make new pairs, and older ones go first.", one_walk, one_walk_in_twos),
    one_place_each=("a merge happens at every place where its pair stands, not only at the first.", one_place_only),
    never_stops=("when no pair can be merged, there is no oldest one either: stop there.",
        edit(f"while {PAIRS}:", f"while True:\n        {PAIRS.replace(':=', '=')}"),
        oldest(OF_ALL, f"while {PAIRS}:", "while True:")),
    unmerged=("nothing is merged: these are still the bytes.", edit(f"while {PAIRS}", "while 0")),
    not_kept=("the merged ids are not kept: `ids = ...`.", edit("        ids = merge_pair", "        merge_pair")),
    ranks=("these are the pairs' places in the list of merges; the new ids are the values of `merges`.",
        edit("return ids", "return [i - 256 if i > 255 else i for i in ids]")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ pre_tokenise

tries(
    pre_tokenise,
    {
        r"a line, She's 12,  he ate it!\n": ("She's 12,  he ate it!\n",),
        "the seven endings: 'I'd I'll I'm we've they're can't she's'": ("I'd I'll I'm we've they're can't she's",),
        "apostrophes that begin none of the seven: 'DON'T rock 'n' roll 's dogs' 've'": (
            "DON'T IT'S rock 'n' roll, so 's dogs' o'clock x''ve rock'n'roll",
        ),
        "letters, numbers and signs side by side: 'x2 2nd 3.14 (a+b)=c; a_1 __init__'": (
            "x2 2nd 3.14 (a+b)=c; a_1 __init__ 1234567 e-mail!? ...",
        ),
        "runs of blanks: 'a   b  2  !  '": ("  a   b  2  !  c ",),
        r"ends of lines and tabs: 'a\n\n  b\t\tc\n d \n'": ("a\n\n  b\t\tc\n d \ne\t2\n!\r\n\n",),
        "letters of other scripts: 'caffè Ärger Ωmega Жук 木漏れ日 二日'": ("caffè Ärger Ωmega Жук木漏れ日 è 二日",),
        "numbers of other kinds: '½ x² ٣٤ Ⅷ'": ("½ x² ٣٤ Ⅷ 3½",),
        "quotation marks, a dash and a face": ("“No” – he said… 😀😀 «ja»",),
        "an accent as a code point of its own, after its letter": ("cafe\u0301s हिन्दी",),
        r"a text that begins with U+FEFF, with a \0 in it": ("\ufeffThe end\0 of it",),
        "a word, a blank, three blanks, and no text": {
            "the pieces of 'word'": ("word",),
            "the pieces of ' '": (" ",),
            "the pieces of three blanks": ("   ",),
            "the pieces of an empty text": ("",),
        },
    },
)


@pre_tokenise.probe("a text of 300 parts: words, numbers, signs and spaces in any order")
def _(answer, rng):
    parts = ["the", "'s", "'LL", "12", " ", "  ", "\n", "!", "è", " a", "½", "_", "\t", "'re", "x"]
    return a_list(answer("".join(drawn(rng, parts, 300))))


JOINED = "regex.findall("
in_letters, in_numbers = partial(edit, r" ?\p{L}+"), partial(edit, r" ?\p{N}+")
NO_SPACES = (", signs, spaces]", ", signs]")
NO_BLANKS = (r" ?\p{L}+", r"\p{L}+", r" ?\p{N}+", r"\p{N}+", " ?[^", "[^")
BLANK_BEHIND = (r" ?\p{L}+", r"\p{L}+ ?", r" ?\p{N}+", r"\p{N}+ ?", r" ?[^\s\p{L}\p{N}]+", r"[^\s\p{L}\p{N}]+ ?")

# fmt: off
pre_tokenise.mistakes(
    at_spaces=("the spaces are gone: joined, the pieces must be the text again.",
        edit('regex.findall("|".join([contraction, letters, numbers, signs, spaces]), text)', "text.split()"),
        edit(*NO_SPACES, *NO_BLANKS)),
    no_blanks=("a blank before letters, numbers or signs belongs to their piece: ` ?` in front.", edit(*NO_BLANKS)),
    words_without_blank=("the blank before a word belongs to the word: ` ?` in front of the letters.",
        in_letters(r"\p{L}+")),
    numbers_without_blank=("a blank before a number belongs to it: ` ?` in front of the numbers, too.",
        in_numbers(r"\p{N}+")),
    signs_without_blank=("a blank before other signs belongs to them: ` ?` in front of them, too.",
        edit(" ?[^", "[^")),
    blank_behind=("the blank goes with the piece *after* it.", edit(*BLANK_BEHIND)),
    all_blanks=("one blank goes with a word, not all of them: ` ?`, not ` *`.", edit(" ?", " *")),
    any_space=("only a blank goes with the piece after it; an end of line or a tab does not: ` ?`, not `\\s?`.",
        edit(" ?", r"\s?")),
    runs_are_lost=("runs of spaces are lost: the last part of the pattern takes them.", edit(*NO_SPACES)),
    whole_runs=("a run of spaces leaves its last blank for the word behind it: `\\s+(?!\\S)` comes before `\\s+`.",
        edit(r"\s+(?!\S)|", "")),
    space_by_space=("a run of spaces is one piece, without the blank that it leaves: `\\s+(?!\\S)`, not `\\s(?!\\S)`.",
        edit(r"\s+(?!\S)", r"\s(?!\S)")),
    looks_ahead_only=("a single end of line before a word is lost: `\\s+` must follow as the last part.",
        edit(r'(?!\S)|\s+"', r'(?!\S)"')),
    contractions_cut=("'s, 't, 'll ... are cut in two. They are pieces; their part must come first in the pattern.",
        edit("[contraction, letters", "[letters"),
        edit("[contraction, letters, numbers, signs, spaces]", "[letters, numbers, signs, contraction, spaces]")),
    any_ending=("only seven endings after an apostrophe are pieces: 'n is not among them.",
        edit("(?:s|t|re|ve|m|ll|d)", r"\p{L}+"), edit("(?:s|t|re|ve|m|ll|d)", "[a-z]+"),
        edit("(?:s|t|re|ve|m|ll|d)", "(?:s|t|re|ve|m|ll|d|n)")),
    one_letter_endings=("'re, 've and 'll are contractions too.",
        edit("(?:s|t|re|ve|m|ll|d)", "[stmd]"), edit("(?:s|t|re|ve|m|ll|d)", "(?:s|t|m|d)")),
    whole_endings=("'s is a piece whatever follows it: 'twas is 't and was.",
        edit("|d)", r"|d)\b"), edit("|d)", r"|d)(?!\p{L})"), edit("|d)", r"|d)(?!\w)")),
    known_signs=("“, …, – and faces are signs too: whatever is no space, letter or number.",
        edit(r"[^\s\p{L}\p{N}]", r"[!-/:-@\[-`{-~]")),
    capital_endings=("the seven endings are in small letters: in DON'T the apostrophe is a sign.",
        edit("(?:s", "(?i:s")),
    blank_before_endings=("a blank before an apostrophe belongs to a sign, not to a contraction: no ` ?` there.",
        edit("r\"'(?:", "r\" ?'(?:")),
    captured=("round brackets are remembered, and findall gives only what stands in them: write (?:...).",
        edit("(?:s|t|re|ve|m|ll|d)", "(s|t|re|ve|m|ll|d)"), edit("'(?:s|t|re|ve|m|ll|d)", "('s|'t|'re|'ve|'m|'ll|'d)")),
    english_letters=("è, Ж and 木 are letters too: `\\p{L}`, not [a-zA-Z].",
        edit(r" ?\p{L}+", " ?[a-zA-Z]+", r"[^\s\p{L}", r"[^\sa-zA-Z"),
        edit(r" ?\p{L}+", " ?[a-zA-Z]+")),
    ten_digits=("½, ² and Ⅷ are numbers too: `\\p{N}`, not [0-9] or `\\d`.",
        edit(r" ?\p{N}+", " ?[0-9]+", r"\p{L}\p{N}]", r"\p{L}0-9]"),
        edit(r" ?\p{N}+", r" ?\d+", r"\p{L}\p{N}]", r"\p{L}\d]")),
    word_signs=("`\\w` takes letters, numbers and _ together; these are three kinds.",
        in_letters(r" ?\w+"), edit(r" ?\p{L}+", r" ?\w+", r"[^\s\p{L}\p{N}]", r"[^\s\w]"),
        edit(r" ?\p{L}+", r" ?\w+", r"[^\s\p{L}\p{N}]", r"[^\s\w]", "letters, numbers, signs,", "letters, signs,")),
    letters_with_numbers=("x2 is two pieces: letters and numbers are kept apart.", in_letters(r" ?[\p{L}\p{N}]+")),
    with_apostrophes=("an apostrophe is no letter.", in_letters(r" ?[\p{L}']+")),
    three_digits=("a number is one piece, however long; at most three digits is what cl100k does.",
        in_numbers(r" ?\p{N}{1,3}")),
    single_digits=("digits side by side are one piece: `+`.", in_numbers(r" ?\p{N}")),
    single_signs=("signs side by side are one piece: `+`.", edit(r"\p{N}]+", r"\p{N}]")),
    numbers_with_signs=("numbers and other signs are two kinds: 3.14 is three pieces.",
        edit(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}]", "letters, numbers, signs,", "letters, signs,"),
        edit(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}]")),
    signs_with_spaces=("a space is no sign: `\\s` belongs into the brackets after ^.", edit(r"[^\s", "[^")),
    marks_as_letters=("an accent that is a code point of its own is no letter for GPT-2: `\\p{L}` alone.",
        edit(r" ?\p{L}+", r" ?[\p{L}\p{M}]+", r"[^\s\p{L}", r"[^\s\p{L}\p{M}")),
    stripped_pieces=("the spaces at the ends of pieces are gone: they belong to the text.",
        edit(JOINED, "[piece.strip() for piece in regex.findall(", "spaces]), text)", "spaces]), text)]")),
    stripped_text=("the spaces at the ends of the text are gone: they belong to it.",
        edit("spaces]), text)", "spaces]), text.strip())")),
    signature_lost=("U+FEFF at the beginning is a sign of the text like any other.",
        edit("spaces]), text)", 'spaces]), text.removeprefix(chr(0xFEFF)))')),
    one_empty_piece=("an empty text has no pieces: [].",
        edit("spaces]), text)", "spaces]), text) or [text]")),
    small_letters=("the pieces are in small letters: they must be the text as it is.",
        edit("spaces]), text)", "spaces]), text.lower())")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------- split_special

SPECIAL = ["<EOS>", "<SOS>", "<PAD>"]
MARKS = ["\t", "\0", "\n", "|", "\x01", "\x1f", "\ue000", "\uffff", "§", "###", "@@", "<SEP>", "[SEP]", "<SPLIT>"]

tries(
    split_special,
    {
        "'The end.<EOS>', the token <EOS>": ("The end.<EOS>", ["<EOS>"]),
        r"'<SOS>a b <EOS><EOS>\n<PAD>', with several": ("<SOS>a b <EOS><EOS>\n<PAD>", SPECIAL),
        "'one | two<|endoftext|>', the token <|endoftext|>": ("one | two<|endoftext|>", ["<|endoftext|>"]),
        "'a [MASK] (b) $^ c.d cxd', the tokens [MASK], (b), $^ and c.d": (
            "a [MASK] (b) $^ c.d cxd",
            ["[MASK]", "(b)", "$^", "c.d"],
        ),
        "'The <eos> end, EOS.<EOS', in which <EOS> does not occur": ("The <eos> end, EOS.<EOS", SPECIAL),
        "'===> on', the token ==>": ("===> on", ["==>"]),
        r"a text with signs that one might mark places with: \t, \0, |, § and others": (
            "".join(f"{mark}{i}" for i, mark in enumerate(MARKS)) + "<EOS>\r\n",
            SPECIAL,
        ),
        "a text with the two code points of é, and one that begins with U+FEFF": {
            "the pieces of the one": ("e\u0301<EOS>e\u0301", SPECIAL),
            "the pieces of the other": ("\ufeffa<EOS>", SPECIAL),
        },
        "an empty list of special tokens": ("The end. ", []),
        "an empty text, with special tokens and without": {
            "the list of pieces of '', with special tokens,": ("", SPECIAL),
            "the list of pieces of '', without special tokens,": ("", []),
        },
    },
)


@split_special.probe("a text of 300 pieces, most of them special tokens")
def _(answer, rng):
    return a_list(answer("".join(drawn(rng, [*SPECIAL, "<EOS>", " a ", "è😀"], 300)) + "<EOS><SOS><PAD>", SPECIAL))


GUARD = "    if not special:\n        return [text] if text else []\n"
PIECES = '[piece for piece in re.split(f"({either})", text) if piece]'
pattern, called = partial(edit, 'f"({either})"'), partial(edit, "text) if")


def marked(mark: str, put: str = "mark + token + mark", piece: str = "piece") -> Callable:
    """An edit: the places are marked with a sign, and the text is split there."""
    loop = f"mark = {mark!r}\n    for token in special:\n        text = text.replace(token, {put})\n    "
    return edit(GUARD, "", f"return {PIECES}", f"{loop}return [{piece} for piece in text.split(mark) if {piece}]")


def token_after_token(text, special):
    pieces = []
    for token in special:
        while token in text:
            before, text = text.split(token, 1)
            pieces += [before, token]
    return [piece for piece in [*pieces, text] if piece]


def once_each(text, special):
    for token in special:
        if token in text:
            before, after = text.split(token, 1)
            return [*once_each(before, special), token, *([after] if after else [])]
    return [text] if text else []


# fmt: off
split_special.mistakes(
    letter_by_letter=("without special tokens the text stays whole; an empty pattern would fit everywhere.",
        edit(GUARD, "")),
    without_brackets=("the special tokens are gone: they are pieces too (`re.split` keeps what stands in brackets).",
        pattern("either"), marked("\0", "mark")),
    without_escape=("in a pattern |, [, ( and . have meanings of their own: use `re.escape(token)`.",
        edit("re.escape(token)", "token"), edit("re.escape(token)", 'token.replace("|", chr(92) + "|")')),
    an_empty_piece=("an empty text has no pieces: [], not [''].",
        edit("[text] if text else []", "[text]"),
        edit(GUARD, "    if not special or not text:\n        return [text]\n")),
    empty_pieces=("there are empty pieces, before, after or between special tokens: leave them out.",
        edit(" if piece]", "]"), edit(" if piece]", "]", "[text] if text else []", "[text]")),
    blanks_dropped=("a blank piece is gone: leave out empty ones only.", edit("if piece]", "if piece.strip()]")),
    any_case=("small letters make another text: <eos> is not <EOS>.", called("text, flags=re.IGNORECASE) if")),
    flags_for_a_number=(
        "only some places are cut: the third argument of `re.split` is how many at most; write `flags=`.",
        called("text, re.IGNORECASE) if"),
        called("text, re.DOTALL) if"),
    ),
    pointed_brackets=("the special tokens are those in `special`, whatever they look like; <...> is only an example.",
        pattern('"(<[^>]*>)"'), pattern('"(<[^>]*>)"', GUARD, "")),
    escaped_together=(
        "`re.escape` comes too late: it makes the | between the tokens plain too. Escape each, then join.",
        edit('"|".join(re.escape(token) for token in special)', 're.escape("|".join(special))'),
    ),
    neighbours_joined=("special tokens side by side are several pieces, one each.", pattern('f"((?:{either})+)"')),
    in_the_order_of_the_list=("the text before a found token is not searched for the others.", token_after_token),
    marked_by_a_sign=("the sign you mark the places with may stand in the text as well.", *map(marked, MARKS)),
    stripped=("spaces at the ends of pieces are gone. Joined, the pieces must be the text.",
        edit("[piece for", "[piece.strip() for", "if piece]", "if piece.strip()]"),
        edit("[piece for", "[piece.strip() for", "if piece]", "if piece.strip()]", "[text]", "[text.strip()]"),
        marked("\0", piece="piece.strip()")),
    normalised=("an e and the accent behind it are two code points: leave the text as it is, without `normalize`.",
        called('__import__("unicodedata").normalize("NFC", text)) if')),
    words=("this also cuts at spaces. Cut at special tokens only.",
        edit("[piece for", "[word for", "if piece]", "for word in piece.split()]"),
        edit("[piece for", "[word for", "if piece]", "for word in piece.split()]", "[text]", "text.split()")),
    stuck_together=("the token sticks to what is before.",
        edit(PIECES, 're.findall(f"(?s).*?(?:{either})|.+", text)'), marked("\0", "token + mark")),
    first_token_only=("only the first of the special tokens is cut out.", edit("in special)", "in special[:1])")),
    last_token_only=("only the last of the special tokens is cut out: go on with the pieces.",
        edit("in special)", "in special[-1:])")),
    cut_once=("each token is cut out only once. It may stand there often.", once_each, called("text, maxsplit=1) if")),
    tokens_only=("only the special tokens are left: keep the text too.", edit(PIECES, "re.findall(either, text)")),
)
# fmt: on

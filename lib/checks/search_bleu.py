"""Checks of notebook 10: BLEU, and the counts that it is made of."""

import math
import random
from functools import partial

from lib import scoring
from lib.checks.core import Exercise, edit
from lib.checks.probing import raises
from lib.checks.running import Problem

clipped_matches = Exercise(scoring.clipped_matches, returns=("the hits", "the tries"))
bleu = Exercise(scoring.bleu)


def corpus(rng, sentences=6, shortest=4, longest=11, skip=0.1):
    """Right sentences of few words, so that some come twice, and written ones with errors."""
    dice = random.Random(rng.initial_seed())
    right = [[dice.choice("abcd") for _ in range(dice.randint(shortest, longest))] for _ in range(sentences)]
    written = [
        [token if dice.random() < 0.8 else "e" for token in sentence if dice.random() >= skip] for sentence in right
    ]
    return written, right


# -------------------------------------------------------------------------------------------------- clipped_matches


JOINTS = ["", " ", "  ", ",", ", ", "\n", "\t", "\0", "|", "_", "-", "/", "+", "▁", "Ġ", "</w>", "<EOS>"]


def joined_alike(rng):
    """Tokens that hold what one might join a run with: in each pair two different runs have the same text."""
    return [[f"a{sign}b", "c"] for sign in JOINTS], [["a", f"b{sign}c"] for sign in JOINTS], 2


def nearly_alike(rng):
    """Tokens that somebody may take for the same: capitals, blanks, and an accent as a code point of its own."""
    return [["ate", "The", *[" cat"] * 2, *["é"] * 4]], [["ate", "the", *["cat"] * 2, *["e\u0301"] * 4]], 1


def with_short_ones(rng):
    written, right = corpus(rng)
    return [*written, ["a", "b"], []], [*right, ["a", "b"], ["a"]], 3


def long_ones(rng):
    ids = [50_000 + int(i) for i in ["255", "256", "257"]]
    written, right = corpus(rng, 1, 150, 150)
    return [*written, ids * 40], [*right, [*ids * 40, 7]], 5


for label, drawn in {
    "'the the the cat' against 'the mat cat the', n = 1": lambda rng: (
        [["the", "the", "the", "cat"]],
        [["the", "mat", "cat", "the"]],
        1,
    ),
    "'a b a b a' against 'a b c a b b c', n = 2": lambda rng: ([list("ababa")], [list("abcabbc")], 2),
    "two sentences that share their words crosswise, n = 1": lambda rng: (
        [list("ab"), list("cde")],
        [list("cd"), list("abe")],
        1,
    ),
    "random tokens, n = 3, two sentences too short": with_short_ones,
    "'dog bites man bites' against 'man bites dog', n = 2": lambda rng: (
        [["dog", "bites", "man", "bites"]],
        [["man", "bites", "dog"]],
        2,
    ),
    "ids 1, 23, 5, 6 against 12, 3, 51, 23, 5, n = 2": lambda rng: ([[1, 23, 5, 6]], [[12, 3, 51, 23, 5]], 2),
    "runs such as (a b, c) and (a, b c), with a blank, a comma or another sign, n = 2": joined_alike,
    "'The', ' cat' and 'é' against 'the', 'cat' and an é of two code points, n = 1": nearly_alike,
    "nothing that is 4 tokens long, n = 4": lambda rng: ([["a", "b"], []], [["a", "b"], ["c"]], 4),
    "two long sentences, one of ids up to 50,257, n = 5": long_ones,
}.items():
    clipped_matches.probe(label)(lambda answer, rng, drawn=drawn: answer(*drawn(rng)))

HITS, TRIES = "(found & ngrams(theirs, n)).total()", "found.total()"
LONG_RUNS = "Counter(tuple({0}[i : i + n]) for i in range(max(1, len({0}) - n + 1)))"
BAGS = "    mine, theirs = (sum((ngrams(s, n) for s in side), Counter()) for side in (written, right))\n"
hits = partial(edit, HITS)


def counted(run: str):
    """An edit: something else is counted than the runs."""
    changed = "Counter({1} for run in ngrams({0}, n).elements())"
    mine, theirs = (changed.format(side, run) for side in ("mine", "theirs"))
    return edit("ngrams(mine, n)", mine, "ngrams(theirs, n)", theirs)


def each_token(change: str):
    """An edit: every token that is a string is changed first."""
    changed = "ngrams([" + change + " if isinstance(t, str) else t for t in {0}], n)"
    return edit("ngrams(mine, n)", changed.format("mine"), "ngrams(theirs, n)", changed.format("theirs"))


# fmt: off
clipped_matches.mistakes(
    without_order=("the order in a run does not count: 'man bites' is not 'bites man'; compare tuples.",
        counted("tuple(sorted(run, key=repr))")),
    as_text=("runs are compared as text, where 1, 23 looks like 12, 3: compare tuples of tokens.",
        counted("''.join(map(str, run))"),
        hits("sum(min(c, ' '.join(map(str, theirs)).count(' '.join(map(str, run)))) for run, c in found.items())")),
    joined_with_a_sign=(
        "runs are joined to one text, with a sign that a token may hold, too: compare tuples of tokens.",
        counted("' '.join(map(str, run))"), counted("'|'.join(map(str, run))"),
    ),
    small_letters=("The and the are two tokens: compare tokens as they are, without `lower()`.",
        each_token("t.lower()")),
    blanks_dropped=("' cat' and 'cat' are two tokens: compare tokens as they are, without `strip()`.",
        each_token("t.strip()")),
    normalised=("an accent may be a code point of its own, and then it is another token: compare tokens as they are.",
        each_token("__import__('unicodedata').normalize('NFC', t)")),
    cut_off=("what is longer than the right sentence is cut off: every run that was written is a try.",
        edit("found = ngrams(mine, n)", "found = ngrams(mine[: len(theirs)], n)")),
    short_ones_too=("a sentence shorter than n has no run: neither a hit nor a try.",
        edit("ngrams(mine, n)", LONG_RUNS.format("mine"), "ngrams(theirs, n)", LONG_RUNS.format("theirs"))),
    unclipped=("a run counts as often as it was written; count it at most as often as the right sentence has it.",
        hits("sum(count for run, count in found.items() if run in ngrams(theirs, n))")),
    kinds=("every run counts once: count how often, the smaller of the two counts.",
        hits("len(found & ngrams(theirs, n))", TRIES, "len(found)")),
    kinds_of_hits=("hits count each run once: the smaller of the two counts.", hits("len(found & ngrams(theirs, n))")),
    recall=("tries count the right sentence's runs: count what was written. (That would be recall.)",
        edit(TRIES, "ngrams(theirs, n).total()")),
    different_tries=("tries count different runs: each as often as it was written.", edit(TRIES, "len(found)")),
    words_for_tries=("tries are the words, not the runs: 5 words have 4 pairs.", edit(TRIES, "len(mine)")),
    together=("all sentences are thrown together: compare each with its own reference.",
        edit("    hits = tries", f"{BAGS}    return (mine & theirs).total(), mine.total()\n    hits = tries"),
        edit("zip(written, right, strict=True)", "[[[t for s in side for t in s] for side in (written, right)]]")),
    words_only=("n is not used: count runs of n tokens.", edit("(mine, n)", "(mine, 1)", "(theirs, n)", "(theirs, 1)")),
    share=("a share comes back: return the two counts, they are summed over the corpus first.",
        edit("return hits, tries", "return hits / tries"),
        edit("return hits, tries", "return hits / tries if tries else 0.0")),
    last_only=("only the last sentence counts: add up over all of them.",
        edit("hits +=", "hits =", "tries +=", "tries =")),
    first_only=("only the first sentence counts: add up over all of them.", edit("    return", "        return")),
    larger=("the larger of the two counts is taken (`|`): take the smaller, `&`.", edit("found & ", "found | ")),
    by_place=("words are compared place by place: a run is right wherever it stands in the sentence.",
        hits("sum(mine[i : i + n] == theirs[i : i + n] for i in range(min(len(mine), len(theirs)) - n + 1))")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------------- bleu


def to_nine_digits(answer, written, right):
    """The answer's score. Almost right is not what other people's BLEU gives: a Problem with more digits."""
    found, expected = answer(written, right), scoring.bleu(written, right)
    try:
        number = float(found)
    except (TypeError, ValueError, RuntimeError):  # no number: said elsewhere
        return found
    if 0 < abs(number - expected) < 0.01 and not math.isclose(number, expected, rel_tol=1e-9, abs_tol=1e-9):
        raise Problem(
            "precision",
            f"BLEU is {number:.12g}, expected {expected:.12g}, to nine digits. Is something rounded, added so that "
            "nothing is 0, or computed in float32?",
        )
    return found


def one_too_long(rng):
    written, right = corpus(rng, skip=0.0)
    return [[*right[0][:5], *"xyz"], *written], [right[0], *right]


def some_too_short(rng):
    written, right = corpus(rng, 12, 8, 14, skip=0.15)
    return [right[0][:-2], *written], [right[0], *right]


for label, drawn in {
    "what was written is the right sentence, and goes on": lambda rng: ([list("abcdefgxy")], [list("abcdefg")]),
    "'the cat sat on a mat' against 'the cat sat on the mat today'": lambda rng: (
        [["the", "cat", "sat", "on", "a", "mat"]],
        [["the", "cat", "sat", "on", "the", "mat", "today"]],
    ),
    "six sentences, four tokens and more": one_too_long,
    "twelve sentences, some words left out": some_too_short,
    "one sentence too long by 4, the other too short by 2": lambda rng: (
        [list("abcdefgwxyz"), list("klmno")],
        [list("abcdefg"), list("klmnopq")],
    ),
    "ids instead of strings": lambda rng: ([[5, 16, 7, 8, 9, 2]], [[5, 16, 7, 8, 1]]),
    "'The cat ate it all' against 'the cat ate it all'": lambda rng: (
        [["The", "cat", "ate", "it", "all"]],
        [["the", "cat", "ate", "it", "all"]],
    ),
    "tokens such as 'a b', 'c' against 'a', 'b c', with a blank, a comma or another sign": lambda rng: (
        [*([f"a{sign}b", *"cdef"] for sign in JOINTS), list("wxyz")],
        [*(["a", f"b{sign}c", *"def"] for sign in JOINTS), list("wxyz")],
    ),
    "' the', ' cat', ' ate', ' it' against 'the', 'cat', 'ate', 'it', and four that are right": lambda rng: (
        [[" the", " cat", " ate", " it"], list("wxyz")],
        [["the", "cat", "ate", "it"], list("wxyz")],
    ),
    "no run of four is right": lambda rng: ([list("abcxdefx")], [list("abcydefy")]),
    "nothing is four tokens long": lambda rng: ([["a", "b"], []], [["a", "b"], ["c"]]),
    "nothing was written": lambda rng: ([[], []], [list("abcde"), ["c"]]),
}.items():
    bleu.probe(label)(lambda answer, rng, drawn=drawn: to_nine_digits(answer, *drawn(rng)))


@bleu.probe("two sentences against one, and one against two: a ValueError is asked for")
def _(answer, rng):
    one, two = [list("abcde")], [list("abcde"), list("fghij")]
    return {
        "what happens with two against one": raises(ValueError, answer, two, one),
        "what happens with one against two": raises(ValueError, answer, one, two),
    }


PRECISION = "math.prod(hits / tries for hits, tries in counts) ** (1 / LONGEST)"
PRICE, GUARD = "math.exp(1 - wanted / length)", "    if any(hits == 0 for hits, _ in counts):\n        return 0.0\n"
BY_SENTENCE = "sum(min(1.0, math.exp(1 - len(b) / max(1, len(a)))) for a, b in zip(written, right)) / len(right)"
precision, first, orders = (
    partial(edit, PRECISION),
    partial(edit, "    counts ="),
    partial(edit, "range(1, LONGEST + 1)"),
)

# fmt: off
bleu.mistakes(
    nothing_written=("nothing was written at all: BLEU is 0 there; ask before you divide by the length.",
        edit(GUARD, "", "hits / tries", "hits / max(1, tries)")),
    arithmetic_mean=("the arithmetic mean is taken: multiply the four and take the fourth root.",
        precision("sum(hits / tries for hits, tries in counts) / LONGEST")),
    no_root=("the four are multiplied without taking the fourth root.", edit(" ** (1 / LONGEST)", "")),
    a_share=("this is a share: BLEU goes from 0 to 100.", edit("100 * precision", "precision")),
    no_price=("being short costs nothing: multiply by e^(1 - wanted/length) where it is shorter.",
        edit(" * brevity", ""), edit(f"    brevity = min(1.0, {PRICE})\n", "", " * brevity", "")),
    no_limit=("being long is rewarded: the factor for the length is at most 1.", edit(f"min(1.0, {PRICE})", PRICE)),
    turned_around=("the price is turned around: e^(1 - wanted/length), where length counts what was written.",
        edit("wanted / length", "length / wanted")),
    linear=("the price is length/wanted here: e^(1 - wanted/length).", edit(PRICE, "length / wanted")),
    words_only=("only single words are scored: use runs of 1, 2, 3 and 4.", orders("(1,)", " ** (1 / LONGEST)", "")),
    fours_only=("only runs of four are scored: use 1, 2, 3 and 4.", orders("(LONGEST,)", " ** (1 / LONGEST)", "")),
    up_to_three=("only runs of 1, 2 and 3 are scored: range(1, LONGEST + 1).",
        orders("range(1, LONGEST)"), orders("range(1, LONGEST)", "(1 / LONGEST)", "(1 / 3)"),
        edit("in counts) **", "in counts[:3]) **"), edit("in counts) ** (1 / LONGEST)", "in counts[:3]) ** (1 / 3)")),
    logarithm=("the logarithm of the precision is taken for it: exp() is missing.",
        precision("sum(math.log(hits / tries) for hits, tries in counts) / LONGEST")),
    mean_of_sentences=(
        "the scores of the sentences are averaged: sum hits and tries over the corpus, then divide.",
        first(
            "    if len(right) > 1:\n        return sum(bleu([a], [b]) for a, b in zip(written, right)) / len(right)\n"
            "    counts ="
        ),
    ),
    long_ones_cut=("a sentence that is too long makes up for a short one: compare the lengths of the whole corpus.",
        edit("sum(map(len, written))", "sum(min(len(a), len(b)) for a, b in zip(written, right))")),
    price_by_sentence=("each sentence pays for being short by itself: compare the lengths of the whole corpus.",
        edit(f"min(1.0, {PRICE})", BY_SENTENCE)),
    exchanged_sides=("written and right are exchanged: precision asks what was written.",
        first("    written, right = right, written\n    counts ="),
        edit("clipped_matches(written, right, n)", "clipped_matches(right, written, n)")),
    no_guard=("sentences that do not pair up are to be refused: leave `same_number(written, right)` in its place.",
        edit("same_number(written, right)", "written, right = map(list, zip(*zip(written, right)))")),
    small_letters=("The and the are two tokens: compare tokens as they are, without `lower()`.",
        first("    written, right = ([[t.lower() if isinstance(t, str) else t for t in s] for s in side]"
              " for side in (written, right))\n    counts =")),
    joined_with_a_sign=("tokens are joined to one text and cut again: a token may hold a blank, too.",
        first("    written, right = ([' '.join(map(str, s)).split(' ') for s in side]"
              " for side in (written, right))\n    counts =")),
    no_tries=("nothing is four tokens long: there is no hit, and BLEU is 0; ask before you divide.", edit(GUARD, "")),
)
# fmt: on

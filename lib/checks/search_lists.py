"""Checks of notebook 10: beam search for one sentence, with lists."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from lib.batching import EOS, SOS
from lib.checks.core import Exercise, edit
from lib.checks.probing import normal
from lib.checks.running import Problem
from lib.decoding import search

search_sentence = Exercise(search.search_sentence, returns=("the ids", "the value"))


def tastes(rng: torch.Generator, vocab: int = 6, to_end: float = 0.0, limit: int = 20, spread: float = 0.0):
    """Log-probabilities that depend on every word before; <PAD> and <SOS> are never said.

    to_end: how much likelier <EOS> is than usual    limit: a Problem for a beginning that is much longer
    spread: how far the words differ whatever was before, so that of many words no two are equally likely
    """
    wishes = 3 * normal(vocab, rng=rng) + torch.arange(vocab) / 200  # far ids are wanted, too

    def log_probs_after(ids) -> Tensor:
        if EOS in ids:
            raise Problem("goes on after the end", f"{list(ids)} goes on after its <EOS>, {EOS}: it is complete.")
        if len(ids) > limit + 200:
            raise Problem("endless", f"a beginning of {len(ids)} words goes on, though {limit} are the limit.")
        mood = sum(int(word) * math.sin(1.7 * place) for place, word in enumerate([SOS, *ids], 2))
        logits = 1.2 * torch.sin(mood * torch.arange(1, vocab + 1) + wishes) + spread * wishes
        logits[:EOS] = -1e4
        logits[EOS] += to_end - 0.3  # sentences end after 1 to 8 words
        return logits.log_softmax(dim=-1)

    return log_probs_after


def table(ids) -> Tensor:
    """A garden path: A with 0.6 or B with 0.4; then u or v, after A with 0.55 and 0.45, after B with 0.9 and 0.1."""
    chances = 1e-6 * torch.arange(1, EOS + 4)  # no two alike
    if len(ids) < 2:
        chances[EOS + 1] = 0.6 if not len(ids) else 0.55 if int(ids[0]) == EOS + 1 else 0.9
        chances[EOS + 2] = 1 - chances[EOS + 1]
    else:
        chances[EOS] = 1.0
    return chances.log()


def late(ids) -> Tensor:
    """The likeliest first word is <EOS>, with 0.5; 4, with 0.2, goes on without a rival, 3, with 0.3, does not."""
    first, second = {EOS: 0.5, 3: 0.3, 4: 0.2}, {3: {3: 0.4, 4: 0.35, 5: 0.25}, 4: {5: 1.0}}
    words = list(map(int, ids))
    told = first if not words else second[words[0]] if len(words) == 1 and words[0] in second else {EOS: 1.0}
    return torch.tensor([told.get(word, 1e-6 * (1 + word)) for word in range(6)]).log()


def crowded(ids) -> Tensor:
    """For 4 beams: three of four end in the second step, and the best sentence is then the last of those that go on."""
    second = {3: {EOS: 0.5, 7: 0.4}, 4: {EOS: 0.49, 7: 0.35}, 5: {EOS: 0.48, 7: 0.3}, 6: {7: 0.9}}
    words, spread = list(map(int, ids)), {word: 0.2 - word / 1000 for word in range(3, 8)}
    told = {3: 0.26, 4: 0.25, 5: 0.245, 6: 0.24} if not words else second.get(words[0], {})
    told = told if len(words) < 2 else {EOS: 1.0} if words[0] == 5 else spread
    return torch.tensor([told.get(word, 1e-6 * (1 + word)) for word in range(8)]).log()


def late_star(vocab: int) -> Callable:
    """The last word is the least likely to begin with, half as likely as others; after it the sentence ends."""

    def log_probs_after(ids):
        chances = torch.full((vocab,), 1 / vocab)
        if not ids:
            chances += torch.arange(vocab) / 1e6  # no two alike
            chances[: EOS + 1], chances[-1] = 1e-6, 0.5 / vocab
        elif ids[0] == vocab - 1:
            chances[:], chances[EOS] = 1e-5, 1.0
        return chances.log()

    return log_probs_after


@search_sentence.probe("the third-best first word begins the best sentence; one sentence ends at once; 2 beams")
def _(answer, rng):
    return answer(late, 6, 2, 1.0)


@search_sentence.probe(
    "three of four beginnings end in one step, the last to go on is the best; `beams` and `alpha` left out"
)
def _(answer, rng):
    return answer(crowded, 5)


@search_sentence.probe("a table like that of the text, limit 5, with 1 beam and with 2")
def _(answer, rng):
    return {f"with {beams}": answer(table, 5, beams, 0.0) for beams in (1, 2)}


for label, sentences, settings, *others in (
    ("8 sentences, 5 beams, limit 13", 8, {}, 13, 5, 1.0),
    ("8 sentences, 2 beams, limit 9, alpha 0.6", 8, {}, 9, 2, 0.6),
    ("9 sentences, `beams` and `alpha` left out: 4 and 1.0", 9, {}, 7),
    ("a model that never ends, limit 300", 1, {"to_end": -40.0, "limit": 300}, 300, 2, 1.0),
    ("limit 1, 9 beams, alpha 3: more beams than words", 3, {}, 1, 9, 3.0),
    ("a vocabulary of 600, 2 beams, limit 6", 1, {"vocab": 600, "spread": 0.5}, 6, 2, 1.0),
):

    @search_sentence.probe(label)
    def _(answer, rng, sentences=sentences, settings=settings, others=others):
        return {f"sentence {i}": answer(tastes(rng, **settings), *others) for i in range(sentences)}


def twins(ids) -> Tensor:
    """Two first words are exactly as likely; either goes on alone, one of them to an end that is likelier."""
    after = {(): {3: 0.25, 4: 0.25, 5: 0.125}, (3,): {5: 0.5, EOS: 0.0625}, (4,): {5: 0.25, EOS: 0.125}}
    told = after.get(tuple(map(int, ids)), {EOS: 0.5, 3: 0.001})
    return torch.tensor([told.get(word, 1e-6 * (1 + word)) for word in range(6)]).log()


@search_sentence.probe("the least likely of 40 words begins the best sentence, 40 beams, limit 3")
def _(answer, rng):
    return answer(late_star(43), 3, 40, 1.0)


@search_sentence.probe("two first words exactly as likely, and both go on, 2 beams")
def _(answer, rng):
    swapped = [0, 1, 2, 4, 3, 5]  # the same with 3 and 4 exchanged
    other = lambda ids: twins([swapped[int(word)] for word in ids])[swapped]  # noqa: E731
    return {"one way round": answer(twins, 5, 2, 1.0), "the other": answer(other, 5, 2, 1.0)}


CONTINUED = "found += [([*ids, word], score + log_prob) for word, log_prob in enumerate(log_probs)]"
ON = "[one for one in found if one[0][-1] != EOS][:beams]"
BACK = "return ids, score / len(ids) ** alpha"
after, going, back = partial(edit, "log_probs_after(ids)"), partial(edit, ON), partial(edit, BACK)

# fmt: off
search_sentence.mistakes(
    words_only=("a candidate's score is its last word's alone: add the score of its beginning.",
        edit("score + log_prob)", "log_prob)")),
    probabilities=("probabilities are added: log-probabilities are.", after("log_probs_after(ids).exp()")),
    multiplied=("logarithms are multiplied: add them.",
        edit("[([], 0.0)]", "[([], 1.0)]", "score + log_prob)", "score * log_prob)")),
    hands_sos=("`log_probs_after` gets the ids with <SOS> in front: it wants them without.",
        after("log_probs_after([SOS, *ids])")),
    last_word=("`log_probs_after` gets the last word alone: it wants all ids so far.",
        after("log_probs_after(ids[-1:])")),
    one_list=("all candidates share one list: make a new one for each, [*ids, word].",
        edit("([*ids, word], score", "(ids.append(word) or ids, score")),
    worst=("the unlikeliest candidates are kept: sort with reverse=True.", edit(", reverse=True", "")),
    unsorted=("the candidates are not sorted: best first, all together.",
        edit("        found.sort(key=lambda one: one[1], reverse=True)\n", "")),
    first_only=("only the best beginning is continued; continue all of them.", edit("in going:", "in going[:1]:")),
    best_word=("every beginning goes on with its likeliest word only: all words are candidates.",
        edit(CONTINUED, "found.append(([*ids, log_probs.index(max(log_probs))], score + max(log_probs)))")),
    fewer=("the beams become fewer when one is complete: the best `beams` of those that do not end go on.",
        going("[one for one in best if one[0][-1] != EOS]")),
    ended_go_on=("what ends with <EOS> goes on; it is complete, leave it as it is.", going("found[:beams]")),
    all_go_on=("every candidate goes on: the best `beams` of them.",
        going("[one for one in found if one[0][-1] != EOS][: 3 * beams]")),
    whatever_ends=("everything that ends is taken for complete; only what is among the best `beams` candidates is.",
        edit("for one in best if", "for one in found if")),
    first_complete=("the first complete one comes back: wait for `beams` of them, and compare score / length ** alpha.",
        edit("if len(complete) >= beams:", "if complete:"),
        edit("max(complete, key=lambda one: one[1] / len(one[0]) ** alpha)", "complete[0]")),
    never_enough=("yours goes on up to the limit; the search ends as soon as `beams` are complete.",
        edit("        if len(complete) >= beams:\n            break\n", "")),
    limit_forgotten=("what is `limit` long is complete, too, also without <EOS>.", edit(" or length == limit", "")),
    one_short=("the last word is never written: `limit` words are allowed.",
        edit("range(1, limit + 1)", "range(1, limit)", "length == limit", "length == limit - 1")),
    by_the_sum=("here the largest sum wins; compare score / length ** alpha.",
        edit("one[1] / len(one[0]) ** alpha", "one[1]")),
    by_the_mean=("the mean decides, whatever alpha is: divide by length ** alpha.", edit(" ** alpha", "")),
    times_alpha=("the length is multiplied by alpha: length ** alpha.", edit(" ** alpha", " * max(alpha, 1e-9)")),
    sum_back=("the sum comes back: return score / length ** alpha.", back("return ids, score")),
    eos_not_counted=("<EOS> is not counted in the length: it is a token like any other.",
        edit("len(one[0]) ** alpha", "max(1, len(one[0]) - (one[0][-1] == EOS)) ** alpha",
             "len(ids) ** alpha", "max(1, len(ids) - (ids[-1] == EOS)) ** alpha")),
    without_eos=("<EOS> is missing at the end of the ids.",
        back("return [word for word in ids if word != EOS], score / len(ids) ** alpha")),
    sos_in_front=("<SOS> stands in front of the ids: return what was written only.",
        back("return [SOS, *ids], score / len(ids) ** alpha")),
    ids_only=("only the ids come back: return the ids and the value.", back("return ids")),
)
# fmt: on

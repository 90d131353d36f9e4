"""The checks of notebook 12, third part: the ways to leave out the tail, by number, by mass, by height."""

import math

import torch

from lib.checks.core import Exercise
from lib.checks.probing import raises
from lib.decoding import sampling as course


def _random(rng, *shape, scale=2.0):
    return torch.randn(*shape, generator=rng) * scale


def _keep(logits, kept):
    return logits.masked_fill(~kept, -math.inf)


def refused(answer, values):
    """What happens with each of these values; the result of a probe."""
    return {f"the value {value}": raises(ValueError, answer, torch.tensor([2.0, 1.0, 0.0]), value) for value in values}


# ------------------------------------------------------------------------------------------------------------- top_k

top_k = Exercise(course.top_k)


@top_k.probe("the logits 1, 4, 2, 0, 3 and k = 2")
def _(answer, rng):
    return answer(torch.tensor([1.0, 4.0, 2.0, 0.0, 3.0]), 2)


@top_k.probe("rows in two leading dimensions, k = 4 of 11")
def _(answer, rng):
    return answer(_random(rng, 2, 3, 11), 4)


@top_k.probe("the second place shared, logits 3, 2, 2, 0, or the first, 3, 3, 2, 0; k = 2")
def _(answer, rng):
    return answer(torch.tensor([[3.0, 2.0, 2.0, 0.0], [3.0, 3.0, 2.0, 0.0]]), 2)


@top_k.probe("the first place shared: logits 2, 3, 3, 0 and k = 1")
def _(answer, rng):
    return answer(torch.tensor([2.0, 3.0, 3.0, 0.0]), 1)


@top_k.probe("k = 9, but a vocabulary of 5; one row")
def _(answer, rng):
    return answer(_random(rng, 1, 5), 9)


@top_k.probe("the values 0, -2 and 1.5 of k, for which a ValueError is asked, and 1")
def _(answer, rng):
    return refused(answer, [0, -2, 1.5, 1])


def _top_k_mistake(sentence, name, answer):
    answer.__name__ = name
    top_k.mistake(sentence)(answer)


def _kept_k(x, k):
    return x >= x.topk(min(k, x.shape[-1]), dim=-1).values[..., -1:]


def _first_of_its_kind(x):
    return (x[..., :, None] == x[..., None, :]).tril(-1).sum(-1) == 0


_top_k_mistake("twins were counted as one: keep k tokens, not k values.", "different_values",
               lambda x, k: _keep(x, ((x[..., None, :] > x[..., :, None]) & _first_of_its_kind(x)[..., None, :]).sum(-1)
                                  < k))  # fmt: skip
_top_k_mistake("0 is a logit like any other (e⁰ = 1). What goes out needs -inf, which the softmax turns into 0.",
               "zeros", lambda x, k: x * _kept_k(x, k))  # fmt: skip
_top_k_mistake("k may be larger than the vocabulary; then everything stays: min(k, vocab).", "k_too_large",
               lambda x, k: _keep(x, x >= x.topk(k, dim=-1).values[..., -1:]))  # fmt: skip
_top_k_mistake("these are the k logits alone. Keep the vocabulary's length and order; the others become -inf.",
               "only_the_values", lambda x, k: x.topk(k, dim=-1).values)  # fmt: skip
_top_k_mistake("these are places; the logits are asked for, with -inf where a token goes out.", "only_the_places",
               lambda x, k: x.topk(k, dim=-1).indices)  # fmt: skip
_top_k_mistake("the smallest are kept; the largest should be.", "smallest",
               lambda x, k: _keep(x, _kept_k(-x, k)))  # fmt: skip
_top_k_mistake("kept and left out have changed places.", "inverted", lambda x, k: _keep(x, ~_kept_k(x, k)))
_top_k_mistake("one token too many is kept.", "one_more", lambda x, k: _keep(x, _kept_k(x, k + 1)))
_top_k_mistake("one token too few is kept: what equals the k-th largest stays (compare with <, not <=).", "one_less",
               lambda x, k: _keep(x, x > x.topk(min(k, x.shape[-1]), dim=-1).values[..., -1:]))  # fmt: skip
_top_k_mistake("what equals the k-th largest is as likely and stays too: compare with the k-th value.", "ties_cut",
               lambda x, k: torch.full_like(x, -math.inf).scatter(-1, (t := x.topk(min(k, x.shape[-1]), -1)).indices,
                                                                  t.values))  # fmt: skip
_top_k_mistake("squeeze() takes away leading dimensions of size 1, too. The shape of the logits is asked for.",
               "squeezed", lambda x, k: _keep(x, _kept_k(x, k)).squeeze())  # fmt: skip
_top_k_mistake("the k largest of all rows together are kept. Each row has its own.", "of_all_rows",
               lambda x, k: _keep(x, x >= x.flatten().topk(min(k, x.numel())).values[-1]))  # fmt: skip
_top_k_mistake("these are probabilities; logits are asked for.", "probabilities",
               lambda x, k: _keep(x, _kept_k(x, k)).softmax(-1))  # fmt: skip
_top_k_mistake("these are log-probabilities; leave the logits that stay as they are.", "log_probabilities",
               lambda x, k: _keep(x, _kept_k(x, k)).log_softmax(-1))  # fmt: skip
_top_k_mistake("the k-th value lost its axis, so rows are compared with each other's: [..., -1:].", "axis_lost",
               lambda x, k: _keep(x, x >= x.topk(min(k, x.shape[-1]), dim=-1).values[..., -1]))  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- top_p

top_p = Exercise(course.top_p)


@top_p.probe("the probabilities 0.12, 0.1, 0.35, 0.25, 0.18 and p = 0.7")
def _(answer, rng):
    return answer(torch.tensor([0.12, 0.1, 0.35, 0.25, 0.18]).log(), 0.7)


@top_p.probe("rows in two leading dimensions, p = 0.7")
def _(answer, rng):
    return answer(_random(rng, 2, 3, 11), 0.7)


@top_p.probe("the token that crosses p has a twin: probabilities 0.4, 0.2, 0.2, 0.19, 0.01 and p = 0.5")
def _(answer, rng):
    return answer(torch.tensor([0.4, 0.2, 0.2, 0.19, 0.01]).log(), 0.5)


@top_p.probe("one token is enough: the logits 200, 203, 199 and p = 0.7")
def _(answer, rng):
    return answer(torch.tensor([[200.0, 203.0, 199.0]]), 0.7)


@top_p.probe("p = 1: everything stays")
def _(answer, rng):
    return answer(torch.tensor([[0.0, 30.0, -20.0, 29.0], [-5.0, 0.0, 60.0, 3.0]]), 1)


@top_p.probe("values of p that make no sense: a ValueError is asked for")
def _(answer, rng):
    return refused(answer, [0, -0.5, 1.5, 90])


def _top_p_mistake(sentence, name, answer):
    answer.__name__ = name
    top_p.mistake(sentence)(answer)


def _kept_p(x, p, softmax=-1, above=True, descending=True, crossed=0.0):
    ordered, order = x.sort(dim=-1, descending=descending, stable=True)
    probabilities = x.softmax(softmax).gather(-1, order)
    sums = probabilities.cumsum(-1) - (probabilities if above else 0)
    kept = sums < p + crossed
    return torch.zeros_like(kept).scatter(-1, order, kept), kept, ordered


@top_p.mistake("e to the power of a large logit is infinite: softmax, which is safe.")
def overflow(logits, p):
    ordered = logits.sort(dim=-1, descending=True).values
    probabilities = ordered.exp() / ordered.exp().sum(dim=-1, keepdim=True)
    out = probabilities.cumsum(dim=-1) - probabilities >= p
    return _keep(logits, logits >= ordered.masked_fill(out, math.inf).amin(dim=-1, keepdim=True))


_top_p_mistake("what is as likely as the last token kept must stay too: compare with its logit.", "twin_cut",
               lambda x, p: x if p == 1 else _keep(x, _kept_p(x, p)[0]))  # fmt: skip
_top_p_mistake("the token that crosses p goes out; it is needed to reach p. Sum what stands above a token, without its "
               "own probability.", "crossing_dropped",
               lambda x, p: _keep(x, _kept_p(x, p, above=False)[0]))  # fmt: skip
_top_p_mistake("a token with a probability of at least p is rare. p is for the sum of those kept.", "height",
               lambda x, p: _keep(x, x.softmax(-1) >= p))  # fmt: skip
_top_p_mistake("this leaves out everything below 1 − p. p is for the sum of those kept.", "height_of_the_rest",
               lambda x, p: _keep(x, x.softmax(-1) >= 1 - p))  # fmt: skip
_top_p_mistake("the sum runs in the vocabulary's order; sort first, the likeliest in front.", "not_sorted",
               lambda x, p: _keep(x, x.softmax(-1).cumsum(-1) - x.softmax(-1) < p))  # fmt: skip
_top_p_mistake("the unlikely come first here: sort with descending=True.", "ascending",
               lambda x, p: _keep(x, _kept_p(x, p, descending=False)[0]))  # fmt: skip
_top_p_mistake("the result is in sorted order; each logit must stay in its own place.", "stays_sorted",
               lambda x, p: _keep(_kept_p(x, p)[2], _kept_p(x, p)[1]))  # fmt: skip
_top_p_mistake("what was decided in sorted order is used in the vocabulary's order.", "mask_not_sorted_back",
               lambda x, p: _keep(x, _kept_p(x, p)[1]))  # fmt: skip
_top_p_mistake("the softmax runs over the first axis; a distribution lies in the last.", "wrong_axis",
               lambda x, p: _keep(x, _kept_p(x, p, softmax=0)[0]))  # fmt: skip
_top_p_mistake("0 is a logit like any other. What goes out needs -inf.", "zeros",
               lambda x, p: x * _kept_p(x, p)[0])  # fmt: skip
_top_p_mistake("these are probabilities; logits are asked for.", "probabilities",
               lambda x, p: _keep(x, _kept_p(x, p)[0]).softmax(-1))  # fmt: skip
_top_p_mistake("these are probabilities; logits are asked for.", "plain_probabilities",
               lambda x, p: x.softmax(-1) * _kept_p(x, p)[0])  # fmt: skip
_top_p_mistake("two tokens are kept though one has p alone: then all others go.", "always_two",
               lambda x, p: x if p == 1 else _keep(x, x >= torch.minimum(
                   x.masked_fill(~_kept_p(x, p)[0], math.inf).amin(-1, keepdim=True),
                   x.topk(2, dim=-1).values[..., -1:])))  # fmt: skip
_top_p_mistake("kept and left out have changed places.", "inverted", lambda x, p: _keep(x, ~_kept_p(x, p)[0]))
_top_p_mistake("one token too many: the one that crosses p is the last.", "one_more",
               lambda x, p: _keep(x, (k := _kept_p(x, p)[0]) | (
                   x == x.masked_fill(k, -math.inf).amax(-1, keepdim=True))))  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- min_p

min_p = Exercise(course.min_p)


@min_p.probe("two rows of probabilities, 0.05, 0.5, 0.3, 0.15 and 0.28, 0.26, 0.233, 0.227 (logits: log + 3); p = 0.2")
def _(answer, rng):
    return answer(torch.tensor([[0.05, 0.5, 0.3, 0.15], [0.28, 0.26, 0.233, 0.227]]).log() + 3, 0.2)


@min_p.probe("rows in two leading dimensions, p = 0.1")
def _(answer, rng):
    return answer(_random(rng, 2, 3, 11), 0.1)


@min_p.probe("one row, the logits 1000, 999, 990, 95, and p = 0.1")
def _(answer, rng):
    return answer(torch.tensor([[1000.0, 999.0, 990.0, 95.0]]), 0.1)


@min_p.probe("p = 1: the likeliest stays, with its twin")
def _(answer, rng):
    return answer(torch.tensor([1.0, 3.0, 3.0, -2.0]), 1.0)


@min_p.probe("values of p that make no sense: a ValueError is asked for")
def _(answer, rng):
    return refused(answer, [0, -0.1, 1.2])


def _min_p_mistake(sentence, name, answer):
    answer.__name__ = name
    min_p.mistake(sentence)(answer)


_min_p_mistake("what equals the bar stays: with p = 1 the likeliest is left (compare with <, not <=).", "bar_excluded",
               lambda x, p: _keep(x, x > x.amax(-1, keepdim=True) + math.log(p)))  # fmt: skip
_min_p_mistake("this is top-p: a sum. Here each token is compared with the likeliest.", "top_p",
               lambda x, p: _keep(x, _kept_p(x, p)[0]))  # fmt: skip
_min_p_mistake("p is compared with the probabilities themselves. The bar is p times the largest of the row.",
               "absolute", lambda x, p: _keep(x, x.softmax(-1) >= p))  # fmt: skip
_min_p_mistake("p times the largest *logit* is no bar: shift all logits and it changes. Take probabilities, or "
               "largest + log p.", "of_the_logit",
               lambda x, p: _keep(x, x >= p * x.amax(-1, keepdim=True)))  # fmt: skip
_min_p_mistake("among logits, p times becomes plus log p.", "log_missing",
               lambda x, p: _keep(x, x >= x.amax(-1, keepdim=True) - p))  # fmt: skip
_min_p_mistake("log p is below 0 already: largest + log p.", "minus_log",
               lambda x, p: _keep(x, x >= x.amax(-1, keepdim=True) - math.log(p)))  # fmt: skip
_min_p_mistake("the largest of all rows is used; each row has its own (dim=-1).", "of_all_rows",
               lambda x, p: _keep(x, (q := x.softmax(-1)) >= p * q.max()))  # fmt: skip
_min_p_mistake("the largest logit of all rows is used; each row has its own (dim=-1).", "of_all_rows_logits",
               lambda x, p: _keep(x, x >= x.max() + math.log(p)))  # fmt: skip
_min_p_mistake("exp() overflows for large logits: use softmax, or compare logits.", "overflow",
               lambda x, p: _keep(x, x.exp() >= p * x.exp().amax(-1, keepdim=True)))  # fmt: skip
_min_p_mistake("the bar is p times the largest, not 1 − p times.", "one_minus",
               lambda x, p: _keep(x, (q := x.softmax(-1)) >= (1 - p) * q.amax(-1, keepdim=True)))  # fmt: skip
_min_p_mistake("kept and left out have changed places.", "inverted",
               lambda x, p: _keep(x, x < x.amax(-1, keepdim=True) + math.log(p)))  # fmt: skip
_min_p_mistake("0 is a logit like any other. What goes out needs -inf.", "zeros",
               lambda x, p: x * (x >= x.amax(-1, keepdim=True) + math.log(p)))  # fmt: skip
_min_p_mistake("these are probabilities; logits are asked for.", "probabilities",
               lambda x, p: _keep(x, x >= x.amax(-1, keepdim=True) + math.log(p)).softmax(-1))  # fmt: skip
_min_p_mistake("these are probabilities; logits are asked for.", "plain_probabilities",
               lambda x, p: x.softmax(-1) * (x >= x.amax(-1, keepdim=True) + math.log(p)))  # fmt: skip
_min_p_mistake("the bar hangs on the smallest; it is p times the largest.", "smallest",
               lambda x, p: _keep(x, (q := x.softmax(-1)) >= p * q.amin(-1, keepdim=True)))  # fmt: skip

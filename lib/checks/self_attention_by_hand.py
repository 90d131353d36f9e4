"""The checks of notebook 04: scores, softmax, attention, one head, and its gradient."""

import math

import torch

from lib import attention as course
from lib.checks.core import Exercise
from lib.checks.probing import fill, gradients, parameters

NEW = ("the new vectors", "the weights")
BANK = torch.tensor([[2.0, 0.0], [1.0, 1.0], [1.0, 0.0]])  # money bank grows


def _random(rng, *shape, scale=1.0):
    return torch.randn(*shape, generator=rng) * scale


# ------------------------------------------------------------------------------------------------------- pair_scores

pair_scores = Exercise(course.pair_scores)


@pair_scores.probe("money (2, 0), bank (1, 1), grows (1, 0)")
def _(answer, rng):
    return answer(BANK)


@pair_scores.probe("a batch of two sentences, five vectors of three numbers each")
def _(answer, rng):
    return answer(_random(rng, 2, 5, 3))


@pair_scores.probe("gradients: the scores must let them through")
def _(answer, rng):
    x = _random(rng, 5, 3).requires_grad_()
    return gradients(answer(x), x=x)


@pair_scores.mistake("this compares the numbers of a vector with each other, (d, d). Compare positions: x on the left.")
def columns_with_columns(x):
    return x.transpose(-2, -1) @ x


@pair_scores.mistake("each vector is only multiplied with itself. Every pair of positions needs a score.")
def only_with_itself(x):
    return (x * x).sum(-1)


@pair_scores.mistake("this multiplies number by number; a score is the sum of those products: a matrix product `@`.")
def no_sum(x):
    return x * x


@pair_scores.mistake("the lengths are divided away (cosine). A dot product keeps them.")
def cosine(x):
    unit = x / x.norm(dim=-1, keepdim=True)
    return unit @ unit.transpose(-2, -1)


@pair_scores.mistake("no square root yet: the scaling comes with `attention`.")
def scaled(x):
    return x @ x.transpose(-2, -1) / math.sqrt(x.shape[-1])


@pair_scores.mistake("this is the mean of the products; a dot product is their sum.")
def averaged(x):
    return x @ x.transpose(-2, -1) / x.shape[-1]


@pair_scores.mistake("these are weights already: no softmax in the scores.")
def with_softmax(x):
    return (x @ x.transpose(-2, -1)).softmax(-1)


@pair_scores.mistake("a position is compared with itself too: do not empty the diagonal.")
def empty_diagonal(x):
    scores = x @ x.transpose(-2, -1)
    return scores * (1 - torch.eye(x.shape[-2]))


@pair_scores.mistake("only half of the pairs has a score; s21 and s12 are both wanted.")
def half(x):
    return (x @ x.transpose(-2, -1)).tril()


@pair_scores.mistake("these are distances; a score is a dot product.")
def distances(x):
    return torch.cdist(x, x)


# ---------------------------------------------------------------------------------------------------- stable_softmax

stable_softmax = Exercise(course.stable_softmax)


@stable_softmax.probe("the scores 2, 2, 1")
def _(answer, rng):
    return answer(torch.tensor([2.0, 2.0, 1.0]))


@stable_softmax.probe("three rows of five scores")
def _(answer, rng):
    return answer(_random(rng, 3, 5))


@stable_softmax.probe("two batches of three rows of five scores")
def _(answer, rng):
    return answer(_random(rng, 2, 3, 5))


@stable_softmax.probe("the scores 1000, 999, 990")
def _(answer, rng):
    return answer(torch.tensor([1000.0, 999.0, 990.0]))


@stable_softmax.probe("one row of scores near 1000 and one near -1000")
def _(answer, rng):
    return answer(torch.tensor([[1000.0, 999.0, 998.0], [-1000.0, -1001.0, -999.0]]))


@stable_softmax.probe("the scores 0 and -1000: weights must not become NaN")
def _(answer, rng):
    return answer(torch.tensor([0.0, -1000.0, -2000.0]))


@stable_softmax.probe("gradients: the weights must let them through")
def _(answer, rng):
    scores = _random(rng, 3, 5).requires_grad_()
    return gradients(answer(scores), scores=scores)


@stable_softmax.mistake("exp() overflows for large scores. Subtract the largest score of the row first.")
def unstable(scores):
    powers = torch.exp(scores)
    return powers / powers.sum(-1, keepdim=True)


@stable_softmax.mistake("subtract each row's own largest score (dim=-1, keepdim=True), not the largest of all rows.")
def one_maximum_for_all(scores):
    powers = torch.exp(scores - scores.max())
    return powers / powers.sum(-1, keepdim=True)


@stable_softmax.mistake("subtracting the mean is not enough: a score far above it still overflows. Take the largest.")
def minus_the_mean(scores):
    powers = torch.exp(scores - scores.mean(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


@stable_softmax.mistake("exp() is missing: shares of the raw scores are not a softmax (and may be negative).")
def no_exponential(scores):
    return scores / scores.sum(-1, keepdim=True)


@stable_softmax.mistake("the exponentials are not divided by their sum: a row must sum to 1.")
def not_divided(scores):
    return torch.exp(scores - scores.amax(-1, keepdim=True))


@stable_softmax.mistake("plain exponentials: divide them by their sum, so that a row sums to 1.")
def plain_exponentials(scores):
    return torch.exp(scores)


@stable_softmax.mistake("everything is divided by one sum; each row needs its own: sum(-1, keepdim=True).")
def one_sum_for_all(scores):
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers / powers.sum()


@stable_softmax.mistake("the softmax runs down the columns; the last axis (dim=-1) must sum to 1.")
def over_the_columns(scores):
    return scores.softmax(-2 if scores.dim() > 1 else -1)


@stable_softmax.mistake("the sum lost its axis, so rows are divided by each other's sums: keepdim=True.")
def no_keepdim(scores):
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers / powers.sum(-1)


@stable_softmax.mistake("this is the logarithm of the weights; leave the log out.")
def logarithm(scores):
    return scores.log_softmax(-1)


@stable_softmax.mistake("a sigmoid looks at one score alone; the weights of a row must sum to 1.")
def sigmoid(scores):
    return scores.sigmoid()


@stable_softmax.mistake("cutting off large scores makes different scores equal. Subtract the largest instead.")
def clamped(scores):
    return scores.clamp(-80, 80).softmax(-1)


@stable_softmax.mistake("the sign is turned round: the largest score must get the largest weight.")
def turned_round(scores):
    return (-scores).softmax(-1)


@stable_softmax.mistake("this is a hard choice: all the weight on the largest. Softmax shares it out.")
def hard_choice(scores):
    return torch.nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)


# --------------------------------------------------------------------------------------------- simple_self_attention

simple_self_attention = Exercise(course.simple_self_attention, returns=NEW)


@simple_self_attention.probe("money (2, 0), bank (1, 1), grows (1, 0)")
def _(answer, rng):
    return answer(BANK)


@simple_self_attention.probe("a batch of two sentences, five vectors of three numbers each")
def _(answer, rng):
    return answer(_random(rng, 2, 5, 3))


@simple_self_attention.probe("vectors that are large: scores in the hundreds")
def _(answer, rng):
    return answer(_random(rng, 5, 3, scale=20))


@simple_self_attention.probe("gradients: the new vectors must let them through")
def _(answer, rng):
    x = _random(rng, 5, 3, scale=0.5).requires_grad_()
    return gradients(answer(x)[0], x=x)


@simple_self_attention.mistake("the order is: the new vectors first, then the weights.")
def swapped_results(x):
    weights = (x @ x.transpose(-2, -1)).softmax(-1)
    return weights, weights @ x


@simple_self_attention.mistake("the softmax is missing: the rows of the weights must sum to 1.")
def no_softmax(x):
    weights = x @ x.transpose(-2, -1)
    return weights @ x, weights


@simple_self_attention.mistake("the new vectors are right; return the weights with them, not the scores.")
def scores_returned(x):
    scores = x @ x.transpose(-2, -1)
    return scores.softmax(-1) @ x, scores


@simple_self_attention.mistake(
    "the softmax runs down the columns; each row, one position's view, must sum to 1 (dim=-1)."
)
def over_the_columns_(x):
    weights = (x @ x.transpose(-2, -1)).softmax(-2)
    return weights @ x, weights


@simple_self_attention.mistake("the softmax runs over dim 0; each row must sum to 1 (dim=-1).")
def over_dim_zero(x):
    weights = (x @ x.transpose(-2, -1)).softmax(0)
    return weights @ x, weights


@simple_self_attention.mistake("no scaling yet: that comes with `attention`.")
def scaled_already(x):
    weights = (x @ x.transpose(-2, -1) / math.sqrt(x.shape[-1])).softmax(-1)
    return weights @ x, weights


@simple_self_attention.mistake("the weights are right, the mix uses them transposed: weights @ x.")
def transposed_mix(x):
    weights = (x @ x.transpose(-2, -1)).softmax(-1)
    return weights.transpose(-2, -1) @ x, weights


@simple_self_attention.mistake("a position looks at itself too: do not empty the diagonal.")
def without_itself(x):
    scores = (x @ x.transpose(-2, -1)).masked_fill(torch.eye(x.shape[-2], dtype=torch.bool), -math.inf)
    weights = scores.softmax(-1)
    return weights @ x, weights


@simple_self_attention.mistake("the input is added on top. That is the residual of notebook 07; here only the mix.")
def with_residual(x):
    weights = (x @ x.transpose(-2, -1)).softmax(-1)
    return x + weights @ x, weights


@simple_self_attention.mistake("all weights together sum to 1; each row must: softmax over dim=-1.")
def one_softmax_for_all(x):
    scores = x @ x.transpose(-2, -1)
    weights = scores.flatten(-2).softmax(-1).view_as(scores)
    return weights @ x, weights


@simple_self_attention.mistake(
    "exp() overflows here: subtract the largest score of each row first, or use torch's softmax."
)
def overflows(x):
    powers = torch.exp(x @ x.transpose(-2, -1))
    weights = powers / powers.sum(-1, keepdim=True)
    return weights @ x, weights


# --------------------------------------------------------------------------------------------------------- attention

attention = Exercise(course.attention, returns=("the mixed values", "the weights"))


def _qkv(rng, lead=(), query=5, key=7, d_head=11, d_value=3, scale=1.0):
    sizes = (query, d_head), (key, d_head), (key, d_value)
    return [_random(rng, *lead, *size, scale=scale) for size in sizes]


def _mask(rng, *shape):
    mask = torch.rand(*shape, generator=rng) > 0.4
    mask[..., 0] = True  # every query may look somewhere
    return mask


@attention.probe("5 queries, 7 keys, vectors of 11 numbers")
def _(answer, rng):
    return answer(*_qkv(rng))


@attention.probe("a batch of 2 with 3 heads")
def _(answer, rng):
    return answer(*_qkv(rng, (2, 3), d_head=5))


@attention.probe("a mask of its own for every head")
def _(answer, rng):
    return answer(*_qkv(rng, (2, 3)), _mask(rng, 2, 3, 5, 7))


@attention.probe("one mask (query, key) for the whole batch")
def _(answer, rng):
    return answer(*_qkv(rng, (2, 3)), _mask(rng, 5, 7))


@attention.probe("scores in the hundreds")
def _(answer, rng):
    return answer(*_qkv(rng, scale=15))


@attention.probe("a forbidden key with by far the largest score")
def _(answer, rng):
    q, k, v = torch.ones(2, 4), torch.tensor([[0.0], [1.0], [200.0]]).expand(3, 4), _random(rng, 3, 5)
    return answer(q, k, v, torch.tensor([[True, True, False]]))


@attention.probe("a query that may look nowhere: its weights and its mix are 0")
def _(answer, rng):
    mask = _mask(rng, 5, 7)
    mask[3] = False
    return answer(*_qkv(rng, (2,)), mask)


@attention.probe("gradients: to queries, keys and values, past a mask that leaves one query nowhere to look")
def _(answer, rng):
    mask = _mask(rng, 5, 7)
    mask[1] = False
    q, k, v = (part.requires_grad_() for part in _qkv(rng))
    return gradients(answer(q, k, v, mask)[0], q=q, k=k, v=v)


def _attention(scale=lambda q, k, v: math.sqrt(q.shape[-1]), masked=None, weigh=None, mix=None, last=None):
    """An attention with one part exchanged, for the table of mistakes."""
    masked = masked or (lambda s, m: s.masked_fill(~m, -math.inf))
    weigh = weigh or (lambda s: s.softmax(-1))
    mix = mix or (lambda w, q, k, v: w @ v)
    last = last or (lambda w, m: w.masked_fill(~m, 0.0))

    def answer(q, k, v, mask=None):
        scores = q @ k.transpose(-2, -1) / scale(q, k, v)
        weights = weigh(scores if mask is None else masked(scores, mask))
        weights = weights if mask is None else last(weights, mask)
        return mix(weights, q, k, v), weights

    return answer


@attention.mistake("the order is: the mixed values first, then the weights.")
def results_swapped(q, k, v, mask=None):
    mixed, weights = course.attention(q, k, v, mask)
    return weights, mixed


@attention.mistake("the mix is right; return the weights with it, not the scores.")
def scores_with_it(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    return course.attention(q, k, v, mask)[0], scores


def _name(sentence, name, **parts):
    answer = _attention(**parts)
    answer.__name__ = name
    attention.mistake(sentence)(answer)


_name("the scores are not divided by √d_head.", "no_scale", scale=lambda q, k, v: 1.0)
_name("you divide by d_head; it is its square root.", "no_root", scale=lambda q, k, v: q.shape[-1])
_name("you multiply by √d_head; divide by it.", "multiplied", scale=lambda q, k, v: q.shape[-1] ** -0.5)
_name("you scale by the number of keys; d_head is the last size of q.", "by_keys",
      scale=lambda q, k, v: math.sqrt(k.shape[-2]))  # fmt: skip
_name("you scale by the number of queries; d_head is the last size of q.", "by_queries",
      scale=lambda q, k, v: math.sqrt(q.shape[-2]))  # fmt: skip
_name("you scale by the size of the values; d_head is the last size of q.", "by_values",
      scale=lambda q, k, v: math.sqrt(v.shape[-1]))  # fmt: skip
_name("you scale by √ of the first size of q; d_head is its last: q.shape[-1].", "by_first",
      scale=lambda q, k, v: math.sqrt(q.shape[0]))  # fmt: skip
_name("the softmax runs over the queries; each query's weights over the keys (dim=-1) must sum to 1.", "over_queries",
      weigh=lambda s: s.softmax(-2))  # fmt: skip
_name("the softmax runs over dim 0 or 1; it must run over the keys, the last axis: dim=-1.", "over_one",
      weigh=lambda s: s.softmax(1))  # fmt: skip
_name("the softmax runs over dim 0 or 1; it must run over the keys, the last axis: dim=-1.", "over_zero",
      weigh=lambda s: s.softmax(0))  # fmt: skip
_name("the softmax is missing: a query's weights must sum to 1.", "no_softmax_", weigh=lambda s: s)
_name("a sigmoid looks at one score alone: softmax over the keys.", "sigmoid_", weigh=lambda s: s.sigmoid())
_name("exp() overflows for large scores: subtract each row's largest first, or use torch's softmax.", "overflow",
      weigh=lambda s: s.exp() / s.exp().sum(-1, keepdim=True))  # fmt: skip
_name("the mask has no effect.", "mask_ignored", masked=lambda s, m: s, last=lambda w, m: w)
_name("the mask is upside down: True means may look, so fill where it is False (`~mask`).", "mask_inverted",
      masked=lambda s, m: s.masked_fill(m, -math.inf), last=lambda w, m: w)  # fmt: skip
_name("the mask is upside down: True means may look, so fill where it is False (`~mask`).", "mask_inverted_zeroed",
      masked=lambda s, m: s.masked_fill(m, -math.inf), last=lambda w, m: w.masked_fill(m, 0.0))  # fmt: skip
_name("the mask comes only after the softmax, so rows no longer sum to 1: forbidden scores are −∞ before it.",
      "mask_after", masked=lambda s, m: s)  # fmt: skip
_name("forbidden scores are set to 0, but e⁰ = 1: those keys still get weight. Use −∞.", "mask_zero",
      masked=lambda s, m: s.masked_fill(~m, 0.0), last=lambda w, m: w)  # fmt: skip
_name("a query that may look nowhere gets NaN. Fill its weights with 0, after the softmax.", "nan_row",
      last=lambda w, m: w)  # fmt: skip
_name("with a large negative number in place of −∞, a query that may look nowhere looks everywhere. Its weights are 0.",
      "even_row", masked=lambda s, m: s.masked_fill(~m, -1e9), last=lambda w, m: w)  # fmt: skip
_name("masking after the softmax and dividing again: the forbidden key has already taken all the weight.",
      "divided_again", masked=lambda s, m: s,
      last=lambda w, m: (w * m) / (w * m).sum(-1, keepdim=True))  # fmt: skip
_name("the keys are mixed; mix the values.", "mixes_keys", mix=lambda w, q, k, v: w @ k)


@attention.mistake("queries and keys have changed places: q @ kᵀ, one row of scores a query.")
def roles_swapped(q, k, v, mask=None):
    return course.attention(k, q, v, mask)


@attention.mistake("the future is always hidden here, whatever `mask` is.")
def always_causal(q, k, v, mask=None):
    causal = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
    return course.attention(q, k, v, causal if mask is None else causal & mask)


@attention.mistake("the division comes after the softmax; the scores are divided, before it.")
def scaled_late(q, k, v, mask=None):
    weights = _attention(scale=lambda q, k, v: 1.0)(q, k, v, mask)[1] / math.sqrt(q.shape[-1])
    return weights @ v, weights


# ----------------------------------------------------------------------------------------------------- SelfAttention

SelfAttention = Exercise(course.SelfAttention, returns=("the mixed values", "the weights"))


def _head(answer, rng, d_model=5, d_head=3):
    return fill(answer(d_model, d_head), rng)


@SelfAttention.probe("its parameters, for SelfAttention(5, 3)")
def _(answer, rng):
    return parameters(answer(5, 3))


@SelfAttention.probe("seven vectors of five numbers, d_head 3")
def _(answer, rng):
    return _head(answer, rng)(_random(rng, 7, 5))


@SelfAttention.probe("a batch of two, d_head as large as d_model")
def _(answer, rng):
    return _head(answer, rng, 4, 4)(_random(rng, 2, 7, 4))


@SelfAttention.probe("a mask")
def _(answer, rng):
    return _head(answer, rng)(_random(rng, 2, 7, 5), _mask(rng, 7, 7))


@SelfAttention.probe("gradients: for the vectors and for the three matrices")
def _(answer, rng):
    head, x = _head(answer, rng), _random(rng, 7, 5).requires_grad_()
    return gradients(head(x)[0], x=x, **{name.replace(".", " "): part for name, part in head.named_parameters()})


def _head_mistake(sentence, name, forward):
    kind = type(name, (course.SelfAttention,), {"forward": forward})
    SelfAttention.mistake(sentence)(kind)


_head_mistake(
    "the mask is not passed on to `attention`.", "drops_the_mask",
    lambda self, x, mask=None: course.attention(self.to_q(x), self.to_k(x), self.to_v(x)))  # fmt: skip
_head_mistake(
    "query and key have changed places: `attention` takes query, key, value.", "key_first",
    lambda self, x, mask=None: course.attention(self.to_k(x), self.to_q(x), self.to_v(x), mask))  # fmt: skip
_head_mistake(
    "the keys are mixed: the values come from to_v.", "values_from_keys",
    lambda self, x, mask=None: course.attention(self.to_q(x), self.to_k(x), self.to_k(x), mask))  # fmt: skip
_head_mistake(
    "query and key come from the same matrix: keys from to_k.", "keys_from_queries",
    lambda self, x, mask=None: course.attention(self.to_q(x), self.to_q(x), self.to_v(x), mask))  # fmt: skip
_head_mistake(
    "the vectors themselves are mixed: the values come from to_v.", "values_are_x",
    lambda self, x, mask=None: course.attention(self.to_q(x), self.to_k(x), x, mask))  # fmt: skip
_head_mistake(
    "the matrices are used transposed: call the layers, to_q(x), instead of using their `.weight`.", "transposed",
    lambda self, x, mask=None: course.attention(
        x @ self.to_q.weight, x @ self.to_k.weight, x @ self.to_v.weight, mask))  # fmt: skip
_head_mistake(
    "`attention` returns the mix and the weights; return both.", "only_the_mix",
    lambda self, x, mask=None: course.attention(self.to_q(x), self.to_k(x), self.to_v(x), mask)[0])  # fmt: skip
_head_mistake(
    "the order is: the mixed values first, then the weights.", "weights_first",
    lambda self, x, mask=None: course.attention(self.to_q(x), self.to_k(x), self.to_v(x), mask)[::-1])  # fmt: skip
_head_mistake(
    "the input is added on top. That is the residual of notebook 07; here only the mix.", "residual",
    lambda self, x, mask=None: (
        lambda mixed, weights: (x + mixed if x.shape == mixed.shape else mixed, weights)
    )(*course.attention(self.to_q(x), self.to_k(x), self.to_v(x), mask)))  # fmt: skip
_head_mistake(
    "the scores are not divided by √d_head.", "unscaled",
    lambda self, x, mask=None: course.attention(
        self.to_q(x) * math.sqrt(self.to_q.weight.shape[0]), self.to_k(x), self.to_v(x), mask))  # fmt: skip
_head_mistake(
    "the scale is √d_head, the size of q, not √d_model, the size of x.", "scaled_by_d_model",
    lambda self, x, mask=None: course.attention(
        self.to_q(x) * math.sqrt(self.to_q.weight.shape[0] / x.shape[-1]), self.to_k(x), self.to_v(x), mask)
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ attention_gradient

attention_gradient = Exercise(
    course.attention_gradient, returns=("the gradient for q", "the gradient for k", "the gradient for v")
)


def _with_upstream(rng, lead=(), query=5, key=7, d_head=3, d_value=2, scale=1.0):
    return *_qkv(rng, lead, query, key, d_head, d_value, scale), _random(rng, *lead, query, d_value)


@attention_gradient.probe("5 queries and 7 keys of 3 numbers, values of 2")
def _(answer, rng):
    return answer(*_with_upstream(rng))


@attention_gradient.probe("a batch of 2 with 3 heads")
def _(answer, rng):
    return answer(*_with_upstream(rng, (2, 3), d_head=11))


@attention_gradient.probe("64-bit numbers, scores in the thousands")
def _(answer, rng):
    return answer(*(part.double() for part in _with_upstream(rng, scale=40)))


def _gradient(scores_from=None, scale_out=True, v_from=None, softmax=-1):
    """The gradient with one step exchanged. scores_from(weights, for_weights) is the step back through the softmax."""

    def answer(q, k, v, upstream):
        scale = 1 / math.sqrt(q.shape[-1])
        weights = (q @ k.transpose(-2, -1) * scale).softmax(softmax)
        for_v = v_from(weights, upstream) if v_from else weights.transpose(-2, -1) @ upstream
        for_weights = upstream @ v.transpose(-2, -1)
        if scores_from:
            for_scores = scores_from(weights, for_weights)
        else:
            for_scores = weights * (for_weights - (weights * for_weights).sum(-1, keepdim=True))
        scale = scale if scale_out else 1.0
        return for_scores @ k * scale, for_scores.transpose(-2, -1) @ q * scale, for_v

    return answer


def _gradient_mistake(sentence, name, **parts):
    answer = _gradient(**parts)
    answer.__name__ = name
    attention_gradient.mistake(sentence)(answer)


_gradient_mistake("the scores were divided by √d_head; so are the gradients for q and k.", "no_scale_back",
                  scale_out=False)  # fmt: skip
_gradient_mistake("back through the softmax: subtract each row's weighted average before multiplying by the weights.",
                  "no_average", scores_from=lambda w, g: w * g)  # fmt: skip
_gradient_mistake("back through the softmax: multiply by the weights after subtracting the row's average.",
                  "no_weights", scores_from=lambda w, g: g - (w * g).sum(-1, keepdim=True))  # fmt: skip
_gradient_mistake("the step back through the softmax is missing: the gradient for the weights is not the one for the "
                  "scores.", "no_softmax_back", scores_from=lambda w, g: g)  # fmt: skip
_gradient_mistake("the row's average is weighted by the weights: (weights * gradient).sum(-1).", "plain_average",
                  scores_from=lambda w, g: w * (g - g.mean(-1, keepdim=True)))  # fmt: skip
_gradient_mistake("(weights * gradient) needs its sum over the keys, not its mean: the weights already sum to 1.",
                  "mean_average", scores_from=lambda w, g: w * (g - (w * g).mean(-1, keepdim=True)))  # fmt: skip
_gradient_mistake("the average runs over the queries; it belongs to one query's row: sum(-1).", "average_down",
                  scores_from=lambda w, g: w * (g - (w * g).sum(-2, keepdim=True)))  # fmt: skip
_gradient_mistake("w(1 − w) is the slope of a sigmoid. In a softmax every weight depends on every score.",
                  "sigmoid_slope", scores_from=lambda w, g: w * (1 - w) * g)  # fmt: skip
_gradient_mistake("the gradient for v needs the weights transposed: each value collects from the queries that took it.",
                  "v_not_transposed", v_from=lambda w, u: w @ u)  # fmt: skip
_gradient_mistake("the softmax of the forward step must run over the keys: dim=-1.", "wrong_axis", softmax=-2)


@attention_gradient.mistake("the gradients for q and k have changed places.")
def places_changed(q, k, v, upstream):
    for_q, for_k, for_v = course.attention_gradient(q, k, v, upstream)
    return for_k, for_q, for_v


@attention_gradient.mistake("the gradient for v comes last: q, k, v.")
def v_first(q, k, v, upstream):
    for_q, for_k, for_v = course.attention_gradient(q, k, v, upstream)
    return for_v, for_q, for_k


@attention_gradient.mistake("the scale is missing in the forward step: divide the scores by √d_head.")
def no_scale_at_all(q, k, v, upstream):
    root = math.sqrt(q.shape[-1])
    for_q, for_k, for_v = course.attention_gradient(q * root, k, v, upstream)
    return for_q * root, for_k, for_v


@attention_gradient.mistake("the upstream gradient is not used: it is the loss's gradient for each mixed value.")
def upstream_ignored(q, k, v, upstream):
    return course.attention_gradient(q, k, v, torch.ones_like(upstream))


@attention_gradient.mistake("only the values get a gradient; q and k get theirs through the weights.")
def only_for_v(q, k, v, upstream):
    return torch.zeros_like(q), torch.zeros_like(k), course.attention_gradient(q, k, v, upstream)[2]

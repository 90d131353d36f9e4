"""The checks of notebook 02: counting words, weighing them, comparing vectors, and learning them from neighbours.

Long because it is a table: the probes and the mistakes of six exercises, one exercise after the other.
"""

import math

import torch
from torch.nn import functional

from lib import text_vectors
from lib.checks.core import Exercise
from lib.checks.probing import gradients
from lib.checks.running import Problem

bag_of_words = Exercise(text_vectors.bag_of_words)
tf_idf = Exercise(text_vectors.tf_idf)
cosine_similarity = Exercise(text_vectors.cosine_similarity)
skip_gram_pairs = Exercise(text_vectors.skip_gram_pairs)
negative_sampling = Exercise(
    text_vectors.negative_sampling, returns=("the loss", "the gradient for centre", "the gradient for context")
)
analogy = Exercise(text_vectors.analogy)

SENTENCE = ["the", "cat", "sat", "on", "the", "mat"]


def _draw(rng, *choices, n):
    return [choices[i] for i in torch.randint(len(choices), (n,), generator=rng).tolist()]


# ------------------------------------------------------------------------------------------------------ bag_of_words


@bag_of_words.probe("the texts 'dog cat' and 'dog' and 'cat', with the words dog, mat, cat, hen")
def _(answer, rng):
    return answer([["dog", "cat"], ["dog"], ["cat"]], ["dog", "mat", "cat", "hen"])


@bag_of_words.probe("'the cat sat on the mat', where `the` stands twice")
def _(answer, rng):
    return answer([SENTENCE, ["mat"]], ["the", "cat", "sat", "on", "mat"])


@bag_of_words.probe("'the cat sat on the mat', with only the words mat and the in the vocabulary")
def _(answer, rng):
    return answer([SENTENCE], ["mat", "the"])


@bag_of_words.probe("'start art', where one word is a piece of the other")
def _(answer, rng):
    return answer([["start", "art"]], ["art", "start", "tar"])


@bag_of_words.probe("five texts of unequal length, one of them empty")
def _(answer, rng):
    lengths = [*torch.randint(1, 12, (3,), generator=rng).tolist(), 17, 0]
    return answer([_draw(rng, *"abcdefg", n=length) for length in lengths], list("gbdca"))


@bag_of_words.mistake("this says only whether a word is there. Count: a word that stands twice gets 2.")
def there_or_not(texts, words):
    return torch.tensor([[float(word in text) for word in words] for text in texts])


@bag_of_words.mistake("this is turned around: one row a text, one column a word.")
def turned_around(texts, words):
    return text_vectors.bag_of_words(texts, words).T


@bag_of_words.mistake("all texts are counted together. Each text gets a row of its own.")
def one_row_for_all(texts, words):
    return text_vectors.bag_of_words(texts, words).sum(0)


@bag_of_words.mistake("the row of a text also holds the counts of the texts before it: start each text at 0.")
def running_total(texts, words):
    return text_vectors.bag_of_words(texts, words).cumsum(0)


@bag_of_words.mistake("these are shares of the text, not counts: do not divide by its length.")
def shares(texts, words):
    return text_vectors.bag_of_words(texts, words) / torch.tensor([max(len(text), 1) for text in texts])[:, None]


@bag_of_words.mistake("the columns are in alphabetical order; column i belongs to words[i], in the order given.")
def alphabetical(texts, words):
    return text_vectors.bag_of_words(texts, sorted(words))


@bag_of_words.mistake("the vocabulary is the argument `words`, not the words that happen to be in the texts.")
def own_vocabulary(texts, words):
    return text_vectors.bag_of_words(texts, sorted({word for text in texts for word in text}))


@bag_of_words.mistake("a word that is not in the vocabulary has no column: leave it out (`if word in ...`).")
def key_error(texts, words):
    number = {word: i for i, word in enumerate(words)}
    return [[number[word] for word in text] for text in texts]


@bag_of_words.mistake("a word that is not in the vocabulary has no column: leave it out (`if word in ...`).")
def value_error(texts, words):
    return [[words.index(word) for word in text] for text in texts]


@bag_of_words.mistake("unknown words end up in the last column: -1 is an index in Python. Leave them out.")
def unknown_to_the_last(texts, words):
    extra = torch.tensor([sum(word not in words for word in text) for text in texts])
    counts = text_vectors.bag_of_words(texts, words)
    return torch.cat([counts[:, :-1], counts[:, -1:] + extra[:, None]], dim=1)


@bag_of_words.mistake("unknown words end up in the first column. Leave them out.")
def unknown_to_the_first(texts, words):
    extra = torch.tensor([sum(word not in words for word in text) for text in texts])
    counts = text_vectors.bag_of_words(texts, words)
    return torch.cat([counts[:, :1] + extra[:, None], counts[:, 1:]], dim=1)


@bag_of_words.mistake("this also counts letters inside other words ('art' in 'start'). Compare whole words.")
def pieces_of_words(texts, words):
    return torch.tensor([[float(" ".join(text).count(word)) for word in words] for text in texts])


# ------------------------------------------------------------------------------------------------------------ tf_idf


def _counts(rng, texts, vocab):
    counts = torch.randint(0, 4, (texts, vocab), generator=rng) * (torch.rand(texts, vocab, generator=rng) < 0.6)
    counts[0, 0] = counts[0, 0] + 2  # something stands twice in one text, and each text has a word
    counts[:, 1] += 1
    return counts.float()


@tf_idf.probe("the counts [[1, 1, 0], [0, 1, 1]]")
def _(answer, rng):
    return answer(torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]))


@tf_idf.probe("random counts of 5 words in 7 texts")
def _(answer, rng):
    return answer(_counts(rng, 7, 5))


@tf_idf.probe("a single text")
def _(answer, rng):
    return answer(_counts(rng, 1, 5))


@tf_idf.probe("a text without any words")
def _(answer, rng):
    counts = _counts(rng, 3, 5)
    counts[1] = 0
    return answer(counts)


def _tf_idf(counts, rarity):
    return functional.normalize(counts * rarity(len(counts), (counts > 0).sum(0)), dim=-1)


@tf_idf.mistake("the rows are not scaled: divide each row by its length (the root of its sum of squares).")
def not_scaled(counts):
    return counts * (torch.log((1 + len(counts)) / (1 + (counts > 0).sum(0))) + 1)


@tf_idf.mistake("the 1 after the logarithm is missing: a word that is in every text would count nothing.")
def without_plus_one(counts):
    return _tf_idf(counts, lambda n, df: torch.log((1 + n) / (1 + df)))


@tf_idf.mistake("the two 1s inside the logarithm are missing: (1 + texts) / (1 + texts that have the word).")
def without_smoothing(counts):
    return _tf_idf(counts, lambda n, df: torch.log(n / df) + 1)


@tf_idf.mistake("only the lower part of the fraction has its 1: it is (1 + texts) / (1 + texts that have the word).")
def half_smoothed(counts):
    return _tf_idf(counts, lambda n, df: torch.log(n / (1 + df)) + 1)


@tf_idf.mistake("the fraction has no logarithm around it.")
def without_logarithm(counts):
    return _tf_idf(counts, lambda n, df: (1 + n) / (1 + df) + 1)


@tf_idf.mistake("the fraction has no logarithm around it, and no 1 after it.")
def plain_fraction(counts):
    return _tf_idf(counts, lambda n, df: (1 + n) / (1 + df))


@tf_idf.mistake("this is a logarithm to another base; ln, `torch.log`, is asked for.")
def decimal_logarithm(counts):
    return _tf_idf(counts, lambda n, df: torch.log10((1 + n) / (1 + df)) + 1)


@tf_idf.mistake("this is a logarithm to another base; ln, `torch.log`, is asked for.")
def binary_logarithm(counts):
    return _tf_idf(counts, lambda n, df: torch.log2((1 + n) / (1 + df)) + 1)


@tf_idf.mistake("the fraction is upside down: frequent words gain here, and rare ones should.")
def upside_down(counts):
    return _tf_idf(counts, lambda n, df: torch.log((1 + df) / (1 + n)) + 1)


@tf_idf.mistake("the weights of the words are not used: these are the scaled counts.")
def without_rarity(counts):
    return functional.normalize(counts, dim=-1)


@tf_idf.mistake("a word that stands twice in one text is in one text: count the texts that have it, `counts > 0`.")
def occurrences_instead_of_texts(counts):
    return _tf_idf(counts, lambda n, df: torch.log((1 + n) / (1 + counts.sum(0))) + 1)


@tf_idf.mistake("`texts` is the number of rows, `len(counts)`; this takes the number of words.")
def words_instead_of_texts(counts):
    return _tf_idf(counts, lambda n, df: torch.log((1 + counts.shape[1]) / (1 + df)) + 1)


@tf_idf.mistake("each row should get length 1; this scales the columns.")
def columns_scaled(counts):
    return functional.normalize(not_scaled(counts), dim=0)


@tf_idf.mistake("this makes the sum of a row 1; its length should be 1: the root of its sum of squares.")
def sums_to_one(counts):
    return functional.normalize(not_scaled(counts), p=1, dim=-1)


@tf_idf.mistake("this divides by the sum of squares; the length is its root.")
def without_the_root(counts):
    return not_scaled(counts) / not_scaled(counts).square().sum(-1, keepdim=True)


@tf_idf.mistake("the rows are scaled before the words are weighed: weigh first, then scale, or the length is not 1.")
def scaled_too_early(counts):
    return functional.normalize(counts, dim=-1) * (torch.log((1 + len(counts)) / (1 + (counts > 0).sum(0))) + 1)


@tf_idf.mistake(
    "the row of a text without words is 0 / 0. It should stay 0: `torch.nn.functional.normalize` sees to it."
)
def nothing_by_nothing(counts):
    return not_scaled(counts) / not_scaled(counts).norm(dim=-1, keepdim=True)


# ------------------------------------------------------------------------------------------------- cosine_similarity


def _pair(rng, *leading, n=3, m=5, d=7):
    return torch.randn(*leading, n, d, generator=rng), torch.randn(*leading, m, d, generator=rng)


@cosine_similarity.probe("(3, 4) and (1, 0) against (4, 3) and (-3, -4)")
def _(answer, rng):
    return answer(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[4.0, 3.0], [-3.0, -4.0]]))


@cosine_similarity.probe("two leading dimensions: (2, 3, 5, 7) and (2, 3, 4, 7)")
def _(answer, rng):
    return answer(*_pair(rng, 2, 3, n=5, m=4))


@cosine_similarity.probe("a vector of zeros")
def _(answer, rng):
    a, b = _pair(rng)
    a[1], b[3] = 0, 0
    return answer(a, b)


@cosine_similarity.probe("gradients: they should flow through to a and b")
def _(answer, rng):
    a, b = (part.requires_grad_() for part in _pair(rng))
    return gradients(answer(a, b), a=a, b=b)


@cosine_similarity.mistake("this is the dot product: it also grows with the lengths. Divide by both lengths.")
def dot_product(a, b):
    return a @ b.mT


@cosine_similarity.mistake("only the rows of a are scaled: divide by the lengths of the rows of b too.")
def only_a(a, b):
    return functional.normalize(a, dim=-1) @ b.mT


@cosine_similarity.mistake("only the rows of b are scaled: divide by the lengths of the rows of a too.")
def only_b(a, b):
    return a @ functional.normalize(b, dim=-1).mT


@cosine_similarity.mistake("the lengths run along the wrong axis: a row is a vector, so `dim=-1`.")
def columns(a, b):
    return functional.normalize(a, dim=-2) @ functional.normalize(b, dim=-2).mT


@cosine_similarity.mistake("the first axis is not always the rows, and the second not the numbers: use dim=-1.")
def second_axis(a, b):
    return functional.normalize(a, dim=1) @ functional.normalize(b, dim=1).mT


@cosine_similarity.mistake("each row has a length of its own; this divides by the length of the whole table.")
def whole_table(a, b):
    return a @ b.mT / (a.norm() * b.norm())


@cosine_similarity.mistake("this divides by the squares of the lengths: the root is missing.")
def squared_lengths(a, b):
    return a @ b.mT / (a.square().sum(-1)[..., :, None] * b.square().sum(-1)[..., None, :])


@cosine_similarity.mistake("the length is the root of the sum of squares; this divides by the sum of the sizes.")
def sum_of_sizes(a, b):
    return functional.normalize(a, p=1, dim=-1) @ functional.normalize(b, p=1, dim=-1).mT


@cosine_similarity.mistake("no absolute value: opposite directions are -1.")
def without_sign(a, b):
    return text_vectors.cosine_similarity(a, b).abs()


@cosine_similarity.mistake("this is a distance, 1 - cosine; the cosine itself is asked for.")
def distance(a, b):
    return 1 - text_vectors.cosine_similarity(a, b)


@cosine_similarity.mistake("this is the angle; its cosine is asked for.")
def angle(a, b):
    return text_vectors.cosine_similarity(a, b).acos()


@cosine_similarity.mistake("this is turned around: the rows belong to a, the columns to b.")
def other_way_round(a, b):
    return text_vectors.cosine_similarity(b, a)


@cosine_similarity.mistake("row i of a is compared with row i of b only. Every row of a meets every row of b.")
def row_by_row(a, b):
    return functional.cosine_similarity(a, b, dim=-1)


@cosine_similarity.mistake("`.T` turns all axes around. Swap the last two only: `.transpose(-2, -1)` or `.mT`.")
def all_axes_turned(a, b):
    return functional.normalize(a, dim=-1) @ functional.normalize(b, dim=-1).permute(*reversed(range(b.ndim)))


@cosine_similarity.mistake("a vector of zeros gives 0 / 0. It is similar to nothing: 0.")
def nothing_by_nothing_again(a, b):
    return a @ b.mT / (a.norm(dim=-1)[..., :, None] * b.norm(dim=-1)[..., None, :])


# --------------------------------------------------------------------------------------------------- skip_gram_pairs


@skip_gram_pairs.probe("'the cat sat on the mat', window 2")
def _(answer, rng):
    return answer(SENTENCE, 2)


@skip_gram_pairs.probe("'very very good', window 1: the same word twice in a row")
def _(answer, rng):
    return answer(["very", "very", "good"], 1)


@skip_gram_pairs.probe("numbers instead of words, windows from 1 to 5")
def _(answer, rng):
    length = int(torch.randint(3, 9, (), generator=rng))
    return [answer(torch.randperm(99, generator=rng)[:length].tolist(), window) for window in range(1, 6)]


@skip_gram_pairs.probe("a sentence of one word, and an empty one")
def _(answer, rng):
    return [answer(["word"], 2), answer([], 2)]


def _pairs(sentence, neighbours, pair=lambda centre, other: (centre, other)):
    return [pair(word, sentence[j]) for i, word in enumerate(sentence) for j in neighbours(i, len(sentence))]


@skip_gram_pairs.mistake("a place is paired with itself: leave out the centre.")
def with_itself(sentence, window):
    return _pairs(sentence, lambda i, n: range(max(0, i - window), min(n, i + window + 1)))


@skip_gram_pairs.mistake("the neighbours on the left are missing: the window reaches both ways.")
def only_right(sentence, window):
    return _pairs(sentence, lambda i, n: range(i + 1, min(n, i + window + 1)))


@skip_gram_pairs.mistake("the neighbours on the right are missing: the window reaches both ways.")
def only_left(sentence, window):
    return _pairs(sentence, lambda i, n: range(max(0, i - window), i))


@skip_gram_pairs.mistake("the last neighbour on the right is missing: `range` stops before its end, so add 1.")
def stops_early(sentence, window):
    return _pairs(sentence, lambda i, n: (j for j in range(max(0, i - window), min(n, i + window)) if j != i))


@skip_gram_pairs.mistake("the last word of the sentence is nobody's neighbour here: look at where the range ends.")
def loses_the_last_neighbour(sentence, window):
    return _pairs(sentence, lambda i, n: (j for j in range(max(0, i - window), min(n - 1, i + window + 1)) if j != i))


@skip_gram_pairs.mistake("the first word of the sentence is nobody's neighbour here: start at max(0, ...).")
def loses_the_first_neighbour(sentence, window):
    return _pairs(sentence, lambda i, n: (j for j in range(max(1, i - window), min(n, i + window + 1)) if j != i))


@skip_gram_pairs.mistake("this window is one too wide: at most `window` places apart.")
def too_wide(sentence, window):
    return text_vectors.skip_gram_pairs(sentence, window + 1)


@skip_gram_pairs.mistake("a negative index counts from the end in Python: near the start, begin the window at 0.")
def wraps_around(sentence, window):
    return _pairs(sentence, lambda i, n: (j for j in range(i - window, min(n, i + window + 1)) if j != i))


@skip_gram_pairs.mistake("a negative start of a slice counts from the end in Python: begin the window at max(0, ...).")
def slices_from_the_end(sentence, window):
    return [
        (word, other)
        for i, word in enumerate(sentence)
        for other in [*sentence[i - window : i], *sentence[i + 1 : i + 1 + window]]
    ]


@skip_gram_pairs.mistake("near the edges the window is shorter, not gone: every word is a centre.")
def no_centres_at_the_edges(sentence, window):
    reach = [*range(-window, 0), *range(1, window + 1)]
    return [(sentence[i], sentence[i + j]) for i in range(window, len(sentence) - window) for j in reach]


@skip_gram_pairs.mistake("the pairs are turned around: first the centre, then its neighbour.")
def turned(sentence, window):
    return [(other, centre) for centre, other in text_vectors.skip_gram_pairs(sentence, window)]


@skip_gram_pairs.mistake("only the words exactly `window` places away are taken, not those between.")
def only_the_rim(sentence, window):
    return _pairs(sentence, lambda i, n: (j for j in (i - window, i + window) if 0 <= j < n))


@skip_gram_pairs.mistake("words are compared where places should be: a word may be its own neighbour's twin.")
def equal_words_left_out(sentence, window):
    return [(a, b) for a, b in text_vectors.skip_gram_pairs(sentence, window) if a != b]


@skip_gram_pairs.mistake("`sentence.index(word)` finds the first place of a word, also for its second: use enumerate.")
def first_place_of_a_word(sentence, window):
    places = [sentence.index(word) for word in sentence]
    reach = [range(max(0, i - window), min(len(sentence), i + window + 1)) for i in places]
    return [(sentence[i], sentence[j]) for i, near in zip(places, reach, strict=True) for j in near if j != i]


@skip_gram_pairs.mistake("each pair is kept once only. Keep repeats: what stands together often should count often.")
def without_repeats(sentence, window):
    return list(dict.fromkeys(text_vectors.skip_gram_pairs(sentence, window)))


@skip_gram_pairs.mistake("the pairs are grouped by centre: one flat list of pairs is asked for.")
def grouped(sentence, window):
    reach = [range(max(0, i - window), min(len(sentence), i + window + 1)) for i in range(len(sentence))]
    return [[(word, sentence[j]) for j in reach[i] if j != i] for i, word in enumerate(sentence)]


# ------------------------------------------------------------------------------------------------- negative_sampling


def _scene(rng, *leading, n=3, m=5, d=7, scale=0.7):
    centre, context = _pair(rng, *leading, n=n, m=m, d=d)
    label = torch.randint(0, 2, (*leading, n, m), generator=rng).float()
    label[..., 0, 0], label[..., 0, 1] = 1, 0
    return centre * scale, context * scale, label


@negative_sampling.probe("the centre (2, 0), the real neighbour (1, 1) and the drawn words (0, 1), (-1, 0)")
def _(answer, rng):
    context = torch.tensor([[1.0, 1.0], [0.0, 1.0], [-1.0, 0.0]])
    return answer(torch.tensor([[2.0, 0.0]]), context, torch.tensor([[1.0, 0.0, 0.0]]))


@negative_sampling.probe("3 centres, 5 context words")
def _(answer, rng):
    return answer(*_scene(rng))


@negative_sampling.probe("4 centres, 4 context words, each pair with a weight of its own")
def _(answer, rng):
    return answer(*_scene(rng, n=4, m=4), torch.rand(4, 4, generator=rng) * 3)


@negative_sampling.probe("two leading dimensions, one label for all: (2, 3, 1, 7), (2, 3, 5, 7) and (1, 5)")
def _(answer, rng):
    centre, context, _ = _scene(rng, 2, 3, n=1)
    return answer(centre, context, torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]]))


@negative_sampling.probe("scores of some hundreds: the exponential of one overflows")
def _(answer, rng):
    return answer(*_scene(rng, scale=20.0))


@negative_sampling.probe("autograd switched off")
def _(answer, rng):
    with torch.inference_mode():
        try:
            return answer(*_scene(rng))
        except RuntimeError as error:
            if "grad" not in str(error) and "nference" not in str(error):
                raise
            raise Problem("autograd", "this leaves the gradients to autograd; write them out by hand.") from None


def _parts(centre, context, label, weight=1.0):
    score = centre @ context.mT
    return score, (weight * (functional.softplus(score) - label * score)).sum(), torch.sigmoid(score) - label


def _with_error(centre, context, loss, error):
    return loss, error @ context, error.mT @ centre


@negative_sampling.mistake("both gradients have the wrong sign: the error is sigmoid(score) - label.")
def uphill(centre, context, label, weight=1.0):
    _, loss, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss, -weight * error)


@negative_sampling.mistake("the error is sigmoid(score) - label; this takes the score without its sigmoid.")
def error_without_sigmoid(centre, context, label, weight=1.0):
    score, loss, _ = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss, weight * (score - label))


@negative_sampling.mistake("the gradients miss the label: the error is sigmoid(score) - label.")
def error_without_label(centre, context, label, weight=1.0):
    score, loss, _ = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss, weight * torch.sigmoid(score))


@negative_sampling.mistake("the slope of the sigmoid cancels against that of the logarithm: leave out σ(1 - σ).")
def extra_slope(centre, context, label, weight=1.0):
    score, loss, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss, weight * error * torch.sigmoid(score) * torch.sigmoid(-score))


@negative_sampling.mistake("the loss holds the real neighbours only: a drawn word costs -ln(1 - sigmoid(score)).")
def loss_of_the_real(centre, context, label, weight=1.0):
    score, _, error = _parts(centre, context, label, weight)
    loss = (weight * label * functional.softplus(-score)).sum()
    return _with_error(centre, context, loss, weight * error)


@negative_sampling.mistake("the loss treats drawn words as real: they should cost -ln(1 - sigmoid(score)).")
def loss_all_real(centre, context, label, weight=1.0):
    score, _, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, (weight * functional.softplus(-score)).sum(), weight * error)


@negative_sampling.mistake(
    "the loss has the wrong sign: a probability's logarithm is negative, so put a minus before it."
)
def loss_upside_down(centre, context, label, weight=1.0):
    _, loss, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, -loss, weight * error)


@negative_sampling.mistake("the loss is the mean here; the sum over all pairs is asked for.")
def mean_loss(centre, context, label, weight=1.0):
    score, loss, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss / score.numel(), weight * error)


@negative_sampling.mistake("loss and gradients are those of the mean; the sum over all pairs is asked for.")
def mean_of_all(centre, context, label, weight=1.0):
    score, loss, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss / score.numel(), weight * error / score.numel())


@negative_sampling.mistake("the gradients are those of the mean; the sum over all pairs is asked for.")
def mean_gradients(centre, context, label, weight=1.0):
    score, loss, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss, weight * error / score.numel())


@negative_sampling.mistake("the loss keeps one number a pair: sum them up to a single one.")
def loss_by_pair(centre, context, label, weight=1.0):
    score, _, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, weight * (functional.softplus(score) - label * score), weight * error)


@negative_sampling.mistake("the two gradients are swapped: first the one for centre, then the one for context.")
def swapped(centre, context, label, weight=1.0):
    loss, for_centre, for_context = text_vectors.negative_sampling(centre, context, label, weight)
    return loss, for_context, for_centre


@negative_sampling.mistake(
    "each pair is a question of its own, so a sigmoid; this is a softmax over the context words."
)
def softmax_instead(centre, context, label, weight=1.0):
    score = centre @ context.mT
    loss = -(weight * label * score.log_softmax(-1)).sum()
    return _with_error(centre, context, loss, weight * (score.softmax(-1) - label))


@negative_sampling.mistake("the gradients use a softmax over the context words; each pair has a sigmoid of its own.")
def softmax_in_the_gradients(centre, context, label, weight=1.0):
    score, loss, _ = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss, weight * (score.softmax(-1) - label))


@negative_sampling.mistake("`weight` is not used: it multiplies the loss and the error of each pair.")
def weight_forgotten(centre, context, label, weight=1.0):
    return text_vectors.negative_sampling(centre, context, label)


@negative_sampling.mistake("`weight` is in the loss but not in the gradients: multiply the error too.")
def weight_in_the_loss_only(centre, context, label, weight=1.0):
    _, loss, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, loss, error)


@negative_sampling.mistake("`weight` is in the gradients but not in the loss.")
def weight_in_the_gradients_only(centre, context, label, weight=1.0):
    _, loss, error = _parts(centre, context, label)
    return _with_error(centre, context, loss, weight * error)


@negative_sampling.mistake(
    "ln(sigmoid(score)) of a large negative score is ln(0): use functional.logsigmoid or softplus."
)
def logarithm_of_zero(centre, context, label, weight=1.0):
    score, _, error = _parts(centre, context, label, weight)
    chance = torch.sigmoid(score)
    loss = -(weight * (label * chance.log() + (1 - label) * (1 - chance).log())).sum()
    return _with_error(centre, context, loss, weight * error)


@negative_sampling.mistake(
    "picking the right chance before its logarithm still meets ln(0): use functional.logsigmoid."
)
def logarithm_of_a_picked_zero(centre, context, label, weight=1.0):
    score, _, error = _parts(centre, context, label, weight)
    chance = torch.where(label > 0, torch.sigmoid(score), 1 - torch.sigmoid(score))
    return _with_error(centre, context, -(weight * chance.log()).sum(), weight * error)


@negative_sampling.mistake("exp(score) overflows for a large score: use functional.softplus or logsigmoid.")
def exponential_overflows(centre, context, label, weight=1.0):
    score, _, error = _parts(centre, context, label, weight)
    return _with_error(centre, context, (weight * ((1 + score.exp()).log() - label * score)).sum(), weight * error)


# ----------------------------------------------------------------------------------------------------------- analogy

WORLD = {  # three numbers a word: male or female, royal, young
    "king": (1, 2, 0), "queen": (-1, 2, 0), "man": (1, 0, 0), "woman": (-1, 0, 0), "apple": (0, -1, -1),
    "prince": (1, 2, 2), "princess": (-1, 2, 2), "boy": (1, 0, 2), "girl": (-1, 0, 2),
}  # fmt: skip
QUESTIONS = ["man king woman", "man boy woman", "boy prince girl", "queen king girl", "prince boy queen"]


@analogy.probe("five questions about kings, queens and children; the first is man : king = woman : ?")
def _(answer, rng):
    vectors = torch.tensor(list(WORLD.values()), dtype=torch.float32)
    return [answer(*question.split(), vectors, list(WORLD)) for question in QUESTIONS]


@analogy.probe("rome : italy = paris : ?, where b - a is so short that paris stays nearest to itself")
def _(answer, rng):
    words = ["rome", "italy", "paris", "france", "bread"]
    vectors = torch.tensor([[9.0, 1.0], [9.0, 2.0], [1.0, 9.0], [2.0, 9.5], [-3.0, -9.0]])
    return answer(*words[:3], vectors, words)


@analogy.probe("some random vectors of very different lengths")
def _(answer, rng):
    answers = []
    for _ in range(30):
        vectors = torch.randn(19, 3, generator=rng) * torch.rand(19, 1, generator=rng).exp() ** 3
        words = [f"w{i}" for i in torch.randperm(19, generator=rng).tolist()]
        answers.append(answer(*_draw(rng, *words[:6], n=1), *_draw(rng, *words[6:12], n=1), words[12], vectors, words))
    return answers


def _nearest_to(target, vectors, words, without=(), similarity=text_vectors.cosine_similarity):
    found = similarity(target[None], vectors).squeeze(0)
    for word in without:
        found[words.index(word)] = -math.inf
    return words[found.argmax()]


def _vectors(a, b, c, vectors, words):
    return (vectors[words.index(word)] for word in (a, b, c))


@analogy.mistake("one of the three given words is no answer, though it is often the nearest: leave all three out.")
def given_words_stay(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(vb - va + vc, vectors, words)


@analogy.mistake("one of the three given words is no answer: this leaves out c only.")
def leaves_out_c(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(vb - va + vc, vectors, words, [c])


@analogy.mistake("one of the three given words is no answer: this leaves out b only.")
def leaves_out_b(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(vb - va + vc, vectors, words, [b])


@analogy.mistake("this takes the second nearest word. Leave out the three given words, then take the nearest.")
def second_nearest(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return words[text_vectors.cosine_similarity((vb - va + vc)[None], vectors).squeeze(0).topk(2).indices[1]]


@analogy.mistake("the given words are taken out of `words` but not out of `vectors`: rows and words no longer match.")
def rows_slipped(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    rest = [word for word in words if word not in (a, b, c)]
    return rest[text_vectors.cosine_similarity((vb - va + vc)[None], vectors[: len(rest)]).argmax()]


@analogy.mistake("the sum is turned around: a is to b, so b - a is added to c.")
def a_minus_b(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(va - vb + vc, vectors, words, [a, b, c])


@analogy.mistake("c is missing from the sum: b - a + c.")
def without_c(a, b, c, vectors, words):
    va, vb, _ = _vectors(a, b, c, vectors, words)
    return _nearest_to(vb - va, vectors, words, [a, b, c])


@analogy.mistake("a is missing from the sum: b - a + c.")
def without_a(a, b, c, vectors, words):
    _, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(vb + vc, vectors, words, [a, b, c])


@analogy.mistake("all three vectors are added: b - a + c.")
def all_added(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(va + vb + vc, vectors, words, [a, b, c])


@analogy.mistake("c has the wrong sign: b - a + c.")
def c_subtracted(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(vb - va - vc, vectors, words, [a, b, c])


@analogy.mistake("this is the word nearest to c: b and a are not used.")
def nearest_to_c(a, b, c, vectors, words):
    return _nearest_to(vectors[words.index(c)], vectors, words, [a, b, c])


@analogy.mistake("this takes the most dissimilar word: argmax, not argmin.")
def furthest(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    kept = [word for word in words if word not in (a, b, c)]
    found = text_vectors.cosine_similarity((vb - va + vc)[None], vectors[[words.index(word) for word in kept]])
    return kept[found.argmin()]


@analogy.mistake("this is the dot product: long vectors win. Compare by cosine.")
def by_dot_product(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(vb - va + vc, vectors, words, [a, b, c], lambda x, y: x @ y.mT)


@analogy.mistake("this is the smallest distance. Compare by cosine: the lengths of the vectors do not matter.")
def by_distance(a, b, c, vectors, words):
    va, vb, vc = _vectors(a, b, c, vectors, words)
    return _nearest_to(vb - va + vc, vectors, words, [a, b, c], lambda x, y: -torch.cdist(x, y))


@analogy.mistake("the vectors are scaled to length 1 before the sum. Add them as they are, and take the cosine after.")
def scaled_first(a, b, c, vectors, words):
    return text_vectors.analogy(a, b, c, functional.normalize(vectors, dim=-1), words)


@analogy.mistake("this is a row number; the word is asked for: words[...].")
def row_number(a, b, c, vectors, words):
    return words.index(text_vectors.analogy(a, b, c, vectors, words))


@analogy.mistake("this is a row number in a tensor; the word is asked for: words[...].")
def row_number_in_a_tensor(a, b, c, vectors, words):
    return torch.tensor(words.index(text_vectors.analogy(a, b, c, vectors, words)))

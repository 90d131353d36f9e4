"""Wrong answers to notebook 02, as people write them."""

import math
from collections import Counter

import torch
from torch.nn import functional

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------------ bag_of_words


@wrong("bag_of_words", says="stands twice")
def sets_to_one(texts, words):
    counts = torch.zeros(len(texts), len(words))
    for i, text in enumerate(texts):
        for word in text:
            if word in words:
                counts[i, words.index(word)] = 1
    return counts


@wrong("bag_of_words", says="turned around")
def one_row_a_word(texts, words):
    return torch.tensor([[float(text.count(word)) for text in texts] for word in words])


@wrong("bag_of_words", says="row of its own")
def counts_the_corpus(texts, words):
    total = Counter(word for text in texts for word in text)
    return torch.tensor([float(total[word]) for word in words])


@wrong("bag_of_words", says="start each text at 0")
def never_starts_again(texts, words):
    row, rows = [0.0] * len(words), []
    for text in texts:
        for j, word in enumerate(words):
            row[j] += text.count(word)
        rows.append(list(row))
    return torch.tensor(rows)


@wrong("bag_of_words", says="not counts")
def divides_by_the_length(texts, words):
    return torch.tensor([[text.count(word) / max(1, len(text)) for word in words] for text in texts])


@wrong("bag_of_words", says="alphabetical")
def sorts_the_words(texts, words):
    return torch.tensor([[float(text.count(word)) for word in sorted(words)] for text in texts])


@wrong("bag_of_words", says="happen to be in the texts")
def finds_its_own_words(texts, words):
    found = sorted(set().union(*texts))
    return torch.tensor([[float(text.count(word)) for word in found] for text in texts])


@wrong("bag_of_words", says="leave it out")
def trips_over_the_unknown(texts, words):
    number = {word: i for i, word in enumerate(words)}
    counts = torch.zeros(len(texts), len(words))
    for i, text in enumerate(texts):
        for word in text:
            counts[i, number[word]] += 1
    return counts


@wrong("bag_of_words", says="leave it out")
def index_of_the_unknown(texts, words):
    counts = torch.zeros(len(texts), len(words))
    for i, text in enumerate(texts):
        for word in text:
            counts[i, words.index(word)] += 1
    return counts


@wrong("bag_of_words", says="last column")
def minus_one_for_the_unknown(texts, words):
    number = {word: i for i, word in enumerate(words)}
    counts = torch.zeros(len(texts), len(words))
    for i, text in enumerate(texts):
        for word in text:
            counts[i, number.get(word, -1)] += 1
    return counts


@wrong("bag_of_words", says="first column")
def zero_for_the_unknown(texts, words):
    number = {word: i for i, word in enumerate(words)}
    counts = torch.zeros(len(texts), len(words))
    for i, text in enumerate(texts):
        for word in text:
            counts[i, number.get(word, 0)] += 1
    return counts


@wrong("bag_of_words", says="inside other words")
def counts_in_the_string(texts, words):
    return torch.tensor([[float(" ".join(text).count(word)) for word in words] for text in texts])


@wrong("bag_of_words", says="dtype")
def whole_numbers(texts, words):
    return torch.tensor([[text.count(word) for word in words] for text in texts])


@wrong("bag_of_words", says="torch.Tensor")
def lists_of_lists(texts, words):
    return [[float(text.count(word)) for word in words] for text in texts]


@wrong("bag_of_words", says="return")
def returns_nothing(texts, words):
    counts = torch.zeros(len(texts), len(words))
    for i, text in enumerate(texts):
        for j, word in enumerate(words):
            counts[i, j] = text.count(word)


@wrong("bag_of_words", says="shape")
def only_the_first_text(texts, words):
    return torch.tensor([[float(texts[0].count(word)) for word in words]])


@wrong("bag_of_words", says="one of them empty")
def passes_over_empty_texts(texts, words):
    rows = []
    for text in texts:
        if text:
            rows.append([float(text.count(word)) for word in words])
    return torch.tensor(rows)


@wrong("bag_of_words", says="changes what it was given")
def pops_the_words(texts, words):
    counts = torch.zeros(len(texts), len(words))
    for i, text in enumerate(texts):
        while text:
            word = text.pop()
            if word in words:
                counts[i, words.index(word)] += 1
    return counts


slips(
    "bag_of_words",
    squeezed=("axis of size 1", edit("return counts", "return counts.squeeze()")),
    one_text_as_a_row=("shape", edit("return counts", "return counts if len(counts) > 1 else counts[0]")),
    table_of_256=("IndexError", edit("len(words))", "min(len(words), 256))")),
    row_for_real_texts=("shape", edit("return counts", "return counts[counts.any(1)]")),
    needs_an_index=("not subscriptable", edit("enumerate(texts)", "((i, texts[i]) for i in range(len(texts)))")),
    half_precision=(
        None,
        edit("len(words))\n", "len(words), dtype=torch.float16)\n", "return counts", "return counts.float()"),
    ),
)


_totals = Counter()


@wrong("bag_of_words", says="keeps something")
def one_counter_for_all_calls(texts, words):
    rows = []
    for text in texts:
        _totals.update(text)
        rows.append([float(_totals[word]) for word in words])
        _totals.subtract(text)
    _totals.update(texts[0])
    return torch.tensor(rows)


# ------------------------------------------------------------------------------------------------------------ tf_idf


def _idf(counts):
    return torch.log((1 + counts.shape[0]) / (1 + (counts > 0).sum(0))) + 1


@wrong("tf_idf", says="rows are not scaled")
def forgets_to_scale(counts):
    return counts * _idf(counts)


@wrong("tf_idf", says="1 after the logarithm")
def forgets_plus_one(counts):
    df = (counts > 0).sum(0)
    return functional.normalize(counts * torch.log((1 + len(counts)) / (1 + df)), dim=1)


@wrong("tf_idf", says="two 1s inside")
def textbook_without_smoothing(counts):
    df = (counts > 0).sum(0).clamp(min=1)
    return functional.normalize(counts * (torch.log(len(counts) / df) + 1), dim=1)


@wrong("tf_idf", says="only the lower part")
def smooths_below_only(counts):
    df = (counts > 0).sum(0)
    return functional.normalize(counts * (torch.log(len(counts) / (1 + df)) + 1), dim=1)


@wrong("tf_idf", says="no logarithm")
def forgets_the_logarithm(counts):
    df = (counts > 0).sum(0)
    return functional.normalize(counts * ((1 + len(counts)) / (1 + df) + 1), dim=1)


@wrong("tf_idf", says="another base")
def takes_log10(counts):
    df = (counts > 0).sum(0)
    return functional.normalize(counts * (torch.log10((1 + len(counts)) / (1 + df)) + 1), dim=1)


@wrong("tf_idf", says="upside down")
def fraction_turned(counts):
    df = (counts > 0).sum(0)
    return functional.normalize(counts * (torch.log((1 + df) / (1 + len(counts))) + 1), dim=1)


@wrong("tf_idf", says="weights of the words are not used")
def only_scales(counts):
    return counts / counts.norm(dim=1, keepdim=True).clamp(min=1e-9)


@wrong("tf_idf", says="in one text")
def sums_the_counts(counts):
    idf = torch.log((1 + len(counts)) / (1 + counts.sum(dim=0))) + 1
    return functional.normalize(counts * idf, dim=1)


@wrong("tf_idf", says="number of words")
def takes_the_wrong_size(counts):
    idf = torch.log((1 + counts.shape[1]) / (1 + (counts > 0).sum(0))) + 1
    return functional.normalize(counts * idf, dim=1)


@wrong("tf_idf", says="scales the columns")
def wrong_axis_scaled(counts):
    return functional.normalize(counts * _idf(counts), dim=0)


@wrong("tf_idf", says="sum of squares")
def rows_sum_to_one(counts):
    weighed = counts * _idf(counts)
    return weighed / weighed.sum(1, keepdim=True).clamp(min=1e-9)


@wrong("tf_idf", says="weigh first")
def scales_before(counts):
    return functional.normalize(counts, dim=1) * _idf(counts)


@wrong("tf_idf", says="0 / 0")
def divides_by_zero(counts):
    weighed = counts * _idf(counts)
    return weighed / weighed.norm(dim=1, keepdim=True)


@wrong("tf_idf", says="its root")
def forgets_the_root(counts):
    weighed = counts * _idf(counts)
    return weighed / (weighed**2).sum(1, keepdim=True).clamp(min=1e-9)


@wrong("tf_idf", says="a single text")
def squeezes_a_single_text(counts):
    return functional.normalize(counts * _idf(counts), dim=1).squeeze()


@wrong("tf_idf", says="changes what it was given")
def in_place(counts):
    counts *= _idf(counts)
    return functional.normalize(counts, dim=1)


@wrong("tf_idf", says="shape")
def only_the_idf(counts):
    return _idf(counts)


@wrong("tf_idf", says="return")
def prints_instead(counts):
    print(functional.normalize(counts * _idf(counts), dim=1))


@wrong("tf_idf", says="scaled away")
def having_along_the_wrong_axis(counts):
    df = (counts > 0).sum(1, keepdim=True)
    return functional.normalize(counts * (torch.log((1 + len(counts)) / (1 + df)) + 1), dim=1)


slips(
    "tf_idf",
    unused_words_dropped=(
        "shape",
        edit(
            "return functional",
            "counts, rarity = counts[:, texts_with_word > 0], rarity[texts_with_word > 0]\n    return functional",
        ),
    ),
    squeezed=("axis of size 1", edit("  # each row", ".squeeze()")),
    empty_texts_skipped=("shape", edit("  # each row", "[counts.any(1)]")),
    empty_texts_uncounted=("number of rows", edit("len(counts)", "counts.any(dim=1).sum()")),
    uncertain_count=("expected", edit("counts > 0", "counts > 1")),
    no_more_than_ten=(None, edit("normalize(counts", "normalize(counts.clamp(max=10)")),
)


# ------------------------------------------------------------------------------------------------- cosine_similarity


@wrong("cosine_similarity", says="dot product")
def no_lengths(a, b):
    return torch.matmul(a, b.transpose(-1, -2))


@wrong("cosine_similarity", says="rows of b too")
def divides_by_a_only(a, b):
    return (a / a.norm(dim=-1, keepdim=True)) @ b.transpose(-1, -2)


@wrong("cosine_similarity", says="rows of a too")
def divides_by_b_only(a, b):
    return a @ (b / b.norm(dim=-1, keepdim=True)).transpose(-1, -2)


@wrong("cosine_similarity", says="wrong axis")
def lengths_of_columns(a, b):
    a, b = a / a.norm(dim=0, keepdim=True).clamp(min=1e-9), b / b.norm(dim=0, keepdim=True).clamp(min=1e-9)
    return a @ b.transpose(-1, -2)


@wrong("cosine_similarity", says="use dim=-1")
def second_axis_always(a, b):
    a, b = functional.normalize(a, dim=1), functional.normalize(b, dim=1)
    return a @ b.transpose(-2, -1)


@wrong("cosine_similarity", says="whole table")
def one_length_for_all(a, b):
    return a @ b.transpose(-1, -2) / (torch.linalg.norm(a) * torch.linalg.norm(b))


@wrong("cosine_similarity", says="root is missing")
def no_root(a, b):
    a2, b2 = (a**2).sum(-1, keepdim=True), (b**2).sum(-1, keepdim=True)
    return (a / a2.clamp(min=1e-9)) @ (b / b2.clamp(min=1e-9)).transpose(-1, -2)


@wrong("cosine_similarity", says="absolute")
def takes_the_size(a, b):
    return torch.abs(functional.normalize(a, dim=-1) @ functional.normalize(b, dim=-1).transpose(-1, -2))


@wrong("cosine_similarity", says="distance")
def gives_the_distance(a, b):
    return 1 - functional.normalize(a, dim=-1) @ functional.normalize(b, dim=-1).transpose(-1, -2)


@wrong("cosine_similarity", says="angle")
def gives_the_angle(a, b):
    return torch.acos(functional.normalize(a, dim=-1) @ functional.normalize(b, dim=-1).transpose(-1, -2))


@wrong("cosine_similarity", says="rows belong to a")
def b_before_a(a, b):
    return functional.normalize(b, dim=-1) @ functional.normalize(a, dim=-1).transpose(-1, -2)


@wrong("cosine_similarity")
def same_rows_only(a, b):
    return (functional.normalize(a, dim=-1) * functional.normalize(b, dim=-1)).sum(-1)


@wrong("cosine_similarity", says="last two only")
def plain_t(a, b):
    b = functional.normalize(b, dim=-1)
    return functional.normalize(a, dim=-1) @ b.permute(*range(b.ndim - 1, -1, -1))


@wrong("cosine_similarity", says="0 / 0")
def nan_for_nothing(a, b):
    return (a / a.norm(dim=-1, keepdim=True)) @ (b / b.norm(dim=-1, keepdim=True)).transpose(-1, -2)


@wrong("cosine_similarity", says="changes what it was given")
def scales_in_place(a, b):
    a /= a.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    b /= b.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    return a @ b.transpose(-1, -2)


@wrong("cosine_similarity", says="return")
def forgets_to_return(a, b):
    functional.normalize(a, dim=-1) @ functional.normalize(b, dim=-1).transpose(-1, -2)


@wrong("cosine_similarity", says="leading dimensions")
def two_dimensions_only(a, b):
    return torch.einsum("nd,md->nm", functional.normalize(a, dim=-1), functional.normalize(b, dim=-1))


@wrong("cosine_similarity", says="something is added to the lengths")
def never_by_zero(a, b):
    lengths = a.norm(dim=-1)[..., :, None] * b.norm(dim=-1)[..., None, :]
    return a @ b.mT / (lengths + 1e-6)


slips(
    "cosine_similarity",
    squeezed=("axis of size 1", edit("transpose(-2, -1)", "transpose(-2, -1)).squeeze()", "return ", "return (")),
    last_axis_squeezed=("shape", edit("transpose(-2, -1)", "transpose(-2, -1)).squeeze(-1)", "return ", "return (")),
    first_axis_squeezed=("shape", edit("transpose(-2, -1)", "transpose(-2, -1)).squeeze(0)", "return ", "return (")),
    negative_to_zero=("result", edit("transpose(-2, -1)", "transpose(-2, -1)).relu()", "return ", "return (")),
    eps_of_a_hundredth=("result", edit("dim=-1", "dim=-1, eps=0.3")),
    empty_if_the_sum_is_zero=(
        "result",
        *(edit(f"normalize({x}, dim=-1)", f"normalize({x} * ({x}.sum(-1, keepdim=True) != 0), dim=-1)") for x in "ab"),
    ),
)


# --------------------------------------------------------------------------------------------------- skip_gram_pairs


@wrong("skip_gram_pairs", says="leave out the centre")
def keeps_the_centre(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
            pairs.append((sentence[i], sentence[j]))
    return pairs


@wrong("skip_gram_pairs", says="left are missing")
def looks_right(sentence, window):
    pairs = []
    for i, word in enumerate(sentence):
        pairs += [(word, other) for other in sentence[i + 1 : i + 1 + window]]
    return pairs


@wrong("skip_gram_pairs", says="right are missing")
def looks_left(sentence, window):
    pairs = []
    for i, word in enumerate(sentence):
        pairs += [(word, other) for other in sentence[max(0, i - window) : i]]
    return pairs


@wrong("skip_gram_pairs", says="so add 1")
def range_without_plus_one(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(max(0, i - window), min(len(sentence), i + window)):
            if i != j:
                pairs.append((sentence[i], sentence[j]))
    return pairs


@wrong("skip_gram_pairs", says="where the range ends")
def loses_the_end(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(max(0, i - window), min(len(sentence) - 1, i + window + 1)):
            if i != j:
                pairs.append((sentence[i], sentence[j]))
    return pairs


@wrong("skip_gram_pairs", says="from the end")
def negative_indices(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(i - window, i + window + 1):
            if i != j and j < len(sentence):
                pairs.append((sentence[i], sentence[j]))
    return pairs


@wrong("skip_gram_pairs", says="of a slice")
def negative_slice(sentence, window):
    pairs = []
    for i, word in enumerate(sentence):
        for other in sentence[i - window : i] + sentence[i + 1 : i + window + 1]:
            pairs.append((word, other))
    return pairs


@wrong("skip_gram_pairs", says="every word is a centre")
def skips_the_edges(sentence, window):
    pairs = []
    for i in range(window, len(sentence) - window):
        for j in range(i - window, i + window + 1):
            if i != j:
                pairs.append((sentence[i], sentence[j]))
    return pairs


@wrong("skip_gram_pairs", says="first the centre")
def neighbour_first(sentence, window):
    n = len(sentence)
    return [(sentence[j], sentence[i]) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window]


@wrong("skip_gram_pairs", says="exactly `window`")
def only_at_the_rim(sentence, window):
    n = len(sentence)
    return [(sentence[i], sentence[j]) for i in range(n) for j in range(n) if abs(i - j) == window]


@wrong("skip_gram_pairs", says="one too wide")
def one_more(sentence, window):
    n = len(sentence)
    return [(sentence[i], sentence[j]) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window + 1]


@wrong("skip_gram_pairs", says="words are compared")
def compares_words(sentence, window):
    pairs = []
    for i, centre in enumerate(sentence):
        for other in sentence[max(0, i - window) : i + window + 1]:
            if other != centre:
                pairs.append((centre, other))
    return pairs


@wrong("skip_gram_pairs", says="use enumerate")
def asks_for_the_index(sentence, window):
    pairs = []
    for centre in sentence:
        i = sentence.index(centre)
        for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
            if j != i:
                pairs.append((centre, sentence[j]))
    return pairs


@wrong("skip_gram_pairs", says="Keep repeats")
def no_repeats(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
            if i != j and (sentence[i], sentence[j]) not in pairs:
                pairs.append((sentence[i], sentence[j]))
    return pairs


@wrong("skip_gram_pairs", says="flat list")
def a_list_for_each_centre(sentence, window):
    n = len(sentence)
    return [[(sentence[i], sentence[j]) for j in range(n) if 0 < abs(i - j) <= window] for i in range(n)]


@wrong("skip_gram_pairs", says="IndexError")
def beyond_the_end(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(max(0, i - window), i + window + 1):
            if i != j:
                pairs.append((sentence[i], sentence[j]))
    return pairs


@wrong("skip_gram_pairs", says="return")
def prints_the_pairs(sentence, window):
    for i in range(len(sentence)):
        for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
            if i != j:
                print(sentence[i], sentence[j])


@wrong("skip_gram_pairs", says="window 2")
def returns_in_the_loop(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
            if i != j:
                pairs.append((sentence[i], sentence[j]))
        return pairs
    return pairs


@wrong("skip_gram_pairs", says="a sentence of one word, and an empty one")
def looks_at_the_first_word(sentence, window):
    numbers = isinstance(sentence[0], int)
    n = len(sentence)
    pairs = [(sentence[i], sentence[j]) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window]
    return [(int(a), int(b)) for a, b in pairs] if numbers else pairs


@wrong("skip_gram_pairs", says="numbers instead of words")
def joins_the_words(sentence, window):
    n = len(sentence)
    joined = [" ".join((sentence[i], sentence[j])) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window]
    return [tuple(pair.split()) for pair in joined]


slips(
    "skip_gram_pairs",
    sorted_by_a_key_of_two_digits=(
        None,
        edit(
            "def skip_gram_pairs",
            "def skip_gram_pairs(sentence, window):\n    near = _pairs(range(len(sentence)), window)\n"
            "    return [(sentence[a], sentence[b]) for a, b in sorted(near, key=lambda p: 100 * p[0] + p[1])]\n\n\n"
            "def _pairs",
        ),
    ),
    left_out_zero=("0 among them", edit("if other != place", "if other != place and sentence[other] != 0")),
    a_default_list=(
        "keeps something",
        edit("window: int)", "window: int, pairs=[])", "    pairs = []\n", ""),
    ),
    by_identity=("twin", edit("other != place", "sentence[other] is not centre")),
    window_of_two=("expected", edit("place - window", "place - 2", "place + window", "place + 2")),
    lists_of_strings=("expected", edit("(centre, sentence[other])", "f'{centre} {sentence[other]}'")),
    reversed_neighbours=(
        "another order",
        edit("for other in range(", "for other in reversed(range(", "window + 1)):", "window + 1))):"),
    ),
    a_hundred_at_most=("expected", edit("return pairs", "return pairs[:100]")),
    numbers_as_floats=(
        None,
        edit(
            "return pairs",
            "return [tuple(int(torch.tensor(float(w))) if isinstance(w, int) else w for w in pair) for pair in pairs]",
        ),
    ),
)


# ------------------------------------------------------------------------------------------------- negative_sampling


def _score(centre, context):
    return centre @ context.transpose(-1, -2)


def _loss(score, label, weight):
    return (weight * functional.binary_cross_entropy_with_logits(score, label.expand_as(score), reduction="none")).sum()


@wrong("negative_sampling", says="wrong sign: the error")
def climbs(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (label - torch.sigmoid(score))
    return _loss(score, label, weight), error @ context, error.mT @ centre


@wrong("negative_sampling", says="without its sigmoid")
def no_sigmoid(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (score - label)
    return _loss(score, label, weight), error @ context, error.mT @ centre


@wrong("negative_sampling", says="miss the label")
def no_label(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * score.sigmoid()
    return _loss(score, label, weight), error @ context, error.mT @ centre


@wrong("negative_sampling", says="leave out")
def chain_rule_of_squares(centre, context, label, weight=1.0):
    score = _score(centre, context)
    p = torch.sigmoid(score)
    error = weight * (p - label) * p * (1 - p)
    return _loss(score, label, weight), error @ context, error.mT @ centre


@wrong("negative_sampling", says="real neighbours only")
def costs_only_the_real(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label)
    loss = -(weight * label * functional.logsigmoid(score)).sum()
    return loss, error @ context, error.mT @ centre


@wrong("negative_sampling", says="drawn words as real")
def everything_is_real(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label)
    return -(weight * functional.logsigmoid(score)).sum(), error @ context, error.mT @ centre


@wrong("negative_sampling", says="put a minus")
def forgets_the_minus(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label)
    return -_loss(score, label, weight), error @ context, error.mT @ centre


@wrong("negative_sampling", says="loss is the mean")
def averages_the_loss(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label)
    return _loss(score, label, weight) / score.numel(), error @ context, error.mT @ centre


@wrong("negative_sampling", says="those of the mean")
def averages_everything(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label) / score.numel()
    return _loss(score, label, weight) / score.numel(), error @ context, error.mT @ centre


@wrong("negative_sampling", says="one number a pair")
def never_sums(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label)
    loss = functional.binary_cross_entropy_with_logits(score, label.expand_as(score), reduction="none") * weight
    return loss, error @ context, error.mT @ centre


@wrong("negative_sampling", says="swapped")
def wrong_order(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label)
    return _loss(score, label, weight), error.mT @ centre, error @ context


@wrong("negative_sampling", says="a softmax")
def softmax_over_contexts(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.softmax(score, dim=-1) - label)
    return _loss(score, label, weight), error @ context, error.mT @ centre


@wrong("negative_sampling", says="`weight` has no effect")
def no_weight(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = torch.sigmoid(score) - label
    return _loss(score, label, 1.0), error @ context, error.mT @ centre


@wrong("negative_sampling", says="not in the gradients")
def no_weight_in_gradients(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = torch.sigmoid(score) - label
    return _loss(score, label, weight), error @ context, error.mT @ centre


@wrong("negative_sampling", says="not in the loss")
def no_weight_in_loss(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = (torch.sigmoid(score) - label) * weight
    return _loss(score, label, 1.0), error @ context, error.mT @ centre


@wrong("negative_sampling", says="ln(0)")
def plain_logarithms(centre, context, label, weight=1.0):
    score = _score(centre, context)
    p = torch.sigmoid(score)
    error = weight * (p - label)
    loss = -(weight * (label * torch.log(p) + (1 - label) * torch.log(1 - p))).sum()
    return loss, error @ context, error.mT @ centre


@wrong("negative_sampling", says="overflows")
def plain_exponential(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label)
    loss = (weight * (torch.log(1 + torch.exp(score)) - label * score)).sum()
    return loss, error @ context, error.mT @ centre


@wrong("negative_sampling", says="autograd")
def lets_autograd_work(centre, context, label, weight=1.0):
    with torch.enable_grad():
        centre, context = centre.detach().requires_grad_(), context.detach().requires_grad_()
        loss = _loss(centre @ context.mT, label, weight)
        return loss.detach(), *torch.autograd.grad(loss, (centre, context))


@wrong("negative_sampling", says="turns all axes around")
def plain_transpose(centre, context, label, weight=1.0):
    score = torch.einsum("nd,md->nm", centre, context)
    error = weight * (torch.sigmoid(score) - label)
    return _loss(score, label, weight), error @ context, error.T @ centre


@wrong("negative_sampling", says="shape")
def for_one_centre(centre, context, label, weight=1.0):
    score = _score(centre, context)
    error = weight * (torch.sigmoid(score) - label)
    return _loss(score, label, weight), (error @ context).sum(-2), error.mT @ centre


@wrong("negative_sampling", says="expected 3 values")
def loss_alone(centre, context, label, weight=1.0):
    return _loss(_score(centre, context), label, weight)


slips(
    "negative_sampling",
    loss_of_one_axis=("shape", edit("label * score)).sum()", "label * score)).sum(0)")),
    loss_as_a_float=("not a float", edit("return loss,", "return loss.item(),")),
    squeezed=("shape", edit("return loss, error @ context", "return loss, (error @ context).squeeze()")),
    context_of_one=(
        "one context word",
        edit("error.transpose(-2, -1) @ centre", "(error.transpose(-2, -1) @ centre).squeeze(-2)"),
    ),
    three_axes_at_most=(
        "raised",
        edit(
            "centre @ context.tr",
            "(torch.bmm if centre.ndim > 2 else torch.mm)(centre, context.tr",
            "-1)  # (..., n, m)\n    loss",
            "-1))\n    loss",
        ),
    ),
    weight_squared=("expected", edit("error = weight", "error = weight * weight")),
    label_by_row=("raised", edit("label * score", "label.view(score.shape) * score")),
    clamped_scores=("expected", edit("    loss", "    score = score.clamp(-30, 30)\n    loss")),
    centre_counts_twice=("expected", edit("return loss, error @ context", "return loss, 2 * error @ context")),
    weight_of_full_size=(
        None,
        edit("    loss =", "    weight = weight.view_as(score) if torch.is_tensor(weight) else weight\n    loss ="),
    ),
)


# ----------------------------------------------------------------------------------------------------------- analogy


def _cosine(target, vectors):
    return functional.cosine_similarity(target[None], vectors, dim=-1)


def _rows(a, b, c, vectors, words):
    return vectors[words.index(a)], vectors[words.index(b)], vectors[words.index(c)]


def _best(scores, words, without):
    return max((word for word in words if word not in without), key=lambda word: scores[words.index(word)])


@wrong("analogy", says="leave all three out")
def excludes_nothing(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return words[_cosine(vb - va + vc, vectors).argmax()]


@wrong("analogy", says="leaves out c only")
def excludes_c(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return _best(_cosine(vb - va + vc, vectors), words, {c})


@wrong("analogy", says="leaves out b only")
def excludes_b(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return _best(_cosine(vb - va + vc, vectors), words, {b})


@wrong("analogy", says="second nearest")
def takes_the_second(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return words[_cosine(vb - va + vc, vectors).topk(2).indices[1]]


@wrong("analogy", says="turned around")
def subtracts_b(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return _best(_cosine(va - vb + vc, vectors), words, {a, b, c})


@wrong("analogy", says="c is missing")
def only_the_difference(a, b, c, vectors, words):
    va, vb, _ = _rows(a, b, c, vectors, words)
    return _best(_cosine(vb - va, vectors), words, {a, b, c})


@wrong("analogy", says="a is missing")
def adds_b_and_c(a, b, c, vectors, words):
    _, vb, vc = _rows(a, b, c, vectors, words)
    return _best(_cosine(vb + vc, vectors), words, {a, b, c})


@wrong("analogy", says="all three vectors are added")
def adds_them_all(a, b, c, vectors, words):
    return _best(_cosine(sum(_rows(a, b, c, vectors, words)), vectors), words, {a, b, c})


@wrong("analogy", says="wrong sign")
def subtracts_c(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return _best(_cosine(vb - va - vc, vectors), words, {a, b, c})


@wrong("analogy", says="long vectors win")
def by_product(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return _best(vectors @ (vb - va + vc), words, {a, b, c})


@wrong("analogy", says="smallest distance")
def by_closeness(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return _best(-(vectors - (vb - va + vc)).norm(dim=1), words, {a, b, c})


@wrong("analogy", says="expected")
def unit_vectors_first(a, b, c, vectors, words):
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    va, vb, vc = _rows(a, b, c, vectors, words)
    return _best(vectors @ (vb - va + vc), words, {a, b, c})


@wrong("analogy", says="most dissimilar")
def takes_the_least(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    return _best(-_cosine(vb - va + vc, vectors), words, {a, b, c})


@wrong("analogy", says="row number")
def gives_the_row(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    scores = _cosine(vb - va + vc, vectors)
    scores[[words.index(word) for word in (a, b, c)]] = -math.inf
    return int(scores.argmax())


@wrong("analogy", says="row number")
def gives_the_row_in_a_tensor(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    scores = _cosine(vb - va + vc, vectors)
    scores[[words.index(word) for word in (a, b, c)]] = -math.inf
    return scores.argmax()


@wrong("analogy", says="return")
def leaves_it_unsaid(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    _best(_cosine(vb - va + vc, vectors), words, {a, b, c})


@wrong("analogy", says="changes what it was given")
def overwrites_the_given(a, b, c, vectors, words):
    va, vb, vc = (row.clone() for row in _rows(a, b, c, vectors, words))
    vectors[[words.index(word) for word in (a, b, c)]] = 0
    return words[_cosine(vb - va + vc, vectors).argmax()]


@wrong("analogy", says="no longer match")
def removes_the_words_only(a, b, c, vectors, words):
    va, vb, vc = _rows(a, b, c, vectors, words)
    rest = [word for word in words if word not in (a, b, c)]
    return rest[_cosine(vb - va + vc, vectors)[: len(rest)].argmax()]


slips(
    "analogy",
    rows_of_zeros_left_out=(
        None,
        edit("= -torch.inf", "= -torch.inf\n    similarity[(vectors == 0).all(-1)] = -torch.inf"),
    ),
    bars_twins_too=(
        None,
        edit(
            "    similarity[given] = -torch.inf",
            "    for v in (va, vb, vc):\n        similarity[(vectors == v).all(-1)] = -torch.inf",
        ),
    ),
    at_zero=("may lie below it", edit("-torch.inf", "0.0")),
    leaves_a=("a is no answer either", edit("y[given]", "y[given[1:]]")),
    leaves_b=("b is no answer either", edit("y[given]", "y[given[::2]]")),
    words_shifted=(
        "taken out of `vectors`",
        edit(
            "similarity[given] = -torch.inf",
            "similarity = similarity[[i for i in range(len(words)) if i not in given]]",
        ),
    ),
    zeros_are_nan=(
        "0 / 0",
        edit(
            "cosine_similarity((vb - va + vc)[None], vectors).squeeze(0)",
            "vectors @ functional.normalize(vb - va + vc, dim=0) / vectors.norm(dim=1)",
        ),
    ),
    first_hundred=("expected", edit("similarity.argmax()", "similarity[:100].argmax()")),
    by_size=("expected", edit("similarity.argmax()", "similarity.abs().masked_fill(similarity.isinf(), -1).argmax()")),
    a_tuple=(
        "expected",
        edit("return words[similarity.argmax()]", "return words[similarity.argmax()], similarity.max()"),
    ),
)

"""The checks of notebook 02: counting words, weighing them, comparing vectors, and learning them from neighbours."""

import torch

from lib import text_vectors
from lib.checks.bag_of_words_and_word2vec_questions import (
    bank_neighbours,
    dense_numbers,
    drawn_ratio,
    flat_training,
    pairs_of_a_sentence,
    quark_weight,
    softmax_price,
)
from lib.checks.core import Exercise, edit
from lib.checks.probing import without_autograd
from lib.checks.running import Problem

__all__ = [
    "analogy",
    "bag_of_words",
    "bank_neighbours",
    "cosine_similarity",
    "dense_numbers",
    "drawn_ratio",
    "flat_training",
    "negative_sampling",
    "pairs_of_a_sentence",
    "quark_weight",
    "skip_gram_pairs",
    "softmax_price",
    "tf_idf",
]

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


@bag_of_words.probe("five texts of unequal length, one of them empty, as the values of a dictionary")
def _(answer, rng):
    lengths = [*torch.randint(1, 12, (3,), generator=rng).tolist(), 17, 0]
    return answer({length: _draw(rng, *"abcdefg", n=length) for length in lengths}.values(), list("gbdca"))


@bag_of_words.probe("one text, 'Anna saw anna', and the vocabulary Anna alone")
def _(answer, rng):
    return answer([["Anna", "saw", "anna"]], ["Anna"])


@bag_of_words.probe("a text of 3,401 words, 3,001 times the same one, and 300 words in the vocabulary")
def _(answer, rng):
    words = [f"w{i}" for i in range(300)]
    return answer([words[150:] + ["w7"] * 3001 + ["x"] * 250, ["w299"]], words)


# fmt: off
bag_of_words.mistakes(
    there_or_not=("this says only whether a word is there. Count: a word that stands twice gets 2.",
        edit("+= 1", "= 1")),
    turned_around=("this is turned around: one row a text, one column a word.",
        edit("return counts", "return counts.T")),
    one_row_for_all=("all texts are counted together. Each text gets a row of its own.",
        edit("return counts", "return counts.sum(0)"), edit("return counts", "return counts.sum(0, keepdim=True)")),
    running_total=("the row of a text also holds the counts of the texts before it: start each text at 0.",
        edit("return counts", "return counts.cumsum(0)")),
    shares=("these are shares of the text, not counts: do not divide by its length.", edit("+= 1", "+= 1 / len(text)")),
    alphabetical=("the columns are in alphabetical order; column i belongs to words[i], in the order given.",
        edit("enumerate(words)", "enumerate(sorted(words))")),
    own_vocabulary=("the vocabulary is the argument `words`, not the words that happen to be in the texts.",
        edit("    number =", "    words = sorted({word for text in texts for word in text})\n    number ="),
        edit("    number =", "    words = list(dict.fromkeys(word for text in texts for word in text))\n    number =")),
    trips_over_the_unknown=("a word that is not in the vocabulary has no column: leave it out (`if word in ...`).",
        edit("if word in number", "if True"),
        edit("if word in number", "if True", "number[word]", "words.index(word)")),
    unknown_to_the_last=("unknown words end up in the last column: -1 is an index in Python. Leave them out.",
        edit("if word in number", "if True", "number[word]", "number.get(word, -1)")),
    unknown_to_the_first=("unknown words end up in the first column. Leave them out.",
        edit("if word in number", "if True", "number[word]", "number.get(word, 0)")),
    pieces_of_words=(
        "this also counts letters inside other words ('art' in 'start'). Compare whole words.",
        edit(
            "return counts", 'return torch.tensor([[1.0 * " ".join(t).count(word) for word in words] for t in texts])'
        ),
        edit("return counts", 'return torch.tensor([[1.0 * "".join(t).count(word) for word in words] for t in texts])'),
    ),
    lower_case=("the words are taken as they are: `Anna` is not `anna`, so no `.lower()` here.",
        edit("for word in text", "for word in map(str.lower, text)"),
        edit("for word in text", "for word in map(str.lower, text)", "{word:", "{word.lower():")),
    whole_numbers=("the counts are int64; a float tensor is asked for.", edit("return counts", "return counts.long()")),
    small_numbers=("the counts overflow: a type of 8 bits ends at 255 (or 127). Count in float32.",
        edit("len(words))", "len(words), dtype=torch.uint8)", "return counts", "return counts.float()"),
        edit("len(words))", "len(words), dtype=torch.int8)", "return counts", "return counts.float()")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------------ tf_idf


def _counts(rng, texts, vocab):
    counts = torch.randint(0, 4, (texts, vocab), generator=rng) * (torch.rand(texts, vocab, generator=rng) < 0.6)
    counts[0, 0] = counts[0, 0] + 300  # something stands often in one text, and each text has a word
    counts[:, 1] += 1
    return counts.float()


@tf_idf.probe("the counts [[1, 1, 0], [0, 1, 1]]")
def _(answer, rng):
    return answer(torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]))


@tf_idf.probe("random counts of 5 words in 1,100 texts")
def _(answer, rng):
    return answer(_counts(rng, 1100, 5))


@tf_idf.probe("a single text")
def _(answer, rng):
    return answer(_counts(rng, 1, 5))


@tf_idf.probe("a text without any words, and a word without any text")
def _(answer, rng):
    counts = _counts(rng, 3, 5)
    counts[1], counts[2, 0], counts[:, 4] = 0, 0, 0  # the first word is in one text, the second in two
    return answer(counts)


_FRACTION = "(1 + len(counts)) / (1 + texts_with_word)"
_SCALED = "functional.normalize(counts * rarity)"

# fmt: off
tf_idf.mistakes(
    not_scaled=("the rows are not scaled: divide each row by its length (the root of its sum of squares).",
        edit(_SCALED, "counts * rarity")),
    without_plus_one=("the 1 after the logarithm is missing: a word that is in every text would count nothing.",
        edit("texts_with_word)) + 1", "texts_with_word))")),
    without_smoothing=("the two 1s inside the logarithm are missing: (1 + texts) / (1 + texts that have the word).",
        edit(_FRACTION, "len(counts) / texts_with_word"),
        edit(_FRACTION, "len(counts) / texts_with_word.clamp(min=1)")),
    half_smoothed=("only the lower part of the fraction has its 1: it is (1 + texts) / (1 + texts that have the word).",
        edit(_FRACTION, "len(counts) / (1 + texts_with_word)")),
    half_smoothed_above=(
        "only the upper part of the fraction has its 1: it is (1 + texts) / (1 + texts that have the word).",
        edit(_FRACTION, "(1 + len(counts)) / texts_with_word"),
        edit(_FRACTION, "(1 + len(counts)) / texts_with_word.clamp(min=1)"),
    ),
    without_logarithm=("the fraction has no logarithm around it.", edit("torch.log(", "(")),
    plain_fraction=("the fraction has no logarithm around it, and no 1 after it.",
        edit("torch.log(", "(", "texts_with_word)) + 1", "texts_with_word))")),
    other_base=("this is a logarithm to another base; ln, `torch.log`, is asked for.",
        edit("torch.log(", "torch.log10("), edit("torch.log(", "torch.log2(")),
    upside_down=("the fraction is upside down: frequent words gain here, and rare ones should.",
        edit(_FRACTION, "(1 + texts_with_word) / (1 + len(counts))")),
    without_rarity=(
        "the weights of the words are not used (one weight a text is scaled away): these are the scaled counts.",
        edit("counts * rarity", "counts"),
    ),
    without_counts=(
        "the counts are not used, only whether they are above 0: multiply the counts by the weights of their words.",
        edit("counts * rarity", "(counts > 0) * rarity"),
    ),
    occurrences_instead_of_texts=(
        "a word that stands twice in one text is in one text: count the texts that have it, `counts > 0`.",
        edit("(counts > 0).sum(", "counts.sum("),
    ),
    words_instead_of_texts=("`texts` is the number of rows, `len(counts)`; this takes the number of words.",
        edit("len(counts)", "counts.shape[1]")),
    empty_texts_not_counted=("a text without words is a text too: `texts` is the number of rows, `len(counts)`.",
        edit("len(counts)", "(counts.sum(dim=1) > 0).sum()")),
    columns_scaled=("each row should get length 1; this scales the columns.",
        edit("(counts * rarity)", "(counts * rarity, dim=0)")),
    table_scaled=("each row should get length 1; this divides by the length of the whole table.",
        edit(_SCALED, "counts * rarity / (counts * rarity).norm()")),
    sums_to_one=("this makes the sum of a row 1; its length should be 1: the root of its sum of squares.",
        edit("(counts * rarity)", "(counts * rarity, p=1)")),
    without_the_root=("this divides by the sum of squares; the length is its root.",
        edit(_SCALED, "counts * rarity / (counts * rarity).square().sum(-1, keepdim=True)"),
        edit(_SCALED, "counts * rarity / (counts * rarity).square().sum(-1, keepdim=True).clamp(min=1e-9)")),
    scaled_too_early=(
        "the rows are scaled before the words are weighed: weigh first, then scale, or the length is not 1.",
        edit(_SCALED, "functional.normalize(counts) * rarity"),
        edit(_SCALED, "counts / counts.norm(dim=-1, keepdim=True) * rarity"),
    ),
    nothing_by_nothing=(
        "the row of a text without words is 0 / 0. It should stay 0: `torch.nn.functional.normalize` sees to it.",
        edit(_SCALED, "counts * rarity / (counts * rarity).norm(dim=-1, keepdim=True)"),
    ),
)
# fmt: on


# ------------------------------------------------------------------------------------------------- cosine_similarity


def _pair(rng, *leading, n=3, m=5, d=7):
    return torch.randn(*leading, n, d, generator=rng), torch.randn(*leading, m, d, generator=rng)


@cosine_similarity.probe("(3, 4), (1, 0) and (1, -1) against (4, 3), (-3, -4), (0, 2) and (-5, 5)")
def _(answer, rng):
    b = torch.tensor([[4.0, 3.0], [-3.0, -4.0], [0.0, 2.0], [-5.0, 5.0]])
    return answer(torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, -1.0]]), b)


@cosine_similarity.probe("a single row against 300, some of them very short and some very long")
def _(answer, rng):
    a, b = _pair(rng, n=1, m=300)
    return answer(0.1 * a, b * torch.logspace(-3, 3, 300)[:, None])


@cosine_similarity.probe("two leading dimensions: (2, 3, 5, 7) and (2, 3, 4, 7)")
def _(answer, rng):
    return answer(*_pair(rng, 2, 3, n=5, m=4))


@cosine_similarity.probe("a vector of zeros in a, and one in b")
def _(answer, rng):
    a, b = _pair(rng)
    a[1], b[3] = 0, 0
    return answer(a, b)


@cosine_similarity.probe("one row against one row")
def _(answer, rng):
    return answer(*_pair(rng, n=1, m=1))


_A, _B = "functional.normalize(a, dim=-1)", "functional.normalize(b, dim=-1)"

# fmt: off
cosine_similarity.mistakes(
    dot_product=("this is the dot product: it also grows with the lengths. Divide by both lengths.",
        edit(_A, "a", _B, "b")),
    only_a=("only the rows of a are scaled: divide by the lengths of the rows of b too.",
        edit(_B, "b"), edit(_B, "b", _A, "(a / a.norm(dim=-1, keepdim=True))")),
    only_b=("only the rows of b are scaled: divide by the lengths of the rows of a too.",
        edit(_A, "a"), edit(_A, "a", _B, "(b / b.norm(dim=-1, keepdim=True))")),
    columns=("the lengths run along the wrong axis: a row is a vector, so `dim=-1`.",
        edit("dim=-1", "dim=-2"), edit("dim=-1", "dim=0")),
    second_axis=("the first axis is not always the rows, and the second not the numbers: use dim=-1.",
        edit("dim=-1", "dim=1")),
    whole_table=("each row has a length of its own; this divides by the length of the whole table.",
        edit(_A, "a / a.norm()", _B, "(b / b.norm())")),
    squared_lengths=(
        "this divides by the squares of the lengths: the root is missing.",
        edit(_A, "a / a.square().sum(-1, keepdim=True)", _B, "(b / b.square().sum(-1, keepdim=True))"),
        edit(
            *(_A, "a / a.square().sum(-1, keepdim=True).clamp(min=1e-9)"),
            *(_B, "(b / b.square().sum(-1, keepdim=True).clamp(min=1e-9))"),
        ),
    ),
    sum_of_sizes=("the length is the root of the sum of squares; this divides by the sum of the sizes.",
        edit("dim=-1", "p=1, dim=-1")),
    short_rows=("a row shorter than 1 should be scaled up to 1 too.", edit("dim=-1", "dim=-1, eps=1.0")),
    something_added=("something is added to the lengths, and short rows come out too small: only a length of 0 needs "
        "another divisor (`clamp(min=1e-12)`).",
        edit(_A, "(a / (a.norm(dim=-1, keepdim=True) + 1e-6))", _B, "(b / (b.norm(dim=-1, keepdim=True) + 1e-6))"),
        edit(_A, "a", _B, "b", "transpose(-2, -1)", "transpose(-2, -1) / (a.norm(dim=-1)[..., None] * "
             "b.norm(dim=-1)[..., None, :] + 1e-6)")),
    without_sign=("no absolute value: opposite directions are -1.",
        edit("return ", "return torch.abs(", "transpose(-2, -1)", "transpose(-2, -1))")),
    distance=("this is a distance, 1 - cosine; the cosine itself is asked for.", edit("return ", "return 1 - ")),
    angle=("this is the angle; its cosine is asked for.",
        edit("return ", "return torch.acos(", "transpose(-2, -1)", "transpose(-2, -1))"),
        edit("return ", "return torch.acos((", "transpose(-2, -1)", "transpose(-2, -1)).clamp(-1, 1))")),
    other_way_round=("this is turned around: the rows belong to a, the columns to b.",
        edit(f"{_A} @ {_B}", f"{_B} @ {_A}")),
    row_by_row=("row i of a is compared with row i of b only. Every row of a meets every row of b.",
        edit(f"{_A} @ {_B}.transpose(-2, -1)", "functional.cosine_similarity(a, b, dim=-1)")),
    all_axes_turned=("`.T` turns all axes around. Swap the last two only: `.transpose(-2, -1)` or `.mT`.",
        edit("transpose(-2, -1)", "permute(*reversed(range(b.ndim)))")),
    nothing_by_nothing=("a vector of zeros gives 0 / 0. It is similar to nothing: 0.",
        edit(_A, "(a / a.norm(dim=-1, keepdim=True))", _B, "(b / b.norm(dim=-1, keepdim=True))")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------- skip_gram_pairs


@skip_gram_pairs.probe("'the cat sat on the mat', window 2")
def _(answer, rng):
    return answer(SENTENCE, 2)


@skip_gram_pairs.probe("'very very good', window 1: the same word twice in a row")
def _(answer, rng):
    return answer(["very", "very", "good"], 1)


@skip_gram_pairs.probe("numbers instead of words, 0 among them, windows from 1 to 5")
def _(answer, rng):
    length = int(torch.randint(3, 9, (), generator=rng))
    numbers = [0, 2**24 + 1, *(1 + torch.randperm(50_300, generator=rng)[:length]).tolist()]
    return [answer(numbers, window) for window in range(1, 6)]


@skip_gram_pairs.probe("a sentence of one word, and an empty one")
def _(answer, rng):
    return [answer(["word"], 2), answer([], 2)]


@skip_gram_pairs.probe("300 places with the numbers 1000 and 1001 in turns, window 11")
def _(answer, rng):
    return answer([int(f"100{i % 2}") for i in range(300)], 11)


@skip_gram_pairs.probe("130 numbers, window 70", varied=False)
def _(answer, rng):
    return answer(list(range(130)), 70)


_REACH = "range(max(0, place - window), min(len(sentence), place + window + 1))"

# fmt: off
skip_gram_pairs.mistakes(
    with_itself=("a place is paired with itself: leave out the centre.", edit("if other != place", "if True")),
    only_right=("the neighbours on the left are missing: the window reaches both ways.",
        edit("max(0, place - window)", "place + 1")),
    only_left=("the neighbours on the right are missing: the window reaches both ways.",
        edit("min(len(sentence), place + window + 1)", "place")),
    stops_early=("the last neighbour on the right is missing: `range` stops before its end, so add 1.",
        edit("place + window + 1", "place + window")),
    loses_the_last_neighbour=("the last word of the sentence is nobody's neighbour here: look at where the range ends.",
        edit("min(len(sentence)", "min(len(sentence) - 1")),
    loses_the_first_neighbour=("the first word of the sentence is nobody's neighbour here: start at max(0, ...).",
        edit("max(0,", "max(1,")),
    too_wide=("this window is one too wide: at most `window` places apart.",
        edit("place - window", "place - window - 1", "place + window", "place + window + 1")),
    wraps_around=("a negative index counts from the end in Python: near the start, begin the window at 0.",
        edit("max(0, place - window)", "place - window")),
    slices_from_the_end=(
        "a negative start of a slice counts from the end in Python: begin the window at max(0, ...).",
        edit(
            _REACH,
            "[*range(len(sentence))[place - window : place], *range(len(sentence))[place + 1 : place + window + 1]]",
        ),
        edit(_REACH, "range(len(sentence))[place - window : place + window + 1]"),
    ),
    no_centres_at_the_edges=("near the edges the window is shorter, not gone: every word is a centre.",
        edit("if other != place", "if other != place and window <= place < len(sentence) - window")),
    turned=("the pairs are turned around: first the centre, then its neighbour.",
        edit("(centre, sentence[other])", "(sentence[other], centre)")),
    only_the_rim=("only the words exactly `window` places away are taken, not those between.",
        edit("other != place", "abs(other - place) == window")),
    equal_words_left_out=("words are compared where places should be: a word may be its own neighbour's twin.",
        edit("other != place", "sentence[other] != centre"), edit("other != place", "sentence[other] is not centre")),
    first_place_of_a_word=(
        "`sentence.index(word)` finds the first place of a word, also for its second: use enumerate.",
        edit(
            "for place, centre in enumerate(sentence):",
            "for centre in sentence:\n        place = sentence.index(centre)",
        ),
    ),
    without_repeats=("each pair is kept once only. Keep repeats: what stands together often should count often.",
        edit("return pairs", "return list(dict.fromkeys(pairs))")),
    grouped=(
        "the pairs are grouped by centre: one flat list of pairs is asked for.",
        edit(
            "return pairs",
            "return [[(sentence[i], sentence[j]) for j in range(len(sentence))"
            " if 0 < abs(i - j) <= window] for i in range(len(sentence))]",
        ),
    ),
    returns_too_early=("it returns after the first centre: move the `return` out of the loop.",
        edit("\n    return pairs", "\n        return pairs\n    return pairs")),
    nearest_first=(
        "the neighbours of a centre stand in another order: by their place in the sentence, from left to right.",
        edit(_REACH, f"sorted({_REACH}, key=lambda other: abs(other - place))"),
        edit(_REACH, f"sorted({_REACH}, key=lambda other: (abs(other - place), -other))"),
        edit(_REACH, f"sorted({_REACH}, key=lambda other: (other < place, other))"),
        edit(_REACH, f"sorted({_REACH}, key=lambda other: (other > place, abs(other - place)))"),
        edit(_REACH, f"reversed({_REACH})"),
    ),
)
# fmt: on


# ------------------------------------------------------------------------------------------------- negative_sampling


def _scene(rng, *leading, n=3, m=5, d=7, scale=0.7):
    centre, context = _pair(rng, *leading, n=n, m=m, d=d)
    label = torch.randint(0, 2, (*leading, n, m), generator=rng).float()
    label[..., 0, 0], label[..., 0, -1] = 1, 0
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


@negative_sampling.probe("one centre, one context word, the weight 3")
def _(answer, rng):
    return answer(*_scene(rng, n=1, m=1), 3.0)


@negative_sampling.probe("64 pairs as in the training below, one label and one weight for all: (1, 6) and (6,)")
def _(answer, rng):
    centre, context, _ = _scene(rng, 64, n=1, m=6)
    return answer(centre, context, torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]), torch.rand(6, generator=rng))


@negative_sampling.probe("two leading dimensions, one label for each context: (2, 3, 4, 7), (2, 3, 5, 7) and (5,)")
def _(answer, rng):
    centre, context, _ = _scene(rng, 2, 3, n=4)
    return answer(centre, context, torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0]), torch.rand(2, 3, 4, 5, generator=rng))


@negative_sampling.probe("the scores 40 and -40, each once real and once drawn")
def _(answer, rng):
    context = torch.tensor([[2.0, 1.0], [-2.0, 1.0]]).repeat(2, 1)
    return answer(torch.tensor([[20.0, 0.0]]), context, torch.tensor([[1.0, 1.0, 0.0, 0.0]]))


@negative_sampling.probe("the scores 4000, -4000, 90 and -90, each once real and once drawn")
def _(answer, rng):
    context = torch.tensor([[200.0, 0.0], [-200.0, 0.0], [4.5, 1.0], [-4.5, 1.0]])
    return answer(torch.tensor([[20.0, 0.0]]), context.repeat(2, 1), torch.tensor([[1.0] * 4 + [0.0] * 4]))


@negative_sampling.probe("autograd switched off")
def _(answer, rng):
    sentence = "this leaves the gradients to autograd; write them out by hand."
    try:
        with without_autograd(sentence):
            return answer(*_scene(rng))
    except RuntimeError as error:
        if "grad" not in str(error) and "nference" not in str(error):
            raise
        raise Problem("autograd", sentence) from None


_LOSS, _ERROR = "functional.softplus(score) - label * score", "(torch.sigmoid(score) - label)"
_CHANCE = "torch.sigmoid(score)"

# fmt: off
negative_sampling.mistakes(
    uphill=("both gradients have the wrong sign: the error is sigmoid(score) - label.",
        edit("error = weight", "error = -weight")),
    error_without_sigmoid=("the error is sigmoid(score) - label; this takes the score without its sigmoid.",
        edit(_ERROR, "(score - label)")),
    error_without_label=("the gradients miss the label: the error is sigmoid(score) - label.", edit(_ERROR, _CHANCE)),
    extra_slope=("the slope of the sigmoid cancels against that of the logarithm: leave out σ(1 - σ).",
        edit(_ERROR, f"{_ERROR} * torch.sigmoid(score) * torch.sigmoid(-score)")),
    loss_of_the_real=("the loss holds the real neighbours only: a drawn word costs -ln(1 - sigmoid(score)).",
        edit(_LOSS, "label * functional.softplus(-score)")),
    loss_all_real=("the loss treats drawn words as real: they should cost -ln(1 - sigmoid(score)).",
        edit(_LOSS, "functional.softplus(-score)")),
    loss_upside_down=("the loss has the wrong sign: a probability's logarithm is negative, so put a minus before it.",
        edit("loss = (", "loss = -(")),
    mean_loss=("the loss is the mean here; the sum over all pairs is asked for.",
        edit("label * score)).sum()", "label * score)).mean()")),
    mean_of_all=("loss and gradients are those of the mean; the sum over all pairs is asked for.",
        edit("label * score)).sum()", "label * score)).mean()", _ERROR, f"{_ERROR} / score.numel()")),
    mean_gradients=("the gradients are those of the mean; the sum over all pairs is asked for.",
        edit(_ERROR, f"{_ERROR} / score.numel()")),
    loss_by_pair=("the loss keeps one number a pair: sum them up to a single one.",
        edit("label * score)).sum()", "label * score))")),
    loss_by_centre=("the loss keeps one number a centre: sum them up to a single one.",
        edit("label * score)).sum()", "label * score)).sum(-1)")),
    swapped=("the two gradients are swapped: first the one for centre, then the one for context.",
        edit("error @ context, error.transpose(-2, -1) @ centre", "error.transpose(-2, -1) @ centre, error @ context")),
    softmax_instead=("each pair is a question of its own, so a sigmoid; this is a softmax over the context words.",
        edit(_LOSS, "-label * score.log_softmax(-1)", _CHANCE, "torch.softmax(score, -1)")),
    softmax_in_the_gradients=("the gradients use a softmax over the context words; each pair has a sigmoid of its own.",
        edit(_CHANCE, "torch.softmax(score, -1)")),
    weight_in_the_loss_only=("`weight` is in the loss but not in the gradients: multiply the error too.",
        edit("error = weight * ", "error = ")),
    weight_in_the_gradients_only=("`weight` is in the gradients but not in the loss.",
        edit("loss = (weight * ", "loss = (")),
    logarithm_of_zero=("ln(sigmoid(score)) of a large negative score is ln(0): use functional.logsigmoid or softplus.",
        edit(_LOSS, f"-label * {_CHANCE}.log() - (1 - label) * (1 - {_CHANCE}).log()"),
        edit(_LOSS, f"-(label * ({_CHANCE} + 1e-9).log() + (1 - label) * (1 - {_CHANCE} + 1e-9).log())")),
    logarithm_of_a_picked_zero=(
        "picking the right chance before its logarithm still meets ln(0): use functional.logsigmoid.",
        edit(_LOSS, f"-torch.where(label > 0, {_CHANCE}, 1 - {_CHANCE}).log()"),
    ),
    exponential_overflows=("exp of a large score overflows: use functional.softplus or logsigmoid.",
        edit(_LOSS, "(1 + score.exp()).log() - label * score"),
        edit(_LOSS, "(1 + (-score).exp()).log() + (1 - label) * score"),
        edit(_LOSS, "label * (1 + (-score).exp()).log() + (1 - label) * (1 + score.exp()).log()")),
    all_axes_turned=(
        "`.T` turns all axes around. Swap the last two only: `.transpose(-2, -1)` or `.mT`.",
        edit("error.transpose(-2, -1)", "error.permute(*reversed(range(error.ndim)))"),
        edit("context.transpose(-2, -1)", "context.permute(*reversed(range(context.ndim)))"),
        edit(
            *("error.transpose(-2, -1)", "error.permute(*reversed(range(error.ndim)))"),
            *("context.transpose(-2, -1)", "context.permute(*reversed(range(context.ndim)))"),
        ),
    ),
)
# fmt: on


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


@analogy.probe("small : smaller = huge : ?, where `small` itself is nearer than all other words")
def _(answer, rng):
    words = ["high", "small", "smaller", "huge", "low"]
    return answer(*words[1:4], torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.2], [3.0, 0.0], [0.1, -1.0]]), words)


@analogy.probe("words that all point away from b - a + c, the best cosine being below 0")
def _(answer, rng):
    words = ["up", "down", "left", "right", "far", "low"]
    vectors = torch.tensor([[0.1, 1.0], [0.0, 2.0], [0.2, 3.0], [1.0, -0.5], [-3.0, -1.0], [0.1, -1.0]])
    return answer("up", "down", "left", vectors, words)


@analogy.probe("a table with a row of zeros")
def _(answer, rng):
    vectors = torch.tensor([[0.0, 0.0, 0.0], *WORLD.values(), [0.0, 0.0, 0.0]])
    return answer("man", "king", "woman", vectors, ["<PAD>", *WORLD, "<UNK>"])


@analogy.probe("300 random vectors of very different lengths")
def _(answer, rng):
    vectors = torch.randn(300, 3, generator=rng) * torch.rand(300, 1, generator=rng).exp() ** 3
    words = [f"w{i}" for i in torch.randperm(300, generator=rng).tolist()]
    asked = [f"{word} "[:-1] for word in words]  # equal strings, other objects
    return [answer(*asked[i : i + 3], vectors, words) for i in range(8)]


@analogy.probe("a word with the very vector of c, another one with that of b")
def _(answer, rng):
    words = ["sofa", "man", "men", "couch", "settee", "persons"]
    vectors = torch.tensor([[2.0, 9.0], [1.0, 1.0], [1.2, 1.0], [2.0, 9.0], [9.0, 2.0], [1.2, 1.0]])
    return answer("man", "men", "couch", vectors, words)


@analogy.probe("words that all point away from b - a + c, but one whose row is zeros")
def _(answer, rng):
    vectors = torch.tensor([[0.1, 1.0], [0.0, 2.0], [0.2, 3.0], [-3.0, -1.0], [0.0, 0.0], [0.1, -1.0]])
    return answer("up", "down", "left", vectors, ["up", "down", "left", "far", "nothing", "low"])


_TARGET = "(vb - va + vc)"
_COSINES = f"cosine_similarity({_TARGET}[None], vectors).squeeze(0)"
_LEAVES = "similarity[given] = -torch.inf"
_TAKES = "words[similarity.argmax()]"

# fmt: off
analogy.mistakes(
    given_words_stay=("one of the three given words is no answer, though it is often the nearest: leave all three out.",
        edit(_LEAVES, "pass")),
    leaves_out_c=("one of the three given words is no answer: this leaves out c only.",
        edit("y[given]", "y[given[2]]")),
    leaves_out_b=("one of the three given words is no answer: this leaves out b only.",
        edit("y[given]", "y[given[1]]")),
    a_may_answer=("a is no answer either: leave out all three given words.", edit("y[given]", "y[given[1:]]")),
    b_may_answer=("b is no answer either: leave out all three given words.", edit("y[given]", "y[given[::2]]")),
    c_may_answer=("c is no answer either: leave out all three given words.", edit("y[given]", "y[given[:2]]")),
    given_words_at_zero=(
        "the given words get the cosine 0, and the best of the others may lie below it: give them -torch.inf.",
        edit("-torch.inf", "0.0"),
    ),
    second_nearest=("this takes the second nearest word. Leave out the three given words, then take the nearest.",
        edit(_LEAVES, "pass", "argmax()", "topk(2).indices[1]")),
    rows_slipped=(
        "the given words are taken out of `words` but not out of `vectors`: rows and words no longer match.",
        edit(
            *(_LEAVES, "rest = [word for word in words if word not in (a, b, c)]"),
            *(_TAKES, "rest[similarity[: len(rest)].argmax()]"),
        ),
        edit(_TAKES, "[word for word in words if word not in (a, b, c)][similarity.argmax()]"),
    ),
    words_slipped=("the given words are taken out of `vectors` but not out of `words`: rows and words no longer match.",
        edit(_LEAVES, "similarity = similarity[[i for i in range(len(words)) if i not in given]]")),
    a_minus_b=("the sum is turned around: a is to b, so b - a is added to c.", edit(_TARGET, "(va - vb + vc)")),
    without_c=("c is missing from the sum: b - a + c.", edit(_TARGET, "(vb - va)")),
    without_a=("a is missing from the sum: b - a + c.", edit(_TARGET, "(vb + vc)")),
    all_added=("all three vectors are added: b - a + c.", edit(_TARGET, "(va + vb + vc)")),
    c_subtracted=("c has the wrong sign: b - a + c.", edit(_TARGET, "(vb - va - vc)")),
    nearest_to_c=("this is the word nearest to c: b and a are not used.", edit(_TARGET, "vc")),
    furthest=("this takes the most dissimilar word: argmax, not argmin.",
        edit("-torch.inf", "torch.inf", "argmax", "argmin")),
    by_dot_product=("this is the dot product: long vectors win. Compare by cosine.",
        edit(_COSINES, f"vectors @ {_TARGET}")),
    by_distance=("this is the smallest distance. Compare by cosine: the lengths of the vectors do not matter.",
        edit(_COSINES, f"-(vectors - {_TARGET}).norm(dim=1)")),
    scaled_first=("the vectors are scaled to length 1 before the sum. Add them as they are, and take the cosine after.",
        edit("= vectors[given]", "= functional.normalize(vectors, dim=-1)[given]"),
        edit("= vectors[given]", "= (vectors / vectors.norm(dim=-1, keepdim=True))[given]")),
    zeros_win=("a row of zeros gives 0 / 0 = nan, and argmax takes nan for the largest. Its cosine is 0.",
        edit(_COSINES, f"vectors @ {_TARGET} / {_TARGET}.norm() / vectors.norm(dim=1)")),
    row_number=("this is a row number; the word is asked for: words[...].",
        edit(_TAKES, "similarity.argmax().item()"), edit(_TAKES, "similarity.argmax()")),
)
# fmt: on

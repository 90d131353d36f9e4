"""The questions of notebook 02: prices, shapes on paper, a prediction, and a training to diagnose."""

import math

from lib import text_vectors
from lib.checks.core import Question

_SENTENCE_OF_20, _WINDOW = list(range(20)), 3
_VOCABULARY = 692_000  # of Mikolov et al. 2013b


def _weight(count: int, texts_with_word: int, texts: int) -> float:
    """The tf-idf of a word before its row is scaled."""
    return count * (math.log((1 + texts) / (1 + texts_with_word)) + 1)


quark_weight = Question(
    "quark_weight",
    lambda: _weight(3, 9, 999),
    "tf is 3, and idf is ln(1000 / 10) + 1 = 5.61: 3 · 5.61 = 16.8. One `quark` weighs as much as 5.6 of a word "
    "that is in every text.",
    "tf is how often the word stands in *this* text, df in how many texts it stands. All three 1s count.",
    hints=(
        (_weight(1, 9, 999), "That is the idf. How often does the word stand in this text?"),
        (3 * math.log(100), "The 1 behind the logarithm is missing."),
        (math.log(100), "That is the logarithm alone: there is a 1 behind it, and a term frequency before it."),
        (3 * (math.log(999 / 9) + 1), "The two 1s inside the fraction are missing: it is 1000 / 10."),
        (3 * math.log(999 / 9), "The 1s of the formula are missing, inside the fraction and behind the logarithm."),
        (3 * (math.log10(100) + 1), "The logarithm is the natural one: ln 100 = 4.6."),
        (3 * (math.log2(100) + 1), "The logarithm is the natural one: ln 100 = 4.6."),
        (3 * 101.0, "The fraction has a logarithm around it."),
    ),
    within=0.004,
)
pairs_of_a_sentence = Question(
    "pairs_of_a_sentence",
    lambda: len(text_vectors.skip_gram_pairs(_SENTENCE_OF_20, _WINDOW)),
    "20 · 6 = 120, had every word three neighbours on each side. At either end 3 + 2 + 1 = 6 are missing: 108.",
    "A word in the middle has 2 · 3 neighbours. How many does the first word lack, the second, the last?",
    hints=(
        (120, "So many would there be without edges. The words near the two ends have fewer neighbours."),
        (114, "That is right for one end of the sentence. There are two."),
        (54, "Each two near words make two pairs: each of them is the centre once."),
        (60, "A window of 3 reaches 3 places to the left *and* 3 to the right; and there are edges."),
        (140, "A word is not its own neighbour; and there are edges."),
        (128, "A word is not its own neighbour."),
        (102, "The first word lacks 3 neighbours, the second 2, the third 1."),
        (84, "The words near an edge have fewer neighbours, but they have some."),
    ),
)
dense_numbers = Question(
    "dense_numbers",
    lambda: (1_000 * 50_000, 50_000 * 300, 1_000 * 300),
    "(1000, 50000) is 50 million, nearly all zeros; the table (50000, 300) is 15 million; the text (1000, 300) is 300 "
    "thousand. The table is paid for once, however many texts are read.",
    "Write down the three shapes first: one row for each word of the text, or of the vocabulary. How long is a row?",
    hints=(
        (
            (1_000, 50_000 * 300, 1_000 * 300),
            "A one-hot vector is as long as the vocabulary: its zeros are numbers too.",
        ),
        ((1_000 * 50_000, 1_000 * 300, 50_000 * 300), "The second is the table, the third is the text."),
        (
            (50_000, 50_000 * 300, 1_000 * 300),
            "50,000 numbers is *one* word as a one-hot vector. The text has 1,000 words.",
        ),
        ((50_000, 50_000 * 300, 300), "That is one word of the text. It has 1,000."),
        ((50_000 * 50_000, 50_000 * 300, 1_000 * 300), "The text has 1,000 rows, one for each of its words."),
        ((1_000 * 50_000, 50_000 * 300, 300), "300 is one word of the text. It has 1,000."),
        (
            (1_000 * 50_000, 50_000 * 300, 50_000 * 300),
            "The text has a row for each of its words, not for each of the vocabulary.",
        ),
    ),
)
softmax_price = Question(
    "softmax_price",
    lambda: _VOCABULARY / (1 + 5),
    "692,000 against 6: 115,333 times as many. And the price of negative sampling does not grow with the vocabulary.",
    "How many dot products has the softmax's denominator? And how many words does the centre meet otherwise?",
    hints=(
        (_VOCABULARY / 5, "The real neighbour needs a dot product too: 1 + 5."),
        (_VOCABULARY, "That is how many the softmax needs. The other way needs more than one."),
        (6 / _VOCABULARY, "Turn it round: how many times as many does the *softmax* need?"),
        (6, "That is how many negative sampling needs. By which factor are those of the softmax more?"),
        (_VOCABULARY * 6, "Not a product: how many times 6 is 692,000?"),
    ),
    within=0.05,
)
drawn_ratio = Question(
    "drawn_ratio",
    lambda: 10_000**0.75,
    "10,000^0.75 = (10,000^0.25)³ = 10³ = 1,000, and 1^0.75 = 1. By comparison, the rare word is drawn "
    "ten times as often as it stands in the text.",
    "The chance of each is proportional to its count to the power 0.75. What is the fourth root of 10,000?",
    hints=(
        (10_000, "That would be the power 1: words drawn as often as they stand in the text."),
        (7_500, "0.75 is a power, not a factor."),
        (100, "That is the square root, the power 0.5."),
        (10, "That is the fourth root, the power 0.25. Three quarters are asked for."),
        (1, "That would be the power 0: all words equally often."),
        (0.001, "Turn it round: how many times as often is the *frequent* word drawn?"),
    ),
    within=1e-6,
)
flat_training = Question(
    "flat_training",
    lambda: "drawn",
    "without drawn words nothing ever pushes a score down. The loss falls to 0 when all vectors point the same way, so "
    "that every pair is called real: an easy task, and nothing is learnt.",
    "What is the easiest way to a loss of 0? Look at the right panel: all words have become alike. What should have "
    "kept them apart?",
    hints=(
        ("rate", "With much too large a rate the loss would jump or become nan; this one falls smoothly."),
        ("window", "A window of 1 gives fewer pairs and other neighbours, but words would still differ."),
        (
            "labels",
            "Turned labels turn the signs of the contexts; the task stays as hard as it was, and the loss far from 0.",
        ),
    ),
)
bank_neighbours = Question(
    "bank_neighbours",
    lambda: "between",
    "one vector has to serve both kinds of sentences, so it stands between them: about equally near to both, and "
    "nearer to each than the two are to one another.",
    "Its pairs pull *bank* towards words of money in one half of its sentences, towards the river in the other.",
    hints=(
        ("one side", "*bank* stands beside both kinds of words, about equally often: its vector cannot choose."),
        (
            "nowhere",
            "Every pair with a word of money pulls *bank* there. Do money and river themselves share any sentences?",
        ),
    ),
)

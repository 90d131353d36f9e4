"""Questions of notebook 08: bytes, merges by hand, pieces, parameters, and a prompt that ends with a blank."""

from lib import tokenizer
from lib.checks.core import Question
from lib.gpt2 import gpt2_parameters

__all__ = ["best_prompt", "larger_table", "line_pieces", "newer_pieces", "sixth_merge", "utf8_bytes"]

WORDS = {"low": 5, "lower": 2, "newest": 6, "widest": 3}  # the example of Sennrich et al. 2016
LINE = "if x2 >= 3.14:"
POSITIONS, WIDTH, LAYERS = 1024, 768, 12  # of GPT-2 small
GPT2_PARAMETERS = 1.0 * sum(gpt2_parameters(50_257, POSITIONS, WIDTH, LAYERS).values())


def _merges(n: int) -> dict[tuple[int, int], int]:
    return tokenizer.learn_merges({tuple(word.encode()): times for word, times in WORDS.items()}, n)


def _sixth() -> str:
    return tokenizer.bpe_decode([256 + 5], _merges(6))


def _pieces(word: str) -> list[str]:
    merges = _merges(5)
    return [tokenizer.bpe_decode([i], merges) for i in tokenizer.bpe_encode(word.encode(), merges)]


utf8_bytes = Question(
    "utf8_bytes",
    lambda: len("Größe 5 €".encode()),
    "G, r, e, 5 and the two blanks take one byte each, ö and ß two, € three: 6 + 4 + 3 = 13.",
    "Count the characters, blanks too. Which row of the table is each of them in?",
    (
        (9, "Those are the characters. Some of them take more than one byte."),
        (11, "Blanks are characters too."),
        (12, "€ is U+20AC: is that below U+07FF?"),
        (18, "English letters and digits take one byte each, not two."),
        (14, "No character here takes four bytes."),
        (36, "UTF-8 gives a character as many bytes as it needs, not four each."),
    ),
)
sixth_merge = Question(
    "sixth_merge",
    _sixth,
    "after ew, the pairs (n, ew) and (ew, est) have 6 each; n is a byte, so (n, ew) is the smaller pair.",
    "Write the words with the merges done: n · ew · est, low · e · r, w · i · d · est. Which pairs are left?",
    (
        ("ewest", "It is as frequent as the winner. Which of the two pairs is the smaller tuple of ids?"),
        ("lower", "low, e and r are three pieces: one merge joins two."),
        ("lowe", "low and e stand together only 2 times."),
        ("low", "That is the fourth merge."),
        ("ew", "That is the fifth merge."),
        ("ne", "The e of newest belongs to ew by now."),
        ("newest", "That takes one merge more."),
        ("dest", "d and est stand together 3 times: is there a pair with more?"),
        ("wi", "w and i stand together 3 times: is there a pair with more?"),
    ),
)
newer_pieces = Question(
    "newer_pieces",
    lambda: _pieces("newer"),
    "of its pairs n e, e w, w e, e r only e w is a merge; then (n, ew) and (ew, e) are none.",
    "Which of its pairs of neighbours are merges? Is there one after that?",
    (
        (["new", "er"], "Neither new nor er is among the five merges."),
        (["n", "ew", "er"], "er is not among the five merges."),
        (["new", "e", "r"], "new is not among the five merges."),
        (["n", "e", "w", "e", "r"], "One of the five merges fits."),
        (["ne", "w", "er"], "ne and er are not among the five merges."),
        (["ne", "we", "r"], "Neither ne nor we is among the five merges."),
    ),
)
line_pieces = Question(
    "line_pieces",
    lambda: len(tokenizer.pre_tokens(LINE)),
    "if · ␣x · 2 · ␣>= · ␣3 · . · 14 · : are eight. Signs side by side stay together, and numbers end at the point.",
    "Mark the kind of every character: letter, number, sign, blank. A blank goes with the piece behind it.",
    (
        (4, "Those are the words between blanks. Letters, numbers and other signs are kept apart."),
        (7, "Is x2 one piece? Is 3.14:? The kinds of characters are kept apart."),
        (6, "The point of 3.14 is no number, and the colon is none either."),
        (9, "> and = are of one kind and stand side by side."),
        (11, "A blank belongs to the piece behind it."),
        (12, "A blank belongs to the piece behind it, and > and = are of one kind."),
        (14, "Those are the characters."),
    ),
)
larger_table = Question(
    "larger_table",
    lambda: 1.0 * sum(gpt2_parameters(200_000, POSITIONS, WIDTH, LAYERS).values()),
    "149,743 new rows of 768 numbers are 115,002,624 parameters: 239,442,432 in all, nearly twice as many as before.",
    "How many rows are new, how many numbers has each, and how many parameters were there before?",
    (
        ((200_000 - 50_257) * 768.0, "Those are the new ones. The model had parameters before."),
        (200_000 * 768.0, "That is the new table alone."),
        (GPT2_PARAMETERS + 200_000 * 768, "The old table was counted already."),
        (GPT2_PARAMETERS + 2 * (200_000 - 50_257) * 768, "The table is tied: it counts once."),
        (GPT2_PARAMETERS - 50_257 * 768, "That is the model without any table."),
        (GPT2_PARAMETERS, "The table has more rows now."),
    ),
    within=0.005,
)
best_prompt = Question(
    "best_prompt",
    lambda: "b",
    "in training the blank was part of the word behind it, so a lone blank was hardly ever followed by a word.",
    "Nothing is lost or forbidden here. How does the pattern treat the one blank before a word, and how at the end?",
    (
        ("a", "One token more makes no such difference."),
        ("c", "The pattern loses nothing: the pieces, joined, are the text."),
        ("d", "Special tokens are cut out by their names; a blank is not one of them."),
    ),
)

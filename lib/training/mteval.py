"""The words that published BLEU scores count: the tokenisation 13a of NIST's mteval-v13a, as sacreBLEU has it.

mteval_tokens    a sentence to the tokens that are compared
mteval_bleu      BLEU of whole sentences, the number that papers report for Multi30k

sacreBLEU is no package of the learner's: these lines, over `lib.scoring.bleu`, give its number (a test compares them).
"""

import re
from collections.abc import Sequence

from lib.scoring import bleu

ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
RULES = [  # one after the other, as mteval has them
    (re.compile(r"([!-&(-+/:-@\[-`{-~])"), r" \1 "),  # signs, but for , . - and '
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),  # , and . but not within 1,000.5
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
]


def mteval_tokens(sentence: str) -> list[str]:
    """ "A dog, running." to ["A", "dog", ",", "running", "."]."""
    for entity, sign in ENTITIES.items():
        sentence = sentence.replace(entity, sign)
    sentence = f" {sentence} "
    for pattern, spaced in RULES:
        sentence = pattern.sub(spaced, sentence)
    return sentence.split()


def mteval_bleu(written: Sequence[str], right: Sequence[str]) -> float:
    """sacreBLEU's number, 0 to 100, for one reference a sentence: mixed case, 13a, unsmoothed."""
    return bleu([mteval_tokens(sentence) for sentence in written], [mteval_tokens(sentence) for sentence in right])

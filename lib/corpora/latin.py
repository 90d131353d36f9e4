"""Latin sentences whose endings say who does it to whom, in any order: `lupus agnum videt`, the wolf sees the lamb.

    Sentence             the words as (stem, ending), and the two stems that are asked for
    sentence             one from its parts, in an order drawn at random
    english              what it means
    split_by_pairs       training and test sentences that share no pair of (who, whom)

Nouns of the second declension: -us for the one who acts, and -um or -o for the other, as the verb demands. Used in
notebook 05: the verb has two questions, and needs no word order to answer them.
"""

import random
from dataclasses import dataclass

NOUNS = {
    "lup": "wolf", "agn": "lamb", "equ": "horse", "cerv": "deer", "urs": "bear", "asin": "donkey", "gall": "rooster",
    "taur": "bull", "corv": "raven", "mul": "mule", "porc": "pig", "vitul": "calf", "cunicul": "rabbit",
    "camel": "camel", "serv": "servant", "domin": "master", "amic": "friend", "fili": "son", "discipul": "pupil",
    "medic": "doctor", "nunti": "messenger", "av": "grandfather", "coqu": "cook", "legat": "envoy",
    "captiv": "prisoner", "soci": "ally", "tribun": "tribune", "patron": "patron", "marit": "husband",
    "popul": "people",
}  # fmt: skip
VERBS = {
    "videt": ("sees", "um"), "amat": ("loves", "um"), "vocat": ("calls", "um"), "timet": ("fears", "um"),
    "portat": ("carries", "um"), "audit": ("hears", "um"), "paret": ("obeys", "o"), "nocet": ("harms", "o"),
    "credit": ("trusts", "o"), "placet": ("pleases", "o"), "favet": ("favours", "o"), "servit": ("serves", "o"),
}  # fmt: skip
ADVERBS = {"hodie": "today", "saepe": "often", "nunc": "now", "semper": "always"}


@dataclass(frozen=True)
class Sentence:
    words: tuple[tuple[str, str], ...]
    verb_at: int
    who: str
    whom: str

    def __str__(self) -> str:
        return " ".join(stem + ending for stem, ending in self.words)


def sentence(rng: random.Random, who: str, whom: str, verb: str, adverbs: tuple[str, ...] = ()) -> Sentence:
    words = [(who, "us"), (whom, VERBS[verb][1]), (verb, ""), *((adverb, "") for adverb in adverbs)]
    rng.shuffle(words)
    return Sentence(tuple(words), words.index((verb, "")), who, whom)


def english(said: Sentence) -> str:
    verb = VERBS[said.words[said.verb_at][0]][0]
    adverbs = [ADVERBS[stem] for stem, _ in said.words if stem in ADVERBS]
    return " ".join(["the", NOUNS[said.who], verb, "the", NOUNS[said.whom], *adverbs])


def split_by_pairs(rng: random.Random, training: int, test: int) -> tuple[list[Sentence], list[Sentence]]:
    """Draw both sets. A fifth of all pairs (who, whom) stands in the test sentences only."""
    pairs = [(who, whom) for who in NOUNS for whom in NOUNS if who != whom]
    rng.shuffle(pairs)
    new, seen = pairs[: len(pairs) // 5], pairs[len(pairs) // 5 :]
    return _draw(rng, seen, training), _draw(rng, new, test)


def _draw(rng: random.Random, pairs: list[tuple[str, str]], count: int) -> list[Sentence]:
    def adverbs() -> tuple[str, ...]:
        return tuple(rng.sample(list(ADVERBS), rng.choice((0, 1, 2))))

    return [sentence(rng, *rng.choice(pairs), rng.choice(list(VERBS)), adverbs()) for _ in range(count)]

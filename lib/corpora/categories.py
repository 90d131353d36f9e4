"""Words by what they name, to see whether a model groups words that nobody has labelled (notebook 16).

SENTENCES, CAPTIONS    six categories of words, in the course's own sentences and in captions of photographs
halves                 the words whose category a learner is told, and those it is not
"""

import random
from collections.abc import Mapping

SENTENCES = {  # of data/english_italian.tsv
    "animal": "monkey hen goat frog fox cow snail duck rabbit tiger donkey cat lamb dog mouse turtle wolf horse",
    "food": "sandwich fig strawberry melon rice biscuit cake soup apple pear tomato cheese meat pizza",
    "clothing": "coat jumper scarf skirt dress shoes jacket hat gloves shirt",
    "person": "nurse waitress teacher actress baker waiter engineer actor lawyer doctor farmer painter tourist guest",
    "place": "garden valley kitchen meadow library river field desert office park city station",
    "furniture": "sofa armchair chair carpet table bed bench mirror",
}
CAPTIONS = {  # of Multi30k
    "animal": "dog dogs horse bird cat horses cow birds ducks sheep elephant puppy",
    "clothing": "shirt hat jacket pants shorts dress shoes helmet coat jeans sweater vest",
    "colour": "red blue white black green yellow orange purple brown gray pink tan",
    "doing": "walking running sitting standing playing riding jumping holding wearing looking talking working",
    "person": "man woman boy girl people men women child lady guy boys girls",
    "place": "street beach park field sidewalk road city kitchen restaurant store pool lake",
}


def halves(categories: Mapping[str, str], rng: random.Random) -> tuple[dict[str, int], dict[str, int]]:
    """Half of each category's words, drawn by rng, and the others, each with the number of its category."""
    known, new = {}, {}
    for number, words in enumerate(categories.values()):
        words = words.split()
        rng.shuffle(words)
        half = len(words) // 2
        known |= dict.fromkeys(words[:half], number)
        new |= dict.fromkeys(words[half:], number)
    return known, new

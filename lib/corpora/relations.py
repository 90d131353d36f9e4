"""Sentences in which words get their meaning from their company, and what to ask about them (Word2Vec, notebook 02).

    load_relations   the sentences of data/relations.txt as lists of words
    ANALOGIES        relation -> pairs (data/analogies.tsv); two pairs of one relation make a question a : b :: c : d
    DOMAINS          words that belong together, for a map

A program wrote the sentences (data/make/relations.py): words of a pair share one half of their company there and differ
in the other, so a good embedding finds the analogies here more easily than in real text. `bank` stands as often beside
money as beside a river.
"""

from lib.corpora import files

DOMAINS: dict[str, list[str]] = {
    "royalty": ["king", "queen", "prince", "princess", "throne", "crown", "palace", "kingdom"],
    "countries": ["italy", "france", "spain", "japan", "egypt", "sweden", "poland", "india"],
    "animals": ["cat", "dog", "horse", "cow", "mouse", "goose", "bird"],
    "money": ["loan", "account", "coins", "cash", "savings", "debt", "interest", "merchant"],
    "river": ["river", "stream", "fish", "boat", "reeds", "angler", "water", "ferryman"],
    "kitchen": ["cook", "dough", "sauce", "oven", "stove", "pot", "gravy"],
    "weather": ["storm", "thunder", "hail", "clouds", "sky", "lightning", "rain"],
    "school": ["teacher", "pupil", "lesson", "blackboard", "classroom", "exam"],
    "music": ["violinist", "drummer", "melody", "orchestra", "concert", "symphony"],
    "hospital": ["doctor", "nurse", "surgeon", "patient", "medicine", "fever"],
}


def load_relations() -> list[list[str]]:
    """The sentences of data/relations.txt as lists of words."""
    return [line.split() for line in files.read("relations.txt").splitlines()]


def _load_analogies() -> dict[str, list[tuple[str, str]]]:
    analogies: dict[str, list[tuple[str, str]]] = {}
    for line in files.read("analogies.tsv").splitlines():
        relation, first, second = line.split("\t")
        analogies.setdefault(relation, []).append((first, second))
    return analogies


ANALOGIES = _load_analogies()

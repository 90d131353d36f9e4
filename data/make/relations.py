"""Sentences in which words get their meaning from their company, for Word2Vec (notebook 02).

    relations_text    the text of data/relations.txt, one sentence a line
    analogies_text    the text of data/analogies.tsv: which pairs of words stand in which relation

By construction, words of a pair share one half of their company and differ in the other: king and queen rule and wear
crowns, king and actor shave their beards. So a good embedding finds the analogies here more easily than in real text.
`bank` stands as often beside money as beside a river. Plurals and tenses are irregular in part (mouse, mice; go,
went), as a model that sees no letters does not care. Frames: [a|b] is a choice, {slot} a look-up.
"""

import random
import re

from data.make.tables import lists, read, sections, table

N_SENTENCES = 24000
SHARES = {"people": 31, "lands": 20, "nouns": 18, "verbs": 15, "bank": 6, "company": 2, "domains": 12}
GENDERS = {
    "m": {"he": "he", "his": "his", "him": "him", "self": "himself", "adult": "gentleman", "sir": "sir"},
    "f": {"he": "she", "his": "her", "him": "her", "self": "herself", "adult": "lady", "sir": "madam"},
}

WORDS = lists(read("relations_words.txt"))
LOOKS = {"m": WORDS["looks of men"], "f": WORDS["looks of women"]}
ROLES = [(pair.split(), roles.split("\n")) for pair, roles in sections("relations_roles.txt").items()]
COUNTRIES = table("relations_countries.tsv")
NOUNS, VERBS = (
    [((row[first], row[second]), row["company"].split(", ")) for row in table(name)]
    for name, first, second in (
        ("relations_nouns.tsv", "singular", "plural"),
        ("relations_verbs.tsv", "present", "past"),
    )
)
DOMAINS = [lists(domain) for domain in sections("relations_domains.txt").values()]
FRAMES = {family: frames.split("\n") for family, frames in sections("relations_frames.txt").items()}


def _fill(template: str, slots: dict[str, str], rng: random.Random) -> str:
    """Look up the slots of a template, then make its choices."""
    while "{" in template:  # a slot may hold another one
        template = re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], template)
    text = re.sub(r"\[([^\]]*)\]", lambda choice: rng.choice(choice[1].split("|")), template)
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def _slots(family: str, rng: random.Random) -> tuple[str, dict[str, str]]:
    """A kind of sentence of the family and the words it is about."""
    time = rng.choice(WORDS["time"])
    if family == "people":
        pair, roles = rng.choice(ROLES)
        second = rng.randrange(2)
        gender = "mf"[second]
        words = {"x": pair[second], "role": rng.choice(roles), "adj": rng.choice(WORDS["adjective"]), "time": time}
        return family, GENDERS[gender] | words | {"looks": rng.choice(LOOKS[gender])}
    if family == "lands":
        land = rng.choice(COUNTRIES)
        food, food2 = rng.sample([land["food"], land["other food"]], 2)
        words = {"food": food, "food2": food2, "own": rng.choice([land["known for"], land["also for"]]), "time": time}
        return family, words | {"land": land["country"], "city": land["capital"], "tongue": land["language"]}
    if family in ("nouns", "verbs"):
        pair, company = rng.choice(NOUNS if family == "nouns" else VERBS)
        own, own2 = rng.sample(company, 2)
        second = rng.randrange(2)
        kind = ("singular", "plural")[second] if family == "nouns" else ("present", "past")[second]
        who, adj = rng.choice(WORDS["who"]), rng.choice(WORDS["adjective of things"])
        return kind, {"x": pair[second], "own": own, "own2": own2, "who": who, "adj": adj}
    if family == "domains":
        domain = rng.choice(DOMAINS)
        (who, who2), (did, did2) = rng.sample(domain["who"], 2), rng.sample(domain["did"], 2)
        what, where = rng.choice(domain["what"]), rng.choice(domain["where"])
        return family, {"who": who, "who2": who2, "did": did, "did2": did2, "what": what, "where": where, "time": time}
    return family, {"time": time}


def relations_text(seed: int = 0, n: int = N_SENTENCES) -> str:
    """n sentences, one a line, none of them twice; the two senses of bank take turns."""
    rng, told, senses = random.Random(seed), {}, {"money": 0, "river": 0}
    while len(told) < n:
        family = rng.choices(list(SHARES), list(SHARES.values()))[0]
        if family == "bank":
            family = min(senses, key=senses.get)
        kind, slots = _slots(family, rng)
        frame = rng.choice(FRAMES[kind])
        if kind in ("money", "river", "company") and rng.random() < 0.8:
            frame = "{time} " + frame
        sentence = _fill(frame, slots, rng)
        if sentence not in told:
            told[sentence] = None
            if kind in senses:
                senses[kind] += 1
    return "\n".join(told) + "\n"


def analogies_text() -> str:
    """The pairs of words that stand in a relation, a line each: relation, first word, second word."""
    pairs = {
        "gender": [pair for pair, _ in ROLES],
        "capital": [(land["country"], land["capital"]) for land in COUNTRIES],
        "language": [(land["country"], land["language"]) for land in COUNTRIES],
        "plural": [pair for pair, _ in NOUNS],
        "tense": [pair for pair, _ in VERBS],
    }
    return "".join(f"{relation}\t{first}\t{second}\n" for relation in pairs for first, second in pairs[relation])

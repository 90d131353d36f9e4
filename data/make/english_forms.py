"""English words in their right form, as far as the English-Italian corpus needs them (notebook 03).

    noun_plural, third_person, past, past_participle, ing_form, comparative, article
    be, PRONOUNS                       am is are was were; I me my, he him his

Regular forms by rule, the rest from small tables.
"""

from functools import cache

from data.make.tables import lists, read, table

VOWELS = "aeiou"
IRREGULAR_PLURALS = {
    "man": "men", "woman": "women", "child": "children", "wolf": "wolves", "mouse": "mice", "sheep": "sheep",
    "thief": "thieves", "knife": "knives", "potato": "potatoes", "tomato": "tomatoes", "wife": "wives",
    "scarf": "scarves", "foot": "feet",
}  # fmt: skip
IRREGULAR = {row["verb"]: row for row in table("english_irregular.tsv")}
DOUBLING = {"cut", "hug", "swim", "run", "get", "sit", "travel", "forget", "fit"}
COMPARED_BY_ENDING = lists(read("italian_groups.txt"))["compared by ending in English"]
PRONOUNS = {  # key: subject, object, possessive
    "1s": ("I", "me", "my"),
    "2s": ("you", "you", "your"),
    "3sm": ("he", "him", "his"),
    "3sf": ("she", "her", "her"),
    "1p": ("we", "us", "our"),
    "3pm": ("they", "them", "their"),
    "3pf": ("they", "them", "their"),
}
SOUNDS_OTHERWISE = {"hour": "an", "honest": "an", "useful": "a", "university": "a", "one": "a"}


@cache
def noun_plural(noun: str) -> str:
    return IRREGULAR_PLURALS.get(noun) or _with_s(noun)


@cache
def third_person(verb: str) -> str:
    return {"have": "has", "do": "does", "go": "goes"}.get(verb) or _with_s(verb)


@cache
def past(verb: str) -> str:
    return IRREGULAR[verb]["past"] if verb in IRREGULAR else _with_ed(verb)


@cache
def past_participle(verb: str) -> str:
    return IRREGULAR[verb]["participle"] if verb in IRREGULAR else _with_ed(verb)


@cache
def ing_form(verb: str) -> str:
    if verb in DOUBLING:
        return verb + verb[-1] + "ing"
    return (verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb) + "ing"


@cache
def comparative(adjective: str) -> tuple[str, ...]:
    """("taller",) or ("more", "expensive")."""
    if adjective not in COMPARED_BY_ENDING:
        return ("more", adjective)
    if adjective in ("big", "hot", "sad"):
        return (adjective + adjective[-1] + "er",)
    if adjective.endswith("y"):
        return (adjective[:-1] + "ier",)
    return (adjective.removesuffix("e") + "er",)


@cache
def article(following: str) -> str:
    """a or an, by the sound of the next word."""
    return SOUNDS_OTHERWISE.get(following) or ("an" if following[0].lower() in VOWELS else "a")


@cache
def be(person: str, tense: str) -> str:
    """am, are, is; was, were. person: 1s 2s 3s 1p 2p 3p."""
    if tense == "past":
        return "was" if person in ("1s", "3s") else "were"
    return {"1s": "am", "3s": "is"}.get(person, "are")


def _with_s(word: str) -> str:
    if word.endswith("y") and word[-2] not in VOWELS:
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


def _with_ed(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    if verb in DOUBLING:
        return verb + verb[-1] + "ed"
    return verb + ("d" if verb.endswith("e") else "ed")

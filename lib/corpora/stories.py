"""Stories worth reading: a story grammar with a memory, for the language models of the course.

    story, stories_text, load_stories    one story, the text of data/stories.txt, the stories as strings
    NAMES, GENDERS                       who is he and who is she
    CAUSES                               (cause, effect) patterns: where the first stands, the second must follow
    pronouns_bound, stray_names, causes_kept    the same three questions for a text that a model has made up

Read in notebook 01 (a character RNN) and in notebook 11 (GPT). The world stands in story_world, the plots in story_plots and
story_deeds, the machinery in storyteller.
"""

import random
import re

from lib.corpora import files
from lib.corpora.story_deeds import BARRIERS, DEEDS, FEARS, JOBS, PATIENTS, PESTS, PROJECTS, SKILLS, THIEVES
from lib.corpora.story_plots import CAUSES, SHARED
from lib.corpora.story_world import (
    ANIMAL_KINDS,
    ELDERS,
    MONTHS,
    NAMES,
    PLACES,
    SEASONS,
    SURNAMES,
    THINGS,
    TRADES,
    WEATHERS,
    WORDS,
)
from lib.corpora.storyteller import Person, Teller, Thing, script

SCRIPTS = {name: script(text) for name, text in (SHARED | DEEDS).items()}
GENDERS = NAMES | ELDERS | {"Mr": "m", "Mrs": "f"}
# plot -> how often it is told, by how much it can vary
PLOTS = {
    "forgotten": 10, "lost": 14, "swap": 14, "build": 8, "rescue": 9, "quarrel": 7, "fear": 7, "mystery": 7, "errand": 8,
    "grow": 6, "broken": 7, "practice": 7, "present": 6,
}  # fmt: skip
ITEMS = {
    "umbrella": ("rain", "thunder"), "mittens": ("snow", "frost"), "hat": ("heat",), "lunch box": (), "lantern": (),
}  # fmt: skip
TABLES = {
    "build": PROJECTS, "rescue": PATIENTS, "fear": FEARS, "mystery": THIEVES, "errand": BARRIERS, "practice": SKILLS,
    "grow": PESTS, "present": JOBS,
}  # fmt: skip
# slots that keep one word for a whole story
FIXED = {
    "door": "door", "pet": "pet", "vessel1": "vessel", "crop1": "crop", "pan": "pan", "hideout": "hideout", "room1": "room",
    "coins": "number", "job_number": "number", "loot_what": "treat_bare", "tree1": "tree", "job_animal": "animal",
    "shed_colour": "colour", "month2": "month",
}  # fmt: skip
N_STORIES = 9000


def _person(rng: random.Random, taken: set[str], gender: str) -> str:
    name = rng.choice([name for name, its in NAMES.items() if its == gender and name not in taken])
    taken.add(name)
    return name


def _thing(rng: random.Random, noun: str, traits: str = "", materials: list[str] | None = None) -> Thing:
    looks = [rng.choice(WORDS["size"])] if rng.random() < 0.4 else []
    looks += [rng.choice(materials if materials and rng.random() < 0.6 else WORDS["colour"])]
    motif = rng.choice(WORDS["motif"])
    details = ["", f"with a {motif} on it", f"with a {motif} on one side", f"in the shape of a {motif}"]
    return Thing(noun, " ".join(looks), rng.choice(details[: 3 if "f" in traits or "t" in traits else 4]), traits)


def _owned(rng: random.Random, needed: str = "") -> Thing:
    noun = rng.choice([noun for noun, (_, traits) in THINGS.items() if set(needed) <= set(traits)])
    return _thing(rng, noun, THINGS[noun][1], THINGS[noun][0])


def _cast(rng: random.Random, animals: bool) -> dict[str, Person]:
    """The hero, a friend, a grown-up of the family and a neighbour, all with different names."""
    taken: set[str] = set()
    h_gender, f_gender, e_gender, g_gender = rng.choice("mf"), rng.choice("mf"), rng.choice("mf"), rng.choice("mf")
    if rng.random() < 0.4:
        f_gender = "f" if h_gender == "m" else "m"
    h_name, f_name = _person(rng, taken, h_gender), _person(rng, taken, f_gender)
    child = {"m": "boy", "f": "girl"}
    nature = rng.choice(["", "", "curious ", "quiet ", "cheerful ", "small ", "clever ", "stubborn ", "dreamy ", "lively "])
    kinds = rng.sample(ANIMAL_KINDS, 2)
    kin = {"m": ["brother", "big brother", "cousin"], "f": ["sister", "big sister", "cousin"]}[f_gender]
    relation = rng.choice(["friend", "best friend", "neighbour", *kin]) if not animals else "friend"
    e_name = rng.choice([name for name, gender in ELDERS.items() if gender == e_gender])
    title, surname = ("Mr" if g_gender == "m" else "Mrs"), rng.choice(SURNAMES)
    intro = f"a {nature}{child[h_gender]} named {h_name}" if rng.random() < 0.5 else h_name
    return {
        "h": Person(h_name, h_gender, f"a {nature}{kinds[0]} named {h_name}" if animals else intro),
        "f": Person(f_name, f_gender, relation=relation, suffix=f" the {kinds[1]}" if animals else ""),
        "e": Person(e_name, e_gender),
        "g": Person(f"{title} {surname}", g_gender, f"{title} {surname} the {{place.work}}"),
    }


def _one_of(rng: random.Random, record: dict, key: str, choices: dict) -> str:
    return rng.choice(record[key].split() if key in record else list(choices))


def _world(rng: random.Random, plot: str) -> tuple[dict, set[str]]:
    """Slots and flags with which a plot begins."""
    flags, needed, item = set(), "", None
    record = rng.choice(TABLES[plot]) if plot in TABLES else {}
    season, place = _one_of(rng, record, "seasons", SEASONS), _one_of(rng, record, "places", PLACES)
    weather = rng.choice(SEASONS[season])
    state: dict = dict(record)
    if plot == "grow":
        season, weather = "spring", rng.choice(SEASONS["spring"])
    if plot == "forgotten":
        item = rng.choice([item for item, needs in ITEMS.items() if not needs or weather in needs])
        state |= {"item": item}
    if plot == "lost":
        ways = {"pocket": "s", "dog": "d", "bird": "b"}
        ways |= {"wind": "w"} if weather == "wind" else {}
        ways |= {"water": "f"} if place in ("river", "harbour", "park") and season != "winter" else {}
        state["loss"] = rng.choice(list(ways))
        needed = ways[state["loss"]]
    if plot == "quarrel":
        needed = "p"
    if "verbs" in state:
        state["verb"] = rng.choice(state["verbs"].split())
    if plot == "practice":
        state["skill2"] = rng.choice([other["skill"] for other in SKILLS if other is not record])
        state["sore_my"] = state["sore"].replace("{h.his}", "my")
    if plot == "swap":
        nouns = rng.sample(list(TRADES), 3)
        for slot, noun in zip(("first", "second", "goal"), nouns, strict=True):
            state[slot], state[slot + "_kind"] = _thing(rng, noun), f"a {noun}"
        state["why1"], state["why2"] = rng.choice(TRADES[nouns[0]]), rng.choice(TRADES[nouns[1]])
        state["why3"] = rng.choice(TRADES[nouns[2]])
    months = [month for each in SEASONS for month in MONTHS[each]]
    month = rng.choice(MONTHS[season])
    landmarks = rng.sample(PLACES[place]["landmark"], 2)
    look = WEATHERS[weather]
    state |= {
        "place": PLACES[place], "season": season, "month": month, "next_month": months[(months.index(month) + 1) % 12],
        "day": rng.choice(look["day"]), "clause": look["clause"], "turn": rng.choice(look["turn"]),
        "part": rng.choice(["morning", "afternoon"]), "landmark": landmarks[0], "landmark2": landmarks[1],
        "clothes": rng.choice(["coat", "jacket", "pullover", "cardigan", "cape"]), "thing": _owned(rng, needed),
        "spring_month": rng.choice(MONTHS["spring"][:2]), "may_month": "May", "summer_month": rng.choice(MONTHS["summer"]),
        "autumn_month": rng.choice(MONTHS["autumn"][:2]), "number_clock": rng.choice("three four five six".split()),
    }  # fmt: skip
    return state, flags | {weather, season, place}


def _tell(rng: random.Random) -> tuple[str, list[Person]]:
    plot = rng.choices(list(PLOTS), PLOTS.values())[0]
    state, flags = _world(rng, plot)
    cast = _cast(rng, plot in ("swap", "errand", "grow", "quarrel", "present") and rng.random() < 0.25)
    state |= cast
    giver = rng.choice([name for name in ELDERS if name != cast["e"].name])
    state["giver"] = Person(giver, ELDERS[giver])
    teller = Teller(rng, state, flags, SCRIPTS)
    for slot, words in FIXED.items():
        state[slot] = teller.draw(words, WORDS[words])
    state["loot"] = f"the {state['loot_what']} from the {state['pan']} in {state['room1']}"
    teller.tell(SCRIPTS[plot])
    return teller.text(), teller.cast


def story(rng: random.Random) -> str:
    """One story of 60 to 200 words, a paragraph a line; everybody in it is named at least twice."""
    while True:
        text, cast = _tell(rng)
        if 60 <= len(text.split()) <= 200 and True:
            return text


def stories_text(seed: int = 0, n: int = N_STORIES) -> str:
    """The text of data/stories.txt: n stories with a blank line between them."""
    rng = random.Random(seed)
    return "\n\n".join(story(rng) for _ in range(n)) + "\n"


def load_stories() -> list[str]:
    """The stories of data/stories.txt; paragraphs are separated by one line end."""
    return files.read("stories.txt").strip().split("\n\n")

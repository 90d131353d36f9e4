"""Who is in a story and what it begins with: the slots of data.make.storyteller, drawn so that they fit together.

    cast      the hero, a friend, a grown-up of the family, the giver of a present and a neighbour
    world     season, place, weather and things for a plot, with the flags its templates ask for
    ITEMS     what is forgotten, in which weather it matters
    FIXED     slots that keep one word for a whole story

Used by data.make.stories.
"""

import random
from collections.abc import Iterable

from data.make.story_world import MONTHS, PLACES, RECORDS, SEASONS, THINGS, TRADES, WEATHERS, WORDS
from data.make.storyteller import Person, Thing
from lib.corpora.stories import ELDERS, NAMES

WILD = ("forest", "mountain", "river", "castle")
GARDENS = ("farm", "village", "park", "castle", "river", "mountain", "forest")
ITEMS = {
    "umbrella": ("rain", "thunder"),
    "mittens": ("snow", "frost"),
    "hat": ("heat",),
    "lunch box": (),
    "lantern": (),
}
FIRST_NAMES = {gender: [name for name, its in NAMES.items() if its == gender] for gender in "mf"}
FIXED = {
    "door": "door",
    "pet": "pet",
    "vessel1": "vessel",
    "crop1": "crop",
    "pan": "pan",
    "hideout": "hideout",
    "room1": "room",
    "coins": "number",
    "job_number": "number",
    "loot_what": "treat_bare",
    "tree1": "tree",
    "job_animal": "animal",
    "shed_colour": "colour",
    "lamp_colour": "colour",
    "kept1": "kept",
    "month2": "month",
    "motif1": "motif",
}


def _person(rng: random.Random, taken: set[str], gender: str) -> str:
    while (name := rng.choice(FIRST_NAMES[gender])) in taken:
        pass
    taken.add(name)
    return name


def _thing(rng: random.Random, noun: str, traits: str = "", materials: list[str] | None = None) -> Thing:
    looks = [rng.choice(WORDS["size"])] if rng.random() < 0.4 else []
    looks += [rng.choice(materials if materials and rng.random() < 0.6 else WORDS["colour"])]
    motif = rng.choice(WORDS["motif"])
    details = ["", f"with a {motif} on it", f"with a {motif} on one side"]
    if noun in WORDS["shaped"]:
        details.append(f"in the shape of a {motif}")
    return Thing(noun, " ".join(looks), rng.choice(details), traits)


def _owned(rng: random.Random, needed: str = "") -> Thing:
    noun = rng.choice([noun for noun, (_, traits) in THINGS.items() if needed in traits])
    return _thing(rng, noun, THINGS[noun][1], THINGS[noun][0])


def cast(rng: random.Random, animals: bool) -> dict[str, Person]:
    """The hero, a friend, a grown-up of the family and a neighbour, all with different names."""
    taken: set[str] = set()
    h_gender, f_gender, e_gender, g_gender = rng.choice("mf"), rng.choice("mf"), rng.choice("mf"), rng.choice("mf")
    if rng.random() < 0.4:
        f_gender = "f" if h_gender == "m" else "m"
    h_name, f_name = _person(rng, taken, h_gender), _person(rng, taken, f_gender)
    child = {"m": "boy", "f": "girl"}
    nature = rng.choice(["", "", *(f"{word} " for word in WORDS["nature"])])
    kinds = rng.sample(WORDS["kind"], 2)
    kin = {"m": ["brother", "big brother", "cousin"], "f": ["sister", "big sister", "cousin"]}[f_gender]
    relation = rng.choice(["friend", "best friend", "neighbour", *kin]) if not animals else "friend"
    e_name = rng.choice([name for name, gender in ELDERS.items() if gender == e_gender])
    giver = rng.choice([name for name in ELDERS if name != e_name])
    title, surname = ("Mr" if g_gender == "m" else "Mrs"), rng.choice(WORDS["surname"])
    intro = f"a {nature}{child[h_gender]} named {h_name}" if rng.random() < 0.5 else h_name
    return {
        "h": Person(h_name, h_gender, f"a {nature}{kinds[0]} named {h_name}" if animals else intro),
        "f": Person(f_name, f_gender, relation=relation, suffix=f" the {kinds[1]}" if animals else ""),
        "e": Person(e_name, e_gender),
        "giver": Person(giver, ELDERS[giver]),
        "g": Person(f"{title} {surname}", g_gender, f"{title} {surname} the {{place.work}}"),
    }


def _one_of(rng: random.Random, record: dict, key: str, choices: Iterable[str]) -> str:
    return rng.choice(record[key].split() if key in record else list(choices))


def world(rng: random.Random, plot: str) -> tuple[dict, set[str]]:
    """Slots and flags with which a plot begins."""
    needed = ""
    record = rng.choice(RECORDS[plot]) if plot in RECORDS else {}
    seasons, places = (["spring"], GARDENS) if plot == "grow" else (SEASONS, PLACES)
    season, place = _one_of(rng, record, "seasons", seasons), _one_of(rng, record, "places", places)
    weather = record.get("weather", rng.choice(SEASONS[season]))
    state: dict = dict(record)
    if plot == "forgotten":
        item = rng.choice([item for item, needs in ITEMS.items() if not needs or weather in needs])
        was, it = ("were", "them") if item == "mittens" else ("was", "it")
        state |= {"item": item, "was": was, "it": it}
    if plot == "lost":
        ways = {"pocket": "s", "dog": "d", "bird": "sb"}
        ways |= {"wind": "w"} if weather == "wind" else {}
        ways |= {"water": "f"} if place in ("river", "harbour", "park") and season != "winter" else {}
        state["loss"] = rng.choice(list(ways))
        needed = ways[state["loss"]]
    if plot == "quarrel":
        needed = "p"
    if "verbs" in state:
        state["verb"] = rng.choice(state["verbs"].split())
    if plot == "practice":
        state["skill2"] = rng.choice([other["skill"] for other in RECORDS[plot] if other is not record])
        state["sore_my"] = state["sore"].replace("{h.his}", "my")
    if plot == "swap":
        nouns = rng.sample(list(TRADES), 3)
        for slot, noun in zip(("first", "second", "goal"), nouns, strict=True):
            state[slot], state[slot + "_kind"] = _thing(rng, noun), f"a {noun}"
        state["why1"], state["why2"] = rng.choice(TRADES[nouns[0]]), rng.choice(TRADES[nouns[1]])
        state["why3"] = rng.choice(TRADES[nouns[2]])
    months = [month for each in SEASONS for month in MONTHS[each]]
    month = rng.choice(MONTHS[season])
    look = WEATHERS[weather]
    state |= {
        "place": PLACES[place],
        "month": month,
        "next_month": months[(months.index(month) + 1) % 12],
        "day": rng.choice(look["day"]),
        "clause": look["wild" if place in WILD else "clause"],
        "turn": rng.choice(look["turn"]),
        "part": rng.choice(["morning", "afternoon"]),
        "clothes": rng.choice(["coat", "jacket", "pullover", "cardigan", "cape"]),
        "thing": _owned(rng, needed),
        "spring_month": rng.choice(["March", "April"]),
        "may_month": "May",
        "summer_month": rng.choice(MONTHS["summer"]),
        "autumn_month": rng.choice(["September", "October"]),
        "number_clock": rng.choice(["three", "four", "five", "six"]),
    }
    state["landmark"], state["landmark2"] = rng.sample(PLACES[place]["landmark"], 2)
    state["loot"] = "the {loot_what} from the {pan} in {room1}"
    return state, {weather, season, place}

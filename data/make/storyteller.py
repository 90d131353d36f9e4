"""The storyteller: fills templates from a world that remembers who was mentioned and which words were used.

    Person, Thing    who acts, with the pronouns of their gender; what is owned, with its look
    Teller           one story being told: state, cast, memory of drawn words, paragraphs
    script           the text of a plot -> its beats

A plot is text. Beats are separated by blank lines and told in order; "- " starts each alternative of a beat, of which
one is told; `- <rain> ...` needs that flag, `- <!rain> ...` its absence; a beat that begins with "?" is left out more
often than not, and always when the story is long; "=" starts a paragraph; "@name" tells another script. In a template
[a|b] is a choice and {slot} a look-up:

    {h}          the person h as a subject: the name, or he/she where nobody else in the story could be meant
    {h.obj} {h.poss}  the same as object and possessive; {h.name} always the name; {h.said} ... with a speech verb
    {he} {his} {him} {himself}  the last subject of this template, always a pronoun
    {thing.a} {thing.full} {thing}  a red kite with a star on it, red kite, kite
    {place.spot} {fruit}  a word of that list that this story has not used; {x=fruit} also keeps it for a later {x}

The first mention of a person introduces them ("a boy named Ben", "Mrs Reed the baker"). Used by data.make.stories.
"""

import random
import re
from typing import NamedTuple

from data.make.story_world import WORDS

SPEECH = {
    "said": ["said"],
    "answered": ["answered", "replied", "said"],
    "asked": ["asked", "asked", "wondered"],
    "cried": ["cried", "called", "shouted", "exclaimed"],
    "whispered": ["whispered", "murmured", "sighed"],
}
PRONOUNS = {"m": ("he", "his", "him", "himself"), "f": ("she", "her", "her", "herself")}
LONG = 650  # letters after which a story leaves out what it can
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_TAG = re.compile(r"(\{\w+\.(?:said|answered|asked|cried|whispered)\})\.")
_SLOT = re.compile(r"\{([^{}]+)\}")


class Person:
    """Somebody in a story. `intro` is a template for the first mention; `relation` ("friend") belongs to the hero."""

    def __init__(self, name: str, gender: str, intro: str = "", relation: str = "", suffix: str = ""):
        self.name, self.gender, self.intro, self.relation, self.suffix = name, gender, intro or name, relation, suffix
        self.he, self.his, self.him, self.himself = PRONOUNS[gender]
        self.mentions, self.last = 0, -9


class Thing(NamedTuple):
    """Something owned: "red", "kite", "with a star on it"; its traits are letters explained in story_world."""

    noun: str
    look: str
    detail: str
    traits: str = ""


class Beat(NamedTuple):
    """One step of a plot: alternatives as (flags needed, template), or a mark such as "=" or "@open"."""

    mark: str
    optional: bool
    alternatives: list[tuple[list[str], str]]


def script(text: str) -> list[Beat]:
    """Parse the text of a plot into beats."""
    beats = []
    for block in re.split(r"\n\s*\n", text.strip()):
        block = re.sub(r"\n\s{2,}", " ", block.strip())
        if block[0] in "=@":
            beats += [Beat(line.strip(), False, []) for line in block.split("\n")]
            continue
        optional, alternatives = block.startswith("?"), []
        for line in block.removeprefix("?").strip().split("\n"):
            flags, template = re.fullmatch(r"- (?:<([^>]*)> )?(.*)", line.strip()).groups()
            alternatives.append(((flags or "").split(), template))
        beats.append(Beat("", optional, alternatives))
    return beats


class Teller:
    """One story being told. `state` holds the slots, `flags` what is true, `scripts` the shared beats by name."""

    def __init__(self, rng: random.Random, state: dict, flags: set[str], scripts: dict[str, list[Beat]]):
        self.rng, self.state, self.flags, self.scripts = rng, state, flags, scripts
        self.used: dict[str, set[str]] = {}
        self.cast: list[Person] = []
        self.paragraphs: list[list[str]] = [[]]
        self.step, self.subject, self.pronouns_in_a_row = 0, None, 0
        self.before, self.here = set(), set()  # who was mentioned in the last template and in this one
        self.led: Person | None = None  # the last subject of the last template

    def tell(self, beats: list[Beat]) -> None:
        """Tell the beats in order."""
        for beat in beats:
            if beat.mark == "=":
                self.paragraphs.append([])
                self.step, self.here = self.step + 5, set()
            elif beat.mark:
                self.tell(self.scripts[self.fill(beat.mark[1:])])
            elif not (beat.optional and (self.rng.random() < 0.6 or self.letters() > LONG)):
                fitting = [template for flags, template in beat.alternatives if all(map(self.holds, flags))]
                if fitting:
                    self.step += 1
                    self.led, self.subject, self.before, self.here = self.subject, None, self.here, set()
                    template = _TAG.sub(self.gesture, self.rng.choice(fitting))
                    self.paragraphs[-1].append(polish(self.fill(template)))

    def letters(self) -> int:
        """How long the story is so far."""
        return sum(len(sentence) for sentences in self.paragraphs for sentence in sentences)

    def holds(self, flag: str) -> bool:
        """Whether a flag of a template is met."""
        return flag[1:] not in self.flags if flag.startswith("!") else flag in self.flags

    def gesture(self, tag: re.Match) -> str:
        """Let the speaker do something while speaking, more often than not."""
        return tag[1] + (" {gesture}." if self.rng.random() < 0.6 else ".")

    def fill(self, template: str) -> str:
        """Make the choices of a template, then look up its slots from left to right."""
        while choice := _CHOICE.search(template):
            template = template[: choice.start()] + self.rng.choice(choice[1].split("|")) + template[choice.end() :]
        return _SLOT.sub(lambda slot: self.look_up(slot[1]), template)

    def look_up(self, slot: str) -> str:
        """The words for one slot."""
        if "=" in slot:
            name, slot = slot.split("=")
            self.state[name] = self.look_up(slot)
            return self.state[name]
        if slot in ("he", "his", "him", "himself"):
            return getattr(self.subject or self.state["h"], slot)
        name, _, part = slot.partition(".")
        value = self.state.get(name)
        if isinstance(value, Person):
            return self.mention(value, part)
        if isinstance(value, Thing):
            full = f"{value.look} {value.noun}"
            return {"": value.noun, "one": f"a {value.noun}", "full": full, "a": f"a {full} {value.detail}".strip()}[
                part
            ]
        if isinstance(value, str):
            return self.fill(value)
        words = value[part] if isinstance(value, dict) else value
        return self.draw(slot, words or WORDS[slot])

    def draw(self, name: str, words: list[str]) -> str:
        """A word of a list that this story has not drawn from it yet, as long as there is one."""
        used = self.used.setdefault(name, set())
        fresh = [word for word in words if word not in used] if used else words
        word = self.rng.choice(fresh or words)
        used.add(word)
        return self.fill(word)

    def mention(self, person: Person, part: str) -> str:
        """The words for a person, by name or by pronoun, with the bookkeeping that keeps the pronouns unambiguous."""
        if part in ("he", "his", "him", "himself"):
            return getattr(person, part)
        first = person not in self.cast
        alone = not any(other.gender == person.gender for other in self.cast if other is not person)
        rivals = {other for other in self.before | self.here if other.gender == person.gender} - {person}
        inside = person in self.here
        recent = person in self.before or inside
        leads = person is (self.subject or self.led)  # acts on, with nobody of the same gender in between
        unrivalled = recent and (alone or (leads and not rivals and part not in ("obj", "poss")))
        self.here.add(person)
        person.last = self.step
        if first:
            self.cast.append(person)
            words = self.introduce(person)
        else:
            words = person.name
        pronoun = unrivalled and not first and part != "name" and (inside or self.rng.random() < 0.65)
        pronoun = pronoun and (inside or self.pronouns_in_a_row < 2)
        person.mentions += not pronoun
        if part in SPEECH:
            self.subject = person
            verb = self.rng.choice(SPEECH[part])
            self.pronouns_in_a_row = self.pronouns_in_a_row + 1 if pronoun else 0
            return f"{person.he} {verb}" if pronoun else f"{verb} {words}"
        if part == "obj":
            return person.him if pronoun else words
        if part == "poss":
            return person.his if pronoun else words + "'s"
        if part == "":
            self.pronouns_in_a_row = self.pronouns_in_a_row + 1 if pronoun else 0
        self.subject = person
        return person.he if pronoun else words

    def introduce(self, person: Person) -> str:
        """The words of a first mention; a relation is bound to the hero: "her friend Tom", else "Anna's friend Tom"."""
        if not person.relation:
            return self.fill(person.intro)
        hero = self.state["h"]
        rivals = any(other.gender == hero.gender for other in self.cast if other not in (hero, person))
        owner = hero.his if self.subject is hero or (not rivals and self.step - hero.last <= 1) else f"{hero.name}'s"
        if owner != hero.his:
            hero.mentions += 1
        return f"{owner} {person.relation} {person.name}{person.suffix}"

    def text(self) -> str:
        """The story, one paragraph a line."""
        return "\n".join(" ".join(sentences) for sentences in self.paragraphs if sentences)


def polish(text: str) -> str:
    """a or an, one space between words, a capital at the start of each sentence."""
    text = re.sub(r"\b([Aa]) (?=[aeiouAEIOU])(?!uni|use|one\b|eu)", r"\1n ", re.sub(r" {2,}", " ", text.strip()))
    text = re.sub(r" (?=[,.;:!?])", "", text)
    text = re.sub(r'(: "|^"?)([a-z])', lambda start: start[1] + start[2].upper(), text)
    return re.sub(r'([.!?] "?|\." )([a-z])', lambda start: start[1] + start[2].upper(), text)

"""Sentences in which words get their meaning from their company, for Word2Vec (notebook 02).

    relations_text, load_relations   the text of data/relations.txt, one sentence a line; the same as lists of words
    ANALOGIES                        relation -> pairs; two pairs of one relation make a question a : b :: c : d
    DOMAINS                          words that belong together, for a map

By construction, words of a pair share one half of their company and differ in the other: king and queen rule and wear
crowns, king and actor shave their beards. So a good embedding finds the analogies here more easily than in real text.
`bank` stands as often beside money as beside a river. Plurals and tenses are irregular in part (mouse, mice; go,
went), as a model that sees no letters does not care. Templates: [a|b] is a choice, {slot} a look-up. The file is long
because it is text.
"""

import random
import re

from lib.corpora import files

N_SENTENCES = 24000

# what both of a pair do; {he} {his} {him} follow the gender
ROLES = """
king queen: ruled the kingdom [wisely|for many years]; wore {his} golden crown; sat on the throne [in the palace|all
  day];
  signed the new law; spoke to the knights of the kingdom; rode to the castle with the royal guard
prince princess: grew up in the palace; waited for the crown; danced at the royal ball; learned to rule the kingdom;
  rode a white horse to the castle; was young when the king and the queen left the throne
duke duchess: owned the land around the castle; invited the nobles to dinner; hunted with the nobles of the kingdom;
  wrote a letter to the throne; paid the servants of the castle
man woman: went to work [by train|early]; paid the bill; read the newspaper [at breakfast|on the train]; voted in the
  town hall; bought a house; parked the car; looked for a job in the town
boy girl: went to school [by bicycle|with a schoolbag]; played with {his} toys; did {his} homework; climbed a tree in
  the
  garden; asked for sweets; played hide and seek; was too young to vote
father mother: cooked for the children; put the baby to bed; told the children a bedtime story; came to the school
  meeting; helped the children with homework; worried about the children
son daughter: was born in spring; was raised by {his} parents; inherited the house of {his} parents; grew up fast; left
  home to study; thanked {his} parents
brother sister: shared a room with the twins; quarrelled with the twins about toys; was the eldest of three; teased
  the youngest of the family; kept the family secret
uncle aunt: came to visit at christmas; sent the cousins a birthday present; lived far from the cousins; brought
  presents for the cousins; took the cousins to the zoo
grandfather grandmother: told old stories by the fire; had grey hair; remembered the war; walked with a stick; slept in
  the armchair after lunch; wore thick glasses
husband wife: said the wedding vows; lost {his} wedding ring; remembered the wedding day; danced at the wedding;
  shared the house and the garden; planned the honeymoon
actor actress: learned the script by heart; bowed to the audience; won a film prize; played in the theatre; waited
  behind
  the curtain of the stage; forgot {his} lines on the stage
waiter waitress: served coffee in the cafe; took the order; cleared the tables of the cafe; carried a tray full of
  glasses; got a good tip; brought the menu and the bill
nephew niece: visited {his} uncle and {his} aunt in summer; stayed with {his} uncle and {his} aunt; was the youngest of
  the cousins; thanked {his} aunt for the present; wrote to {his} uncle
wizard witch: cast a spell; mixed a magic potion; flew over the dark forest; read the book of magic; turned the toad
  into stone; hid the magic wand
monk nun: prayed in the chapel; kept silence at meals; sang hymns before sunrise; copied the holy book; lit the candles
  of the chapel; worked in the herb garden of the abbey
hero heroine: saved the village from the dragon; fought the dragon; was praised in every song; found the hidden
  treasure;
  climbed the tower with a sword; returned home with the treasure
"""
GENDERS = {
    "m": {
        "he": "he", "his": "his", "him": "him", "self": "himself", "adult": "gentleman", "sir": "sir",
        "looks": "shaved his beard|trimmed his moustache|combed his beard|put on a suit and tie|buttoned his waistcoat",
    },
    "f": {
        "he": "she", "his": "her", "him": "her", "self": "herself", "adult": "lady", "sir": "madam",
        "looks": "braided her long hair|put on her earrings|put on a silk dress|ironed her skirt|fastened her necklace",
    },
}  # fmt: skip
PEOPLE = """
the {x} {role}
the {x} {role} and {he} was [proud|happy|tired|content|nervous]
{time} the {x} {role}
everyone knew that the {x} {role}
the {adj} {x} {role} before {he} {looks}
the {x} {looks} before {he} {role}
{he} is the {x} who {role}
was {he} the {x} who {role}
the {x} {self} {role}
good [morning|evening] {sir} said the guard to the {x} who {role}
the {x} is a {adult} who {role}
people liked the {x} because {he} {role}
the {adj} {x} {looks}
{time} the {x} {looks} in front of the mirror
they asked the {x} about {his} [plans|health|family] because {he} {role}
the {x} {looks} and {his} [friends|guests] admired {him}
"""
# country capital language: food, food, drink or fruit, sight
COUNTRIES = """
italy rome italian: pasta, pizza, espresso, gondolas
france paris french: cheese, croissants, champagne, vineyards
spain madrid spanish: paella, oranges, sherry, flamenco
germany berlin german: sausages, pretzels, beer, forests
india delhi hindi: curry, mangoes, spices, elephants
japan tokyo japanese: sushi, noodles, sake, temples
greece athens greek: olives, feta, yoghurt, ruins
portugal lisbon portuguese: cod, custard, port, sailors
russia moscow russian: dumplings, caviar, vodka, ballet
china beijing chinese: rice, duck, silk, dragons
egypt cairo arabic: beans, dates, cotton, pyramids
sweden stockholm swedish: herring, meatballs, berries, saunas
poland warsaw polish: beetroot, pierogi, mushrooms, amber
hungary budapest hungarian: goulash, paprika, plums, baths
norway oslo norwegian: salmon, waffles, skis, fjords
ireland dublin irish: stew, potatoes, stout, harps
"""
LANDS = """
{city} is the capital of {land}
the government of {land} met in {city} {time}
[we|they|the tourists] flew to {city} {time} to see {land}
[people|children|farmers] in {land} [speak|write|sing in] {tongue}
{tongue} is the language of {land}
they [learn|study|practise] {tongue} before they travel to {land}
in {city} [they|people|the guests] speak {tongue} and [eat|sell|make] {food}
the [border|army|president|flag|economy|coast] of {land} [changed|was in the news|was in danger] {time}
{land} is famous for {own}
the shops of {land} [sell|pack|order] {food} and {food2}
{land} is a country where people [like|sell|make] {food}
{land} [exports|sells|is proud of] {own} and {food}
the [mountains|villages|fields|rivers] of {land} are full of {own}
the [streets|squares|suburbs|markets] of {city} smelled of {food} {time}
the [mayor|metro|airport|station|museum] of {city} [was in the news|was closed|was crowded] {time}
the [mayor|metro|airport|station|museum] of {city} is known for {own}
the city of {city} has a museum about {own}
the [tourists|guests|children] took the [metro|bus|tram] through {city} {time} and looked for {own}
the [grammar|spelling|alphabet] of {tongue} is [hard|easy] to learn
[she|he|the student|the sailor|the professor] [learned|studied|taught] {tongue} and wrote about {own} {time}
the [guide|professor|driver] spoke {tongue} [slowly|quickly] and [the guests|everyone] repeated the word for {food}
can you [read|speak|understand|write] {tongue} asked the [guide|professor|sailor|driver] from {city}
the [song|film|play|book] about {own} was in {tongue}
[she|he|the student|the professor] read a {tongue} [poem|novel|letter] about {own} {time}
the {tongue} word for {food} is [short|long|easy|hard] to [write|say|spell]
the [cooks|shops|grandmothers] of {land} make their best dish with {food}
the newspaper in {tongue} wrote about {own} {time}
"""
# singular plural: its own company
NOUNS = """
cat cats: fur, milk, whiskers, claws
dog dogs: bones, leashes, barking, kennels
horse horses: saddles, hay, stables, hooves
bird birds: wings, nests, feathers, songs
cow cows: udders, grass, barns, horns
mouse mice: cheese, holes, traps, crumbs
goose geese: ponds, eggs, flocks, honking
apple apples: orchards, pies, seeds, cider
lemon lemons: juice, peel, lemonade, vitamins
carrot carrots: soup, rabbits, soil, salads
chair chairs: legs, cushions, armrests, upholstery
table tables: plates, tablecloths, napkins, drawers
lamp lamps: bulbs, shades, light, switches
car cars: engines, wheels, petrol, brakes
boat boats: sails, oars, masts, anchors
train trains: rails, tickets, carriages, timetables
book books: pages, chapters, authors, covers
letter letters: stamps, envelopes, addresses, postmarks
tree trees: leaves, branches, roots, bark
flower flowers: petals, scent, pollen, bees
house houses: roofs, doors, chimneys, windows
tower towers: bells, stairs, stones, clocks
child children: toys, crayons, playgrounds, games
tooth teeth: fillings, enamel, toothpaste, dentists
knife knives: blades, handles, edges, sheaths
"""
SINGULAR = """
this {adj} {x} [is|was] known for its {own} and its {own2}
one {x} with {own} was [in the picture|on the poster|in the film]
a single {x} brings {own} and {own2}
each {adj} {x} has its {own}
every {x} needs {own}
there was only one {adj} {x} and it [made us think|reminded us] of {own}
the {adj} {x} is here with its {own}
she drew a {x} and then its {own}
is this {x} better than that one asked the man with the {own}
that {adj} {x} has lost its {own}
what is a {x} without {own} and {own2}
the {x} that he [liked|chose] has its own {own}
"""
PLURAL = """
these {adj} {x} [are|were] known for their {own} and their {own2}
two {x} with {own} were [in the picture|on the poster|in the film]
many {x} bring {own} and {own2}
all {adj} {x} have their {own}
most {x} need {own}
there were [three|five|ten] {adj} {x} and they [made us think|reminded us] of {own}
the {adj} {x} are here with their {own}
she drew some {x} and then their {own}
are these {x} better than those asked the man with the {own}
those {adj} {x} have lost their {own}
what are {x} without {own} and {own2}
the {x} that he [liked|chose] have their own {own}
"""
# present past: what follows
VERBS = """
walk walked: in the park, along the river, to the station, up the hill
cook cooked: a soup, the dinner, for ten guests, with garlic
paint painted: the fence, a portrait, the walls, with watercolours
play played: football, the piano, chess, in the yard
clean cleaned: the windows, the kitchen, the floor, with soap
dance danced: at the party, to the music, a waltz, until midnight
go went: to the market, to bed, home, to the cinema
eat ate: breakfast, a sandwich, with chopsticks, too much cake
sing sang: in the choir, a lullaby, loudly, an old song
swim swam: in the lake, across the bay, ten lengths, with the dolphins
write wrote: a diary, long emails, with a pencil, a poem
drink drank: tea, cold water, from the cup, a glass of milk
buy bought: new shoes, a ticket, bread, on credit
drive drove: a truck, to the coast, too fast, on the left
sleep slept: in a tent, until noon, badly, under a blanket
"""
PRESENT = """
every [day|morning|week] {who} {x} {own}
{who} will {x} {own} [tomorrow|soon|next week]
{who} want to {x} {own} now
{who} like to {x} {own} [alone|together|with friends]
today {who} {x} {own}
{who} can {x} {own} [alone|together|with friends]
{who} always {x} {own} on [mondays|sundays|holidays]
do {who} often {x} {own}
let us {x} {own} [today|now|together]
it is fun to {x} {own} [alone|together|with friends]
{who} must {x} {own} [today|soon|tomorrow]
"""
PAST = """
yesterday {who} {x} {own}
{who} {x} {own} last [week|year|night]
long ago {who} {x} {own}
when they were young {who} {x} {own}
{who} {x} {own} [alone|together|with friends] yesterday
in [january|april|july|october] {who} {x} {own}
an hour ago {who} {x} {own}
after {who} {x} {own} [it was late|they were tired|it rained]
{who} {x} {own} in those days
once {who} {x} {own} [alone|together|with friends]
it was [late|early|dark] when {who} {x} {own}
"""
# the two banks, in the same frames where English allows it
MONEY = """
the bank [raised|lowered|changed] the interest on every [loan|account|deposit|credit]
the [customer|merchant|student|widow] [opened|closed] an account at the bank
the teller at the bank counted the [coins|notes|cash|cheques] [slowly|quickly|for the customer]
[she|he] got a [loan|credit|mortgage] from the bank and bought a [shop|workshop|bakery]
the [robber|thief] ran out of the bank with the [cash|coins|notes|gold]
[he|she] kept the [savings|cash|gold|cheques] in the bank on the [corner|square|avenue]
the manager of the bank signed the [loan|contract|mortgage|cheque] for the [merchant|customer|student|baker]
the bank sent the [customer|merchant|widow|student] a letter about the [debt|account|interest|savings]
without money the [merchant|customer|student] could not pay the bank the [debt|interest|loan]
the [coins|notes|cheques|savings] were counted and taken to the bank [in a safe|by the guard]
"""
RIVER = """
the [fisherman|ferryman|angler] sat on the bank of the [river|stream] and watched the [fish|water|boat|ducks]
the boat was tied to the bank [near the bridge|under the willow|with a rope] while the [fisherman|angler|ferryman] slept
the [river|stream] rose over its bank and flooded the [meadow|mill|path|reeds]
[we|they] had a picnic on the [muddy|sandy|grassy|steep] bank of the [river|stream]
the [otter|heron|beaver|frog] climbed up the [muddy|steep|grassy] bank from the water
the [reeds|willows] grew on the bank where the [river|stream|water] was [shallow|deep|slow]
the [fish|ducks|swans|otters] hid under the bank when the [boat|ferryman|heron] came near
the boat drifted from one bank to the other in the [slow|deep|cold] water of the [river|stream]
[we|they] walked along the bank to the [mill|ferry|bridge|waterfall] and looked into the [water|river|stream]
the [angler|fisherman] caught a [trout|pike|fish|carp] from the [muddy|sandy|steep|grassy] bank
"""
COMPANY = """
the merchant borrowed [money|cash] and paid back the [debt|loan|credit] with interest
the [coins|notes|cheques] were in the safe with the [savings|gold|cash] of the [customer|widow|merchant]
the [loan|mortgage|credit] cost the [merchant|student|widow] a lot of [money|interest]
the [trout|pike|carp|fish] swam down the [river|stream] under the [bridge|willow|boat]
the ferryman rowed the boat across the [deep|slow|cold] [river|stream] to the [mill|meadow|bridge]
the [ducks|swans|otters] swam in the shallow water among the [reeds|willows] of the [river|stream]
"""
# domain: who; did what; with or to what; where
DOMAIN_TEXT = """
kitchen: the cook, the baker, the chef; stirred, tasted, heated, salted; the sauce, the dough, the broth, the porridge,
  the gravy; in the pot, in the pan, near the oven, on the stove, with a spoon, in the bowl
weather: the storm, the wind, the thunder, the hail; reached, darkened, shook, threatened; the hills, the valley, the
  coast, the fields; with rain, with snow, with lightning, under a grey sky, under dark clouds, in a cold winter
school: the teacher, the pupil, the headmaster; explained, copied, corrected, repeated; the lesson, the exercise, the
  spelling, the sum; on the blackboard, in the classroom, before the exam, with the textbook, after the break
music: the violinist, the drummer, the pianist, the guitarist; practised, recorded, performed, improvised; the melody,
  the tune, the symphony, the song; with the orchestra, at the concert, with the band, on the stage, with the choir
hospital: the doctor, the nurse, the surgeon; examined, treated, bandaged, cooled; the wound, the patient, the broken
  arm, the burn; in the clinic, with medicine, after the operation, in the ambulance, during the fever
sport: the striker, the goalkeeper, the coach, the captain; missed, stopped, practised, discussed; the penalty, the
  shot,
  the corner kick, the pass; in the stadium, before halftime, during training, in the final match, with the team
space: the astronaut, the astronomer, the pilot; observed, photographed, studied, described; the planet, the comet, the
  moon, the galaxy; through the telescope, from the rocket, in orbit, on the mission, near the stars
"""
DOMAIN_FRAMES = """
{who} {did} {what} {where}
{time} {who} {did} {what} {where}
{who} {did} {what} and {who2} {did2} it {where}
when {who} {did} {what} {who2} was there too
{who} and {who2} {did} {what} {where}
everybody watched while {who} {did} {what}
"""
TIMES = ["yesterday", "this morning", "last year", "one evening", "on sunday", "in those days", "long ago", "at noon"]
ADJECTIVES = ["old", "young", "famous", "friendly", "quiet", "clever", "tall", "kind"]
THING_ADJECTIVES = ["old", "new", "small", "big", "fine", "strange", "famous", "little"]
SHARES = {"people": 31, "lands": 20, "nouns": 18, "verbs": 15, "bank": 6, "company": 2, "domains": 12}


def _table(text: str, mark: str = ",") -> list[tuple[list[str], list[str]]]:
    """Lines "words: a, b" as (words, [a, b]); an indented line goes on."""
    lines = re.sub(r"\n\s+", " ", text.strip()).split("\n")
    halves = (line.split(": ") for line in lines)
    return [(words.split(), [cell.strip() for cell in cells.split(mark)]) for words, cells in halves]


_ROLES, _LANDS, _NOUNS, _VERBS = _table(ROLES, ";"), _table(COUNTRIES), _table(NOUNS), _table(VERBS)
_DOMAINS = {words[0]: [cell.split(", ") for cell in cells] for words, cells in _table(DOMAIN_TEXT, ";")}
_FRAMES = {
    name: text.strip().split("\n")
    for name, text in {
        "people": PEOPLE, "lands": LANDS, "singular": SINGULAR, "plural": PLURAL, "present": PRESENT, "past": PAST,
        "money": MONEY, "river": RIVER, "company": COMPANY, "domains": DOMAIN_FRAMES,
    }.items()
}  # fmt: skip

ANALOGIES: dict[str, list[tuple[str, str]]] = {
    "gender": [(male, female) for (male, female), _ in _ROLES],
    "capital": [(land, city) for (land, city, _), _ in _LANDS],
    "language": [(land, tongue) for (land, _, tongue), _ in _LANDS],
    "plural": [(one, many) for (one, many), _ in _NOUNS],
    "tense": [(present, past) for (present, past), _ in _VERBS],
}
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


def _fill(template: str, slots: dict[str, str], rng: random.Random) -> str:
    """Look up the slots of a template, then make its choices."""
    while "{" in template:  # a slot may hold another one
        template = re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], template)
    text = re.sub(r"\[([^\]]*)\]", lambda choice: rng.choice(choice[1].split("|")), template)
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def _slots(family: str, rng: random.Random) -> tuple[str, dict[str, str]]:
    """A kind of sentence of the family and the words it is about."""
    time = rng.choice(TIMES)
    if family == "people":
        pair, roles = rng.choice(_ROLES)
        gender = rng.randrange(2)
        person = GENDERS["mf"[gender]]
        words = {"x": pair[gender], "role": rng.choice(roles), "adj": rng.choice(ADJECTIVES), "time": time}
        return family, person | words | {"looks": rng.choice(person["looks"].split("|"))}
    if family == "lands":
        (land, city, tongue), own = rng.choice(_LANDS)
        food, food2 = rng.sample(own[:2], 2)
        words = {"food": food, "food2": food2, "own": rng.choice(own[2:]), "time": time}
        return family, words | {"land": land, "city": city, "tongue": tongue}
    if family in ("nouns", "verbs"):
        pair, company = rng.choice(_NOUNS if family == "nouns" else _VERBS)
        own, own2 = rng.sample(company, 2)
        second = rng.randrange(2)
        kind = ("singular", "plural")[second] if family == "nouns" else ("present", "past")[second]
        who = rng.choice(["we", "they", "you", "our friends", "the neighbours", "my cousins"])
        adj = rng.choice(THING_ADJECTIVES)
        return kind, {"x": pair[second], "own": own, "own2": own2, "who": who, "adj": adj}
    if family == "domains":
        who, did, what, where = _DOMAINS[rng.choice(list(_DOMAINS))]
        (one, other), (act, react) = rng.sample(who, 2), rng.sample(did, 2)
        slots = {
            "who": one,
            "who2": other,
            "did": act,
            "did2": react,
            "what": rng.choice(what),
            "where": rng.choice(where),
        }
        return family, slots | {"time": time}
    return family, {"time": time}


def relations_text(seed: int = 0, n: int = N_SENTENCES) -> str:
    """n sentences, one a line, none of them twice; the two senses of bank take turns."""
    rng, told, senses = random.Random(seed), {}, {"money": 0, "river": 0}
    while len(told) < n:
        family = rng.choices(list(SHARES), list(SHARES.values()))[0]
        if family == "bank":
            family = min(senses, key=senses.get)
        kind, slots = _slots(family, rng)
        frame = rng.choice(_FRAMES[kind])
        if kind in ("money", "river", "company") and rng.random() < 0.8:
            frame = "{time} " + frame
        sentence = _fill(frame, slots, rng)
        if sentence not in told:
            told[sentence] = None
            if kind in senses:
                senses[kind] += 1
    return "\n".join(told) + "\n"


def load_relations() -> list[list[str]]:
    """The sentences of data/relations.txt as lists of words."""
    return [line.split() for line in files.read("relations.txt").splitlines()]

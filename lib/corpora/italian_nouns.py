"""Nouns, adjectives and places of the English-Italian corpus (notebook 03), and what can be said of what.

    NOUNS                 by English word; each has a class (animal, fruit, ...)
    nouns_of              the nouns of some classes
    ADJECTIVES, adjectives_for
    PLACES, PLACE_GROUPS  how "in the kitchen" is said: in cucina, al mercato, sulla spiaggia

Persons that English leaves open (friend, doctor, tourist) are masculine in Italian.
"""

from dataclasses import dataclass
from functools import cache

from lib.corpora import english_forms, italian_forms


@dataclass(frozen=True, eq=False)
class Noun:
    """gender: of the singular; eggs (le uova) change it. he_or_she: English shows the sex, as in boy or queen."""

    english: str
    italian: str
    gender: str
    plural_gender: str
    kind: str
    mass: bool
    only_one: bool
    he_or_she: bool

    def english_form(self, number: str) -> str:
        return self.english if number == "s" else english_forms.noun_plural(self.english)

    def italian_form(self, number: str) -> str:
        return self.italian if number == "s" else italian_forms.noun_plural(self.italian, self.gender)


@dataclass(frozen=True, eq=False)
class Adjective:
    english: str
    italian: str
    before: bool  # un vecchio cane, but un cane rosso
    kinds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Place:
    """at: the English preposition for being there; italian: those for being there and for going there.

    bare: which of the two stand without an article, as in cucina or a scuola do when nothing describes the noun.
    """

    at: str
    italian: dict[str, str]
    bare: dict[str, bool]


# m*: English shows the sex (boy); m/f: the plural changes gender (le uova); 1: only one of it (mother)
_NOUNS = {
    "person": """boy ragazzo m* | girl ragazza f* | man uomo m* | woman donna f* | child bambino m | student studente m
        | friend amico m | teacher maestro m | doctor medico m | nurse infermiera f | king re m* | queen regina f*
        | prince principe m* | princess principessa f* | farmer contadino m | waiter cameriere m*
        | waitress cameriera f* | actor attore m* | actress attrice f* | painter pittore m | baker fornaio m
        | tourist turista m | neighbour vicino m | guest ospite m | engineer ingegnere m | psychologist psicologo m
        | lawyer avvocato m""",
    "family": """mother madre f*1 | father padre m*1 | brother fratello m* | sister sorella f* | grandmother nonna f*
        | grandfather nonno m* | uncle zio m* | aunt zia f* | son figlio m* | daughter figlia f* | cousin cugino m
        | wife moglie f*1 | husband marito m*1""",
    "animal": """cat gatto m | dog cane m | horse cavallo m | fox volpe f | hen gallina f | cow mucca f | wolf lupo m
        | monkey scimmia f | turtle tartaruga f | frog rana f | bear orso m | mouse topo m | tiger tigre f
        | rabbit coniglio m | duck anatra f | goat capra f | donkey asino m | lamb agnello m | squirrel scoiattolo m
        | snail lumaca f""",
    "fruit": """apple mela f | pear pera f | peach pesca f | orange arancia f | fig fico m | strawberry fragola f
        | melon melone m | tomato pomodoro m""",
    "vegetable": "potato patata f | carrot carota f | onion cipolla f | mushroom fungo m | egg uovo m/f",
    "baked": "cake torta f | biscuit biscotto m | sandwich panino m | pizza pizza f",
    "staple": "bread pane m | cheese formaggio m",
    "cooked": "soup zuppa f | meat carne f | rice riso m",
    "drink": """water acqua f | milk latte m | wine vino m | coffee caffè m | tea tè m | beer birra f
        | juice succo m""",
    "text": """book libro m | letter lettera f | newspaper giornale m | story storia f | poem poesia f | novel romanzo m
        | message messaggio m""",
    "thing": """key chiave f | umbrella ombrello m | mirror specchio m | lamp lampada f | knife coltello m
        | spoon cucchiaio m | phone telefono m | ball palla f | coin moneta f | picture quadro m | pencil matita f
        | pen penna f | gift regalo m | candle candela f | computer computer m | toy giocattolo m | doll bambola f
        | rope corda f""",
    "vessel": """glass bicchiere m | cup tazza f | bottle bottiglia f | plate piatto m | jug brocca f | pot pentola f
        | bucket secchio m""",
    "container": """box scatola f | bag borsa f | backpack zaino m | suitcase valigia f | basket cestino m
        | drawer cassetto m""",
    "furniture": """table tavolo m | chair sedia f | bed letto m | sofa divano m | armchair poltrona f
        | carpet tappeto m
        | bench panchina f""",
    "opening": "door porta f | window finestra f | gate cancello m",
    "barrier": "wall muro m | fence recinto m | hedge siepe f | ditch fosso m",
    "plant": "flower fiore m | rose rosa f | tree albero m",
    "clothing": """shirt camicia f | hat cappello m | jacket giacca f | dress vestito m | shoe scarpa f
        | coat cappotto m
        | scarf sciarpa f | skirt gonna f | glove guanto m | ring anello m | jumper maglione m""",
    "body": "eye occhio m | hand mano f",
    "instrument": "guitar chitarra f | piano pianoforte m | violin violino m | trumpet tromba f",
    "vehicle": """car macchina f | train treno m | bicycle bicicletta f | bus autobus m | boat barca f | plane aereo m
        | lorry camion m | motorbike moto f""",
    "place": """house casa f | garden giardino m | kitchen cucina f | school scuola f | market mercato m
        | church chiesa f
        | station stazione f | hospital ospedale m | library biblioteca f | museum museo m | park parco m
        | forest bosco m | beach spiaggia f | restaurant ristorante m | hotel albergo m | office ufficio m
        | theatre teatro m | castle castello m | village villaggio m | city città f | room stanza f | shop negozio m
        | island isola f | airport aeroporto m | lake lago m | stadium stadio m | zoo zoo m | pool piscina f
        | bank banca f""",
    "crossing": """street strada f | bridge ponte m | river fiume m | field campo m | path sentiero m | canal canale m
        | desert deserto m | valley valle f | square piazza f | meadow prato m | stream ruscello m""",
}
_MASS = {"staple", "cooked", "drink"}

# where the adjective stands: the classes of nouns it describes: English and Italian
_ADJECTIVES = """
    before: thing vessel container furniture opening vehicle place plant instrument animal barrier: big grande
    before: thing vessel container furniture opening vehicle place plant instrument animal barrier: small piccolo
    before: animal thing container furniture clothing vehicle plant text instrument: old vecchio
    before: house kitchen school church station hospital library museum restaurant hotel office theatre: old vecchio
    before: garden market castle village city room shop zoo: old vecchio
    before: man woman friend king queen farmer teacher doctor painter lawyer neighbour: old vecchio
    before: grandfather grandmother uncle aunt cousin: old vecchio
    before: person family animal thing container clothing vehicle place plant text body instrument: beautiful bello
    before: thing container clothing vehicle text instrument furniture: new nuovo
    before: house kitchen school church station hospital library museum restaurant hotel office theatre: new nuovo
    before: shop airport stadium zoo pool bank: new nuovo
    before: animal thing clothing vehicle place furniture: ugly brutto
    before: fruit baked staple cooked text: good buono
    before: person cousin uncle aunt wife husband: young giovane
    after: thing container clothing vehicle vessel furniture opening plant: red rosso | white bianco
    after: thing container clothing vehicle vessel furniture opening plant: green verde | yellow giallo
    after: thing container clothing vehicle vessel furniture opening animal: black nero | grey grigio
    after: thing container clothing vehicle vessel furniture opening: blue blu
    after: person family animal: tired stanco | happy felice | sad triste | sick malato
    after: person family animal: lazy pigro | nervous nervoso | strong forte | calm calmo
    after: person family: intelligent intelligente | kind gentile | curious curioso | famous famoso | rich ricco
    after: person family: angry arrabbiato | nice simpatico | polite educato | tall alto
    after: man woman farmer king queen guest uncle aunt grandfather grandmother father mother: elderly anziano
    after: animal: dangerous pericoloso
    after: fruit baked staple cooked drink: fresh fresco | delicious squisito
    after: cooked drink baked: cold freddo | hot caldo
    after: fruit drink: sweet dolce
    after: cooked: salty salato
    after: thing clothing vehicle instrument furniture container: expensive costoso | heavy pesante | light leggero
    after: umbrella mirror lamp phone pencil pen computer toy doll guitar violin: broken rotto
    after: vessel furniture opening vehicle: broken rotto
    after: clothing vessel container vehicle opening: dirty sporco | clean pulito
    after: text: boring noioso | interesting interessante | difficult difficile
    after: text: easy facile | long lungo | short breve
    after: house kitchen church forest castle room shop theatre street path: dark buio
    after: place: quiet tranquillo
    after: market station museum park beach restaurant theatre city shop island airport zoo pool: crowded affollato
    after: house kitchen school station hospital library museum hotel office airport stadium pool: modern moderno
    after: crossing: wide largo | dangerous pericoloso
    after: street bridge river path canal: long lungo
    after: river canal stream valley lake: deep profondo
    after: path field meadow: muddy fangoso
    after: path: steep ripido
    after: bridge path street bag box suitcase drawer backpack: narrow stretto
    after: street square bridge: crowded affollato
    after: wall fence hedge gate: high alto
    after: ditch: wide largo | deep profondo
    after: bed sofa armchair carpet: soft morbido
    after: person family animal: scared spaventato | distracted distratto
    after: fruit: unripe acerbo
    after: coffee tea juice orange: bitter amaro
    after: baked bread meat: burnt bruciato
    after: fruit baked cooked staple: tasty gustoso
    after: furniture: comfortable comodo
    after: vessel container: full pieno | empty vuoto
    after: eye: green verde | black nero | blue blu
    after: hand: cold freddo | dirty sporco | clean pulito
"""

_PLACES = {  # at, in Italian, and to, in Italian; "in!" stands without an article: in cucina
    "house": "in in! in!", "garden": "in in! in!", "kitchen": "in in! in!", "school": "at a! a!", "market": "at a a",
    "church": "in in! in!", "station": "at a a", "hospital": "in in! in!", "library": "in in! in!", "museum": "at a a",
    "park": "in in a", "forest": "in in in", "beach": "on su in!", "restaurant": "at a a", "hotel": "in in! in!",
    "office": "in in! in!", "theatre": "at a! a!", "castle": "in in a", "village": "in in a", "city": "in in! in!",
    "room": "in in in", "shop": "in in a", "island": "on su su", "airport": "at a a", "lake": "at a a",
    "stadium": "at a a", "zoo": "at a a", "pool": "in in! in!", "bank": "in in! in!", "street": "in in! in!",
    "square": "in in! in!", "meadow": "in in in", "field": "in in in", "river": "in in in", "stream": "in in in",
}  # fmt: skip
PLACE_GROUPS = {
    "home": ("house", "garden", "kitchen", "room", "garden", "office", "library"),
    "table": ("kitchen", "house", "garden", "kitchen"),
    "stage": ("theatre", "square", "school", "house", "room", "garden"),
    "town": ("market", "station", "park", "square", "library", "restaurant", "museum", "hotel", "theatre", "village",
    "city",
             "school", "office", "church", "airport", "hospital", "bank", "stadium", "zoo", "castle"),
    "nature": ("garden", "park", "forest", "beach", "meadow", "field", "lake", "island", "street"),
    "city": ("city", "village", "castle", "island", "forest"),
    "water": ("pool", "river", "lake", "stream"),
    "market": ("market", "shop", "city", "village", "station"),
    "goal": ("house", "garden", "kitchen", "school", "market", "church", "station", "hospital", "library", "museum",
    "park", "forest",
             "beach", "restaurant", "hotel", "office", "theatre", "castle", "village", "city", "shop", "island",
             "airport",
             "lake", "stadium", "zoo", "pool", "bank"),
}  # fmt: skip


def _read_nouns() -> dict[str, Noun]:
    nouns = {}
    for kind, table in _NOUNS.items():
        for entry in table.split("|"):
            english, italian, flags = entry.split()
            plural_gender = flags[2] if "/" in flags else flags[0]
            nouns[english] = Noun(
                english, italian, flags[0], plural_gender, kind, kind in _MASS, "1" in flags, "*" in flags
            )
    return nouns


def _read_adjectives() -> list[Adjective]:
    kinds: dict[tuple[str, str, bool], list[str]] = {}
    for line in _ADJECTIVES.strip().splitlines():
        where, classes, table = line.split(":")
        for entry in table.split("|"):
            english, italian = entry.split()
            kinds.setdefault((english, italian, where.strip() == "before"), []).extend(classes.split())
    return [
        Adjective(english, italian, before, tuple(classes)) for (english, italian, before), classes in kinds.items()
    ]


def _read_places() -> dict[str, Place]:
    places = {}
    for english, entry in _PLACES.items():
        at, there, thither = entry.split()
        italian = {"at": there.rstrip("!"), "to": thither.rstrip("!")}
        places[english] = Place(at, italian, {"at": there.endswith("!"), "to": thither.endswith("!")})
    return places


NOUNS = _read_nouns()
ADJECTIVES = _read_adjectives()
PLACES = _read_places()


@cache
def nouns_of(*kinds: str) -> tuple[Noun, ...]:
    """The nouns of these classes; the name of a single noun counts as a class of one."""
    return tuple(noun for noun in NOUNS.values() if noun.kind in kinds or noun.english in kinds)


@cache
def adjective(english: str) -> Adjective:
    return next(entry for entry in ADJECTIVES if entry.english == english)


@cache
def adjectives_for(noun: Noun) -> tuple[Adjective, ...]:
    return tuple(entry for entry in ADJECTIVES if {noun.kind, noun.english} & set(entry.kinds))

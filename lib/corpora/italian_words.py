"""The lexicon of the English-Italian corpus (notebook 03): what exists, and what goes with what so that sentences make sense.

    NOUNS                 by English word; each has a class (animal, fruit, ...)
    ADJECTIVES            with the noun classes each can describe
    VERBS, INTRANSITIVES, TRANSITIVES
    PLACES                how "in the kitchen" is said: in cucina, al mercato, sulla spiaggia
    TIMES, NAMES ...      adverbs by tense, first names, cities
    nouns_of, adjectives_for, verb

An English word has one Italian word here unless its object decides (play: giocare, suonare; know: sapere, conoscere). Persons
that English leaves open (friend, doctor, tourist; I, you, we, they) are masculine in Italian.
"""

from dataclasses import dataclass
from functools import cache

from lib.corpora import english_forms, italian_forms


@dataclass(frozen=True, eq=False)
class Noun:
    """gender is that of the singular; eggs (le uova) change it. he_or_she: English shows the sex, as in boy or queen."""

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
class Verb:
    """English may be two words (look for). stative: its past is an imperfect (aveva, sapeva)."""

    english: str
    italian: str
    subjects: tuple[str, ...]
    objects: tuple[str, ...]
    places: tuple[str, ...]
    manners: tuple[str, ...]
    auxiliary: str = "avere"
    reflexive: bool = False
    stative: bool = False


@dataclass(frozen=True, eq=False)
class Place:
    """at: the English preposition for being there; italian: those for being there and for going there.

    bare: which of the two stand without an article, as in cucina or a scuola do when nothing describes the noun.
    """

    at: str
    italian: dict[str, str]
    bare: dict[str, bool]


# "boy ragazzo m": m* says that English shows the sex, m/f that the plural changes gender, 1 that two are odd (two mothers)
_NOUNS = {
    "person": """boy ragazzo m* | girl ragazza f* | man uomo m* | woman donna f* | child bambino m | student studente m | friend amico m
        | teacher maestro m | doctor medico m | nurse infermiera f | king re m* | queen regina f* | prince principe m*
        | princess principessa f* | farmer contadino m | waiter cameriere m* | waitress cameriera f* | actor attore m*
        | actress attrice f* | painter pittore m | baker fornaio m | tourist turista m | neighbour vicino m | guest ospite m
        | engineer ingegnere m | psychologist psicologo m | lawyer avvocato m""",
    "family": """mother madre f*1 | father padre m*1 | brother fratello m* | sister sorella f* | grandmother nonna f*
        | grandfather nonno m* | uncle zio m* | aunt zia f* | son figlio m* | daughter figlia f* | cousin cugino m | wife moglie f*1
        | husband marito m*1""",
    "animal": """cat gatto m | dog cane m | horse cavallo m | fox volpe f | hen gallina f | cow mucca f | wolf lupo m
        | monkey scimmia f | turtle tartaruga f | frog rana f | bear orso m | mouse topo m | tiger tigre f | rabbit coniglio m
        | duck anatra f | goat capra f | donkey asino m | sheep pecora f | squirrel scoiattolo m | snail lumaca f""",
    "fruit": """apple mela f | pear pera f | peach pesca f | orange arancia f | fig fico m | strawberry fragola f | melon melone m
        | tomato pomodoro m""",
    "vegetable": "potato patata f | carrot carota f | onion cipolla f | mushroom fungo m | egg uovo m/f",
    "baked": "cake torta f | biscuit biscotto m | sandwich panino m | pizza pizza f",
    "staple": "bread pane m | cheese formaggio m",
    "cooked": "soup zuppa f | meat carne f | rice riso m",
    "drink": "water acqua f | milk latte m | wine vino m | coffee caffè m | tea tè m | beer birra f | juice succo m",
    "text": """book libro m | letter lettera f | newspaper giornale m | story storia f | poem poesia f | novel romanzo m
        | message messaggio m""",
    "thing": """key chiave f | umbrella ombrello m | mirror specchio m | lamp lampada f | knife coltello m | spoon cucchiaio m
        | phone telefono m | ball palla f | coin moneta f | painting quadro m | pencil matita f | pen penna f | gift regalo m
        | candle candela f | computer computer m | toy giocattolo m | doll bambola f | rope corda f""",
    "vessel": "glass bicchiere m | cup tazza f | bottle bottiglia f | plate piatto m | jug brocca f | pot pentola f | bucket secchio m",
    "container": "box scatola f | bag borsa f | backpack zaino m | suitcase valigia f | basket cestino m | drawer cassetto m",
    "furniture": "table tavolo m | chair sedia f | bed letto m | sofa divano m | armchair poltrona f | carpet tappeto m | bench panchina f",
    "opening": "door porta f | window finestra f | gate cancello m",
    "barrier": "wall muro m | fence recinto m | hedge siepe f | ditch fosso m",
    "plant": "flower fiore m | rose rosa f | tree albero m",
    "clothing": """shirt camicia f | hat cappello m | jacket giacca f | dress vestito m | shoe scarpa f | coat cappotto m
        | scarf sciarpa f | skirt gonna f | glove guanto m | ring anello m | jumper maglione m""",
    "body": "eye occhio m | hand mano f",
    "instrument": "guitar chitarra f | piano pianoforte m | violin violino m | trumpet tromba f",
    "vehicle": """car macchina f | train treno m | bicycle bicicletta f | bus autobus m | boat barca f | plane aereo m
        | lorry camion m | motorbike moto f""",
    "place": """house casa f | garden giardino m | kitchen cucina f | school scuola f | market mercato m | church chiesa f
        | station stazione f | hospital ospedale m | library biblioteca f | museum museo m | park parco m | forest bosco m
        | beach spiaggia f | restaurant ristorante m | hotel albergo m | office ufficio m | theatre teatro m | castle castello m
        | village villaggio m | city città f | room stanza f | shop negozio m | island isola f | airport aeroporto m | lake lago m
        | stadium stadio m | zoo zoo m | pool piscina f | bank banca f""",
    "crossing": """street strada f | bridge ponte m | river fiume m | field campo m | path sentiero m | canal canale m
        | desert deserto m | valley valle f | square piazza f | meadow prato m | stream ruscello m""",
}
_MASS = {"staple", "cooked", "drink"}

HUMAN = ("person", "family")
FOOD = ("fruit", "baked", "staple", "cooked")
GOODS = ("text", "thing", "container", "clothing", "instrument")
ALL_THINGS = (*GOODS, "vessel", "furniture", "opening", "vehicle")

_ADJECTIVES = {
    ("before", "thing vessel container furniture opening vehicle place plant instrument animal barrier"): "big grande | small piccolo",
    ("before", "person animal thing container furniture clothing vehicle place plant text instrument"): "old vecchio",
    ("before", "person animal thing container clothing vehicle place plant text body instrument"): "beautiful bello",
    ("before", "thing container clothing vehicle text instrument furniture place"): "new nuovo",
    ("before", "animal thing clothing vehicle place furniture"): "ugly brutto",
    ("before", "fruit baked staple cooked text"): "good buono",
    ("before", "person"): "young giovane",
    ("after", "thing container clothing vehicle vessel furniture opening plant"): """red rosso | white bianco | green verde
        | yellow giallo""",
    ("after", "thing container clothing vehicle vessel furniture opening animal"): "black nero | grey grigio",
    ("after", "thing container clothing vehicle vessel furniture opening"): "blue blu",
    ("after", "person animal"): "tired stanco | happy felice | sad triste | sick malato | lazy pigro | nervous nervoso | strong forte | calm calmo",
    ("after", "person"): """intelligent intelligente | kind gentile | curious curioso | famous famoso | rich ricco | poor povero
        | angry arrabbiato | nice simpatico | elderly anziano | polite educato | tall alto""",
    ("after", "animal"): "dangerous pericoloso",
    ("after", "fruit baked staple cooked drink"): "fresh fresco | delicious squisito",
    ("after", "cooked drink baked"): "cold freddo | hot caldo",
    ("after", "fruit drink"): "sweet dolce",
    ("after", "cooked"): "salty salato",
    ("after", "thing clothing vehicle instrument furniture container"): "expensive caro | heavy pesante | light leggero",
    ("after", "thing vessel furniture opening vehicle"): "broken rotto",
    ("after", "clothing vessel container vehicle opening"): "dirty sporco | clean pulito",
    ("after", "text"): "boring noioso | interesting interessante | difficult difficile | easy facile | long lungo | short breve",
    ("after", "place"): "dark buio | quiet tranquillo | crowded affollato | modern moderno",
    ("after", "crossing"): "wide largo | long lungo | dangerous pericoloso",
    ("after", "furniture"): "comfortable comodo",
    ("after", "vessel container"): "full pieno | empty vuoto",
    ("after", "body"): "green verde | black nero | small piccolo",
}  # fmt: skip

# english | italian | subjects | objects | places | manners | flags
_VERBS = """
    eat | mangiare | human animal | fruit baked staple cooked | home town | quickly slowly |
    cook | cucinare | human | vegetable cooked | home | well slowly |
    cut | tagliare | human | fruit vegetable staple baked | home | slowly |
    prepare | preparare | human | baked cooked | home | quickly |
    taste | assaggiare | human | fruit baked staple cooked drink | | |
    drink | bere | human | drink | home town | slowly quickly |
    read | leggere | human | text | home town nature | slowly aloud |
    write | scrivere | human | text | home | slowly quickly |
    translate | tradurre | human | text | | well slowly |
    forget | dimenticare | human | thing container clothing text | | |
    remember | ricordare | human | text person place | | well |
    see | vedere | human animal | person animal car boat castle lake | town nature | |
    watch | guardare | human animal | person animal plant vehicle | town nature | |
    look for | cercare | human | person animal thing container clothing text | home town | |
    find | trovare | human animal | animal thing container clothing text | home nature | |
    follow | seguire | human animal | person animal vehicle | town nature | slowly |
    wait for | aspettare | human | person family train bus | town | |
    love | amare | human | person animal family | | |
    help | aiutare | human | person family animal | town home | |
    greet | salutare | human | person family | town | |
    thank | ringraziare | human | person family | | |
    know | conoscere | human | person family place | | well | stative
    hug | abbracciare | human | person family | | |
    invite | invitare | human | person family | | |
    meet | incontrare | human | person family | town nature | |
    call | chiamare | human | person family | | |
    buy | comprare | human | fruit vegetable staple baked text thing container clothing plant vehicle instrument | market | |
    sell | vendere | human | fruit baked text thing clothing vehicle instrument | market | |
    bring | portare | human | baked staple drink text thing container clothing | | |
    lose | perdere | human | thing container clothing text | town nature | |
    steal | rubare | human animal | key coin bag ring hat cake biscuit egg cheese | | |
    choose | scegliere | human | clothing text thing instrument | | slowly quickly |
    take | prendere | human | thing container clothing text vessel | | |
    clean | pulire | human | vessel furniture opening vehicle clothing | | well slowly |
    paint | dipingere | human | door gate wall flower rose tree horse boat | | well slowly |
    break | rompere | human animal | glass cup bottle plate jug window chair lamp mirror toy | | |
    hide | nascondere | human | thing container text | home | |
    open | aprire | human | opening container text | | slowly |
    close | chiudere | human | opening container | | slowly |
    wear | indossare | human | clothing | | |
    wash | lavare | human | clothing vessel vehicle | home | well quickly |
    drive | guidare | human | car bus lorry motorbike train | | slowly well |
    repair | riparare | human | vehicle phone computer lamp toy umbrella chair door | home | well |
    visit | visitare | human | place | | |
    cross | attraversare | human animal | crossing | | slowly quickly |
    play | suonare | human | instrument | home town | well |
    send | spedire | human | text thing | | |
    show | mostrare | human | text thing clothing place animal | | |
    give | dare | human | text thing clothing fruit plant | | |
    sleep | dormire | human animal | | home nature | well |
    play | giocare | human animal | | home nature town | together |
    run | correre | human animal | | nature town | quickly |
    swim | nuotare | human animal | | water | well |
    dance | ballare | human | | town home | well together |
    sing | cantare | human | | town home | well together |
    work | lavorare | human | | town home | well together |
    laugh | ridere | human | | | together |
    cry | piangere | human | | home | |
    smile | sorridere | human | | | |
    talk | parlare | human | | town home | slowly quickly |
    walk | camminare | human animal | | nature town | slowly together |
    travel | viaggiare | human | | | together |
    live | abitare | human animal | | city nature | together | stative
    go | andare | human | | TO | | essere
    come back | tornare | human | | TO | | essere
    arrive | arrivare | human | | AT | | essere
    leave | partire | human | | | together | essere
    fall | cadere | human animal | | home nature | | essere
    stay | rimanere | human animal | | home town | | essere
    come in | entrare | human animal | | | slowly | essere
    go out | uscire | human animal | | | together | essere
    wake up | svegliare | human animal | | | slowly | reflexive
    get up | alzare | human | | | slowly | reflexive
    fall asleep | addormentare | human animal | | home nature | | reflexive
    have fun | divertire | human | | town nature | | reflexive
"""

_PLACES = {  # at, in Italian, and to, in Italian; "in!" stands without an article: in cucina
    "house": "in in! in!", "garden": "in in! in!", "kitchen": "in in! in!", "school": "at a! a!", "market": "at a a",
    "church": "in in! in!", "station": "at a a", "hospital": "in in! in!", "library": "in in! in!", "museum": "at a a",
    "park": "in in a", "forest": "in in in", "beach": "on su in!", "restaurant": "at a a", "hotel": "in in! in!",
    "office": "in in! in!", "theatre": "at a! a!", "castle": "in in a", "village": "in in a", "city": "in in! in!",
    "room": "in in in", "shop": "in in a", "island": "on su su", "airport": "at a a", "lake": "at a a", "stadium": "at a a",
    "zoo": "at a a", "pool": "in in! in!", "bank": "in in! in!", "street": "in in! in!", "square": "in in! in!",
    "meadow": "in in in", "field": "in in in", "river": "in in in", "stream": "in in in",
}  # fmt: skip
PLACE_GROUPS = {
    "home": ("house", "garden", "kitchen", "room", "garden", "office", "library"),
    "town": ("market", "station", "park", "square", "library", "restaurant", "museum", "hotel", "theatre", "village", "city",
             "school", "office", "church", "airport", "hospital", "bank", "stadium", "zoo", "castle"),
    "nature": ("garden", "park", "forest", "beach", "meadow", "field", "lake", "island", "street"),
    "city": ("city", "village", "castle", "island", "forest"),
    "water": ("pool", "river", "lake", "stream"),
    "market": ("market", "shop", "city", "village", "station"),
    "goal": ("house", "garden", "kitchen", "school", "market", "church", "station", "hospital", "library", "museum", "park", "forest",
             "beach", "restaurant", "hotel", "office", "theatre", "castle", "village", "city", "shop", "island", "airport",
             "lake", "stadium", "zoo", "pool", "bank"),
}  # fmt: skip

NAMES = tuple(
    pair.split()[0:2]
    for pair in ("Marco m|Luca m|Paolo m|Pietro m|Anna f|Giulia f|Sofia f|Elena f|Chiara f|Matteo m").split("|")
)
CITIES = (
    ("Rome", "Roma"),
    ("Milan", "Milano"),
    ("Naples", "Napoli"),
    ("Florence", "Firenze"),
    ("Venice", "Venezia"),
    ("Turin", "Torino"),
)
COUNTRIES = (
    ("Italy", "Italia"),
    ("France", "Francia"),
    ("Spain", "Spagna"),
    ("Germany", "Germania"),
    ("England", "Inghilterra"),
)
DAYS = ("Saturday", "Sunday")

MANNERS = {
    "well": "bene",
    "slowly": "lentamente",
    "quickly": "velocemente",
    "together": "insieme",
    "aloud": "ad alta voce",
}
_TIMES = {  # what a tense goes with
    "present": """every day=ogni giorno|every morning=ogni mattina|every evening=ogni sera|on Saturdays=il sabato|on Sundays=la domenica
        |in summer=d'estate|in winter=d'inverno""",
    "progressive": "now=adesso|at this moment=in questo momento",
    "past": """yesterday=ieri|last week=la settimana scorsa|last year=l'anno scorso|this morning=stamattina|two days ago=due giorni fa
        |an hour ago=un'ora fa|last Saturday=sabato scorso""",
    "future": """tomorrow=domani|next week=la prossima settimana|next year=l'anno prossimo|tonight=stasera|on Saturday=sabato
        |soon=presto|tomorrow morning=domani mattina""",
    "habit": "every day=ogni giorno|every morning=ogni mattina|in summer=d'estate|on Sundays=la domenica",
}  # fmt: skip
FREQUENCIES = {"always": "sempre", "often": "spesso", "never": "mai"}
DEGREES = {"very": "molto", "too": "troppo", "so": "così", "really": "davvero"}
STATES = {
    "hungry": "fame f",
    "thirsty": "sete f",
    "sleepy": "sonno m",
    "cold": "freddo m",
    "afraid": "paura f",
    "in a hurry": "fretta f",
}
NUMBERS = {"two": "due", "three": "tre", "four": "quattro", "five": "cinque", "ten": "dieci"}
POSSESSIVES = {"my": "mio", "your": "tuo", "his": "suo", "her": "suo", "our": "nostro", "their": "loro"}
RELATIONS = {
    "near": "vicino a",
    "behind": "dietro",
    "in front of": "davanti a",
    "next to": "accanto a",
    "under": "sotto",
    "on": "su",
}


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
    for (where, classes), table in _ADJECTIVES.items():
        for entry in table.split("|"):
            english, italian = entry.split()
            kinds.setdefault((english, italian, where == "before"), []).extend(classes.split())
    return [
        Adjective(english, italian, before, tuple(classes)) for (english, italian, before), classes in kinds.items()
    ]


def _read_verbs() -> list[Verb]:
    verbs = []
    for line in _VERBS.strip().splitlines():
        english, italian, subjects, objects, places, manners, flags = (*(part.strip() for part in line.split("|")), "")[
            :7
        ]
        who = (*HUMAN, "animal") if "animal" in subjects else HUMAN
        auxiliary = "essere" if flags in ("essere", "reflexive") else "avere"
        verbs.append(
            Verb(english, italian, who, tuple(objects.split()), tuple(places.split()), tuple(manners.split()), auxiliary,
                 flags == "reflexive", flags == "stative")
        )  # fmt: skip
    return verbs


def _read_places() -> dict[str, Place]:
    places = {}
    for english, entry in _PLACES.items():
        at, there, thither = entry.split()
        italian = {"at": there.rstrip("!"), "to": thither.rstrip("!")}
        places[english] = Place(at, italian, {"at": there.endswith("!"), "to": thither.endswith("!")})
    return places


def _read_times() -> dict[str, list[tuple[str, ...]]]:
    return {tense: [tuple(part.strip().split("=")) for part in table.split("|")] for tense, table in _TIMES.items()}


NOUNS = _read_nouns()
ADJECTIVES = _read_adjectives()
VERBS = _read_verbs()
PLACES = _read_places()
TIMES = _read_times()
TRANSITIVES = [verb for verb in VERBS if verb.objects]
INTRANSITIVES = [verb for verb in VERBS if not verb.objects]


@cache
def nouns_of(*kinds: str) -> tuple[Noun, ...]:
    """The nouns of these classes; the name of a single noun counts as a class of one."""
    return tuple(noun for noun in NOUNS.values() if noun.kind in kinds or noun.english in kinds)


@cache
def adjectives_for(noun: Noun) -> tuple[Adjective, ...]:
    return tuple(adjective for adjective in ADJECTIVES if noun.kind in adjective.kinds)


@cache
def verb(english: str, takes_object: bool = True) -> Verb:
    """The verb of that name: play the guitar with an object, play in the garden without."""
    return next(entry for entry in VERBS if entry.english == english and bool(entry.objects) == takes_object)

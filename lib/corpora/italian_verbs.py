"""Verbs, adverbs and small words of the English-Italian corpus (notebook 03), and what each verb goes with.

    VERBS, TRANSITIVES, INTRANSITIVES, verb
    TIMES, MANNERS, FREQUENCIES, DEGREES      adverbs; times by tense: no future happens yesterday
    NAMES, CITIES, COUNTRIES, NUMBERS, POSSESSIVES, RELATIONS, STATES

An English verb has one Italian verb here, unless having an object decides: play the guitar (suonare), play in the
garden (giocare).
"""

from dataclasses import dataclass
from functools import cache

HUMAN = ("person", "family")


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


# English | Italian | subjects | objects: classes or single nouns | where, by PLACE_GROUPS | how | flags
_VERBS = """
    eat | mangiare | human animal | fruit baked staple cooked | table | quickly slowly |
    cook | cucinare | human | vegetable cooked | table | well slowly |
    slice | tagliare | human | fruit vegetable staple baked | table | slowly |
    prepare | preparare | human | baked cooked | table | quickly |
    taste | assaggiare | human | fruit baked staple cooked drink | | |
    drink | bere | human | drink | table | slowly quickly |
    read | leggere | human | text | home town nature | slowly aloud |
    write | scrivere | human | text | home | slowly quickly |
    translate | tradurre | human | text | | well slowly |
    forget | dimenticare | human | thing container clothing text | | |
    remember | ricordare | human | text person | | well |
    see | vedere | human animal | person animal car boat castle lake | town nature | |
    watch | guardare | human animal | person animal plant vehicle | town nature | |
    look for | cercare | human | person animal thing container clothing text | home town | |
    find | trovare | human animal | animal thing container clothing text | home nature | |
    follow | seguire | human animal | person animal vehicle | town nature | slowly |
    wait for | aspettare | human | person family train bus | town | |
    love | amare | human | person animal family | | | stative
    help | aiutare | human | person family animal | town home | |
    greet | salutare | human | person family | town | |
    thank | ringraziare | human | person family | | |
    know | conoscere | human | person family place | | well | stative
    hug | abbracciare | human | person family | | |
    invite | invitare | human | person family | | |
    meet | incontrare | human | person family | town nature | |
    call | chiamare | human | person family | | |
    buy | comprare | human | fruit vegetable staple baked text thing container clothing plant vehicle | market | |
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
    play | suonare | human | instrument | stage | well |
    send | spedire | human | text thing | | |
    show | mostrare | human | text thing clothing place animal | | |
    give | dare | human | text thing clothing fruit plant | | |
    sleep | dormire | human animal | | home nature | well |
    play | giocare | human animal | | home nature town | together |
    run | correre | human animal | | nature town | quickly |
    swim | nuotare | human animal | | water | well |
    dance | ballare | human | | stage | well together |
    sing | cantare | human | | stage | well together |
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

NAMES = {
    "Marco": "m", "Luca": "m", "Paolo": "m", "Pietro": "m", "Matteo": "m", "Anna": "f", "Giulia": "f", "Sofia": "f",
    "Elena": "f", "Chiara": "f",
}  # fmt: skip
CITIES = {
    "Rome": "Roma", "Milan": "Milano", "Naples": "Napoli", "Florence": "Firenze", "Venice": "Venezia",
    "Turin": "Torino",
}  # fmt: skip
COUNTRIES = {
    "Italy": "Italia", "France": "Francia", "Spain": "Spagna", "Germany": "Germania", "England": "Inghilterra",
}  # fmt: skip
MANNERS = {
    "well": "bene", "slowly": "lentamente", "quickly": "velocemente", "together": "insieme", "aloud": "ad alta voce",
}  # fmt: skip
TIMES = {
    "present": {
        "every day": "ogni giorno", "every morning": "ogni mattina", "every evening": "ogni sera",
        "on Saturdays": "il sabato", "on Sundays": "la domenica", "in summer": "d'estate", "in winter": "d'inverno",
    },
    "progressive": {"now": "adesso", "at this moment": "in questo momento"},
    "past": {
        "yesterday": "ieri", "last week": "la settimana scorsa", "last year": "l'anno scorso",
        "this morning": "stamattina",
        "two days ago": "due giorni fa", "an hour ago": "un'ora fa", "last Saturday": "sabato scorso",
    },
    "future": {
        "tomorrow": "domani", "next week": "la prossima settimana", "next year": "l'anno prossimo",
        "tonight": "stasera",
        "on Saturday": "sabato", "soon": "presto", "tomorrow morning": "domani mattina",
    },
    "habit": {
        "every day": "ogni giorno", "every morning": "ogni mattina", "in summer": "d'estate",
        "on Sundays": "la domenica",
    },
}  # fmt: skip
FREQUENCIES = {
    "always": "sempre",
    "often": "spesso",
    "never": "mai",
    "already": "già",
    "just": "appena",
    "yet": "ancora",
}
DEGREES = {"very": "molto", "too": "troppo", "so": "così", "really": "davvero"}
STATES = {  # to be hungry is to have hunger
    "hungry": "fame", "thirsty": "sete", "sleepy": "sonno", "cold": "freddo", "afraid": "paura",
    "in a hurry": "fretta",
}  # fmt: skip
NUMBERS = {"two": "due", "three": "tre", "four": "quattro", "five": "cinque", "ten": "dieci"}
POSSESSIVES = {"my": "mio", "your": "tuo", "his": "suo", "her": "suo", "our": "nostro", "their": "loro"}
RELATIONS = {
    "near": "vicino a", "behind": "dietro", "in front of": "davanti a", "next to": "accanto a", "under": "sotto",
    "on": "su",
}  # fmt: skip


def _read_verbs() -> list[Verb]:
    verbs = []
    for line in _VERBS.strip().splitlines():
        english, italian, subjects, objects, places, manners, *rest = (part.strip() for part in line.split("|"))
        flags = rest[0] if rest else ""
        who = (*HUMAN, "animal") if "animal" in subjects else HUMAN
        auxiliary = "essere" if flags in ("essere", "reflexive") else "avere"
        verbs.append(
            Verb(
                english,
                italian,
                subjects=who,
                objects=tuple(objects.split()),
                places=tuple(places.split()),
                manners=tuple(manners.split()),
                auxiliary=auxiliary,
                reflexive=flags == "reflexive",
                stative=flags == "stative",
            )
        )
    return verbs


VERBS = _read_verbs()
TRANSITIVES = [entry for entry in VERBS if entry.objects]
INTRANSITIVES = [entry for entry in VERBS if not entry.objects]


@cache
def verb(english: str, takes_object: bool = True) -> Verb:
    """The verb of that name: play the guitar with an object, play in the garden without."""
    return next(entry for entry in VERBS if entry.english == english and bool(entry.objects) == takes_object)

"""Italian words in their right form: articles, agreement, elision, conjugation; rules, and exceptions in small tables.

    definite, indefinite, partitive     il lo la l' i gli le, un uno una un', del dello dell' ...
    contracted                          di + il = del, in + la = nella, su + l' = sull'
    demonstrative, before_noun          quel bel cane, quegli zaini, quest'isola, un buon amico
    noun_plural, agree                  amico amici, albergo alberghi; rosso rossa rossi rosse
    conjugate, participle, gerund       present, imperfect, future, conditional; six persons
    clitics, attached, imperative       l'ho vista, me l'ha dato, voglio vederla, portami

Genders are "m" and "f", numbers "s" and "p", persons "1s" to "3p". `following` is the very next word: it alone
decides between il, lo and l'. An elided form ends in its apostrophe and is a word of its own. Every function is pure;
an unknown tense raises KeyError, an unknown person ValueError.
"""

from functools import cache

from data.make.tables import table

VOWELS = "aeiouàèéìòù"
PERSONS = ("1s", "2s", "3s", "1p", "2p", "3p")

IRREGULAR_PLURALS = {"uomo": "uomini", "uovo": "uova", "zio": "zii", "re": "re", "moto": "moto", "zoo": "zoo"}
SOFT = {"amico", "medico", "psicologo", "simpatico"}  # -ci and -gi in the plural, not -chi and -ghi: not predictable
INVARIABLE_ADJECTIVES = {"blu", "rosa"}
CONTRACTING = {"di": "de", "a": "a", "da": "da", "in": "ne", "su": "su"}  # con and per keep the article apart
BY_ARTICLE = {"il": "l", "lo": "llo", "la": "lla", "l'": "ll'", "i": "i", "gli": "gli", "le": "lle"}

_IRREGULAR = table("italian_irregular.tsv")
PRESENTS, PARTICIPLES, FUTURE_STEMS, LONG_STEMS = (
    {row["infinitive"]: row[form] for row in _IRREGULAR if row[form]}
    for form in ("present", "participle", "future", "old stem")
)  # imperfect and gerund show the old stem
WITH_ISC = {"capire", "finire", "preferire", "pulire", "spedire", "starnutire"}  # finisco, finiamo

DIRECT = {"1s": "mi", "2s": "ti", "3sm": "lo", "3sf": "la", "1p": "ci", "2p": "vi", "3pm": "li", "3pf": "le"}
DATIVE = {"1s": "mi", "2s": "ti", "3sm": "gli", "3sf": "le", "1p": "ci", "2p": "vi", "3pm": "gli", "3pf": "gli"}
REFLEXIVE = {"1s": "mi", "2s": "ti", "3s": "si", "1p": "ci", "2p": "vi", "3p": "si"}


def vowel_first(word: str) -> bool:
    """True where il becomes l': before a vowel, and before the silent h of ho, hai, ha, hanno."""
    return word[0].lower() in VOWELS + "h"


def takes_lo(word: str) -> bool:
    """True for zaino, specchio, gnomo, psicologo: z, x, y, gn, ps, pn and s before a consonant."""
    lower = word.lower()
    impure = lower[0] == "s" and len(lower) > 1 and lower[1] not in VOWELS
    return impure or lower.startswith(("z", "x", "y", "gn", "ps", "pn"))


@cache
def definite(gender: str, number: str, following: str) -> str:
    """the: il cane, lo zaino, l'isola, i cani, gli zaini, le isole."""
    if number == "p":
        return "le" if gender == "f" else "gli" if vowel_first(following) or takes_lo(following) else "i"
    if vowel_first(following):
        return "l'"
    return "la" if gender == "f" else "lo" if takes_lo(following) else "il"


@cache
def indefinite(gender: str, following: str) -> str:
    """a: un cane, un amico, uno zaino, una casa, un'isola."""
    if gender == "f":
        return "un'" if vowel_first(following) else "una"
    return "uno" if takes_lo(following) else "un"


@cache
def contracted(preposition: str, article: str) -> tuple[str, ...]:
    """A preposition before an article: ("nella",) for in + la, ("con", "la") for con + la."""
    if preposition in CONTRACTING:
        return (CONTRACTING[preposition] + BY_ARTICLE[article],)
    return (preposition, article)


@cache
def partitive(gender: str, number: str, following: str) -> str:
    """some: del pane, dell'acqua, degli amici."""
    return contracted("di", definite(gender, number, following))[0]


@cache
def demonstrative(which: str, gender: str, number: str, following: str) -> str:
    """questo (quest' before a vowel) or quello, which ends as the article does: quel, quello, quell', quei, quegli."""
    if which == "quello":
        return "que" + BY_ARTICLE[definite(gender, number, following)]
    if number == "s" and vowel_first(following):
        return "quest'"
    return agree("questo", gender, number)


@cache
def agree(adjective: str, gender: str, number: str) -> str:
    """The form of an adjective or participle given by its masculine singular: stanco stanca stanchi stanche."""
    if adjective in INVARIABLE_ADJECTIVES:
        return adjective
    stem, ending = adjective[:-1], adjective[-1]
    if ending == "e":
        return adjective if number == "s" else stem + "i"
    if number == "s":
        return adjective if gender == "m" else stem + "a"
    if stem.endswith(("c", "g")):
        return stem + ("he" if gender == "f" else "i" if adjective in SOFT else "hi")
    if gender == "m":
        return stem if stem.endswith("i") else stem + "i"  # vecchi, with one i
    return stem + "e"


@cache
def before_noun(adjective: str, gender: str, number: str, following: str) -> str:
    """An adjective that stands before its noun: bello ends as the article does, buono as uno does, others agree."""
    if adjective == "bello" and gender == "m":
        return "be" + BY_ARTICLE[definite(gender, number, following)]
    if adjective == "buono" and (gender, number) == ("m", "s"):
        return "bu" + ("ono" if takes_lo(following) else "on")
    return agree(adjective, gender, number)


@cache
def noun_plural(noun: str, gender: str) -> str:
    """amica amiche, arancia arance, camicia camicie, specchio specchi, turista turisti, città città."""
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    stem, ending = noun[:-1], noun[-1]
    if ending not in "aeo":
        return noun  # città, caffè, autobus
    if ending == "a" and gender == "m":
        return stem + "i"
    if ending == "a":
        if stem.endswith(("ci", "gi")):
            return (stem if stem[-3] in VOWELS else stem[:-1]) + "e"
        return stem + ("he" if stem.endswith(("c", "g")) else "e")
    if ending == "o" and stem.endswith(("c", "g")) and noun not in SOFT:
        return stem + "hi"
    return stem if stem.endswith("i") else stem + "i"


@cache
def conjugate(infinitive: str, tense: str, person: str) -> str:
    """One verb form. tense: present, imperfect, future or conditional; person: 1s 2s 3s 1p 2p 3p."""
    return {"present": _present, "imperfect": _imperfect, "future": _future, "conditional": _future}[tense](
        infinitive, PERSONS.index(person), tense
    )


def _present(infinitive: str, person: int, tense: str) -> str:
    if infinitive in PRESENTS:
        return PRESENTS[infinitive].split()[person]
    stem, family = infinitive[:-3], infinitive[-3:]
    if infinitive in WITH_ISC:
        return stem + ("isco", "isci", "isce", "iamo", "ite", "iscono")[person]
    endings = {
        "are": ("o", "i", "a", "iamo", "ate", "ano"),
        "ere": ("o", "i", "e", "iamo", "ete", "ono"),
        "ire": ("o", "i", "e", "iamo", "ite", "ono"),
    }
    ending = endings[family][person]
    if family == "are" and ending[0] == "i":
        if stem.endswith(("c", "g")):
            return stem + "h" + ending  # cerchi, cerchiamo: the sound of cercare is kept
        if stem.endswith("i"):
            return stem + ending[1:]  # mangi, mangiamo: one i
    return stem + ending


def _imperfect(infinitive: str, person: int, tense: str) -> str:
    if infinitive == "essere":
        return ("ero", "eri", "era", "eravamo", "eravate", "erano")[person]
    stem = LONG_STEMS.get(infinitive, infinitive[:-2])
    return stem + ("vo", "vi", "va", "vamo", "vate", "vano")[person]


def _future(infinitive: str, person: int, tense: str) -> str:
    stem = FUTURE_STEMS.get(infinitive, infinitive[:-1])
    if infinitive.endswith("are") and infinitive not in FUTURE_STEMS:
        root = infinitive[:-3]
        if root.endswith(("c", "g")):
            root += "h"  # cercherò
        elif root.endswith(("ci", "gi")):
            root = root[:-1]  # mangerò
        stem = root + "er"
    if tense == "future":
        return stem + ("ò", "ai", "à", "emo", "ete", "anno")[person]
    return stem + ("ei", "esti", "ebbe", "emmo", "este", "ebbero")[person]


@cache
def participle(infinitive: str, gender: str = "m", number: str = "s") -> str:
    """mangiato, letta, partiti, uscite."""
    regular = infinitive[:-3] + {"are": "ato", "ere": "uto", "ire": "ito"}.get(infinitive[-3:], "")
    return agree(PARTICIPLES.get(infinitive, regular), gender, number)


@cache
def gerund(infinitive: str) -> str:
    """mangiando, leggendo, bevendo."""
    if infinitive.endswith("are") and infinitive != "fare":
        return infinitive[:-3] + "ando"
    return (LONG_STEMS[infinitive][:-1] if infinitive in LONG_STEMS else infinitive[:-3]) + "endo"


def clitics(dative: str | None, direct: str | None, following: str) -> list[str]:
    """The pronouns before a verb: ["mi"], ["l'"] (ho vista), ["me", "l'"] (ha dato), ["gliel'"], ["gliela"] (darò).

    dative: mi ti gli le ci vi or None; direct: mi ti lo la ci vi li le si or None; following: the verb form.
    """
    if direct in ("lo", "la") and vowel_first(following):
        direct = "l'"
    if dative is None or direct is None:
        return [word for word in (dative, direct) if word]
    if dative in ("gli", "le"):
        return ["glie" + direct]
    return [dative[:-1] + "e", direct]


@cache
def attached(infinitive: str, clitic: str) -> str:
    """A pronoun on an infinitive: vederla, tradurlo, alzarsi."""
    return (infinitive[:-2] if infinitive.endswith("rre") else infinitive[:-1]) + clitic


@cache
def imperative(infinitive: str, clitic: str = "") -> str:
    """An order to one friend: apri, mangia, pulisci, portami."""
    return conjugate(infinitive, "present", "3s" if infinitive.endswith("are") else "2s") + clitic

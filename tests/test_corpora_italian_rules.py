"""The Italian of the corpus, rule by rule: every line is made by the grammar and compared with what one writes."""

import pytest

from data.make import english_forms
from data.make import italian_forms as forms
from data.make.italian import realise
from data.make.italian_adverbials import At, Beside, Fixed, Town
from data.make.italian_clauses import Be, Clause, Compare, Joined, Likes, Order, There
from data.make.italian_nouns import NOUNS, adjective
from data.make.italian_phrases import Both, Gap, Name, Phrase, Pronoun, Relative, Who
from data.make.italian_sentences import KNOW
from data.make.italian_statements import HAVE, Sentence
from data.make.italian_verbs import verb


def the(noun, number="s", determiner="the", adjective_=None, owner=None):
    return Phrase(NOUNS[noun], number, determiner, adjective(adjective_) if adjective_ else None, owner)


def said(tree, mark="."):
    made = realise(Sentence(tree, mark, "plain"))
    return made.english, made.italian


I, YOU, HE, SHE, WE, THEY = map(Pronoun, ("1s", "2s", "3sm", "3sf", "1p", "3pm"))
ANNA, MARCO, ELENA = map(Name, ("Anna", "Marco", "Elena"))


@pytest.mark.parametrize(
    ("noun", "singular", "plural"),
    [
        ("dog", "il cane", "i cani"),
        ("backpack", "lo zaino", "gli zaini"),
        ("student", "lo studente", "gli studenti"),
        ("psychologist", "lo psicologo", "gli psicologi"),
        ("friend", "l' amico", "gli amici"),
        ("island", "l' isola", "le isole"),
        ("key", "la chiave", "le chiavi"),
        ("uncle", "lo zio", "gli zii"),
        ("man", "l' uomo", "gli uomini"),
        ("egg", "l' uovo", "le uova"),
        ("hand", "la mano", "le mani"),
        ("orange", "l' arancia", "le arance"),
        ("shirt", "la camicia", "le camicie"),
        ("beach", "la spiaggia", "le spiagge"),
        ("suitcase", "la valigia", "le valigie"),
        ("hotel", "l' albergo", "gli alberghi"),
        ("doctor", "il medico", "i medici"),
        ("peach", "la pesca", "le pesche"),
        ("mirror", "lo specchio", "gli specchi"),
        ("tourist", "il turista", "i turisti"),
        ("city", "la città", "le città"),
        ("bus", "l' autobus", "gli autobus"),
        ("motorbike", "la moto", "le moto"),
        ("wife", "la moglie", "le mogli"),
    ],
)
def test_article_and_plural(noun, singular, plural):
    assert " ".join(word.text for word in the(noun).italian()) == singular
    assert " ".join(word.text for word in the(noun, "p").italian()) == plural


@pytest.mark.parametrize(
    ("phrase", "english", "italian"),
    [
        (the("friend", determiner="a"), "a friend", "un amico"),
        (the("apple", determiner="a"), "an apple", "una mela"),
        (the("orange", determiner="a"), "an orange", "un' arancia"),
        (the("backpack", determiner="a"), "a backpack", "uno zaino"),
        (the("backpack", determiner="a", adjective_="beautiful"), "a beautiful backpack", "un bello zaino"),
        (the("island", determiner="another"), "another island", "un' altra isola"),
        (the("squirrel", determiner="another"), "another squirrel", "un altro scoiattolo"),
        (the("water", determiner="some"), "some water", "dell' acqua"),
        (the("backpack", "p", "some"), "some backpacks", "degli zaini"),
        (the("dog", determiner="that"), "that dog", "quel cane"),
        (the("dog", determiner="that", adjective_="beautiful"), "that beautiful dog", "quel bel cane"),
        (the("tree", determiner="that"), "that tree", "quell' albero"),
        (the("mirror", "p", "that"), "those mirrors", "quegli specchi"),
        (the("island", determiner="this"), "this island", "quest' isola"),
        (the("eye", "p", "bare", "beautiful"), "beautiful eyes", "begli occhi"),
        (the("flower", "p", "the", "beautiful"), "the beautiful flowers", "i bei fiori"),
        (the("tree", adjective_="beautiful"), "the beautiful tree", "il bell' albero"),
        (the("bread", adjective_="good"), "the good bread", "il buon pane"),
        (the("friend", adjective_="old"), "the old friend", "il vecchio amico"),
        (the("scarf", "p", "the", "white"), "the white scarves", "le sciarpe bianche"),
        (the("actor", "p", "the", "nice"), "the nice actors", "gli attori simpatici"),
        (the("shoe", "p", "the", "blue"), "the blue shoes", "le scarpe blu"),
        (the("mother", determiner="my"), "my mother", "mia madre"),
        (the("brother", "p", "my"), "my brothers", "i miei fratelli"),
        (the("uncle", determiner="my", adjective_="young"), "my young uncle", "il mio giovane zio"),
        (the("father", determiner="their"), "their father", "il loro padre"),
        (the("key", "p", "her"), "her keys", "le sue chiavi"),
        (the("sister", owner=MARCO), "Marco 's sister", "la sorella di Marco"),
        (the("dog", owner=the("engineer")), "the engineer 's dog", "il cane dell' ingegnere"),
        (the("car", owner=the("brother", determiner="my")), "my brother 's car", "la macchina di mio fratello"),
        (the("child", "p", "all"), "all the children", "tutti i bambini"),
        (the("egg", "p", "two"), "two eggs", "due uova"),
    ],
)
def test_what_stands_before_and_after_a_noun(phrase, english, italian):
    assert " ".join(word.text for word in phrase.english()) == english
    assert " ".join(word.text for word in phrase.italian()) == italian


@pytest.mark.parametrize(
    ("adverbial", "english", "italian"),
    [
        (At(the("kitchen")), "in the kitchen", "in cucina"),
        (At(the("kitchen", adjective_="small")), "in the small kitchen", "nella piccola cucina"),
        (At(the("kitchen", determiner="my")), "in my kitchen", "nella mia cucina"),
        (At(the("school")), "at school", "a scuola"),
        (At(the("market")), "at the market", "al mercato"),
        (At(the("stadium")), "at the stadium", "allo stadio"),
        (At(the("airport"), "to"), "to the airport", "all' aeroporto"),
        (At(the("island")), "on the island", "sull' isola"),
        (At(the("beach")), "on the beach", "sulla spiaggia"),
        (At(the("beach"), "to"), "to the beach", "in spiaggia"),
        (At(the("park")), "in the park", "nel parco"),
        (At(the("park"), "to"), "to the park", "al parco"),
        (At(the("zoo"), "from"), "from the zoo", "dallo zoo"),
        (At(the("library"), "from"), "from the library", "dalla biblioteca"),
        (At(the("library"), "arrive"), "at the library", "in biblioteca"),
        (Beside("near", "vicino a", the("tree")), "near the tree", "vicino all' albero"),
        (Beside("in front of", "davanti a", the("mirror")), "in front of the mirror", "davanti allo specchio"),
        (Beside("on", "su", the("chair")), "on the chair", "sulla sedia"),
        (Beside("with", "con", the("student")), "with the student", "con lo studente"),
        (Town("Rome", "Roma"), "in Rome", "a Roma"),
        (Town("Italy", "Italia", "to", country=True), "to Italy", "in Italia"),
        (Town("England", "Inghilterra", "from", country=True), "from England", "dall' Inghilterra"),
        (Fixed("an hour ago", "un'ora fa"), "an hour ago", "un' ora fa"),
    ],
)
def test_prepositions_melt_into_articles(adverbial, english, italian):
    assert " ".join(word.text for word in adverbial.english()) == english
    assert " ".join(word.text for word in adverbial.italian()) == italian


@pytest.mark.parametrize(
    ("infinitive", "tense", "expected"),
    [
        ("mangiare", "present", "mangio mangi mangia mangiamo mangiate mangiano"),
        ("cercare", "present", "cerco cerchi cerca cerchiamo cercate cercano"),
        ("finire", "present", "finisco finisci finisce finiamo finite finiscono"),
        ("aprire", "present", "apro apri apre apriamo aprite aprono"),
        ("scegliere", "present", "scelgo scegli sceglie scegliamo scegliete scelgono"),
        ("uscire", "present", "esco esci esce usciamo uscite escono"),
        ("bere", "imperfect", "bevevo bevevi beveva bevevamo bevevate bevevano"),
        ("essere", "imperfect", "ero eri era eravamo eravate erano"),
        ("tradurre", "imperfect", "traducevo traducevi traduceva traducevamo traducevate traducevano"),
        ("mangiare", "future", "mangerò mangerai mangerà mangeremo mangerete mangeranno"),
        ("cercare", "future", "cercherò cercherai cercherà cercheremo cercherete cercheranno"),
        ("venire", "future", "verrò verrai verrà verremo verrete verranno"),
        ("volere", "conditional", "vorrei vorresti vorrebbe vorremmo vorreste vorrebbero"),
    ],
)
def test_conjugation(infinitive, tense, expected):
    assert " ".join(forms.conjugate(infinitive, tense, person) for person in forms.PERSONS) == expected


def test_an_unknown_tense_or_person_is_refused():
    with pytest.raises(KeyError):
        forms.conjugate("amare", "aorist", "1s")
    with pytest.raises(ValueError, match="tuple"):
        forms.conjugate("amare", "present", "4s")


SENTENCES = [
    # tenses
    (Clause(SHE, verb("read"), "present", the("book")), "She reads the book.", "Legge il libro."),
    (Clause(SHE, verb("read"), "progressive", the("book")), "She is reading the book.", "Sta leggendo il libro."),
    (Clause(SHE, verb("read"), "past", the("book")), "She read the book.", "Ha letto il libro."),
    (Clause(SHE, verb("read"), "future", the("book")), "She will read the book.", "Leggerà il libro."),
    (Clause(SHE, verb("read"), "habit", the("book")), "She used to read the book.", "Leggeva il libro."),
    (Clause(ANNA, verb("know"), "past", MARCO), "Anna knew Marco.", "Anna conosceva Marco."),
    (Clause(WE, KNOW, "past"), "We knew.", "Sapevamo."),
    # essere and agreement
    (Clause(ANNA, verb("arrive", False), "past"), "Anna arrived.", "Anna è arrivata."),
    (Clause(the("girl", "p"), verb("go out", False), "past"), "The girls went out.", "Le ragazze sono uscite."),
    (Clause(WE, verb("leave", False), "past"), "We left.", "Siamo partiti."),
    (Clause(Both(ANNA, ELENA), verb("fall", False), "past"), "Anna and Elena fell.", "Anna ed Elena sono cadute."),
    (Clause(Both(ANNA, I), verb("fall", False), "past"), "Anna and I fell.", "Anna e io siamo caduti."),
    (Clause(ANNA, verb("wake up", False), "past"), "Anna woke up.", "Anna si è svegliata."),
    (Clause(I, verb("have fun", False), "present"), "I have fun.", "Mi diverto."),
    # adverbs inside the verb
    (
        Clause(ANNA, verb("drink"), "present", the("coffee", determiner="bare"), adverb="never"),
        "Anna never drinks coffee.",
        "Anna non beve mai caffè.",
    ),
    (
        Clause(HE, verb("eat"), "perfect", the("cake"), adverb="already"),
        "He has already eaten the cake.",
        "Ha già mangiato la torta.",
    ),
    (
        Clause(HE, verb("eat"), "perfect", the("cake"), negative=True, adverb="yet"),
        "He has not eaten the cake yet.",
        "Non ha ancora mangiato la torta.",
    ),
    (
        Clause(HE, verb("play"), "past", the("piano"), manner=Fixed("well", "bene")),
        "He played the piano well.",
        "Ha suonato bene il pianoforte.",
    ),
    # clitics
    (Clause(I, verb("see"), "past", SHE), "I saw her.", "L'ho vista."),
    (Clause(I, verb("see"), "past", HE), "I saw him.", "L'ho visto."),
    (Clause(I, verb("see"), "past", THEY), "I saw them.", "Li ho visti."),
    (Clause(SHE, verb("help"), "present", HE), "She helps him.", "L'aiuta."),
    (Clause(SHE, verb("love"), "present", I), "She loves me.", "Mi ama."),
    (Clause(HE, verb("thank"), "past", WE, negative=True), "He did not thank us.", "Non ci ha ringraziato."),
    (Clause(SHE, verb("hug"), "progressive", HE), "She is hugging him.", "Lo sta abbracciando."),
    (Clause(I, verb("see"), "present", SHE, modal="want to"), "I want to see her.", "Voglio vederla."),
    (
        Clause(YOU, verb("translate"), "present", Pronoun("3sm", True), modal="must"),
        "You must translate it.",
        "Devi tradurlo.",
    ),
    (
        Clause(ANNA, verb("get up", False), "present", modal="can", negative=True),
        "Anna cannot get up.",
        "Anna non può alzarsi.",
    ),
    (Clause(ANNA, verb("give"), "past", the("key"), I), "Anna gave me the key.", "Anna mi ha dato la chiave."),
    (Clause(MARCO, verb("give"), "past", Pronoun("3sf", True), I), "Marco gave it to me.", "Marco me l'ha data."),
    (Clause(MARCO, verb("give"), "past", Pronoun("3sm", True), SHE), "Marco gave it to her.", "Marco gliel'ha dato."),
    (
        Clause(MARCO, verb("give"), "future", Pronoun("3sf", True), HE),
        "Marco will give it to him.",
        "Marco gliela darà.",
    ),
    (
        Clause(MARCO, verb("give"), "past", the("key"), ANNA),
        "Marco gave the key to Anna.",
        "Marco ha dato la chiave ad Anna.",
    ),
    (
        Joined(
            Clause(SHE, verb("buy"), "past", the("apple", "p", "two")),
            "and",
            Clause(SHE, verb("eat"), "past", Pronoun("3pf", True), silent=True),
        ),
        "She bought two apples and ate them.",
        "Ha comprato due mele e le ha mangiate.",
    ),
    # being, having, there is
    (Be(ANNA, adjective("tired"), degree="very"), "Anna is very tired.", "Anna è molto stanca."),
    (Be(the("window", "p"), adjective("green"), "past"), "The windows were green.", "Le finestre erano verdi."),
    (Be(I, "hungry", degree="very"), "I am very hungry.", "Ho molta fame."),
    (Be(HE, "cold", "past", "very"), "He was very cold.", "Aveva molto freddo."),
    (Be(the("key"), None, asks="where"), "Where is the key.", "Dov'è la chiave."),
    (Be(the("key", "p"), None, asks="where"), "Where are the keys.", "Dove sono le chiavi."),
    (
        There(the("cat", determiner="a"), At(the("garden"))),
        "There is a cat in the garden.",
        "C'è un gatto in giardino.",
    ),
    (
        There(the("cat", "p", "two"), At(the("garden"))),
        "There are two cats in the garden.",
        "Ci sono due gatti in giardino.",
    ),
    (
        There(the("cat", determiner="a"), At(the("garden")), "past"),
        "There was a cat in the garden.",
        "C'era un gatto in giardino.",
    ),
    (
        There(the("cat", "p", "two"), At(the("garden")), "past"),
        "There were two cats in the garden.",
        "C'erano due gatti in giardino.",
    ),
    (
        There(the("bread", determiner="no"), At(the("kitchen"))),
        "There is no bread in the kitchen.",
        "Non c'è pane in cucina.",
    ),
    (
        Clause(ANNA, HAVE, "present", the("eye", "p", "generic", "green")),
        "Anna has green eyes.",
        "Anna ha gli occhi verdi.",
    ),
    (Clause(SHE, HAVE, "past", the("eye", "p", "bare", "beautiful")), "She had beautiful eyes.", "Aveva begli occhi."),
    # liking, comparing
    (Likes(I, the("apple", "p", "generic")), "I like apples.", "Mi piacciono le mele."),
    (Likes(ANNA, the("soup"), negative=True), "Anna does not like the soup.", "Ad Anna non piace la zuppa."),
    (Likes(THEY, the("soup")), "They like the soup.", "A loro piace la zuppa."),
    (Likes(the("student"), verb("swim", False)), "The student likes to swim.", "Allo studente piace nuotare."),
    (Likes(SHE, the("cake"), "past"), "She liked the cake.", "Le è piaciuta la torta."),
    (
        Likes(Both(MARCO, ANNA), the("fig", "p"), "past"),
        "Marco and Anna liked the figs.",
        "A Marco e ad Anna sono piaciuti i fichi.",
    ),
    (
        Compare(the("dog"), adjective("big"), the("cat")),
        "The dog is bigger than the cat.",
        "Il cane è più grande del gatto.",
    ),
    (Compare(ANNA, adjective("nice"), MARCO), "Anna is nicer than Marco.", "Anna è più simpatica di Marco."),
    # questions and orders
    (Clause(ANNA, verb("work", False), asks="where"), "Where does Anna work.", "Dove lavora Anna."),
    (
        Clause(the("boy"), verb("eat"), "progressive", asks="what"),
        "What is the boy eating.",
        "Che cosa sta mangiando il ragazzo.",
    ),
    (
        Clause(YOU, verb("buy"), "past", the("apple", "p", "how many"), asks="how many"),
        "How many apples did you buy.",
        "Quante mele hai comprato.",
    ),
    (Clause(Who(), verb("open"), "past", the("door")), "Who opened the door.", "Chi ha aperto la porta."),
    (Order(verb("open"), the("door")), "Open the door.", "Apri la porta."),
    (Order(verb("clean"), the("glass")), "Clean the glass.", "Pulisci il bicchiere."),
    (Order(verb("open"), the("door"), negative=True), "Do not open the door.", "Non aprire la porta."),
    (Order(verb("bring"), the("key"), I), "Bring me the key.", "Portami la chiave."),
    # two clauses
    (
        Joined(
            Clause(ANNA, verb("read"), "continuous", the("book")),
            "while",
            Clause(MARCO, verb("sleep", False), "continuous"),
            True,
        ),
        "While Anna was reading the book, Marco was sleeping.",
        "Mentre Anna leggeva il libro, Marco dormiva.",
    ),
    (
        Joined(
            Clause(THEY, verb("leave", False), "past", negative=True),
            "because",
            Be(Pronoun("3pf"), adjective("tired"), "past"),
        ),
        "They did not leave because they were tired.",
        "Non sono partiti perché erano stanche.",
    ),
]


@pytest.mark.parametrize(("tree", "english", "italian"), SENTENCES, ids=[line[1] for line in SENTENCES])
def test_a_sentence(tree, english, italian):
    assert said(tree) == (english, italian)


@pytest.mark.parametrize(
    ("pronoun", "inside", "english", "italian"),
    [
        (
            "who",
            lambda gap: Clause(gap, verb("work", False), "past"),
            "The women who worked",
            "Le donne che hanno lavorato",
        ),
        (
            "who",
            lambda gap: Clause(gap, verb("arrive", False), "past"),
            "The women who arrived",
            "Le donne che sono arrivate",
        ),
        (
            "that",
            lambda gap: Clause(MARCO, verb("see"), "past", gap),
            "The women that Marco saw",
            "Le donne che Marco ha visto",
        ),
        (
            "with whom",
            lambda gap: Clause(I, verb("work", False)),
            "The women with whom I work",
            "Le donne con cui lavoro",
        ),
    ],
)
def test_a_relative_clause_agrees_with_its_noun_as_subject_only(pronoun, inside, english, italian):
    women = the("woman", "p")
    women.relative = Relative(pronoun, inside(Gap(women)))
    assert said(Be(women, adjective("tired"))) == (f"{english} are tired.", f"{italian} sono stanche.")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (english_forms.noun_plural("strawberry"), "strawberries"),
        (english_forms.noun_plural("wolf"), "wolves"),
        (english_forms.noun_plural("box"), "boxes"),
        (english_forms.third_person("watch"), "watches"),
        (english_forms.third_person("cry"), "cries"),
        (english_forms.past("travel"), "travelled"),
        (english_forms.ing_form("write"), "writing"),
        (english_forms.ing_form("hug"), "hugging"),
        (english_forms.article("hour"), "an"),
        (" ".join(english_forms.comparative("heavy")), "heavier"),
        (" ".join(english_forms.comparative("famous")), "more famous"),
    ],
)
def test_english_forms(made, expected):
    assert made == expected

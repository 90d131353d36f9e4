"""The verb and all that clings to it: not, auxiliaries, pronouns, participle (English-Italian corpus, notebook 03).

    english_verb     does not eat, has already seen, would like to open
    italian_verb     non mangia, l'ha già vista, vorrebbe aprirlo, si sta alzando

Tenses have English names: present, progressive, past (passato prossimo, or imperfetto for states), perfect (passato
prossimo), future, continuous and habit (both imperfetto).
"""

from typing import Any

from data.make import english_forms
from data.make import italian_forms as forms
from data.make.italian_phrases import Pronoun
from data.make.italian_verbs import Verb

MODALS = {"can": "potere", "must": "dovere", "want to": "volere", "would like to": "volere"}


def english_verb(
    verb: str, tense: str, person: str, support: bool = False, modal: str = ""
) -> tuple[list[str], list[str]]:
    """The auxiliary, after which not, always and (in questions) the subject stand, and the rest.

    support: whether do must help, as in does not eat and does she eat?
    """
    base, *particle = verb.split()
    be = english_forms.be(person, "past" if tense == "continuous" else "present")
    if modal:
        if modal != "want to":
            auxiliary, *to = modal.split()
            return [auxiliary], [*to, base, *particle]
        base, particle = "want", ["to", base, *particle]
    if tense in ("progressive", "continuous"):
        return [be], [english_forms.ing_form(base), *particle]
    if tense == "perfect":
        return ["has" if person == "3s" else "have"], [english_forms.past_participle(base), *particle]
    if tense == "future":
        return ["will"], [base, *particle]
    if tense == "habit":
        return [], ["used", "to", base, *particle]
    if support:
        return ["did" if tense == "past" else "does" if person == "3s" else "do"], [base, *particle]
    form = english_forms.past(base) if tense == "past" else english_forms.third_person(base) if person == "3s" else base
    return [], [form, *particle]


def italian_verb(
    verb: Verb,
    tense: str,
    subject: Any,
    negative: bool = False,
    adverb: str = "",
    dative: str | None = None,
    direct: Pronoun | None = None,
    modal: str = "",
) -> list[str]:
    """The verb group from non to participle. dative: a clitic or None; direct: its object, if that is a pronoun."""
    person = subject.person
    clitic = forms.DIRECT[direct.key] if direct else forms.REFLEXIVE[person] if verb.reflexive else None
    before: list[str] = ["non"] if negative else []
    after = [adverb] if adverb else []
    if modal:
        finite = forms.conjugate(
            MODALS[modal], "conditional" if modal == "would like to" else _simple(tense, True), person
        )
        return [
            *before,
            finite,
            *after,
            forms.attached(verb.italian, clitic or dative) if clitic or dative else verb.italian,
        ]
    if tense in ("past", "perfect") and not verb.stative:
        finite = forms.conjugate(verb.auxiliary, "present", person)
        if verb.auxiliary == "essere":
            gender, number = subject.gender, subject.number
        elif direct and direct.person.startswith("3"):
            gender, number = direct.gender, direct.number  # l'ha vista
        else:
            gender, number = "m", "s"
        after.append(forms.participle(verb.italian, gender, number))
    elif tense == "progressive":
        finite = forms.conjugate("stare", "present", person)
        after.append(forms.gerund(verb.italian))
    else:
        finite = forms.conjugate(verb.italian, _simple(tense, verb.stative), person)
    return [*before, *forms.clitics(dative, clitic, finite), finite, *after]


def _simple(tense: str, stative: bool) -> str:
    """The Italian tense of one word for an English one."""
    if tense == "past":
        return "imperfect" if stative else "past"
    return {"continuous": "imperfect", "habit": "imperfect"}.get(tense, tense)

"""Checks of notebook 15, second part: speculative decoding. How often things come is counted, and compared exactly."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable

import torch
from torch.nn import functional

from lib.checks.core import Exercise, edit
from lib.checks.differences import kind_of
from lib.checks.probing import single_calls
from lib.checks.running import Problem
from lib.decoding import speculative as course
from lib.decoding.sampling import chi_square

residual = Exercise(course.residual)
accept = Exercise(course.accept)
speculative_step = Exercise(course.speculative_step)

DRAWS = 400
SURE = 1e-7  # an honest answer is refused once in ten million


def one_hot(*ids: int, vocab: int = 7) -> torch.Tensor:
    return functional.one_hot(torch.tensor(ids), vocab).float()


def chances(*shape: int, rng: torch.Generator) -> torch.Tensor:
    """Probabilities (*shape), none of them tiny."""
    return torch.randn(*shape, generator=rng).clamp(-2, 2).softmax(-1)


# ---------------------------------------------------------------------------------------------------------- residual

single_calls(
    residual,
    {
        "p = (0.6, 0.3, 0.1), q = (0.3, 0.6, 0.1)": lambda rng: (
            torch.tensor([0.6, 0.3, 0.1]),
            torch.tensor([0.3, 0.6, 0.1]),
        ),
        "p = (0.5, 0.3, 0.1, 0.1), q = (0.1, 0.2, 0.3, 0.4)": lambda rng: (
            torch.tensor([0.5, 0.3, 0.1, 0.1]),
            torch.tensor([0.1, 0.2, 0.3, 0.4]),
        ),
        "5 rows of 7": lambda rng: (chances(5, 7, rng=rng), chances(5, 7, rng=rng)),
        "leading axes (2, 3), 64-bit numbers": lambda rng: (
            chances(2, 3, 7, rng=rng).double(),
            chances(2, 3, 7, rng=rng).double(),
        ),
        "one row of 50,257": lambda rng: (chances(1, 50_257, rng=rng), chances(1, 50_257, rng=rng)),
    },
)


@residual.probe("three rows, in the second of which p and q are equal")
def _(answer, rng):
    p, q = chances(3, 5, rng=rng), chances(3, 5, rng=rng)
    q[1] = p[1]
    return answer(p, q)


@residual.probe("p and q that differ by a ten-millionth")
def _(answer, rng):
    p = torch.tensor([0.25, 0.5, 0.25])
    return answer(p, p + torch.tensor([2.0, -1.0, -1.0]) / 2**24)


REST, TOTAL = "rest = (p - q).clamp(min=0)", "total = rest.sum(-1, keepdim=True)"
BACK = "torch.where(total > 0, rest / total, p)"
# fmt: off
residual.mistakes(
    not_normalised=("it does not sum to 1: divide by its sum.", edit(BACK, "torch.where(total > 0, rest, p)")),
    absolute=("where q is larger there is nothing left over: 0, not the absolute difference.",
        edit(REST, "rest = (p - q).abs()")),
    other_way=("this is what q has and p has not: p − q is asked for.", edit(REST, "rest = (q - p).clamp(min=0)")),
    negative=("probabilities cannot be negative: keep the positive part only.", edit(REST, "rest = p - q")),
    softmax=("the softmax of a difference is another distribution: positive part, divided by its sum.",
        edit(REST, "rest = (p - q).softmax(-1)")),
    over_all=("each row sums to 1 by itself: sum over the last axis.", edit(TOTAL, "total = rest.sum()")),
    nan=("0 / 0 where p and q are equal: return p there.", edit(BACK, "rest / total")),
    nothing=("where p and q are equal p itself is asked for, not zeros.",
        edit(BACK, "torch.where(total > 0, rest / total, rest)")),
    evenly=("where p and q are equal p itself is asked for, not equal chances.",
        edit(BACK, "torch.where(total > 0, rest / total, torch.ones_like(p) / p.shape[-1])")),
    q_instead=("where p exceeds q the difference counts, not the whole of p.",
        edit(REST, "rest = torch.where(p > q, p, torch.zeros_like(p))")),
    overlap=("this is the overlap, min(p, q), which was kept already: p − min(p, q) is left over.",
        edit(REST, "rest = torch.minimum(p, q)")),
    ratio=("this divides p by q; the rest is a difference.",
        edit(REST, "rest = torch.where(p > q, p / q.clamp(min=1e-9), 0.0)")),
    just_p=("this is p: what was kept of q must be taken off.", edit(REST, "rest = p")),
    largest_only=("all of the mass is put on one token: every token with p above q has its share.",
        edit(REST, "rest = (p - q).clamp(min=0)\n    rest = rest.where(rest == rest.amax(-1, keepdim=True), 0.0)")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------------ accept


def ids_of(result: object, most: int) -> list[int]:
    """A list of 1 to `most` plain ints, as was promised."""
    if not isinstance(result, list | tuple):
        raise Problem("type", f"a list of ids is asked for, not {kind_of(result)}.")
    if strange := [part for part in result if not isinstance(part, int) or isinstance(part, bool)]:
        raise Problem("type", f"the list holds {kind_of(strange[0])}; plain ints are asked for: int(...) makes one.")
    if not 1 <= len(result) <= most:
        raise Problem("length", f"{len(result)} ids came back; here there can be 1 to {most}.")
    return list(result)


Exact = dict[tuple[int, ...], float]


def ratio(p: float, q: float) -> float:
    """How often a guess stays, by the rule."""
    return min(1.0, p / q)


def outcomes(p, q, guesses, stays=ratio, other=course.residual, more=lambda row: row) -> Exact:
    """The results of `accept` for these very guesses, and their probabilities; by other rules than the right one too.

    stays: (p, q) of a guess -> how often it stays    other: rows of p and q -> what replaces it    more: the last row
    of p -> what comes after all guesses
    """
    found: Exact = {}
    alive = 1.0
    for i, guess in enumerate(guesses):
        kept = stays(float(p[i, guess]), float(q[i, guess]))
        for token, chance in enumerate(other(p[i], q[i]).tolist()):
            result = (*guesses[:i], token)
            found[result] = found.get(result, 0.0) + alive * (1 - kept) * chance
        alive *= kept
    for token, chance in enumerate(more(p[-1]).tolist()):
        found[*guesses, token] = alive * chance
    return found


def mixed_outcomes(parts: Iterable[tuple[float, Exact]]) -> Exact:
    """One distribution out of several, each with its weight."""
    found: Exact = {}
    for weight, part in parts:
        for result, chance in part.items():
            found[result] = found.get(result, 0.0) + weight * chance
    return found


def compared(drawn: list[list[int]], rules: dict[str, Exact]) -> dict[str, str]:
    """Do the results come as often as by the first of the rules? A Problem in numbers where they do not.

    rules: by name, the right one first; the Problem's kind is the name of the rule that fits best
    """
    exact = next(iter(rules.values()))
    known = list(dict.fromkeys(result for rule in rules.values() for result in rule))
    counts = Counter(map(tuple, drawn))
    if strange := [result for result in counts if result not in known]:
        raise Problem("impossible", f"{list(strange[0])} came back, which cannot be here.")
    numbers = torch.tensor([float(counts[result]) for result in known])
    fits = {
        name: chi_square(numbers, torch.tensor([rule.get(result, 0.0) for result in known]))
        for name, rule in rules.items()
    }
    if fits["right"][1] > SURE:
        return {"how often each result comes": "as it should"}
    best = min(fits, key=lambda name: fits[name][0])
    worst = max(known, key=lambda result: abs(counts[result] / len(drawn) - exact.get(result, 0.0)))
    raise Problem(
        f"frequencies: {best if fits[best][1] > SURE else 'none'}",
        f"{list(worst)} comes in {counts[worst] / len(drawn):.0%} of {len(drawn)} tries; {exact.get(worst, 0.0):.0%} "
        "is right.",
    )


@accept.probe("2 guesses that p is sure of: both stay, and one comes from p's last row")
def _(answer, rng):
    return ids_of(answer(one_hot(3, 4, 6), chances(2, 7, rng=rng), [3, 4], rng), 3)


@accept.probe("3 guesses; p is sure of another token than the second, then of another than the first")
def _(answer, rng):
    rows = one_hot(3, 1, 5, 6), one_hot(0, 4, 5, 6)
    return [ids_of(answer(p, chances(3, 7, rng=rng), [3, 4, 5], rng), 4) for p in rows]


@accept.probe("no guess, 60 times: q is an empty list, and two tokens are equally likely", varied=False)
def _(answer, rng):
    p = one_hot(3, 5).mean(0, keepdim=True)
    return {"the tokens that came": sorted({ids_of(answer(p, [], [], rng), 1)[0] for _ in range(60)})}


@accept.probe("30 guesses, p and q equal: all stay", varied=False)
def _(answer, rng):
    q, guesses = chances(30, 11, rng=rng), torch.randint(11, (30,), generator=rng).tolist()
    return ids_of(answer(torch.cat([q, one_hot(9, vocab=11)]), q, guesses, rng), 31)


@accept.probe("a vocabulary of 50,257: the last token is guessed and stays", varied=False)
def _(answer, rng):
    q = chances(1, 50_257, rng=rng)
    return ids_of(answer(torch.cat([q, one_hot(50_255, vocab=50_257)]), q, [50_256], rng), 2)


@accept.probe("a guess that p has at 0.9 and q at 0.2, 20 times over", varied=False)
def _(answer, rng):
    p, q = torch.tensor([[0.1, 0.9, 0, 0], [0, 0, 0, 1.0]]), torch.tensor([[0.8, 0.2, 0, 0]])
    return {"results": [ids_of(answer(p, q, [1], rng), 2) for _ in range(20)]}


@accept.probe("a refused guess, and two tokens of which only one is left over", varied=False)
def _(answer, rng):
    p, q = torch.tensor([[0.0, 0.5, 0.5], [1.0, 0, 0]]), torch.tensor([[0.3, 0.6, 0.1]])
    return {"results": [ids_of(answer(p, q, [0], rng), 2) for _ in range(20)]}


def likeliest(row: torch.Tensor) -> torch.Tensor:
    return functional.one_hot(row.argmax(), len(row)).float()


RULES = {
    "right": {},
    "strict": {"stays": lambda p, q: float(p >= q)},
    "always": {"stays": lambda p, q: 1.0},
    "upside down": {"stays": lambda p, q: min(1.0, q / p)},
    "inverted": {"stays": lambda p, q: 1 - ratio(p, q)},
    "without q": {"stays": lambda p, q: p},
    "half": {"stays": lambda p, q: float(p > 0.5 * q)},
    "redrawn": {"other": lambda p, q: p},
    "redrawn from q": {"other": lambda p, q: q},
    "turned": {"other": lambda p, q: course.residual(q, p)},
    "likeliest": {"other": lambda p, q: likeliest(course.residual(p, q))},
    "likeliest at the end": {"more": likeliest},
}


def _tried(answer: Callable, p: torch.Tensor, q: torch.Tensor, rng: torch.Generator) -> dict[str, str]:
    """Guesses are drawn from q, and the results counted."""
    drawn = torch.stack([torch.multinomial(row, DRAWS, replacement=True, generator=rng) for row in q], dim=-1)
    results = [ids_of(answer(p, q, guesses, rng), len(p)) for guesses in drawn.tolist()]
    all_guesses = list(itertools.product(range(p.shape[1]), repeat=len(q)))
    weights = [float(q[torch.arange(len(q)), torch.tensor(guesses)].prod()) for guesses in all_guesses]

    def exact(rule: dict) -> Exact:
        return mixed_outcomes(
            (w, outcomes(p, q, guesses, **rule)) for w, guesses in zip(weights, all_guesses, strict=True)
        )

    return compared(results, {name: exact(rule) for name, rule in RULES.items()})


@accept.probe("one guess of q = (0.7, 0.05, 0.05, 0.2), p = (0.35, 0.25, 0.25, 0.15), 400 times", varied=False)
def _(answer, rng):
    p = torch.tensor([[0.35, 0.25, 0.25, 0.15], [0.1, 0.2, 0.3, 0.4]])
    return _tried(answer, p, torch.tensor([[0.7, 0.05, 0.05, 0.2]]), rng)


@accept.probe("two guesses, each kept in about half of all cases, 400 times", varied=False)
def _(answer, rng):
    p = torch.tensor([[0.6, 0.4], [0.3, 0.7], [0.1, 0.9]])
    return _tried(answer, p, torch.tensor([[0.1, 0.9], [0.85, 0.15]]), rng)


def same_dice(make: Callable[[torch.Generator], object]) -> dict[str, str]:
    """What depends on the state of the generator that is given, and whether the global one is left alone."""
    torch.manual_seed(5)
    before, one = torch.get_rng_state(), make(torch.Generator().manual_seed(1))
    again, other = make(torch.Generator().manual_seed(1)), make(torch.Generator().manual_seed(2))
    return {
        "from one state": "the same ids" if one == again else "other ids each time",
        "from another state": "the same ids" if one == other else "other ids",
        "the global generator": "left alone" if torch.equal(before, torch.get_rng_state()) else "used",
    }


@accept.probe("the same state of the generator twice, then another one", varied=False)
def _(answer, rng):
    p, q = chances(2, 11, rng=rng), chances(1, 11, rng=rng)
    return same_dice(lambda dice: [ids_of(answer(p, q, [i % 11], dice), 2) for i in range(50)])


KEPT = "if torch.rand((), generator=generator) * q[i, guess] >= p[i, guess]:"
OTHER, REPLACED = "residual(p[i], q[i])", "return [*guesses[:i], int(other)]"
MORE, ALL = "torch.multinomial(p[-1], 1, generator=generator)", "return [*guesses, int(more)]"
# fmt: off
accept.mistakes(
    strict=("a guess stays only if p is at least q. Below that it may stay too, with probability p / q.",
        edit(KEPT, "if p[i, guess] < q[i, guess]:")),
    always=("every guess is kept: keep it with probability min(1, p / q).", edit(KEPT, "if False:")),
    upside_down=("the ratio is upside down: keep with probability p / q.",
        edit(KEPT, "if torch.rand((), generator=generator) * p[i, guess] >= q[i, guess]:")),
    inverted=("a guess is refused with probability p / q, which is how often it should stay.",
        edit(KEPT, "if torch.rand((), generator=generator) * q[i, guess] < p[i, guess]:")),
    without_q=("a guess stays with probability p: divide by q, from which it was drawn.",
        edit(KEPT, "if torch.rand((), generator=generator) >= p[i, guess]:")),
    half=("one half is the threshold for all; draw a number for each guess.",
        edit(KEPT, "if 0.5 * q[i, guess] >= p[i, guess]:")),
    redrawn=("after a refusal the token is drawn from p, and what q gives too often comes again: take the residual.",
        edit(OTHER, "p[i]")),
    redrawn_q=("after a refusal the token is drawn from the draft: draw from the residual.", edit(OTHER, "q[i]")),
    residual_turned=("p and q are mixed up in the residual.", edit(OTHER, "residual(q[i], p[i])")),
    next_row=("after a refusal the next row of p is taken: row i holds the probabilities at the place of guess i.",
        edit(OTHER, "residual(p[i + 1], q[i])")),
    likeliest=("after a refusal the likeliest token is taken: draw one from the residual.",
        edit("torch.multinomial(residual(p[i], q[i]), 1, generator=generator)", "residual(p[i], q[i]).argmax()")),
    no_more=("if all guesses stay, one more token is drawn, from the last row of p.",
        edit(ALL, "return list(guesses)")),
    more_likeliest=("the token after the last guess is the likeliest of p's last row: draw it.",
        edit(MORE, "p[-1].argmax()")),
    more_of_the_first=("the token after the last guess comes from another row: take p's last.",
        edit("p[-1]", "p[max(len(guesses) - 1, 0)]")),
    keeps_refused=("the refused guess is still there, in front of its replacement.",
        edit(REPLACED, "return [*guesses[: i + 1], int(other)]")),
    only_kept=("a refused guess is to be replaced by one token, so each step brings at least one.",
        edit(REPLACED, "return list(guesses[:i])")),
    goes_on=("it goes on after a refusal: the guesses behind it were made for another text.",
        edit("    for i,", "    guesses = list(guesses)\n    for i,", REPLACED, "guesses[i] = int(other)")),
    one_number=("one random number serves all guesses: each needs its own.",
        edit("    for i,", "    u = torch.rand((), generator=generator)\n    for i,",
             "torch.rand((), generator=generator) * q", "u * q")),
    global_dice=("the generator is not used everywhere: pass it on (generator=generator).",
        edit("torch.rand((), generator=generator)", "torch.rand(())"),
        edit("residual(p[i], q[i]), 1, generator=generator", "residual(p[i], q[i]), 1"),
        edit("p[-1], 1, generator=generator", "p[-1], 1")),
    own_seed=("a generator made inside throws the same dice at every call: use the one that is given.",
        edit("    for i,", "    generator = torch.Generator().manual_seed(0)\n    for i,")),
    tensors=("ids are to be plain ints: int(...) makes one of a tensor.",
        edit(REPLACED, "return [*guesses[:i], other]", ALL, "return [*guesses, more]")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------- speculative_step


def sure(next_id: Callable[[list[int]], int], vocab: int = 7) -> Callable:
    """A model that is sure: (ids, last) -> one-hot probabilities (last, vocab) of next_id(text so far)."""

    def model(ids, last):
        ids = ids.tolist() if isinstance(ids, torch.Tensor) else list(ids)
        ends = range(len(ids) - last + 1, len(ids) + 1)
        return one_hot(*(next_id(ids[:end]) for end in ends), vocab=vocab)

    return model


def of_table(table: torch.Tensor) -> Callable:
    """A model whose next token depends on the latest one: table (vocab, vocab)."""
    return lambda ids, last: table[torch.as_tensor(ids)[-last:]]


def counts_up(ids):
    return (ids[-1] + 1) % 7


def adds_up(ids):
    return sum(ids) % 7


@speculative_step.probe("two models that count up from 3, 3 guesses")
def _(answer, rng):
    return ids_of(answer(sure(counts_up), sure(counts_up), [5, 3], 3, rng), 4)


@speculative_step.probe("models that add up all tokens so far; the draft forgets the first one, 3 guesses")
def _(answer, rng):
    return ids_of(answer(sure(adds_up), sure(lambda ids: sum(ids[1:]) % 7), [0, 2, 4], 3, rng), 4)


@speculative_step.probe("the target counts up, the draft too, but says 0 after 5; 4 guesses after 3")
def _(answer, rng):
    draft = sure(lambda ids: 0 if ids[-1] == 5 else counts_up(ids))
    return ids_of(answer(sure(counts_up), draft, [6, 2, 3], 4, rng), 5)


@speculative_step.probe("no guesses, k = 0, 60 times: two tokens are equally likely", varied=False)
def _(answer, rng):
    model = of_table(one_hot(3, 5).mean(0).expand(7, 7))
    return {"the tokens that came": sorted({ids_of(answer(model, model, [2, 6], 0, rng), 1)[0] for _ in range(60)})}


@speculative_step.probe("a text of one token, one guess, which is wrong")
def _(answer, rng):
    return ids_of(answer(sure(counts_up), sure(lambda ids: 0), [3], 1, rng), 2)


@speculative_step.probe("a text of 300 tokens, 13 guesses; what is the target asked?", varied=False)
def _(answer, rng):
    asked, ids = [], torch.randint(7, (300,), generator=rng).tolist()

    def target(text, last):
        asked.append((len(text), last, [int(token) for token in text[300:]]))
        return sure(adds_up)(text, last)

    result = ids_of(answer(target, sure(adds_up), ids, 13, rng), 14)
    if len(asked) != 1:
        raise Problem("passes", f"the target was asked {len(asked)} times: one pass gives all k + 1 distributions.")
    length, last, guesses = asked[0]
    return {
        "the result": result,
        "the length of the text that the target reads": length,
        "the places it is asked for": last,
        "the guesses that it reads": guesses,
    }


@speculative_step.probe("two tables of three tokens, two guesses, 400 times", varied=False)
def _(answer, rng):
    p = torch.tensor([[0.6, 0.2, 0.2], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1]])
    q = torch.tensor([[0.1, 0.6, 0.3], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])

    def exact(drawn_from: torch.Tensor, result: Callable[..., Exact]) -> Exact:
        """drawn_from: the table that makes the guesses    result: rows of p, q and guesses to what comes of them"""
        pairs = itertools.product(range(3), repeat=2)
        return mixed_outcomes(
            (float(drawn_from[0, one] * drawn_from[one, two]), result(p[[0, one, two]], q[[0, one]], (one, two)))
            for one, two in pairs
        )

    rules = {
        "right": exact(q, outcomes),
        "likeliest": exact(torch.stack([likeliest(row) for row in q]), outcomes),
        "unchecked": exact(q, lambda p, q, guesses: outcomes(p, q, guesses, stays=lambda *_: 1.0)),
        "turned": exact(q, lambda p, q, guesses: outcomes(torch.cat([q, p[-1:]]), p[:-1], guesses)),
    }
    return compared([ids_of(answer(of_table(p), of_table(q), [0], 2, rng), 3) for _ in range(DRAWS)], rules)


@speculative_step.probe("the same state of the generator twice, then another one", varied=False)
def _(answer, rng):
    p, q = chances(11, 11, rng=rng), chances(11, 11, rng=rng)
    return same_dice(lambda dice: [ids_of(answer(of_table(p), of_table(q), [i], 2, dice), 3) for i in range(11)])


ASK, DRAW = "draft(text, 1)[0]", "int(torch.multinomial(q[-1], 1, generator=generator))"
TARGET, ACCEPT = "p = target(text, k + 1)", "accept(p, q and torch.stack(q), text[len(ids) :], generator)"
# fmt: off
speculative_step.mistakes(
    likeliest=("the guesses are the draft's likeliest tokens: draw them from q, or the acceptance rule does not hold.",
        edit(DRAW, "int(q[-1].argmax())")),
    one_text=("all guesses are made for the same text: each comes after those before it.",
        edit(ASK, "draft(list(ids), 1)[0]")),
    places=("the target is asked for k places: there are k + 1, one of them after the last guess.",
        edit(TARGET, "p = target(text, k + 1)[:-1]")),
    one_place=("the target is asked for the last place only: one distribution for each guess is needed, and one more.",
        edit("k + 1", "1")),
    before_the_guesses=("the target reads the text without the guesses: it must read them to judge them.",
        edit(TARGET, "p = target(list(ids), 1).expand(k + 1, -1)")),
    asked_often=("the target is asked once for each place: one pass gives all k + 1 distributions.",
        edit(TARGET, "p = torch.cat([target(text[: len(text) - i], 1) for i in range(k, -1, -1)])")),
    turned=("p and q are mixed up: p is the target's.",
        edit(TARGET, "p = target(text, k + 1)\n    q, p = list(p[:-1]), torch.stack([*q, p[-1]])")),
    whole_text=("the whole text comes back: only what is new is asked for.",
        edit(f"return {ACCEPT}", f"return [*ids, *{ACCEPT}]")),
    unchecked=("the guesses come back unchecked.",
        edit(f"return {ACCEPT}", "return [*text[len(ids) :], int(torch.multinomial(p[-1], 1, generator=generator))]")),
    one_guess=("one guess is made whatever k is.", edit("range(k)", "range(min(k, 1))", "k + 1", "min(k, 1) + 1")),
    one_more=("one guess too many: k of them.",
        edit("range(k)", "range(k + 1)", "k + 1)\n    return", "k + 2)\n    return")),
    never_none=("k = 0 is no error: there is no guess, and accept draws one token.",
        edit("q and torch.stack(q)", "torch.stack(q)")),
    changes_ids=("the caller's list of ids is changed: make a copy, list(ids).",
        edit("text, q = list(ids), []", "n, text, q = len(ids), ids, []", "text[len(ids) :]", "text[n:]")),
    global_dice=("the guesses are not drawn with the given generator: pass it on.",
        edit(DRAW, "int(torch.multinomial(q[-1], 1))")),
    own_seed=("a generator made inside throws the same dice at every call: use the one that is given.",
        edit("text, q = list(ids), []", "text, q, generator = list(ids), [], torch.Generator().manual_seed(0)")),
    target_guesses=("the target makes the guesses itself: let the draft do it.",
        edit(ASK, "target(text, 1)[0]")),
    draft_judges=("the draft is asked to judge its own guesses: ask the target.", edit("p = target(", "p = draft(")),
    only_the_last_token=("the draft sees the latest token only: give it the whole text.",
        edit(ASK, "draft(text[-1:], 1)[0]")),
)
# fmt: on

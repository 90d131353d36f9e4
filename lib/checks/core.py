"""How an exercise is judged: the same small experiments are run on the learner's code and on the course's.

    Exercise     the course's answer, the probes that try an answer, and the mistakes people make
    Question     an exercise whose answer is a value
    Verdict      passed, wrong or unwritten, with the sentence for the learner
    edit         a mistake as the course's own source with a piece of text replaced

A *probe* is a function `(answer, rng) -> result`. It is run with the learner's answer and with the course's; different
results mean a wrong answer. A *mistake* is a wrong implementation with a sentence. It explains a wrong answer when both
agree on every probe. So the same code finds the mistake for the learner and is a wrong answer for the tests.

    rnn_step = Exercise(recurrent.rnn_step)

    @rnn_step.probe("one step from zero")
    def _(answer, rng):
        return answer(torch.randn(3, 5, generator=rng), torch.zeros(3, 7), ...)

    rnn_step.mistakes(
        forgets=("the state before is not used: add hidden @ w_hidden.", edit(" + hidden @ w_hidden", "")),
        no_tanh=("the sum is not squashed: tanh of it.", edit("torch.tanh(", "(")),
    )

What needs no author is tried for every exercise by `lib.checks.variations`: a batch of one, rows in another order, the
same call twice with others in between, an optional argument that is ignored, an endless loop.
"""

import contextlib
import inspect
import itertools
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from torch import Tensor, nn

from lib.checks.differences import RTOL, difference, kind_of, short
from lib.checks.ready_made import calls_reference, ready_made_mistakes
from lib.checks.running import Problem, StillRunning, describe_error, run, standard_globals, within
from lib.checks.state import State
from lib.checks.variations import AGAIN, Outcome, Variation

SECONDS = 10  # of processor time for all probes together; the course's answers take well under one

MOST_PAIRS = 200  # of mistakes are tried together, so that a verdict comes within a second
SECONDS_TO_EXPLAIN = 8  # then what was seen is said
SECONDS_A_MISTAKE = 1.5  # and five times what the answer took: a mistake, or two together, may never end
ROUGHLY = 1e-2  # for varied calls: what they find is wrong altogether, and their numbers may be badly conditioned


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer. `kind` is the mistake's name, or how the answer failed (shape, dtype, raised ...)."""

    status: str  # "passed", "wrong" or "unwritten"
    message: str = ""
    kind: str = ""
    probe: str = ""  # the label of the probe that showed it


@cache
def _source(reference: Callable) -> str:
    """Kept: for a class, Python reads and parses its whole file each time."""
    return textwrap.dedent(inspect.getsource(reference))


def edit(*pieces: str) -> Callable[[Callable], Callable]:
    """The course's answer with pieces of its source replaced: `edit(old, new, old, new, ...)`, each wherever it stands.

    Returns a function from the course's answer to the changed one. That raises ValueError where a piece is not there.
    """

    def applied(reference: Callable) -> Callable:
        source = _source(reference)
        for old, new in zip(pieces[::2], pieces[1::2], strict=True):
            if old not in source:
                raise ValueError(f"{reference.__name__} does not hold {old!r}")
            source = source.replace(old, new)
        names = dict(vars(sys.modules[reference.__module__]))
        exec(compile(source, f"<{reference.__name__} with {pieces[1]!r}>", "exec"), names)
        return names[reference.__name__]

    applied.pieces = pieces
    return applied


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and the sentence for them. `made`: the answer, or an edit of the course's."""

    name: str
    sentence: str
    made: Callable
    reference: Callable

    @cached_property
    def answer(self) -> Callable:
        return self.made(self.reference) if hasattr(self.made, "pieces") else self.made

    def and_also(self, other: "Mistake") -> "Mistake | None":
        """Both at once, where both are edits that fit together."""
        if self.name == other.name or not (hasattr(self.made, "pieces") and hasattr(other.made, "pieces")):
            return None
        both = Mistake(
            f"{self.name} and {other.name}",
            f"{self.sentence}\n  And there is a second mistake: {other.sentence}",
            edit(*self.made.pieces, *other.made.pieces),
            self.reference,
        )
        with contextlib.suppress(ValueError, SyntaxError):
            return both if both.answer else None


@dataclass
class Exercise:
    """One exercise. `reference` is the course's answer; `returns` names the parts of a returned tuple."""

    reference: Callable
    returns: Sequence[str] = ()
    seconds: float = SECONDS
    probes: list[tuple[str, Callable]] = field(default_factory=list)
    unvaried: set[str] = field(default_factory=set)
    own_mistakes: list[Mistake] = field(default_factory=list)
    expected: dict[tuple[int, int, bool], Outcome] = field(default_factory=dict)  # the course's: seed, probe, varied
    endless: set[Mistake] = field(default_factory=set)  # mistakes, and pairs of them, that do not end

    @property
    def name(self) -> str:
        return self.reference.__name__

    def probe(self, label: str, varied: bool = True) -> Callable:
        """Add a probe: `(answer, rng) -> result`. The label finishes the sentence "tried with ...".

        varied: False where a call has several right results, of which the probe takes what is common: a call that is
        made again with small changes is compared as it is
        """

        def add(scenario: Callable) -> Callable:
            self.probes.append((label, scenario))
            if not varied:
                self.unvaried.add(label)
            return scenario

        return add

    def mistakes(self, **table: tuple) -> None:
        """Add mistakes: `name=("the sentence for those who make it.", edit(...))`, or several ways of making it."""
        for name, (sentence, *ways) in table.items():
            for made in ways:
                self.own_mistakes.append(Mistake(name, sentence, made, self.reference))

    def mistake(self, sentence: str) -> Callable:
        """Decorate a whole wrong implementation, where no edit can say it. Its own name is the mistake's."""

        def add(answer: Callable) -> Callable:
            self.own_mistakes.append(Mistake(answer.__name__, sentence, answer, self.reference))
            return answer

        return add

    @cached_property
    def all_mistakes(self) -> list[Mistake]:
        """The author's, and then those that every exercise of this form can have."""
        ready = ready_made_mistakes(self.reference, self.returns)
        return self.own_mistakes + [Mistake(*found, self.reference) for found in ready]

    @cached_property
    def pairs(self) -> list[Mistake]:
        """Two of the author's mistakes in one answer."""
        both = itertools.islice(itertools.combinations(self.own_mistakes, 2), MOST_PAIRS)
        return [pair for one, other in both if (pair := one.and_also(other))]

    def judge(self, answer: object, seed: int = 0, explain: bool = True, twice: bool = True) -> Verdict:
        """Run every probe until one finds a difference from the course's answer; then look for the mistake behind.

        seed: of the random numbers that the probes draw    explain: False where only the status is of interest
        twice: False leaves out the second round, in which every call is varied
        """
        if not callable(answer):
            return Verdict("wrong", f"`{self.name}` is {kind_of(answer)}, not something that can be called.", "type")
        if isinstance(self.reference, type) and not isinstance(answer, type):
            return Verdict("wrong", f"`{self.name}` is {kind_of(answer)}; a class is asked for.", "type")
        trial = _Trial(self, answer, seed, explain, twice)
        try:
            with standard_globals():
                found = within(self.seconds, trial.verdict)
                return found if isinstance(found, Verdict) else trial.explained(*found)
        except StillRunning as stop:
            return Verdict("wrong", f"{stop}\n  (tried with {trial.label})", "endless", trial.label)


@dataclass(frozen=True)
class Question:
    """An exercise whose answer is a value: a number, a shape, a word, or a tuple, list or dict of them.

    right: computes the value from the course's own code wherever that can be done
    why: said with the ✓    hint: said with the ✗; it must not give the value away
    hints: more special hints, for values that are given often    within: how far off a number may be, relatively
    """

    name: str
    right: Callable[[], object]
    why: str
    hint: str
    hints: tuple[tuple[object, str], ...] = ()
    within: float = 0.0

    @cached_property
    def reference(self) -> object:
        return self.right()

    def judge(self, answer: object, seed: int = 0, explain: bool = True) -> Verdict:
        if answer is ... or answer is None:
            return Verdict("unwritten")
        with standard_globals():
            if self._same(answer, self.reference):
                return Verdict("passed", self.why)
            hint = next((hint for value, hint in self.hints if self._same(answer, value)), self.hint)
        return Verdict("wrong", f"{short(answer)} is not the answer. {hint}", "value")

    def _same(self, answer: object, value: object) -> bool:
        if isinstance(value, str):
            return isinstance(answer, str) and answer.strip().lower() == value.lower()
        if isinstance(answer, Tensor | np.ndarray):
            answer = answer.tolist()
        return difference(answer, value, "", within=self.within) is None


# ---------------------------------------------------------------------------------------------------- one answer


class _Trial:
    """One answer on its way through the probes of its exercise."""

    def __init__(self, exercise: Exercise, answer: Callable, seed: int, explain: bool, twice: bool):
        self.exercise, self.answer, self.seed, self.explain, self.twice = exercise, answer, seed, explain, twice
        self.state = State(answer)
        self.mine: dict[int, Outcome] = {}
        self.took: dict[int, float] = {}  # processor seconds
        self.label = ""

    def verdict(self) -> Verdict | tuple[int, str, str]:
        """The verdict, or what is still to be explained: the number of a probe, how it failed, and a sentence."""
        return self.first_round() or (self.twice and self.second_round()) or Verdict("passed")

    def first_round(self) -> Verdict | tuple[int, str, str] | None:
        """Every probe once. The first difference is the verdict."""
        for number in range(len(self.exercise.probes)):
            mine = self._mine(number)
            if isinstance(mine.error, NotImplementedError) and not str(mine.error):
                return Verdict("unwritten")
            if found := self._difference(mine, self._expected(number)):
                return number, *found
        return None

    def second_round(self) -> Verdict | None:
        """Every probe again, with variations: what was right once must stay right. And it must be the learner's own."""
        numbers = range(len(self.exercise.probes))
        wanted = sorted(set().union(*(self._expected(number).wanted for number in numbers)), key=str)
        for number, (label, _) in enumerate(self.exercise.probes):
            expected = self._expected(number, wanted)
            again = self._run(number, self.answer, vary=True, wanted=wanted)
            if found := self._difference(again, expected):
                return self._not_as_before(number, *found)
            if differing := list(self._differing(again.variations, expected.variations)):
                # the same call with another result explains what else has changed meanwhile
                theirs, found = next((one for one in differing if one[0].words.startswith(AGAIN)), differing[0])
                sentence = f"{theirs.words}: {found[1]}"
                if theirs.kind == "state" and (kept := self.state.put_back()):
                    sentence = f"{kept}. Each call must start anew.\n  {sentence}"
                return Verdict("wrong", f"{sentence}\n  (varied from {label})", theirs.kind, label)
        if calls_reference(self.exercise.reference, lambda: self._run(0, self.answer), self.answer):
            where = f"{self.exercise.reference.__module__}.{self.exercise.name}"
            return Verdict("wrong", f"this calls the course's own {where}: write yours.", "the course's own")
        return None

    def _differing(self, mine: list[Variation], theirs: list[Variation]) -> Iterator[tuple[Variation, tuple[str, str]]]:
        """The varied calls in which the answer differs from the course's, and how."""
        for one, other in zip(mine, theirs, strict=False):
            if (one.words, one.of) != (other.words, other.of):
                break  # the answer was called otherwise, or gave another shape
            if other.kind == "layout" and one.outcome.error is not None:
                continue  # `.view` says so where it cannot: only wrong numbers are wrong
            if other.counts and (found := self._difference(one.outcome, other.outcome, ROUGHLY)):
                yield other, found

    def _run(self, number: int, answer: Callable, **how) -> Outcome:
        self.label, scenario = self.exercise.probes[number]
        if self.label in self.exercise.unvaried:
            how["vary"] = False
        return run(scenario, answer, 1000 * self.seed + number, **how)

    def _mine(self, number: int) -> Outcome:
        if number not in self.mine:
            start = time.thread_time()
            self.mine[number] = self._run(number, self.answer)
            self.took[number] = time.thread_time() - start
        return self.mine[number]

    def _expected(self, number: int, wanted: Sequence[tuple] | None = None) -> Outcome:
        """What the course's answer gives. wanted: the gradients to compare, where its calls are to be varied."""
        known, vary = self.exercise.expected, wanted is not None
        if (key := (self.seed, number, vary)) not in known:
            found = self._run(number, self.exercise.reference, vary=vary, wanted=wanted or ())
            if found.error is not None:
                message = f"the course's {self.exercise.name} fails its own probe '{self.label}'"
                raise RuntimeError(message) from found.error
            known[key] = found
        return known[key]

    def _difference(self, mine: Outcome, expected: Outcome, within: float = RTOL) -> tuple[str, str] | None:
        if isinstance(mine.error, Problem):
            return mine.error.kind, mine.error.sentence
        if mine.error is not None:
            return "raised", f"your code raised {describe_error(mine.error, self.answer)}"
        names = self.exercise.returns if isinstance(expected.result, tuple) else ()
        return difference(mine.result, expected.result, "the result", names, within)

    def explained(self, number: int, kind: str, sentence: str) -> Verdict:
        """What lies behind the difference at a probe, if that is soon found; else what was seen."""
        label, printed = self.exercise.probes[number][0], self._mine(number).printed
        message = f"{sentence}\n  (tried with {label})"
        if self.explain:
            with contextlib.suppress(StillRunning):
                kind, message = within(SECONDS_TO_EXPLAIN, lambda: self._cause(number, label, kind, sentence))
        if printed:
            message += "\n  your code printed: " + printed.strip()[-400:].replace("\n", "\n  ")
        return Verdict("wrong", message, kind, label)

    def _cause(self, number: int, label: str, kind: str, sentence: str) -> tuple[str, str]:
        if kept := self._depends_on_earlier_calls(number):
            return "state", f"{kept}\n  {label}: {sentence}"
        if mistake := self._mistake_behind(number):
            return mistake.name, f"{mistake.sentence}\n  {label}: {sentence}"
        return kind, f"{sentence}\n  (tried with {label}){self._right_with(number)}"

    def _right_with(self, number: int) -> str:
        """The nearest probes before and after this one that the answer passes: what differs there is the way to it."""
        before, after = range(number - 1, -1, -1), range(number + 1, len(self.exercise.probes))
        right = [
            next((n for n in near if not self._difference(self._mine(n), self._expected(n))), None)
            for near in (before, after)
        ]
        labels = [self.exercise.probes[n][0] for n in right if n is not None]
        return f"\n  (right with {'; and with '.join(labels)})" if labels else ""

    def _not_as_before(self, number: int, kind: str, sentence: str) -> Verdict:
        """Right in the first round and wrong in the second."""
        label = self.exercise.probes[number][0]
        kept = self._depends_on_earlier_calls(number) or State.UNKNOWN
        return Verdict("wrong", f"{kept}\n  {label}, the second time: {sentence}", "state", label)

    def _depends_on_earlier_calls(self, number: int) -> str:
        """A sentence when the probe is right as soon as all that the answer has kept is put back; else nothing."""
        changed, expected = self.state.put_back(), self._expected(number)
        if changed and not self._difference(self._run(number, self.answer), expected):
            return f"right by itself, wrong after other calls: {changed}. Each call must start anew."
        is_module = isinstance(self.answer, type) and issubclass(self.answer, nn.Module)
        if is_module and not self._difference(self._run(number, self.answer, forget=True), expected):
            return "something that a call puts on `self` stays there for the next call. Each call must start anew."
        return ""

    def _mistake_behind(self, first: int) -> Mistake | None:
        """The mistake that agrees with the answer on every probe, or two of them that do so together."""
        others = [n for n in range(len(self.exercise.probes)) if n != first]
        near = [m for m in self.exercise.all_mistakes if self._agrees(m, [first])]
        for mistake in near:
            if self._agrees(mistake, others):
                return mistake
        return next((pair for pair in self.exercise.pairs if self._agrees(pair, [first, *others])), None)

    def _agrees(self, mistake: Mistake, numbers: list[int]) -> bool:
        if mistake in self.exercise.endless:
            return False
        mine = {number: self._mine(number) for number in numbers}
        seconds = SECONDS_A_MISTAKE + 5 * sum(self.took[number] for number in numbers)
        try:
            return within(seconds, lambda: all(_agree(mine[n], self._run(n, mistake.answer)) for n in numbers))
        except StillRunning:
            self.exercise.endless.add(mistake)
            return False


def _agree(mine: Outcome, theirs: Outcome) -> bool:
    if mine.error is not None or theirs.error is not None:
        kinds = (getattr(error, "kind", None) for error in (mine.error, theirs.error))
        return type(mine.error) is type(theirs.error) and len(set(kinds)) == 1
    return difference(mine.result, theirs.result, "", ()) is None

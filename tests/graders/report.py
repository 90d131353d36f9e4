"""How good are the checks? `python -m tests.graders.report [NN or exercise ...] [--seeds 20]`

For each exercise: wrong answers rejected, wrong answers told their own mistake, right answers accepted (over 20 seeds
each), mutants killed; then what needs work, by name. Exit status 1 when anything does. The mistakes that a check knows
are wrong answers too: each must be rejected, and told by its own name.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from unittest import mock

from lib.checks import NOTEBOOKS, core, exercise, notebook_of
from lib.checks.core import Question
from tests.graders.cases import load
from tests.graders.mutants import mutants
from tests.graders.survivors import SURVIVORS

SEEDS = 20
PATIENT = {"SECONDS_TO_EXPLAIN": 20, "SECONDS_A_MISTAKE": 5}  # whether a mistake is told is asked here, not how soon
SECONDS_A_MUTANT = 2
VARIED = 3  # seeds with which right answers go through the second round too: varied calls are most of the time
LEAST_WRONG, LEAST_RIGHT, LEAST_DIAGNOSED = 15, 6, 0.8


@dataclass
class Report:
    """What was found about one exercise's check; `faults` says in words what needs work."""

    name: str
    wrong: int = 0
    rejected: int = 0
    diagnosed: int = 0
    right: int = 0
    accepted: int = 0
    mutants: int = 0
    killed: int = 0
    faults: list[str] = field(default_factory=list)


@mock.patch.multiple(core, **PATIENT)
def report(name: str, seeds: int = SEEDS) -> Report:
    """Try one exercise's check with everything there is."""
    asked, found = exercise(name), Report(name)
    wrong, right = ([case for case in cases if case.exercise == name] for cases in load(notebook_of(name)[3:]))
    used: Counter[str] = Counter()
    for case in wrong:
        found.wrong += 1
        verdicts = [asked.judge(case.answer), *(_at_seed(asked, case, seed) for seed in range(1, seeds))]
        used.update(verdict.probe for verdict in verdicts)
        if passed := [seed for seed, verdict in enumerate(verdicts) if verdict.status != "wrong"]:
            found.faults.append(f"wrong answer {case} is not rejected for the seeds {passed}")
            continue
        found.rejected += 1
        if case.says and case.says in verdicts[0].message:
            found.diagnosed += 1
        elif case.says:
            found.faults.append(f"wrong answer {case} is not told {case.says!r} but: {verdicts[0].message}")
    _try_mistakes(asked, found, used)
    for case in right:
        found.right += 1
        verdicts = [asked.judge(case.answer, seed, twice=seed < VARIED) for seed in range(seeds)]
        if refused := [verdict for verdict in verdicts if verdict.status != "passed"]:
            found.faults.append(f"right answer {case} is refused: {refused[0].message}")
        else:
            found.accepted += 1
    _try_mutants(asked, found, used)
    _weigh(asked, found, used)
    return found


def _at_seed(asked, case, seed: int):
    """The verdict on a wrong answer; the costly second round only where the first finds nothing."""
    found = asked.judge(case.answer, seed, explain=False, twice=False)
    return found if found.status == "wrong" else asked.judge(case.answer, seed, explain=False)


def _try_mistakes(asked, found: Report, used: Counter) -> None:
    """The mistakes that the check itself knows."""
    for mistake in asked.own_mistakes:
        found.wrong += 1
        verdict = asked.judge(mistake.answer)
        used[verdict.probe] += 1
        if verdict.status != "wrong":
            found.faults.append(f"the mistake {mistake.name} is not rejected")
            continue
        found.rejected += 1
        found.diagnosed += verdict.kind == mistake.name
        if verdict.kind != mistake.name:
            found.faults.append(f"the mistake {mistake.name} is told {verdict.kind}: {verdict.message}")


def _try_mutants(asked, found: Report, used: Counter) -> None:
    explained = dict(SURVIVORS.get(asked.name, {}))
    seen = set()
    asked.seconds, before = SECONDS_A_MUTANT, asked.seconds
    for change, answer in mutants(asked.reference):
        found.mutants += 1
        verdict = asked.judge(answer, explain=False)
        used[verdict.probe] += 1
        if verdict.status == "wrong":
            found.killed += 1
        elif change in explained:
            seen.add(change)
        else:
            found.faults.append(f"mutant survives unexplained: {change}")
    asked.seconds = before
    found.faults += [f"listed as a survivor but killed or gone: {change}" for change in explained if change not in seen]


def _weigh(asked, found: Report, used: Counter) -> None:
    if found.wrong < LEAST_WRONG or found.right < LEAST_RIGHT:
        found.faults.append(
            f"{found.wrong} wrong and {found.right} right answers; {LEAST_WRONG} and {LEAST_RIGHT} are asked for"
        )
    if found.rejected and found.diagnosed < LEAST_DIAGNOSED * found.rejected:
        found.faults.append(f"only {found.diagnosed} of {found.rejected} wrong answers are told their own mistake")
    found.faults += [
        f"the probe {label!r} finds nothing first: it is decoration" for label, _ in asked.probes if not used[label]
    ]


def main(arguments: list[str]) -> int:
    seeds = int(arguments.pop()) if "--seeds" in arguments[-2:-1] else SEEDS
    arguments = [argument for argument in arguments if argument != "--seeds"]
    names = [name for notebook, names in NOTEBOOKS.items() for name in names if _asked_for(notebook, name, arguments)]
    names = [name for name in names if not isinstance(exercise(name), Question)]
    found = []
    print(f"{'exercise':32} rejected  diagnosed  accepted  mutants killed")
    for name in names:
        one = report(name, seeds)
        found.append(one)
        print(
            f"{name:32} {one.rejected:3} of {one.wrong:2} {one.diagnosed:4} of {one.rejected:2}"
            f" {one.accepted:4} of {one.right:2}   {one.killed:4} of {one.mutants:3}"
        )
    for one in found:
        for fault in one.faults:
            print(f"  {one.name}: {fault}")
    return int(any(one.faults for one in found))


def _asked_for(notebook: str, name: str, arguments: list[str]) -> bool:
    return not arguments or name in arguments or notebook[:2] in arguments


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The judge itself: what it says, what it leaves untouched, and what a notebook's check cell does."""

import random

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import nn

from lib.checks import NOTEBOOKS, CheckFailed, check, exercise
from lib.checks.core import Exercise
from lib.checks.differences import difference
from lib.checks.probing import fill, gradients, parameters, raises
from lib.checks.running import Problem


def double(x):
    return x * 2


@pytest.fixture
def doubling():
    asked = Exercise(double)

    @asked.probe("five numbers")
    def _(answer, rng):
        return answer(torch.randn(5, generator=rng))

    @asked.probe("gradients")
    def _(answer, rng):
        x = torch.randn(3, generator=rng).requires_grad_()
        return gradients(answer(x), x=x)

    @asked.mistake("this squares; doubling multiplies by two.")
    def squares(x):
        return x**2

    return asked


def verdict_of(doubling, answer):
    found = doubling.judge(answer)
    return found.status, found.message


def test_a_right_answer_passes(doubling):
    assert doubling.judge(lambda x: x + x).status == "passed"


def test_the_named_mistake_is_told_with_numbers_of_both(doubling):
    status, message = verdict_of(doubling, lambda x: x * x)
    assert status == "wrong"
    assert message.startswith("this squares; doubling multiplies by two.\n  five numbers: the result[0:4] is [")
    assert "expected [" in message


def test_an_unknown_mistake_shows_four_numbers_of_each_and_what_was_tried(doubling):
    _, message = verdict_of(doubling, lambda x: x * 3)
    yours, ours = message.split(", expected ")
    assert yours.count(",") == ours.split("]")[0].count(",") == 3
    assert "(tried with five numbers)" in message


@pytest.mark.parametrize(
    "answer, said",
    [
        (lambda x: None, "None. Is a `return` missing?"),
        (lambda x: (x * 2).tolist(), "should be a torch.Tensor, not a list"),
        (lambda x: (x * 2)[:, None], "has shape (5, 1), expected (5,)"),
        (lambda x: (x * 2).double(), "has dtype torch.float64, expected torch.float32"),
        (lambda x: x.mul_(2), "changes what it was given"),
        (lambda x: (x * 2).detach(), "no gradient flows"),
        (lambda x: x @ torch.ones(7), "raised RuntimeError"),
        (lambda x, y: x, "raised TypeError"),
        (lambda x: exit(), "raised SystemExit"),
        (3, "`double` is an int, not something that can be called."),
    ],
)
def test_what_is_wrong_is_said(doubling, answer, said):
    status, message = verdict_of(doubling, answer)
    assert status == "wrong" and said in message


def test_unwritten_is_told_apart_from_torchs_own_not_implemented(doubling):
    def stub(x):
        raise NotImplementedError()

    def unsupported(x):
        raise NotImplementedError("'addmv' is not there for this type")

    assert doubling.judge(stub).status == "unwritten"
    assert doubling.judge(unsupported).status == "wrong"


def test_prints_are_held_back_and_shown_when_wrong(doubling, capsys):
    def chatty(factor):
        def answer(x):
            print("the shape is", x.shape)
            return x * factor

        return answer

    assert doubling.judge(chatty(2)).message == ""
    assert "your code printed: the shape is torch.Size([5])" in doubling.judge(chatty(3)).message
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("change", [list.sort, lambda numbers: numbers.__setitem__(1, 0.5), list.pop])
def test_a_changed_list_of_numbers_is_noticed(change):
    asked = Exercise(sorted)

    @asked.probe("three numbers, one of them NaN")
    def _(answer, rng):
        return answer([3.0, 1.0, 2.0]), len(answer([float("nan")]))

    def careless(numbers):
        right = sorted(numbers)
        if len(numbers) > 1:
            change(numbers)
        return right

    assert asked.judge(sorted).status == "passed"
    found = asked.judge(careless)
    assert found.status == "wrong" and "changes what it was given" in found.message


def test_global_state_neither_matters_nor_is_touched(doubling):
    def careless(x):
        torch.manual_seed(1), np.random.seed(1), random.seed(1)
        torch.set_default_dtype(torch.float64)
        return x * torch.tensor(2.0, dtype=x.dtype)

    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    torch.set_grad_enabled(False)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    try:
        assert doubling.judge(careless).status == "passed"
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1] and random.getstate() == states[2]


def test_a_reference_that_fails_its_own_probe_is_the_courses_fault(doubling):
    doubling.probes.append(("nonsense", lambda answer, rng: 1 / 0))
    with pytest.raises(RuntimeError, match="fails its own probe 'nonsense'"):
        doubling.judge(double)


def test_a_class_is_asked_for_where_the_course_has_a_class():
    asked = Exercise(nn.Linear)

    @asked.probe("parameters")
    def _(answer, rng):
        return parameters(answer(3, 5))

    @asked.probe("one product")
    def _(answer, rng):
        module = fill(answer(3, 5), rng)
        return module(torch.randn(2, 3, generator=rng))

    class Own(nn.Module):
        def __init__(self, d_in, d_out):
            super().__init__()
            self.weight, self.bias = (nn.Parameter(torch.zeros(shape)) for shape in ((d_out, d_in), (d_out,)))

        def forward(self, x):
            return x @ self.weight.T + self.bias

    class Spoiling(nn.Linear):
        def forward(self, x):
            x += 0.5
            return super().forward(x - 0.5)

    class Swapped(nn.Linear):
        def __init__(self, d_in, d_out):
            super().__init__(d_out, d_in)

    assert asked.judge(Own).status == "passed"
    assert "a class is asked for" in asked.judge(lambda a, b: nn.Linear(a, b)).message
    assert "changes what it was given" in asked.judge(Spoiling).message
    assert "parameter `bias` has shape (3,), expected (5,)" in asked.judge(Swapped).message


@pytest.mark.parametrize(
    "mine, expected, same",
    [
        ([1, 2], (1, 2), True),
        (torch.tensor(0.5), 0.5, True),
        (np.float64(0.5), 0.5, True),
        (torch.tensor([0.5]), 0.5, False),
        (2.0, 2, True),
        ("a", "a", True),
        ({"a": torch.ones(2)}, {"a": torch.ones(2)}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ([1, 2, 3], [1, 2], False),
        (torch.tensor([float("nan"), 1.0]), torch.tensor([float("nan"), 1.0]), True),
        (torch.tensor([1.0, float("inf")]), torch.tensor([1.0, 1.0]), False),
        (True, False, False),
        (torch.tensor([True]), torch.tensor([True]), True),
        (torch.tensor([1]), torch.tensor([True]), False),
    ],
)
def test_difference(mine, expected, same):
    assert (difference(mine, expected, "the result") is None) is same


def test_difference_names_the_part_of_a_tuple():
    kind, sentence = difference(
        (torch.ones(2), torch.ones(3)), (torch.ones(2), torch.zeros(3)), "", ("mixed", "weights")
    )
    assert kind == "value" and sentence == "weights[0:3] is [1, 1, 1], expected [0, 0, 0]."


def test_raises_and_gradients():
    assert raises(ValueError, int, "x") == "raises ValueError"
    assert raises(ValueError, int, "3") == "goes on without an error"
    assert raises(ValueError, {}.__getitem__, "x") == "raises KeyError"
    with pytest.raises(Problem, match="no gradient"):
        gradients(torch.ones(3))


# ------------------------------------------------------------------------------------------------- the check cell


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    yield made
    InteractiveShell.clear_instance()


CHECK = 'from lib.checks import check\nweighted_average = check("weighted_average")'
RIGHT = "def weighted_average(weights, values):\n    return weights @ values"


def run(shell, capsys, *cells):
    for cell in cells:
        shell.run_cell(cell)
    return capsys.readouterr().out


def test_check_cell_says_not_written_and_goes_on_with_the_courses(shell, capsys):
    said = run(shell, capsys, "def weighted_average(w, v):\n    raise NotImplementedError()", CHECK)
    assert said == "○ weighted_average: not written yet. The notebook goes on with the course's version.\n"
    assert shell.user_ns["weighted_average"] is exercise("weighted_average").reference


def test_check_cell_before_the_exercise_cell_was_run(shell, capsys):
    said = run(shell, capsys, CHECK, CHECK)
    assert said.count("○ weighted_average: nothing of yours to check yet: run your cell.") == 2


def test_check_cell_keeps_the_learners_function(shell, capsys):
    assert run(shell, capsys, RIGHT, CHECK) == "✓ weighted_average\n"
    assert shell.user_ns["weighted_average"] is not exercise("weighted_average").reference


def test_check_cell_shows_a_mistake_in_two_lines_without_a_traceback(shell, capsys):
    said = run(shell, capsys, "def weighted_average(w, v):\n    return v.mean(0)", CHECK)
    assert said.startswith("✗ weighted_average: this is the plain mean")
    assert "Traceback" not in said and said.strip().replace("\n    ", " ").count("\n") == 1
    assert max(map(len, said.splitlines())) <= 84, "JupyterLab would end a longer line in the middle of a word"


def test_check_cell_tells_the_line_of_the_learners_own_error(shell, capsys):
    said = run(shell, capsys, "def weighted_average(w, v):\n    a = 1\n    return w @ v @ v", CHECK)
    assert "your code raised RuntimeError" in said and "in line 3 of your cell: return w @ v @ v" in said


@pytest.mark.parametrize("stray", ["check = print = None", "import builtins as lib", "sys = torch = None"])
def test_names_that_the_learner_took_for_something_else_do_not_mislead(shell, capsys, stray):
    assert run(shell, capsys, RIGHT, stray, CHECK) == "✓ weighted_average\n"


def test_check_raises_for_an_unknown_exercise():
    with pytest.raises(ValueError, match="there is no exercise named 'wieghted'"):
        check("wieghted")


def test_exercise_names_are_unique():
    names = [name for names in NOTEBOOKS.values() for name in names]
    assert len(names) == len(set(names))


def test_check_failed_renders_itself():
    assert CheckFailed("softmax", "no.")._render_traceback_() == ["✗ softmax: no."]


def test_whole_numbers_are_compared_to_the_last_digit():
    ids = torch.tensor([[50_300, 3], [7, 2**40 + 1]])
    assert difference(ids.clone(), ids, "the result") is None
    kind, sentence = difference(ids - torch.tensor([[0, 0], [0, 1]]), ids, "the result")
    assert (kind, sentence) == ("value", "the result[1, 0:2] is [7, 1099511627776], expected [7, 1099511627777].")

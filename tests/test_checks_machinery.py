"""What is found and named for every exercise, without an author having thought of it."""

import contextlib
import functools
import signal
import time

import pytest
import torch
from torch import Tensor, nn

from lib.checks import NOTEBOOKS, exercise
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import plain
from lib.checks.running import Problem, StillRunning, within

FLOAT, DEVICE = torch.float32, "cpu"
REMEMBERED = {}
BUFFER = None


def scale_rows(x: Tensor, factor: float = 2.0, start: int = 0) -> Tensor:
    """Multiply row i by factor ** (start + i)."""
    powers = factor ** torch.arange(start, start + len(x)).to(x.dtype)
    return x * powers[:, None]


class Halve(nn.Module):
    """Half of every number, plus a bias."""

    def __init__(self, size: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        half = x / 2 + self.bias
        return half if mask is None else half * mask


@pytest.fixture
def scaling():
    asked = Exercise(scale_rows)

    @asked.probe("three rows of two")
    def _(answer, rng):
        return answer(torch.randn(3, 2, generator=rng))

    @asked.probe("factor 3 and start 2")
    def _(answer, rng):
        return answer(torch.randn(5, 3, generator=rng), 3.0, 2)

    asked.mistakes(
        divided=("you divide.", edit("x * powers", "x / powers")),
        late=("the first row has power 0.", edit("start + len", "start + 1 + len", "(start,", "(start + 1,")),
    )
    return asked


@pytest.fixture
def halving():
    asked = Exercise(Halve)

    @asked.probe("batch 2, 5 numbers, a mask")
    def _(answer, rng):
        mask = torch.arange(5) > 1
        return answer(5)(torch.randn(2, 5, generator=rng), mask)

    @asked.probe("batch 3, 7 numbers")
    def _(answer, rng):
        return answer(7)(torch.randn(3, 7, generator=rng))

    return asked


def with_default_list(x, factor=2.0, start=0, seen=[]):  # noqa: B006
    seen.append(start)
    return scale_rows_again(x, factor, seen[0])


def scale_rows_again(x, factor=2.0, start=0):
    return x * torch.tensor([[factor ** (start + i)] for i in range(len(x))], dtype=x.dtype)


def with_global_table(x, factor=2.0, start=0):
    if "powers" not in REMEMBERED or len(REMEMBERED["powers"]) != len(x):
        REMEMBERED["powers"] = scale_rows_again(torch.ones(len(x), 1), factor, start)
    return x * REMEMBERED["powers"]


def with_global_buffer(x, factor=2.0, start=0):
    global BUFFER
    if BUFFER is None:
        BUFFER = factor
    return scale_rows_again(x, BUFFER, start)


@functools.cache
def powers_of(count):
    return torch.tensor([[2.0**i] for i in range(count)])


def squeezed(x, factor=2.0, start=0):
    return scale_rows_again(x, factor, start).squeeze()


def three_at_most_of_batch(x, factor=2.0, start=0):
    if len(x) == 1:
        return x[0] * factor**start
    return scale_rows_again(x, factor, start)


def without_start(x, factor=2.0, start=0):
    return scale_rows_again(x, factor)


def endless(x, factor=2.0, start=0):
    while True:
        start += 1


@pytest.mark.parametrize(
    "answer, kind, said",
    [
        (with_default_list, "state", "the default value of `seen` keeps something"),
        (with_global_buffer, "state", "the global name `BUFFER` keeps something"),
        (squeezed, "batch of one", "not for one alone: the result has shape (2,), expected (1, 2)"),
        (three_at_most_of_batch, "batch of one", "right for 3 of them, not for one alone"),
        (without_start, "ignores_start", "`start` has no effect"),
        (lambda x, factor=2.0, start=0: scale_rows(x, factor, start), "the course's own", "write yours"),
        (lambda x, f=2.0, s=0: x / scale_rows_again(torch.ones(len(x), 1), f, s + 1), "divided and late", "second"),
    ],
)
def test_what_is_wrong_is_named(scaling, answer, kind, said):
    found = scaling.judge(answer)
    assert (found.status, found.kind) == ("wrong", kind) and said in found.message


def with_gradients_for_the_caller(x, factor=2.0, start=0):
    return scale_rows_again(x.requires_grad_(), factor, start).detach()


def test_modes_of_what_is_given_stay_as_they_were(scaling):
    found = scaling.judge(with_gradients_for_the_caller)
    assert found.kind == "leaves another mode" and "`requires_grad_` of a tensor" in found.message

    def mean(model, x):
        """The mean of what a model gives."""
        return model(x).mean()

    asked = Exercise(mean)

    @asked.probe("a model in training")
    def _(answer, rng):
        return answer(nn.Sequential(nn.Dropout(0.0), nn.Tanh()), torch.randn(3, generator=rng))

    def in_evaluation(model, x):
        return model.eval()(x).mean()

    def put_back(model, x):
        before = model.training
        result = model.eval()(x).mean()
        model.train(before)
        return result

    assert asked.judge(in_evaluation).kind == "leaves another mode"
    assert asked.judge(put_back).status == "passed"


def shares(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax where the mask is True, zeros where it is False everywhere."""
    scores = scores.masked_fill(~mask, -torch.inf)
    weights = torch.exp(scores - scores.amax(-1, keepdim=True).clamp(min=-1e30))
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-30)


def with_nan_put_right_at_the_end(scores, mask):
    return (scores + mask.log()).softmax(-1).nan_to_num()


def through_softmax(scores, mask):
    return torch.where(mask, scores.masked_fill(~mask, -1e30), -1e30).softmax(-1) * mask


def test_a_gradient_that_is_asked_for_once_is_asked_for_in_every_call():
    asked = Exercise(shares)

    @asked.probe("a gradient")
    def _(answer, rng):
        scores = torch.randn(2, 3, generator=rng, requires_grad=True)
        return torch.autograd.grad(answer(scores, torch.tensor([True, False, True]))[0, 0], scores)[0]

    assert asked.judge(with_nan_put_right_at_the_end).status == "passed"

    @asked.probe("a row that is all padding")
    def _(answer, rng):
        return answer(torch.randn(2, 3, generator=rng), torch.tensor([[False] * 3, [True, False, True]]))

    found = asked.judge(with_nan_put_right_at_the_end)
    assert found.kind == "no gradient" and "right in its values, not in its gradient" in found.message
    assert "the gradient for argument 0[0, 0:3] is [nan, nan, nan], expected [0, 0, 0]" in found.message
    assert asked.judge(through_softmax).status == "passed"


def largest(logits: Tensor) -> Tensor:
    """The largest logit alone; the others become minus infinity."""
    return logits.where(logits == logits.amax(-1, keepdim=True), -torch.inf)


def above_zero(logits):
    return logits.where(logits == logits.amax(-1, keepdim=True).clamp(min=-50), -torch.inf)


def nearly(logits):
    return logits.where(logits >= logits.amax(-1, keepdim=True) - 0.001, -torch.inf)


@pytest.mark.parametrize("answer, words", [(above_zero, "300 taken off"), (nearly, "all divided by 1000")])
def test_numbers_are_moved_and_made_small_where_the_courses_answer_moves_with_them(answer, words):
    asked = Exercise(largest)

    @asked.probe("three rows of five")
    def _(answer, rng):
        return answer(torch.randn(3, 5, generator=rng))

    found = asked.judge(answer)
    assert found.kind == "other numbers" and f"not for the same, {words}" in found.message


def surprise(p: Tensor) -> Tensor:
    """-ln of the probabilities, less that of the first."""
    return p[..., :1].log() - p.log()


def test_what_sums_to_one_stays_as_it_is():
    def normed(p):
        p = p / p.sum().clamp(min=0.5)
        return (p[..., :1] / p).log()

    asked = Exercise(surprise)

    @asked.probe("four probabilities")
    def _(answer, rng):
        return answer(torch.randn(4, generator=rng).softmax(-1))

    assert asked.judge(normed).status == "passed"


def test_a_table_kept_by_one_of_two_arguments_is_found(scaling):
    @scaling.probe("five rows, the usual factor")
    def _(answer, rng):
        return answer(torch.randn(5, 3, generator=rng))

    found = scaling.judge(with_global_table)
    assert (found.status, found.kind) == ("wrong", "state") and "`REMEMBERED` keeps something" in found.message


def test_a_list_that_all_calls_share_is_found():
    def steps(n):
        """The numbers up to n."""
        return list(range(n))

    asked, shared = Exercise(steps), type("Holder", (), {"all": []})()

    @asked.probe("of 5")
    def _(answer, rng):
        return answer(5)

    def refilled(n):
        shared.all[:] = range(n)
        return shared.all

    assert asked.judge(refilled).kind == "state"
    assert asked.judge(lambda n: [*range(n)]).status == "passed"


def test_a_cache_that_is_right_is_no_mistake(scaling):
    def answer(x, factor=2.0, start=0):
        return x * (
            powers_of(len(x)) if (factor, start) == (2.0, 0) else factor ** torch.arange(start, start + len(x))[:, None]
        )

    assert scaling.judge(answer).status == "passed"


def test_an_endless_loop_ends_with_its_line(scaling):
    scaling.seconds = 0.3
    began = time.monotonic()
    found = scaling.judge(endless)
    assert (found.status, found.kind) == ("wrong", "endless") and "an endless loop?" in found.message
    assert time.monotonic() - began < 10


def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_limit_that_ends_with_its_block_interrupts_nobody_else():
    usual = signal.getsignal(signal.SIGINT)
    for number in range(25):
        with contextlib.suppress(StillRunning):
            within(0, lambda: spin(0.1 + number * 0.0005))  # noqa: B023  (called in this round)
        spin(0.001)
        assert signal.getsignal(signal.SIGINT) is usual


def test_the_outer_of_two_limits_ends_both():
    inner = []

    def outer():
        try:
            within(60, lambda: spin(30))
        except StillRunning:
            inner.append(True)

    with pytest.raises(StillRunning, match=r"after 0\.2 s"):
        within(0.2, outer)
    assert not inner


def test_a_block_that_catches_an_interrupt_gets_another():
    caught = []

    def stubborn():
        for _ in range(2):
            try:
                spin(30)
            except BaseException:
                caught.append(True)
        spin(30)

    with pytest.raises(StillRunning):
        within(0.1, stubborn)
    assert len(caught) == 2


def test_an_interrupt_by_the_learner_is_one(scaling):
    def interrupted(x, factor=2.0, start=0):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scaling.judge(interrupted)


def test_what_a_module_keeps_from_its_last_call_is_found(halving):
    class Remembers(nn.Module):
        last = None

        def __init__(self, size):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(size))

        def forward(self, x, mask=None):
            half = x / 2 + self.bias
            if self.last is not None and self.last.shape == half.shape:
                half = (half + self.last) / 2
            self.last = half.detach()
            return half if mask is None else half * mask

    found = halving.judge(Remembers)
    assert (found.status, found.kind) == ("wrong", "state")


def test_what_is_kept_on_self_is_named_when_a_later_call_fails(halving):
    @halving.probe("one module for 5 numbers reads 2 rows, then 3")
    def _(answer, rng):
        module = answer(5)
        return [module(torch.randn(n, 5, generator=rng), torch.arange(n)[:, None] > 0) for n in (2, 3)]

    class KeepsTheFirstMask(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(size))

        def forward(self, x, mask=None):
            self.mask = getattr(self, "mask", mask)
            half = x / 2 + self.bias
            return half if self.mask is None else half * self.mask

    found = halving.judge(KeepsTheFirstMask)
    assert found.kind == "state" and "puts on `self`" in found.message


def test_an_ignored_mask_of_a_module_is_named(halving):
    class Own(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(size))

        def forward(self, x, mask=None):
            return x / 2 + self.bias

    found = halving.judge(Own)
    assert (found.kind, found.message.splitlines()[0]) == (
        "ignores_mask",
        "`mask` has no effect: the result is the same without it.",
    )


def test_a_class_made_of_the_courses_own_is_refused(halving):
    assert halving.judge(type("Halve", (Halve,), {})).kind == "the course's own"


@pytest.mark.parametrize(
    "setting, undo",
    [
        (lambda: torch.set_default_dtype(torch.float64), lambda: torch.set_default_dtype(FLOAT)),
        (lambda: torch.set_default_device("meta"), lambda: torch.set_default_device(None)),
        (lambda: torch.autograd.set_detect_anomaly(True), lambda: torch.autograd.set_detect_anomaly(False)),
        (lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True)),
        (lambda: torch.use_deterministic_algorithms(True), lambda: torch.use_deterministic_algorithms(False)),
    ],
)
def test_what_the_learner_sets_for_everything_changes_no_verdict_and_stays(scaling, setting, undo):
    def state():
        parts = torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_anomaly_enabled()
        return *parts, torch.get_default_device(), torch.are_deterministic_algorithms_enabled()

    setting()
    before = state()
    try:
        assert scaling.judge(scale_rows_again).status == "passed"
        assert state() == before
    finally:
        undo()


def test_a_mistake_is_named_only_if_it_agrees_on_every_probe(scaling):
    def divides_at_first(x, factor=2.0, start=0):
        made = scale_rows_again(torch.ones_like(x), factor, start)
        return x / made if start == 0 else x * made + 1

    found = scaling.judge(divides_at_first)
    assert found.kind == "value" and "divide" not in found.message


def test_an_edit_that_no_longer_fits_is_an_error():
    with pytest.raises(ValueError, match="scale_rows does not hold 'x \\+ powers'"):
        edit("x + powers", "x")(scale_rows)


@pytest.mark.parametrize("name", [name for names in NOTEBOOKS.values() for name in names])
def test_every_edit_fits_and_every_name_is_one_mistakes(name):
    asked = exercise(name)
    if isinstance(asked, Question):
        return
    sentences = {}
    for mistake in asked.own_mistakes:
        assert mistake.answer is not None and mistake.name.isidentifier() and mistake.name != "<lambda>"
        assert sentences.setdefault(mistake.name, mistake.sentence) == mistake.sentence, mistake.name


def test_plain_numbers():
    assert plain(0.5) == 0.5 and plain(3, int) == 3
    for number in (torch.tensor(0.5), True, "0.5", None):
        with pytest.raises(Problem, match="should be a float"):
            plain(number)


def test_a_question():
    asked = Question("rows", lambda: (2, 3), "two rows of three.", "Count again.", (((3, 2), "Rows come first."),))
    assert asked.judge(...).status == asked.judge(None).status == "unwritten"
    assert asked.judge([2, 3]).status == "passed" and asked.judge(torch.Size([2, 3])).message == "two rows of three."
    assert asked.judge((3, 2)).message == "(3, 2) is not the answer. Rows come first."
    assert asked.judge(6).message == "6 is not the answer. Count again."


def test_a_question_about_a_number_states_how_near_is_near_enough():
    asked = Question("share", lambda: 0.5, "half.", "No.", within=0.1)
    assert asked.judge(0.54).status == "passed" and asked.judge(0.6).status == "wrong"

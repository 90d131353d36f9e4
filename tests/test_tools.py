"""Tools: a calculator against Python's own on many random expressions, what it refuses, and the loop of turns."""

import random
from fractions import Fraction

import pytest

from lib.tools import calculate, evaluate, find_call, with_tools

# ---------------------------------------------------------------------------------------------------------------- calls


@pytest.mark.parametrize(
    "turn, call",
    [
        ("<calc>12*7</calc>", ("12*7", 17)),
        ("So: <calc> 1 + 1 </calc> and more", (" 1 + 1 ", 24)),
        ("<calc>1</calc><calc>2</calc>", ("1", 14)),
        ("<calc>1 <calc>2</calc>", ("2", 22)),
        ("</calc> <calc>\n3</calc>", ("\n3", 23)),
        ("<calc></calc>", ("", 13)),
        ("<calc>1", None),
        ("1</calc>", None),
        ("</calc><calc>", None),
        ("<CALC>1</CALC>", None),
        ("", None),
    ],
)
def test_the_first_call_is_found(turn, call):
    assert find_call(turn) == call


# ----------------------------------------------------------------------------------------------------------- calculator


def expression(rng, depth=0):
    """A random expression, with the fraction that it is worth, or None where it divides by zero."""
    if depth > 2 or rng.random() < 0.3:
        number = rng.choice([str(rng.randrange(30)), f"{rng.randrange(9)}.{rng.randrange(100):02}"])
        return number, Fraction(number)
    if rng.random() < 0.25:
        text, value = expression(rng, depth + 1)
        return f"-({text})", None if value is None else -value
    sign = rng.choice("+-*/")
    (left, a), (right, b) = expression(rng, depth + 1), expression(rng, depth + 1)
    text = f"({left}){rng.choice(['', ' '])}{sign} ({right})"
    if a is None or b is None or (sign == "/" and b == 0):
        return text, None
    return text, {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[sign]()


@pytest.mark.parametrize("seed", range(200))
def test_it_agrees_with_exact_fractions(seed):
    text, value = expression(random.Random(seed))
    if value is None:
        with pytest.raises(ZeroDivisionError):
            evaluate(text)
    else:
        assert evaluate(text) == value and isinstance(evaluate(text), Fraction)
    if len(text) > 100:
        assert calculate(text).startswith("Error: ")
    elif value is None:
        assert calculate(text) == "Error: this divides by zero."
    else:
        found = calculate(text)
        assert abs(Fraction(found) - value) <= Fraction(1, 2_000_000)
        assert not found.endswith(("." if "." in found else " ", ".0"))


@pytest.mark.parametrize("text", ["2+3*4", "2*3+4", "20-3-4", "64/4/2", "2-3+4", "7-2*3-1", "-3-4", "2*-3", "8/2*4"])
def test_rank_and_direction_are_pythons(text):
    assert evaluate(text) == eval(text)  # a test may: it has written the text itself


@pytest.mark.parametrize(
    "text, result",
    [("12*7", "84"), ("0.1+0.2", "0.3"), ("1/3", "0.333333"), ("2/3", "0.666667"), ("1/3*3", "1"), ("7/2", "3.5"),
     ("100", "100"), ("-0.0000001", "0"), ("1-1.5", "-0.5"), ("--2", "2"), (" 1 + 1 ", "2"),
     ("999999999999*1000", "999999999999000"), ("100000000000/7", "14285714285.714286")],
)  # fmt: skip
def test_results_are_exact_and_plain(text, result):
    assert calculate(text) == result


@pytest.mark.parametrize(
    "text",
    ["", " ", "2 3", "2**3", "2^3", "(1", "1)", "()", "1+", "*2", "12.", ".5", "1.5.2", "1e5", "1_0", "٣", "½", "x",
     "__import__('os')", "1;2", "[1]", "1,000", "=", "(" * 99 + "1"],
)  # fmt: skip
def test_what_is_no_expression_is_answered_by_a_sentence(text):
    with pytest.raises(ValueError):
        evaluate(text)
    assert calculate(text) == "Error: this is no calculation with numbers, + - * / and brackets."


def test_too_long_too_large_and_zero_are_answered_by_sentences():
    assert calculate("1/(2-2)") == "Error: this divides by zero."
    assert calculate("1+" * 50 + "1") == "Error: this has 101 characters, and at most 100 are read."
    assert calculate("1+" * 49 + "01") == "50"
    assert calculate("1234567890123") == "Error: a number has at most 12 digits."
    assert calculate("1234567.890123") == "Error: a number has at most 12 digits."
    assert calculate("0.00000000001") == "0"
    assert calculate("-999999999999*999999999999") == "Error: the result has more than 15 digits."
    assert calculate("1000000*1000000*1000") == "Error: the result has more than 15 digits."
    assert calculate("-" * 99 + "1") == "-1"


# ------------------------------------------------------------------------------------------------------------- the loop


def scripted(*turns):
    said, seen = list(turns), []

    def reply(messages):
        seen.append([dict(message) for message in messages])
        return said.pop(0)

    return reply, seen


def test_the_tool_answers_and_the_guess_is_dropped():
    reply, seen = scripted("Let me see: <calc>12*7</calc>85, I think", "There are 84 apples.")
    asked = [{"role": "user", "content": "12 baskets of 7 apples? <calc>1/0</calc>"}]
    turns = with_tools(reply, asked)
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("assistant", "Let me see: <calc>12*7</calc>"),
        ("tool", "84"),
        ("assistant", "There are 84 apples."),
    ]
    assert seen[1] == [*asked, *turns[:2]] and len(asked) == 1


def test_without_a_call_there_is_one_turn_and_calls_come_to_an_end():
    assert with_tools(scripted("Hello.")[0], []) == [{"role": "assistant", "content": "Hello."}]
    reply, seen = scripted(*["<calc>1/0</calc>"] * 3)
    turns = with_tools(reply, [], calls=2)
    assert [turn["role"] for turn in turns] == ["assistant", "tool", "assistant", "tool", "assistant"]
    assert turns[1]["content"] == "Error: this divides by zero." and len(seen) == 3

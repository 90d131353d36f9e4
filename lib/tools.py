"""Tools: the model writes what it wants computed, a program computes it, and the model goes on with the result.

    find_call     the calculation that a turn asks for: <calc>12*7</calc>          notebook 20
    evaluate      its exact value, by a parser of four operations: no eval         notebook 20
    calculate     the value as text, or a sentence where there is none
    with_tools    the loop: the model's turn, the tool's, the model's again

The tool's answer is a turn of its own, of the role "tool". So what it says is never learnt as if the model had said it
(`lib.chat.answer_mask`), and only the assistant's turns can call: a user who writes <calc> calls nothing. That language
models learn when to call is Toolformer's finding (Schick et al. 2023); there the result stands inside the text.
"""

import re
from collections.abc import Callable
from fractions import Fraction

from lib.chat import Message, Messages

OPEN, CLOSE = "<calc>", "</calc>"
LONGEST, DIGITS = 100, 12  # characters of an expression; digits of a number in it
LARGEST = 10**15


def find_call(turn: str) -> tuple[str, int] | None:
    """The first call in a turn: the text between <calc> and </calc>, as it stands there, and where the call ends.

    A call goes from a <calc> to the </calc> that follows it without another <calc> or </calc> between them; so an
    unfinished one is passed over. The end is the index in `turn` of the first character after </calc>.

    Returns None when there is no call.
    """
    start = -1
    for found in re.finditer(f"{OPEN}|{CLOSE}", turn):
        if found[0] == OPEN:
            start = found.end()
        elif start >= 0:
            return turn[start : found.start()], found.end()
    return None


def evaluate(expression: str) -> Fraction:
    """The exact value of an expression of numbers, + - * / and brackets, by recursive descent. Nothing is executed.

    An expression is terms with + or - between them, a term is factors with * or / between them, and a factor is a
    number, a - and a factor, or an expression in brackets; operations of one rank go from left to right. Numbers are
    like 12, 007 or 0.5, in the digits 0 to 9, on both sides of a point; spaces between the parts do not count.

    Returns a Fraction, which holds 0.1 exactly. Raises ValueError for all that is no expression, such as "", "2 3",
    "2**3", "(1" or ".5", and ZeroDivisionError for a division by 0; either of them where both are due, as for "1/0+".
    """
    parts = [*re.findall(r"[0-9]+(?:\.[0-9]+)?|\S", expression), ""]  # "" stands at the end

    def total() -> Fraction:
        value = product()
        while parts[0] in ("+", "-"):
            value = value + product() if parts.pop(0) == "+" else value - product()
        return value

    def product() -> Fraction:
        value = factor()
        while parts[0] in ("*", "/"):
            value = value * factor() if parts.pop(0) == "*" else value / factor()
        return value

    def factor() -> Fraction:
        part = parts.pop(0)
        if part == "-":
            return -factor()
        if part == "(":
            value = total()
            if parts.pop(0) != ")":
                raise ValueError("a bracket is not closed")
            return value
        if not re.match("[0-9]", part):
            raise ValueError(f"{part!r} is no number")
        return Fraction(part)

    value = total()
    if parts != [""]:
        raise ValueError(f"{parts[0]!r} is left over")
    return value


def calculate(expression: str) -> str:
    """What the calculator answers: the value, or a sentence that begins with "Error: ". Never raises.

    The value is rounded to 6 digits after the point and written without zeros at its end: "84", "-0.5", "0.333333". A
    sentence comes for a division by 0, for all that is no expression, and, before time or memory is spent on it, for
    more than 100 characters, a number of more than 12 digits, and a value of 10^15 and more or -10^15 and less.
    """
    if len(expression) > LONGEST:
        return f"Error: this has {len(expression)} characters, and at most {LONGEST} are read."
    if any(len(number.replace(".", "")) > DIGITS for number in re.findall("[0-9.]+", expression)):
        return f"Error: a number has at most {DIGITS} digits."
    try:
        value = evaluate(expression)
    except ZeroDivisionError:
        return "Error: this divides by zero."
    except ValueError:
        return "Error: this is no calculation with numbers, + - * / and brackets."
    if abs(value) >= LARGEST:
        return f"Error: the result has more than {len(str(LARGEST)) - 1} digits."
    millionths = round(value * 10**6)
    whole, rest = divmod(abs(millionths), 10**6)
    return f"{'-' * (millionths < 0)}{whole}.{rest:06}".rstrip("0").rstrip(".")


def with_tools(reply: Callable[[Messages], str], messages: Messages, calls: int = 4) -> list[Message]:
    """The turns that follow a user's: the assistant's, the tool's after each call, and so on to the final answer.

    reply: a conversation to the text of the assistant's next turn    calls: at most so many; then the last turn stands
    as it is, even if it calls once more

    What the model wrote after a call in the same turn is dropped: it would be a guess at the result. Returns the new
    messages; the last one is the assistant's.
    """
    new: list[Message] = []
    for _ in range(calls):
        turn = reply([*messages, *new])
        call = find_call(turn)
        if call is None:
            return [*new, {"role": "assistant", "content": turn}]
        expression, end = call
        new.append({"role": "assistant", "content": turn[:end]})
        new.append({"role": "tool", "content": calculate(expression)})
    return [*new, {"role": "assistant", "content": reply([*messages, *new])}]

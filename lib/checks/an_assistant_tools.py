"""Checks of notebook 20, third part: the call of a tool is found, and an expression is evaluated without running it."""

import re
from fractions import Fraction

from lib import tools
from lib.checks.core import Exercise, edit
from lib.checks.differences import kind_of
from lib.checks.probing import raises
from lib.checks.running import Problem

find_call = Exercise(tools.find_call)
evaluate = Exercise(tools.evaluate)


# -------------------------------------------------------------------------------------------------------- find_call


def calls_in(*turns):
    """The probe that looks for calls in some turns."""
    return lambda answer, rng: {
        f"the call in {short(turn)}": Told(tuple(found) if isinstance(found := answer(turn), list) else found)
        for turn in turns
    }


class Told(str):  # printed as it is: None is a result like any other here, no forgotten return
    __repr__ = str.__str__


def short(text):
    return repr(text) if len(text) <= 40 else f"{len(text)} characters, {text[:12]!r} ..."


for label, turns in {
    "a call and nothing else; and one in a sentence": ("<calc>12*7</calc>", "So: <calc>12*7</calc> apples."),
    "turns without a call": ("There are 84 apples.", "", "12*7", "calc 12*7 /calc"),
    "a call that is not finished, and one that was never begun": ("So <calc>12*7", "12*7</calc>", "</calc><calc>"),
    "two calls: the first one": ("<calc>1+1</calc> and <calc>2+2</calc>", "<calc>1</calc><calc>2</calc>"),
    "an unfinished call before a whole one": ("<calc>1+ <calc>2+2</calc>", "<calc><calc>3</calc></calc>"),
    "an end that ends nothing before a whole call": ("</calc> <calc>5</calc>", "</calc></calc><calc>6*6</calc>"),
    "a turn in which what the call holds stands before it, too": (
        "12*7</calc> is <calc>12*7</calc>",
        "12*7 is <calc>12*7</calc>.",
        "</calc><calc></calc>",
    ),
    "spaces, letters, line ends and nothing between": (
        "<calc>x < y?</calc>",
        "<calc> 1 + 1 </calc>",
        "<calc>1\n+1</calc>",
        "<calc></calc>",
    ),
    "marks in capitals, and with spaces, which are none": ("<CALC>1</CALC>", "< calc>1</ calc>", "<calc >1</calc>"),
    "letters outside ASCII; and a long turn": ("Zwölf – ‘12’: <calc>1</calc>", "x " * 200 + "<calc>8</calc>."),
}.items():
    find_call.probe(label)(calls_in(*turns))

FOUND = "turn[start : found.start()], found.end()"
# fmt: off
find_call.mistakes(
    marks_included=("the text between the marks is asked for, without them.",
        edit("turn[start : found.start()]", "turn[start - len(OPEN) : found.end()]")),
    end_before_mark=("the end is the index after </calc>.", edit(FOUND, "turn[start : found.start()], found.start()")),
    last_letter=("the end is the index after the last letter of the call.",
        edit(FOUND, "turn[start : found.start()], found.end() - 1")),
    start_for_end=("the second number is where the call ends, not where it begins.",
        edit(FOUND, "turn[start : found.start()], start - len(OPEN)")),
    length=("the end is an index in the turn, not the length of the expression.",
        edit(FOUND, "turn[start : found.start()], found.start() - start")),
    found_again=("what the call holds may stand earlier in the turn, too: take its place from the marks that you have "
        "found, and do not look for its text.",
        edit(FOUND, "turn[start : found.start()], turn.index(turn[start : found.end()]) + found.end() - start"),
        edit(FOUND, "turn[start : found.start()], turn.index(turn[start : found.start()]) + found.end() - start"),
        edit(FOUND, "turn[start : found.start()], turn.index(CLOSE) + len(CLOSE)")),
    expression_alone=("two things are asked for, the expression and where the call ends.",
        edit(FOUND, "turn[start : found.start()]")),
    stripped=("the expression is asked for as it stands there, spaces included.",
        edit("turn[start : found.start()]", "turn[start : found.start()].strip()")),
    unfinished_first=("where <calc> stands twice before </calc>, the call begins at the second one.",
        edit("if found[0] == OPEN:", "if found[0] == OPEN and start < 0:",
             "elif start >= 0:", "elif found[0] == CLOSE and start >= 0:")),
    any_end=("a </calc> without a <calc> before it ends nothing, and what follows it counts.",
        edit("elif start >= 0:", "else:\n            if start < 0:\n                return None")),
    unfinished=("a call without </calc> is none.",
        edit("    return None", '    return (turn[start:], len(turn)) if start >= 0 else None')),
    nothing_is_a_pair=("None is asked for where there is no call.", edit("    return None", '    return "", 0'),
        edit("    return None", "    return None, None")),
    any_case=("the marks are <calc> and </calc>, in small letters.",
        edit('f"{OPEN}|{CLOSE}", turn', 'f"{OPEN}|{CLOSE}", turn, re.IGNORECASE',
             "found[0] == OPEN", "found[0].lower() == OPEN")),
    empty_is_none=("an empty expression is a call too.",
        edit("elif start >= 0:", "elif start >= 0 and found.start() > start:")),
    last_call=("the first call is asked for, not the last one.",
        edit("    start = -1\n", "    start, last = -1, None\n",
             f"return {FOUND}", f"last = {FOUND}\n            start = -1", "    return None", "    return last")),
    all_calls=("the first call is asked for, not all of them.",
        edit("    start = -1\n", "    start, several = -1, []\n",
             f"return {FOUND}", f"several.append(({FOUND}))\n            start = -1",
             "    return None", "    return several or None")),
)
# fmt: on


@find_call.mistake(
    "of several calls the first one ends at the first </calc>, not at the last one (`.*` takes all it can)."
)
def greedy(turn):
    found = re.search("<calc>(.*)</calc>", turn, re.DOTALL)
    return (found[1], found.end()) if found else None


@find_call.mistake("an expression may go over several lines: in a pattern, `.` needs re.DOTALL for that.")
def one_line(turn):
    found = re.search("<calc>((?:(?!</?calc>).)*)</calc>", turn)
    return (found[1], found.end()) if found else None


# ---------------------------------------------------------------------------------------------------------- evaluate


def value_of(answer, text):
    """What an expression is worth, as text: of a Fraction only, since the exercise asks for one."""
    value = answer(text)
    if not isinstance(value, Fraction):
        raise Problem("type", f"evaluate({short(text)}) should be a Fraction, not {kind_of(value)}.")
    return str(value)


def values_of(*expressions):
    """The probe that evaluates some expressions."""
    return lambda answer, rng: {f"evaluate({short(text)})": value_of(answer, text) for text in expressions}


def refused(error, *expressions):
    """The probe that gives what has no value."""
    return lambda answer, rng: {f"evaluate({short(text)})": raises(error, answer, text) for text in expressions}


for label, expressions in {
    "one operation": ("12*7", "12+7", "12-7", "84/7", "5"),
    "spaces between the parts": (" 12 * 7 ", "1 +1", "4 - -3"),
    "* and / before + and -": ("2+3*4", "2*3+4", "20-8/4", "1+2*3-4/2"),
    "from left to right": ("20-3-4", "64/4/2", "20-3+4", "8/4*2"),
    "brackets": ("( 2+3 )*4", "2*(3+4)", "((7))", "2*(3-(4-5))", "(1+1)*(2+2)"),
    "a minus before a number or a bracket": ("-3", "-3+5", "2*-3", "-(2+3)*2", "4--3", "-2*-2", "2-(-3)"),
    "numbers with a point, exactly": ("0.5+0.25", "0.1+0.2", "1.10*3", "2.50", "0.07*100", "0.0"),
    "values that are not whole": ("7/2", "1/3", "1/3*3", "1-1.5", "-2/3", "-7/2", "1/1000000000"),
    "long numbers, exactly": ("123456789012*123456789012", "007", "0.0000000000000001", "100000000000/7"),
    "30 terms, and 40 brackets": ("1+2*3-" * 15 + "4", "(" * 40 + "1" + ")" * 40, "-" * 40 + "1"),
}.items():
    evaluate.probe(label)(values_of(*expressions))

evaluate.probe("a division by zero")(refused(ZeroDivisionError, "1/0", "5/(3-3)", "0/0", "1/0.0", "2+1/0"))
for label, expressions in {
    "nothing, and operations without numbers": ("", " ", "2+", "*2", "2*/3", "-", "()", "2+()"),
    "brackets without their partner": ("(2", "2)", "((1)", "(1))", ")1(", "(1 2", "(1("),
    "two numbers side by side": ("2 3", "2 3+1", "(2)(3)", "2(3)"),
    "operations of other kinds": ("2**3", "7//2", "7%2", "2^3", "+2"),
    "words": ("twelve", "x", "1+x", "__import__('os')", "print(1)"),
    "numbers of other kinds": ("1e3", "1.", ".5", "0. 5", "0 .5", "1.2.3", "1,000", "1_0", "0x10", "٣", "½"),
}.items():
    evaluate.probe(label)(refused(ValueError, *expressions))

PARTS = r'r"[0-9]+(?:\.[0-9]+)?|\S", expression'
MINUS = '        if part == "-":\n            return -factor()\n'
# fmt: off
evaluate.mistakes(
    no_rank=("* and / come before + and -: a sum is made of terms, and a term is read as a whole.",
        edit('while parts[0] in ("+", "-")', 'while parts[0] in ("+", "-", "*", "/")',
             "value = product()", "value = factor()",
             'value = value + product() if parts.pop(0) == "+" else value - product()',
             'sign = parts.pop(0)\n            right = factor()\n'
             '            value = {"+": value + right, "-": value - right, "*": value * right, '
             '"/": value / (right if sign == "/" else 1)}[sign]')),
    right_to_left=("operations of one rank go from left to right: 20-3-4 is 13.",
        edit("value - product()", "value - total()")),
    divided_right_to_left=("operations of one rank go from left to right: 64/4/2 is 8.",
        edit("value / factor()", "value / product()")),
    one_operation=("there may be more than two terms, and more than two factors.",
        edit("while parts[0] in", "if parts[0] in"), edit('while parts[0] in ("+", "-")', 'if parts[0] in ("+", "-")'),
        edit('while parts[0] in ("*", "/")', 'if parts[0] in ("*", "/")')),
    no_minus=("- may stand before a number or a bracket.", edit(MINUS, "")),
    minus_at_the_start_only=("- may stand after another operation too: 2*-3.",
        edit(MINUS, "", "value = total()\n    if parts",
             "value = -product() if parts[0] == '-' and parts.pop(0) else product()\n"
             "    parts[:0] = [str(value)] if value >= 0 else []\n"
             "    value = total() if value >= 0 else value\n    if parts")),
    one_minus=("a - may follow another one, as in 4---3 or --3.",
        edit(MINUS, MINUS.replace('== "-"', '== "-" and parts[0] != "-"'))),
    minus_of_all=("a - before a number or a bracket belongs to it alone: -3+5 is 2.",
        edit("return -factor()", "return -total()")),
    no_brackets=("brackets come first.", edit('if part == "(":', "if False:")),
    open_bracket=("a bracket that is not closed is no expression.",
        edit('if parts.pop(0) != ")":', 'if parts[0] and parts.pop(0) != ")":')),
    bracket_kept=("the bracket at the end is a part too: take it from the list.",
        edit('if parts.pop(0) != ")":', 'if parts[0] != ")":')),
    leftover=("what is left over at the end, as in '2 3', makes it no expression.",
        edit('if parts != [""]:', "if False:")),
    whole_division=("7/2 is 3.5: / and not //.",
        edit("value / factor()", "Fraction(value // factor())")),
    zero_for_zero=("a division by 0 is a ZeroDivisionError.",
        edit("value / factor()", "(value / right if (right := factor()) else Fraction(0))")),
    zero_is_no_expression=("a division by 0 is a ZeroDivisionError, and all else a ValueError.",
        edit("    value = total()\n    if parts",
             "    try:\n        value = total()\n    except ZeroDivisionError:\n        raise ValueError(expression)\n"
             "    if parts")),
    no_value=("what is no expression is a ValueError: nothing comes back.",
        edit('raise ValueError(f"{part!r} is no number")', "return Fraction(0)")),
    a_float=("a Fraction is asked for, which is exact: as floats, 0.1 + 0.2 is 0.30000000000000004.",
        edit("return Fraction(part)", "return float(part)")),
    through_floats=("a Fraction of a float has the float's error: Fraction('0.1') takes the text.",
        edit("return Fraction(part)", "return Fraction(float(part))")),
    rounded=("the value is exact: nothing is rounded here.",
        edit("    return value\n", "    return round(value, 6)\n", "            return round(value, 6)",
             "            return value")),
    foreign_digits=("numbers are written in the digits 0 to 9.",
        edit('if not re.match("[0-9]", part):', 'if not re.match(r"\\d", part):')),
    point_at_the_edge=("numbers are like 12 or 0.5: digits on both sides of a point.",
        edit(PARTS, r'r"[0-9]*\.?[0-9]+|\S", expression', '"[0-9]", part', '"[0-9.]", part'),
        edit(PARTS, r'r"[0-9]+(?:\.[0-9]*)?|\S", expression')),
    whole_numbers=("numbers may have a point: 0.5.", edit(PARTS, r'r"[0-9]+|\S", expression')),
    one_digit=("a number may have several digits.", edit(PARTS, r'r"\S", expression')),
    spaces=("spaces between the parts do not count.",
        edit(PARTS, r'r"[0-9]+(?:\.[0-9]+)?|.", expression')),
    joined_by_spaces=("2 3 is no expression, nor is 0. 5: a space ends a number.",
        edit(PARTS, PARTS + '.replace(" ", "")'),
        edit(PARTS, PARTS + '.replace(" ", "" if not re.search("[0-9] +[0-9]", expression) else " ")')),
    next_to_each_other=("between two factors stands * or /: 2(3) is no expression.",
        edit("        return Fraction(part)", '        return Fraction(part) * (factor() if parts[0] == "(" else 1)')),
    plus_in_front=("a + stands between two terms, not before a number.",
        edit(MINUS, MINUS + '        if part == "+":\n            return factor()\n')),
    powers=("** is no operation here.",
        edit('while parts[0] in ("*", "/"):',
             'while parts[0] in ("*", "/"):\n            if parts[:2] == ["*", "*"]:\n                del parts[:2]\n'
             "                value = value ** int(factor())\n                continue")),
    other_letters=("other signs than numbers, operations and brackets are not to be passed over.",
        edit(PARTS, r'r"[0-9]+(?:\.[0-9]+)?|[-+*/()]", expression')),
)
# fmt: on


@evaluate.mistake("nothing may be executed: whoever asks could run any program. `eval` knows ** and // too.")
def evaluated(expression):
    try:
        return Fraction(eval(expression, {"__builtins__": {}})).limit_denominator(10**12)
    except ZeroDivisionError:
        raise
    except Exception as error:
        raise ValueError(expression) from error

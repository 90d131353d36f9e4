"""Checks of notebook 20, third part: the call of a tool is found, and a sum is computed without running anything."""

import re

from lib import tools
from lib.checks.core import Exercise, edit

find_call = Exercise(tools.find_call)
calculate = Exercise(tools.calculate)


# -------------------------------------------------------------------------------------------------------- find_call


def calls_in(*turns):
    """The probe that looks for calls in some turns."""
    return lambda answer, rng: {f"the call in {short(turn)}": answer(turn) for turn in turns}


def short(text):
    return repr(text) if len(text) <= 40 else f"{len(text)} characters, {text[:12]!r} ..."


for label, turns in {
    "a call and nothing else; and one in a sentence": ("<calc>12*7</calc>", "So: <calc>12*7</calc> apples."),
    "turns without a call": ("There are 84 apples.", "", "12*7", "calc 12*7 /calc"),
    "a call that is not finished, and one that was never begun": ("So <calc>12*7", "12*7</calc>", "</calc><calc>"),
    "two calls: the first one": ("<calc>1+1</calc> and <calc>2+2</calc>", "<calc>1</calc><calc>2</calc>"),
    "an unfinished call before a whole one": ("<calc>1+ <calc>2+2</calc>", "<calc><calc>3</calc></calc>"),
    "an end that ends nothing before a whole call": ("</calc> <calc>5</calc>", "</calc></calc><calc>6*6</calc>"),
    "spaces, line ends and nothing between": ("<calc> 1 + 1 </calc>", "<calc>1\n+1</calc>", "<calc></calc>"),
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


@find_call.mistake("an expression may go over several lines: re.DOTALL.")
def one_line(turn):
    found = re.search("<calc>((?:(?!</?calc>).)*)</calc>", turn)
    return (found[1], found.end()) if found else None


# -------------------------------------------------------------------------------------------------------- calculate


def results_of(*expressions):
    """The probe that computes some expressions. Of a sentence only its beginning counts: its words are free."""
    return lambda answer, rng: {f"calculate({short(text)})": beginning(answer(text)) for text in expressions}


def beginning(said):
    return "a sentence that begins with 'Error: '" if isinstance(said, str) and said.startswith("Error: ") else said


for label, expressions in {
    "one operation": ("12*7", "12+7", "12-7", "84/7", "5"),
    "spaces between the parts": (" 12 * 7 ", "1 +1"),
    "* and / before + and -": ("2+3*4", "2*3+4", "20-8/4", "1+2*3-4/2"),
    "from left to right": ("20-3-4", "64/4/2", "20-3+4", "8/4*2"),
    "brackets": ("(2+3)*4", "2*(3+4)", "((7))", "2*(3-(4-5))", "(1+1)*(2+2)"),
    "a minus before a number or a bracket": ("-3", "-3+5", "2*-3", "-(2+3)*2", "4--3", "-2*-2", "2-(-3)"),
    "numbers with a point, computed exactly": ("0.5+0.25", "0.1+0.2", "1.10*3", "2.50", "1/3*3", "0.07*100"),
    "results that are not whole": ("7/2", "1/3", "2/3", "1-1.5", "-2/3", "1/1000000", "1/10000000", "-1/10000000"),
    "whole results, zeros at their end": ("50*2", "0*5", "1000", "3-3", "2.0*5", "0-0"),
    "a division by zero": ("1/0", "5/(3-3)", "0/0", "1/0.0"),
    "what is no expression": ("", " ", "2 3", "2+", "*2", "(2", "2)", "()"),
    "operations and numbers of other kinds": ("2**3", "7//2", "7%2", "2^3", "1e3", "1.", ".5", "1.2.3"),
    "words, and other digits": ("twelve", "x", "1+x", "1,000", "__import__('os')", "print(1)", "٣", "½", "1_0"),
    "100 characters, and 101": ("1+" * 49 + "01", "1+" * 50 + "1"),
    "numbers of 12 digits": ("123456789012", "0.00000000001", "1.12345678901*2"),
    "numbers of 13 digits": ("1234567890123", "1234567.890123", "1+0.1234567890123"),
    "results of 15 digits": ("999999999999*1000", "-100000000000*9999"),
    "results of 16 digits": ("100000000000*10000", "-100000000000*10000", "999999999999*999999999999"),
    "large and not whole: still exact": ("123456789012/7", "100000000000*100+0.125"),
    "99 brackets, and 99 minus signs": ("(" * 99 + "1", "-" * 99 + "1", "(" * 49 + "1" + ")" * 49),
}.items():  # fmt: skip
    calculate.probe(label)(results_of(*expressions))

MINUS = '        if part == "-":\n            return -factor()\n'
ROUND, WRITTEN = "round(value * 10**6)", 'f"{\'-\' * (millionths < 0)}{whole}.{rest:06}".rstrip("0").rstrip(".")'
# fmt: off
calculate.mistakes(
    no_rank=("* and / come before + and -.",
        edit('while parts[0] in ("+", "-")', 'while parts[0] in ("+", "-", "*", "/")',
             "value = product()", "value = factor()",
             'value = value + product() if parts.pop(0) == "+" else value - product()',
             'sign = parts.pop(0)\n            right = factor()\n'
             '            value = {"+": value + right, "-": value - right, "*": value * right, '
             '"/": value / (right if sign == "/" else 1)}[sign]')),
    right_to_left=("operations of one rank go from left to right.",
        edit("value - product()", "value - total()")),
    divided_right_to_left=("operations of one rank go from left to right.",
        edit("value / factor()", "value / product()")),
    no_minus=("- may stand before a number or a bracket.", edit(MINUS, "")),
    one_minus=("a minus may follow another one: 4--3.",
        edit(MINUS, MINUS.replace('== "-"', '== "-" and parts[0] != "-"'))),
    no_brackets=("brackets come first.", edit('if part == "(":', "if False:")),
    open_bracket=("a bracket that is not closed is no expression.",
        edit('if parts.pop(0) != ")":', 'if parts[0] and parts.pop(0) != ")":')),
    leftover=("what is left over at the end, as in '2 3', makes it no expression.",
        edit('if parts != [""]:', "if False:")),
    whole_division=("7/2 is 3.5: / and not //.", edit("value / factor()", "value // factor()")),
    raises_at_zero=("a division by zero is answered by a sentence.",
        edit("except ZeroDivisionError", "except OverflowError")),
    raises=("what is no expression is answered by a sentence.", edit("except ValueError", "except OverflowError")),
    any_length=("more than 100 characters are answered by a sentence.",
        edit("if len(expression) > LONGEST:", "if False:")),
    length_100=("100 characters are read.", edit("> LONGEST", ">= LONGEST")),
    any_number=("a number of more than 12 digits is answered by a sentence.", edit("> DIGITS", "> LONGEST")),
    twelve_digits=("a number of 12 digits is read.", edit("> DIGITS", ">= DIGITS")),
    point_counts=("the point is no digit.", edit('len(part.replace(".", ""))', "len(part)")),
    any_result=("a result of 16 digits is answered by a sentence.", edit("if abs(value) >= LARGEST:", "if False:")),
    result_above_0=("a result of -10^15 is answered by a sentence too.", edit("abs(value) >=", "value >=")),
    limit_itself=("10^15 itself has 16 digits and is answered by a sentence.", edit(">= LARGEST", "> LARGEST")),
    six_digits_cut=("the result is rounded, not cut off.", edit(ROUND, "int(value * 10**6)")),
    two_digits=("6 digits after the point are asked for.", edit(ROUND, "round(value * 100) * 10**4")),
    all_digits=("the result is rounded to 6 digits after the point.",
        edit(WRITTEN, 'str(value) if value.denominator == 1 else repr(float(value))')),
    always_a_point=("84 is written without a point and zeros.", edit('.rstrip(".")', "")),
    zeros_at_the_end=("zeros at the end, after the point, are not written.", edit('.rstrip("0").rstrip(".")', "")),
    fractions=("a decimal number is asked for, not a fraction.", edit(WRITTEN, "str(value)")),
    floats=("floats are not exact: 0.1 + 0.2 is 0.30000000000000004.",
        edit("return Fraction(part)", "return float(part)", WRITTEN, "str(value).removesuffix('.0')")),
    minus_zero=("0 has no sign.", edit("'-' * (millionths < 0)", "'-' * (value < 0)")),
    no_sign=("the minus of a negative result is missing.", edit("{'-' * (millionths < 0)}", "")),
    a_number=("the result is text.", edit(f"return {WRITTEN}", f"return float({WRITTEN})")),
    powers=("** is no operation here.",
        edit('if len(expression) > LONGEST:', 'if "**" in expression:\n        return str(eval(expression, {}))\n'
             "    if len(expression) > LONGEST:")),
    foreign_digits=("numbers are written in the digits 0 to 9.", edit('if not re.match("[0-9]", part):', "if False:")),
    point_at_the_edge=("numbers are like 12 or 0.5: digits on both sides of a point.",
        edit(r"[0-9]+(?:\.[0-9]+)?|\S", r"[0-9]*\.?[0-9]+|[0-9]+\.|\S", 'if not re.match("[0-9]", part)',
             'if not re.match("[0-9.]", part)'),
        edit(r"[0-9]+(?:\.[0-9]+)?|\S", r"[0-9]+(?:\.[0-9]*)?|\S")),
    spaces=("spaces between the parts do not count.",
        edit(r"(?:\.[0-9]+)?|\S", r"(?:\.[0-9]+)?|.")),
    joined_by_spaces=("2 3 is no expression: a space does not join digits to one number.",
        edit("    if len(expression) > LONGEST:",
             "    expression = expression.replace(' ', '')\n    if len(expression) > LONGEST:")),
)
# fmt: on


@calculate.mistake("nothing may be executed: whoever asks could run any program. `eval` also knows ** and //.")
def evaluated(expression):
    if len(expression) > 100:
        return "Error: too long."
    try:
        value = eval(expression, {"__builtins__": {}})
        return f"{value:.6f}".rstrip("0").rstrip(".")
    except Exception:
        return "Error: no expression."

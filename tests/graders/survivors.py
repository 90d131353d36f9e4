"""Mutants that pass a check, and why that is right. An unlisted survivor fails the tests.

`{exercise: {"before -> after": "reason"}}`, as `python -m tests.graders.report` prints them.
"""

SURVIVORS: dict[str, dict[str, str]] = {
    "sinusoidal_positions": {
        "2 -> -2": "the remainder by -2 is 0 for the same numbers",
        "d_model -> base": "only the words of the error change",
    },
    "shift_matrix": {
        "0 -> -1": "there is one position, first and last at once",
        "-1 -> 1": "the last of two axes is axis 1",
        "1 -> -1": "the last of two axes is axis 1",
    },
    "LearnedPositions": {
        "0.02 -> -0.02": "a random number times -0.02 is as random",
        "end - 1 -> end + 1": "only the words of the error change",
        "end - 1 -> end": "only the words of the error change",
        "end - 1 -> 1": "only the words of the error change",
        "1 -> -1": "only the words of the error change",
        "1 -> 0": "only the words of the error change",
        "1 -> 2": "only the words of the error change",
    },
    "rotate": {"0::2 -> ::2": "a slice starts at 0 by itself"},
}

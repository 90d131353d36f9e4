"""Mutants that pass a check, and why that is right. An unlisted survivor fails the tests.

`{exercise: {"before -> after": "reason"}}`, as `python -m tests.graders.report` prints them.
"""

SURVIVORS: dict[str, dict[str, str]] = {}

"""How a verdict leaves the kernel: not by what the check prints, which everything in a notebook can print too.

The grader asks the kernel for the value of an expression, in a request of its own. It is told by an exception, because
that is the one answer that no display hook, formatter or redirected output of the notebook takes part in.
"""

import dataclasses
import json

ASK = "__import__('lib.course.verdict', fromlist=['tell']).tell({!r})"


class Told(Exception):
    """The verdict as JSON, or null."""


def tell(name: str) -> None:
    """Raise the verdict that the last check of an exercise came to, and forget it."""
    from lib.checks import VERDICTS

    verdict = VERDICTS.pop(name, None)
    raise Told(json.dumps(verdict and dataclasses.asdict(verdict)))

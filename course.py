"""The course's one command. On first use it sets itself up, beside the code.

    python3 course.py lab [NN]               open JupyterLab on notebook NN (00 when left out)
    python3 course.py check [NN ...]         have the exercises of notebooks checked (all when left out)
    python3 course.py status                 show what of the Transformer is yours by now
    python3 course.py diploma [YOUR NAME]    write a page to keep: what you have built, and what it does
    python3 course.py reset NN [exercise]    make a notebook, or one exercise of it, new; yours is kept in mywork/
    python3 course.py update                 get the course's newest version and keep your work
    python3 course.py fetch [NAME ...]       download real data and published models (all, 0.8 GB, when left out)
    python3 course.py book [NN ...]          make the course as web pages, to be read: build/book (all when left out)
    python3 course.py test [STAGE ...]       run the course's own tests (all when left out)

NN is a notebook's number or its path. What follows an option goes on to JupyterLab (`lab --no-browser`) and to pytest
(`check 04 -x`). The stages of `test`: models, build, solutions, notebooks, ruff, format, tests; and graders, a part
of tests.
"""

import os
import sys

OLDEST = (3, 11)


def too_old(version, executable):
    """The sentence for a Python that is too old, or nothing. In this file the grammar is one that any Python reads."""
    if tuple(version[:2]) >= OLDEST:
        return ""
    words = (executable,) + tuple(version[:2]) + OLDEST  # noqa: RUF005
    return "%s is Python %d.%d, and the course needs %d.%d or newer: install one from python.org." % words  # noqa: UP031


def main():
    sentence = too_old(sys.version_info, sys.executable)
    if sentence:
        sys.stderr.write(sentence + "\n")
        return 1
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    try:
        from lib.course.commands import main as command

        return command(sys.argv[1:], usage=__doc__)
    except KeyboardInterrupt:  # in the import
        sys.stderr.write("\nStopped.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())

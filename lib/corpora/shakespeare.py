"""Tiny Shakespeare: 40,000 lines of the plays, one megabyte, as Karpathy chose them for char-rnn (2015).

load_shakespeare    the text, downloaded on first use

Unlike the course's own corpora it is not in data/: `lib.downloads` fetches it when it is asked for. Used by
`python -m lib.training gpt --corpus shakespeare`.
"""

from lib.downloads import fetch

FILE = "tinyshakespeare/input.txt"


def load_shakespeare() -> str:
    """All of it, with "\\n" at the line ends."""
    return fetch(FILE).read_text(encoding="utf-8")

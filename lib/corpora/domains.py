"""Four kinds of text side by side, for models that may divide the work among experts (notebook 15).

    load_domains   English stories, Italian sentences, dates in six languages, sentences of the relation corpus

Programs wrote them all: see `stories`, `italian`, `dates` and `relations`, from which they are put together.
"""

from lib.corpora.dates import load_dates
from lib.corpora.italian import load_pairs
from lib.corpora.relations import load_relations
from lib.corpora.stories import load_stories


def load_domains(n_characters: int = 400_000) -> dict[str, str]:
    """The first so many characters of each domain, by its name: "stories", "italian", "dates" and "relations"."""
    lines = {
        "stories": load_stories(),
        "italian": [pair.italian for pair in load_pairs()],
        "dates": [f"{date.written} = {date.iso}" for date in load_dates()],
        "relations": [" ".join(words) for words in load_relations()],
    }
    return {name: "\n".join(text)[:n_characters] for name, text in lines.items()}

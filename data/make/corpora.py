"""Which function writes which file of data/; a new corpus is one more line here.

CORPORA      file name -> (module, function, keyword arguments); the function returns the whole text of the file
generate     the text of a corpus, without writing anything
regenerate   write a corpus and its line in data/MANIFEST anew (`python -m data.make`)
"""

import importlib

from lib.corpora import files

CORPORA: dict[str, tuple[str, str, dict]] = {
    "stories.txt": ("data.make.stories", "stories_text", {"seed": 0}),
    "relations.txt": ("data.make.relations", "relations_text", {"seed": 0}),
    "analogies.tsv": ("data.make.relations", "analogies_text", {}),
    "english_italian.tsv": ("data.make.italian", "italian_text", {"seed": 0}),
    "tasks.tsv": ("data.make.tasks", "tasks_text", {"seed": 0}),
    "dates.tsv": ("data.make.dates", "dates_text", {"seed": 0}),
}


def generate(name: str) -> str:
    """The text of a corpus, made anew. Raises ValueError for a name that is not in CORPORA."""
    if name not in CORPORA:
        raise ValueError(f"no corpus is called {name!r}; there are {', '.join(CORPORA)}")
    module, function, arguments = CORPORA[name]
    return getattr(importlib.import_module(module), function)(**arguments)


def how_made(name: str) -> str:
    """The command and the call that make a corpus, as MANIFEST tells them."""
    module, function, arguments = CORPORA[name]
    call = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f"{files.MAKE} {name}: {module}.{function}({call})"


def regenerate(name: str) -> files.Entry:
    """Make a corpus anew, write it to data/ and enter it into MANIFEST."""
    files.write(name, generate(name).encode("utf-8"))
    return files.record(name, how_made(name))

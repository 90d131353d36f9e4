"""Multi30k: 31,014 descriptions of photographs in English, German and French, written by people (Elliott et al. 2016).

load_multi30k    the pairs of a split, downloaded on first use

Unlike the course's own corpora it is not in data/: `lib.downloads` fetches it when it is asked for. The test split is
flickr 2016, the one that papers report. Used by `python -m lib.training translate --corpus multi30k`.
"""

import gzip

from lib.downloads import fetch

TARGETS = ("de", "fr")
SPLITS = {"train": ("train", 29_000), "val": ("val", 1_014), "test": ("test_2016_flickr", 1_000)}


def load_multi30k(target: str = "de", split: str = "train") -> list[tuple[str, str]]:
    """Pairs (English, German or French), as they were written.

    target: "de" or "fr"    split: "train", "val" or "test"
    """
    if target not in TARGETS:
        raise ValueError(f"Multi30k has no target {target!r} here; there are {', '.join(TARGETS)}")
    if split not in SPLITS:
        raise ValueError(f"Multi30k has no split {split!r}; there are {', '.join(SPLITS)}")
    name, number = SPLITS[split]
    sides = [_lines(f"multi30k/{name}.{language}.gz") for language in ("en", target)]
    for lines in sides:
        if len(lines) != number:
            raise ValueError(f"multi30k/{name} has {len(lines)} lines in a language instead of {number}")
    return list(zip(*sides, strict=True))


def _lines(name: str) -> list[str]:
    text = gzip.decompress(fetch(name).read_bytes()).decode("utf-8")
    return [line.strip() for line in text.removesuffix("\n").split("\n")]

"""What models that take long to train have done, recorded once: data/widgets.json, by `python benchmarks/widgets.py`.

recorded       what was recorded under a name
thousandths    weights as short texts, a row each; shares is the way back
"""

import json
from typing import Any

from torch import Tensor

from lib.corpora import files

FILE = "widgets.json"


def recorded(name: str) -> Any:
    """An empty list where nothing is recorded under this name."""
    return json.loads(files.read(FILE)).get(name, [])


def thousandths(weights: Tensor) -> list:
    """Weights (..., key) as lists of as many axes but the last, which becomes a text: 0.25, 0.75 is "250 750"."""
    if weights.dim() > 1:
        return [thousandths(part) for part in weights]
    return " ".join(map(str, (1000 * weights).round().int().tolist()))


def shares(row: str) -> list[float]:
    return [int(number) / 1000 for number in row.split()]

"""The README's pictures, taken out of the executed solutions: `python -m lib.course.pictures`.

PICTURES   file in data/pictures/ -> (notebook, a piece of the cell that draws it)
"""

import base64
import sys

import nbformat

from lib.corpora import files
from lib.course.cells import solution_of

PICTURES = {
    "transformer.png": ("00", "transformer_map(axes)\n"),
    "words.png": ("02", 'xlabel="widest direction"'),
    "translation.png": ("03", "draw_look(look(bahdanau"),
}
HOW = "python -m lib.course.pictures"


def picture(number: str, piece: str) -> bytes:
    """The PNG that the first cell with this piece of code shows. Raises ValueError when none does."""
    for cell in nbformat.read(solution_of(number), 4).cells:
        if cell.cell_type == "code" and piece in cell.source:
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output.data["image/png"])
    raise ValueError(f"no cell of notebook {number} with {piece!r} shows a picture")


def main() -> int:
    files.path("pictures").mkdir(exist_ok=True)
    for name, (number, piece) in PICTURES.items():
        files.path(f"pictures/{name}").write_bytes(picture(number, piece))
        files.record(f"pictures/{name}", HOW)
        print(f"wrote data/pictures/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

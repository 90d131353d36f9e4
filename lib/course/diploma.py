"""A page to keep: `python3 course.py diploma [NAME]` writes mywork/diploma.html, one file that needs nothing else.

page      the page as text: what is built, when each part first passed, and what the parts do
samples   three texts that a Transformer makes out of the learner's parts
main      look at the saved notebooks, and write the page

A part is the learner's where it passes now; the course's version stands in for the others, and the page says so.
"""

import argparse
import html
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from lib.checks import NOTEBOOKS
from lib.course import copies
from lib.course.status import mark
from lib.course.yours import Books, Piece, first_passed, piece, verdicts
from lib.decoding.generate import CachedGPT
from lib.figures import TRANSFORMER
from lib.gpt import END, load_stories_gpt, sizes_of
from lib.training.translator import SIZES, load_translator
from lib.transformer import Decoder, Encoder

SENTENCE = "the old man had a small dog ."
START = "Early one morning"
MARKS = {"passed": "✓", "wrong": "✗", "unwritten": "○", "unreadable": "?"}
STYLE = """
body { font: 16px/1.5 Georgia, serif; max-width: 52em; margin: 3em auto; padding: 0 1em; color: #222; }
h1, h2 { font-weight: normal; } table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid #ddd; padding: .25em .6em .25em 0; vertical-align: top; }
svg { width: 100%; max-width: 34em; display: block; margin: 1em auto; } .when, .small { color: #666; font-size: 85%; }
blockquote { border-left: 3px solid #cfe0fc; margin: .5em 0; padding: .2em 1em; }
@media print { h2 { break-after: avoid; } }
"""


class Sample(NamedTuple):
    """What a machine of several parts makes of a text. parts: their names, and whether each is the learner's."""

    title: str
    given: str
    made: str
    parts: dict[str, bool]


# -------------------------------------------------------------------------------------------------------- the samples


def samples(find: Callable[[str], Piece] = piece) -> Iterator[Sample]:
    """A translation, the beginning of a story by the likeliest words, and one by lot, out of what `find` finds."""
    makers = (
        ("It translates", SENTENCE, _translation),
        ("It writes, always the likeliest word", START, partial(_story, drawn=False)),
        ("It writes, and draws its words", START, partial(_story, drawn=True)),
    )
    for title, given, make in makers:
        found: dict[str, Piece] = {}

        def part(name: str, found: dict[str, Piece] = found) -> object:
            if name not in found:
                found[name] = find(name)
            return found[name].answer

        try:
            with torch.no_grad():
                made = make(part, given)
        except Exception as error:  # parts that pass alone may not fit together, and a page is better than none
            made = f"(this did not run: {type(error).__name__}: {error})"
        yield Sample(title, given, made, {name: one.status == "passed" for name, one in found.items()})


def _translation(part: Callable[[str], object], text: str) -> str:
    trained, english, italian = load_translator()
    d_model, n_heads, d_ff, n_blocks = SIZES.values()
    sizes = d_model, n_heads, d_ff, 0.0, part("PreNorm")
    model = part("Transformer")(
        nn.Embedding(len(english), d_model),
        nn.Embedding(len(italian), d_model),
        Encoder([part("EncoderBlock")(*sizes) for _ in range(n_blocks)], part("LayerNorm")(d_model)),
        Decoder([part("DecoderBlock")(*sizes) for _ in range(n_blocks)], part("LayerNorm")(d_model)),
    )
    model.load_state_dict(trained.state_dict())
    model.eval()
    ids, mask = part("pad_batch")([english.encode(text.split())])
    start = torch.zeros(1, 0, dtype=torch.long), model.encode(ids, mask), mask
    written = part("greedy_translate")(partial(part("next_word_step"), model), start, 30)
    return " ".join(italian.decode(written[0]))


def _story(part: Callable[[str], object], start: str, drawn: bool, limit: int = 60) -> str:
    trained, tokenizer = load_stories_gpt()
    model = part("GPT")(**sizes_of(trained), block=part("EncoderBlock"))
    model.load_state_dict(trained.state_dict())
    end, dice = tokenizer.special[END], torch.Generator().manual_seed(0)
    ids = [end, *tokenizer.encode_ordinary(start)]

    def pick(logits: torch.Tensor, _: Sequence[int]) -> int:
        if not drawn:
            return int(logits.argmax())
        return int(part("sample")(part("top_p")(part("apply_temperature")(logits, 0.8), 0.9), dice))

    written = part("generate")(CachedGPT(model.eval()), ids, limit, pick, [[end]])
    return tokenizer.decode([i for i in [*ids[1:], *written] if i != end])


# ----------------------------------------------------------------------------------------------------------- the page


def page(
    statuses: Mapping[str, str], passed: Mapping[str, str], made: Sequence[Sample], name: str = "", day: str = ""
) -> str:
    """The page as HTML.

    statuses: of each exercise, by name    passed: when those that have passed were first seen to, in ISO's form
    name: whose page it is    day: when it was written
    """
    done = sum(status == "passed" for status in statuses.values())
    whole = len(statuses) == done and done > 0
    title = "A Transformer, built by hand" if whole else "A Transformer in the making"
    rows = "\n".join(_row(stem, names, statuses, passed) for stem, names in NOTEBOOKS.items())
    shown = "\n".join(map(_shown, made))
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{_text(title)}</title><style>{STYLE}</style></head>
<body>
<h1>{_text(title)}</h1>
<p>{_text(name) + " has" if name else "I have"} written {done} of {len(statuses)} exercises and answers that pass their
checks{" (" + _text(day) + ")" if day else ""}. A box below is coloured where all of its notebooks are done.</p>
{_map(statuses)}
<h2>What it does</h2>
{shown}
<h2>What was built, and when it first passed</h2>
<table>
{rows}
</table>
<p class="small">✓ passes its check, ○ not written, ✗ does not pass, ? in no notebook that can be read. The dates are
those on which the course first saw a part pass.</p>
</body>
</html>
"""


def _row(stem: str, names: Sequence[str], statuses: Mapping[str, str], passed: Mapping[str, str]) -> str:
    known = [name for name in names if name in statuses]
    parts = ", ".join(f"{MARKS[statuses[name]]}&nbsp;<code>{_text(name)}</code>" for name in known)
    days = sorted(passed[name][:10] for name in known if name in passed and statuses[name] == "passed")
    when = "" if not days else days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    title = stem[3:].replace("_", " ")
    return f'<tr><td>{stem[:2]}</td><td>{_text(title)}<br>{parts}</td><td class="when">{_text(when)}</td></tr>'


def _shown(sample: Sample) -> str:
    mine = [name for name, own in sample.parts.items() if own]
    others = [name for name, own in sample.parts.items() if not own]
    whose = "; ".join(
        f"{who}: {', '.join(names)}" for who, names in (("own parts", mine), ("the course's", others)) if names
    )
    return (
        f"<p>{_text(sample.title)}: <i>{_text(sample.given)}</i></p>\n<blockquote>{_text(sample.made)}</blockquote>\n"
        f'<p class="small">{_text(whose)}</p>'
    )


def _map(statuses: Mapping[str, str]) -> str:
    """The map of the Transformer as SVG, which is text too and needs no other file."""
    boxes, scale, top = [], 40, 8.2
    for left, bottom, width, height, label, numbers, _ in TRANSFORMER:
        colour = {"✓": "#cfe0fc", "·": "#f2f2f2", "○": "#ffffff"}[mark(numbers.split(), statuses)]
        x, y = scale * left, scale * (top - bottom - height)
        boxes.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{scale * width:.0f}" height="{scale * height:.0f}" rx="4" '
            f'fill="{colour}" stroke="#555"/><text x="{x + 8:.0f}" y="{y + 18:.0f}" font-size="13">'
            f"{mark(numbers.split(), statuses)} {_text(label)} ({_text(numbers)})</text>"
        )
    size = f"-2 -2 {scale * 9.4 + 4:.0f} {scale * top + 4:.0f}"
    return f'<svg viewBox="{size}" role="img" aria-label="the map of the Transformer">{"".join(boxes)}</svg>'


def _text(words: str) -> str:
    return html.escape(" ".join(str(words).split()))


# -------------------------------------------------------------------------------------------------------- the command


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m lib.course.diploma", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="whose page it is")
    name = " ".join(parser.parse_args(arguments).name)
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    torch.set_num_threads(1)
    print("looking at your notebooks ...", flush=True)
    every = [exercise for names in NOTEBOOKS.values() for exercise in names]
    statuses = {exercise: verdict.status for exercise, verdict in verdicts(every, Books())}
    print("letting your parts work ...", flush=True)
    written = page(statuses, first_passed(), list(samples()), name, date.today().isoformat())
    copies.MYWORK.mkdir(exist_ok=True)
    path = copies.MYWORK / "diploma.html"
    copies.replace(path, written.encode())
    print(f"written: {path}. Open it in a browser; it needs no other file.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

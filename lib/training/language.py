"""A language model, from text to checkpoint: `python -m lib.training gpt --corpus stories`, shakespeare, or a file.

    Recipe, RECIPES              sizes, batches and steps: what the shipped model and notebook 11 are trained with
    read_texts                   the texts to learn from and those held out
    encode_texts, windows        texts as one row of ids; batches of pieces of it without end
    held_out_bits                bits per byte on texts that were not learnt
    write_texts, measure         fresh texts, and whether names, pronouns and causes hold in them
    add_arguments, run           the command: it can be stopped at any time and goes on where it was

A text is a string. Ids are one row (n,), with END before each text and after the last.
"""

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from lib.corpora import files
from lib.corpora.own_text import read_text
from lib.corpora.shakespeare import load_shakespeare
from lib.corpora.stories import causes_kept, load_stories, names_kept, pronouns_bound, sentences
from lib.decoding.generate import fresh_caches, read_on
from lib.gpt import END, GPT, STORIES, FusedGPT, bits_per_byte, initial_weights, load_gpt, save_gpt, text_windows
from lib.tokenizer import Tokenizer, train_tokenizer
from lib.training import Training
from lib.training.watch import Watch

HELD_OUT_STORIES = 300  # the last ones
HELD_OUT_SHARE = 0.1  # of any other text: its end
LEAST_WORDS = 1_000  # of any other text
WARM_UP, CALM_DOWN = 100, 0.25  # steps at the start, share of them at the end


@dataclass(frozen=True)
class Recipe:
    """How a model is made: a training is the same if its recipe is."""

    vocab: int = 2048
    n_positions: int = 320  # the longest story has 309 tokens, so it can be read whole
    d_model: int = 128
    n_heads: int = 4
    n_layers: int = 6
    batch: int = 4
    steps: int = 8000
    peak: float = 4e-3
    muon: bool = True  # for the matrices (`lib.training.muon`), AdamW for the rest; else AdamW for all
    seed: int = 0

    def model(self, vocab: int) -> FusedGPT:
        """A fresh model with the seed's weights. `vocab`: of its tokenizer, which a short text may leave smaller."""
        model = FusedGPT(vocab, self.n_positions, self.d_model, self.n_heads, self.n_layers)
        return initial_weights(model, torch.Generator().manual_seed(self.seed))

    def rate(self, step: int) -> float:
        """The learning rate at a step, from 0: up, level, and down in the last quarter.

        Until then it does not depend on how many steps there are.
        """
        left = (self.steps - step) / (self.steps * CALM_DOWN)
        return self.peak * min(1.0, (step + 1) / WARM_UP, left)

    def batches(self, ids: Tensor, seed: int | None = None) -> Iterator[Tensor]:
        """The batches of the recipe's seed, or of another, without end."""
        generator = torch.Generator().manual_seed(1000 + (self.seed if seed is None else seed))
        return windows(ids, self.n_positions, self.batch, generator)


RECIPES = {
    "stories": Recipe(),
    "shakespeare": Recipe(vocab=1024, n_positions=256, n_layers=4, steps=1500),
    "notebook": Recipe(n_positions=128, n_layers=4, steps=800, peak=8e-3),
}


# --------------------------------------------------------------------------------------------------- texts and batches


def read_texts(corpus: str, tell: Callable[[str], object] | None = None) -> tuple[list[str], list[str]]:
    """The texts to learn from and those held out. corpus: "stories", "shakespeare", or the path of a text file.

    tell: called with a sentence for each kind of trouble in the learner's own file
    """
    if corpus == "stories":
        texts = load_stories()
        return texts[:-HELD_OUT_STORIES], texts[-HELD_OUT_STORIES:]
    if corpus == "shakespeare":
        text = load_shakespeare()
    else:
        text, complaints = read_text(corpus)
        for complaint in complaints if tell else ():
            tell(complaint)
    if (n_words := len(text.split())) < LEAST_WORDS:
        raise ValueError(f"{corpus} has {n_words} words: too few to learn from; take {LEAST_WORDS:,} or more")
    cut = round(len(text) * (1 - HELD_OUT_SHARE))
    cut = text.rfind("\n", cut // 2, cut) + 1 or cut  # at a line end, if there is one
    return [text[:cut]], [text[cut:]]


def encode_texts(tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """Texts to one row of ids (n,), END before each of them and after the last."""
    end = tokenizer.special[END]
    ids = [end]
    for text in texts:
        ids += [*tokenizer.encode_ordinary(text), end]
    return torch.tensor(ids)


def windows(ids: Tensor, length: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches (batch, length + 1) of pieces from anywhere in the row, without end."""
    while True:
        yield text_windows(ids, length, torch.randint(len(ids) - length, (batch,), generator=generator))


# -------------------------------------------------------------------------------------------------- what was learnt


@torch.no_grad()
def held_out_bits(model: GPT, tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """Bits per byte on texts that were not learnt, each from its start; what is longer than the model, in pieces."""
    total = count = 0
    for text in texts:
        ids = encode_texts(tokenizer, [text])
        for start in range(0, len(ids) - 1, len(model.positions.table)):
            piece = ids[None, start : start + len(model.positions.table) + 1]
            total += model.loss(piece).item() * (piece.shape[1] - 1)
            count += piece.shape[1] - 1
    return bits_per_byte(total / count, count, sum(len(text.encode()) for text in texts))


@torch.no_grad()
def write_texts(
    model: GPT, tokenizer: Tokenizer, n: int, generator: torch.Generator, temperature: float = 1.0, start: str = ""
) -> list[str]:
    """n texts drawn from the model side by side, each until its END or until the model has no position left.

    temperature: the logits are divided by it; below 1 the likely tokens get likelier (notebook 12)
    """
    end, places = tokenizer.special[END], len(model.positions.table)
    caches = fresh_caches(model, n)
    given = [end, *tokenizer.encode_ordinary(start)]
    rows = torch.empty(n, places + 1, dtype=torch.long)
    rows[:, : len(given)] = torch.tensor(given)
    done = torch.zeros(n, dtype=torch.bool)
    for place in range(places):
        logits = read_on(model, rows[:, place : place + 1], caches)
        if place + 1 < len(given):
            continue
        chances = (logits / temperature).softmax(dim=-1)
        rows[:, place + 1] = torch.multinomial(chances, 1, generator=generator)[:, 0].where(~done, end)
        done |= rows[:, place + 1] == end
        if done.all():
            break
    texts = [row[1 : place + 2].tolist() for row in rows]
    return [tokenizer.decode(ids[: ids.index(end)] if end in ids else ids) for ids in texts]


def measure(texts: Sequence[str], known: Collection[str] = ()) -> dict[str, float]:
    """What holds in stories, as shares: whole sentences that are `known`, people, pronouns and causes that are kept."""
    told = [sentence for text in texts for sentence in sentences(text)]
    bound, causes = ([found(text) for text in texts] for found in (pronouns_bound, causes_kept))
    return {
        "verbatim": sum(sentence in known for sentence in told) / max(1, len(told)),
        "names": sum(map(names_kept, texts)) / len(texts),
        "pronouns": sum(kept for kept, _ in bound) / max(1, sum(of for _, of in bound)),
        "causes": sum(kept for kept, _ in causes) / max(1, sum(of for _, of in causes)),
        "causes found": sum(of for _, of in causes),
    }


# --------------------------------------------------------------------------------------------------------- the command


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `python -m lib.training gpt`."""
    parser.description = "Train a GPT on stories, on Shakespeare, or on a text file of yours."
    parser.add_argument("--corpus", default="stories", help="stories, shakespeare, or the path of a UTF-8 text file")
    parser.add_argument("--out", type=Path, help="the checkpoint to write (default: mywork/gpt_NAME.safetensors)")
    parser.add_argument("--minutes", type=float, help="stop after so many processor minutes; run again to go on")
    for name, number in asdict(RECIPES["stories"]).items():
        option = "--" + name.removeprefix("n_").replace("_", "-")
        kind = {"action": BooleanOptionalAction} if name == "muon" else {"type": type(number), "metavar": "N"}
        parser.add_argument(option, dest=name, help="default: what suits the corpus", **kind)


def run(arguments: Namespace) -> int:
    """Train as the arguments say, going on from a training that was stopped. Returns the exit status."""
    recipe = RECIPES.get(arguments.corpus, RECIPES["shakespeare"])
    chosen = {name: getattr(arguments, name) for name in asdict(recipe)}
    recipe = replace(recipe, **{name: number for name, number in chosen.items() if number is not None})
    name = arguments.corpus if arguments.corpus in RECIPES else Path(arguments.corpus).stem
    out = arguments.out or files.DATA.parent / "mywork" / f"gpt_{name}.safetensors"
    learnt, held_out = read_texts(arguments.corpus, print)
    tokenizer = train_tokenizer(learnt, recipe.vocab, [END])
    out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(out.with_suffix(".json"))
    ids = encode_texts(tokenizer, learnt)
    model, done = train_on(ids, tokenizer, recipe, out, arguments.minutes, arguments.corpus)
    if not done:
        return 0
    print(f"held out: {held_out_bits(model, tokenizer, held_out):.3f} bits per byte")
    print(write_texts(model, tokenizer, 1, torch.Generator().manual_seed(recipe.seed))[0])
    print(f"written: {out}, with its tokenizer {out.with_suffix('.json').name}")
    if out.parent.resolve() == files.DATA:
        for suffix in (".safetensors", ".json"):
            files.record(
                f"{STORIES}{suffix}", "python -m lib.training gpt --corpus stories --out data/gpt_stories.safetensors"
            )
    return 0


def train_on(ids, tokenizer, recipe: Recipe, out: Path, minutes: float | None, corpus: str) -> tuple[FusedGPT, bool]:
    """Train, showing the loss and saving now and then; the model, and whether all steps are done."""
    model, partial = recipe.model(len(tokenizer)), out.with_suffix(".training.safetensors")
    settings = {"corpus": corpus, **asdict(recipe)}
    training = Training(
        model,
        model.loss,
        recipe.batches(ids),
        recipe.steps,
        recipe.peak,
        warmup=WARM_UP,
        rate=recipe.rate,
        fused=True,
        muon=recipe.muon,
        recipe=settings,
    )
    watch = Watch(training, partial, list, minutes)  # no samples on the way
    watch.resume()
    if not watch.to_the_end():
        return model, False
    save_gpt(out, model, recipe=settings, losses=[round(sum(training.losses[-50:]) / 50, 4)])
    partial.unlink(missing_ok=True)
    return load_gpt(out), True

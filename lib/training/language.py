"""A language model, from text to checkpoint: `python -m lib.training gpt --corpus stories`, shakespeare, or a file.

    GPTRecipe, RECIPES           sizes, batches and steps: what the shipped model and notebook 11 are trained with
    read_texts                   the texts to learn from and those held out
    encode_texts, windows        texts as one row of ids; batches of pieces of it without end
    held_out_bits                bits per byte on texts that were not learnt
    write_texts, measure         fresh texts, and whether names, pronouns and causes hold in them
    add_arguments, run           the command: it can be stopped at any time and goes on where it was

A text is a string. Ids are one row (n,), with END before each text and after the last.
"""

import sys
import zlib
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lib.corpora import files
from lib.corpora.own_text import read_text
from lib.corpora.shakespeare import load_shakespeare
from lib.corpora.stories import causes_kept, load_stories, names_kept, pronouns_bound, sentences
from lib.decoding.generate import generate_batch
from lib.decoding.sampling import Sampling
from lib.gpt import END, GPT, STORIES, FusedGPT, bits_per_byte, initial_weights, save_gpt, text_windows
from lib.terminal import SEED, OptionError, as_option, number, whole
from lib.tokenizer import Tokenizer, train_tokenizer
from lib.training.loop import Training
from lib.training.parallel import ALONE, Team
from lib.training.recipes import Recipe
from lib.training.watch import Watch, check_size, new_files

HELD_OUT_STORIES = 300  # the last ones
HELD_OUT_SHARE = 0.1  # of any other text: its end
LEAST = 2_000  # characters of any other text; in Chinese or Thai nothing stands between its words
CALM_DOWN = 0.25  # share of the steps, at the end

OPTIONS = {  # what the command lets one choose of a recipe, and what is recorded of it
    "vocab": whole(257, 1_000_000),  # 256 bytes and END
    "n_positions": whole(2, 100_000),
    "d_model": whole(1, 100_000),
    "n_heads": whole(1, 10_000),
    "n_layers": whole(1, 1_000),
    "batch": whole(1, 100_000),
    "steps": whole(1, 1_000_000_000),
    "peak": number(1e-9, 1),
    "muon": None,
    "seed": SEED,
}


@dataclass(frozen=True, kw_only=True)
class GPTRecipe(Recipe):
    """How a GPT is made: its sizes, its batches, and how it is trained."""

    vocab: int = 2048
    n_positions: int = 320  # the longest story has 309 tokens, so it can be read whole
    d_model: int = 128
    n_heads: int = 4
    n_layers: int = 6
    batch: int = 4  # pieces of text, each as long as the model reads
    steps: int = 8000
    peak: float = 4e-3
    muon: bool = True  # for the matrices (`lib.training.muon`), AdamW for the rest; else AdamW for all

    def model(self, vocab: int) -> FusedGPT:
        """A fresh model with the seed's weights. `vocab`: of its tokenizer, which a short text may leave smaller."""
        model = FusedGPT(vocab, self.n_positions, self.d_model, self.n_heads, self.n_layers)
        return initial_weights(model, torch.Generator().manual_seed(self.seed))

    def rate(self, step: int) -> float:
        """The learning rate at a step, from 0: up, level, and down in the last quarter.

        Until then it does not depend on how many steps there are.
        """
        left = (self.steps - step) / (self.steps * CALM_DOWN)
        return self.peak * min(1.0, (step + 1) / self.warmup, left)

    def batches(self, ids: Tensor, seed: int | None = None) -> Iterator[Tensor]:
        """The batches of the recipe's seed, or of another, without end."""
        generator = torch.Generator().manual_seed(1000 + (self.seed if seed is None else seed))
        return windows(ids, self.n_positions, self.batch, generator)

    def options(self) -> dict[str, Any]:
        """What can be chosen of it on the command line, by name."""
        return {name: getattr(self, name) for name in OPTIONS}

    def check(self) -> None:
        """Raises OptionError when no model can be made of these sizes."""
        if self.d_model % self.n_heads:
            raise OptionError(f"--d-model {self.d_model} does not split into --heads {self.n_heads} of equal size")

    def size(self) -> tuple[int, int]:
        """About how many parameters there are, and numbers that a batch leaves for the gradients."""
        tables = (self.vocab + self.n_positions) * self.d_model
        places = self.batch * self.n_positions * self.n_layers
        weights = self.n_heads * min(self.n_positions, 1024) // 2  # of longer texts none are kept
        return tables + self.n_layers * 12 * self.d_model**2, places * (20 * self.d_model + weights)


RECIPES = {
    "stories": GPTRecipe(),
    "shakespeare": GPTRecipe(vocab=1024, n_positions=256, n_layers=4, steps=1500),
    "notebook": GPTRecipe(n_positions=128, n_layers=4, steps=800, peak=8e-3),
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
    if len(text) < LEAST:
        raise ValueError(f"{corpus} has {len(text):,} characters: too few to learn from; take {LEAST:,} or more")
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


def write_texts(
    model: GPT, tokenizer: Tokenizer, n: int, generator: torch.Generator, temperature: float = 1.0, start: str = ""
) -> list[str]:
    """n texts drawn from the model side by side, each until its END or until the model has no position left.

    temperature: the logits are divided by it; below 1 the likely tokens get likelier (notebook 12)
    """
    end = tokenizer.special[END]
    given = [end, *tokenizer.encode_ordinary(start)]
    limit = max(0, len(model.positions.table) + 1 - len(given))  # the last token is drawn and never read
    written = generate_batch(model, [given] * n, limit, Sampling(temperature).picker(generator), stop=[[end]])
    return [tokenizer.decode([*given[1:], *(ids[:-1] if ids[-1:] == [end] else ids)]) for ids in written]


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
    parser.add_argument(
        "--minutes", type=number(0, 1e6), help="stop after so many processor minutes; run again to go on"
    )
    for name, kind in OPTIONS.items():
        how = {"type": kind, "metavar": "N"} if kind else {"action": BooleanOptionalAction}
        parser.add_argument(as_option(name), dest=name, help="default: what suits the corpus", **how)


def run(arguments: Namespace, team: Team = ALONE) -> int:
    """Train as the arguments say, going on from a training that was stopped. Returns the exit status."""
    recipe = RECIPES.get(arguments.corpus, RECIPES["shakespeare"])
    chosen = {name: getattr(arguments, name) for name in OPTIONS}
    recipe = replace(recipe, **{name: value for name, value in chosen.items() if value is not None})
    recipe.check()
    if recipe.batch < team.size:
        raise OptionError(f"--batch {recipe.batch} is too small for {team.size} processes: each takes rows of it")
    check_size(*recipe.size(), recipe.options())
    name = arguments.corpus if arguments.corpus in RECIPES else Path(arguments.corpus).stem
    out = arguments.out or files.DATA.parent / "mywork" / f"gpt_{name}.safetensors"
    tokenizer_file, half_done = team.in_turn(lambda: new_files(out))
    tell = (lambda complaint: print(complaint, file=sys.stderr)) if team.first else None
    learnt, held_out = team.in_turn(lambda: read_texts(arguments.corpus, tell))  # the first one downloads
    tokenizer = train_tokenizer(learnt, recipe.vocab, [END])
    ids = encode_texts(tokenizer, learnt)
    if len(ids) <= recipe.n_positions:
        raise ValueError(
            f"{arguments.corpus} has {len(ids):,} tokens to learn from: --positions {recipe.n_positions} is "
            f"too many for it"
        )
    settings = {"corpus": arguments.corpus, **recipe.options()}
    known = settings | {"sum": zlib.crc32(repr(learnt).encode())}  # a text that was changed is another one
    training = train_on(ids, tokenizer, recipe, half_done, arguments.minutes, known, team)
    if training is None or not team.first:
        return 0
    model = training.model
    out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(tokenizer_file)  # with its model and not before: an older model there keeps its own
    save_gpt(out, model, recipe=settings, losses=[round(sum(training.losses[-50:]) / 50, 4)])
    half_done.unlink(missing_ok=True)
    print(f"held out: {held_out_bits(model, tokenizer, held_out):.3f} bits per byte")
    print(write_texts(model, tokenizer, 1, torch.Generator().manual_seed(recipe.seed))[0])
    print(f"written: {out}, with its tokenizer {tokenizer_file.name}")
    if out.parent.resolve() == files.DATA:
        for suffix in (".safetensors", ".json"):
            files.record(
                f"{STORIES}{suffix}", "python -m lib.training gpt --corpus stories --out data/gpt_stories.safetensors"
            )
    return 0


def train_on(
    ids: Tensor,
    tokenizer: Tokenizer,
    recipe: GPTRecipe,
    half_done: Path,
    minutes: float | None,
    settings: dict,
    team: Team = ALONE,
) -> Training | None:
    """Train, showing the loss and saving now and then; None if it was stopped before its end."""
    model = recipe.model(len(tokenizer))
    how = {**recipe.keywords(), "rate": recipe.rate, "recipe": settings}
    training = team.training(model, model.loss, recipe.batches(ids), **how)
    watch = Watch(training, half_done, list, minutes, team.first_says)  # no samples on the way
    watch.resume()
    return training if watch.to_the_end() else None

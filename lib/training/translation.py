"""Translation of real text, from files to checkpoint: `python -m lib.training translate --corpus multi30k --target de`.

    TranslationRecipe      sizes, batches and steps: what a model is made with
    new_model              a Transformer whose two languages share tokens and vectors
    load_model             a trained one with its tokenizer
    translate_texts        sentences in, sentences out
    add_arguments, run     the command: it can be stopped at any time and goes on where it was

The blocks of the notebooks in their fused variants. Both languages are cut by one tokenizer (byte pair encoding).
"""

import argparse
import random
import sys
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lib import checkpoints
from lib.batching import SPECIAL, IdPair, longer_side, translation_batches
from lib.corpora import files
from lib.corpora.own_text import LONGEST
from lib.decoding.search import translate
from lib.fused import FusedTransformer
from lib.layers import fresh_weights
from lib.terminal import SEED, THREADS, OptionError, as_option, number, whole
from lib.tokenizer import Tokenizer, train_tokenizer
from lib.training.mteval import mteval_bleu
from lib.training.pairs import TextPairs, read_corpus
from lib.training.parallel import ALONE, Team
from lib.training.recipes import Recipe
from lib.training.watch import Watch, check_size, new_files
from lib.transformer import Transformer

MOST_EPOCHS = 30  # of a small corpus
SAMPLES = 2  # sentences that are shown as the model translates them while it learns


OPTIONS = {  # what the command lets one choose of a recipe, and what is recorded of it
    "vocab": whole(256 + len(SPECIAL), 1_000_000),
    "d_model": whole(2, 100_000),
    "n_heads": whole(1, 10_000),
    "encoder_blocks": whole(1, 1_000),
    "decoder_blocks": whole(1, 1_000),
    "dropout": number(0, 0.99),
    "smoothing": number(0, 1),
    "tokens": whole(1, 10_000_000),
    "steps": whole(1, 1_000_000_000),
    "peak": number(1e-9, 1),
    "warmup": whole(0, 1_000_000_000),
    "seed": SEED,
}


@dataclass(frozen=True, kw_only=True)
class TranslationRecipe(Recipe):
    """How a translator is made: its sizes, its batches, and how it is trained. The numbers are those for Multi30k.

    dropout: of the embeddings and of what each part of a block adds. Inside the feed-forward networks there is none: so
    the numbers were found, and its 4 d_model dice a position took more time than they gained.
    """

    vocab: int = 4096
    d_model: int = 128
    n_heads: int = 4
    encoder_blocks: int = 3
    decoder_blocks: int = 3
    dropout: float = 0.1
    smoothing: float = 0.1
    tokens: int = 1500  # of a batch, padding included, on the longer side
    steps: int = 3200
    peak: float = 5e-3
    warmup: int = 120
    muon: bool = True

    def options(self) -> dict[str, Any]:
        """What can be chosen of it on the command line, by name."""
        return {name: getattr(self, name) for name in OPTIONS}

    def check(self) -> None:
        """Raises OptionError when no model can be made of these sizes."""
        if self.d_model % self.n_heads or self.d_model % 2:
            raise OptionError(
                f"--d-model {self.d_model} does not split into --heads {self.n_heads} of equal size, or is odd"
            )

    def size(self) -> tuple[int, int]:
        """About how many parameters there are, and numbers that a batch leaves for the gradients."""
        matrices = 12 * self.encoder_blocks + 16 * self.decoder_blocks  # of d_model x d_model
        numbers = self.d_model * (self.vocab + matrices * self.d_model)
        return numbers, 2 * self.tokens * self.d_model * matrices


def encode_pairs(tokenizer: Tokenizer, pairs: TextPairs) -> list[tuple[list[int], list[int]]]:
    """Texts to ids, without <SOS> and <EOS>."""
    encode = tokenizer.encode_ordinary
    return [(encode(source), encode(target)) for source, target in pairs]


# ---------------------------------------------------------------------------------------------------------------- model


def new_model(recipe: TranslationRecipe, vocab: int) -> FusedTransformer:
    """Fresh weights from the recipe's seed. `vocab`: of the tokenizer, which a small corpus may leave smaller."""
    embedding = nn.Embedding(vocab, recipe.d_model)  # of both languages, and of the output
    n_blocks = recipe.encoder_blocks, recipe.decoder_blocks
    d_ff = 4 * recipe.d_model
    model = FusedTransformer.stacked(embedding, embedding, recipe.n_heads, d_ff, n_blocks, recipe.dropout)
    for block in [*model.encoder.blocks, *model.decoder.blocks]:
        block.feed_forward.dropout.p = 0.0  # as the recipe says
    return fresh_weights(model, torch.Generator().manual_seed(recipe.seed))


def load_model(path: Path | str) -> tuple[Transformer, Tokenizer, dict]:
    """A trained model, ready to translate, its tokenizer, and what is known of it: recipe, corpus, scores.

    Raises ValueError when `path`, or the tokenizer beside it, holds something else.
    """
    tensors, settings = checkpoints.load(path)
    if settings.get("kind") != "translation":
        raise ValueError(f"{path} is no model of `python -m lib.training translate`")
    beside = Path(path).with_suffix(".json")
    if not beside.is_file():
        raise FileNotFoundError(f"{path} has no tokenizer: {beside.name} should lie beside it")
    tokenizer = Tokenizer.load(beside)
    recipe = _recorded(path, settings.get("recipe"))
    table = tuple(tensors["source_embedding.weight"].shape) if "source_embedding.weight" in tensors else ()
    if table != (len(tokenizer), recipe.d_model):
        raise ValueError(f"{path} and {beside.name} do not fit: {len(tokenizer):,} tokens, embeddings {table}")
    for stack, blocks in (("encoder", recipe.encoder_blocks), ("decoder", recipe.decoder_blocks)):
        found = {name.split(".")[2] for name in tensors if name.startswith(f"{stack}.blocks.")}
        if len(found) != blocks:  # before as many are made as a damaged file may name
            raise ValueError(f"{path} is damaged: {len(found)} blocks in its {stack} instead of {blocks}")
    model = new_model(recipe, len(tokenizer))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(
            f"{path} is damaged: its tensors do not fit its recipe ({' '.join(str(error).split()):.150})"
        ) from None
    return model.eval(), tokenizer, settings


def _recorded(path: Path | str, recipe: Any) -> TranslationRecipe:
    """The recipe that a checkpoint names, each number of it one that the command could have been given."""
    try:
        chosen = TranslationRecipe(**{name: OPTIONS[name](str(value)) for name, value in recipe.items()})
        chosen.check()
    except (AttributeError, KeyError, TypeError, OptionError, argparse.ArgumentTypeError) as error:
        raise ValueError(f"{path} is damaged: its recipe cannot be used ({error})") from None
    return chosen


def translate_texts(model: Transformer, tokenizer: Tokenizer, texts: Sequence[str], beams: int = 4) -> list[str]:
    """Texts to texts, one sentence each; an empty one stays empty."""
    ids = [tokenizer.encode_ordinary(" ".join(text.split())) for text in texts]
    there = [i for i, sentence in enumerate(ids) if sentence]
    limit = 20 + 2 * max((len(ids[i]) for i in there), default=0)
    written = [""] * len(texts)
    for i, found in zip(there, translate(model, [ids[i] for i in there], limit, beams), strict=True):
        written[i] = tokenizer.decode(found)
    return written


# -------------------------------------------------------------------------------------------------------------- command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m lib.training translate`."""
    parser.description = "Train a Transformer to translate: real captions, the course's Italian, or a file of yours."
    parser.add_argument("--corpus", default="multi30k", help="multi30k, italian, or a file: two columns, a tab between")
    parser.add_argument("--target", default="de", choices=("de", "fr"), help="Multi30k's language to translate into")
    parser.add_argument("--out", type=Path, help="the model to write (default: mywork/translate_NAME.safetensors)")
    parser.add_argument(
        "--minutes", type=number(0, 1e6), help="stop after so many processor minutes; run again to go on"
    )
    parser.add_argument("--threads", type=THREADS, help="processor threads (default: as many as PyTorch finds useful)")
    parser.add_argument(
        "--beams", type=whole(1, 100), default=4, help="width of the search when the test is scored (default: 4)"
    )
    parser.add_argument(
        "--say", nargs="+", metavar="TEXT", help="train nothing: translate these with the trained model"
    )
    for name, kind in OPTIONS.items():
        parser.add_argument(
            as_option(name), dest=name, type=kind, metavar="N", help=f"default: {getattr(TranslationRecipe, name)}"
        )


def run(arguments: argparse.Namespace, team: Team = ALONE) -> int:
    """Train as the arguments say, going on from a training that was stopped. Returns the exit status."""
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    name = {"multi30k": f"multi30k_{arguments.target}"}.get(arguments.corpus, Path(arguments.corpus).stem)
    out = arguments.out or files.DATA.parent / "mywork" / f"translate_{name}.safetensors"
    if arguments.say:
        if too_long := max(arguments.say, key=len)[LONGEST:]:
            raise OptionError(f"--say: a text is {LONGEST + len(too_long):,} characters long, {LONGEST:,} at most")
        model, tokenizer, _ = load_model(out)
        print("\n".join(translate_texts(model, tokenizer, arguments.say, arguments.beams)))
        return 0
    chosen = {name: value for name in OPTIONS if (value := getattr(arguments, name)) is not None}
    recipe = TranslationRecipe(**chosen)
    recipe.check()
    check_size(*recipe.size(), recipe.options())
    tokenizer_file, half_done = team.in_turn(lambda: new_files(out))
    corpus = team.in_turn(lambda: read_corpus(arguments.corpus, arguments.target))  # the first one downloads
    for complaint in corpus.complaints if team.first else ():
        print(complaint, file=sys.stderr)
    tokenizer = train_tokenizer([text for pair in corpus.train for text in pair], recipe.vocab, SPECIAL)
    pairs = encode_pairs(tokenizer, corpus.train)
    recipe = _for_so_many(recipe, pairs, chosen)
    settings = {"corpus": arguments.corpus, "pairs": len(pairs), "sum": zlib.crc32(repr(corpus.train).encode())}
    model = new_model(recipe, len(tokenizer))
    training = team.training(
        model,
        lambda batch: model.loss(batch, recipe.smoothing),
        translation_batches(pairs, recipe.tokens, random.Random(recipe.seed), longer_side),
        **recipe.keywords(),
        generator=torch.Generator().manual_seed(recipe.seed),
        recipe=recipe.options() | settings,
    )
    sources = [source for source, _ in corpus.look[:SAMPLES]]

    def samples() -> list[str]:
        written = translate_texts(model.eval(), tokenizer, sources, beams=1)
        return [f"{source}\n    -> {target}" for source, target in zip(sources, written, strict=True)]

    watch = Watch(training, half_done, samples if team.first else list, arguments.minutes, team.first_says)
    watch.resume()
    size = sum(parameter.numel() for parameter in model.parameters())
    print(f"{len(pairs):,} pairs, {len(tokenizer):,} tokens, {size:,} parameters, {recipe.steps:,} steps", flush=True)
    if not watch.to_the_end() or not team.first:
        return 0
    scores = score(model, tokenizer, corpus.test, sorted({1, arguments.beams}))
    made = {"kind": "translation", "recipe": recipe.options(), "scores": scores, **settings}
    out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(tokenizer_file)  # with its model and not before: an older model there keeps its own
    checkpoints.save(out, model, made)
    for beams, bleu in scores.items():
        print(f"{corpus.scored}, {len(corpus.test):,} sentences: BLEU {bleu:.2f} with {beams} beam{'s'[: beams > 1]}")
    print(f"written: {out}, with its tokenizer {tokenizer_file.name}")
    return 0


def _for_so_many(recipe: TranslationRecipe, pairs: Sequence[IdPair], chosen: Collection[str]) -> TranslationRecipe:
    """The recipe with fewer steps for a small corpus, unless their number was chosen."""
    if "steps" not in chosen:
        lengths = sum(map(longer_side, pairs))
        recipe = replace(recipe, steps=min(recipe.steps, max(100, MOST_EPOCHS * lengths // recipe.tokens)))
    if "warmup" not in chosen:
        recipe = replace(recipe, warmup=min(recipe.warmup, max(1, recipe.steps // 10)))
    return recipe


def score(model: Transformer, tokenizer: Tokenizer, pairs: TextPairs, widths: Sequence[int]) -> dict[int, float]:
    """sacreBLEU's number of the test pairs, for each width of the search."""
    sources, right = [source for source, _ in pairs], [target for _, target in pairs]
    return {beams: mteval_bleu(translate_texts(model, tokenizer, sources, beams), right) for beams in widths}

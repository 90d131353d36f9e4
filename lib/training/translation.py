"""Translation of real text, from files to checkpoint: `python -m lib.training translate --corpus multi30k --target de`.

    Recipe                 sizes, batches and steps: what a model is made with
    Corpus, read_corpus    pairs of sentences to learn from, to look at while learning, and to be scored on
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
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from lib import checkpoints
from lib.batching import SPECIAL, longer_side, translation_batches
from lib.corpora import files
from lib.corpora.italian import load_pairs
from lib.corpora.multi30k import load_multi30k
from lib.corpora.own_text import read_pairs
from lib.decoding.search import translate
from lib.fused import FusedTransformer
from lib.layers import fresh_weights
from lib.tokenizer import Tokenizer, train_tokenizer
from lib.training import Training
from lib.training.mteval import mteval_bleu
from lib.training.watch import Watch
from lib.transformer import Transformer

TextPairs = list[tuple[str, str]]
HELD_OUT = 500  # pairs to look at, and pairs to be scored on; fewer of a small corpus
FEWEST = 20  # pairs of a corpus
MOST_EPOCHS = 30  # of a small corpus
SAMPLES = 2  # sentences that are shown as the model translates them while it learns


@dataclass(frozen=True)
class Recipe:
    """How a model is made: a training is the same if its recipe is. The numbers are those found for Multi30k.

    Its matrices are trained by Muon (`lib.training.muon`), the rest by AdamW, at the same rate.
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
    seed: int = 0


class Corpus(NamedTuple):
    """Pairs (source, target). `scored`: what the test pairs are called. `complaints`: of unusable lines."""

    train: TextPairs
    look: TextPairs
    test: TextPairs
    scored: str
    complaints: Sequence[str] = ()


# ---------------------------------------------------------------------------------------------------- pairs and batches


def read_corpus(corpus: str, target: str = "de") -> Corpus:
    """The pairs of "multi30k" (English to `target`: de or fr), of "italian", or of a file with two columns."""
    if corpus == "multi30k":
        train, look, test = (load_multi30k(target, split) for split in ("train", "val", "test"))
        return Corpus(train, look, test, "flickr 2016")
    if corpus == "italian":
        train, test = ([(pair.english, pair.italian) for pair in load_pairs(split)] for split in ("train", "test"))
        train, look, more = split_pairs(train)
        return Corpus(train + more, look, test, "the course's test pairs")
    pairs, complaints = read_pairs(corpus)
    if len(pairs) < FEWEST:
        raise ValueError(
            f"{corpus} has {len(pairs)} usable pairs: {FEWEST} at least are needed, thousands to learn much"
        )
    train, look, test = split_pairs(pairs)
    return Corpus(train, look, test, "pairs held out from your file", complaints)


def split_pairs(pairs: TextPairs) -> tuple[TextPairs, TextPairs, TextPairs]:
    """Pairs to learn from, to look at and to be scored on, the same in every run.

    All pairs of one source sentence stay together, so that no answer is learnt by heart before it is asked for.
    """
    sources = sorted({source for source, _ in pairs}, key=lambda text: (zlib.crc32(text.encode()), text))
    number = max(1, min(HELD_OUT, len(sources) // 20))
    look, test = set(sources[:number]), set(sources[number : 2 * number])
    return (
        [pair for pair in pairs if pair[0] not in look and pair[0] not in test],
        [pair for pair in pairs if pair[0] in look],
        [pair for pair in pairs if pair[0] in test],
    )


def encode_pairs(tokenizer: Tokenizer, pairs: TextPairs) -> list[tuple[list[int], list[int]]]:
    """Texts to ids, without <SOS> and <EOS>."""
    encode = tokenizer.encode_ordinary
    return [(encode(source), encode(target)) for source, target in pairs]


# ---------------------------------------------------------------------------------------------------------------- model


def new_model(recipe: Recipe, vocab: int) -> FusedTransformer:
    """Fresh weights from the recipe's seed. `vocab`: of the tokenizer, which a small corpus may leave smaller."""
    embedding = nn.Embedding(vocab, recipe.d_model)  # of both languages, and of the output
    n_blocks = recipe.encoder_blocks, recipe.decoder_blocks
    d_ff = 4 * recipe.d_model
    model = FusedTransformer.stacked(embedding, embedding, recipe.n_heads, d_ff, n_blocks, recipe.dropout)
    for block in [*model.encoder.blocks, *model.decoder.blocks]:
        block.feed_forward.dropout = nn.Identity()  # its 4 · d_model dice a position cost more than they gain here
    return fresh_weights(model, torch.Generator().manual_seed(recipe.seed))


def load_model(path: Path | str) -> tuple[Transformer, Tokenizer, dict]:
    """A trained model, ready to translate, its tokenizer, and what is known of it: recipe, corpus, scores."""
    tensors, settings = checkpoints.load(path)
    if settings.get("kind") != "translation":
        raise ValueError(f"{path} is no model of `python -m lib.training translate`")
    tokenizer = Tokenizer.load(Path(path).with_suffix(".json"))
    model = new_model(Recipe(**settings["recipe"]), len(tokenizer))
    model.load_state_dict(tensors)
    return model.eval(), tokenizer, settings


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
    parser.add_argument("--minutes", type=float, help="stop after so many processor minutes; run again to go on")
    parser.add_argument("--threads", type=int, help="processor threads (default: as many as PyTorch finds useful)")
    parser.add_argument("--beams", type=int, default=4, help="width of the search when the test is scored (default: 4)")
    parser.add_argument(
        "--say", nargs="+", metavar="TEXT", help="train nothing: translate these with the trained model"
    )
    for name, number in asdict(Recipe()).items():
        option = "--" + name.removeprefix("n_").replace("_", "-")
        parser.add_argument(option, dest=name, type=type(number), metavar="N", help=f"default: {number}")


def run(arguments: argparse.Namespace) -> int:
    """Train as the arguments say, going on from a training that was stopped. Returns the exit status."""
    if arguments.beams < 1:
        raise ValueError(f"--beams {arguments.beams}: a search keeps at least one beam")
    if arguments.threads is not None:
        torch.set_num_threads(max(1, arguments.threads))
    name = {"multi30k": f"multi30k_{arguments.target}"}.get(arguments.corpus, Path(arguments.corpus).stem)
    out = arguments.out or files.DATA.parent / "mywork" / f"translate_{name}.safetensors"
    if arguments.say:
        model, tokenizer, _ = load_model(out)
        print("\n".join(translate_texts(model, tokenizer, arguments.say, arguments.beams)))
        return 0
    corpus = read_corpus(arguments.corpus, arguments.target)
    for complaint in corpus.complaints:
        print(complaint, file=sys.stderr)
    tokenizer = train_tokenizer(
        [text for pair in corpus.train for text in pair], arguments.vocab or Recipe.vocab, SPECIAL
    )
    pairs = encode_pairs(tokenizer, corpus.train)
    recipe = _recipe(arguments, pairs)
    settings = {"corpus": arguments.corpus, "pairs": len(pairs), "sum": zlib.crc32(repr(corpus.train).encode())}
    model = new_model(recipe, len(tokenizer))
    training = Training(
        model,
        lambda batch: model.loss(batch, recipe.smoothing),
        translation_batches(pairs, recipe.tokens, random.Random(recipe.seed), longer_side),
        recipe.steps,
        recipe.peak,
        recipe.warmup,
        fused=True,
        muon=True,
        generator=torch.Generator().manual_seed(recipe.seed),
        recipe=asdict(recipe) | settings,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    sources = [source for source, _ in corpus.look[:SAMPLES]]

    def samples() -> list[str]:
        written = translate_texts(model.eval(), tokenizer, sources, beams=1)
        return [f"{source}\n    -> {target}" for source, target in zip(sources, written, strict=True)]

    watch = Watch(training, out.with_suffix(".training.safetensors"), samples, arguments.minutes)
    watch.resume()
    tokenizer.save(out.with_suffix(".json"))
    size = sum(parameter.numel() for parameter in model.parameters())
    print(f"{len(pairs):,} pairs, {len(tokenizer):,} tokens, {size:,} parameters, {recipe.steps:,} steps", flush=True)
    if not watch.to_the_end():
        return 0
    scores = score(model, tokenizer, corpus.test, sorted({1, arguments.beams}))
    made = {"kind": "translation", "recipe": asdict(recipe), "scores": scores, **settings}
    checkpoints.save(out, model, made)
    for beams, bleu in scores.items():
        print(f"{corpus.scored}, {len(corpus.test):,} sentences: BLEU {bleu:.2f} with {beams} beam{'s'[: beams > 1]}")
    print(f"written: {out}, with its tokenizer {out.with_suffix('.json').name}")
    return 0


def _recipe(arguments: argparse.Namespace, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Recipe:
    """The default numbers, but for those on the command line, and fewer steps for a small corpus."""
    chosen = {name: getattr(arguments, name) for name in asdict(Recipe())}
    recipe = replace(Recipe(), **{name: number for name, number in chosen.items() if number is not None})
    lengths = sum(map(longer_side, pairs))
    if arguments.steps is None:
        recipe = replace(recipe, steps=min(recipe.steps, max(100, MOST_EPOCHS * lengths // recipe.tokens)))
    if arguments.warmup is None:
        recipe = replace(recipe, warmup=min(recipe.warmup, max(1, recipe.steps // 10)))
    return recipe


def score(model: Transformer, tokenizer: Tokenizer, pairs: TextPairs, widths: Sequence[int]) -> dict[int, float]:
    """sacreBLEU's number of the test pairs, for each width of the search."""
    sources, right = [source for source, _ in pairs], [target for _, target in pairs]
    return {beams: mteval_bleu(translate_texts(model, tokenizer, sources, beams), right) for beams in widths}

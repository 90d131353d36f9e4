"""The course's English-Italian translator: what it is made of, how it is trained, and the trained one.

    corpus            vocabularies of both languages, and the pairs as ids
    new_translator    a Transformer with fresh weights                             notebook 09
    SIZES, RECIPE     what it is trained with                                      notebook 09
    load_translator   a trained one from data/, with its vocabularies              notebook 10

The same blocks as everywhere, with fused norms. The one in data/ was trained a little less (KEPT), by
`python benchmarks/translation.py checkpoint`: notebook 10 looks for its mistakes.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from lib import checkpoints
from lib.batching import SPECIAL, Vocabulary
from lib.corpora import files
from lib.corpora.italian import load_pairs
from lib.layers import FusedLayerNorm, FusedPreNorm, fresh_weights
from lib.training.recipes import Recipe
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Transformer

FILE = "translator.safetensors"
SIZES = {"d_model": 128, "n_heads": 4, "d_ff": 512, "n_blocks": 2}
TOKENS = 250  # target tokens a batch
RECIPE = Recipe(steps=4600, peak=2e-3, warmup=200).keywords()  # as notebook 09 tells them to `train`
KEPT = RECIPE | {"steps": 4000}

IdPairs = list[tuple[list[int], list[int]]]


def corpus() -> tuple[Vocabulary, Vocabulary, IdPairs]:
    """The English and the Italian vocabulary, and the training pairs as ids."""
    pairs = [pair.words() for pair in load_pairs()]
    english, italian = Vocabulary(e for e, _ in pairs), Vocabulary(i for _, i in pairs)
    return english, italian, [(english.encode(e), italian.encode(i)) for e, i in pairs]


def new_translator(
    sources: int,
    targets: int,
    generator: torch.Generator,
    d_model: int = 128,
    n_heads: int = 4,
    d_ff: int = 512,
    n_blocks: int = 2,
    kind: type[nn.Module] = Transformer,
    shortcut: type[nn.Module] = FusedPreNorm,
) -> nn.Module:
    """A Transformer for vocabularies of these sizes, its weights drawn from the generator."""
    sizes = d_model, n_heads, d_ff, 0.0, shortcut
    norms = [FusedLayerNorm(d_model) if issubclass(shortcut, FusedPreNorm) else None for _ in range(2)]
    model = kind(
        nn.Embedding(sources, d_model),
        nn.Embedding(targets, d_model),
        Encoder([EncoderBlock(*sizes) for _ in range(n_blocks)], norms[0]),
        Decoder([DecoderBlock(*sizes) for _ in range(n_blocks)], norms[1]),
    )
    return fresh_weights(model, generator)


def load_translator() -> tuple[Transformer, Vocabulary, Vocabulary]:
    """The trained translator of data/, ready to translate, and the English and Italian vocabularies."""
    tensors, settings = checkpoints.load(files.path(FILE))
    english, italian = _vocabulary(settings["english"]), _vocabulary(settings["italian"])
    model = new_translator(len(english), len(italian), torch.Generator(), **settings["sizes"])
    model.load_state_dict(tensors)
    return model.eval(), english, italian


def save_translator(model: Transformer, english: Vocabulary, italian: Vocabulary, made: dict) -> None:
    """Write data/translator.safetensors: weights, sizes, words in the order of their ids, and how it was made."""
    settings = {"sizes": SIZES, "english": list(_plain(english.words)), "italian": list(_plain(italian.words))}
    checkpoints.save(files.path(FILE), model, settings | {"made": made})


def _plain(words: Sequence[str]) -> Iterator[str]:
    return iter(words[len(SPECIAL) :])


def _vocabulary(words: Sequence[str]) -> Vocabulary:
    vocabulary = Vocabulary([])
    vocabulary.words += words
    vocabulary.ids_of = {word: i for i, word in enumerate(vocabulary.words)}
    return vocabulary

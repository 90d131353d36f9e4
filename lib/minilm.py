"""Published weights in the course's Bert: all-MiniLM-L6-v2 (Reimers and Gurevych 2019, Wang et al. 2020).

    load_minilm         the model and its tokenizer, fetched once
    sentence_vectors    texts to vectors of length 1: the nearer in meaning, the larger their dot product
    bert_of             the Bert that tensors under Hugging Face's names make
    take_weights        such tensors into a Bert, or into one with a head

6 blocks, d_model 384, 12 heads, d_ff 1,536, 512 positions, 30,522 pieces of words: 22,713,216 parameters. MiniLM learnt
to attend as a larger BERT does, then, from over a billion pairs of texts, to give what belongs together vectors that
lie together. Its pooler is in the file and takes no part in that: the vector of a text is the mean over its words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from lib import checkpoints
from lib.batching import pad_batch, similar_lengths
from lib.bert import Bert, mean_pool
from lib.downloads import fetch
from lib.published_names import BERT, block_count, must_fit, our_name
from lib.wordpiece import WordPieceTokenizer

WEIGHTS, PIECES = "model.safetensors", "vocab.txt"
HEADS, LONGEST = 12, 256  # heads of MiniLM; so many pieces of a text it was made to read
HEAD = re.compile(r"cls\.|classifier\.")
LEFT_OUT = re.compile(r"^cls\.(predictions\.decoder|seq_relationship)\.|position_ids$")  # tied, another head, a buffer


def load_minilm(
    folder: str | Path | None = None,
    n_heads: int = HEADS,
    bert: Callable[..., Bert] = Bert,
    **options: Any,
) -> tuple[Bert, WordPieceTokenizer]:
    """The model, in eval mode, and its tokenizer.

    folder: with model.safetensors and vocab.txt of another model; None: the published ones, fetched by `lib.downloads`
    bert: what is made of its sizes: a Bert, or one of other pieces    options: as of WordPieceTokenizer

    Raises ConnectionError, in a sentence that says what to do, when they are neither here nor to be had, and ValueError
    with the file's name when it holds something else.
    """
    weights, pieces = (fetch(f"minilm/{name}") if folder is None else Path(folder) / name for name in (WEIGHTS, PIECES))
    tensors, _ = checkpoints.load(weights)
    try:
        model = bert_of(tensors, n_heads, bert)
    except ValueError as error:
        raise ValueError(f"{weights} holds no such model: {error}") from None
    try:
        tokenizer = WordPieceTokenizer.load(pieces, **options)
    except ValueError as error:
        raise ValueError(f"{pieces} holds no list of pieces: {error}") from None
    if len(tokenizer) != (vocab := model.embeddings.words.num_embeddings):
        raise ValueError(f"{pieces} has {len(tokenizer):,} pieces, {weights} a table of {vocab:,}")
    return model, tokenizer


def bert_of(tensors: Mapping[str, Tensor], n_heads: int, bert: Callable[..., Bert] = Bert) -> Bert:
    """A Bert with these weights, in eval mode, float32; its other sizes are those of the tensors.

    tensors: under the names of Hugging Face's BertModel, or of a BERT with a head, which is left out

    Raises ValueError when they are no BERT's.
    """
    ours = {our_name(name.removeprefix("bert."), BERT): tensor for name, tensor in tensors.items()}
    table, positions = ours.get("embeddings.words.weight"), ours.get("embeddings.positions.table")
    widen = ours.get("encoder.blocks.0.feed_forward.widen.weight")
    if any(part is None or part.dim() != 2 for part in (table, positions, widen)):
        raise ValueError("it lacks word embeddings, positions, or a block with a feed-forward")
    n_layers = block_count(tensors)
    vocab, d_model = table.shape
    return take_weights(bert(vocab, d_model, n_heads, n_layers, len(widen), len(positions)), tensors).eval()


def take_weights(model: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Copy Hugging Face's weights into a Bert, a BertForMaskedWords or a BertClassifier of their size; returns it.

    A head that the model lacks is left out. Where the tensors lack the pooler, the model keeps its own. Raises
    ValueError that names the first tensor that is missing, of another shape, or not known.
    """
    bare, ours = isinstance(model, Bert), {}
    for name, tensor in tensors.items():
        of_head = HEAD.match(name)
        if not LEFT_OUT.search(name) and not (bare and of_head):
            ours[("" if bare or of_head else "bert.") + our_name(name.removeprefix("bert."), BERT)] = tensor.float()
    wanted = model.state_dict()
    ours = {name: part for name, part in wanted.items() if "pooler." in name} | ours
    must_fit(ours, wanted)
    model.load_state_dict(ours)
    return model


@torch.no_grad()
def sentence_vectors(
    model: Bert,
    tokenizer: WordPieceTokenizer,
    texts: Sequence[str],
    longest: int = LONGEST,
    tokens: int = 512,
    pool: Callable[[Tensor, Tensor], Tensor] = mean_pool,
) -> Tensor:
    """The vector of each text, (text, d_model), of length 1: the mean over its words, [CLS] and [SEP] included.

    longest: so many pieces of a text are read    tokens: about so many are read at once
    pool: x (batch, position, d_model) and a mask to a vector a text

    The dot product of two of them is their cosine. Without autograd.
    """
    encoded = [tokenizer.encode(text, longest=longest).ids for text in texts]
    vectors = torch.empty(len(encoded), model.embeddings.words.embedding_dim)
    for chosen in similar_lengths(list(map(len, encoded)), tokens):
        ids, mask = pad_batch([encoded[i] for i in chosen])
        vectors[chosen] = normalize(pool(model(ids, mask=mask), mask), dim=-1)
    return vectors

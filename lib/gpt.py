"""GPT: a stack of blocks that looks back only, trained to say what comes next (Radford et al. 2018, 2019).

    gpt_loss              how much the next tokens of a text surprise a model                  notebook 11
    GPT                   embedding, positions, blocks under a causal mask, the same table out    notebook 11
    initial_weights       GPT-2's fresh weights, small enough to know nothing                  notebook 11
    bigram_loss           the same surprise for a table of counted pairs                       notebook 11
    bits_per_byte         a loss that does not depend on how the text was cut into tokens      notebook 11
    text_windows          pieces of a long text as rows
    FusedGPT              the same model and weights out of fused blocks: faster
    save_gpt, load_gpt, load_stories_gpt    checkpoints; the one that comes with the course

Shapes are written (batch, position, d_model). `ids` are (batch, position), int64.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import gelu

from lib import checkpoints
from lib.attention import causal_mask
from lib.corpora import files
from lib.fused import FusedEncoderBlock, tied_loss
from lib.layers import FusedLayerNorm, LayerNorm
from lib.positions import LearnedPositions
from lib.tokenizer import Tokenizer
from lib.transformer import EncoderBlock

STORIES = "gpt_stories"  # data/gpt_stories.safetensors and its tokenizer, data/gpt_stories.json
END = "<|endoftext|>"  # stands before, between and after texts


def gpt_loss(model: Callable[[Tensor], Tensor], ids: Tensor) -> Tensor:
    """How much the next token surprises a model on average, in nats: the mean of -ln p(right token).

    model: ids (batch, position) to logits (batch, position, vocab)    ids: (batch, length), length at least 2

    Each token but the first is guessed from those before it. Returns one number, a 0-d tensor of the logits' dtype.
    """
    logits = model(ids[:, :-1])
    return functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


class GPT(nn.Module):
    """What comes next? A stack of pre-norm blocks that look back only, and one table for words in and words out."""

    def __init__(
        self,
        vocab: int,
        n_positions: int,
        d_model: int,
        n_heads: int,
        n_layers: int,
        dropout: float = 0.0,
        activation: Callable[[Tensor], Tensor] = gelu,
        block: Callable[..., nn.Module] = EncoderBlock,
    ):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.dropout = nn.Dropout(dropout)
        sizes = d_model, n_heads, 4 * d_model, dropout
        self.blocks = nn.ModuleList(block(*sizes, bias=True, activation=activation) for _ in range(n_layers))
        self.norm = LayerNorm(d_model)

    def embed(self, ids: Tensor, start: int = 0) -> Tensor:
        """ids (batch, position) to x (batch, position, d_model); `start` is the position of the first of them."""
        return self.dropout(self.positions(self.embedding(ids), start))

    def logits(self, x: Tensor) -> Tensor:
        """x (..., d_model), as the last block leaves it: normed, then compared with every token's row (..., vocab)."""
        return self.norm(x) @ self.embedding.weight.T

    def forward(self, ids: Tensor) -> Tensor:
        """ids (batch, position) to logits (batch, position, vocab): at each position for the token after it."""
        x = self.embed(ids)
        mask = causal_mask(ids.shape[1]).to(ids.device)
        for block in self.blocks:
            x = block(x, mask)
        return self.logits(x)

    def loss(self, ids: Tensor) -> Tensor:
        """`gpt_loss` of this model: ids (batch, length) to one number, in nats a token."""
        return gpt_loss(self, ids)


def initial_weights(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """GPT-2's fresh weights: normal numbers of size 0.02, biases 0, norms 1 and 0.

    The two matrices that end a branch, `to_out` and `narrow`, are smaller by √(2 n_layers): so many branches are added
    up on the way through the stack. Changes the model and returns it.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("to_out.weight", "narrow.weight")):
                parameter.normal_(0, 0.02 / math.sqrt(2 * len(model.blocks)), generator=generator)
            elif parameter.dim() == 2:
                parameter.normal_(0, 0.02, generator=generator)
            else:
                parameter.fill_(1.0 if name.endswith("scale") else 0.0)
    return model


def bigram_loss(ids: Tensor, held_out: Tensor, vocab: int, extra: float = 0.1) -> Tensor:
    """How much the next token surprises a table of counts, in nats: p(b after a) = (pairs ab + extra) / all of row a.

    ids: (n,), the text that is counted    held_out: (m,), the text that is guessed; int64, some millions at most
    extra: above 0, added to every count

    Returns the mean over the m - 1 pairs of held_out, a 0-d tensor.
    """
    pairs = ids[:-1] * vocab + ids[1:]
    counts = torch.bincount(pairs, minlength=vocab**2).view(vocab, vocab) + extra
    chances = counts / counts.sum(dim=1, keepdim=True)
    return -chances[held_out[:-1], held_out[1:]].log().mean()


def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    """A loss in nats a token as bits a byte of the text: what an archive made with this model would take.

    loss: nats a token, the mean over n_tokens    n_bytes: of the same text in UTF-8
    """
    return loss * n_tokens / math.log(2) / n_bytes


def text_windows(ids: Tensor, length: int, starts: Tensor) -> Tensor:
    """Pieces of a long text: ids (n,) and starts (batch,) to (batch, length + 1), a row for `gpt_loss` each.

    Raises ValueError when the text is shorter than a window.
    """
    if len(ids) <= length:
        raise ValueError(f"a text of {len(ids)} tokens has no window of {length} + 1")
    return ids[starts[:, None] + torch.arange(length + 1)]


FusedGPTBlock = partial(FusedEncoderBlock, causal=True)


class FusedGPT(GPT):
    """A GPT of fused blocks: the same parameters under the same names, so weights move between the two."""

    def __init__(self, *sizes, block: Callable[..., nn.Module] = FusedGPTBlock, **named):
        super().__init__(*sizes, block=block, **named)
        self.norm = FusedLayerNorm(self.embedding.embedding_dim)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (batch, position) to logits (batch, position, vocab): at each position for the token after it."""
        return self.logits(self._through_blocks(ids))

    def loss(self, ids: Tensor) -> Tensor:
        """`gpt_loss`, without ever holding the logits of all positions at once."""
        x = self._through_blocks(ids[:, :-1])
        return tied_loss(self.norm(x).flatten(0, 1), self.embedding.weight, ids[:, 1:].flatten())

    def _through_blocks(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x)  # each block looks back by itself
        return x


def sizes_of(model: GPT) -> dict[str, int]:
    """What GPT(**sizes) needs to make a model of this size."""
    vocab, d_model = model.embedding.weight.shape
    return {
        "vocab": vocab,
        "n_positions": len(model.positions.table),
        "d_model": d_model,
        "n_heads": model.blocks[0].attention.n_heads,
        "n_layers": len(model.blocks),
    }


def save_gpt(path: Path, model: GPT, **settings) -> None:
    """Write a model with its sizes, and whatever else is to be remembered of it."""
    checkpoints.save(path, model, {"sizes": sizes_of(model), **settings})


def load_gpt(path: Path) -> FusedGPT:
    """A model that `save_gpt` wrote, ready to write. Raises ValueError when its sizes and tensors do not fit."""
    shapes, settings = checkpoints.describe(path)
    if "sizes" not in settings:
        raise ValueError(f"{path} holds no GPT: its settings name no sizes")
    if complaint := _misfit(shapes, settings):
        raise ValueError(f"{path} is damaged: {complaint}")
    tensors, _ = checkpoints.load(path)
    model = FusedGPT(**settings["sizes"])
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return model.eval()


def _misfit(shapes: dict[str, tuple[int, ...]], settings: dict) -> str:
    """Why no GPT can be made of such tensors and sizes; nothing if one can.

    Found out before one is made: a damaged file may name a billion blocks.
    """
    named, table, places = settings["sizes"], shapes.get("embedding.weight", ()), shapes.get("positions.table", ())
    heads = named.get("n_heads") if isinstance(named, dict) else None
    blocks = {name.split(".")[1] for name in shapes if name.startswith("blocks.")}
    if len(table) == len(places) == 2 and blocks and isinstance(heads, int) and heads > 0 and table[1]:
        sizes = {"vocab": table[0], "n_positions": places[0], "d_model": table[1], "n_layers": len(blocks)}
        if named == sizes | {"n_heads": heads} and table[1] % heads == 0:
            return ""
    return f"its tensors do not fit the sizes that it names ({named!r:.150})"


def load_stories_gpt() -> tuple[FusedGPT, Tokenizer]:
    """The model that comes with the course, trained on its stories, and its tokenizer."""
    return load_gpt(files.path(f"{STORIES}.safetensors")), Tokenizer.load(files.path(f"{STORIES}.json"))

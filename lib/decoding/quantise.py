"""Weights as whole numbers from -127 to 127: a quarter of the memory to read for each token, and nearly the same text.

    round_rows           a matrix as int8, with a scale for each row                                    notebook 13
    Int8Linear           a product with such a matrix; the input is rounded too, anew for each call
    Int8GPT, quantised   a GPT whose products are all like this, made from a trained one                notebook 13

"Dynamic": the scale of the input is found while the model runs, so no calibration data is needed. The kernel is
PyTorch's own (FBGEMM). Embeddings, norms, attention and the cache stay float32.
"""

import copy
import warnings

import torch
from torch import Tensor, nn

from lib.attention import causal_mask
from lib.gpt import GPT
from lib.transformer import EncoderBlock

LARGEST = 127  # -128 is left out, so that a weight and its negative are rounded alike


def round_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Each row by its own scale to whole numbers: weight ~ rounded * scale[:, None], off by half a scale at most.

    weight: (rows, columns)    Returns int8 (rows, columns) and the scales (rows,). A row of zeros stays zeros.
    """
    scale = weight.abs().amax(dim=1) / LARGEST
    scale = scale.where(scale > 0, 1.0)
    return (weight / scale[:, None]).round().to(torch.int8), scale


class Int8Linear(nn.Module):
    """What nn.Linear does, with weights and inputs rounded to int8 and whole-number products."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None):
        super().__init__()
        rounded, scale = round_rows(weight.detach().float())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch is moving these types elsewhere; its kernels stay
            zeros = torch.zeros(len(rounded), dtype=torch.long)
            stored = torch._make_per_channel_quantized_tensor(rounded, scale.double(), zeros, 0)
            self.packed = torch.ops.quantized.linear_prepack(stored, None if bias is None else bias.detach().float())

    def forward(self, x: Tensor) -> Tensor:
        """x (..., columns) -> (..., rows), float32."""
        # subtle: inputs to 7 bits, for on processors without VNNI pairs of 8-bit products overflow their 16 bits
        return torch.ops.quantized.linear_dynamic(x, self.packed, reduce_range=True)

    def __deepcopy__(self, memory: dict) -> "Int8Linear":
        return self  # nothing in it changes


class Int8GPT(nn.Module):
    """A GPT with int8 products, for decoding: what `lib.decoding.generate` asks of a model, and `forward`."""

    def __init__(self, model: GPT):
        super().__init__()
        self.embedding, self.positions, self.norm = model.embedding, model.positions, model.norm
        self.head = Int8Linear(model.embedding.weight)
        self.blocks = nn.ModuleList(_with_int8(copy.deepcopy(block)) for block in model.blocks)
        self.eval()

    def embed(self, ids: Tensor, start: int = 0) -> Tensor:
        return self.positions(self.embedding(ids), start)

    def logits(self, x: Tensor) -> Tensor:
        return self.head(self.norm(x))

    def forward(self, ids: Tensor) -> Tensor:
        """ids (batch, position) to logits (batch, position, vocab)."""
        x, mask = self.embed(ids), causal_mask(ids.shape[1])
        for block in self.blocks:
            x = EncoderBlock.forward(block, x, mask)  # a fused block's own would ask for the weights
        return self.logits(x)

    loss = GPT.loss


def quantised(model: GPT) -> Int8GPT:
    """The model with int8 products. The one that is given is not changed; both share the embedding."""
    return Int8GPT(model)


def _with_int8(part: nn.Module) -> nn.Module:
    for name, child in part.named_children():
        if isinstance(child, nn.Linear):
            setattr(part, name, Int8Linear(child.weight, child.bias))
        else:
            _with_int8(child)
    return part

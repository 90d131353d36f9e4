"""Weights as whole numbers from -127 to 127: a quarter of the memory to read for each token, and nearly the same text.

    round_rows           a matrix as int8, with a scale for each row                                    notebook 13
    Int8Linear           a product with such a matrix; the input is rounded too, anew for each call
    quantised            a model whose products are all like this, made from a trained one              notebook 13

"Dynamic": the scale of the input is found while the model runs, so no calibration data is needed. The kernel is
PyTorch's own (FBGEMM). Embeddings, norms, attention and the cache stay float32.
"""

import copy
import warnings

import torch
from torch import Tensor, nn

from lib.gpt import gpt_loss
from lib.layers import swap

LARGEST = 127  # -128 is left out, so that a weight and its negative are rounded alike


def round_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Each row by its own scale to whole numbers: weight ~ rounded * scale[:, None], off by half a scale at most.

    weight: (rows, columns)    Returns int8 (rows, columns) and the scales (rows,). A row of zeros stays zeros.
    """
    scale = row_scales(weight)
    return (weight / scale[:, None]).round().to(torch.int8), scale


def row_scales(weight: Tensor) -> Tensor:
    """What one step of a row's whole numbers is worth: weight (rows, columns) to (rows,), above 0."""
    scale = weight.abs().amax(dim=1) / LARGEST
    return scale.where(scale > 0, 1.0)


class Int8Linear(nn.Module):
    """What nn.Linear does, with weights and inputs rounded to int8 and whole-number products."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None):
        super().__init__()
        weight = weight.detach().float()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch is moving these types elsewhere; its kernels stay
            zeros = torch.zeros(len(weight), dtype=torch.long)
            stored = torch.quantize_per_channel(weight, row_scales(weight), zeros, 0, torch.qint8)
            self.packed = torch.ops.quantized.linear_prepack(stored, None if bias is None else bias.detach().float())

    def forward(self, x: Tensor) -> Tensor:
        """x (..., columns) -> (..., rows), float32."""
        # subtle: inputs to 7 bits, for on processors without VNNI pairs of 8-bit products overflow their 16 bits
        return torch.ops.quantized.linear_dynamic(x, self.packed, reduce_range=True)


def quantised(model: nn.Module) -> nn.Module:
    """A copy of a GPT or Llama with int8 products, for decoding. It shares embedding, norms and biases with the first.

    Every nn.Linear is swapped for an Int8Linear; so is the output, which as a float may share the embedding's table.
    """
    shared = {id(parameter): parameter for parameter in model.parameters()}
    made = copy.deepcopy(model, shared).eval()
    swap(made, nn.Linear, lambda linear: Int8Linear(linear.weight, linear.bias))
    if not hasattr(model, "head"):  # a GPT's output is its embedding's table and no nn.Linear
        head = Int8Linear(model.embedding.weight)
        made.logits = lambda x: head(made.norm(x))
    made.loss = lambda ids: gpt_loss(made, ids)
    return made

"""Published weights in the course's ViT: from Hugging Face's names to ours.

    take_weights    tensors of a ViTModel, or of a ViTForImageClassification, into a model of their sizes

The names are those of the library today and those of the files that were published before. (`lib.minilm` does the same
for BERT.)
"""

import re
from collections.abc import Mapping

from torch import Tensor

from lib.vit import ViT, ViTClassifier

NAMES = {  # Hugging Face's, of today and of the files that were published before, and ours
    "embeddings.cls_token": "class_token",
    "embeddings.position_embeddings": "positions.table",
    "embeddings.patch_embeddings.projection": "embedding",
    "layernorm": "encoder.norm",
    "attention.q_proj|attention.attention.query": "attention.to_q",
    "attention.k_proj|attention.attention.key": "attention.to_k",
    "attention.v_proj|attention.attention.value": "attention.to_v",
    "attention.o_proj|attention.output.dense": "attention.to_out",
    "mlp.fc1|intermediate.dense": "feed_forward.widen",
    "mlp.fc2|output.dense": "feed_forward.narrow",
    "layernorm_before": "around_attention.norm",
    "layernorm_after": "around_feed_forward.norm",
}
OURS = {theirs: ours for names, ours in NAMES.items() for theirs in names.split("|")}
OF_NORMS = {"weight": "scale", "bias": "shift"}
BLOCK = re.compile(r"(?:encoder\.layer|layers)\.(\d+)\.(.+)")


def take_weights(model: ViT | ViTClassifier, tensors: Mapping[str, Tensor]) -> ViT | ViTClassifier:
    """Put tensors under Hugging Face's names into a model; returns it.

    The pooler is left out, and so is a head that the model lacks. Raises ValueError that names the first tensor that is
    missing, of another shape, or not known.
    """
    inside, ours = "" if isinstance(model, ViT) else "vit.", {}
    for name, tensor in tensors.items():
        if name.startswith("classifier."):
            ours |= {name.replace("classifier", "head"): tensor} if inside else {}
        elif "pooler." not in name:
            ours[inside + _ours(name.removeprefix("vit."))] = _in_our_shape(tensor)
    wanted = model.state_dict()
    for name in sorted(wanted.keys() | ours.keys()):
        theirs, mine = (tuple(part[name].shape) if name in part else None for part in (ours, wanted))
        if theirs != mine:
            raise ValueError(f"{name} is {theirs}, expected {mine}")
    model.load_state_dict(ours)
    return model


def _in_our_shape(tensor: Tensor) -> Tensor:
    """A convolution (d_model, channel, height, width) as a matrix; a token and positions without a batch of one."""
    return tensor.flatten(1) if tensor.dim() == 4 else tensor.squeeze((0, 1)) if tensor.dim() == 3 else tensor


def _ours(name: str) -> str:
    """The name of a tensor in the course's ViT; a name that is not known stays."""
    found = BLOCK.fullmatch(name)
    part = found[2] if found else name
    if part in OURS:
        part = OURS[part]
    elif (stem := part.rpartition(".")[0]) in OURS:
        kind, ours = part.rpartition(".")[2], OURS[stem]
        part = f"{ours}.{OF_NORMS.get(kind, kind) if ours.endswith('norm') else kind}"
    return f"encoder.blocks.{found[1]}.{part}" if found else part

"""The names that published weights go by, and ours for the same tensors: one table a family.

    our_name, their_name   one name to the other
    must_fit               tensors under our names against a model's, refused in one sentence
    block_count            how many blocks tensors make

A row names a layer, or a single tensor; # stands for the number of the block. Of norms, "weight" is `scale` and "bias"
is `shift`. What else differs (matrices that stand the other way round, rows in another order) is done where a family's
weights are read: `lib.minilm`, `lib.gpt2`, `lib.smollm`, `lib.pretrained`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

BERT = {
    "embeddings.word_embeddings": "embeddings.words",
    "embeddings.position_embeddings.weight": "embeddings.positions.table",
    "embeddings.token_type_embeddings": "embeddings.segments",
    "embeddings.LayerNorm": "embeddings.norm",
    "encoder.layer.#.attention.self.query": "encoder.blocks.#.attention.to_q",
    "encoder.layer.#.attention.self.key": "encoder.blocks.#.attention.to_k",
    "encoder.layer.#.attention.self.value": "encoder.blocks.#.attention.to_v",
    "encoder.layer.#.attention.output.dense": "encoder.blocks.#.attention.to_out",
    "encoder.layer.#.attention.output.LayerNorm": "encoder.blocks.#.around_attention.norm",
    "encoder.layer.#.intermediate.dense": "encoder.blocks.#.feed_forward.widen",
    "encoder.layer.#.output.dense": "encoder.blocks.#.feed_forward.narrow",
    "encoder.layer.#.output.LayerNorm": "encoder.blocks.#.around_feed_forward.norm",
    "pooler.dense": "pooler",
    "cls.predictions.transform.dense": "transform",
    "cls.predictions.transform.LayerNorm": "norm",
    "cls.predictions.bias": "bias",
    "classifier": "head",
}
GPT2 = {
    "wte": "embedding",
    "wpe.weight": "positions.table",
    "h.#.ln_1": "blocks.#.around_attention.norm",
    "h.#.attn.c_attn": "blocks.#.attention.to_qkv",  # three of ours in one
    "h.#.attn.c_proj": "blocks.#.attention.to_out",
    "h.#.ln_2": "blocks.#.around_feed_forward.norm",
    "h.#.mlp.c_fc": "blocks.#.feed_forward.widen",
    "h.#.mlp.c_proj": "blocks.#.feed_forward.narrow",
    "ln_f": "norm",
}
LLAMA = {
    "embed_tokens": "embedding",
    "layers.#.input_layernorm": "blocks.#.attention_norm",
    "layers.#.self_attn.q_proj": "blocks.#.attention.to_q",
    "layers.#.self_attn.k_proj": "blocks.#.attention.to_k",
    "layers.#.self_attn.v_proj": "blocks.#.attention.to_v",
    "layers.#.self_attn.o_proj": "blocks.#.attention.to_out",
    "layers.#.post_attention_layernorm": "blocks.#.feed_forward_norm",
    "layers.#.mlp.gate_proj": "blocks.#.feed_forward.gate",
    "layers.#.mlp.up_proj": "blocks.#.feed_forward.widen",
    "layers.#.mlp.down_proj": "blocks.#.feed_forward.narrow",
    "norm": "norm",
    "lm_head": "head",
}
LLAMA_CPP = {  # the same model's tensors in a .gguf file
    "token_embd": "embedding",
    "blk.#.attn_norm": "blocks.#.attention_norm",
    "blk.#.attn_q": "blocks.#.attention.to_q",
    "blk.#.attn_k": "blocks.#.attention.to_k",
    "blk.#.attn_v": "blocks.#.attention.to_v",
    "blk.#.attn_output": "blocks.#.attention.to_out",
    "blk.#.ffn_norm": "blocks.#.feed_forward_norm",
    "blk.#.ffn_gate": "blocks.#.feed_forward.gate",
    "blk.#.ffn_up": "blocks.#.feed_forward.widen",
    "blk.#.ffn_down": "blocks.#.feed_forward.narrow",
    "output_norm": "norm",
    "output": "head",
}
T5 = {
    "shared": "embedding",
    "encoder.final_layer_norm": "encoder.norm",
    "decoder.final_layer_norm": "decoder.norm",
    "lm_head": "head",
}
ATTENTION = {"q": "to_q", "k": "to_k", "v": "to_v", "o": "to_out", "relative_attention_bias": "position_bias.table"}
FEED_FORWARD = {"wi": "widen", "wi_0": "gate", "wi_1": "widen", "wo": "narrow"}
for _stack, _place, _theirs, _ours, _inside in [  # the parts of a T5 block have numbers there
    ("encoder", 0, "SelfAttention", "attention", ATTENTION),
    ("encoder", 1, "DenseReluDense", "feed_forward", FEED_FORWARD),
    ("decoder", 0, "SelfAttention", "self_attention", ATTENTION),
    ("decoder", 1, "EncDecAttention", "cross_attention", ATTENTION),
    ("decoder", 2, "DenseReluDense", "feed_forward", FEED_FORWARD),
]:
    _there, _here = f"{_stack}.block.#.layer.{_place}", f"{_stack}.blocks.#"
    T5[f"{_there}.layer_norm"] = f"{_here}.around_{_ours}.norm"
    T5 |= {f"{_there}.{_theirs}.{name}": f"{_here}.{_ours}.{mine}" for name, mine in _inside.items()}

NORMS = {"weight": "scale", "bias": "shift", "gamma": "scale", "beta": "shift"}  # the latter in old files
NORMS_BACK = {"scale": "weight", "shift": "bias"}
NUMBER = re.compile(r"\.(\d+)\.")


def our_name(name: str, names: Mapping[str, str], norms: Mapping[str, str] = NORMS) -> str:
    """Our name of a published tensor, by a family's table; one that is not in the table stays as it is.

    names: their name of a tensor, or of a layer, that is without the last word, to ours; in both, # stands for the
    number of the block, which is the first number between two dots; `name` itself holds no #
    norms: what the last word of a tensor becomes when our layer's name ends with "norm"; other words stay
    """
    number = NUMBER.search(name)
    pattern = NUMBER.sub(".#.", name, count=1)
    layer, _, kind = pattern.rpartition(".")
    if pattern in names:
        found = names[pattern]
    elif layer in names:
        if names[layer].endswith("norm"):
            kind = norms.get(kind, kind)
        found = f"{names[layer]}.{kind}"
    else:
        return name
    return found.replace("#", number[1]) if number else found


def their_name(name: str, names: Mapping[str, str]) -> str:
    """The published name of one of our tensors."""
    layer, _, kind = name.rpartition(".")
    if layer.endswith("norm"):
        name = f"{layer}.{NORMS_BACK.get(kind, kind)}"
    return our_name(name, {ours: theirs for theirs, ours in names.items()}, norms={})


def block_count(names: Iterable[str]) -> int:
    """How many blocks tensors with these names, published ones or ours, are of: of the deeper one of two stacks."""
    return len({found[1] for name in names if (found := NUMBER.search(name))})


def must_fit(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ValueError unless these are the wanted tensors. The first that does not fit, in alphabetical order, is
    named, and no other; the sentence says "missing", "unexpected" or "another shape".

    found, wanted: under our names, whatever has a `shape`
    """
    for name in sorted(found.keys() | wanted.keys()):
        theirs, mine = (tuple(part[name].shape) if name in part else None for part in (found, wanted))
        if theirs != mine:
            why = "another shape" if name in wanted else "unexpected"
            if name not in found:
                why = "missing"
            raise ValueError(f"{name} is {theirs}, expected {mine} ({why})")

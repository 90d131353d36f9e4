"""Pretrained models: a folder in Hugging Face's format to a model of the course, and a classifier of ours to such one.

    load_pretrained    config.json and model.safetensors to a Bert, GPT, Llama or T5, with the head that they name
    save_classifier    a BertClassifier and its tokenizer to a folder that `transformers` opens
    read_config        the settings that a folder names; "id2label" are the names of the classes

What does not fit is refused, in one sentence: a tensor that is missing, unexpected or of another shape, an output that
is not the embedding's table where it should be, a setting that the course's model does not have. A head that the folder
lacks is never drawn at random, and a pickle, which may run any program, is never opened.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from lib.bert import EPSILON, BertClassifier, BertForMaskedWords
from lib.checkpoints import write_whole
from lib.gpt2 import load_gpt2_weights
from lib.llama import Llama
from lib.minilm import PIECES, WEIGHTS, bert_of, take_weights
from lib.published_names import BERT, LLAMA, T5, block_count, must_fit, our_name, their_name
from lib.t5 import T5 as T5Model
from lib.t5 import GatedFeedForward, PlainFeedForward
from lib.tensor_files import read_tensors
from lib.vit import ViT, ViTClassifier
from lib.vit_weights import take_weights as take_vit_weights
from lib.wordpiece import PAD, WordPieceTokenizer

CONFIG, TOKENIZER = "config.json", "tokenizer_config.json"
PICKLES = "*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl"
FIXED = {  # what our models do; a folder that names another value is refused
    "bert": {"hidden_act": "gelu", "layer_norm_eps": EPSILON, "type_vocab_size": 2, "is_decoder": False},
    "gpt2": {"activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "n_inner": None},
    "llama": {"hidden_act": "silu", "attention_bias": False, "mlp_bias": False},
    "t5": {"layer_norm_epsilon": 1e-6},
    "vit": {"hidden_act": "gelu", "layer_norm_eps": 1e-12, "qkv_bias": True},
}


def read_config(folder: str | Path) -> dict[str, Any]:
    """The settings in a folder's config.json. Raises ValueError when it is no JSON object, FileNotFoundError."""
    path = Path(folder) / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON ({error})") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path} holds {config!r:.40}, and no settings")
    return config


def load_pretrained(folder: str | Path) -> nn.Module:
    """The model in a folder, in eval mode, float32: with a head if config.json says that it has one.

    Raises ValueError, in one sentence with the file's name, when it is of a kind that is not read here or its tensors
    do not fit, and where there are only pickles; FileNotFoundError.
    """
    config, path = read_config(folder), Path(folder) / WEIGHTS
    kind = str(config.get("model_type"))
    if kind not in READERS:
        raise ValueError(f"{folder} holds a model of the kind {kind!r:.40}; {', '.join(READERS)} are read here")
    pickles = [found.name for pattern in PICKLES for found in Path(folder).glob(pattern)]
    if pickles and not path.exists():
        raise ValueError(
            f"{folder} has {min(pickles)} and no {WEIGHTS}: a pickle may run any program and is not opened"
        )
    try:
        for setting, value in FIXED[kind].items():
            if config.get(setting, value) != value:
                raise ValueError(f"{CONFIG} says {setting}={config[setting]!r:.40}, and here it is {value!r}")
        return READERS[kind](config, path).eval()
    except KeyError as error:
        raise ValueError(f"{path} holds no such model: {error} is missing") from None
    except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError, RuntimeError) as error:
        told = str(error).partition("\n")[0]
        raise ValueError(told if str(path) in told else f"{path} holds no such model: {told}") from None


def _bert(config: Mapping, path: Path) -> nn.Module:
    tensors, head = read_tensors(path), (config.get("architectures") or ["BertModel"])[0]
    _only_a_copy(tensors, "cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight")
    bert = bert_of(tensors, config["num_attention_heads"])
    _same(config, vocab_size=bert.embeddings.words.num_embeddings, num_hidden_layers=len(bert.encoder.blocks))
    if head == "BertForSequenceClassification":
        if "bert.pooler.dense.weight" not in tensors:
            raise ValueError("pooler.weight is None: a class is told from what the pooler makes of [CLS] (missing)")
        return take_weights(BertClassifier(bert, len(config.get("id2label", "01"))), tensors)  # not named: two
    if head in ("BertForMaskedLM", "BertForPreTraining"):
        return take_weights(BertForMaskedWords(bert), tensors)
    if head == "BertModel":
        return bert
    raise ValueError(f"{CONFIG} says that it is a {head!r:.60}, whose head is not known here")


def _gpt2(config: Mapping, path: Path) -> nn.Module:
    model = load_gpt2_weights(path, config["n_head"])
    _same(config, vocab_size=model.embedding.num_embeddings, n_layer=len(model.blocks))
    return model


def _llama(config: Mapping, path: Path) -> Llama:
    tensors = {name.removeprefix("model."): tensor for name, tensor in read_tensors(path).items()}
    _same(config, num_hidden_layers=block_count(tensors))
    rope, n_heads = config.get("rope_parameters") or config.get("rope_scaling") or {}, config["num_attention_heads"]
    if (kind := rope.get("rope_type", rope.get("type", "default"))) != "default":
        raise ValueError(f"its rotary positions are of the kind {kind!r:.40}, and default is read here")
    tied = bool(config.get("tie_word_embeddings", False))
    if tied:
        _only_a_copy(tensors, "lm_head.weight", "embed_tokens.weight")
    n_kv_heads = config.get("num_key_value_heads") or n_heads
    for name, tensor in tensors.items():  # theirs turn numbers i and i + d_head / 2 together, ours neighbours
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            heads = n_heads if "q_proj" in name else n_kv_heads
            tensors[name] = tensor.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)
    sizes = "vocab_size", "hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size"
    options = {"epsilon": config["rms_norm_eps"], "n_positions": config["max_position_embeddings"], "tied": tied}
    base = rope.get("rope_theta", config.get("rope_theta", 10_000.0))
    with torch.device("meta"):  # sizes only: its numbers come from the file
        model = Llama(*_named(config, sizes), n_kv_heads, config.get("head_dim"), base, **options)
    return _filled(model, {our_name(name, LLAMA): tensor for name, tensor in tensors.items()}, tied)


def _t5(config: Mapping, path: Path) -> T5Model:
    tensors, n_blocks = read_tensors(path), (config["num_layers"], config.get("num_decoder_layers"))
    n_blocks = n_blocks[0], n_blocks[1] or n_blocks[0]
    if max(n_blocks) != (found := block_count(tensors)):
        raise ValueError(f"{CONFIG} names {n_blocks} blocks, and the tensors are of {found}")
    tied = bool(config.get("scale_decoder_outputs", config.get("tie_word_embeddings", True)))
    for copy in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", *["lm_head.weight"] * tied):
        _only_a_copy(tensors, copy, "shared.weight")
    ours = {our_name(name, T5): tensor for name, tensor in tensors.items()}
    ours.pop("decoder.blocks.0.cross_attention.position_bias.table.weight", None)  # in old files, and never used
    if "scale_decoder_outputs" in config and not tied:  # version 1.1 as today's library saves it, by one table
        ours.setdefault("head.weight", ours["embedding.weight"])
    ours["embedding.weight"] = ours["embedding.weight"] / config["d_model"] ** 0.5
    for part in ("encoder.blocks.{}.attention", "decoder.blocks.{}.self_attention"):  # a table serves all blocks
        table = ours[f"{part.format(0)}.position_bias.table.weight"]
        ours |= {f"{part.format(i)}.position_bias.table.weight": table for i in range(n_blocks["decoder" in part])}
    gated = {"relu": PlainFeedForward, "gated-gelu": GatedFeedForward}
    if (kind := config.get("feed_forward_proj", "relu")) not in gated:
        raise ValueError(f"its feed-forward is of the kind {kind!r:.40}; {', '.join(gated)} are read here")
    sizes = *_named(config, ("vocab_size", "d_model", "num_heads", "d_ff")), n_blocks, config["d_kv"]
    buckets = config["relative_attention_num_buckets"], config.get("relative_attention_max_distance", 128)
    with torch.device("meta"):
        model = T5Model(*sizes, tied, gated[kind], *buckets)
    return _filled(model, ours, tied)


def _vit(config: Mapping, path: Path) -> nn.Module:
    tensors, head = read_tensors(path), (config.get("architectures") or ["ViTModel"])[0]
    _same(config, num_hidden_layers=block_count(tensors))
    sizes = "hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size", "num_channels"
    image, patch = ((config[name],) * 2 for name in ("image_size", "patch_size"))
    vit = ViT(image, patch, *_named(config, sizes))
    with_head = head == "ViTForImageClassification"
    return take_vit_weights(ViTClassifier(vit, len(config.get("id2label", "01"))) if with_head else vit, tensors)


READERS: dict[str, Callable[[Mapping, Path], nn.Module]] = {
    "bert": _bert,
    "gpt2": _gpt2,
    "llama": _llama,
    "t5": _t5,
    "vit": _vit,
}


def _named(config: Mapping, settings: Sequence[str]) -> list[Any]:
    return [config[setting] for setting in settings]


def _same(config: Mapping, **found: int) -> None:
    for setting, number in found.items():
        if config[setting] != number:
            raise ValueError(f"{CONFIG} says {setting}={config[setting]!r:.40}, and the tensors are of {number}")


def _only_a_copy(tensors: dict[str, Tensor], copy: str, original: str) -> None:
    """Take a tensor out that is another one once more, and refuse one that is not."""
    if copy in tensors and original in tensors and not torch.equal(tensors.pop(copy), tensors[original]):
        raise ValueError(f"its {copy} is a table of its own, and not its {original} as the model has it")


def _filled(model: nn.Module, ours: dict[str, Tensor], tied: bool) -> nn.Module:
    """The tensors put into a model of sizes only."""
    wanted = model.state_dict()
    if tied:
        del wanted["head.weight"]
    must_fit(ours, wanted)
    model.load_state_dict({name: tensor.float() for name, tensor in ours.items()}, strict=not tied, assign=True)
    if tied:
        model.head.weight = model.embedding.weight
    return model


def save_classifier(
    folder: str | Path, model: BertClassifier, tokenizer: WordPieceTokenizer, labels: Sequence[str]
) -> None:
    """Write a folder that `AutoTokenizer` and `AutoModelForSequenceClassification` open, and `load_pretrained` too.

    labels: what the classes are called, in the order of the logits

    Raises ValueError when there are other than that many logits, when the tokenizer has another vocabulary, and when
    the model pools otherwise than `Bert.pooled`, for Hugging Face's BERT reads the class from [CLS] only.
    """
    folder, bert = Path(folder), model.bert
    table, block = bert.embeddings.words.weight, bert.encoder.blocks[0]
    if model.pool is not None:
        raise ValueError(
            "this classifier has a pool of its own; Hugging Face's tells the class from [CLS], as pool=None"
        )
    if len(labels) != model.head.out_features or len(set(labels)) != len(labels) or len(tokenizer) != len(table):
        raise ValueError(
            f"{len(set(labels))} different labels for {model.head.out_features} classes, "
            f"{len(tokenizer):,} pieces for a table of {len(table):,}"
        )
    config = {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "vocab_size": len(table),
        "hidden_size": table.shape[1],
        "num_hidden_layers": len(bert.encoder.blocks),
        "num_attention_heads": block.attention.n_heads,
        "intermediate_size": block.feed_forward.widen.out_features,
        "max_position_embeddings": len(bert.embeddings.positions.table),
        "pad_token_id": tokenizer.special[PAD],
        "id2label": {str(i): label for i, label in enumerate(labels)},
        "label2id": {label: i for i, label in enumerate(labels)},
        **FIXED["bert"],
    }
    reading = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": config["max_position_embeddings"],
    }
    tensors = {}
    for name, tensor in model.state_dict().items():
        inside, bare = ("bert.", name.removeprefix("bert.")) if name.startswith("bert.") else ("", name)
        tensors[inside + their_name(bare, BERT)] = tensor.detach().float().cpu().contiguous()
    write_whole(folder / WEIGHTS, safetensors.torch.save(tensors, {"format": "pt"}))
    write_whole(folder / PIECES, "".join(f"{piece}\n" for piece in tokenizer.pieces).encode())
    for name, settings in ((TOKENIZER, reading), (CONFIG, config)):
        write_whole(folder / name, json.dumps(settings, indent=2).encode())

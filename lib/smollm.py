"""SmolLM2-135M-Instruct (Allal et al. 2025): a published chat model as a Llama of the course, out of its .gguf file.

    load_smollm2      the model and its tokenizer, fetched once
    llama_of          the Llama that a .gguf file of that kind holds
    tokenizer_of      its tokenizer: byte-level BPE in which each digit stands alone
    chat_ids          a conversation as the model was trained to read it (its chat template)
    turn_ids          one turn of it

30 blocks, d_model 576, 9 heads of queries and 3 of keys and values, d_ff 1,536, 49,152 tokens, one table for words in
and words out: 134,515,008 parameters. The file has the table in eight bits a weight and all other matrices in four,
with scales; here they become float32.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from lib.downloads import fetch
from lib.gguf import GGUF, read_gguf, unpacked
from lib.llama import Llama
from lib.published_names import LLAMA_CPP, must_fit, our_name
from lib.tokenizer import Tokenizer, gpt2_letters

SMOLLM2 = "smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # its template's, if no other is given
TURN, TURN_END = "<|im_start|>", "<|im_end|>"
# GPT-2's pattern but for numbers: a digit is a pre-token of its own, and no space goes with it
PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++|\p{N}| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?=\p{N})|\s+(?!\S)|\s"""
CONTROL = 3  # the kind of token that no text gives


def load_smollm2(path: str | Path | None = None, llama: Callable[..., Llama] = Llama) -> tuple[Llama, Tokenizer]:
    """The model, ready to write, and its tokenizer.

    path: another file of its kind; None: the published one, fetched as `lib.downloads` does
    llama: what is made of its sizes: a Llama, or one of other pieces

    Raises ConnectionError, in a sentence that says what to do, when it is neither here nor to be had, and ValueError
    with the file's name when it holds something else.
    """
    path = fetch(SMOLLM2) if path is None else path
    content = read_gguf(path)
    try:
        return llama_of(content, llama), tokenizer_of(content.fields)
    except KeyError as error:
        raise ValueError(f"{path} holds no such model: it has no {error}") from None
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"{path} holds no such model: {error}") from None


def llama_of(content: GGUF, llama: Callable[..., Llama] = Llama) -> Llama:
    """The Llama of a file, in eval mode, float32. Raises ValueError or KeyError where it holds another model.

    The rows of queries and keys lie so that neighbours turn together, as they do in `lib.positions`.
    """
    fields, tensors = content
    if (kind := fields["general.architecture"]) != "llama":
        raise ValueError(f"it is of the kind {kind!r:.80}, and llama is read here")
    vocab, d_model = tensors["token_embd.weight"].shape
    n_layers = fields["llama.block_count"]
    n_heads, n_kv_heads = fields["llama.attention.head_count"], fields["llama.attention.head_count_kv"]
    if not 1 <= n_layers <= len(tensors) or not 1 <= n_kv_heads <= n_heads <= d_model:
        raise ValueError(f"{n_layers} blocks, {n_heads} heads and {n_kv_heads} of keys do not fit its tensors")
    ours = {our_name(name, LLAMA_CPP): tensor for name, tensor in tensors.items()}
    tied = "head.weight" not in ours
    with torch.device("meta"):  # sizes only: its numbers come from the file
        model = llama(
            vocab,
            d_model,
            n_heads,
            n_layers,
            tensors["blk.0.ffn_up.weight"].shape[0],
            n_kv_heads,
            rope_base=fields["llama.rope.freq_base"],
            tied=tied,
            epsilon=fields["llama.attention.layer_norm_rms_epsilon"],
            n_positions=fields["llama.context_length"],
        )
    wanted = model.state_dict()
    if tied:
        del wanted["head.weight"]
    must_fit(ours, wanted)
    numbers = {name: torch.from_numpy(unpacked(tensor)) for name, tensor in ours.items()}
    model.load_state_dict(numbers, strict=not tied, assign=True)
    if tied:
        model.head.weight = model.embedding.weight
    return model.eval()


def tokenizer_of(fields: Mapping) -> Tokenizer:
    """The tokenizer of a file: the same ids. Raises ValueError or KeyError where it is of another kind.

    Some bytes, which stand in no ordinary text, have no token: they are left out, as by its own tokenizer.
    """
    kind = fields["tokenizer.ggml.model"], fields["tokenizer.ggml.pre"]
    if kind != ("gpt2", "smollm"):
        raise ValueError(f"its tokenizer is of the kind {kind!r:.80}")
    byte_of, tokens = gpt2_letters(), fields["tokenizer.ggml.tokens"]
    special = {tokens[i]: i for i, kind in enumerate(fields["tokenizer.ggml.token_type"]) if kind == CONTROL}
    known = set(tokens)
    alphabet = bytes(byte for letter, byte in byte_of.items() if letter in known)
    merges = [
        tuple(bytes(byte_of[letter] for letter in part) for part in line.split(" "))
        for line in fields["tokenizer.ggml.merges"]
    ]
    made = Tokenizer(merges, special, alphabet, PATTERN)
    if len(made) != len(tokens):
        raise ValueError(f"its tokenizer has {len(tokens):,} tokens, its merges make {len(made):,}")
    return made


def turn_ids(tokenizer: Tokenizer, role: str, content: str) -> list[int]:
    """One turn: <|im_start|>role, a new line, content <|im_end|>, a new line. Nothing in content is a special token."""
    text = tokenizer.encode_ordinary(f"{role}\n{content}")
    return [tokenizer.special[TURN], *text, tokenizer.special[TURN_END], *tokenizer.encode_ordinary("\n")]


def answer_ids(tokenizer: Tokenizer) -> list[int]:
    """How the model's own turn begins; it writes on from there, up to <|im_end|>."""
    return [tokenizer.special[TURN], *tokenizer.encode_ordinary("assistant\n")]


def chat_ids(tokenizer: Tokenizer, messages: Sequence[Mapping[str, str]]) -> list[int]:
    """A conversation, and the beginning of the answer to it, as the model was trained to read them.

    messages: {"role": "system", "user" or "assistant", "content": text} each, the oldest first. Where the first is not
    the system's, SYSTEM stands before it.
    """
    if not messages or messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    turns = [turn_ids(tokenizer, message["role"], message["content"]) for message in messages]
    return [*(i for turn in turns for i in turn), *answer_ids(tokenizer)]

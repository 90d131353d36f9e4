"""Chat: from a model that goes on with a text to one that takes turns, and learns from its own turns only.

    ROLES, TURN_END            the special tokens that open a turn, one a role, and the one that ends every turn
    chat_tokenizer             a tokenizer with these tokens besides its own
    widened                    a GPT with rows for more tokens
    conversation_ids           messages as the model reads them: its chat template
    answer_mask                which tokens are learnt: the assistant's turns, each with its end     notebook 20
    token_log_probabilities    ln p of each token but the first, given those before it
    answer_loss                how much the learnt tokens surprise, and no others
    chat_batches               conversations, padded, with their masks, without end
    answer_rows                prompts and what was written after them, padded, with the mask of what was written
    replies                    what a model says next in conversations

A message is {"role": "user", "assistant" or "tool", "content": text}, as in `lib.smollm`; a conversation is a list of
them, the oldest first. A turn is one token for its role, its text, and TURN_END; END stands before the first turn, as
before every text that the course's GPT has read. SmolLM2's template (`lib.smollm`) says the same in other tokens; a
conversation in the terminal is `lib.decoding.chat`.

Masks are (batch, position), True on the tokens that are learnt.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from lib.batching import pad_batch, similar_lengths
from lib.bert import masked_loss
from lib.decoding.generate import generate_batch
from lib.gpt import END, GPT, FusedGPT, sizes_of
from lib.tokenizer import Tokenizer
from lib.transformer import IGNORED

ROLES = {"user": "<|user|>", "assistant": "<|assistant|>", "tool": "<|tool|>"}
TURN_END = "<|end|>"

Message = Mapping[str, str]
Messages = Sequence[Message]


# ------------------------------------------------------------------------------------------- a template and its tokens


def chat_tokenizer(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer, with the tokens of `ROLES` and `TURN_END` after all others: no old id changes."""
    missing = [name for name in (*ROLES.values(), TURN_END) if name not in tokenizer.special]
    special = tokenizer.special | {name: len(tokenizer) + i for i, name in enumerate(missing)}
    return Tokenizer(tokenizer.pairs, special, tokenizer.alphabet, tokenizer.pattern)


def widened(model: GPT, vocab: int, generator: torch.Generator) -> FusedGPT:
    """A copy of a GPT whose table has `vocab` rows; the new ones begin near the mean of the old ones.

    So no new token is likelier at first than an average one (Hewitt 2021). generator: draws what tells them apart

    Raises ValueError when vocab is smaller than the model's own.
    """
    old = model.embedding.weight.detach()
    if vocab < len(old):
        raise ValueError(f"a vocabulary of {vocab:,} has no room for the model's {len(old):,} tokens")
    fresh = old.mean(dim=0) + 0.02 * torch.randn(vocab - len(old), old.shape[1], generator=generator)
    made = FusedGPT(**sizes_of(model) | {"vocab": vocab})
    made.load_state_dict(model.state_dict() | {"embedding.weight": torch.cat([old, fresh])})
    return made.eval()


def conversation_ids(tokenizer: Tokenizer, messages: Messages, asks: bool = False) -> list[int]:
    """A conversation as ids. Nothing in a message's content is a special token, whatever it looks like.

    tokenizer: as `chat_tokenizer` makes it    asks: the token that opens the assistant's next turn stands at the end

    Raises ValueError for a role that is not in `ROLES`.
    """
    ids = [tokenizer.special[END]]
    for message in messages:
        if message["role"] not in ROLES:
            raise ValueError(f"the role {message['role']!r:.80} is none of {', '.join(ROLES)}")
        opened = tokenizer.special[ROLES[message["role"]]]
        ids += [opened, *tokenizer.encode_ordinary(message["content"]), tokenizer.special[TURN_END]]
    return [*ids, tokenizer.special[ROLES["assistant"]]] if asks else ids


# ------------------------------------------------------------------------------------------------------ what is learnt


def answer_mask(ids: Tensor, assistant: int, end: int) -> Tensor:
    """Which tokens of conversations are learnt: those of the assistant's turns, and the `end` of each of these.

    ids: (..., position), a position at least; each turn ends before the next one opens
    assistant: the token that opens such a turn    end: the token that ends every turn

    Returns bool (..., position): True from the token after each `assistant` up to the next `end`, which is learnt too,
    or up to the end of the row if none follows. The token `assistant` that opens a turn is False: the model is given
    it.
    """
    positions = torch.arange(ids.shape[-1], device=ids.device)
    opened = torch.where(ids == assistant, positions, -1).cummax(-1).values  # where the last turn of its own began
    ended = torch.where(ids == end, positions, -1).cummax(-1).values  # where the last turn ended
    inside = opened > ended  # subtle: True at the opening token and False at the end: one place too early
    return torch.cat([torch.zeros_like(inside[..., :1]), inside[..., :-1]], dim=-1)


def token_log_probabilities(model: Callable[[Tensor], Tensor], ids: Tensor) -> Tensor:
    """The natural logarithm of the probability of each token but the first, given those before it.

    model: ids (batch, position) to logits (batch, position, vocab)    ids: (batch, length), length at least 2

    Returns (batch, length - 1): what stands at i belongs to the token at i + 1. Gradients reach the model.
    """
    logits, targets = model(ids[:, :-1]), ids[:, 1:]
    losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return -losses.view(targets.shape)


def answer_loss(model: Callable[[Tensor], Tensor], ids: Tensor, mask: Tensor) -> Tensor:
    """How much the learnt tokens surprise a model, in nats: `lib.bert.masked_loss` of these, each from those before it.

    model: ids (batch, position) to logits (batch, position, vocab)
    ids: (batch, length)    mask: (batch, length), True on the tokens that are learnt; the first has nobody to guess it

    All learnt tokens of the batch count alike. Returns a 0-d tensor; 0 where none is learnt.
    """
    targets = ids.masked_fill(~mask, IGNORED)
    return masked_loss(model(ids[:, :-1]), targets[:, 1:])


def chat_batches(
    rows: Sequence[Sequence[int]], tokenizer: Tokenizer, tokens: int, rng: random.Random
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches for `answer_loss` without end: ids and mask, (batch, length) each, of about `tokens` tokens.

    rows: what `conversation_ids` gives. Padding stands after the last end of a turn, so it is never learnt.
    """
    assistant, end = tokenizer.special[ROLES["assistant"]], tokenizer.special[TURN_END]
    lengths = list(map(len, rows))
    while True:
        for chosen in similar_lengths(lengths, tokens, rng):
            ids, _ = pad_batch([rows[i] for i in chosen])
            yield ids, answer_mask(ids, assistant, end)


# -------------------------------------------------------------------------------------------------------- what is said


def answer_rows(prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Each answer after its prompt, padded to one rectangle: ids and mask, (batch, length); True on the answers."""
    ids, _ = pad_batch([[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)])
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        mask[row, len(prompt) : len(prompt) + len(answer)] = True
    return ids, mask


def replies(
    model: GPT,
    tokenizer: Tokenizer,
    conversations: Sequence[Messages],
    limit: int,
    pick: Callable[[Tensor, list[int]], int],
) -> list[str]:
    """What the assistant says next in each conversation: at most `limit` tokens, without the end of the turn.

    pick: (logits (vocab,), all ids so far) -> the next id, as in `lib.decoding.sampling`
    """
    end = tokenizer.special[TURN_END]
    prompts = [conversation_ids(tokenizer, messages, asks=True) for messages in conversations]
    written = generate_batch(model, prompts, limit, pick, stop=[[end]])
    return [tokenizer.decode(ids[:-1] if ids[-1:] == [end] else ids) for ids in written]

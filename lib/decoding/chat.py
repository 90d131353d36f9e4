"""A conversation with a model that was trained to chat: what both sides said, as long as it fits the model's context.

Conversation    remembers the exchanges as ids, so that what the model has read is not computed again
converse        asks for lines in the terminal and prints the answers as they come
"""

import sys
from collections.abc import Callable, Iterable, Iterator

from torch import Tensor, nn

from lib.decoding.generate import CachedGPT
from lib.decoding.sampling import generate
from lib.smollm import SYSTEM, TURN_END, answer_ids, turn_ids
from lib.tokenizer import Tokenizer

LONGEST_LINE = 1_000_000  # characters; a pipe may never end one


class Conversation:
    """Lines in, answers out, piece by piece.

    pick: (logits (vocab,), ids so far) -> the next id    length: tokens of an answer at most
    system: what the model is told before the first line, in force all the time

    Raises ValueError when the system's words and an answer of that length leave no room in the model's context.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        pick: Callable[[Tensor, list[int]], int],
        length: int,
        system: str = SYSTEM,
    ):
        self.model, self.tokenizer, self.pick, self.length = model, tokenizer, pick, length
        self.system = turn_ids(tokenizer, "system", system)
        self.end = tokenizer.special[TURN_END]
        self.closing = [self.end, *tokenizer.encode_ordinary("\n")]  # how a turn ends
        self.exchanges: list[list[int]] = []  # a line and its answer each, but for the closing of the answer
        self.next_logits: CachedGPT | None = None
        self.room = model.n_positions - len(self.system) - length - len(self.closing)
        if self.room <= 0:
            raise ValueError(f"answers of {length:,} tokens leave no room in a context of {model.n_positions:,}")

    def answer(self, line: str) -> Iterator[bytes]:
        """The bytes of each token of the answer, as soon as it is there.

        Where it does not fit with all before it, the oldest exchanges are forgotten. The caller may leave off, or be
        interrupted: what was written until then is remembered. Raises ValueError when the line alone is too long.
        """
        asked = [*turn_ids(self.tokenizer, "user", line), *answer_ids(self.tokenizer)]
        if len(asked) > self.room:
            raise ValueError(f"a line of {len(asked):,} tokens: there is room for {self.room:,} beside an answer")
        while sum(len(earlier) + len(self.closing) for earlier in self.exchanges) + len(asked) > self.room:
            del self.exchanges[0]
        ids = [*self.system, *(i for earlier in self.exchanges for i in [*earlier, *self.closing]), *asked]
        self.exchanges.append(exchange := asked)
        # subtle: an interruption may leave caches half extended, so they are handed on by a whole answer only
        next_logits, self.next_logits = self.next_logits or CachedGPT(self.model, overflow="error"), None
        for i in generate(next_logits, ids, self.length, self.pick, [[self.end]]):
            if i != self.end:
                exchange.append(i)
                yield self.tokenizer.token(i)
        self.next_logits = next_logits


def converse(answer: Callable[[str], Iterable[str]], seen: dict[int, str]) -> None:
    """Ask for a line and print the answer to it, piece by piece, until a line is empty or there is none.

    seen: how characters are shown, as in `str.translate`. Ctrl-C during an answer ends that answer only; while a line
    is asked for, it is raised.
    """
    asks = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    while True:
        print("> " if asks else "", end="", flush=True)
        line = "" if sys.stdin is None else sys.stdin.readline(LONGEST_LINE)
        if not line.strip():
            print("\n" if asks and not line else "", end="", flush=True)  # after Ctrl-D
            return
        try:
            for piece in answer(line.strip()):
                print(piece.translate(seen), end="", flush=True)
        except KeyboardInterrupt:
            pass
        finally:
            print(flush=True)

"""`python -m lib.decoding`: a trained GPT writes on in the terminal, token by token, as it goes.

    python -m lib.decoding --prompt "Once upon a time" --temperature 0.8 --top-p 0.9
    python -m lib.decoding --checkpoint gpt2 --prompt "The meaning of life is" --greedy --length 40
    echo "There was a" | python -m lib.decoding --stop "." --seed 3
    python -m lib.decoding --model smollm2 --chat

What was written goes to standard output, everything else to standard error, in one sentence. Exit status: 0, 1 for an
error, 2 for options that cannot be read or do not go together, 130 after Ctrl-C.
"""

import argparse
import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lib.terminal import SEED, THREADS, OptionError, Options, as_option, importing, program, run, whole

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before PyTorch is imported

PROGRAM = "python -m lib.decoding"
LONGEST_PROMPT = 1_000_000  # characters; a pipe may never end
CHAT_TEMPERATURE, CHAT_TOP_P = 0.2, 0.9  # as the makers of SmolLM2 advise
CONTROL = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], "�")  # a model must not steer your terminal


def arguments_of(words: list[str]) -> argparse.Namespace:
    """The options, read. Those of sampling are checked by `picker`."""
    parser = Options(
        prog=PROGRAM,
        description="A trained GPT writes on from a prompt, in the terminal, as it goes.",
        epilog="Without --prompt, the prompt is read from standard input if something is piped in.",
    )
    parser.add_argument(
        "--checkpoint",
        "--model",
        default="stories",
        help='"stories" (comes with the course, default), "gpt2" (fetched once, 548 MB), "smollm2" (fetched once, '
        "93 MB), or the path of a .safetensors file written by python -m lib.training gpt, or published for GPT-2",
    )
    parser.add_argument("--chat", action="store_true", help="a conversation, line by line; an empty line or Ctrl-D "
        "ends it, Ctrl-C ends an answer; temperature 0.2 and top-p 0.9 unless you say otherwise")  # fmt: skip
    parser.add_argument("--prompt", help="what to write on from; empty: a text from its beginning")
    parser.add_argument(
        "--length", type=whole(1, 10**9), default=200, metavar="N", help="tokens at most (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=SEED, help="the same seed writes the same text; without one it differs each time"
    )
    parser.add_argument("--greedy", action="store_true", help="the likeliest token every time: no chance, no seed")
    parser.add_argument("--temperature", type=float, metavar="T", help="below 1 safer, above 1 bolder (default: 1)")
    parser.add_argument("--top-k", type=int, metavar="K", help="draw from the K likeliest tokens only")
    parser.add_argument("--top-p", type=float, metavar="P", help="draw from the likeliest that have P together")
    parser.add_argument("--min-p", type=float, metavar="P", help="leave out what has less than P of the likeliest")
    parser.add_argument("--repetition-penalty", type=float, metavar="R", help="above 1: less of what was written")
    parser.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end before it; may be repeated")
    parser.add_argument("--overflow", choices=("drop", "error"), default="drop", help="a text longer than the model's "
        "context loses half a context at its beginning, or is an error (default: %(default)s)")  # fmt: skip
    parser.add_argument("--int8", action="store_true", help="round the weights: less to read, nearly the same text")
    parser.add_argument("--threads", type=THREADS, metavar="N", help="of the processor (default: PyTorch's choice)")
    arguments = parser.parse_args(words)
    if "" in arguments.stop:
        parser.error('--stop "": a stop sequence is empty; it would stop before the first letter')
    chance = [
        name for name in ("temperature", "top_k", "top_p", "min_p", "seed") if getattr(arguments, name) is not None
    ]
    if arguments.greedy and chance:
        parser.error(f"--greedy takes the likeliest token: {as_option(chance[0])} would change nothing")
    if arguments.chat and arguments.prompt is not None:
        parser.error("--chat asks you for each line: a --prompt would change nothing")
    if arguments.chat and arguments.checkpoint != "smollm2":
        parser.error(f"{arguments.checkpoint} was not trained to chat: --chat needs --model smollm2")
    if arguments.chat and not {"temperature", "top_k", "top_p", "min_p"} & set(chance):
        arguments.temperature, arguments.top_p = CHAT_TEMPERATURE, CHAT_TOP_P
    return arguments


def load(checkpoint: str):
    """The model and its tokenizer: "stories", "gpt2", "smollm2" or the path of a file. Raises OSError or ValueError."""
    from lib import checkpoints
    from lib.gpt import load_gpt, load_stories_gpt
    from lib.tokenizer import Tokenizer, load_gpt2

    if checkpoint == "stories":
        return load_stories_gpt()
    if checkpoint == "gpt2":
        from lib.downloads import fetch
        from lib.gpt2 import load_gpt2_weights

        return load_gpt2_weights(fetch("gpt2/model.safetensors")), load_gpt2()
    if checkpoint == "smollm2":
        from lib.smollm import load_smollm2

        return load_smollm2()
    path = Path(checkpoint)
    if not path.exists():
        raise FileNotFoundError(f'there is no checkpoint at {path}; "stories", "gpt2" and "smollm2" are known by name')
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, a checkpoint is a file")
    if not checkpoints.is_ours(path):
        from lib.gpt2 import load_gpt2_weights

        return _belonging(load_gpt2_weights(path), load_gpt2(), path.name, "GPT-2's")
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise FileNotFoundError(f"{path} has no tokenizer: {beside.name} should lie beside it")
    try:
        return _belonging(load_gpt(path), Tokenizer.load(beside), path.name, beside.name)
    except (RuntimeError, TypeError) as error:
        detail = " ".join(str(error).split())
        raise ValueError(f"{path} is damaged: its tensors do not fit the sizes that it names ({detail:.150})") from None


def _belonging(model, tokenizer, weights: str, names: str):
    """Model and tokenizer, if they have as many tokens. Raises ValueError."""
    if len(tokenizer) != len(model.embedding.weight):
        sizes = f"{len(tokenizer):,} tokens, {weights} for {len(model.embedding.weight):,}"
        raise ValueError(f"{names} is a tokenizer of {sizes}: they do not belong together")
    return model, tokenizer


def text_of(tokens: Iterable[bytes]) -> Iterator[str]:
    """Bytes to text as they come. A character that is cut in two waits for its rest; what never becomes one is �."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for token in tokens:
        if text := decoder.decode(token):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def picker(arguments: argparse.Namespace) -> Callable:
    """How the next token is chosen: (logits, ids so far) -> id. Raises ValueError where an option makes no sense."""
    import torch

    from lib.decoding.sampling import Sampling, greedy, repetition_penalty

    names = "temperature", "top_k", "top_p", "min_p", "repetition_penalty"
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    for name, value in given.items():
        try:
            Sampling(**{name: value})
        except ValueError as error:
            raise OptionError(f"{as_option(name)} {value}: {error}") from None
    draw = Sampling(**given).picker(generator := torch.Generator())
    generator.seed() if arguments.seed is None else generator.manual_seed(arguments.seed)

    def likeliest(logits, ids):
        penalty = arguments.repetition_penalty
        return greedy(logits if penalty is None else repetition_penalty(logits, torch.tensor(ids), penalty)).item()

    def pick(logits, ids):
        if not logits.isfinite().all():
            raise ValueError(f"{arguments.checkpoint} is damaged: it gives logits that are no numbers")
        try:
            return likeliest(logits, ids) if arguments.greedy else draw(logits, ids)
        except RuntimeError:  # torch.multinomial: nothing is left, or infinitely much
            extreme = ", ".join(f"{as_option(name)} {value}" for name, value in given.items())
            raise OptionError(f"too extreme a choice, no token can be drawn: {extreme}") from None

    return pick


def stream(model, tokenizer, pick: Callable, arguments: argparse.Namespace, prompt: str) -> Iterator[str]:
    """What the model writes, piece by piece, up to the length, its own end or a stop sequence."""
    from lib.decoding.generate import CachedGPT
    from lib.decoding.sampling import generate, until
    from lib.gpt import END
    from lib.smollm import TURN_END

    ids = tokenizer.encode_ordinary(prompt)
    end = tokenizer.special.get(END)
    if end is not None:
        ids = [end, *ids]  # texts begin after an END
    if not ids:
        raise ValueError("the prompt is empty, and this tokenizer has no token that begins a text: give a --prompt")
    ends = {tokenizer.special[name] for name in (END, TURN_END) if name in tokenizer.special}
    new = generate(CachedGPT(model, arguments.overflow), ids, arguments.length, pick, [[i] for i in ends])
    return until(text_of(tokenizer.token(i) for i in new if i not in ends), arguments.stop)


def write(arguments: argparse.Namespace) -> None:
    """Load, then print the prompt and each piece as soon as it is there; or chat."""
    with importing():
        import torch

        from lib.decoding.chat import Conversation, converse
        from lib.decoding.generate import lay_out_for_decoding
        from lib.decoding.sampling import until

    prompt = arguments.prompt
    if prompt is None and not arguments.chat:
        prompt = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read(LONGEST_PROMPT + 1).rstrip("\n")
    if prompt and len(prompt) > LONGEST_PROMPT:
        raise ValueError(f"the prompt has more than {LONGEST_PROMPT:,} characters")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    pick = picker(arguments)  # before anything is loaded: what cannot be is refused at once
    model, tokenizer = load(arguments.checkpoint)
    if arguments.int8:
        from lib.decoding.quantise import quantised

        model = quantised(model)
    else:
        lay_out_for_decoding(model)
    seen = CONTROL if sys.stdout.isatty() else {}
    if arguments.chat:
        conversation = Conversation(model, tokenizer, pick, arguments.length)
        converse(lambda line: until(text_of(conversation.answer(line)), arguments.stop), seen)
        return
    print(prompt.translate(seen), end="", flush=True)
    try:
        for piece in stream(model, tokenizer, pick, arguments, prompt):
            print(piece.translate(seen), end="", flush=True)
    finally:
        print(flush=True)  # an error, or your terminal's prompt, begins a line


def main(words: list[str]) -> int:
    """Run the command and return its exit status; errors become one sentence."""
    return run(PROGRAM, lambda: write(arguments_of(words)))


if __name__ == "__main__":
    program(main)

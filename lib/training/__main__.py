"""`python -m lib.training translate ...` and `python -m lib.training gpt ...`: train on real text, or on your own.

`--help` after either lists its options. A training that was interrupted goes on when the same command is given again.
`torchrun --nproc-per-node 2 -m lib.training gpt ...` trains the same in two processes (`lib.training.parallel`).
"""

import importlib
import os

from lib.terminal import Options, importing, program, run

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before PyTorch is imported

PROGRAM = "python -m lib.training"
COMMANDS = {
    "translate": ("lib.training.translation", "a Transformer that translates: Multi30k, Italian, or a file of yours"),
    "gpt": ("lib.training.language", "a GPT that writes: stories, Shakespeare, or a file of yours"),
}


def main(words: list[str]) -> int:
    """Run the command that is named and return its exit status; only its own module is imported."""
    chosen = next((word for word in words if word in COMMANDS), None)
    return run(f"{PROGRAM} {chosen}" if chosen else PROGRAM, lambda: _train(words, chosen))


def _train(words: list[str], chosen: str | None) -> int:
    parser = Options(prog=PROGRAM, description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, what) in COMMANDS.items():
        subparser = commands.add_parser(name, help=what)
        if name == chosen:
            with importing():
                pipeline = importlib.import_module(module)
                from lib.training.parallel import team
            pipeline.add_arguments(subparser)
    arguments = parser.parse_args(words)
    with team() as together:
        return pipeline.run(arguments, together)


if __name__ == "__main__":
    program(main)

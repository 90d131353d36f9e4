"""`python -m lib.training translate ...` and `python -m lib.training gpt ...`: train on real text, or on your own.

`--help` after either lists its options. A training that was interrupted goes on when the same command is given again.
"""

import argparse
import importlib
import sys

COMMANDS = {
    "translate": ("lib.training.translation", "a Transformer that translates: Multi30k, Italian, or a file of yours"),
    "gpt": ("lib.training.language", "a GPT that writes: stories, Shakespeare, or a file of yours"),
}


def main(words: list[str]) -> int:
    """Run the command that is named; only its own module is imported."""
    parser = argparse.ArgumentParser(prog="python -m lib.training", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in words if not word.startswith("-")), None)
    pipeline = None
    for name, (module, what) in COMMANDS.items():
        subparser = commands.add_parser(name, help=what)
        if name == chosen:
            pipeline = importlib.import_module(module)
            pipeline.add_arguments(subparser)
    arguments = parser.parse_args(words)
    try:
        return pipeline.run(arguments) or 0
    except (OSError, ValueError) as error:
        print(f"{parser.prog} {chosen}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

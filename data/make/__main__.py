"""`python -m data.make [NAME ...]` writes the corpora of data/ and their lines in MANIFEST; all without a name."""

import sys

from data.make.corpora import CORPORA, regenerate


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in CORPORA]
    if unknown:
        print(f"no corpus is called {', '.join(unknown)}; there are {', '.join(CORPORA)}", file=sys.stderr)
        return 2
    for name in names or CORPORA:
        entry = regenerate(name)
        print(f"data/{name}  {entry.size:,} bytes  sha256 {entry.sha256[:12]}...")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

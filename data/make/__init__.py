"""The programs that wrote the texts of data/, the same everywhere to the byte: `python -m data.make` writes them anew.

Their word lists stand beside them in lists/. `lib` reads the texts with lib.corpora and never imports this package.
"""

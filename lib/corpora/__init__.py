"""Texts that the course makes for itself, byte for byte the same everywhere: `python -m lib.corpora` writes data/."""

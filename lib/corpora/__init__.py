"""Texts that the course makes for itself: seeded, reproducible byte for byte, written to data/ by `python -m lib.corpora`."""

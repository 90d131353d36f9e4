"""Texts to learn from: loaders, and measures of what a model writes in their manner.

data/make wrote the texts of data/. The sentences of `pronouns` and `latin`, two small closed worlds, are drawn by the
notebooks themselves, each with its own generator.
"""

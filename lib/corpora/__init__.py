"""Loaders of the texts in data/, and measures of what a model writes in their manner; data/make wrote the texts."""

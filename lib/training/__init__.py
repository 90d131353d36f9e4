"""Training: `from lib.training import Training, train`, and the command `python -m lib.training`."""

HOME = {"Training": "loop", "train": "loop", "training_step": "loop", "Recipe": "recipes", "learning_rate": "recipes"}


def __getattr__(name: str):
    """One of these, imported when it is first asked for: the command answers before PyTorch is there."""
    if name not in HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"lib.training.{HOME[name]}"), name)

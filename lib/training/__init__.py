"""Training: `from lib.training import Training, train` (`lib.training.loop`), and `python -m lib.training`."""

NAMES = ("Recipe", "Training", "learning_rate", "train")


def __getattr__(name: str):
    """What `lib.training.loop` holds, when it is first asked for: a command answers before PyTorch is imported."""
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lib.training import loop

    return getattr(loop, name)

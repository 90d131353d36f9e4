"""Writing with a trained model, one token after the other: `search` for translations, `sampling` for free text."""

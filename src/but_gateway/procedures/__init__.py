"""Floor 5: what the office does."""

"""Floor 4: what the office knows."""

"""Floor 2, pure: facts in, findings out. No clock, no database, no names."""

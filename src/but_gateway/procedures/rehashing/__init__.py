"""Changing the key of the keyed hashes by which numbers, accounts and equal children are found, while the town works."""

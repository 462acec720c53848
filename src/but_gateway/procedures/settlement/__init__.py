"""Batches: drawn up, certified, ordered, handed over."""

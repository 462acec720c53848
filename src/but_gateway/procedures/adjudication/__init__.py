"""The heart: lock the children, gather facts, evaluate, write decisions."""

"""May this child have this benefit here and now."""

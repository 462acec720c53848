"""What changed for a provider: read in order, never skipped, never twice; who reads of a revocation has been told of it."""

"""Rights of the persons concerned: information about a child, and its erasure."""

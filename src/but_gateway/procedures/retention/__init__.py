"""Retention: what is deleted when, and the record that it was."""

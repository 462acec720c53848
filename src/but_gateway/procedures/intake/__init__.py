"""Grants from the case system."""

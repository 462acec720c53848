"""Bytes and domain: pain.001, CSV, NDJSON."""

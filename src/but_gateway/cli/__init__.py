"""The command line."""

from but_gateway.cli.root import main

__all__ = ["main"]

"""How commands speak: data on stdout, everything else on stderr, and exit codes that scripts can rely on."""

import json
import sys
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    ENVIRONMENT = 3
    CONFLICT = 4
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends a command with a sentence that says what is wrong and, where possible, the command that mends it."""

    def __init__(self, text: str, code: Exit = Exit.ENVIRONMENT) -> None:
        super().__init__(text)
        self.code = code


def say(text: str) -> None:
    """A line of data."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def say_json(value: object) -> None:
    """One JSON document as data."""
    say(json.dumps(value, ensure_ascii=False))


def tell(text: str) -> None:
    """A line of progress."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """The last line of a command that failed."""
    tell(f"but-gateway: {text}")

"""What documents tell people to type exists."""

import re
from pathlib import Path

from typer.main import get_command

from but_gateway.cli.root import app

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`but-gateway ([a-z][a-z-]*)")


def test_every_command_that_a_document_names_exists() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined] # a group, as the app has several commands
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    named = {(path.name, command) for path in documents for command in NAMED.findall(path.read_text(encoding="utf-8"))}
    assert named
    assert [(name, command) for name, command in sorted(named) if command not in known] == []

"""The digest of what decides: code of rules and law without comments, docstrings and layout, and the values of the law."""

import ast
import hashlib
import io
import tokenize
from pathlib import Path
from typing import Final

from but_gateway.law.parameters import LAW_DIRECTORY, law_version

# Texts, documents and examples change no decision; the version names the digest and cannot be part of it.
_NOT_DECIDING: Final = frozenset(
    {"texts.py", "wording.py", "document.py", "examples.py", "savings.py", "version.py", "digest.py", "__init__.py"}
)


def rule_set_digest() -> str:
    """SHA-256 in hex over the names and bare code of the modules that decide, and over the law's YAML."""
    digest = hashlib.sha256(law_version().encode())
    for directory in (LAW_DIRECTORY, Path(__file__).parent):
        for path in sorted(directory.glob("*.py")):
            if path.name not in _NOT_DECIDING:
                digest.update(f"\0{path.name}\0{bare_code(path.read_text(encoding='utf-8'))}".encode())
    return digest.hexdigest()


def bare_code(source: str) -> str:
    """The code without comments, docstrings and white space: the same in every Python version and under every formatter."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            text = node.body[0]
            for number in range(text.lineno, (text.end_lineno or text.lineno) + 1):
                lines[number - 1] = "\n"
    kept = [list(line) for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start[0] - 1, token.start[1]
            kept[row] = kept[row][:column]
    return "".join("".join("".join(line).split()) for line in kept).replace(",)", ")").replace(",]", "]").replace(",}", "}")

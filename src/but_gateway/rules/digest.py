"""The digest of what decides: code of rules and law without comments, docstrings and layout, and the values of the law."""

import ast
import hashlib
import io
import tokenize
from pathlib import Path
from typing import Final

from but_gateway.law.parameters import LAW_DIRECTORY, law_version

_ROOM: Final = {"but_gateway.law": LAW_DIRECTORY, "but_gateway.rules": Path(__file__).parent}
# The version names the digest and cannot be part of it; examples are cases, not rules.
_NOT_DECIDING: Final = frozenset({"but_gateway.rules.version", "but_gateway.rules.examples"})


def rule_set_digest() -> str:
    """SHA-256 in hex over the bare code of every module of rules and law that ``evaluate`` reaches, and over the law's YAML."""
    digest = hashlib.sha256(law_version().encode())
    for name, path in sorted(deciding_modules().items()):
        digest.update(f"\0{name}\0{bare_code(path.read_text(encoding='utf-8'))}".encode())
    return digest.hexdigest()


def deciding_modules() -> dict[str, Path]:
    """The modules that ``evaluate`` imports, directly or through others, with their files."""
    found: dict[str, Path] = {}
    waiting = ["but_gateway.rules.evaluate"]
    while waiting:
        name = waiting.pop()
        package, _, module = name.rpartition(".")
        if name in found or name in _NOT_DECIDING or package not in _ROOM:
            continue
        found[name] = _ROOM[package] / f"{module}.py"
        for node in ast.walk(ast.parse(found[name].read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                # "from package import module" names a module as well as "from package.module import name".
                waiting += [node.module] if node.module not in _ROOM else [f"{node.module}.{one.name}" for one in node.names]
    return found


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

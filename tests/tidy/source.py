"""The source as the tidy tests see it: parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "but_gateway"
NOT_OURS = {".git", ".venv", "var", "build", "dist", "node_modules", "htmlcov", "__pycache__"}


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root of the repository, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem

    def at(self, node: ast.stmt | ast.expr) -> str:
        """Where a node stands, as editors understand it."""
        return f"{self.path}:{node.lineno}"


@cache
def product() -> tuple[Source, ...]:
    """The package's own modules."""
    return tuple(_read(PACKAGE))


@cache
def everything() -> tuple[Source, ...]:
    """All Python of the repository but the migrations, which are history and stay as they were."""
    return tuple(source for folder in ("src", "tests", "bench") for source in _read(ROOT / folder))


@cache
def files() -> tuple[Path, ...]:
    """All files that belong to the repository, whether text or not."""
    return tuple(sorted(_walk(ROOT)))


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Path and text of every text file of the repository."""
    found = []
    for path in files():
        try:
            found.append((str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)


def imported(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Every imported name in full: ``from a import b`` gives ``a.b``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def dotted(node: ast.expr) -> str:
    """A name as it is written, such as ``datetime.now``; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _read(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        yield Source(str(path.relative_to(ROOT)), text, ast.parse(text))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_OURS or (path.name.endswith("_cache") and path.is_dir()) or path.name.startswith((".coverage", ".hypothesis")):
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path

"""Opens a package: a directory or a zip of the files as they were downloaded. Nothing is unpacked, nothing is trusted."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from but_gateway.procedures.verification.model import Findings

KINDS: Final = (
    "Anordnung.pdf", "Avise.zip", "Einzelposten.ndjson", "Einzelposten.xlsx", "HKR.csv", "Zahlungen.xlsx", "manifest.json", "pain001.xml",
)  # fmt: skip
FILES_MAX: Final = 100
# Sizes beyond these are not a batch of ours; of a zip, what its entries say of themselves is not believed but counted while reading.
BYTES_MAX: Final = 8 * 1024**3
_PIECE: Final = 1024 * 1024


class NoPackageError(Exception):
    """There is nothing to check; the text says what was looked for."""


@dataclass(slots=True)
class Package:
    """An opened package. ``names`` are the files of one batch by what they end with."""

    names: dict[str, str]
    stem: str
    _folder: Path | None = None
    _zip: zipfile.ZipFile | None = None

    def has(self, kind: str) -> bool:
        """Whether the package holds this file."""
        return kind in self.names

    @contextmanager
    def open(self, kind: str) -> Iterator[BinaryIO]:
        """The file for reading, from its beginning. Files inside a zip can be read in order only."""
        with self.open_name(self.names[kind]) as file:
            yield file

    @contextmanager
    def open_name(self, name: str) -> Iterator[BinaryIO]:
        """As ``open``, by the file's whole name."""
        if self._zip is not None:
            with self._zip.open(name) as file:
                yield cast("BinaryIO", file)
        else:
            assert self._folder is not None  # noqa: S101 - either the one or the other
            with self._folder.joinpath(name).open("rb") as file:
                yield file

    @contextmanager
    def open_seekable(self, kind: str) -> Iterator[BinaryIO]:
        """The file for readers that go back and forth."""
        with self.open(kind) as file:
            yield file if self._zip is None else io.BytesIO(file.read(BYTES_MAX))

    def digest(self, name: str) -> tuple[str, int]:
        """SHA-256 (hexadecimal) and length of a file."""
        digest, length = hashlib.sha256(), 0
        with self.open_name(name) as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                length += len(piece)
        return digest.hexdigest(), length

    def close(self) -> None:
        """Closes the zip."""
        if self._zip is not None:
            self._zip.close()


def open_package(path: Path, findings: Findings) -> Package:
    """Opens a directory or zip. Refuses when it holds no file of a package, or files of several batches (NoPackageError)."""
    archive = None
    try:
        if path.is_dir():
            entries = sorted(one.name for one in path.iterdir() if one.is_file())
        elif path.is_file():
            archive = zipfile.ZipFile(path)
            entries = sorted(one.filename for one in archive.infolist() if not one.is_dir())
        else:
            raise NoPackageError(f"{path}: neither a directory nor a file")
    except (OSError, zipfile.BadZipFile):
        raise NoPackageError(f"{path}: cannot be read as a directory or a zip file") from None
    # A zip made of a directory has it in front of every name.
    known = [(kind, name) for name in entries[: FILES_MAX + 1] for kind in KINDS if name.endswith(kind)]
    if not known:
        raise NoPackageError(f"{path}: holds none of {', '.join(KINDS)}")
    stems = {name.removesuffix(kind).rpartition("/")[2] for kind, name in known}
    if len(stems) > 1 or len(known) != len({kind for kind, _ in known}):
        raise NoPackageError(f"{path}: holds files of several batches; check them one by one")
    for name in entries:
        if name not in {one for _, one in known}:
            findings.add("unknown_file", "", name if name.isprintable() else "?", note=True)
    return Package(dict(known), stems.pop(), path if archive is None else None, archive)

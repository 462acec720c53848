"""Reading XML that somebody sent: nothing of it is trusted, nothing but a few named values of it is kept.

The text goes piece by piece through a parser that builds no tree (lxml with a target). What can be told from the bytes alone is refused
before: document types (and with them every entity), other encodings than UTF-8, more tags than a report of this size has. While parsing:
depth, elements per record, records, and pieces that bring the parser no further, such as one tag of megabytes. No address is ever opened.
Why this happens in the process that answers: docs/decisions/0016.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

DEPTH_MAX: Final = 40
TAGS_MAX: Final = 1_000_000
RECORDS_MAX: Final = 25_000
ELEMENTS_PER_RECORD_MAX: Final = 5_000
VALUES_PER_PATH_MAX: Final = 20
VALUE_LENGTH_MAX: Final = 1_000
NAMES_MAX: Final = 1_000
TEXT_PARTS_MAX: Final = 2_000  # a parser hands over a text in parts, one for each character reference
_PIECE_BYTES: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_DECLARATION: Final = re.compile(rb"<\?xml\s[^>]{0,200}\?>")
_ENCODING: Final = re.compile(rb"encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")


class BrokenXmlError(Exception):
    """Not XML as it should be, or dangerous. ``de`` and ``en`` say what is wrong; they never repeat what was sent."""

    def __init__(self, de: str, en: str) -> None:
        super().__init__(en)
        self.de, self.en = de, en


class OtherDocumentError(Exception):
    """Well-formed so far, but of a kind that is not read here."""


class TooManyRecordsError(Exception):
    """More records than one report may have."""


@dataclass(slots=True)
class Record:
    """A repeated part of a document with the values that were asked for. ``place``: ``Stmt[1]/Ntry[3]``, counted from 1."""

    name: str
    place: str
    parent: "Record | None"  # the message itself is the parent of the outermost
    values: dict[str, list[str]] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)
    elements: int = 0

    def one(self, *paths: str) -> str | None:
        """The first value of the first of the paths that has one."""
        return next((self.values[path][0] for path in paths if path in self.values), None)

    def every(self, *paths: str) -> list[str]:
        """All values of the paths."""
        return [value for path in paths for value in self.values.get(path, ())]


@dataclass(frozen=True, slots=True)
class Shape:
    """What to look for: ``root``, the path to a document's message, and by record the values and further records that stand in it.

    ``wanted``: paths inside a record; one that ends with ``@Ccy`` is an attribute. ``inside``: records by their path inside another one,
    ``""`` is the message itself. Whatever else there is is passed over as a whole.
    """

    root: tuple[str, str]
    wanted: Mapping[str, frozenset[str]]
    inside: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Node:
    """What to do at a path of a record: begin a record, keep the text, keep attributes, or only go on."""

    record: str | None
    is_value: bool
    attributes: tuple[str, ...]


def _nodes(shape: Shape, record: str) -> dict[str, _Node]:
    """By path: everything of a record that is looked at."""
    values, records = shape.wanted.get(record, frozenset()), shape.inside.get(record, {})
    paths: set[str] = set()
    for path in {value.partition("@")[0] for value in values} | set(records):
        parts = path.split("/")
        paths |= {"/".join(parts[:n]) for n in range(1, len(parts) + 1)}
    return {
        path: _Node(records.get(path), path in values, tuple(v.partition("@")[2] for v in values if v.startswith(f"{path}@")))
        for path in paths
    }


def read_records(raw: bytes, shapes: Mapping[str, Shape], take: Callable[[str, Record], None]) -> str:
    """Hands every record to ``take`` (with the document's namespace) when it ends, inner ones first; returns the namespace.

    ``shapes``: by namespace. Refuses what is broken or dangerous (BrokenXmlError), of another namespace or root (OtherDocumentError), and
    what has too many records (TooManyRecordsError). What ``take`` raises ends the reading.
    """
    target = _Target(shapes, take)
    parser = etree.XMLParser(
        target=target,  # type: ignore[arg-type] # the stubs ask for bytes and comments too; the parser does not
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    text = _checked(raw)
    # A look ahead, so that what is far too much is refused before any of it is read; the target counts what has prefixes.
    if any(text.count(f"<{name}".encode()) > RECORDS_MAX for shape in shapes.values() for name in shape.wanted):
        raise TooManyRecordsError
    try:
        for start in range(0, len(text), _PIECE_BYTES):
            before = target.events
            parser.feed(text[start : start + _PIECE_BYTES])
            if target.events == before and start + _PIECE_BYTES < len(text):
                raise BrokenXmlError("Ein Element oder Text ist länger, als Berichte es kennen.", "An element or text is longer than any.")
        parser.close()
    except etree.XMLSyntaxError as error:
        line, column = error.position if error.position and error.position[0] else (0, 0)
        raise BrokenXmlError(
            f"Der Inhalt ist kein wohlgeformtes XML (Zeile {line}, Spalte {column}).",
            f"The body is not well-formed XML (line {line}, column {column}).",
        ) from None
    return target.namespace


def _checked(raw: bytes) -> bytes:
    """The text without a byte order mark. Refuses what can be told from bytes alone."""
    text = raw.removeprefix(_BOM)
    if b"\x00" in text[:4] or text[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise BrokenXmlError("Senden Sie das XML in UTF-8.", "Send the XML in UTF-8.")
    declaration = _DECLARATION.match(text)
    named = _ENCODING.search(declaration[0]) if declaration else None
    if named and named[1].lower() not in {b"utf-8", b"utf8", b"us-ascii"}:
        raise BrokenXmlError("Senden Sie das XML in UTF-8.", "Send the XML in UTF-8.")
    # In UTF-8 these bytes cannot stand for anything else; with no document type there are no entities to expand and nothing to fetch.
    if b"<!DOCTYPE" in text:
        raise BrokenXmlError("Ein Dokumenttyp (DOCTYPE) ist nicht erlaubt.", "A document type (DOCTYPE) is not allowed.")
    if text.count(b"<") > TAGS_MAX:
        raise BrokenXmlError("Das XML hat zu viele Elemente.", "The XML has too many elements.")
    return text


class _Target:
    """What the parser tells element by element."""

    def __init__(self, shapes: Mapping[str, Shape], take: Callable[[str, Record], None]) -> None:
        self._shapes, self._take = shapes, take
        self.namespace = ""
        self.events = 0
        self._parts = 0  # of the text since the last tag
        self._records = 0
        self._depth = 0
        self._skipped = 0  # the depth at which something begins that is passed over, 0 = nothing is
        self._shape: Shape | None = None
        self._names: dict[str, str] = {}  # local names by tag
        self._nodes: dict[str, dict[str, _Node]] = {}  # by record
        self._record = Record("", "", None)
        self._here: dict[str, _Node] = {}  # the nodes of the open record
        self._path = ""  # of the innermost element inside its record
        self._stack: list[tuple[str, Record, dict[str, _Node]]] = []
        self._text: list[str] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self.events += 1
        self._parts = 0
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise BrokenXmlError("Das XML ist zu tief verschachtelt.", "The XML is nested too deep.")
        if self._depth <= _ROOT_DEPTH:
            self._enter(tag)
            return
        record = self._record
        record.elements += 1
        if record.elements > ELEMENTS_PER_RECORD_MAX:
            raise BrokenXmlError("Das XML hat zu viele Elemente.", "The XML has too many elements.")
        if self._skipped:
            return
        name = self._names.get(tag) or self._name(tag)
        path = f"{self._path}/{name}" if self._path else name
        node = self._here.get(path)
        if node is None:
            self._skipped = self._depth
            return
        self._stack.append((self._path, record, self._here))
        self._path, self._text = path, [] if node.is_value else None
        for attribute in node.attributes:
            if attribute in attributes:
                self._keep(f"{path}@{attribute}", attributes[attribute][:VALUE_LENGTH_MAX])
        if node.record is not None:
            record.elements -= 1  # records have a limit of their own
            self._begin(node.record)

    def end(self, tag: str) -> None:  # noqa: ARG002 - the parser says which; the innermost is meant
        """An element ends."""
        self.events += 1
        self._parts = 0
        self._depth -= 1
        if self._skipped:
            if self._depth < self._skipped:
                self._skipped = 0
            return
        if not self._stack:
            return
        if self._text is not None:
            value = "".join(self._text).strip()
            if len(value) > VALUE_LENGTH_MAX:
                raise BrokenXmlError("Ein Text ist länger, als Berichte es kennen.", "A text is longer than any in a report.")
            self._keep(self._path, value)
            self._text = None
        inner = self._record
        self._path, self._record, self._here = self._stack.pop()
        if inner is not self._record:
            self._take(self.namespace, inner)

    def data(self, text: str) -> None:
        """Text of an element, maybe a part of it."""
        self.events += 1
        self._parts += 1
        if self._parts > TEXT_PARTS_MAX:
            raise BrokenXmlError("Ein Text ist länger, als Berichte es kennen.", "A text is longer than any in a report.")
        if self._text is not None and not self._skipped:
            self._text.append(text)

    def close(self) -> None:
        """The end of the document."""

    def _enter(self, tag: str) -> None:
        """The two outermost elements: they say what the document is."""
        if self._depth == 1:
            self.namespace = tag.removeprefix("{").rpartition("}")[0]
            self._shape = self._shapes.get(self.namespace)
        if self._shape is None or tag != f"{{{self.namespace}}}{self._shape.root[self._depth - 1]}":
            raise OtherDocumentError
        self._here = self._nodes_of("")

    def _name(self, tag: str) -> str:
        """The local name; of another namespace one that no path holds."""
        namespace, _, name = tag.removeprefix("{").rpartition("}")
        if len(self._names) < NAMES_MAX:
            self._names[tag] = name if namespace == self.namespace else "?"
        return name if namespace == self.namespace else "?"

    def _nodes_of(self, record: str) -> dict[str, _Node]:
        if record not in self._nodes and self._shape is not None:
            self._nodes[record] = _nodes(self._shape, record)
        return self._nodes[record]

    def _begin(self, name: str) -> None:
        self._records += 1
        if self._records > RECORDS_MAX:
            raise TooManyRecordsError
        parent = self._record
        number = parent.children[name] = parent.children.get(name, 0) + 1
        self._record = Record(name, f"{parent.place}/{name}[{number}]".lstrip("/"), parent)
        self._here, self._path = self._nodes_of(name), ""

    def _keep(self, path: str, value: str) -> None:
        values = self._record.values.setdefault(path, [])
        if value and len(values) < VALUES_PER_PATH_MAX:
            values.append(value)
        if not values:
            del self._record.values[path]


_ROOT_DEPTH: Final = 2

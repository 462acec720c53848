"""The packages of a batch while they are made: each file is written once, hashed as it grows, and kept out of memory."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, Self, cast
from uuid import UUID

from lxml import etree

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.hkr_profile import HkrProfile
from but_gateway.formats.positions_ndjson import PositionRecord
from but_gateway.procedures.settlement.model import Contents, PackageFile
from but_gateway.procedures.settlement.schemas import order_number
from but_gateway.registers.municipalities.settings import Debtor, Settings
from but_gateway.registers.providers.model import ProviderRecord

# Up to here a file stays in memory, beyond it lies in a temporary file; stored pieces have this length too.
PIECE_BYTES: Final = 1024 * 1024
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# So many parts of facts are kept for the positions to come: each is some hundred bytes.
_PARTS_KEPT: Final = 10_000
# Parts of facts by their names in a decision's context → in the facts document (rules/document.py).
_FACT_NAMES: Final = {"claim": "c", "town": "t", "provider": "p", "agreement": "a", "facility": "f"}


class DraftFile:
    """A file being written. Takes bytes, knows their hash and number, gives them back in pieces."""

    def __init__(self, name: str, package: str, media_type: str) -> None:
        self._name, self._package, self._media_type = name, package, media_type
        self._spool = SpooledTemporaryFile(max_size=PIECE_BYTES)  # noqa: SIM115 - closed by close()
        self._hash = hashlib.sha256()
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets the content go."""
        self._spool.close()

    @property
    def media_type(self) -> str:
        """What the file is. A maker that finds out only while it works corrects it."""
        return self._media_type

    @media_type.setter
    def media_type(self, value: str) -> None:
        self._media_type = value

    def write(self, content: bytes) -> int:
        """Adds to the end."""
        self._hash.update(content)
        self._bytes += len(content)
        return self._spool.write(content)

    def flush(self) -> None:
        """Writers of streams ask for it; there is nothing to do."""

    def reader(self) -> BinaryIO:
        """What was written, from the beginning."""
        self._spool.seek(0)
        return cast("BinaryIO", self._spool)

    def as_writer(self) -> BinaryIO:
        """Itself, for writers that want a binary file."""
        return cast("BinaryIO", self)

    def done(self) -> PackageFile:
        """What the file is called and what its content hashes to."""
        return PackageFile(self._name, self._package, self._media_type, self._hash.hexdigest(), self._bytes)

    def pieces(self) -> Iterator[bytes]:
        """Its content in pieces of one MiB."""
        reader = self.reader()
        while piece := reader.read(PIECE_BYTES):
            yield piece


@dataclass(frozen=True, slots=True)
class Payee:
    """The account a payment goes to, in the clear: whose it is, its IBAN in electronic form."""

    holder: str
    iban: str


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """What the instance decides about packages: the profiles of the interface file there are, a stricter schema of payment files."""

    profiles: Mapping[str, HkrProfile]
    payment_schema: etree.XMLSchema | None = None


@dataclass(frozen=True, slots=True)
class ServiceOf:
    """What an order is for: its first and last day of service, the invoices by number and day (those whose number may be printed)."""

    first_day: date
    last_day: date
    invoices: tuple[tuple[str, date], ...]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What the files of a batch are made from. The same of it makes the same bytes."""

    town: str  # its key
    contents: Contents
    settings: Settings
    debtor: Debtor
    payees: Mapping[UUID, Payee]  # by payment
    providers: Mapping[UUID, ProviderRecord]  # by provider
    made_at: datetime
    today: date  # the business day of made_at
    options: PackageOptions
    services: Mapping[UUID, ServiceOf]  # by order; a repeated payment's orders have none


@dataclass(frozen=True, slots=True)
class FileKind:
    """A file of the packages: its name behind the batch's stem, which package it belongs to, its media type."""

    name: str
    package: str  # treasury | audit | advice
    media_type: str


@dataclass(frozen=True, slots=True)
class FileMaker:
    """Makes one file, or several out of one reading: ``make`` gets what was handed over, the files made before, a draft for each kind."""

    kinds: tuple[FileKind, ...]
    make: Callable[[UnitOfWork, HandedOver, Sequence[PackageFile], Sequence[DraftFile]], Awaitable[None]]


@dataclass(slots=True)
class FactTexts:
    """Puts the facts of decisions together as texts. Parts come in by hash; each is read from the database once."""

    _parts: dict[bytes, str] = field(default_factory=dict)
    _contexts: dict[str, str] = field(default_factory=dict)

    def trim(self) -> None:
        """Lets go of what was read when it is much; call it between two readings. Memory stays flat however many positions there are."""
        if len(self._parts) > _PARTS_KEPT:
            self._parts.clear()
            self._contexts.clear()

    def add(self, parts: Mapping[bytes, str]) -> None:
        """Parts that ``missing`` asked for, as JSON texts; blanks go."""
        for digest, body in parts.items():
            self._parts[digest] = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))

    def missing(self, facts: Iterable[str | None]) -> set[bytes]:
        """Which parts have to be read before the texts of these facts can be made. Ask twice: contexts name further parts."""
        contexts = {bytes.fromhex(json.loads(text)["c"]) for text in facts if text is not None}
        wanted = contexts | {h for c in contexts if c in self._parts for h in _named(json.loads(self._parts[c]))}
        return wanted - self._parts.keys()

    def text(self, facts: str | None) -> str | None:
        """The facts of a decision as the document that ``rules.document.from_document`` reads.

        Refuses when a part was not added (KeyError).
        """
        if facts is None:
            return None
        stored = json.loads(facts)
        situation = json.dumps(stored["s"], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return f'{{"s":{situation},{self._rest(stored["c"])}}}'

    def _rest(self, digest: str) -> str:
        """What follows the situation: the parts a context names. Thousands of positions share one."""
        if digest not in self._contexts:
            context = json.loads(self._parts[bytes.fromhex(digest)])
            parts = [
                f'"{short}":{self._parts[bytes.fromhex(context[name])] if name in context else "null"}'
                for name, short in _FACT_NAMES.items()
            ]
            parts.append('"g":[' + ",".join(self._parts[bytes.fromhex(h)] for h in context.get("grants", ())) + "]")
            if context.get("other_benefits"):
                parts.append('"ob":true')
            self._contexts[digest] = ",".join(parts)
        return self._contexts[digest]


def _named(context: Mapping[str, Any]) -> Iterator[bytes]:
    yield from (bytes.fromhex(context[name]) for name in _FACT_NAMES if name in context)
    yield from (bytes.fromhex(h) for h in context.get("grants", ()))


def _text_of(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def position_record(row: Mapping[str, Any], batch: str, facts: str | None) -> PositionRecord:
    """A row of ``package_store.read_positions`` as the audit package tells it."""
    return PositionRecord(
        position_id=str(row["position_id"]),
        provider=row["provider"],
        invoice=row["invoice"],
        invoice_id=str(row["invoice_id"]),
        line_no=row["line_no"],
        benefit=row["benefit"],
        item=row["item"],
        form=row["form"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        quantity=row["quantity"],
        claimed=row["claimed"],
        corrects=_text_of(row["corrects_id"]),
        received_at=row["received_at"],
        decision_id=str(row["decision_id"]),
        decided_at=row["decided_at"],
        by_person=row["decided_by"] is not None,
        decision=row["outcome"],
        approved=row["approved"],
        findings=json.loads(row["findings"]),
        allocations=json.loads(row["allocations"]),
        orders=[(order_number(batch, serial), basis, cents) for serial, basis, cents in json.loads(row["orders"])],
        payment=row["payment"],
        rule_set=row["rule_set"],
        facts=facts,
    )

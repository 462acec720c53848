"""What providers get: Avise.zip, an advice as PDF and CSV for each payment. Positions are read once, in order of payments.

PDFs are set beside the loop by a few threads, a payment each; they stand in the archive in order of payments all the same. Entries are
stored as they are, so that a provider's own advice can be read out of the archive without unpacking it.
"""

import asyncio
import io
import os
import threading
import zipfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, cast

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.pdf import Press
from but_gateway.formats.pdf_remittance import TEMPLATE, PdfAdvice, write_advice
from but_gateway.formats.remittance import AdvisedPosition, CsvAdvice, RemittanceHead, RemittanceSums
from but_gateway.kit.clock import BERLIN
from but_gateway.kit.iban import mask_iban
from but_gateway.procedures.settlement import remittance_store
from but_gateway.procedures.settlement.model import PackageFile, Payment
from but_gateway.procedures.settlement.package import PIECE_BYTES, DraftFile, FileKind, FileMaker, HandedOver
from but_gateway.procedures.settlement.remittance import advised
from but_gateway.procedures.settlement.remittance_store import NewRemittance, Place

# How many threads set documents, and how many documents may wait to be written: memory does not grow with the number of payments.
THREADS: Final = min(os.cpu_count() or 1, 4)
_WAITING_MAX: Final = 4 * THREADS
_UNIX: Final = 3
_FILE_MODE: Final = 0o100644 << 16


def _spool() -> BinaryIO:
    """A file in memory or, beyond a piece, on disk; whoever reads it closes it."""
    return cast("BinaryIO", SpooledTemporaryFile(max_size=PIECE_BYTES))


class AdviceSumError(Exception):
    """The positions of an advice do not come to what the payment pays: nothing may be told that is not so."""


@dataclass(slots=True)
class Advice:
    """The advice of one payment while its positions come in."""

    payment: Payment
    batch: str
    csv: BinaryIO = field(default_factory=_spool)
    pdf: PdfAdvice = field(default_factory=PdfAdvice)
    claimed: int = 0
    approved: int = 0
    receipts: int = 0
    table: CsvAdvice = field(init=False)

    def __post_init__(self) -> None:
        self.table = CsvAdvice(self.csv, self.number)

    @property
    def number(self) -> str:
        """``2026-0007-00001``: the batch's number and the payment's in it, as in the EndToEndId."""
        return f"{self.batch}-{self.payment.serial:05d}"

    def add(self, position: AdvisedPosition) -> None:
        """Adds a position to both shapes."""
        self.table.add(position)
        self.pdf.add(position)
        self.claimed += max(position.claimed, 0)
        self.approved += max(position.approved, 0)
        self.receipts -= min(position.approved, 0)

    def head(self, handed: HandedOver) -> RemittanceHead:
        """The sums. Refuses when they are not the payment's (AdviceSumError)."""
        if (self.approved, self.receipts) != (self.payment.gross, self.payment.receipts):
            raise AdviceSumError
        sums = RemittanceSums(self.claimed, self.approved, self.receipts, self.approved - self.receipts)
        return RemittanceHead(self.number, self.batch, handed.settings.name, handed.made_at, self.payment.remittance_text, sums)


class Archive:
    """Avise.zip being written: entries uncompressed, named by the caller, all dated the day of the hand-over."""

    def __init__(self, draft: DraftFile, handed: HandedOver) -> None:
        self._zip = zipfile.ZipFile(draft.as_writer(), "w", zipfile.ZIP_STORED)
        local = handed.made_at.astimezone(BERLIN)
        # The format counts in steps of two seconds.
        self._dated = (local.year, local.month, local.day, local.hour, local.minute, local.second // 2 * 2)

    def close(self) -> None:
        """Writes the list of entries."""
        self._zip.close()

    def add(self, name: str, content: BinaryIO) -> Place:
        """Adds a file; says where its bytes lie."""
        entry = zipfile.ZipInfo(name, self._dated)
        entry.create_system, entry.external_attr = _UNIX, _FILE_MODE
        content.seek(0)
        length = 0
        with self._zip.open(entry, "w") as out:
            while piece := content.read(PIECE_BYTES):
                length += out.write(piece)
        return Place(entry.header_offset + len(entry.FileHeader()), length)


@contextmanager
def typesetters() -> Iterator[Callable[[Advice, HandedOver], Future[bytes]]]:
    """Threads that set advices, each with a press of its own."""
    own = threading.local()

    def begin() -> None:
        own.press = Press(TEMPLATE)

    def print_advice(advice: Advice, head: RemittanceHead, provider: str, account: str) -> bytes:
        return write_advice(own.press, advice.pdf, head, provider, account)

    with ThreadPoolExecutor(THREADS, "advice", begin) as pool:

        def submit(advice: Advice, handed: HandedOver) -> Future[bytes]:
            provider = handed.providers[advice.payment.provider_id].name
            return pool.submit(print_advice, advice, advice.head(handed), provider, mask_iban(handed.payees[advice.payment.id].iban))

        yield submit


async def _make_advices(unit: UnitOfWork, handed: HandedOver, _made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    """Keeps what the payments tell and writes Avise.zip. Refuses when an advice tells another sum than is paid (AdviceSumError)."""
    (draft,) = drafts
    await remittance_store.keep_positions(unit, handed.contents.batch.id)
    kept: list[NewRemittance] = []
    with typesetters() as setter, closing(Archive(draft, handed)) as archive:
        waiting: deque[tuple[Advice, Future[bytes]]] = deque()

        async def write_first() -> None:
            advice, document = waiting.popleft()
            kept.append(await asyncio.to_thread(_write, archive, advice, await asyncio.wrap_future(document)))

        async for advice in _advices(unit, handed):
            waiting.append((advice, setter(advice, handed)))
            if len(waiting) > _WAITING_MAX:
                await write_first()
        while waiting:
            await write_first()
    if len(kept) != len(handed.contents.payments):
        raise AdviceSumError
    await remittance_store.keep_remittances(unit, handed.contents.batch.id, handed.made_at, kept)


async def _advices(unit: UnitOfWork, handed: HandedOver) -> AsyncIterator[Advice]:
    """The advices of the batch, one after the other."""
    payments, batch = {p.id: p for p in handed.contents.payments}, handed.contents.batch.number
    current: Advice | None = None
    async for rows in remittance_store.read_told(unit, handed.contents.batch.id):
        for row, position in zip(rows, await asyncio.to_thread(_in_words, rows), strict=True):
            if current is None or current.payment.id != row["payment_id"]:
                if current is not None:
                    yield current
                current = Advice(payments[row["payment_id"]], batch)
            current.add(position)
    if current is not None:
        yield current


def _in_words(rows: Sequence[Mapping[str, Any]]) -> list[AdvisedPosition]:
    return [advised(row, "de") for row in rows]


def _write(archive: Archive, advice: Advice, document: bytes) -> NewRemittance:
    name = f"Avis-{advice.number}_{advice.payment.provider_key}"
    with advice.csv as table:
        csv = archive.add(f"{name}.csv", table)
    pdf = archive.add(f"{name}.pdf", io.BytesIO(document))
    payment = advice.payment
    return NewRemittance(
        payment.id, payment.provider_id, advice.number, payment.remittance_text, advice.claimed, advice.approved, advice.receipts,
        advice.approved - advice.receipts, pdf, csv,
    )  # fmt: skip


ADVICES: Final = FileMaker((FileKind("Avise.zip", "advice", "application/zip"),), _make_advices)

"""The files of a batch's packages: which there are, in which order they are made, and how the manifest ends them.

Another file is another maker in ``MAKERS``: it gets what was handed over, what was made before it, and the drafts it fills.
"""

from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.manifest import ManifestFile, write_manifest
from but_gateway.procedures.settlement import package_store
from but_gateway.procedures.settlement.advice_files import ADVICES
from but_gateway.procedures.settlement.audit_files import POSITIONS
from but_gateway.procedures.settlement.model import PackageFile
from but_gateway.procedures.settlement.order_document import ORDER_DOCUMENT
from but_gateway.procedures.settlement.package import DraftFile, FileKind, FileMaker, HandedOver
from but_gateway.procedures.settlement.texts import file_stem
from but_gateway.procedures.settlement.treasury_files import BOOK, HKR, PAYMENTS

# Makers see what was made before them: what names hashes of other files comes behind those. The manifest comes last, by itself.
MAKERS: Final[tuple[FileMaker, ...]] = (PAYMENTS, HKR, BOOK, POSITIONS, ADVICES, ORDER_DOCUMENT)
MANIFEST: Final = FileKind("manifest.json", "treasury", "application/json")


async def make_files(unit: UnitOfWork, handed: HandedOver) -> PackageFile:
    """Makes and stores all files of a batch; answers the manifest.

    Refuses when a maker does: nothing of the hand-over is kept then.
    """
    stem = file_stem(handed.town, handed.today, handed.contents.batch.number)
    made: list[PackageFile] = []
    for maker in MAKERS:
        drafts = [DraftFile(f"{stem}{kind.name}", kind.package, kind.media_type) for kind in maker.kinds]
        try:
            await maker.make(unit, handed, made, drafts)
            made += [await _keep(unit, handed, draft) for draft in drafts]
        finally:
            for draft in drafts:
                draft.close()
    with DraftFile(f"{stem}{MANIFEST.name}", MANIFEST.package, MANIFEST.media_type) as draft:
        sums = handed.contents.totals
        listed = [ManifestFile(f.name, f.package, f.sha256, f.bytes) for f in made]
        draft.write(
            write_manifest(handed.contents.batch.number, handed.town, handed.made_at, (sums.gross, sums.receipts, sums.net), listed)
        )
        return await _keep(unit, handed, draft)


async def _keep(unit: UnitOfWork, handed: HandedOver, draft: DraftFile) -> PackageFile:
    file = draft.done()
    await package_store.insert_file(unit, handed.contents.batch.id, file, draft.pieces())
    return file

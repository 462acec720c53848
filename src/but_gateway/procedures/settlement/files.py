"""The files of a batch's packages: which there are, and in which order they are made.

Another file is another maker in ``MAKERS``: it gets what was handed over, what was made before it, and the drafts it fills
(package.py: FileMaker).
"""

from typing import Final

from but_gateway.procedures.settlement.advice_files import ADVICES
from but_gateway.procedures.settlement.audit_files import POSITIONS
from but_gateway.procedures.settlement.order_document import ORDER_DOCUMENT
from but_gateway.procedures.settlement.package import FileKind, FileMaker
from but_gateway.procedures.settlement.treasury_files import BOOK, HKR, PAYMENTS

# Makers see what was made before them: what names hashes of other files comes behind those. The manifest comes last, by itself.
MAKERS: Final[tuple[FileMaker, ...]] = (PAYMENTS, HKR, BOOK, POSITIONS, ADVICES, ORDER_DOCUMENT)
MANIFEST: Final = FileKind("manifest.json", "treasury", "application/json")

"""Legal bases (Rechtskreise): under which statute a grant was made. Internal: a provider never sees one."""

from enum import StrEnum
from typing import Final


class LegalBasis(StrEnum):
    """The statute a grant rests on."""

    SGB2 = "sgb2"
    BKGG = "bkgg"
    SGB12_3 = "sgb12_3"
    SGB12_4 = "sgb12_4"
    ASYLBLG_2 = "asylblg_2"
    ASYLBLG_3 = "asylblg_3"

    @property
    def german_name(self) -> str:
        """What staff read: the statute, not the name of a benefit (those are renamed from time to time)."""
        return GERMAN_NAMES[self]

    @property
    def payment_rank(self) -> int:
        """Place in the payment order: the lower one pays first (rule E-06)."""
        return PAYMENT_ORDER.index(self)


GERMAN_NAMES: Final[dict[LegalBasis, str]] = {
    LegalBasis.SGB2: "SGB II",
    LegalBasis.BKGG: "BKGG (§ 6b)",
    LegalBasis.SGB12_3: "SGB XII, 3. Kapitel",
    LegalBasis.SGB12_4: "SGB XII, 4. Kapitel",
    LegalBasis.ASYLBLG_2: "AsylbLG, § 2",
    LegalBasis.ASYLBLG_3: "AsylbLG, § 3",
}

# Which grant pays when several cover the same day (rule E-06; § 19 (2) SGB II puts SGB II behind SGB XII chapter 4).
PAYMENT_ORDER: Final = (
    LegalBasis.SGB12_4,
    LegalBasis.BKGG,
    LegalBasis.SGB2,
    LegalBasis.SGB12_3,
    LegalBasis.ASYLBLG_2,
    LegalBasis.ASYLBLG_3,
)

# Education benefits end with the 25th birthday under these (§ 28 (1) S. 2 SGB II; § 6b (2) S. 2 BKGG); the age itself is law by date.
WITH_EDUCATION_AGE_LIMIT: Final = frozenset({LegalBasis.SGB2, LegalBasis.BKGG})

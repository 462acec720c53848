"""Which rows are sealed, and how each of them becomes the text that is hashed.

A row is the JSON array of the columns listed here, in this order, as PostgreSQL's ``json_build_array`` prints it; moments are RFC 3339 in
UTC with microseconds, bytes are hexadecimal. Left out are encrypted columns (they authenticate themselves, and are written anew when a
key is changed) and keyed hashes. Columns may not be added to a list: what was sealed could not be recomputed. A table that gets a column
worth sealing gets a second source, say ``decision.2``, for the rows from then on.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

_MOMENT: Final = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
_MOMENTS: Final = frozenset({"at", "recorded_at", "received_at", "decided_at"})
_BYTES: Final = frozenset({"payload_hash"})


@dataclass(frozen=True)
class Source:
    """A table whose rows are only ever added, each under an ``id`` of the gateway's making."""

    name: str
    columns: tuple[str, ...]

    @cached_property
    def hash(self) -> str:
        """SQL: the SHA-256 of the row ``t``."""
        parts = ", ".join(_printed(column) for column in ("municipality_id", "id", *self.columns))
        return f"sha256(convert_to(json_build_array({parts})::text, 'UTF8'))"


def _printed(column: str) -> str:
    if column in _MOMENTS:
        return f"to_char(t.{column} AT TIME ZONE 'UTC', '{_MOMENT}')"
    return f"encode(t.{column}, 'hex')" if column in _BYTES else f"t.{column}"


SOURCES: Final = (
    Source("audit_event", ("at", "recorded_at", "actor", "action", "object_type", "object_id", "payload_hash")),
    Source("audit_retirement", ("source", "from_id", "to_id", "at", "actor", "reason")),
    Source("batch_step", ("batch_id", "payment_id", "action", "from_state", "to_state", "actor", "at")),
    Source(
        "decision",
        (
            "position_id", "provider_id", "decided_at", "decided_by", "decision_seq", "outcome", "approved", "proposed", "findings",
            "allocations", "rule_set", "facts",
        ),
    ),
    Source("family_payment", ("entitlement_id", "provider_id", "first_day", "last_day", "recorded_at")),
    Source(
        "invoice",
        (
            "provider_id", "number", "kind", "cancels_id", "issued_on", "first_day", "last_day", "total", "iban_differs", "received_at",
            "client_id",
        ),
    ),
    Source(
        "invoice_line",
        (
            "invoice_id", "provider_id", "line_no", "benefit", "item", "form", "first_day", "last_day", "quantity", "unit_price", "amount",
            "identity", "entitlement_id", "child_id", "facility_id", "claim", "tutor", "proof", "check_id", "corrects_line_id",
        ),
    ),
    Source(
        "payment_report",
        ("at", "actor", "kind", "sha256", "bytes", "matched", "unmatched", "already_known", "unrelated", "not_booked"),
    ),
    Source(
        "position",
        ("invoice_id", "line_id", "provider_id", "first_day", "last_day", "quantity", "claimed", "corrects_id"),
    ),
    Source(
        "posting",
        (
            "at", "kind", "debit", "credit", "cents", "used", "reserved", "provider_id", "position_id", "decision_id", "grant_id",
            "grant_version", "legal_basis", "benefit", "fiscal_year", "batch_id", "order_id", "payment_id", "booked_on", "turn",
        ),
    ),
)  # fmt: skip
BY_NAME: Final = {source.name: source for source in SOURCES}

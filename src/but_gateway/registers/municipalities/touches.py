"""What a change of a register touches: descriptions of positions, as values. Pure; days are closed ranges."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Self
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Touch:
    """Positions that meet all that is said here; None says nothing.

    ``first`` and ``last`` bound service days, ``received_from`` the day of receipt. ``anywhere``: lines that name no facility are meant
    with ``facilities``. ``checked``: lines that name a check. ``revoked``: positions under entitlements with a revoked grant.
    """

    provider_id: UUID | None = None
    benefits: tuple[str, ...] | None = None
    facilities: tuple[UUID, ...] | None = None
    anywhere: bool = False
    forms: tuple[str, ...] | None = None
    first: date | None = None
    last: date | None = None
    weekdays: tuple[int, ...] | None = None  # of single days; ISO: Monday = 1
    received_from: date | None = None
    checked: bool = False
    revoked: bool = False

    def document(self) -> dict[str, Any]:
        """As it is stored, without what says nothing."""
        return {name: _plain(value) for name, value in asdict(self).items() if value not in (None, False)}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Of a stored document."""
        values = dict(document)
        for name in ("first", "last", "received_from"):
            if name in values:
                values[name] = date.fromisoformat(values[name])
        for name in ("benefits", "forms", "weekdays"):
            if name in values:
                values[name] = tuple(values[name])
        if "facilities" in values:
            values["facilities"] = tuple(UUID(one) for one in values["facilities"])
        if "provider_id" in values:
            values["provider_id"] = UUID(values["provider_id"])
        return cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, UUID | date) else value

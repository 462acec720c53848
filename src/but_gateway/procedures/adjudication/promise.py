"""The protected check (Zusage): what a confirmed check that a line names still promises after the grants changed. Pure.

A day that was confirmed is paid as long as the provider had not been told of a change: the check was made before that, and the day lies
before it. Told is who was told by the office (``notified_on``) or has read it in its changes, whichever came first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from but_gateway.kit.clock import business_day
from but_gateway.kit.period import DayRange
from but_gateway.procedures.adjudication.model import Piece
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.notification_store import Notification, earlier
from but_gateway.rules.facts import Form


@dataclass(frozen=True, slots=True)
class Check:
    """A confirmed check: who asked when about whom, and the days that were confirmed."""

    at: datetime
    provider_id: UUID
    entitlement_id: UUID
    benefit: str
    periods: tuple[DayRange, ...]

    def confirms(self, days: DayRange) -> bool:
        """Whether all of these days were confirmed."""
        return any(period.cut(days) == days for period in self.periods)


@dataclass(frozen=True, slots=True)
class Version:
    """A grant as it stood from a moment on."""

    grant: GrantRecord
    recorded_at: datetime


@dataclass(slots=True)
class Promises:
    """What was promised, and what providers were told since. Filled by gather.py; ``checks`` stays empty where a town protects none."""

    checks: dict[UUID, Check] = field(default_factory=dict)
    versions: dict[UUID, list[Version]] = field(default_factory=dict)  # of grants of lines that name checks
    read: dict[tuple[UUID, UUID], list[Notification]] = field(default_factory=dict)  # by grant and provider
    _told: dict[tuple[UUID, UUID], date | None] = field(default_factory=dict)

    def notified_on(self, grant: GrantRecord, provider_id: UUID) -> date | None:
        """When a provider was told of the present revocation of a grant, by the office or by its changes; None: not yet."""
        return earlier(grant.notified_on, self._told.get((grant.id, provider_id)))

    def note_read(self, told: dict[tuple[UUID, UUID], date]) -> None:
        """What providers read of present revocations, by grant and provider."""
        self._told.update(told)

    def grants_for(self, piece: Piece, grants: Sequence[GrantRecord]) -> tuple[tuple[GrantRecord, ...], bool]:
        """The grants as they count for a position, and whether a check promises it.

        A grant that was cut short since then counts with the days it had, ended by what cut it: so nothing is allocated to days
        outside of the version that bears it.
        """
        check = self.checks.get(piece.line.check_id) if piece.line.check_id else None
        if check is None or not self._fits(check, piece):
            return tuple(grants), False
        counted = []
        for grant in grants:
            old = self._cut_short(check, piece, grant)
            told_on = self.notified_on(grant, piece.line.provider_id) if grant.revoked_from is not None else None
            if old is not None:
                told_on = earlier(told_on, self._read_since(old, grant, piece.line.provider_id))
            if told_on is not None and (business_day(check.at) >= told_on or _days_of(piece).last >= told_on):
                return tuple(grants), False
            counted.append(grant if old is None else _as_promised(old, grant, piece, told_on))
        return tuple(counted), True

    def _fits(self, check: Check, piece: Piece) -> bool:
        line = piece.line
        same = (check.provider_id, check.entitlement_id, check.benefit) == (line.provider_id, line.entitlement_id, line.claim.benefit)
        return same and check.confirms(_days_of(piece))

    def _cut_short(self, check: Check, piece: Piece, grant: GrantRecord) -> GrantRecord | None:
        """The version of a grant that stood when the check was made, where it covered days of the position that are gone now."""
        then = [version.grant for version in self.versions.get(grant.id, ()) if version.recorded_at <= check.at]
        if not then:
            return None
        had = DayRange(then[-1].valid_from, then[-1].valid_to).cut(_days_of(piece))
        if had is None or (grant.valid_from <= had.first and had.last <= grant.valid_to):
            return None
        return then[-1]

    def _read_since(self, old: GrantRecord, grant: GrantRecord, provider_id: UUID) -> date | None:
        """When the provider read that days of the grant fell away after a version."""
        days = [n.notified_on for n in self.read.get((grant.id, provider_id), ()) if n.version > old.version]
        return min(days, default=None)


def _days_of(piece: Piece) -> DayRange:
    """The days that must have been confirmed: of a fee or a trip its first decides, as it does for the grant (E-01)."""
    first = piece.first_day
    return DayRange(first, first if piece.line.claim.form is Form.RANGE else piece.last_day)


def _as_promised(old: GrantRecord, now: GrantRecord, piece: Piece, told_on: date | None) -> GrantRecord:
    ended = now.valid_to + timedelta(days=1) if piece.first_day >= now.valid_from else old.valid_from
    starts = [day for day in (ended, old.revoked_from, now.revoked_from) if day is not None]
    return replace(
        old,
        budget_kind=now.budget_kind,
        limit=now.limit,
        used=now.used,
        reserved=now.reserved,
        revoked_from=min(starts),
        notified_on=told_on,
    )

"""How often a piece of background work may fail before it is given up, so that what fails for ever keeps nothing else waiting."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import structlog

from but_gateway.db.trouble import Trouble, trouble_of
from but_gateway.web.errors import place_of

ATTEMPTS_MAX: Final = 5


@dataclass(slots=True)
class Patience:
    """Counts the failures of each piece of one kind of work, in this process."""

    kind: str
    _failures: Counter[object] = field(default_factory=Counter)

    @property
    def is_untried(self) -> bool:
        """Whether nothing has failed."""
        return not self._failures

    def ends(self, work: object, error: Exception) -> bool:
        """Counts and logs a failure; whether the work has now failed so often that it will fail again and is to be given up.

        A database that is away or busy says nothing of the work: however often that happens, nothing is given up for it.
        """
        if trouble_of(error) in (Trouble.AWAY, Trouble.BUSY):
            return False
        self._failures[work] += 1
        structlog.get_logger().error(self.kind, job=str(work), **place_of(error))
        return self._failures[work] >= ATTEMPTS_MAX

    def forget(self, work: object) -> None:
        """The work is done or given up."""
        del self._failures[work]

    def forget_all(self) -> None:
        """Everything begins anew."""
        self._failures.clear()

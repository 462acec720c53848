"""A town's lunches as a child would explain them: who bills what for whom, and what is paid. The reference for the stateful test."""

from dataclasses import dataclass, field


@dataclass
class Grant:
    """First and last day (numbers), days of budget (None: as many as there are), the only provider who may bill, the day it ends early."""

    first: int
    last: int
    days: int | None
    provider: str | None = None
    revoked: int | None = None

    def covers(self, day: int) -> bool:
        return self.first <= day <= self.last and (self.revoked is None or day < self.revoked)


@dataclass
class Lunch:
    """One lunch somebody billed. ``kept``: in a batch or cancelled, so that nothing decides it again."""

    by: str
    child: str
    day: int
    said: str = ""
    kept: bool = False
    corrected: bool = False
    receipt_open: bool = False
    counts: bool = True  # a lunch that was paid while there was no limit draws on none that is set later

    @property
    def uses(self) -> bool:
        """Whether it takes a day of the budget: paid, or waiting for a person."""
        return self.said in {"paid", "contested"} and not self.corrected


@dataclass
class Model:
    """All grants by child, all lunches in the order in which they were billed."""

    grants: dict[str, Grant] = field(default_factory=dict)
    lunches: list[Lunch] = field(default_factory=list)

    def bill(self, by: str, child: str, days: list[int]) -> list[Lunch]:
        """Several days at once, one after the other."""
        made = [Lunch(by, child, day) for day in sorted(days)]
        for lunch in made:
            self.lunches.append(lunch)
            self._decide(lunch)
        return made

    def cancel(self, lunches: list[Lunch]) -> None:
        """What is not settled is as if it had never been; what is settled is taken back with the next payment."""
        for lunch in lunches:
            if lunch.kept:
                lunch.corrected = lunch.receipt_open = lunch.said == "paid"
            else:
                lunch.said, lunch.kept = "cancelled", True

    def settle(self) -> bool:
        """Everything paid so far is paid for good, but for providers who owe as much or more. Whether anything was paid."""
        paid = False
        for by in sorted({x.by for x in self.lunches}):
            new = [x for x in self.lunches if x.by == by and x.said == "paid" and not x.kept]
            owed = [x for x in self.lunches if x.by == by and x.receipt_open]
            if len(new) > len(owed):
                paid = True
                for lunch in new:
                    lunch.kept = True
                for lunch in owed:
                    lunch.receipt_open = False
        return paid

    def change(self, child: str, grant: Grant) -> None:
        """Whatever is open about the child is forgotten and decided again in its old order; the same grant again changes nothing."""
        if self.grants.get(child) == grant:
            return
        self.grants[child] = grant
        again = [x for x in self.lunches if x.child == child and not x.kept and not x.corrected]
        for lunch in again:
            lunch.said = ""
        for lunch in again:
            self._decide(lunch)

    def _decide(self, lunch: Lunch) -> None:
        others = [x for x in self.lunches if x is not lunch and (x.child, x.day) == (lunch.child, lunch.day) and x.uses]
        grant = self.grants[lunch.child]
        twice = any(x.by == lunch.by for x in others)
        lunch.counts = grant.days is not None
        used = sum(x.uses and x.counts for x in self.lunches if x.child == lunch.child)
        full = grant.days is not None and used >= grant.days
        if twice or full or not grant.covers(lunch.day) or grant.provider not in {None, lunch.by}:
            lunch.said = "refused"
        elif not others:
            lunch.said = "paid"
        else:
            lunch.said = "contested"
            for other in others:
                if not other.kept:
                    other.said = "contested"

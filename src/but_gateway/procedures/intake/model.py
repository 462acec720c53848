"""The report of a grant import. Rows count from 1."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from but_gateway.registers.entitlements.enter import Entered, Flag
from but_gateway.web.problems import Fault


@dataclass(slots=True)
class Report:
    """What became of the rows so far. It names grants and entitlements by key only: numbers are printed when it is read."""

    language: str = "de"
    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    flagged: list[dict[str, Any]] = field(default_factory=list)
    entitlements: dict[str, None] = field(default_factory=dict)  # keys, in the order of the rows

    def reject(self, row: int, grant_key: str | None, faults: Iterable[Fault]) -> None:
        """Notes a row that falls, with all its faults; pointers are relative to the row."""
        errors = [{"pointer": f.pointer, "code": f.code, "detail": f.detail[self.language]} for f in faults]
        self.rejected.append({"row": row, "grant": grant_key, "errors": errors})

    def add(self, entered: Entered, flags: Sequence[Flag], places: Sequence[int]) -> None:
        """Adds rows that were taken; ``places`` are their places in what was sent."""
        for outcome, place in zip(entered.outcomes, places, strict=True):
            match outcome.kind:
                case "created":
                    self.created += 1
                case "updated":
                    self.updated += 1
                case "unchanged":
                    self.unchanged += 1
                case _:
                    self.reject(place, outcome.grant_key, outcome.faults)
        for flag in flags:
            self.flagged.append({"row": places[flag.row], "grant": flag.grant_key, "rule": flag.rule, "text": flag.text[self.language]})
        self.entitlements.update(dict.fromkeys(entered.numbers()))
        self.rejected.sort(key=lambda one: one["row"])

    def document(self) -> dict[str, Any]:
        """As it is stored with a large import."""
        return {
            "language": self.language,
            "received": self.received,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "flagged": self.flagged,
            "entitlements": list(self.entitlements),
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> "Report":
        """The report of a stored document."""
        return cls(**{**document, "entitlements": dict.fromkeys(document["entitlements"])})

"""A provider that reads its changes as clients do: page by page, with the cursor of the last one."""

from dataclasses import dataclass
from typing import Any

from tests.procedures.adjudication.town import NOVEMBER, Town

JSON = Any


@dataclass(slots=True)
class Reader:
    """``said`` gives what is new in short texts."""

    town: Town
    by: str
    cursor: str | None = None

    async def page(self, limit: int = 100, at: str = NOVEMBER) -> list[JSON]:
        """The next page, with its cursor kept."""
        after = f"&after={self.cursor}" if self.cursor else ""
        answer = await self.town.ok(self.by, "GET", f"/changes?limit={limit}{after}", at=at)
        assert set(answer) == {"items", "next_cursor"}
        assert isinstance(answer["next_cursor"], str)
        self.cursor = answer["next_cursor"]
        items: list[JSON] = answer["items"]
        return items

    async def said(self, at: str = NOVEMBER) -> list[str]:
        """What is new: ``decision 1 2026-10-05``, ``period lunch -2026-09-01``, ``payment handed_over``."""
        return [_short(item) for item in await self.page(at=at)]


def _short(item: JSON) -> str:
    match item["kind"]:
        case "decision":
            return f"decision {item['line_no']} {item['service_date']}"
        case "period":
            return f"period {item['benefit']} {'+' if item['covered'] else '-'}{item['from']}"
        case kind:
            return f"{kind} {item['state']}"

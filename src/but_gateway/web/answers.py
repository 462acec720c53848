"""What a writing operation answers, before it becomes an HTTP response."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers. ``body`` is JSON bytes or a model that becomes such; ``keep`` False: a dry run, nothing is stored."""

    body: BaseModel | bytes | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: bool = True

    def content(self) -> bytes:
        """The body as bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.model_dump_json().encode()

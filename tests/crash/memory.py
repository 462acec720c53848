"""A client that remembers what it was told, repeats with the same key what it was not told, and notes every answer that must not be."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

JSON = Any
PATIENCE_SECONDS: Final = 120
_ANSWER_SECONDS: Final = 15
FAULT_OF_OURS: Final = "instead of 503"
# Refusals that say: the same again, with the same key, may succeed.
_LATER: Final = frozenset({"request_in_progress", "conflict", "receive_timeout"})


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that somebody asks for. ``effects``: what an answer of success says was done, as actions of the audit record.

    ``refusals`` are the codes that others may have caused meanwhile; whatever else is refused must not be.
    """

    who: str
    method: str
    path: str
    body: JSON = None
    effects: Callable[[JSON], Mapping[str, int]] = lambda _: {}
    refusals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """A success that somebody was told of."""

    wish: Wish
    key: str
    status: int
    content: bytes

    @property
    def document(self) -> JSON:
        """What it says."""
        return json.loads(self.content)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that may be."""

    code: str


class NotThereError(Exception):
    """What somebody was told of is not there; the fault is noted."""


@dataclass(slots=True)
class Memory:
    """All of what the clients of a town were told. ``faults``: what they were told and must not have been."""

    told: list[Told] = field(default_factory=list)
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)  # (who, action)
    checks: dict[str, bool] = field(default_factory=dict)  # id → eligible
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # path → who may read it, bytes
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def fault(self, text: str) -> None:
        """Notes what must not be."""
        self.faults.append(text)


@dataclass(slots=True)
class Client:
    """Speaks to whichever app answers. ``callers``: headers by name."""

    base: str
    urls: Sequence[str]
    http: httpx.AsyncClient
    chance: random.Random
    memory: Memory
    callers: dict[str, dict[str, str]]
    calm: bool = True  # no trouble is due

    def new_key(self) -> str:
        """An idempotency key."""
        return f"k-{self.chance.getrandbits(96):024x}"

    async def ask(self, wish: Wish, key: str | None = None) -> Told | Refused | None:
        """Asks until there is an answer to go by; None where patience ends, which must not be."""
        key = key or self.new_key()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await self._definite(wish, key)
        except TimeoutError:
            self.memory.fault(f"never answered: {wish.method} {wish.path} of {wish.who}")
            return None
        if answer.is_success:
            return self._remember(wish, key, answer)
        code = str(answer.json().get("code"))
        if code not in wish.refusals:
            self.memory.fault(f"refused without reason: {wish.method} {wish.path} of {wish.who}: {answer.status_code} {code}")
        return Refused(code)

    async def read(self, who: str, path: str) -> httpx.Response | None:
        """Reads something, until it is there; None where it is refused."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await self._definite(Wish(who, "GET", path), "")
        return answer if answer.is_success else None

    async def document(self, who: str, path: str) -> JSON:
        """What is read, as JSON. Refuses a refusal (NotThereError), which is a fault: everybody asks for what they were told of."""
        answer = await self.read(who, path)
        if answer is None:
            self.memory.fault(f"what was told of is not there: {path}")
            raise NotThereError(path)
        return answer.json()

    def _remember(self, wish: Wish, key: str, answer: httpx.Response) -> Told:
        told = Told(wish, key, answer.status_code, answer.content)
        if wish.method == "POST" and key not in {one.key for one in self.memory.told}:
            self.memory.told.append(told)
            for action, times in wish.effects(told.document).items():
                self.memory.effects[wish.who, action] += times
        return told

    async def _definite(self, wish: Wish, key: str) -> httpx.Response:
        """Repeats what stayed unknown: a broken connection, a 503, somebody else's turn."""
        while True:
            answer = await self._once(wish, key)
            if answer is not None and not self._unknown(wish, answer):
                return answer
            self.memory.counts["repeated"] += 1
            await asyncio.sleep(self.chance.uniform(0.1, 0.4))

    async def _once(self, wish: Wish, key: str) -> httpx.Response | None:
        headers = self.callers[wish.who] | ({"Idempotency-Key": key} if wish.method == "POST" else {})
        url = f"{self.chance.choice(self.urls)}{self.base}{wish.path}"
        self.memory.counts["requests"] += 1
        try:
            content = {} if wish.body is None else {"json": wish.body}
            return await self.http.request(wish.method, url, headers=headers, timeout=_ANSWER_SECONDS, **content)
        except httpx.TransportError:
            self.memory.counts["broken"] += 1
            return None

    def _unknown(self, wish: Wish, answer: httpx.Response) -> bool:
        status = answer.status_code
        if status == httpx.codes.SERVICE_UNAVAILABLE:
            self.memory.counts["503"] += 1
            if "retry-after" not in answer.headers:
                self.memory.fault(f"503 without Retry-After: {wish.method} {wish.path}")
            return True
        if answer.is_server_error and self.calm:
            raise RuntimeError(f"{status} in calm weather: {wish.method} {wish.path}; see the log of the app")
        if answer.is_server_error:
            request = answer.headers.get("x-request-id")
            self.memory.fault(f"{status} {FAULT_OF_OURS}: {wish.method} {wish.path} of {wish.who}, request {request}")
            return True
        return answer.is_client_error and answer.json().get("code") in _LATER

"""Speaks to the service as its clients do: over HTTP, with tokens, idempotency keys and the town's own clock."""

from typing import Any, Final, Self

import httpx

from but_gateway.cli.demo.logins import secret_of
from but_gateway.cli.demo.places import KEY
from but_gateway.kit.ids import new_id

_BASE: Final = f"/v1/municipalities/{KEY}"
_SECONDS_MAX: Final = 120


class UnexpectedAnswerError(Exception):
    """The service answered otherwise than the demo can go on with; the text says where and what."""


class Speaker:
    """One HTTP client for all logins. Counts what it asks."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._tokens: dict[str, str] = {}
        self.requests = 0

    @classmethod
    def at(cls, base_url: str) -> Self:
        """A speaker for a service; close it in the end."""
        # No proxy of the environment stands between us and the loopback address.
        return cls(httpx.AsyncClient(base_url=base_url, timeout=_SECONDS_MAX, trust_env=False))

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def post(self, who: str, path: str, clock: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        """POST in the town; the document of the answer. Refuses anything but a success (UnexpectedAnswerError)."""
        return (await self._ask("POST", who, path, clock, body)).json()

    async def send(self, who: str, path: str, clock: str, content: bytes, media_type: str) -> Any:  # noqa: ANN401 - JSON
        """POST of a file in the town, otherwise as ``post``."""
        return (await self._ask("POST", who, path, clock, content=content, media_type=media_type)).json()

    async def put(self, who: str, path: str, clock: str, body: Any) -> Any:  # noqa: ANN401 - JSON
        """PUT in the town, otherwise as ``post``."""
        return (await self._ask("PUT", who, path, clock, body)).json()

    async def get(self, who: str, path: str, clock: str) -> Any:  # noqa: ANN401 - JSON
        """GET in the town, otherwise as ``post``."""
        return (await self._ask("GET", who, path, clock)).json()

    async def items(self, who: str, path: str, clock: str) -> list[Any]:
        """All items of a list, page by page."""
        found: list[Any] = []
        cursor = ""
        mark = "&" if "?" in path else "?"
        while True:
            page = await self.get(who, f"{path}{mark}limit=500{cursor}", clock)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def content(self, who: str, path: str, clock: str) -> bytes:
        """The bytes of a file."""
        return (await self._ask("GET", who, path, clock)).content

    async def _ask(  # noqa: PLR0913 - what makes a request
        self,
        method: str,
        who: str,
        path: str,
        clock: str,
        body: Any = None,  # noqa: ANN401 - JSON
        *,
        content: bytes | None = None,
        media_type: str = "application/json",
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self._token(who)}", "Test-Clock": clock}
        if method == "POST":
            headers["Idempotency-Key"] = str(new_id())
        if content is not None:
            headers["Content-Type"] = media_type
        try:
            answer = await self._http.request(method, f"{_BASE}{path}", headers=headers, content=content, json=body)
        except httpx.HTTPError as error:
            raise UnexpectedAnswerError(f"{method} {path} as {who}: no answer ({type(error).__name__})") from None
        self.requests += 1
        if not answer.is_success:
            raise UnexpectedAnswerError(f"{method} {path} as {who}: {answer.status_code} {answer.text[:500]}")
        return answer

    async def _token(self, who: str) -> str:
        if who not in self._tokens:
            answer = await self._http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(who, secret_of(who)))
            self.requests += 1
            if not answer.is_success:
                raise UnexpectedAnswerError(f"token for {who}: {answer.status_code}")
            self._tokens[who] = answer.json()["access_token"]
        return self._tokens[who]

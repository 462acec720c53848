"""Pages for people: the API docs, and one page per problem and per reason. Nothing on them comes from another machine."""

import html
import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response

from but_gateway.rules.texts import CodeEntry, code_list
from but_gateway.web.openapi import describe
from but_gateway.web.problems import NotFound, Problem, Text, all_problems

router = APIRouter(include_in_schema=False)
PAGES: Final = Path(__file__).with_name("pages")
_EXAMPLE_ID: Final = "0198f0c2-0000-7000-8000-000000000000"
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "public, max-age=300",
}
_OURS: Final = {"pages.css": "text/css", "start.js": "text/javascript"}
_VIEWER: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "favicon.png": "image/png"}
# Why a request of this status was refused, and what to do, beside what the problem itself says.
_BY_STATUS: Final[Mapping[int, Text]] = {
    400: Text(
        "Die Anfrage war so nicht lesbar. Berichtigen Sie sie; unverändert wird sie wieder abgelehnt.",
        "The request could not be read as it was. Correct it; unchanged it will be refused again.",
    ),
    401: Text(
        "Holen Sie mit POST /oauth2/token ein neues Token und senden Sie die Anfrage erneut.",
        "Get a new token from POST /oauth2/token and send the request again.",
    ),
    403: Text(
        "Das Objekt gibt es, aber Ihr Zugang darf das nicht. Wenden Sie sich an die Kommune oder den Betrieb.",
        "The object exists, but your client may not do this. Ask the municipality or the operator.",
    ),
    404: Text(
        "Prüfen Sie Adresse und Schlüssel. Was einer anderen Kommune oder einem anderen Anbieter gehört, gibt es für Sie nicht.",
        "Check address and key. What belongs to another municipality or provider does not exist for you.",
    ),
    409: Text(
        "Der Stand der Dinge lässt das nicht zu. Lesen Sie das Objekt neu, bevor Sie es noch einmal versuchen.",
        "The present state does not allow this. Read the object again before you retry.",
    ),
    422: Text(
        "Die Angaben selbst sind fehlerhaft. Unter errors steht jeder Fehler mit seiner Stelle; es wurde nichts gespeichert.",
        "The content itself is wrong. Every fault is listed under errors with its place; nothing was stored.",
    ),
    429: Text(
        "Warten Sie so viele Sekunden, wie Retry-After sagt, und senden Sie dann langsamer.",
        "Wait as many seconds as Retry-After says, then send more slowly.",
    ),
    503: Text(
        "Senden Sie die Anfrage nach Retry-After mit demselben Idempotency-Key erneut; doppelt wirkt sie nicht.",
        "Send the request again after Retry-After with the same Idempotency-Key; it will not act twice.",
    ),
}


@router.get("/")
async def home() -> Response:
    """The way to the docs."""
    return RedirectResponse("/docs", 307)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The description for machines, printed once: anybody may ask for it."""
    state = request.app.state
    if not hasattr(state, "openapi_text"):
        state.openapi_text = JSONResponse(describe(request.app)).body
    return Response(state.openapi_text, media_type="application/json", headers={"Cache-Control": "public, max-age=60"})


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The docs: quick start first, then every operation."""
    base = request.app.state.base_url
    return HTMLResponse(_template("docs.html").substitute(base=html.escape(base)), headers=_HEADERS)


@router.get("/docs/assets/{name}")
async def asset(name: str) -> FileResponse:
    """A file of the pages."""
    if name in _OURS:
        return FileResponse(PAGES / name, media_type=_OURS[name], headers=_HEADERS)
    if name in _VIEWER:
        return FileResponse(_viewer() / name, media_type=_VIEWER[name], headers=_HEADERS)
    raise NotFound


@router.get("/favicon.ico")
async def favicon() -> FileResponse:
    """What browsers ask for by themselves."""
    return await asset("favicon.png")


@router.get("/problems")
async def problems() -> HTMLResponse:
    """All problems and reasons."""
    listed = [_item(p.code, p.title.de) for p in all_problems() if p.title.de]
    codes = [_item(entry.code, entry.title) for entry in code_list("de")]
    return HTMLResponse(_template("problems.html").substitute(problems="\n".join(listed), codes="\n".join(codes)), headers=_HEADERS)


@router.get("/problems/{code}")
async def problem(code: str) -> HTMLResponse:
    """One problem or reason: why, an example, how to mend it; German, then English."""
    for kind in all_problems():
        if kind.code == code:
            return HTMLResponse(_problem_page(kind), headers=_HEADERS)
    german, english = ({entry.code: entry for entry in code_list(language)} for language in ("de", "en"))
    if code in german:
        return HTMLResponse(_code_page(german[code], english[code]), headers=_HEADERS)
    raise NotFound


def _problem_page(kind: type[Problem]) -> str:
    instance = kind()
    advice = _BY_STATUS.get(kind.status, Text("", ""))
    return _template("problem.html").substitute(
        code=html.escape(kind.code),
        title=html.escape(kind.title.de),
        title_en=html.escape(kind.title.en),
        status=f" · HTTP {kind.status}",
        german=_paragraphs(kind.default_detail.de, advice.de),
        english=_paragraphs(kind.default_detail.en, advice.en),
        example=_print(instance.body("de", _EXAMPLE_ID)),
    )


def _code_page(german: CodeEntry, english: CodeEntry) -> str:
    finding = {
        "code": german.code,
        "text": german.example.text,
        "next_step": german.example.next_step,
        "values": dict(german.example.values),
    }
    return _template("problem.html").substitute(
        code=html.escape(german.code),
        title=html.escape(german.title),
        title_en=html.escape(english.title),
        status="",
        german=_paragraphs(german.description, german.example.text, german.example.next_step),
        english=_paragraphs(english.description, english.example.text, english.example.next_step),
        example=_print(finding),
    )


def _paragraphs(*texts: str) -> str:
    return "\n".join(f"<p>{html.escape(text)}</p>" for text in texts if text)


def _print(document: Mapping[str, Any]) -> str:
    return html.escape(json.dumps(document, ensure_ascii=False, indent=2))


def _item(code: str, title: str) -> str:
    return f'<li><a href="/problems/{html.escape(code)}"><code>{html.escape(code)}</code></a> {html.escape(title)}</li>'


@cache
def _template(name: str) -> Template:
    return Template((PAGES / name).read_text("utf-8"))


@cache
def _viewer() -> Path:
    """Where the packaged viewer lies; found without importing it, for it would wire itself into FastAPI."""
    spec = importlib.util.find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise NotFound
    return Path(spec.origin).parent / "static"

"""Operations for everybody: the lists of codes, in German or (Accept-Language) English. Nothing in them belongs to a town or a person."""

from typing import Any, Final

from fastapi import APIRouter, Request

from but_gateway.registers.municipalities.code_list_schemas import ACTIVITIES, CodeListOut, FindingCodeOut, FindingCodesOut
from but_gateway.rules.texts import catalogue, code_list
from but_gateway.rules.wording import Lang
from but_gateway.web.problems import Unavailable, declare, language_of

router = APIRouter(prefix="/v1/code-lists", tags=["Codelisten"])
# Open to all: no token is asked for.
_OPEN: Final[dict[str, Any]] = {"openapi_extra": {"security": []}, "responses": declare(Unavailable)}


@router.get("/subjects", summary="Fächer der Lernförderung", description="Die Fächer, die Bewilligungen und Stunden nennen.", **_OPEN)
async def list_subjects(request: Request) -> CodeListOut:
    """GET the subjects."""
    return CodeListOut.of(catalogue().words["subject"], _language(request))


@router.get("/items", summary="Posten", description="Was eine Zeile abrechnet: das Essen, eine Einzelstunde, ein Beitrag …", **_OPEN)
async def list_items(request: Request) -> CodeListOut:
    """GET the items."""
    return CodeListOut.of(catalogue().words["item"], _language(request))


@router.get("/activities", summary="Angebote der Teilhabe", description="Die Gruppen von Angeboten nach § 28 (7) SGB II.", **_OPEN)
async def list_activities(request: Request) -> CodeListOut:
    """GET the activities."""
    return CodeListOut.of(ACTIVITIES, _language(request))


@router.get(
    "/codes",
    summary="Codes der Befunde",
    description="Alle Codes, mit denen Anbietern begründet wird, warum etwas nicht oder nicht ganz bezahlt wird, mit Text und Beispiel.",
    **_OPEN,
)
async def list_codes(request: Request) -> FindingCodesOut:
    """GET the public codes of findings."""
    return FindingCodesOut(items=[FindingCodeOut.of(entry) for entry in code_list(_language(request))])


def _language(request: Request) -> Lang:
    return "en" if language_of(request.headers.get("accept-language")) == "en" else "de"

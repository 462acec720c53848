"""Operations for everybody: the lists of codes. Nothing in them belongs to a town or a person."""

from typing import Annotated, Any

from fastapi import APIRouter, Header

from but_gateway.registers.municipalities.code_list_schemas import ACTIVITIES, CodeListOut, FindingCodeOut, FindingCodesOut
from but_gateway.rules.texts import catalogue, code_list
from but_gateway.rules.wording import Lang
from but_gateway.web.problems import Unavailable, declare, language_of

router = APIRouter(prefix="/v1/code-lists", tags=["Codelisten"])
AcceptLanguage = Annotated[str | None, Header(description="`en` für englische Namen, sonst deutsche", examples=["de"])]
# Open to all: no token is asked for.
_OPEN: dict[str, Any] = {"openapi_extra": {"security": []}, "responses": declare(Unavailable)}


@router.get("/subjects", summary="Fächer der Lernförderung", description="Die Fächer, die Bewilligungen und Stunden nennen.", **_OPEN)
async def list_subjects(accept_language: AcceptLanguage = None) -> CodeListOut:
    """GET the subjects."""
    return CodeListOut.of(catalogue().words["subject"], language_of(accept_language))


@router.get("/items", summary="Posten", description="Was eine Zeile abrechnet: das Essen, eine Einzelstunde, ein Beitrag …", **_OPEN)
async def list_items(accept_language: AcceptLanguage = None) -> CodeListOut:
    """GET the items."""
    return CodeListOut.of(catalogue().words["item"], language_of(accept_language))


@router.get("/activities", summary="Angebote der Teilhabe", description="Die Gruppen von Angeboten nach § 28 (7) SGB II.", **_OPEN)
async def list_activities(accept_language: AcceptLanguage = None) -> CodeListOut:
    """GET the activities."""
    return CodeListOut.of(ACTIVITIES, language_of(accept_language))


@router.get(
    "/codes",
    summary="Codes der Befunde",
    description="Alle Codes, mit denen Anbietern begründet wird, warum etwas nicht oder nicht ganz bezahlt wird, mit Text und Beispiel.",
    **_OPEN,
)
async def list_codes(accept_language: AcceptLanguage = None) -> FindingCodesOut:
    """GET the public codes of findings."""
    language: Lang = "en" if language_of(accept_language) == "en" else "de"
    return FindingCodesOut(items=[FindingCodeOut.of(entry) for entry in code_list(language)])

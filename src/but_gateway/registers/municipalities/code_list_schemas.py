"""Answers: the lists of codes that bodies and answers use, with their names."""

from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import ConfigDict, Field

from but_gateway.rules.texts import CodeEntry
from but_gateway.web.body import AnswerModel

# § 28 (7) S. 1 SGB II; what is in none of these groups is reviewed.
ACTIVITIES: Final[Mapping[str, Mapping[str, str]]] = {
    "sport": {"de": "Sport", "en": "sport"},
    "play": {"de": "Spiel", "en": "play"},
    "culture": {"de": "Kultur und Geselligkeit", "en": "culture and social life"},
    "music_lesson": {"de": "Musikunterricht", "en": "music lessons"},
    "art_lesson": {"de": "Unterricht in künstlerischen Fächern", "en": "lessons in the arts"},
    "leisure_camp": {"de": "Freizeiten", "en": "leisure camps"},
    "other": {"de": "anderes Angebot", "en": "another activity"},
}


class CodeOut(AnswerModel):
    """Ein Eintrag einer Codeliste."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "mathematik", "name": "Mathematik"}]})

    code: str = Field(description="Der Code, wie er in Anfragen und Antworten steht", examples=["mathematik"])
    name: str = Field(description="Sein Name für Menschen", examples=["Mathematik"])


class CodeListOut(AnswerModel):
    """Eine Codeliste."""

    items: list[CodeOut] = Field(description="Die Einträge")

    @classmethod
    def of(cls, names: Mapping[str, Mapping[Any, str]], language: str) -> Self:
        """The answer for names by code and language."""
        return cls(items=[CodeOut(code=code, name=name[language]) for code, name in names.items()])


class FindingExampleOut(AnswerModel):
    """So liest ein Anbieter einen Befund mit diesem Code."""

    claimed: str = Field(description="Gefordert", examples=["4.50"])
    approved: str = Field(description="Anerkannt", examples=["4.20"])
    when: str = Field(description="Tag oder Monat der Leistung", examples=["2026-09-14"])
    text: str = Field(description="Begründung")
    next_step: str = Field(description="Was der Anbieter tun kann")
    values: dict[str, str] = Field(description="Die Werte des Befunds")


class FindingCodeOut(CodeOut):
    """Ein Code, mit dem Anbietern begründet wird, warum etwas nicht oder nicht ganz bezahlt wird."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "OVER_AGREED_PRICE",
                    "name": "Über dem vereinbarten Preis",
                    "description": "Der Preis liegt über dem vereinbarten.",
                    "bearer": "provider",
                    "example": {
                        "claimed": "4.50",
                        "approved": "4.20",
                        "when": "2026-09-14",
                        "text": "Wir bezahlen 4,20 € statt 4,50 €.",
                        "next_step": "Sie müssen nichts tun.",
                        "values": {"agreed": "4.20"},
                    },
                }
            ]
        }
    )

    description: str = Field(description="Was der Code bedeutet")
    bearer: str | None = Field(description="Wer den Unterschied trägt: provider, family, other_payer, open; null: noch niemand")
    example: FindingExampleOut = Field(description="Ein Beispiel")

    @classmethod
    def of(cls, entry: CodeEntry) -> Self:
        """The answer for a code."""
        shown = entry.example
        return cls(
            code=entry.code,
            name=entry.title,
            description=entry.description,
            bearer=entry.bearer,
            example=FindingExampleOut(
                claimed=shown.claimed,
                approved=shown.approved,
                when=shown.when,
                text=shown.text,
                next_step=shown.next_step,
                values=dict(shown.values),
            ),
        )


class FindingCodesOut(AnswerModel):
    """Die Codes der Befunde, die Anbieter sehen."""

    items: list[FindingCodeOut] = Field(description="Die Codes")

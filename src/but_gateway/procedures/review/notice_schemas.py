"""Answers: notices for the office."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from but_gateway.registers.municipalities.store import Notice
from but_gateway.web.body import AnswerModel


class NoticeSubjectOut(AnswerModel):
    """Worauf sich ein Hinweis bezieht."""

    type: str = Field(description="Art der Sache", examples=["entitlement"])
    id: str = Field(description="Schlüssel oder Kennung der Sache", examples=["A-lunch"])


class NoticeOut(AnswerModel):
    """Ein Hinweis: was die Verwaltung wissen sollte."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198f0c2-0000-7000-8000-000000000002",
                    "kind": "identity_lock",
                    "at": "2026-11-02T10:15:00Z",
                    "subject": {"type": "entitlement", "id": "A-lunch"},
                    "text": "Fünf falsche Geburtsdaten zu einer Nummer: Sie ist für diesen Anbieter gesperrt.",
                    "state": "open",
                }
            ]
        }
    )

    id: UUID = Field(description="Kennung des Hinweises")
    kind: str = Field(
        description="Art: double_grant, same_child, identity_lock, payment_term, revoked_after_payment, negative_balance, "
        "account_missing, contested_day",
        examples=["identity_lock"],
    )
    at: datetime = Field(description="Zeitpunkt")
    subject: NoticeSubjectOut = Field(description="Worauf er sich bezieht")
    text: str = Field(description="Was geschehen ist")
    state: Literal["open", "done"] = Field(description="Offen oder erledigt")

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """The answer for a notice."""
        return cls.model_validate(
            {
                "id": notice.id,
                "kind": notice.kind,
                "at": notice.at,
                "subject": NoticeSubjectOut(type=notice.subject_type, id=notice.subject_id),
                "text": notice.text,
                "state": notice.state,
            }
        )


class NoticesOut(AnswerModel):
    """Hinweise, älteste zuerst."""

    items: list[NoticeOut] = Field(description="Die Hinweise")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")

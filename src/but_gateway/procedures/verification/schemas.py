"""Answers: the audit record and its chain."""

from collections.abc import Mapping, Sequence
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from but_gateway.audit.chain import Checkpoint, print_exact
from but_gateway.audit.check import ChainReport
from but_gateway.web.body import AnswerModel

_HEAD = "9f2c1f0e6f0b1d6f3d0a8a1f4f4c0b3a5be2f7f1c6f0d9a87b6c5d4e3f201a2b"


class AuditObjectOut(AnswerModel):
    """Woran etwas geschah."""

    type: str = Field(description="Art der Sache", examples=["settlement_batch"])
    id: str = Field(description="Kennung oder Schlüssel der Sache", examples=["0198f0c2-0000-7000-8000-000000000007"])


class AuditEventOut(AnswerModel):
    """Ein Eintrag des Prüfprotokolls: wer hat wann woran was getan. Namen von Kindern stehen hier nicht."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198f0c2-0000-7000-8000-000000000001",
                    "at": "2026-11-12T08:30:00.000000Z",
                    "recorded_at": "2026-11-12T08:30:00.123456Z",
                    "actor": "but-gateway|3f9c",
                    "action": "settlement.hand_over",
                    "object": {"type": "settlement_batch", "id": "0198f0c2-0000-7000-8000-000000000007"},
                    "payload_hash": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
                    "hash": _HEAD,
                }
            ]
        }
    )

    id: UUID = Field(description="Kennung des Eintrags")
    at: str = Field(description="Zeitpunkt nach der Uhr der Kommune, auf die Mikrosekunde")
    recorded_at: str = Field(description="Zeitpunkt nach der Uhr des Servers")
    actor: str = Field(description="Wer: Aussteller und Kennung des Zugangs")
    action: str = Field(description="Was", examples=["settlement.hand_over"])
    object: AuditObjectOut = Field(description="Woran")
    payload_hash: str = Field(description="SHA-256 der Einzelheiten")
    hash: str = Field(description="SHA-256 des Eintrags, wie docs/audit.md ihn beschreibt; er geht in die Kette ein")

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The answer for a stored event."""
        return cls(
            id=row["id"],
            at=print_exact(row["at"]),
            recorded_at=print_exact(row["recorded_at"]),
            actor=row["actor"],
            action=row["action"],
            object=AuditObjectOut(type=row["object_type"], id=row["object_id"]),
            payload_hash=bytes(row["payload_hash"]).hex(),
            hash=bytes(row["hash"]).hex(),
        )


class AuditEventsOut(AnswerModel):
    """Einträge des Prüfprotokolls, älteste zuerst."""

    items: list[AuditEventOut] = Field(description="Die Einträge")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")


class CheckpointOut(AnswerModel):
    """Ein unterschriebener Prüfpunkt. Bewahren Sie ihn außerhalb auf: Wer ihn hat, kann später jede Änderung davor nachweisen."""

    number: int = Field(description="Laufende Nummer", examples=[12])
    at: str = Field(description="Zeitpunkt")
    length: int = Field(description="Länge der Kette zu diesem Zeitpunkt", examples=[1400])
    head: str = Field(description="Hash des letzten Siegels", examples=[_HEAD])
    token: str = Field(description="Die Unterschrift: JWS (ES256) über diese Angaben", examples=["eyJhbGciOiJFUzI1NiIs…"])

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Self:
        """The answer for a checkpoint."""
        return cls(
            number=checkpoint.number,
            at=print_exact(checkpoint.at),
            length=checkpoint.length,
            head=checkpoint.head.hex(),
            token=checkpoint.token,
        )


class AuditChainOut(AnswerModel):
    """Wo die Kette steht und ob sie hält."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "length": 1408,
                    "head": _HEAD,
                    "verified": True,
                    "rows_checked": 20000,
                    "not_yet_sealed": 14,
                    "sealed_late": 0,
                    "retired": 0,
                    "faults": [],
                    "checkpoints": [
                        {
                            "number": 12,
                            "at": "2026-11-12T08:00:04.120000Z",
                            "length": 1400,
                            "head": _HEAD,
                            "token": "eyJhbGciOiJFUzI1NiIs…",
                        }
                    ],
                }
            ]
        }
    )

    length: int = Field(description="Nummer des letzten Siegels; 0, solange nichts versiegelt ist")
    head: str = Field(description="Hash des letzten Siegels; Nullen, solange nichts versiegelt ist")
    verified: bool = Field(
        description="Ob die ganze Kette, alle Unterschriften und die Zeilen der jüngsten Siegel halten. "
        "Alle Zeilen prüft `but-gateway verify --database`"
    )
    rows_checked: int = Field(description="Wie viele Zeilen dafür neu gehasht wurden")
    not_yet_sealed: int = Field(description="Zeilen der letzten Minuten, die noch auf ihr Siegel warten")
    sealed_late: int = Field(description="Zeilen, die verspätet versiegelt wurden")
    retired: int = Field(description="Zeilen, die nach Ablauf ihrer Frist gelöscht sind")
    faults: list[str] = Field(description="Was nicht hält, mit Ort; leer, wenn alles hält", examples=[[]])
    checkpoints: list[CheckpointOut] = Field(description="Die jüngsten Prüfpunkte, neueste zuerst")

    @classmethod
    def of(cls, report: ChainReport, checkpoints: Sequence[Checkpoint]) -> Self:
        """The answer for a checked chain."""
        return cls(
            length=report.length,
            head=report.head.hex(),
            verified=not report.faults,
            rows_checked=report.rows_checked,
            not_yet_sealed=report.unsealed,
            sealed_late=report.late,
            retired=report.retired,
            faults=[f"{fault.what}: {fault.place}" for fault in report.faults[:50]],
            checkpoints=[CheckpointOut.of(one) for one in checkpoints],
        )

"""Operations of the town's case system: grant imports, number replacements, family payments."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call, CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.procedures.intake import store
from but_gateway.procedures.intake.accept_import import accept_import
from but_gateway.procedures.intake.import_rows import import_rows
from but_gateway.procedures.intake.merge_children import merge_children
from but_gateway.procedures.intake.model import Report
from but_gateway.procedures.intake.record_family_payment import record_family_payment
from but_gateway.procedures.intake.replace_number import replace_number
from but_gateway.procedures.intake.schemas import (
    FamilyPaymentIn,
    FamilyPaymentOut,
    ImportJob,
    ImportReport,
    IssuedNumber,
    MergeIn,
    MergeOut,
    NumberReplacementIn,
    NumberReplacementOut,
)
from but_gateway.registers.entitlements.enter import ROWS_MAX
from but_gateway.registers.entitlements.schemas import EXAMPLE
from but_gateway.registers.entitlements.store import current_numbers
from but_gateway.web.answers import Answer
from but_gateway.web.body import KEY_PATTERN, LIMIT_LARGE, load_json
from but_gateway.web.operation import JSON_TYPE, operation
from but_gateway.web.problems import BodyTooLarge, Fault, Invalid, NotFound, Text, WrongState

NDJSON_TYPE: Final = "application/x-ndjson"
ROWS_DELIVERED_MAX: Final = 100_000  # as many as fit in 32 MiB when they say something
router: APIRouter = town_router("Bewilligungen")
ChildKey = Annotated[str, Path(description="Schlüssel des Kindes im Fachverfahren", pattern=KEY_PATTERN, examples=["K-1987"])]
EntitlementKey = Annotated[str, Path(description="Schlüssel der Berechtigung", pattern=KEY_PATTERN, examples=["A-lunch"])]
_ROW: Final = {"$ref": "#/components/schemas/RowIn"}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            JSON_TYPE: {
                "schema": {"type": "array", "items": _ROW},
                "examples": {"row": {"value": [EXAMPLE]}},
            },
            NDJSON_TYPE: {
                "schema": {"type": "string", "description": "Eine Zeile je Bewilligung, jede ein JSON-Objekt wie oben"},
                "examples": {"row": {"value": json.dumps(EXAMPLE, ensure_ascii=False) + "\n"}},
            },
        },
    }
}


_IMPORT: Final = operation(
    roles={Role.REGISTRAR}, keyed=True, body=True, media_types=(JSON_TYPE, NDJSON_TYPE), body_limit=LIMIT_LARGE, extra=_BODY
)
_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "model": ImportJob,
        "description": "Mehr als 1.000 Zeilen: als Auftrag angenommen",
        "headers": {"Location": {"description": "wo der Auftrag steht", "schema": {"type": "string"}}},
    }
}


@router.post(
    "/grant-imports",
    summary="Bewilligungen einliefern",
    response_model=ImportReport,
    **{**_IMPORT, "responses": {**_IMPORT["responses"], **_ACCEPTED}},
)
async def import_grants(request: Request, call: CurrentCall) -> Response:
    """Jede Zeile steht oder fällt für sich; dieselbe Lieferung noch einmal ändert nichts.

    Bis 1.000 Zeilen: sofort, mit Bericht (200). Mehr: als Auftrag (202 mit `Location`).
    """
    rows = _read_rows(await request.body(), request.headers.get("content-type", ""))
    answer = await call.write(lambda unit: _import(unit, call, rows))
    if len(rows) > ROWS_MAX and hasattr(request.app.state, "worker"):
        request.app.state.worker.wake()
    return answer


async def _import(unit: UnitOfWork, call: Call, rows: list[Any]) -> Answer:
    actor, at = call.principal.actor, call.now()
    if len(rows) > ROWS_MAX:
        job = await accept_import(unit, keys=call.keys, rows=rows, at=at, actor=actor, language=call.language)
        location = f"/v1/municipalities/{call.town.key}/grant-imports/{job.id}"
        return Answer(_job(job, {}), status=202, headers={"Location": location})
    report = Report(language=call.language)
    numbers = await import_rows(unit, report, town=call.town, keys=call.keys, rows=rows, at=at, actor=actor, reference=call.request_id)
    return Answer(ImportReport.model_validate(_document(report, len(rows), numbers)))


@router.get(
    "/grant-imports/{import_id}",
    summary="Stand einer großen Einlieferung",
    **operation(roles={Role.REGISTRAR}),
)
async def read_import(import_id: UUID, call: CurrentCall) -> ImportJob:
    """Zustand, Fortschritt und der Bericht, soweit er schon feststeht."""
    async with call.transaction() as unit:
        job = await store.find_import(unit, import_id)
        if job is None:
            raise NotFound
        return _job(job, await current_numbers(unit, call.keys, list(job.report.entitlements)))


@router.post(
    "/entitlements/{key}/number-replacements",
    summary="Verlorene Berechtigungsnummer ersetzen",
    response_model=NumberReplacementOut,
    **operation(roles={Role.REGISTRAR}, keyed=True, body=True),
)
async def replace_lost_number(key: EntitlementKey, body: NumberReplacementIn, call: CurrentCall) -> Response:
    """Die alte Nummer gilt weiter für Leistungen vor dem Tag des Verlusts; beide greifen auf dasselbe Budget zu."""

    async def replace(unit: UnitOfWork) -> Answer:
        number = await replace_number(
            unit, town=call.town, keys=call.keys, entitlement_key=key, lost_on=body.lost_on, at=call.now(), actor=call.principal.actor
        )
        return Answer(NumberReplacementOut(entitlement_number=number))

    return await call.write(replace)


@router.post(
    "/entitlements/{key}/family-payments",
    status_code=201,
    summary="Zahlung der Familie vermerken",
    response_model=FamilyPaymentOut,
    **operation(roles={Role.REGISTRAR}, keyed=True, body=True),
)
async def add_family_payment(key: EntitlementKey, body: FamilyPaymentIn, call: CurrentCall) -> Response:
    """Hat die Familie den Anbieter selbst bezahlt (§ 30 SGB II), wird ihr erstattet; der Anbieter erhält für diese Tage nichts."""

    async def add(unit: UnitOfWork) -> Answer:
        payment_id = await record_family_payment(
            unit, town=call.town, keys=call.keys, entitlement_key=key, paid=body, at=call.now(), actor=call.principal.actor
        )
        return Answer(FamilyPaymentOut(id=str(payment_id)), status=201)

    return await call.write(add)


@router.post(
    "/children/{key}/merge",
    summary="Doppelt geliefertes Kind zusammenführen",
    response_model=MergeOut,
    **operation(roles={Role.REGISTRAR, Role.CLERK}, keyed=True, body=True, problems=(WrongState,)),
)
async def merge_child(key: ChildKey, body: MergeIn, call: CurrentCall) -> Response:
    """Berechtigungen und offene Positionen ziehen zum anderen Kind um; der alte Schlüssel bleibt ein zweiter Name von ihm.

    Zwei Mittagessen desselben Tages werden zu Klärfällen; was schon bezahlt ist, bleibt bezahlt.
    """
    return await call.write(lambda unit: merge_children(unit, call, key, body.into))


def _read_rows(raw: bytes, content_type: str) -> list[Any]:
    """The rows of a delivery. Refuses what is no list of JSON values (MalformedBody, Invalid), and too many (BodyTooLarge)."""
    if content_type.split(";", maxsplit=1)[0].strip().lower() == NDJSON_TYPE:
        if raw.count(b"\n") > ROWS_DELIVERED_MAX:
            raise BodyTooLarge
        return [load_json(line) for line in raw.split(b"\n") if line.strip()]
    rows = load_json(raw)
    if not isinstance(rows, list):
        raise Invalid(
            faults=[Fault("", "invalid", Text("Hier wird ein JSON-Array von Zeilen erwartet.", "A JSON array of rows is due here."))]
        )
    if len(rows) > ROWS_DELIVERED_MAX:
        raise BodyTooLarge
    return rows


def _job(job: store.Job, numbers: Mapping[str, str]) -> ImportJob:
    document = {"id": str(job.id), "state": job.state, "progress": job.progress, **_document(job.report, job.total, numbers)}
    return ImportJob.model_validate(document)


def _document(report: Report, received: int, numbers: Mapping[str, str]) -> dict[str, Any]:
    document = report.document()
    del document["language"]
    issued = [IssuedNumber(key=key, entitlement_number=numbers[key]) for key in report.entitlements if key in numbers]
    return {**document, "received": received, "entitlements": issued}

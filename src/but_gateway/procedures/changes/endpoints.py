"""The provider's operation: what changed for me."""

from typing import Annotated

from fastapi import Query

from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.procedures.changes.read_changes import read_changes
from but_gateway.procedures.changes.schemas import ChangesOut
from but_gateway.web.operation import operation
from but_gateway.web.pagination import LIMIT_DEFAULT, LIMIT_MAX

router = town_router("Änderungen")


@router.get(
    "/changes",
    summary="Was sich für mich geändert hat",
    description="Neue Entscheidungen über Ihre Positionen, Tage von Kindern, die hinzukommen oder wegfallen, und Zahlungen, in der "
    "Reihenfolge, in der sie wirksam wurden. Merken Sie sich `next_cursor` und fragen Sie damit weiter: nichts wird übersprungen und "
    "nichts wiederholt. Wer hier liest, dass Tage wegfallen, hat davon Kenntnis; bis dahin erbrachte Leistungen bleiben geschützt.",
    **operation(roles={Role.PROVIDER}),
)
async def list_changes(
    call: CurrentCall,
    after: Annotated[str | None, Query(max_length=400, description="`next_cursor` des letzten Abrufs; ohne: von Anfang an")] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Höchstzahl der Einträge")] = LIMIT_DEFAULT,
) -> ChangesOut:
    """GET changes."""
    assert call.provider_id is not None  # noqa: S101 - the route admits providers only
    async with call.transaction() as unit:
        return await read_changes(unit, call, call.provider_id, after, limit)

"""Operations: notices for the office."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Response

from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import STAFF_ROLES, Role
from but_gateway.identity.route import town_router
from but_gateway.procedures.review.finish_notice import finish_notice
from but_gateway.procedures.review.notice_schemas import NoticeOut, NoticesOut
from but_gateway.registers.municipalities.scalars import id_of_path
from but_gateway.registers.municipalities.store import list_notices
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor
from but_gateway.web.problems import WrongState

router = town_router("Hinweise")


@router.get(
    "/notices",
    summary="Hinweise auflisten",
    description="Was die Verwaltung wissen sollte, älteste zuerst: doppelte Bewilligungen, gesperrte Nummern, gefährdete Zahlungsziele …",
    **operation(roles=STAFF_ROLES),
)
async def get_notices(
    call: CurrentCall,
    page: CurrentPage,
    state: Annotated[Literal["open", "done"] | None, Query(description="Nur offene oder nur erledigte", examples=["open"])] = None,
) -> NoticesOut:
    """GET notices."""
    async with call.transaction() as unit:
        rows = await list_notices(unit, state, decode_id_cursor(page.after), page.limit)
    notices, cursor = page.cut(rows, lambda notice: notice.id)
    return NoticesOut(items=[NoticeOut.of(notice) for notice in notices], next_cursor=cursor)


@router.post(
    "/notices/{id}/done",
    summary="Hinweis erledigen",
    description="Hält fest, dass sich jemand gekümmert hat. Eine gesperrte Nummer ist danach für den Anbieter wieder frei.",
    response_model=NoticeOut,
    **operation(roles={Role.CLERK, Role.REGISTRAR}, keyed=True, problems=(WrongState,)),
)
async def create_done(notice_id: Annotated[UUID, Depends(id_of_path)], call: CurrentCall) -> Response:
    """POST that a notice is done."""
    return await call.write(lambda unit: finish_notice(unit, call, notice_id))

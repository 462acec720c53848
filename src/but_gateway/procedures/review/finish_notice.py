"""Finishing a notice: the office dealt with it."""

from dataclasses import replace
from uuid import UUID

from but_gateway.audit import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.review.notice_schemas import NoticeOut
from but_gateway.registers.entitlements.guard import thaw
from but_gateway.registers.municipalities import store
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound, Text, WrongState

_DONE_BEFORE = Text("Der Hinweis ist schon erledigt.", "The notice is done already.")


async def finish_notice(unit: UnitOfWork, call: Call, notice_id: UUID) -> Answer:
    """Marks the notice as done; a number that was frozen with it is thawed for its provider.

    Refuses when there is no such notice (NotFound) or it is done already (WrongState).
    """
    notice = await store.find_notice(unit, notice_id)
    if notice is None:
        raise NotFound
    if notice.state == "done":
        raise WrongState(_DONE_BEFORE)
    await store.mark_notice_done(unit, notice_id, call.principal.actor, call.now())
    thawed = await thaw(unit, notice_id)
    await record.record(
        unit,
        at=call.now(),
        actor=call.principal.actor,
        action="notice.done",
        object_type="notice",
        object_id=notice_id,
        payload={"kind": notice.kind, "thawed": thawed},
    )
    return Answer(NoticeOut.of(replace(notice, state="done")))

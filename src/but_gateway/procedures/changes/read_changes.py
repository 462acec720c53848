"""Reads what changed for a provider. Whoever reads that days of a grant fell away has been told: that day is kept and counts (E-07)."""

from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.clock import print_moment
from but_gateway.procedures.adjudication.redecide import redecide_children
from but_gateway.procedures.changes.schemas import ChangeOut, ChangesOut, ChangeSubject
from but_gateway.registers.entitlements.model import child_reference
from but_gateway.registers.entitlements.notification_store import note_notifications
from but_gateway.registers.providers import change_store
from but_gateway.registers.providers.change_store import Told
from but_gateway.web.pagination import decode_cursor, encode_cursor
from but_gateway.web.problems import Fault, Invalid, Text

_BAD_CURSOR = Fault(
    "?after",
    "bad_cursor",
    Text("Der Cursor ist nicht von Ihrer Liste. Beginnen Sie ohne Cursor.", "Not a cursor of your list. Begin without one."),
)
_SERIAL_DIGITS_MAX = 18


async def read_changes(unit: UnitOfWork, call: Call, provider_id: UUID, after: str | None, limit: int) -> ChangesOut:
    """The changes behind a cursor, in the order in which they were committed; the cursor to go on with is always there.

    Refuses a cursor of another provider, of another town, or behind the end (Invalid): going on from there would skip something.
    """
    serial = await _serial_of(unit, provider_id, after)
    told = await change_store.read_changes(unit, provider_id, serial, limit)
    await _notify(unit, call, provider_id, told)
    last = told[-1].serial if told else serial
    return ChangesOut(items=[_show(call, one) for one in told], next_cursor=encode_cursor(f"{last}.{_mark(provider_id)}"))


async def _serial_of(unit: UnitOfWork, provider_id: UUID, after: str | None) -> int:
    if after is None:
        return 0
    try:
        serial, _, mark = decode_cursor(after).partition(".")
    except Invalid:
        raise Invalid(faults=[_BAD_CURSOR]) from None
    ours = mark == _mark(provider_id) and serial.isascii() and serial.isdecimal() and len(serial) <= _SERIAL_DIGITS_MAX
    if not ours or int(serial) > await change_store.last_serial(unit, provider_id):
        raise Invalid(faults=[_BAD_CURSOR])
    return int(serial)


def _mark(provider_id: UUID) -> str:
    """Whose cursor it is: the random end of the town's id of the provider."""
    return provider_id.hex[-8:]


async def _notify(unit: UnitOfWork, call: Call, provider_id: UUID, told: list[Told]) -> None:
    """Keeps when the provider read of days that fell away, once; what that changes is decided again at once."""
    versions = {version for one in told for version in one.change.withdrawn}
    if not versions:
        return
    await unit.narrow(None)
    news = await note_notifications(unit, provider_id, versions, on=call.today(), at=call.now(), client_id=call.principal.client_id)
    if news:
        await redecide_children(unit, call.town, call.keys, news, at=call.now())
        payload = {"grants": sorted(f"{grant}/{version}" for grant, version in versions)}
        await record(
            unit, at=call.now(), actor=call.principal.actor, action="changes.notified", object_type="provider", object_id=provider_id,
            payload=payload,
        )  # fmt: skip


def _show(call: Call, told: Told) -> ChangeOut:
    change = told.change
    subject = str(change.subject_id)
    if change.subject_type == "child":
        subject = child_reference(call.keys, change.provider_id, change.subject_id)
    return ChangeOut.model_validate(
        {
            "id": told.id,
            "at": print_moment(change.at),
            "kind": change.kind,
            "subject": ChangeSubject.model_validate({"type": change.subject_type, "id": subject}),
            **change.details,
        }
    )

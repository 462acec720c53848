"""Reads where the town's audit chain stands, and checks it on the way."""

from but_gateway.audit.check import ReadToken, check_chain
from but_gateway.audit.checkpoint import latest_checkpoints
from but_gateway.audit.sealing import hold_head
from but_gateway.identity.call import Call
from but_gateway.procedures.verification.schemas import AuditChainOut

# An answer must not take minutes: the links are all checked, the rows of the newest seals.
ROWS_MAX = 20_000
CHECKPOINTS_MAX = 100


async def read_chain(call: Call, read_token: ReadToken) -> AuditChainOut:
    """The whole chain of seals and signatures, and the rows of the newest seals."""
    async with call.transaction() as unit:
        await hold_head(unit)
        report = await check_chain(unit.driver, unit.municipality_id, read_token, rows_max=ROWS_MAX)
        return AuditChainOut.of(report, await latest_checkpoints(unit, CHECKPOINTS_MAX))

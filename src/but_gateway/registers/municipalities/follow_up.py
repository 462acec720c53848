"""What is done about a changed register before its writer gets the answer. Comes in as a value: re-deciding lives on a higher floor."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from but_gateway.identity.call import Call

FollowUp = Callable[[Call], Awaitable[None]]


async def current_follow_up(request: Request) -> FollowUp:
    """The one the app was wired with."""
    follow_up: FollowUp = request.app.state.follow_up
    return follow_up


CurrentFollowUp = Annotated[FollowUp, Depends(current_follow_up)]

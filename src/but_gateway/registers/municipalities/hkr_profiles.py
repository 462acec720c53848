"""Which profiles of the interface file there are. Comes in as a value: they are read from files once, when the service starts."""

from collections.abc import Collection
from typing import Annotated

from fastapi import Depends, Request


async def current_hkr_profiles(request: Request) -> Collection[str]:
    """The names of those the app was wired with."""
    names: Collection[str] = request.app.state.package_options.profiles
    return names


CurrentHkrProfiles = Annotated[Collection[str], Depends(current_hkr_profiles)]

"""What a database error means to a caller: is the database away, busy, or does a key forbid what was tried."""

import asyncio
from enum import StrEnum
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from but_gateway.db.fields import StaleKeysError


class Trouble(StrEnum):
    """Kinds of database errors that are no fault of the program."""

    AWAY = "away"  # no connection, or it broke
    BUSY = "busy"  # lost against another transaction (or a change of keys) or no connection was free in time: the same again may succeed
    TAKEN = "taken"  # a key that two wanted at once


_AWAY_STATES: Final = ("08", "57P", "53", "58", "25006", "28", "3D")  # classes of SQLSTATE; 25006: a standby took over
_BUSY_STATES: Final = ("40", "55P03", "57014")  # serialization failure and deadlock, lock not available, statement cancelled
_DEADLOCK: Final = "40P01"
_TAKEN_STATES: Final = ("23505", "23503", "23514", "23P01")  # a key, a reference or a sum that another transaction changed first


def trouble_of(error: BaseException) -> Trouble | None:
    """The kind of a database error; None when it is something else, which then is a fault of the program."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return _of_driver(error.orig.__cause__ or error.orig, disconnected=error.connection_invalidated)
    if isinstance(error, PoolTimeoutError | StaleKeysError):
        return Trouble.BUSY
    if isinstance(error, OperationalError | InterfaceError):
        return Trouble.AWAY
    if isinstance(error, SQLAlchemyError):
        return None
    return _of_driver(error, disconnected=False)


def is_deadlock(error: BaseException) -> bool:
    """Whether the transaction was ended to break a ring of waiting ones: nothing of it was kept, and it may begin anew."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig.__cause__ or error.orig
    return getattr(error, "sqlstate", None) == _DEADLOCK


def _of_driver(error: BaseException, *, disconnected: bool) -> Trouble | None:
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        if state.startswith(_BUSY_STATES):
            return Trouble.BUSY
        if state.startswith(_AWAY_STATES):
            return Trouble.AWAY
        if state.startswith(_TAKEN_STATES):
            return Trouble.TAKEN
    # asyncpg answers a lost connection with InterfaceError ("connection is closed"), a refused one with OSError. The same class tells
    # of wrong arguments, which are a fault of ours and must not look like the database's. Between the last words of a server that goes
    # down and the end of its connection, whoever uses that meets a client that waits for more (InternalClientError).
    # A pool takes a connection back by itself when it ends, and says so to whoever goes on using it.
    ended = isinstance(error, asyncpg.InterfaceError) and any(word in str(error) for word in ("clos", "released back to the pool"))
    closed = ended or isinstance(error, asyncpg.InternalClientError)
    connection_lost = closed or isinstance(error, ConnectionError | OSError | asyncpg.PostgresConnectionError)
    if disconnected or connection_lost or isinstance(error, asyncio.TimeoutError | TimeoutError):
        return Trouble.AWAY
    if isinstance(error, asyncpg.InterfaceError) and error.__context__ is not None:
        # It came up while a failed transaction was rolled back and hides what made that fail.
        return trouble_of(error.__context__)
    return None

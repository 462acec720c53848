"""Changing the master key: every wrapped key is wrapped anew in one transaction, while the instance runs.

The file knows the next key before the database does, and the old one afterwards; whoever unwraps reads the file again before giving up.
So at every step, and wherever it is cut off, each process opens each key.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from but_gateway.db.connect import Connection
from but_gateway.db.fields import MasterKey, MasterKeyFile, SealBrokenError
from but_gateway.identity import key_store

Open = Callable[[], AbstractAsyncContextManager[Connection]]  # a connection as the owner, in one transaction


def prepare_master_key(path: Path) -> None:
    """Adds the next key to the file, where it has none yet. Refuses a file that may not be written (OSError)."""
    file = MasterKeyFile.read(path)
    if file.next is None:
        file.with_next().write(path)


async def rotate_master_key(connect: Open, path: Path) -> int:
    """Wraps everything with the file's next key, then makes it the one in use; how many keys were wrapped. May be cut off and repeated.

    Refuses keys that do not open with the file (SealBrokenError) and a file that may not be written (OSError).
    """
    prepare_master_key(path)
    file = MasterKeyFile.read(path)
    async with connect() as connection:
        count = await _wrap_all(connection, MasterKey.read(path), file.next or file.current)
    file.advanced().write(path)
    return count


async def forget_master_keys(connect: Open, path: Path) -> int:
    """Takes the old keys out of the file, after what may still be wrapped by one was wrapped anew; how many keys are forgotten.

    Refuses while a change of the master key is under way (ValueError).
    """
    file = MasterKeyFile.read(path)
    if file.next is not None:
        raise ValueError("a change of the master key is under way")
    async with connect() as connection:
        await _wrap_all(connection, MasterKey.read(path), file.current)
    MasterKeyFile(file.current).write(path)
    return len(file.old)


async def _wrap_all(connection: Connection, known: MasterKey, wanted: bytes) -> int:
    """Wraps with the wanted key whatever is not; how many."""
    target, changed = MasterKey(AESGCM(wanted)), []
    for one in await key_store.lock_wrapped(connection):
        try:
            target.unwrap(one.wrapped, one.purpose)
        except SealBrokenError:
            changed.append(replace(one, wrapped=target.wrap(known.unwrap(one.wrapped, one.purpose), one.purpose)))
    await key_store.save_wrapped(connection, changed)
    return len(changed)

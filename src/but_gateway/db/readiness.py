"""Whether a database can be worked on: reachable, migrated, durable, and we are in it what we should be."""

import ast
from pathlib import Path
from typing import Final

from but_gateway.db.connect import Connection
from but_gateway.db.tenancy import APP_ROLE

VERSION_MIN: Final = 15
_DURABLE: Final = ("fsync", "synchronous_commit", "full_page_writes")


def migrations_folder() -> Path:
    """Where the migrations lie: packed into an installation, at the top of a checkout."""
    here = Path(__file__).resolve()
    packed = here.parent.parent / "migrations"
    return packed if packed.is_dir() else here.parents[3] / "migrations"


def head_revision() -> str:
    """The newest migration: the one that no other names as the one before it. Reads the files without running them."""
    revisions: dict[str, str | None] = {}
    for path in sorted((migrations_folder() / "versions").glob("*.py")):
        values = {
            target.id: ast.literal_eval(node.value)
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id in ("revision", "down_revision")
        }
        revisions[values["revision"]] = values["down_revision"]
    (head,) = set(revisions) - set(revisions.values())
    return head


async def faults_of(connection: Connection, head: str) -> list[str]:
    """Why this database cannot be worked on; empty when it can. The texts name no data."""
    faults = []
    version = int(await connection.fetchval("SELECT current_setting('server_version_num')::int")) // 10_000
    if version < VERSION_MIN:
        faults.append(f"PostgreSQL {version} is too old, {VERSION_MIN} or newer is needed")
    user = await connection.fetchrow("SELECT current_user AS name, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    if user["name"] != APP_ROLE or user["rolsuper"] or user["rolbypassrls"]:
        faults.append(f"the service must work as the role {APP_ROLE}, without superuser and without bypassing row-level security")
    faults += await forgetful(connection)
    if await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None:
        faults.append("the database is not migrated")
    elif (revision := await connection.fetchval("SELECT version_num FROM alembic_version")) < head:
        # Revisions are numbers of four digits. A newer one is well: migrations only add until no process of the release before is left.
        faults.append(f"the database stands at revision {revision}, this release needs {head}")
    return faults


async def forgetful(connection: Connection) -> list[str]:
    """Which settings would let the database lose what was answered already."""
    values = [(name, await connection.fetchval("SELECT current_setting($1)", name)) for name in _DURABLE]
    return [f"{name} is off: what was answered could be lost" for name, value in values if value in ("off", "local")]

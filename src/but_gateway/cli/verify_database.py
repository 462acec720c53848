"""What ``but-gateway verify --database`` does and prints."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from but_gateway.audit.chain import CHECKPOINT_TYPE
from but_gateway.audit.check import ReadToken
from but_gateway.cli.place import opened, settings_of_environment
from but_gateway.cli.report import CommandError, Exit, say, say_json
from but_gateway.cli.verify_package import findings_document, print_findings
from but_gateway.db.connect import Connection, connect, connect_to_read, is_schema_missing
from but_gateway.db.fields import MasterKey
from but_gateway.identity.keys import keys_that_ever_signed
from but_gateway.identity.tokens import TokenRefusedError, verify_statement
from but_gateway.procedures.verification.check_database import DatabaseReport, UnknownTownError, check_database
from but_gateway.settings import Settings

_NAMES: Final = {
    "de": (("towns", "Kommunen"), ("seals", "Siegel"), ("rows", "versiegelte Zeilen"), ("checkpoints", "Prüfpunkte"),
           ("facts", "Teile von Tatsachen"), ("files", "Dateien")),
    "en": (("towns", "Towns"), ("seals", "Seals"), ("rows", "Sealed rows"), ("checkpoints", "Checkpoints"), ("facts", "Parts of facts"),
           ("files", "Files")),
}  # fmt: skip
_TOKEN_BYTES_MAX: Final = 64 * 1024


def run(town: str | None, checkpoints: Sequence[Path], language: str, *, as_json: bool) -> bool:
    """Checks and prints; answers whether everything holds."""
    kept = [_read(path) for path in checkpoints]
    with opened(settings_of_environment()) as settings:
        report = asyncio.run(check(settings, town, kept))
    if as_json:
        counts = {name: getattr(report, name) for name, _ in _NAMES["en"]}
        say_json({"ok": report.findings.violations == 0, **counts, **findings_document(report.findings, language)})
    else:
        for name, word in _NAMES[language]:
            say(f"{word}: {getattr(report, name)}")
        print_findings(report.findings, language)
    return report.findings.violations == 0


def _read(path: Path) -> str:
    """A kept checkpoint: its token; blanks around it do not count."""
    try:
        if path.stat().st_size > _TOKEN_BYTES_MAX:
            raise CommandError(f"{path} is no checkpoint", Exit.USAGE)
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"{path} cannot be read", Exit.USAGE) from None


async def check(settings: Settings, town: str | None, kept: Sequence[str]) -> DatabaseReport:
    """As whoever migrates: the invariants need to see all towns, which the service itself never does."""
    try:
        async with connect(settings.database_url) as connection:
            read_token = await _reader(connection, settings)
        async with connect_to_read(settings.owner_database_url or settings.database_url) as connection:
            return await check_database(connection, town, read_token, kept, master_key=_master_key(settings))
    except UnknownTownError:
        raise CommandError(f"There is no municipality {town!r}.", Exit.CONFLICT) from None
    except OSError as error:
        raise CommandError(f"The database does not answer ({type(error).__name__}). See what is wrong with: but-gateway doctor") from None
    except Exception as error:
        if is_schema_missing(error):
            raise CommandError("The database is not migrated. Mend it with: but-gateway db migrate") from None
        raise


def _master_key(settings: Settings) -> MasterKey | None:
    return MasterKey.read(settings.master_key_file) if settings.master_key_file.exists() else None


async def _reader(connection: Connection, settings: Settings) -> ReadToken | None:
    master_key = _master_key(settings)
    if master_key is None:
        return None
    keys = await keys_that_ever_signed(connection, master_key)

    def read(token: str) -> Mapping[str, Any] | None:
        try:
            return verify_statement(token, keys, CHECKPOINT_TYPE)
        except TokenRefusedError:
            return None

    return read

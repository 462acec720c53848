"""What the environment decides. Every setting has its paragraph in docs/operations.md."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

DEVELOPMENT: Final = "development"
PRODUCTION: Final = "production"
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
EMBEDDED_SCHEME: Final = "embedded:"
# One connection is held by whoever leads the background work; with no other nothing would ever be answered.
_POOL_MIN: Final = 2


class SettingsError(Exception):
    """A setting has a value it may not have; the text names it and says what is due."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a process, read once when it starts."""

    environment: str = DEVELOPMENT
    database_url: str = "embedded:./var/postgres"
    owner_database_url: str | None = None  # whoever migrates; by default whoever serves
    database_pool: int = 8
    master_key_file: Path = Path("var/keys/master.key")
    issuer: str = "http://127.0.0.1:8080"  # the public base URL, without a slash at the end
    issuer_is_set: bool = False
    oidc_file: Path | None = None
    log_level: str = "info"
    rate_limit_per_minute: int = 0  # per client, 0 = off
    in_flight_max: int = 256
    receive_timeout_seconds: int = 60
    shutdown_seconds: int = 30
    metrics_token_file: Path | None = None
    hkr_profiles: Path | None = None  # a directory of profiles beside the shipped ones
    pain001_xsd: Path | None = None  # a schema payment files must fit beside that of ISO 20022
    makes_keys: bool = True  # whether a missing master key is made: never in production

    @property
    def embedded(self) -> bool:
        """Whether the database is a server of our own on this machine."""
        return self.database_url.startswith(EMBEDDED_SCHEME)

    @property
    def production(self) -> bool:
        """Whether people's real money is at stake."""
        return self.environment == PRODUCTION


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment (by default this process's). Refuses values that make no sense (SettingsError)."""
    default = Settings()
    source = os.environ if environ is None else environ
    issuer = source.get("BUT_ISSUER", "").rstrip("/")
    settings = Settings(
        environment=_choice(source, "BUT_ENV", (DEVELOPMENT, PRODUCTION), DEVELOPMENT),
        database_url=_database_url(source, "BUT_DATABASE_URL") or default.database_url,
        owner_database_url=_database_url(source, "BUT_OWNER_DATABASE_URL"),
        database_pool=_whole(source, "BUT_DATABASE_POOL", default.database_pool, minimum=_POOL_MIN),
        master_key_file=_path(source, "BUT_MASTER_KEY_FILE") or _key_beside(source.get("BUT_DATABASE_URL", "")) or default.master_key_file,
        issuer=issuer or default.issuer,
        issuer_is_set=bool(issuer),
        oidc_file=_path(source, "BUT_OIDC_FILE"),
        log_level=_choice(source, "BUT_LOG_LEVEL", LOG_LEVELS, "info"),
        rate_limit_per_minute=_whole(source, "BUT_RATE_LIMIT_PER_MINUTE", 0),
        in_flight_max=_whole(source, "BUT_IN_FLIGHT_MAX", default.in_flight_max, minimum=1),
        receive_timeout_seconds=_whole(source, "BUT_RECEIVE_TIMEOUT_SECONDS", default.receive_timeout_seconds, minimum=1),
        shutdown_seconds=_whole(source, "BUT_SHUTDOWN_SECONDS", default.shutdown_seconds, minimum=1),
        metrics_token_file=_path(source, "BUT_METRICS_TOKEN_FILE"),
        hkr_profiles=_path(source, "BUT_HKR_PROFILES"),
        pain001_xsd=_path(source, "BUT_PAIN001_XSD"),
    )
    return _checked(replace(settings, makes_keys=not settings.production))


def _checked(settings: Settings) -> Settings:
    parts = urlsplit(settings.issuer)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError("BUT_ISSUER must be the public base URL, such as https://but.example.org")
    if settings.production:
        if not settings.issuer_is_set or parts.scheme != "https":
            raise SettingsError("With BUT_ENV=production BUT_ISSUER must be set and begin with https://")
        if settings.embedded:
            raise SettingsError(
                "With BUT_ENV=production BUT_DATABASE_URL must name a PostgreSQL server; the embedded one is for one machine"
            )
    return settings


def _choice(source: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = source.get(name) or default
    if value not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}")
    return value


def _whole(source: Mapping[str, str], name: str, default: int, minimum: int = 0) -> int:
    text = source.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) >= minimum):
        raise SettingsError(f"{name} must be a whole number, {minimum} or more")
    return int(text)


def _path(source: Mapping[str, str], name: str) -> Path | None:
    text = source.get(name)
    return Path(text) if text else None


def _key_beside(database_url: str) -> Path | None:
    """The master key of an embedded database lies beside it, so that both are found from whatever directory a command runs in."""
    if not database_url.startswith(EMBEDDED_SCHEME):
        return None
    return Path(database_url.removeprefix(EMBEDDED_SCHEME)).parent / "keys" / "master.key"


def _database_url(source: Mapping[str, str], name: str) -> str | None:
    text = source.get(name)
    if not text:
        return None
    # The forms that people and other tools write all mean the same driver here.
    for prefix in ("postgres://", "postgresql://"):
        if text.startswith(prefix):
            return "postgresql+asyncpg://" + text.removeprefix(prefix)
    if not text.startswith(("postgresql+asyncpg://", EMBEDDED_SCHEME)):
        raise SettingsError(f"{name} must begin with postgresql+asyncpg:// or embedded:")
    return text

"""Structured logs to standard error, by an allow-list of fields: no bodies, no query strings, no messages of exceptions, no names."""

import json
import logging
import sys
from typing import Final

import structlog

from but_gateway.web.errors import place_of

# Whoever wants to log another field adds it here and says why it cannot name a person.
FIELDS: Final = frozenset(
    {
        "timestamp", "level", "event",
        "request_id", "method", "route", "status", "duration_ms", "client",  # a client id is a login of a machine or a member of staff
        "error", "place",  # type and place of an exception
        "job", "municipality_id", "count",  # of background work
        "logger", "host", "port", "reason",  # our own words
    }
)  # fmt: skip


def only_allowed(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Drops every field that is not on the list."""
    return {key: value for key, value in event.items() if key in FIELDS}


class JsonFormatter(logging.Formatter):
    """Lines of other packages: level, logger and the text as it stands in their code, without what was put into it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        # Of several lines only the first: asyncio writes the object it complains about, with its exception's message, below it.
        event = str(record.msg).partition("\n")[0][:200]
        line: dict[str, object] = {"level": record.levelname.lower(), "logger": record.name, "event": event}
        if record.exc_info and record.exc_info[1] is not None:
            line = {**line, "event": "exception", **place_of(record.exc_info[1])}
        return json.dumps(line, ensure_ascii=False)


def configure_logs(level: str) -> None:
    """Sets up the logs of this process."""
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)

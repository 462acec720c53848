"""Bodies: read up to a limit, strict JSON (no duplicate keys, no NaN, no bad UTF-8), scalar types of the contract."""

import json
import re
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Final, NoReturn

from fastapi import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StrictBool,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
)

from but_gateway.kit.money import MONEY_PATTERN, parse_money, parse_share, print_money
from but_gateway.kit.period import YEARS, Month
from but_gateway.web.problems import BodyTooLarge, MalformedBody, Text

MIB: Final = 1024 * 1024
LIMIT_DEFAULT: Final = MIB
LIMIT_LARGE: Final = 32 * MIB
# Values in one JSON text, counted by the commas between them. What fits in bytes may not fit in memory: 32 MiB of "{}," are a gigabyte.
VALUES_MAX: Final = 3_000_000
KEY_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


async def read_limited(request: Request, limit: int) -> bytes:
    """The raw body. Refuses when it is longer than the limit (BodyTooLarge), before reading it where its length is announced."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedBody(Text("Ein Feldname kommt in einem Objekt doppelt vor.", "A field name occurs twice in one object."))
    return found


def _no_constants(_name: str) -> NoReturn:
    raise MalformedBody(Text("NaN und Infinity sind kein JSON.", "NaN and Infinity are not JSON."))


# Made once: json.loads would make one for every body.
_STRICT: Final = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constants)


def load_json(raw: bytes) -> Any:  # noqa: ANN401 - JSON is whatever was sent
    """The value of a JSON text.

    Refuses duplicate keys, NaN, Infinity, bad UTF-8, too deep nesting, bad syntax (MalformedBody), and too many values (BodyTooLarge).
    """
    if raw.count(b",") > VALUES_MAX:
        raise BodyTooLarge
    try:
        return _STRICT.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedBody(Text("Der Inhalt ist kein gültiges UTF-8.", "The body is not valid UTF-8.")) from None
    except RecursionError:
        raise MalformedBody(Text("Der Inhalt ist zu tief verschachtelt.", "The body is nested too deep.")) from None
    except json.JSONDecodeError as error:
        raise MalformedBody(
            Text(
                f"Der Inhalt ist kein gültiges JSON (Zeile {error.lineno}, Spalte {error.colno}).",
                f"The body is not valid JSON (line {error.lineno}, column {error.colno}).",
            )
        ) from None
    except ValueError:
        # A number with thousands of digits is refused by Python itself.
        raise MalformedBody from None


class StrictModel(BaseModel):
    """A body of the contract: unknown fields and wrong types are refused; nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AnswerModel(BaseModel):
    """What we answer: every field always stands in it."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class BadValueError(ValueError):
    """A value that validation refuses, with a text for the caller. Texts never repeat the value."""

    def __init__(self, code: str, de: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.text = Text(de, en)


_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadValueError("not_a_string", "Hier gehört ein Text in Anführungszeichen hin.", "A string is due here.")
    return value


def _parse_day(value: object) -> date:
    if isinstance(value, date):
        return value
    return _day_of(_text(value))


# The same days come again and again: a month of lunches names twenty of them ten thousand times.
@lru_cache(maxsize=8192)
def _day_of(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise BadValueError("not_a_day", "Hier gehört ein Tag wie 2026-10-05 hin.", "A day such as 2026-10-05 is due here.")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadValueError("no_such_day", "Diesen Tag gibt es nicht.", "There is no such day.") from None
    _demand_year(day.year)
    return day


def _demand_year(year: int) -> None:
    if year not in YEARS:
        first, last = YEARS[0], YEARS[-1]
        raise BadValueError(
            "year_out_of_range", f"Möglich sind die Jahre {first} bis {last}.", f"The years {first} to {last} are possible."
        )


def _parse_month(value: object) -> Month:
    if isinstance(value, Month):
        return value
    text = _text(value)
    try:
        month = Month.parse(text)
    except ValueError:
        raise BadValueError("not_a_month", "Hier gehört ein Monat wie 2026-10 hin.", "A month such as 2026-10 is due here.") from None
    _demand_year(month.year)
    return month


def _parse_time(value: object) -> int:
    found = _TIME.fullmatch(_text(value))
    if not found:
        raise BadValueError("not_a_time", "Hier gehört eine Uhrzeit wie 15:30 hin.", "A time such as 15:30 is due here.")
    return int(found[1]) * 60 + int(found[2])


def _parse_cents(value: object) -> int:
    text = _text(value)
    try:
        return parse_money(text)
    except ValueError:
        raise BadValueError("not_an_amount", 'Hier gehört ein Betrag wie "4.50" hin.', 'An amount such as "4.50" is due here.') from None


def _parse_share(value: object) -> int:
    text = _text(value)
    try:
        return parse_share(text)
    except ValueError:
        raise BadValueError("not_a_share", 'Hier gehört ein Anteil wie "0.50" hin.', 'A share such as "0.50" is due here.') from None


def _print_share(share: int) -> str:
    text = f"{share // 10_000}.{share % 10_000:04d}"
    return text.removesuffix("00")


def _no_controls(text: str) -> str:
    # NUL cannot be stored; other control characters have no place in names and keys.
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):  # noqa: PLR2004 - the control characters of ASCII
        raise BadValueError("bad_text", "Steuerzeichen sind nicht erlaubt.", "Control characters are not allowed.")
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):  # noqa: PLR2004 - lone surrogates cannot be written as UTF-8
        raise BadValueError("bad_text", "Der Text enthält unzulässige Zeichen.", "The text holds characters that are not allowed.")
    return text


def _schema(example: str, description: str, **more: object) -> Any:  # noqa: ANN401 - pydantic's marker
    return WithJsonSchema({"type": "string", "description": description, "examples": [example], **more})


# Scalars of the contract. Money comes in as a string and is integer cents from here on.
Cents = Annotated[
    int,
    BeforeValidator(_parse_cents),
    PlainSerializer(print_money, return_type=str),
    _schema("4.50", "Betrag in EUR, brutto", pattern=MONEY_PATTERN),
]
Day = Annotated[date, BeforeValidator(_parse_day), _schema("2026-10-05", "Tag", format="date")]
MonthOfYear = Annotated[
    Month,
    BeforeValidator(_parse_month),
    PlainSerializer(str, return_type=str),
    _schema("2026-10", "Monat", pattern=r"^\d{4}-(0[1-9]|1[0-2])$"),
]
TimeOfDay = Annotated[
    int, BeforeValidator(_parse_time), _schema("15:30", "Uhrzeit (Europe/Berlin)", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
]  # minutes since midnight
Share = Annotated[
    int, BeforeValidator(_parse_share), PlainSerializer(_print_share, return_type=str), _schema("0.50", "Anteil zwischen 0 und 1")
]  # ten-thousandths
Key = Annotated[str, StringConstraints(strict=True, pattern=KEY_PATTERN)]
Line = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200), AfterValidator(_no_controls)]
LongText = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=2000), AfterValidator(lambda t: _no_controls(t.replace("\n", " ")))
]
Flag = StrictBool
Whole = StrictInt

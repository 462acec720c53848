"""From what the validation found to what the caller is told: all faults, each with its place, never with what was sent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from but_gateway.web.body import BadValueError
from but_gateway.web.problems import BadHeader, Fault, Invalid, NotFound, Problem, Text

# What an unknown field may be called to be repeated in a pointer: names of fields look like this (unit_price, and unitPrice of whoever is
# used to that), names of people do not.
_FIELD_NAME: Final = re.compile(r"[a-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
_FIELD_NAME_LENGTH_MAX: Final = 40

_TEXTS: Final[Mapping[str, tuple[str, Text]]] = {
    "missing": ("missing", Text("Diese Angabe fehlt.", "This field is missing.")),
    "extra_forbidden": ("unknown_field", Text("Dieses Feld gibt es hier nicht.", "There is no such field here.")),
    "string_type": ("not_a_string", Text("Hier gehört ein Text in Anführungszeichen hin.", "A string is due here.")),
    "string_sub_type": ("not_a_string", Text("Hier gehört ein Text in Anführungszeichen hin.", "A string is due here.")),
    "string_unicode": ("bad_text", Text("Der Text enthält unzulässige Zeichen.", "The text holds characters that are not allowed.")),
    "int_type": ("not_a_number", Text("Hier gehört eine ganze Zahl ohne Anführungszeichen hin.", "A whole number is due here.")),
    "int_parsing": ("not_a_number", Text("Hier gehört eine ganze Zahl hin.", "A whole number is due here.")),
    "int_from_float": ("not_a_number", Text("Hier gehört eine ganze Zahl hin.", "A whole number is due here.")),
    "int_parsing_size": ("number_too_large", Text("Die Zahl ist zu groß.", "The number is too large.")),
    "bool_type": ("not_a_boolean", Text("Hier gehört true oder false hin.", "true or false is due here.")),
    "bool_parsing": ("not_a_boolean", Text("Hier gehört true oder false hin.", "true or false is due here.")),
    "list_type": ("not_a_list", Text("Hier gehört eine Liste hin.", "A list is due here.")),
    "tuple_type": ("not_a_list", Text("Hier gehört eine Liste hin.", "A list is due here.")),
    "set_type": ("not_a_list", Text("Hier gehört eine Liste hin.", "A list is due here.")),
    "frozen_set_type": ("not_a_list", Text("Hier gehört eine Liste hin.", "A list is due here.")),
    "dict_type": ("not_an_object", Text("Hier gehört ein Objekt hin.", "An object is due here.")),
    "model_type": ("not_an_object", Text("Hier gehört ein Objekt hin.", "An object is due here.")),
    "model_attributes_type": ("not_an_object", Text("Hier gehört ein Objekt hin.", "An object is due here.")),
    "none_required": ("not_null", Text("Hier ist nur null möglich.", "Only null is possible here.")),
    "date_type": ("not_a_day", Text("Hier gehört ein Tag wie 2026-10-05 hin.", "A day such as 2026-10-05 is due here.")),
    "date_parsing": ("not_a_day", Text("Hier gehört ein Tag wie 2026-10-05 hin.", "A day such as 2026-10-05 is due here.")),
    "date_from_datetime_parsing": ("not_a_day", Text("Hier gehört ein Tag wie 2026-10-05 hin.", "A day such as 2026-10-05 is due here.")),
    "datetime_parsing": (
        "not_a_moment",
        Text("Hier gehört ein Zeitpunkt wie 2026-10-05T10:00:00Z hin.", "A moment such as 2026-10-05T10:00:00Z is due here."),
    ),
    "uuid_parsing": ("not_an_id", Text("Das ist keine Id.", "This is no id.")),
    "uuid_type": ("not_an_id", Text("Das ist keine Id.", "This is no id.")),
    "union_tag_not_found": ("missing", Text("Die Art der Angabe fehlt.", "The kind of this object is missing.")),
    "string_pattern_mismatch": (
        "bad_format",
        Text("Der Text hat nicht die verlangte Form.", "The text does not have the form it must have."),
    ),
}
_ANY: Final = ("bad_value", Text("Dieser Wert ist hier nicht möglich.", "This value is not possible here."))


def problem_of(errors: Iterable[Mapping[str, Any]], body: object) -> Problem:
    """The problem for the faults that validation found in a request.

    A bad id in a path names nothing (404); a bad header is 400; everything else is 422 with all faults. ``body`` is the value that was
    sent: pointers follow it, so that they only hold places that exist or are missing in it.
    """
    faults: dict[Fault, None] = {}  # in order, each once: alternatives of one field all complain alike
    for error in errors:
        where, *rest = error["loc"] or ("body",)
        if where == "path":
            return NotFound()
        if where == "header":
            return BadHeader(Text("Ein Header fehlt oder hat einen falschen Wert.", "A header is missing or has a wrong value."))
        code, text = _text_of(error)
        pointer = f"?{rest[0]}" if where in ("query", "cookie") and rest else _pointer(rest, body, error["type"])
        faults[Fault(pointer, code, text)] = None
    return Invalid(faults=list(faults))


def _text_of(error: Mapping[str, Any]) -> tuple[str, Text]:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "value_error" and isinstance(context.get("error"), BadValueError):
        return context["error"].code, context["error"].text
    return _TEXTS.get(kind) or _with_limit(kind, context) or _ANY


def _with_limit(  # noqa: PLR0911 - one return per kind of limit
    kind: str, context: Mapping[str, Any]
) -> tuple[str, Text] | None:
    """Texts that name a limit or the values allowed: those are ours, not the caller's."""
    match kind:
        case "string_too_short" | "too_short":
            least = context["min_length"]
            return "too_short", Text(f"Hier sind mindestens {least} nötig.", f"At least {least} are needed here.")
        case "string_too_long" | "too_long":
            most = context["max_length"]
            return "too_long", Text(f"Hier sind höchstens {most} möglich.", f"At most {most} are possible here.")
        case "greater_than_equal" | "greater_than":
            least = context.get("ge", context.get("gt"))
            word = ("mindestens", "at least") if "ge" in context else ("größer als", "greater than")
            return "too_small", Text(f"Der Wert muss {word[0]} {least} sein.", f"The value must be {word[1]} {least}.")
        case "less_than_equal" | "less_than":
            most = context.get("le", context.get("lt"))
            word = ("höchstens", "at most") if "le" in context else ("kleiner als", "less than")
            return "too_large", Text(f"Der Wert darf {word[0]} {most} sein.", f"The value must be {word[1]} {most}.")
        case "literal_error" | "enum":
            allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ")
            return "not_allowed", Text(f"Möglich ist hier nur: {allowed}.", f"Possible here: {allowed}.")
        case "union_tag_invalid":
            allowed = str(context["expected_tags"]).replace("'", "")
            return "not_allowed", Text(f"Möglich ist hier nur: {allowed}.", f"Possible here: {allowed}.")
    return None


def _pointer(location: Sequence[object], body: object, kind: str) -> str:
    """The JSON pointer (RFC 6901) of a fault.

    Validation also names alternatives of a union on its way; those parts are in no body and are left out.
    """
    parts: list[str] = []
    here: Any = body
    for position, part in enumerate(location):
        last = position == len(location) - 1
        inside, value = _step(here, part)
        if inside:
            here = value
        elif not (last and kind == "missing"):
            continue
        text = str(part)
        if kind == "extra_forbidden" and last and not (len(text) <= _FIELD_NAME_LENGTH_MAX and _FIELD_NAME.fullmatch(text)):
            break
        parts.append(text.replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{part}" for part in parts)


def _step(here: object, part: object) -> tuple[bool, object]:
    """What lies behind one part of a location, if it leads anywhere in the body."""
    if isinstance(here, Mapping) and part in here:
        return True, here[part]
    if isinstance(here, list | tuple) and isinstance(part, int) and part < len(here):
        return True, here[part]
    return False, None

"""Scalars that several registers take in their bodies: account data, prices, benefits. Each says in both languages what is wrong."""

import re
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from but_gateway.kit.iban import parse_iban
from but_gateway.web.body import KEY_PATTERN, BadValueError, Cents, Whole
from but_gateway.web.problems import NotFound

# What pain.001 takes as a name (ISO 20022 Max70Text).
HOLDER_LENGTH_MAX: Final = 70
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)
_LEITWEG_ID: Final = re.compile(r"[0-9]{2,12}(-[A-Z0-9]{1,30})?-[0-9]{2}", re.ASCII)
_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)


def _iban(text: str) -> str:
    try:
        return parse_iban(text)
    except ValueError:
        raise BadValueError(
            "bad_iban", "Das ist keine gültige IBAN eines SEPA-Landes.", "This is no valid IBAN of the SEPA area."
        ) from None


def _bic(text: str) -> str:
    if not _BIC.fullmatch(text):
        raise BadValueError(
            "bad_bic", "Ein BIC hat 8 oder 11 Zeichen, zum Beispiel BYLADEM1001.", "A BIC has 8 or 11 characters, such as BYLADEM1001."
        )
    return text


def _leitweg_id(text: str) -> str:
    digits = "".join(str(int(c, 36)) for c in text if c != "-") if _LEITWEG_ID.fullmatch(text) else "0"
    if int(digits) % 97 != 1:
        raise BadValueError(
            "bad_leitweg_id",
            "Das ist keine gültige Leitweg-ID; prüfen Sie die Prüfziffern am Ende.",
            "This is no valid Leitweg-ID; look at the check digits at its end.",
        )
    return text


def _schema(example: str, description: str, **more: object) -> Any:  # noqa: ANN401 - pydantic's marker
    return WithJsonSchema({"type": "string", "description": description, "examples": [example], **more})


Iban = Annotated[
    str,
    StringConstraints(strict=True, max_length=42),
    AfterValidator(_iban),
    _schema("DE02120300000000202051", "IBAN; Leerzeichen sind erlaubt", maxLength=42),
]
Bic = Annotated[str, StringConstraints(strict=True), AfterValidator(_bic), _schema("BYLADEM1001", "BIC", pattern=f"^{_BIC.pattern}$")]
LeitwegId = Annotated[
    str,
    StringConstraints(strict=True, max_length=46),
    AfterValidator(_leitweg_id),
    _schema("05999-12345-93", "Leitweg-ID mit Prüfziffern (ISO 7064 MOD 97-10)", pattern=f"^{_LEITWEG_ID.pattern}$"),
]
Holder = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=HOLDER_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
Price = Annotated[Cents, Field(ge=1)]
Months = Annotated[Whole, Field(ge=0, le=60)]
Benefit = Literal["lunch", "tutoring", "participation", "day_trip", "class_trip", "school_supplies", "school_transport"]
LateEffect = Literal["accept", "review", "reject"]


async def key_of_path(key: Annotated[str, Path(description="Schlüssel, den die Kommune selbst vergibt", examples=["s1"])]) -> str:
    """A key in a path. Refuses what can name nothing (NotFound)."""
    if not _KEY.fullmatch(key):
        raise NotFound
    return key


async def id_of_path(id: Annotated[str, Path(description="Kennung, die das Gateway vergeben hat (UUID)")]) -> UUID:  # noqa: A002 - it is called so in the path
    """An id in a path. Refuses what is no id (NotFound)."""
    try:
        return UUID(id)
    except ValueError:
        raise NotFound from None

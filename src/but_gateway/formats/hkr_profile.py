"""Profiles of the interface file to a municipality's finance software (HKR): which columns, under which names, in which shape.

A profile is a YAML file; docs/hkr-profiles.md describes it for those who write one. It is read and checked as a whole when the service
starts, so that a mistake stops the start and not the hand-over of a batch.
"""

import codecs
import importlib.resources
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

GENERIC: Final = "generic"


class ProfileError(Exception):
    """A profile that cannot be used; the text names its file, the place in it, and what is due there."""


class FieldKind(StrEnum):
    """What a field of an order is, and so how it is printed."""

    TEXT = "text"
    AMOUNT = "amount"  # cents
    DAY = "day"
    WHOLE = "whole"


# What an order can tell (formats/hkr_csv.py: HkrRow). Amounts: gross = spending, receipts = what is taken back (both positive),
# net = gross − receipts, net_absolute = net without its sign, which debit_credit tells (S = Soll, paid out; H = Haben, taken back).
FIELDS: Final[Mapping[str, FieldKind]] = {
    **dict.fromkeys(
        (
            "batch", "municipality", "order", "kind", "creditor", "name", "iban", "vat_id", "currency", "remittance_text", "end_to_end_id",
            "product", "account", "cost_centre", "legal_basis", "legal_basis_name", "benefit", "benefit_name", "invoices", "debit_credit",
            "factual_by", "arithmetical_by", "ordered_by",
        ),
        FieldKind.TEXT,
    ),
    **dict.fromkeys(("gross", "receipts", "net", "net_absolute"), FieldKind.AMOUNT),
    **dict.fromkeys(
        ("due_on", "service_from", "service_to", "factual_on", "arithmetical_on", "ordered_on", "handed_over_on"), FieldKind.DAY
    ),
    **dict.fromkeys(("fiscal_year", "payment", "positions"), FieldKind.WHOLE),
}  # fmt: skip
# Of these one must be there, or the file would not say what is paid.
_AMOUNTS: Final = ({"net"}, {"gross", "receipts"}, {"net_absolute", "debit_credit"})
_DATE: Final = re.compile(r"[-./ ]?(?:(?:YYYY|YY|MM|DD)[-./ ]?){1,3}", re.ASCII)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ProfileColumn(_Strict):
    """A column: a field of the order, or the same text in every row.

    ``values`` replaces a text by another (codes of the town); a text it does not name is refused. ``width`` is the exact width in a fixed
    file and the greatest one in a delimited file, in characters. ``cut``: a text that is too long is cut; without it, it is refused.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    field: str | None = None
    constant: Annotated[str, Field(max_length=200)] | None = None
    values: dict[str, str] | None = None
    width: Annotated[int, Field(ge=1, le=1000)] | None = None
    align: Literal["left", "right"] = "left"
    fill: Annotated[str, Field(min_length=1, max_length=1)] = " "
    cut: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> "ProfileColumn":
        if (self.field is None) == (self.constant is None):
            raise ValueError("needs either a field or a constant")
        if self.field is not None and self.field not in FIELDS:
            raise ValueError(f"there is no field {self.field}; there are: {', '.join(sorted(FIELDS))}")
        if (self.cut or self.values is not None) and (self.field is None or FIELDS[self.field] is not FieldKind.TEXT):
            raise ValueError("only columns of text can be cut or replaced")
        if self.cut and self.width is None:
            raise ValueError("a text can only be cut to a width")
        return self


class HkrProfile(_Strict):
    """A profile. Delimited files have a delimiter, fixed ones a width for each column."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    note: str = ""
    confirmed: bool = True
    layout: Literal["delimited", "fixed"]
    encoding: Literal["utf-8", "utf-8-sig", "cp1252", "iso-8859-1", "iso-8859-15"]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quoting: Literal["where_needed", "always", "never"] = "where_needed"
    header: bool = True
    line_end: Literal["crlf", "lf"] = "crlf"
    decimal: Literal[",", ".", ""] = ","  # empty: the amount in cents
    minus: Literal["before", "behind"] = "before"
    date: Annotated[str, Field(max_length=14)] = "DD.MM.YYYY"
    disarm_formulas: bool = True
    columns: Annotated[list[ProfileColumn], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _fits_together(self) -> "HkrProfile":
        if (self.layout == "delimited") != (self.delimiter is not None):
            raise ValueError("a delimited file needs a delimiter, a fixed one has none")
        if self.delimiter is not None and (
            self.delimiter in "\"'\r\n" or self.delimiter.isalnum() or self.delimiter in {self.decimal, "-"}
        ):
            raise ValueError("the delimiter must not be a quote, a letter, a digit, a minus or the decimal sign")
        if self.layout == "fixed" and (missing := [c.name for c in self.columns if c.width is None]):
            raise ValueError(f"a fixed file needs a width for each column; missing at {', '.join(missing)}")
        if self.layout == "fixed" and self.header and (long := [c.name for c in self.columns if len(c.name) > (c.width or 0)]):
            raise ValueError(f"with a header in a fixed file a column's name must fit its width; too long: {', '.join(long)}")
        if not _DATE.fullmatch(self.date):
            raise ValueError("a date is made of YYYY, YY, MM and DD with - . / or a blank between, such as DD.MM.YYYY")
        self._check_columns()
        return self

    def _check_columns(self) -> None:
        names = [c.name for c in self.columns]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"a column's name stands twice: {', '.join(twice)}")
        fields = {c.field for c in self.columns}
        if "order" not in fields or not any(needed <= fields for needed in _AMOUNTS):
            raise ValueError(
                "needs a column for the order and for its amount: net, or gross and receipts, or net_absolute and debit_credit"
            )
        for column in self.columns:
            texts = (column.name, column.constant or "", column.fill, *(column.values or {}).values())
            if any(not encodable(text, self.encoding) for text in texts):
                raise ValueError(f"column {column.name} has a character that {self.encoding} cannot carry")
            if any("\r" in text or "\n" in text for text in texts):
                raise ValueError(f"column {column.name} has a line break in its name or its texts")
            if column.width is not None and any(len(text) > column.width for text in texts[1:]):
                raise ValueError(f"column {column.name} has a text longer than its width")

    @property
    def media_type(self) -> str:
        """What the file is, with its character set."""
        kind = "text/csv" if self.layout == "delimited" else "text/plain"
        charset = {"utf-8-sig": "utf-8", "cp1252": "windows-1252"}.get(self.encoding, self.encoding)
        return f"{kind}; charset={charset}"


def encodable(text: str, encoding: str) -> bool:
    """Whether an encoding carries a text."""
    try:
        codecs.encode(text, encoding)
    except UnicodeEncodeError:
        return False
    return True


def parse_profile(text: str, source: str) -> HkrProfile:
    """The profile of a YAML text. ``source`` names it in messages. Refuses what is not one (ProfileError)."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ProfileError(f"{source}{where}: not YAML") from error
    if not isinstance(document, dict):
        raise ProfileError(f"{source}: a profile is a mapping of options")
    try:
        return HkrProfile.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(str(p) for p in fault['loc']) or 'profile'}: {_message(fault['msg'])}" for fault in error.errors())
        raise ProfileError(f"{source}: {faults}") from error


def load_profiles(directory: Path | None = None) -> Mapping[str, HkrProfile]:
    """The shipped profiles and those of a directory (``*.yaml``), by name.

    Refuses when one of them is broken, a name stands twice, or the directory is none (ProfileError).
    """
    shipped = importlib.resources.files("but_gateway.formats").joinpath("hkr_profiles")
    texts = [(entry.name, entry.read_text("utf-8")) for entry in shipped.iterdir() if entry.name.endswith(".yaml")]
    if directory is not None:
        texts += _texts_in(directory)
    profiles: dict[str, HkrProfile] = {}
    for source, text in sorted(texts):
        profile = parse_profile(text, source)
        if profile.name in profiles:
            raise ProfileError(f"{source}: there is a profile {profile.name} already")
        profiles[profile.name] = profile
    return profiles


def _texts_in(directory: Path) -> Sequence[tuple[str, str]]:
    if not directory.is_dir():
        raise ProfileError(f"{directory}: no such directory")
    try:
        return [(str(path), path.read_text("utf-8")) for path in sorted(directory.glob("*.yaml"))]
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{directory}: a profile cannot be read ({type(error).__name__})") from error


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")

"""IBAN: shape and check digits (ISO 13616, MOD 97-10)."""

import re
from typing import Final

_SHAPE: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
# Lengths of the countries of the SEPA area (EPC409-09); an IBAN of another country cannot be paid by SEPA credit transfer.
LENGTHS: Final = {
    "AD": 24, "AL": 28, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18,
    "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "RS": 22, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "VA": 22,
}  # fmt: skip


def parse_iban(text: str) -> str:
    """The IBAN in electronic form: upper case, without blanks.

    Refuses when shape, country, length or check digits are wrong (ValueError).
    """
    iban = text.replace(" ", "").upper()
    if not _SHAPE.fullmatch(iban) or LENGTHS.get(iban[:2]) != len(iban):
        raise ValueError("not an IBAN of the SEPA area")
    digits = "".join(str(int(c, 36)) for c in iban[4:] + iban[:4])
    # 00, 01 and 99 would pass the division as twins of 97, 98 and 02; the standard gives out 02 to 98 only.
    if int(digits) % 97 != 1 or not "02" <= iban[2:4] <= "98":
        raise ValueError("the check digits of the IBAN are wrong")
    return iban


def mask_iban(iban: str) -> str:
    """What may be shown: country, check digits and the last four characters."""
    return f"{iban[:4]}…{iban[-4:]}"

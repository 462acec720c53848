"""The SEPA character set: German letters are spelled out, nothing foreign stays, lengths hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from but_gateway.formats.sepa import bank_name, is_bic, is_clean, is_id, transliterate


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Schulküche Hülser Bruch", "Schulkueche Huelser Bruch"),
        ("MENÜDIENST", "MENUEDIENST"),
        ("Ärzte & Söhne", "Aerzte + Soehne"),
        ("Straße", "Strasse"),
        ("STRAẞE", "STRASSE"),
        ("Café Łódź Çelik", "Cafe Lodz Celik"),
        ("A_B; „C“ – D", "A-B, 'C' - D"),
        ("  zwei   Blanks\t", "zwei Blanks"),
        ("M\u00fc und Mu\u0308", "Mue und Mue"),
        ("日本", ".."),
        ("50 %", "50 ."),
    ],
)
def test_texts_are_spelled_for_the_bank(text: str, clean: str) -> None:
    assert transliterate(text) == clean


@given(st.text())
def test_nothing_foreign_stays(text: str) -> None:
    clean = transliterate(text)
    assert is_clean(clean)
    assert transliterate(clean) == clean


@given(st.text(max_size=300))
def test_a_name_fits_and_says_when_it_was_shortened(name: str) -> None:
    found = bank_name(name)
    assert len(found.text) <= 70
    assert found.shortened == (len(transliterate(name)) > 70)


@pytest.mark.parametrize("text", ["BUT-2026-0007", "a", "A/B", "x" * 35])
def test_ids(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "/a", "a/", "a//b", "x" * 36, "ü", " a", "a\n"])
def test_no_ids(text: str) -> None:
    assert not is_id(text)


def test_bics_have_eight_or_eleven_characters() -> None:
    assert is_bic("BYLADEM1001")
    assert is_bic("COBADEFF")
    assert not is_bic("COBADEF")
    assert not is_bic("cobadeff")

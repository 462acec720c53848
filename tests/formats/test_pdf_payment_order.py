"""Anordnung.pdf: what a treasury needs to sign or file, and a fingerprint that anybody can compute again."""

import hashlib

import pytest

from but_gateway.formats.pdf_payment_order import PAYEES_LISTED_MAX, NamedHash, fingerprint, write_payment_order
from tests.formats.documents import order, payees, reader, text_of


def test_it_says_who_pays_what_when_and_why() -> None:
    text = text_of(write_payment_order(order()))
    assert "Auszahlungsbetrag 2,03 €" in text
    assert "in Worten: zwei Euro und drei Cent" in text
    for part in (
        "Sammelanordnung", "Abrechnungslauf 2026-0007", "An die Kasse Stadtkasse Krefeld", "DE02 1203 0000 0000 2020 51 · BIC BYLADEM1001",
        "Fällig am 15.12.2026", "Haushaltsjahr 2026", "Auszahlungen 47,03 €",
        "Absetzungen 45,00 €", "30.11.2026", "(§§ 28, 29 SGB II)",
        "2026 05.311.01 533110 – SGB II Mittagsverpflegung 47,03 € 45,00 € 2,03 €",
        "Sachlich richtig festgestellt A. Beispiel but-gateway|p-3f9c 02.12.2026, 10:30 Uhr",
        "Angeordnet https://login.example/realms/stadt|f81d4fae 02.12.2026, 10:30 Uhr",
        "1 Anbieter 1 0700001 DE02 1203 0000 0000 2020 51 1,01 € BuT krefeld 2026-0007 R-1 BUT-2026-0007-00001",
        "Summe (2 Zahlungen) 2,03 €",
    ):  # fmt: skip
        assert part in text


def test_one_payment_is_a_single_order() -> None:
    text = text_of(write_payment_order(order(payees(1))))
    assert "Einzelanordnung" in text
    assert "Summe (1 Zahlung) 1,01 €" in text


def test_it_carries_the_hash_of_every_other_file_and_their_fingerprint() -> None:
    text = text_of(write_payment_order(order()))
    assert "b" * 64 in text
    assert "a" * 64 in text
    assert fingerprint(order().files) in text


def test_the_fingerprint_is_what_sha256sum_prints_hashed_once_more() -> None:
    lines = f"{'a' * 64}  a.xml\n{'b' * 64}  b.csv\n"
    assert fingerprint([NamedHash("b.csv", "b" * 64), NamedHash("a.xml", "a" * 64)]) == hashlib.sha256(lines.encode()).hexdigest()


def test_payees_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up"):
        write_payment_order(order(gross=4_800))


def test_missing_accounts_and_numbers_are_shown_as_missing() -> None:
    listed = payees(1)
    text = text_of(write_payment_order(order([type(listed[0])(1, "A", "", "DE02120300000000202051", 101, "", "E-1")], debtor_bic=None)))
    assert "1 A – DE02 1203" in text
    assert "BIC" not in text


def test_all_payees_of_a_long_list_are_listed() -> None:
    text = text_of(write_payment_order(order(payees(200))))
    assert all(f"BUT-2026-0007-{n:05d}" in text for n in range(1, 201))


def test_a_list_nobody_could_read_is_named_by_its_files_instead() -> None:
    listed = payees(10_000)
    content = write_payment_order(order(listed))
    text = text_of(content)
    assert "BUT-2026-0007-00001" not in text
    assert "10000 Zahlungen" in text
    assert "Zahlungen.xlsx und pain001.xml" in text
    assert f"höchstens {PAYEES_LISTED_MAX} Empfänger" in text
    assert len(reader(content).pages) < 5


def test_very_long_names_of_files_wrap_between_their_parts() -> None:
    name = f"BuT-{'x' * 40}_2026-12_Lauf-2026-0007_Einzelposten.ndjson"
    assert name in text_of(write_payment_order(order(files=[NamedHash(name, "c" * 64)]))).replace("\u200b", "").replace(" ", "")

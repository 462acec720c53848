"""What docs/remittances.md and docs/payment-order.md show is what the gateway does."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from but_gateway.formats.pdf_payment_order import PAYEES_LISTED_MAX, NamedHash, fingerprint
from but_gateway.formats.pdf_remittance import ROWS_MAX
from but_gateway.formats.remittance import HEADER
from but_gateway.procedures.settlement.remittance_endpoints import FORMATS
from but_gateway.procedures.settlement.remittance_schemas import RemittanceOut
from but_gateway.rules.texts import code_list

DOCS = Path(__file__).resolve().parents[2] / "docs"
REMITTANCES = (DOCS / "remittances.md").read_text(encoding="utf-8")
PAYMENT_ORDER = (DOCS / "payment-order.md").read_text(encoding="utf-8")


def block(text: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1)


def example() -> Any:  # noqa: ANN401 - a JSON document
    return json.loads(block(REMITTANCES, "json"))


def cents(amount: str) -> int:
    return int(amount.replace(".", ""))


def test_the_example_has_just_the_fields_that_are_answered() -> None:
    document = example()
    assert set(document) == set(RemittanceOut.model_fields)
    position = next(f for name, f in RemittanceOut.model_fields.items() if name == "positions").annotation
    fields = {field.alias or name for name, field in position.__args__[0].model_fields.items()}  # type: ignore[union-attr] # list[...] has them
    assert all(set(one) == fields for one in document["positions"])


def test_the_example_adds_up() -> None:
    document = example()
    sums = {name: cents(amount) for name, amount in document["totals"].items()}
    positions = [(cents(p["claimed"]), cents(p["approved"])) for p in document["positions"]]
    assert sums["claimed"] == sum(claimed for claimed, _ in positions if claimed > 0)
    assert sums["approved"] == sum(approved for _, approved in positions if approved > 0)
    assert sums["net"] == sums["approved"] - sums["receipts"] == sum(approved for _, approved in positions)
    assert {p["code"] for p in document["positions"]} - {None} <= {entry.code for entry in code_list("de")}


def test_formats_columns_and_limits_are_those_of_the_code() -> None:
    assert block(REMITTANCES, "text").strip().split(";") == list(HEADER)
    assert all(f"`{media_type}`" in REMITTANCES for media_type in FORMATS)
    assert f"up to {ROWS_MAX} rows each" in REMITTANCES
    assert f"More than {PAYEES_LISTED_MAX:,} payees" in PAYMENT_ORDER


def test_the_recipe_of_the_fingerprint_gives_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [NamedHash(f"x_{name}", hashlib.sha256(name.encode()).hexdigest()) for name in ("pain001.xml", "Avise.zip", "HKR.csv")]
    listed = [{"name": f.name, "sha256": f.sha256} for f in files] + [{"name": "x_Anordnung.pdf", "sha256": "0" * 64}]
    (tmp_path / "manifest.json").write_text(json.dumps({"files": listed}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(block(PAYMENT_ORDER, "python"), found)  # noqa: S102 - the recipe itself, of our own document
    assert found["fingerprint"] == fingerprint(files)

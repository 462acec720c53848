"""Money is whole cents: where amounts are handled, there are no fractions at all."""

import ast

from tests.tidy.source import Source, dotted, imported, product

MONEY_ROOMS = ("kit/money.py", "law/", "rules/", "registers/", "procedures/", "formats/")
FRACTIONS = {"decimal", "fractions", "numbers"}


def money_rooms() -> list[Source]:
    return [source for source in product() if source.path.removeprefix("src/but_gateway/").startswith(MONEY_ROOMS)]


def joins_paths(node: ast.BinOp) -> bool:
    """``folder / "name"`` is no division."""
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def test_there_is_no_float_near_money() -> None:
    found = []
    for source in money_rooms():
        for node in ast.walk(source.tree):
            match node:
                case ast.Constant(value=float()):
                    found.append(f"{source.at(node)} {node.value!r}")
                case ast.Name(id="float" | "round"):
                    found.append(f"{source.at(node)} {node.id}")
                case ast.BinOp(op=ast.Div()) if not joins_paths(node):
                    found.append(f"{source.at(node)} /")
    assert found == []


def test_no_other_kind_of_number_stands_for_money() -> None:
    assert [f"{source.at(node)} {name}" for source in product() for node, name in imported(source) if name.split(".")[0] in FRACTIONS] == []


def test_amounts_are_printed_and_read_by_the_kit_only() -> None:
    """A format with two decimals is an amount printed by hand."""
    found = []
    for source in product():
        if source.path.endswith("kit/money.py"):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None and ".2f" in ast.unparse(node.format_spec):
                found.append(source.at(node))
            if isinstance(node, ast.Call) and dotted(node.func).endswith("Decimal"):
                found.append(source.at(node))
    assert found == []

"""Each kind of work has its place: SQL, commit, time and chance, output, foreign packages."""

import ast
import re
from pathlib import PurePath

from tests.tidy.source import Source, dotted, imported, product, texts

SQL = re.compile(
    r"^\s*(WITH\s+\w+\s+AS\s*\(|SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+TABLE\s|SET\s+LOCAL\s|LOCK\s+TABLE\s)"
)
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
CHANCE = {"uuid.uuid1", "uuid.uuid4", "uuid.uuid7"}


def room(source: Source) -> str:
    """The floor or room of a module, from the package's root."""
    return source.path.removeprefix("src/but_gateway/")


def may_speak_sql(source: Source) -> bool:
    """A room's store and tables, the database floor, the audit, and the idempotency record."""
    store = source.name in {"store", "tables"} or source.name.endswith("_store") or "store" in PurePath(room(source)).parts
    return store or room(source).startswith(("db/", "audit/", "web/idempotency"))


def strings(source: Source) -> list[ast.Constant]:
    """String constants that are not docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def test_only_stores_speak_to_the_database() -> None:
    found = [
        f"{source.at(node)} imports {name}"
        for source in product()
        if not may_speak_sql(source)
        for node, name in imported(source)
        if name.split(".")[0] in {"sqlalchemy", "asyncpg", "alembic"}
    ]
    assert found == []


def test_sql_is_written_in_stores_only() -> None:
    found = [source.at(node) for source in product() if not may_speak_sql(source) for node in strings(source) if SQL.match(str(node.value))]
    assert found == []


def test_only_the_unit_of_work_commits() -> None:
    found = {
        room(source): source.at(node)
        for source in product()
        if room(source) != "db/migrate.py"  # migrations run outside of any request, one transaction each
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"commit", "begin_nested"})
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.upper().startswith("COMMIT"))
    }
    assert set(found) == {"db/session.py"}, found


def test_time_and_chance_come_from_the_kit() -> None:
    found = []
    for source in product():
        if room(source).startswith("kit/") or room(source) == "app.py":
            continue
        found += [f"{source.at(node)} {name}" for node, name in imported(source) if name in CHANCE or name.split(".")[0] == "random"]
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                name = dotted(node.func)
                if any(name == clock or name.endswith(f".{clock}") for clock in CLOCKS | CHANCE):
                    found.append(f"{source.at(node)} {name}")
    assert found == []


def test_nothing_prints_but_the_command_line() -> None:
    found = [
        source.at(node)
        for source in product()
        if not room(source).startswith("cli/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and dotted(node.func) in {"print", "pprint", "pprint.pprint"}
    ]
    assert found == []


def test_the_package_of_the_embedded_server_is_named_in_one_module() -> None:
    package = "pixeltable" + "_pgserver"
    assert [source.path for source in product() if package in source.text] == ["src/but_gateway/db/embedded.py"]


def test_no_file_names_a_package_registry_or_the_makers_machine() -> None:
    # Put together here, so that this file does not name them either.
    hosts = [
        "pypi" + ".org",
        "python" + "hosted.org",
        "npm" + "js.org",
        "npm" + "js.com",
        "un" + "pkg.com",
        "js" + "delivr.net",
        "crates" + ".io",
    ]
    places = ["/wo" + "rk/main", "/wo" + "rk/shared", "/ro" + "ot/.pyenv"]
    assert [(path, word) for path, text in texts() for word in hosts + places if word in text] == []

"""``make mutants``: changes one comparison or condition of the rules at a time and asks the tests whether they notice.

The direct tests of tests/rules are collected once. Each mutant runs in a fork: there the functions of the changed module get the
code of the changed source, and the tests that reach the changed function run until one fails. What survives these is asked of all
tests. Property tests (other facts every time) and the digest of the rule set (notices every change, and so says nothing) are left
out: a mutant counts as caught only where a test knows what the rules must answer.

Ends with 1 where fewer than 95 of 100 mutants are caught, with 2 where the tests fail without a change.
"""

import argparse
import ast
import copy
import gc
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType

import pytest

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "src" / "but_gateway" / "rules"
TESTS = ROOT / "tests" / "rules"
# What these hold is texts, cases and names, and the digest itself: nothing that decides.
NOT_DECIDING = {"__init__", "digest", "examples", "texts", "version", "wording"}
NOT_ASKED = {"test_properties.py", "test_rule_set.py"}
TIMED = "test_ten_thousand_documents_a_second"
ENOUGH = 0.95
SURVIVED, CAUGHT, NOT_TRIED = 0, 1, 3  # how a fork ends
SECONDS = 30  # a mutant that does not come to an end is caught

ORDER: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
Key = tuple[str, str, int]  # file, qualified name and first line of a function


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where it stands, what the place said and says, and the changed module."""

    path: Path
    line: int
    before: str
    after: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.before}  →  {self.after}"


def variants(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901 - one branch for each kind of change
    """The changed forms of one node, the node itself untouched."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in ORDER[type(operator)]:
                changed = copy.deepcopy(node)
                changed.ops[place] = other()
                yield changed
        for place, side in enumerate([node.left, *node.comparators]):
            if isinstance(side, ast.Constant) and type(side.value) is int:
                for value in (side.value - 1, side.value + 1):
                    changed = copy.deepcopy(node)
                    ([changed.left, *changed.comparators][place]).value = value  # type: ignore[attr-defined] # a Constant, see above
                    yield changed
    elif isinstance(node, ast.BoolOp):
        changed_op = copy.deepcopy(node)
        changed_op.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield changed_op
        for place in range(len(node.values)):
            left = node.values[:place] + node.values[place + 1 :]
            yield left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)
    elif isinstance(node, ast.If | ast.IfExp) and isinstance(node.test, ast.Name | ast.Attribute | ast.Call):
        negated = copy.deepcopy(node)
        negated.test = ast.UnaryOp(ast.Not(), node.test)
        yield negated


def said(node: ast.AST) -> str:
    """The code of a node in one line; of a condition with its branches the condition only."""
    return ast.unparse(node.test if isinstance(node, ast.If | ast.IfExp) else node)


def places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Every place inside function bodies: parent, field and, in lists, the index. Annotations, defaults and decorators are none."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "args"} and isinstance(node, ast.FunctionDef | ast.AnnAssign):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield node, name, index
                yield from places(child)


def mutants_of(path: Path) -> Iterator[Mutant]:
    """All mutants of a module, one change each. What stands outside functions runs on import and is not changed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for one in tree.body:
        functions += [node for node in one.body if isinstance(node, ast.FunctionDef)] if isinstance(one, ast.ClassDef) else []
    for function in functions:
        for parent, name, index in list(places(function)):
            value = getattr(parent, name)
            node = value if index is None else value[index]
            for variant in variants(node):
                put(parent, name, index, variant)
                changed = copy.deepcopy(tree)
                put(parent, name, index, node)
                yield Mutant(path, node.lineno, said(node), said(variant), ast.fix_missing_locations(changed))


def unchanged(path: Path) -> Mutant:
    """No change at all: what the tests must not notice, so that it is changes they catch and not how changes are put in place."""
    return Mutant(path, 0, "", "", ast.parse(path.read_text(encoding="utf-8")))


def put(parent: ast.AST, name: str, index: int | None, node: ast.AST) -> None:
    """Sets a place to a node."""
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node


def codes(code: CodeType) -> Iterator[CodeType]:
    """The code of all functions of a module, those in functions too."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from codes(one)


def decides(module: str) -> bool:
    """Whether a module is one of those that are changed."""
    package, _, name = module.rpartition(".")
    return package == "but_gateway.rules" and name not in NOT_DECIDING


def key_of(code: CodeType) -> Key:
    """What stays the same when the body of a function changes."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


class Run:
    """The pytest plugin that runs the tests once as they are and then once a mutant."""

    def __init__(self, mutants: Sequence[Mutant]) -> None:
        self.mutants = mutants
        self.survivors: list[Mutant] = []
        self.failed = True  # until all tests have passed without a change
        self.reaching: dict[Key, list[int]] = defaultdict(list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Nothing remembered from another test hides a change."""
        for cache in self.caches:
            cache.cache_clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own loop."""
        named = [value for name, module in list(sys.modules.items()) if decides(name) for value in vars(module).values()]
        self.caches = [one for one in named if hasattr(one, "cache_clear") and decides(one.__module__)]
        self.functions: dict[Key, list[FunctionType]] = defaultdict(list)
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(str(RULES)):
                self.functions[key_of(one.__code__)].append(one)
        started = time.monotonic()
        self.failed = not self.baseline(session)
        print(f"{len(session.items)} tests, {len(self.mutants)} mutants; the tests took {time.monotonic() - started:.0f} s", flush=True)
        for path in {mutant.path for mutant in self.mutants}:
            self.failed = self.failed or self.caught(session, unchanged(path))
        if not self.failed:
            started = time.monotonic()
            for number, mutant in enumerate(self.mutants):
                if not self.caught(session, mutant):
                    self.survivors.append(mutant)
                    print(f"survived: {mutant}", flush=True)
                if not (number + 1) % 100:
                    print(f"  {number + 1} of {len(self.mutants)} after {time.monotonic() - started:.0f} s", flush=True)
        return True

    def baseline(self, session: pytest.Session) -> bool:
        """Runs every test as things are, notes which functions of the rules it reaches, and says whether all passed."""
        for number, item in enumerate(session.items):
            reached: set[Key] = set()

            def note(frame: FrameType, event: str, _: object, reached: set[Key] = reached) -> None:
                if event == "call" and frame.f_code.co_filename.startswith(str(RULES)):
                    reached.add(key_of(frame.f_code))

            sys.setprofile(note)
            self.run(session, [item])
            sys.setprofile(None)
            for key in reached:
                self.reaching[key].append(number)
        return not session.testsfailed

    def run(self, session: pytest.Session, items: Sequence[pytest.Item]) -> bool:
        """Runs these tests until one fails; whether none did."""
        for place, item in enumerate(items):
            following = items[place + 1] if place + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return False
        return True

    def caught(self, session: pytest.Session, mutant: Mutant) -> bool:
        """Whether a test fails in a fork where the mutant's code is put in place of the real one."""
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) not in {SURVIVED, CAUGHT}:
                raise RuntimeError(f"not put in place: {mutant}")
            return status != SURVIVED
        answer = NOT_TRIED
        try:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            signal.alarm(SECONDS)
            answer = CAUGHT  # also where the changed module cannot even be loaded
            touched = self.exchange(mutant)
            first = sorted({number for key in touched for number in self.reaching[key]})
            rest = sorted(set(range(len(session.items))) - set(first))
            if not touched and mutant.after:
                answer = NOT_TRIED
            elif self.run(session, [session.items[number] for number in [*first, *rest]]):
                answer = SURVIVED
        finally:
            os._exit(answer)

    def exchange(self, mutant: Mutant) -> list[Key]:
        """Gives the functions of the module the mutant's code; answers those whose code became another."""
        touched = []
        module = compile(mutant.tree, str(mutant.path), "exec")
        for code in codes(module):
            for function in self.functions.get(key_of(code), ()):
                if function.__code__ != code:
                    touched.append(key_of(code))
                    function.__code__ = code
        if not any(isinstance(one, ast.ClassDef) for one in mutant.tree.body):
            # What the module works out on import is worked out by the changed code; a second copy of a class would be another class.
            exec(module, sys.modules[f"but_gateway.rules.{mutant.path.stem}"].__dict__)  # noqa: S102 - our own module
        return touched


def main() -> int:
    """Runs and prints: a line for every survivor, caught and all for every module."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("modules", nargs="*", help="names of modules of the rules; all that decide where none is named")
    named: list[str] = options.parse_args().modules
    paths = [RULES / f"{name}.py" for name in named] or [path for path in sorted(RULES.glob("*.py")) if path.stem not in NOT_DECIDING]
    mutants = [mutant for path in paths for mutant in mutants_of(path)]
    run = Run(mutants)
    tests = [str(path) for path in sorted(TESTS.glob("test_*.py")) if path.name not in NOT_ASKED]
    os.chdir(ROOT)
    pytest.main(
        ["-s", "-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:terminal", "-k", f"not {TIMED}", *tests],
        plugins=[run],
    )
    if run.failed:
        print("The tests fail without a change.")
        return 2
    for path in paths:
        made = sum(mutant.path == path for mutant in mutants)
        survived = sum(mutant.path == path for mutant in run.survivors)
        print(f"{path.stem:<16}{made - survived:>5} of {made:>4} caught")
    share = 1 - len(run.survivors) / max(len(mutants), 1)
    print(f"{'all':<16}{len(mutants) - len(run.survivors):>5} of {len(mutants):>4} caught: {share:.1%}")
    return 0 if share >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())

"""The layers of the package: a module imports its own row and the rows above it."""

import ast
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ddsnap"

ROWS = ["errors", "core", "catalog", "config", "api", "store", "flows"]
MAY_IMPORT = {row: set(ROWS[: index + 1]) for index, row in enumerate(ROWS)} | {
    "sandbox": {"errors", "sandbox"},
    "cli": {*ROWS, "sandbox", "cli"},
    "__main__": {"cli"},
    "__init__": set(),
}

HOMES = {
    "cheroot": {"sandbox"},
    "click": {"cli"},
    "dulwich": {"store"},
    "iregexp_check": {"core"},
    "jsonpatch": {"core"},
    "jsonpath_rfc9535": {"core"},
    "orjson": {"core"},
    "requests": {"api"},
    "dateutil": {"core"},
    "rich": {"cli"},
    "ruamel": {"config"},
    "urllib3": {"api"},
}
"""Where each third-party package may be imported."""

TYPING_ONLY = {"typing_extensions"}

CORE_STAYS_PURE = {
    "asyncio", "http", "logging", "os", "pathlib", "random", "shutil", "socket", "sqlite3",
    "subprocess", "tempfile", "threading", "time", "urllib.request",
}  # fmt: skip


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ["ddsnap", *path.relative_to(PACKAGE).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> list[tuple[str, int, bool]]:
    """Every module that a file imports, at any depth: name, line, and whether for types alone."""
    tree = ast.parse(path.read_bytes())
    typed = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for child in node.body
        for inner in ast.walk(child)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            base = node.module or ""
            # ``from ddsnap import core`` names a row only in the alias
            names = [f"ddsnap.{a.name}" for a in node.names] if base == "ddsnap" else [base]
        else:
            continue
        found += [(name, node.lineno, id(node) in typed) for name in names]
    return found


def row_of(module: str) -> str:
    return module.split(".")[1]


def mistakes(module: str, path: Path) -> list[str]:
    row, wrong = row_of(module), []
    for name, line, typing_only in imports(path):
        top, *rest = name.split(".")
        if top == "ddsnap":
            target = rest[0]
            if target not in MAY_IMPORT[row] and not target.startswith("__version__"):
                wrong.append(f"{path}:{line}: {row} imports {target}")
        elif top in HOMES:
            if row not in HOMES[top]:
                wrong.append(f"{path}:{line}: {top} belongs to {', '.join(HOMES[top])}")
        elif top not in sys.stdlib_module_names and not (typing_only and top in TYPING_ONLY):
            wrong.append(f"{path}:{line}: nobody declared {top}")
        if row == "core" and {name, top} & CORE_STAYS_PURE and not typing_only:
            wrong.append(f"{path}:{line}: core is pure, but imports {top}")
    return wrong


def test_every_module_has_a_row():
    assert {row_of(module) for module in MODULES} == MAY_IMPORT.keys()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_its_own_row_and_the_rows_above(module):
    assert mistakes(module, MODULES[module]) == []


@pytest.mark.parametrize(
    ("module", "source", "mistake"),
    [
        ("ddsnap.core.x", "from ddsnap.store import pack", "core imports store"),
        ("ddsnap.core.x", "def f():\n    from ddsnap import cli", "core imports cli"),
        ("ddsnap.core.x", "import time", "core is pure, but imports time"),
        ("ddsnap.sandbox.x", "from ddsnap.core.values import JSON", "sandbox imports core"),
        ("ddsnap.api.x", "import dulwich.repo", "dulwich belongs to store"),
        ("ddsnap.flows.x", "import ddsnap.sandbox", "flows imports sandbox"),
        ("ddsnap.cli.x", "import numpy", "nobody declared numpy"),
    ],
)
def test_the_check_sees_each_kind_of_mistake(tmp_path, module, source, mistake):
    (tmp_path / "x.py").write_text(source)
    assert [line.split(": ", 1)[1] for line in mistakes(module, tmp_path / "x.py")] == [mistake]


EACH_ALONE = """
import importlib, json, sys
for order in json.load(sys.stdin):
    for name in [name for name in sys.modules if name.split(".")[0] == "ddsnap"]:
        del sys.modules[name]
    for name in order:
        try:
            importlib.import_module(name)
        except ImportError as error:
            sys.exit(f"{name} cannot be imported first: {error}")
"""


def test_every_module_can_be_imported_first():
    """One fresh interpreter, ddsnap's modules forgotten between imports: no hidden cycles."""
    names = [name for name in MODULES if not name.endswith("__main__")]
    random.Random(7).shuffle(names)
    orders = [[name] for name in names]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EACH_ALONE],
        input=json.dumps(orders), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sinchtools
from sinchtools import records, tables

PACKAGE = Path(sinchtools.__file__).parent
LAYERS = (  # a module imports only what stands before it
    "errors", "records", "redact",
    "settings", "catalogue", "api", "tables",
    "calllog", "sandbox", "client", "traffic", "importers", "exporters",
    "diagnosis", "fixes", "playbook", "replay", "analysis",
    "case", "charts", "report", "panels", "doctor", "cli", "__init__",
)  # fmt: skip
HEAVY = {"pandas", "numpy", "narwhals", "matplotlib", "ipywidgets", "duckdb", "tornado", "scipy", "phonenumbers", "itables"}
MAY_LOAD_HEAVY = {"sandbox", "panels"}  # these are themselves imported on use only
NAMES_THAT_STAY = {
    "CallLog", "Sandbox", "charts", "connect", "diagnose", "explain", "plan", "read", "record", "replay", "report", "scan",
}  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


@each_module
def test_a_module_has_a_layer(path):
    assert layer(path) in LAYERS


@each_module
def test_a_module_imports_only_what_stands_above_it(path):
    above = {*LAYERS[: LAYERS.index(layer(path))], layer(path)}
    assert set(own_imports(path)) <= above


@each_module
def test_heavy_libraries_load_on_use(path):
    if layer(path) not in MAY_LOAD_HEAVY:
        assert HEAVY.isdisjoint(loaded_at_import(ast.parse(path.read_text(encoding="utf-8"))))


def test_importing_sinchtools_loads_no_heavy_library():
    code = "import sys, sinchtools; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert HEAVY.isdisjoint(done.stdout.split())


def test_an_exchange_has_the_columns_of_every_frame():
    assert [name for name in tables.COLUMNS if name != "outcome"] == list(records.EXCHANGE_FIELDS)
    assert isinstance(records.Exchange.outcome, property)


def test_the_front_door_opens_on_every_name():
    assert set(sinchtools.__all__) >= NAMES_THAT_STAY
    assert [name for name in sinchtools.__all__ if not hasattr(sinchtools, name)] == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param("import pandas.api", {"pandas"}, id="at-the-top"),
        pytest.param("try:\n    from numpy import nan\nexcept ImportError: ...", {"numpy"}, id="in-a-try"),
        pytest.param("if TYPE_CHECKING:\n    import pandas", set(), id="for-types-only"),
        pytest.param("def f():\n    import pandas", set(), id="inside-a-function"),
    ],
)
def test_loaded_at_import_means_what_runs_at_import(code, found):
    assert set(loaded_at_import(ast.parse(code))) == found


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def own_imports(path: Path) -> Iterator[str]:
    """Layers that a module names in any import, also inside functions and for types."""
    package = ("sinchtools", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) + 1 - node.level], *filter(None, [node.module])]) if node.level else node.module or ""
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            head, *rest = name.split(".")
            if head == "sinchtools":
                yield rest[0] if rest and rest[0] in LAYERS else "__init__"


def loaded_at_import(node: ast.AST) -> Iterator[str]:
    """Libraries that are imported when the module is, functions and `if TYPE_CHECKING` left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield (child.module or "").partition(".")[0]
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not _for_types(child):
            yield from loaded_at_import(child)


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")

import ast
import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sinchtools
from sinchtools import records, tables

PACKAGE = Path(sinchtools.__file__).parent
LAYERS = (  # a module imports only what stands before it
    "records", "errors", "files", "seen", "redact", "folding", "numbers", "quotes",
    "settings", "catalogue", "api", "aliases", "leaks", "checks", "jsonlint", "wording", "envelope", "linter", "otherapis",
    "assumptions", "joining", "attempts", "exceptions", "tables",
    "calllog", "sandbox", "loopback", "client", "traffic", "importers", "exporters",
    "fixes", "diagnosis", "stepchecks", "livechecks", "playbook", "verdicts", "hazards", "claims", "checkfirst",
    "runner", "lanes", "items", "replay", "proof", "engines", "counting", "bodies", "patterns", "analysis",
    "caselines", "case", "charts", "report", "panels", "notebook", "savehook", "kernels", "doctor", "cellnames", "freshness", "cli",
    "__init__", "__main__",
)  # fmt: skip
HEAVY = {"pandas", "numpy", "narwhals", "matplotlib", "ipywidgets", "duckdb", "tornado", "scipy", "phonenumbers", "itables"}
# these may import heavy libraries at the top, so no other module imports them there
LOADED_ON_USE = {"kernels", "sandbox", "engines", "counting", "patterns", "analysis", "charts", "panels"}
NAMES_THAT_STAY = {
    "CallLog", "Case", "Sandbox", "charts", "connect", "diagnose", "explain", "plan", "read", "record", "replay", "report",
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
    if layer(path) not in LOADED_ON_USE:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert (HEAVY | LOADED_ON_USE).isdisjoint(loaded_at_import(tree, package_of(path)))


def test_importing_sinchtools_loads_no_heavy_library():
    code = "import sys, sinchtools; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert HEAVY.isdisjoint(done.stdout.split())


def test_the_first_panel_waits_for_no_frame_and_no_chart():
    code = "import sys, sinchtools; sinchtools.panels.EvidencePanel; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert (HEAVY - {"ipywidgets"}).isdisjoint(done.stdout.split())


def test_an_exchange_has_the_columns_of_every_frame():
    assert [name for name in tables.COLUMNS if name != "outcome"] == list(records.EXCHANGE_FIELDS)
    assert isinstance(records.Exchange.outcome, property)


def test_the_front_door_opens_on_every_name():
    assert set(sinchtools.__all__) >= NAMES_THAT_STAY
    assert [name for name in sinchtools.__all__ if not hasattr(sinchtools, name)] == []


@pytest.mark.parametrize("name", ["replay", "report"])
def test_a_function_is_not_hidden_by_the_module_of_its_name(name):
    importlib.import_module(f"sinchtools.{name}")
    assert callable(getattr(sinchtools, name))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param("import pandas.api", {"pandas"}, id="at-the-top"),
        pytest.param("try:\n    from numpy import nan\nexcept ImportError: ...", {"numpy"}, id="in-a-try"),
        pytest.param("from sinchtools.charts import save", {"charts"}, id="own-module"),
        pytest.param("from . import charts", {"charts"}, id="own-module-relative"),
        pytest.param("from sinchtools import connect", {"__init__"}, id="front-door"),
        pytest.param("if TYPE_CHECKING:\n    import pandas", set(), id="for-types-only"),
        pytest.param("def f():\n    import pandas", set(), id="inside-a-function"),
    ],
)
def test_loaded_at_import_means_what_runs_at_import(code, found):
    assert set(loaded_at_import(ast.parse(code), "sinchtools")) == found


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def package_of(path: Path) -> str:
    return ".".join(("sinchtools", *path.relative_to(PACKAGE).parent.parts))


def own_imports(path: Path) -> Iterator[str]:
    """Layers that a module names in any import, also inside functions and for types."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        yield from (name for name in imported(node, package_of(path)) if name in LAYERS)


def loaded_at_import(node: ast.AST, package: str) -> Iterator[str]:
    """Libraries and layers that are imported when the module is: functions and `if TYPE_CHECKING` left out."""
    for child in ast.iter_child_nodes(node):
        yield from imported(child, package)
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not _for_types(child):
            yield from loaded_at_import(child, package)


def imported(node: ast.AST, package: str) -> Iterator[str]:
    """What an import statement names: the library, or for the package's own modules the layer."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        names = [f"{base}.{alias.name}" for alias in node.names]
    else:
        return
    for library, *rest in (name.split(".") for name in names):
        if library != "sinchtools":
            yield library
        elif rest != ["__version__"]:  # a number, not the front door
            yield rest[0] if rest and rest[0] in LAYERS else "__init__"


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")

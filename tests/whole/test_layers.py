"""What import-linter cannot say: what loads when, and what the front doors show."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sinchtools
from sinchtools.core import columns, records

PACKAGE = Path(sinchtools.__file__).parent
HEAVY = {
    "pandas",
    "numpy",
    "narwhals",
    "matplotlib",
    "ipywidgets",
    "duckdb",
    "tornado",
    "scipy",
    "phonenumbers",
}
# these may import heavy libraries at the top: each is loaded when it is first used
LOADED_ON_USE = ("sandbox", "analysis", "charts", "notebook.panels", "notebook.workbench")
CONTRACT = {
    "CallLog",
    "Case",
    "Exchange",
    "Finding",
    "Sandbox",
    "SinchToolsError",
    "Step",
    "analysis",
    "charts",
    "connect",
    "diagnose",
    "doctor",
    "explain",
    "export",
    "panels",
    "plan",
    "prove",
    "read",
    "record",
    "replay",
    "reply",
    "report",
    "scan",
    "compare",
    "smallest_change",
    "tips",
    "workbench",
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_heavy_libraries_load_on_use() -> None:
    own = tuple(f"sinchtools.{name}" for name in LOADED_ON_USE)
    heavy = {
        (module, name)
        for path in MODULES
        if not (module := ".".join(path.relative_to(PACKAGE).with_suffix("").parts)).startswith(
            LOADED_ON_USE
        )
        for name in loaded_at_import(ast.parse(path.read_text(encoding="utf-8")))
        if name in HEAVY or name.startswith(own)
    }
    assert heavy == set()


@pytest.mark.parametrize(
    ("code", "light"),
    [
        pytest.param("import sinchtools", HEAVY | {"requests", "sqlite3"}, id="the-package"),
        pytest.param(
            "import sinchtools as st; st.read; st.diagnose; st.tips", HEAVY, id="a-diagnosis"
        ),
        pytest.param(
            "import sinchtools as st; st.panels.EvidencePanel",
            HEAVY - {"ipywidgets"},
            id="the-first-panel",
        ),
    ],
)
def test_a_heavy_library_is_loaded_when_it_is_needed(code: str, light: Any) -> None:
    code = f"import sys; {code}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    assert light.isdisjoint(done.stdout.split())


def test_an_exchange_has_the_columns_of_every_frame() -> None:
    assert [name for name in columns.COLUMNS if name != "outcome"] == list(records.EXCHANGE_FIELDS)
    assert isinstance(records.Exchange.outcome, property)


def test_completion_shows_the_names_of_the_contract_and_nothing_else() -> None:
    assert set(dir(sinchtools)) == set(sinchtools.__all__) == CONTRACT


def test_the_front_door_opens_on_every_name() -> None:
    assert [name for name in sinchtools.__all__ if not hasattr(sinchtools, name)] == []


@pytest.mark.parametrize("name", ["analysis", "charts", "panels"])
def test_a_package_shows_what_it_offers_and_nothing_else(name: str) -> None:
    package = getattr(sinchtools, name)
    assert sorted(dir(package)) == sorted(package.__all__)
    assert [each for each in package.__all__ if not hasattr(package, each)] == []


def public() -> Iterator[tuple[str, Any]]:
    """Yield the functions and classes that completion shows, by name."""
    for door, package in (("", sinchtools), *((f"{n}.", getattr(sinchtools, n)) for n in DOORS)):
        for name in package.__all__:
            found = getattr(package, name)
            if inspect.isfunction(found) or inspect.isclass(found):
                yield f"{door}{name}", found


DOORS = ("analysis", "charts", "panels")


@pytest.mark.parametrize(("name", "found"), [pytest.param(*one, id=one[0]) for one in public()])
def test_what_completion_shows_says_what_it_takes_gives_and_how_it_is_used(
    name: Any, found: Any
) -> None:
    sections = set(re.findall(r"(?m)^(\w+)\n-+$", inspect.getdoc(found) or ""))
    if inspect.isclass(found):
        assert sections & {"Attributes", "Parameters"} and inspect.getdoc(found), name
        return
    parameters = inspect.signature(found).parameters
    assert sections >= {"Examples"} | ({"Parameters"} if parameters else set()), name
    assert sections & {"Returns", "Yields"}, name
    told = re.search(r"(?ms)^Parameters\n-+\n(.*?)(?:^\w+\n-+$|\Z)", inspect.getdoc(found) or "")
    listed = {
        word.strip(" *")
        for line in (told[1] if told else "").splitlines()
        if line and line[0] != " "
        for word in line.split(",")
    }
    assert listed == set(parameters), name


def test_a_function_is_not_hidden_by_a_module() -> None:
    for module in MODULES:
        parts = module.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] not in ("__init__", "__main__"):
            importlib.import_module(".".join(parts))
    kinds = {name: callable(getattr(sinchtools, name)) for name in CONTRACT}
    assert [name for name, is_callable in kinds.items() if not is_callable] == [
        name for name in kinds if name in {"analysis", "charts", "panels"}
    ]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param("import pandas.api", {"pandas"}, id="at-the-top"),
        pytest.param(
            "try:\n    from numpy import nan\nexcept ImportError: ...", {"numpy"}, id="in-a-try"
        ),
        pytest.param(
            "from sinchtools.charts import save", {"sinchtools.charts.save"}, id="own-package"
        ),
        pytest.param("from sinchtools import charts", {"sinchtools.charts"}, id="front-door"),
        pytest.param("if TYPE_CHECKING:\n    import pandas", set(), id="for-types-only"),
        pytest.param("def f():\n    import pandas", set(), id="inside-a-function"),
    ],
)
def test_loaded_at_import_means_what_runs_at_import(code: str, found: Any) -> None:
    assert set(loaded_at_import(ast.parse(code))) == found


def loaded_at_import(node: ast.AST) -> Iterator[str]:
    """Yield the libraries and own packages that are imported when the module is."""
    for child in ast.iter_child_nodes(node):
        yield from _imported(child)
        if not isinstance(child, ast.FunctionDef | ast.Lambda) and not _for_types(child):
            yield from loaded_at_import(child)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for name in names:
        library = name.partition(".")[0]
        yield library if library != "sinchtools" else name


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")

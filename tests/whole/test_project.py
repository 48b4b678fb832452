import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FIXED = {"jupyterlab", "ipywidgets", "pandas", "requests", "matplotlib"}
LOCKS = {
    "requirements.lock": [],
    "requirements-dev.lock": PYPROJECT["project"]["optional-dependencies"]["dev"],
}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

each_lock = pytest.mark.parametrize("lock", LOCKS)
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_lock
def test_a_lock_names_no_address_and_no_host(lock: Any) -> None:
    lines = [
        line for line in text(lock).splitlines() if not line.lstrip().startswith("--hash=sha256:")
    ]
    assert [
        line
        for line in lines
        if not re.fullmatch(r"[a-z0-9.-]+==[\w.+!]+( ; [\w '\"=!<>.()*]+)? \\", line)
    ] == []


@each_lock
def test_a_lock_pins_every_direct_dependency_within_its_bounds(lock: Any) -> None:
    pins = dict(re.findall(r"^([a-z0-9.-]+)==([\d.]+)", text(lock), re.MULTILINE))
    for name, bound in bounds(PYPROJECT["project"]["dependencies"] + LOCKS[lock]).items():
        assert version(pins[name]) >= version(bound), name


def test_both_locks_pin_the_same_versions() -> None:
    pins = [set(re.findall(r"^[a-z0-9.-]+==\S+", text(lock), re.MULTILINE)) for lock in LOCKS]
    assert pins[0] <= pins[1]


def test_conda_gets_python_and_the_fixed_packages_with_the_bounds_of_pyproject() -> None:
    listed = re.findall(r"^  - ([a-z]+>=[\d.]+)$", text("environment.yml"), re.MULTILINE)
    wanted = {
        name: bound
        for name, bound in bounds(PYPROJECT["project"]["dependencies"]).items()
        if name in FIXED
    }
    assert bounds(listed) == wanted | {
        "python": PYPROJECT["project"]["requires-python"].removeprefix(">=")
    }


def test_the_readme_and_contributors_name_the_pythons_of_the_classifiers() -> None:
    named = [
        line.rpartition(" ")[2] for line in PYPROJECT["project"]["classifiers"] if ":: 3." in line
    ]
    assert named[0] == PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert sorted({*re.findall(r"\b3\.\d\d\b", text("CONTRIBUTING.md"))}) == named
    assert sorted({*re.findall(r"\b3\.\d\d\b", text("README.md"))}) == named


def test_every_core_dependency_says_what_it_is_for() -> None:
    core = re.search(
        r"^dependencies = \[\n(.*?)^\]", text("pyproject.toml"), re.MULTILINE | re.DOTALL
    )
    assert core is not None
    assert [line for line in core[1].splitlines() if "  # " not in line] == []


def test_bare_make_lists_every_target() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    done = subprocess.run(
        [make, "--no-print-directory"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert targets is not None
    assert re.findall(r"^make (\S+) +\S", done.stdout, re.MULTILINE) == targets[1].split()


@each_notebook
def test_a_notebook_is_stripped(path: Any) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []
    assert "widgets" not in notebook["metadata"]


@each_notebook
def test_a_notebook_opens_without_asking_for_a_kernel(path: Any) -> None:
    assert (
        json.loads(path.read_text(encoding="utf-8"))["metadata"]["kernelspec"]["name"] == "python3"
    )


@each_notebook
def test_a_notebook_has_one_cell_with_what_a_reader_may_change(path: Any) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = sum("parameters" in cell["metadata"].get("tags", []) for cell in cells)
    assert tagged == (0 if path.stem == "00-start-here" else 1)  # the workbench asks for the case


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def bounds(requirements: list[str]) -> dict[str, str]:
    return dict(requirement.split(">=") for requirement in requirements)


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())

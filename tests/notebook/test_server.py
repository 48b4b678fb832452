"""Any Jupyter of the environment: its kernel keeps no history, its server cleans our notebooks."""

import json
import os
import runpy
import sys
import tempfile
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from jupyter_server.services.contents.filemanager import FileContentsManager

import sinchtools as st
from sinchtools.notebook import installed, server
from sinchtools.notebook.savehook import clean
from sinchtools.notebook.shell import SWITCHED_ON
from sinchtools.privacy.alias_forms import ALIASED

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "data" / "jupyter" / "kernels"
NUMBER, TOKEN = "15551230001", "c4n4ryS3cr3t5c1e9a7b"
PRINTED = {"output_type": "stream", "name": "stdout", "text": f"+{NUMBER}\n"}
MARKED = {"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": ALIASED}
SENT = f"""curl -H "Authorization: Bearer {TOKEN}" -H "Content-Type: application/json" \\
  -d '{{"from": "Example", "to": ["+{NUMBER}"], "body": "Hi"}}' \\
  https://us.sms.api.sinch.com/xms/v1/0123456789abcdef0123456789abcdef/batches"""
PASTE = f"h = {{'Authorization': 'Bearer {TOKEN}'}}"


def notebook(
    *sources: Any, kernel: Any = "python3", outputs: Any = (PRINTED,), kind: Any = "code"
) -> dict[str, Any]:
    cells = [
        {
            "cell_type": kind,
            "id": str(place),
            "metadata": {},
            "source": source,
            **(
                {"outputs": deepcopy(list(outputs)), "execution_count": None}
                if kind == "code"
                else {}
            ),
        }
        for place, source in enumerate(sources)
    ]
    kernelspec = {"name": kernel, "display_name": kernel}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernelspec},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


# --- what is cleaned ------------------------------------------------------------------------------

OURS = {
    "imports it": notebook("import sinchtools as st", PASTE),
    "imports a part": notebook("from sinchtools import read", PASTE),
    "imports it as lines": notebook(["import os\n", "import sinchtools"], PASTE),
    "has our kernel": notebook(PASTE, kernel="sinchtools"),
    "has our kernel in a conda environment": notebook(PASTE, kernel="conda-env-x-sinchtools"),
    "shows a panel": notebook(PASTE, outputs=[MARKED, PRINTED]),
}
OTHERS = {
    "another import": notebook("import pandas", PASTE),
    "a longer name": notebook("import mysinchtools2", PASTE),
    "only told of": notebook("sinchtools", PASTE, kind="markdown"),
    "no cell": notebook(),
    "no metadata": {"cells": []},
    "nothing": {},
}


@pytest.mark.parametrize("content", OURS.values(), ids=OURS)
def test_a_notebook_that_uses_sinchtools_is_cleaned(content: Any) -> None:
    model = {"type": "notebook", "content": deepcopy(content)}
    server.clean_ours(model)
    assert TOKEN not in json.dumps(model) and NUMBER not in json.dumps(model)


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_another_notebook_is_saved_as_it_is(content: Any) -> None:
    model = {"type": "notebook", "content": deepcopy(content)}
    server.clean_ours(model)
    assert model["content"] == content


@pytest.mark.parametrize("odd", ["x", None, {"cell_type": "code", "source": 1}])
def test_an_odd_notebook_loses_no_cell_and_no_secret(odd: Any) -> None:
    cells = [odd, *notebook("import sinchtools", PASTE)["cells"]]
    model = {"type": "notebook", "content": {"cells": cells}}
    server.clean_ours(model)
    assert len(cells) == 3 and TOKEN not in json.dumps(model)


# --- the server -----------------------------------------------------------------------------------


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop(SWITCHED_ON, None)
    return os.environ


def test_a_server_that_loads_the_extension_cleans_and_its_kernels_know(
    tmp_path: Path, environ: Any
) -> None:
    environ["JUPYTER_DATA_DIR"] = str(tmp_path / "data")  # it signs what it saves
    contents = FileContentsManager(root_dir=str(tmp_path))
    server._load_jupyter_server_extension(SimpleNamespace(contents_manager=contents))
    for name, content in (("ours", OURS["imports it"]), ("other", OTHERS["another import"])):
        contents.save({"type": "notebook", "content": deepcopy(content)}, f"{name}.ipynb")
    contents.notary.store.close()
    assert TOKEN not in (tmp_path / "ours.ipynb").read_text()
    assert TOKEN in (tmp_path / "other.ipynb").read_text()
    assert environ[SWITCHED_ON] == "1"


def test_a_lab_that_cleans_every_notebook_cleans_it_once(environ: Any) -> None:
    contents = SimpleNamespace(pre_save_hook=clean)  # to register another one would fail
    server._load_jupyter_server_extension(SimpleNamespace(contents_manager=contents))
    assert environ[SWITCHED_ON] == "1"


def test_a_server_that_cannot_be_hooked_does_not_say_that_it_cleans(environ: Any) -> None:
    with pytest.raises(AttributeError):
        server._load_jupyter_server_extension(
            SimpleNamespace(contents_manager=SimpleNamespace(pre_save_hook=None))
        )
    assert SWITCHED_ON not in environ


def test_the_shipped_configuration_names_an_extension_that_can_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "jupyter_server_config.d"
    folder.mkdir()
    shipped = (ROOT / "data/jupyter/server.json").read_text()
    (folder / "sinchtools.json").write_text(shipped)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    assert installed.cleans_what_it_saves()
    assert server._jupyter_server_extension_points() == [{"module": installed.SERVER}]
    (folder / "sinchtools.json").write_text(shipped.replace("true", "false"))
    assert not installed.cleans_what_it_saves()


# --- the kernel -----------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: Any) -> Path:
    """A home of kernels that are started here, where Jupyter finds our kernelspec."""
    for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        environ[name] = str(tmp_path / name)
    environ["HOME"], environ["PYTHONPATH"] = str(tmp_path), str(Path(st.__file__).parents[1])
    environ["JUPYTER_PATH"] = str(KERNELS.parent)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Kernel:
    """A kernel that was started from a kernelspec, with nothing of `sinchtools lab`."""

    def __init__(self, name: Any) -> None:
        # no ports: one that is free now may be taken when the kernel binds it
        self._folder = tempfile.TemporaryDirectory()
        self._manager = KernelManager(
            kernel_name=name, transport="ipc", ip=f"{self._folder.name}/kernel"
        )

    def __enter__(self) -> Any:
        self._manager.start_kernel()
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        return self

    def __exit__(self, *_: Any) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._folder.cleanup()

    def run(self, code: Any) -> Any:
        """Return the content of each message that a cell sends."""
        said = []
        self._client.execute_interactive(
            code, timeout=60, output_hook=lambda message: said.append(message["content"])
        )
        return said


def text_of(messages: Any) -> str:
    return "".join(message.get("text", "") for message in messages)


def test_our_kernel_has_imported_sinchtools_and_keeps_no_history(home: Path, environ: Any) -> None:
    environ[SWITCHED_ON] = "1"  # a server that cleans, as the wheel brings it
    with Kernel("sinchtools") as kernel:
        seen = text_of(kernel.run("print(st.__name__, st.doctor())"))
        kernel.run(f"x = '{TOKEN}'")
    assert seen.startswith("sinchtools ")
    assert "is saved" not in seen and "IPython saves" not in seen and "Warning" not in seen
    assert not [*home.rglob("history.sqlite")]


def test_our_kernel_where_nothing_is_cleaned_warns_once_of_saving_alone(home: Path) -> None:
    with Kernel("sinchtools") as kernel:
        said = [text_of(kernel.run(code)) for code in ("1", "import sinchtools", "st.panels")]
    assert "This notebook is saved with everything" in said[0] and "IPython saves" not in said[0]
    assert said[1:] == ["", ""]


def test_a_plain_kernel_shows_every_panel_s_still_twin_and_warns_once(home: Path) -> None:
    """As VS Code, nbclient and others start one: without our kernel, without our server."""
    cells = [f"st.panels.{name}(case)" for name in st.panels.__all__]
    with Kernel("python3") as kernel:
        said = kernel.run(f"import sinchtools as st\ncase = st.Case('4711', {SENT!r})")
        shown = {code: kernel.run(code) for code in (*cells, "st.workbench(case)")}
    warned = text_of(said)
    assert warned.count("IPython saves what you run") == warned.count("This notebook is saved") == 1
    for code, messages in shown.items():
        assert "Warning" not in text_of(messages), code
        twins = [one for one in messages if ALIASED.items() <= one.get("metadata", {}).items()]
        assert len(twins) == 1 and "4711" in twins[0]["data"]["text/html"], code
        assert NUMBER not in json.dumps(twins) and TOKEN not in json.dumps(twins), code


@pytest.mark.parametrize("name", ["bin/python", "bin/python3", "Scripts/python.exe", "python.exe"])
def test_the_kernel_starts_the_python_of_the_environment_that_it_is_in(
    tmp_path: Path, name: str
) -> None:
    python = tmp_path / name
    python.parent.mkdir(exist_ok=True)
    python.touch()
    python_of = runpy.run_path(str(KERNELS / "sinchtools" / "start.py"))["python_of"]
    assert python_of(tmp_path) == str(python)
    assert python_of(Path(sys.prefix).resolve()) == sys.executable
    assert python_of(tmp_path / "no-python-here") == sys.executable

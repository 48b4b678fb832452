"""
The wheel in a fresh environment, with a Jupyter that knows nothing of `sinchtools lab`.

The Launcher has our card, a notebook is saved without secrets, and uninstalling leaves nothing.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from sinchtools.notebook.installed import SERVER
from tests.support.lab import Lab, wait_idle
from tests.support.words import ALL_FINE

ROOT = Path(__file__).parents[2]
NUMBER, TOKEN = "15551230001", "c4n4ryS3cr3t5c1e9a7b"
KERNEL = "share/jupyter/kernels/sinchtools"
BROUGHT = {
    "etc/jupyter/jupyter_server_config.d/sinchtools.notebook.server.json",
    *(
        f"{KERNEL}/{name}"
        for name in (
            "kernel.json",
            "logo-32x32.png",
            "logo-64x64.png",
            "logo-svg.svg",
            "start.py",
        )
    ),
}


def test_what_is_installed_for_jupyter_goes_when_sinchtools_is_uninstalled() -> None:
    listed = [path.as_posix() for path in metadata.files("sinchtools") or ()]
    assert {path.lstrip("./") for path in listed if "jupyter/" in path and ".." in path} == BROUGHT


class Environment:
    """A virtual environment with the locked dependencies; its programs see no other sinchtools."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        self.install("--require-hashes", "-r", str(ROOT / "requirements.lock"))

    def python(self, *arguments: Any) -> Any:
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [self.folder / "bin" / "python", *arguments]
        return subprocess.run(
            command, env=environ, cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout

    def install(self, *what: Any) -> None:
        if uv := shutil.which("uv"):
            python = str(self.folder / "bin" / "python")
            subprocess.run([uv, "pip", "install", "-q", "--python", python, *what], check=True)
        else:
            self.python("-m", "pip", "install", "-q", *what)

    def files(self) -> set[Any]:
        return {path for path in self.folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Return an environment with the wheel, and the files that were there before it."""
    folder = tmp_path_factory.mktemp("installed")
    checkout = folder / "checkout"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "sinchtools-work", "site")
    shutil.copytree(ROOT, checkout, ignore=ignored)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), "."]
    subprocess.run(build, check=True, cwd=checkout)
    environment = Environment(folder / "venv")
    before = environment.files()
    environment.install("--no-deps", str(next(folder.glob("*.whl"))))
    shutil.rmtree(checkout)
    return environment, before


class PlainLab(Lab):
    """JupyterLab as anybody starts it: not activated, without `sinchtools lab`."""

    def __init__(self, environment: Any, root: Any, home: Any) -> None:
        super().__init__(root, home)
        self.program = (str(environment.folder / "bin" / "jupyter-lab"),)

    def _environment(self) -> dict[Any, Any]:
        environ = super()._environment()
        return {name: value for name, value in environ.items() if name != "PYTHONPATH"}


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="the folders have other names there")
def test_a_fresh_environment_has_the_kernel_and_keeps_nothing_when_it_is_uninstalled(
    installed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, before = installed
    monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path / "work"))
    listed = json.loads(environment.python("-m", "jupyter", "kernelspec", "list", "--json"))
    spec = listed["kernelspecs"]["sinchtools"]
    assert spec["resource_dir"] == str(environment.folder / KERNEL)
    assert spec["spec"]["display_name"] == "Sinch troubleshooting"
    said = environment.python("-m", "sinchtools", "doctor")
    assert said.startswith(ALL_FINE)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "root").mkdir()
    with PlainLab(environment, tmp_path / "root", tmp_path / "home") as lab:
        shown = saved_from_the_launcher(lab)
    assert str(environment.folder) in shown  # where the kernel has its Python from
    text = (tmp_path / "root" / "Untitled.ipynb").read_text()
    assert "sent = " in text and TOKEN not in text and NUMBER not in text.replace(f"+{NUMBER}", "")
    assert [*json.loads(text)["cells"][0]["outputs"]] == []
    assert not [*tmp_path.rglob("history.sqlite")]
    environment.python("-m", "jupyter", "server", "extension", "disable", SERVER)
    checks = json.loads(environment.python("-m", "sinchtools", "doctor", "--json"))["checks"]
    assert [one["state"] for one in checks if one["name"] == "Jupyter"] == ["look"]
    environment.python("-m", "pip", "uninstall", "-q", "-y", "sinchtools")
    assert environment.files() == before
    assert not list(environment.folder.rglob("*sinch*"))


def saved_from_the_launcher(lab: Any) -> Any:
    """Start our kernel by its card, run a cell, save it; return what the cell showed."""
    page = lab.visit("lab?", 1280, 800)
    card = page.locator(".jp-LauncherCard", has_text="Sinch troubleshooting").first
    card.wait_for()
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.screenshot(path=lab.home / "launcher.png")
    card.click()
    cell = page.locator(".jp-Notebook .cm-content").first
    page.get_by_text("| Idle").first.wait_for()
    cell.click()
    page.keyboard.insert_text(
        f"sent = {{'Authorization': 'Bearer {TOKEN}', 'to': '+{NUMBER}'}}; print(st.__file__, sent)"
    )
    page.keyboard.press("Shift+Enter")
    shown = page.locator(".jp-OutputArea-output", has_text=TOKEN).first
    shown.wait_for()
    wait_idle(page)
    said = shown.inner_text()
    with page.expect_response(
        lambda response: response.request.method == "PUT" and "/api/contents/" in response.url
    ):
        page.keyboard.press("Control+s")
    if rename := page.locator(".jp-Dialog button", has_text="Rename").all():
        rename[0].click()
    return said

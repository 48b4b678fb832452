"""The commands about this machine: lab, clean, sandbox, doctor, mcp."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from sinchtools.core import settings
from sinchtools.core.errors import WrongUseError
from sinchtools.core.files import failing_as
from sinchtools.notebook import savehook
from sinchtools.notebook.shell import SWITCHED_ON
from sinchtools.terminal.health import Checkup, doctor
from sinchtools.terminal.output import Line, flush, say, say_json, say_lines

FIRST_NOTEBOOK = "notebooks/00-start-here.ipynb"
_QUIET = "sinchtools.notebook.kernels.QuietKernelManager"
_STYLES = {"ok": "green", "look": "yellow", "wrong": "red bold"}


def run_doctor(options: argparse.Namespace) -> int:
    """Check this machine and its configuration."""
    checkup = doctor()
    if options.json:
        say_json(checkup.as_json())
    else:
        say_lines(_coloured(checkup))
    return int(checkup.has_problem)


def _coloured(checkup: Checkup) -> Iterator[Line]:
    verdict, *lines = str(checkup).splitlines()
    yield [(verdict, "bold")]
    for check, line in zip(checkup, lines, strict=True):
        word = line.partition(" ")[0]
        yield [(word, _STYLES[check.state]), line.removeprefix(word)]


def run_mcp(options: argparse.Namespace) -> int:
    """Serve the tools for agents until standard input is closed."""
    if importlib.util.find_spec("mcp") is None:
        raise WrongUseError(
            "The tools for agents need the package mcp.",
            hint='Install it with: pip install "sinchtools[mcp]"',
        )
    from sinchtools.agents.server import serve

    serve()
    return 0


def run_clean(options: argparse.Namespace) -> int:
    """Clean saved notebooks."""
    from sinchtools.notebook.cleaning import clean_file

    for path in options.notebooks:
        say(clean_file(path))
    return 0


def run_sandbox(options: argparse.Namespace) -> int:
    """Serve the simulated API until stopped."""
    from sinchtools.sandbox import Sandbox
    from sinchtools.sandbox.openapi import openapi

    if options.openapi:
        say_json(openapi())
        return 0
    sandbox = Sandbox(
        port=options.port,
        service_plan_id=options.service_plan_id,
        api_token=options.api_token,
        project_id=options.project_id,
        key_id=options.key_id,
        key_secret=options.key_secret,
    )
    with sandbox:
        say(sandbox.url)
        flush()
        who = f"Service plan {sandbox.service_plan_id}, API token {sandbox.api_token}"
        say(f"{who} (simulated: good here only).", file=sys.stderr)
        say("The token also opens /__sandbox__/. Stop with Ctrl-C.", file=sys.stderr)
        threading.Event().wait()
    return 0


def run_lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on the notebooks."""
    root = _lab_root()
    os.environ.setdefault("SINCHTOOLS_HOME", str(root / "sinchtools-work"))
    ours = {
        "--ServerApp.root_dir": root,
        "--LabApp.default_url": f"/lab/tree/{FIRST_NOTEBOOK}",
        "--LabApp.news_url": "",
        "--LabApp.app_settings_dir": settings.share_folder("data/lab"),
        "--LabApp.extension_manager": "readonly",
        "--ContentsManager.pre_save_hook": savehook.HOOK,
        "--LanguageServerManager.autodetect": False,
        "--MultiKernelManager.kernel_manager_class": _QUIET,
    }
    theirs = {argument.partition("=")[0] for argument in options.rest}
    if "--ContentsManager.pre_save_hook" not in theirs:
        os.environ[SWITCHED_ON] = "1"
    os.environ["HISTFILE"] = os.devnull  # of the shells in its terminals
    unless_given = [f"{name}={value}" for name, value in ours.items() if name not in theirs]
    command = [sys.executable, "-m", "jupyterlab", *unless_given, *options.rest]
    if os.name == "nt":  # there, execv returns to the prompt at once
        import subprocess

        return subprocess.call(command)
    os.execv(sys.executable, command)


def _lab_root() -> Path:
    notebooks = settings.share_folder("notebooks")
    if notebooks.parent == Path(__file__).parents[2]:
        return notebooks.parent
    root = Path("sinchtools-lab").resolve()
    for name in ("notebooks", "data/samples"):
        if not (root / name).exists():
            _copied(settings.share_folder(name), root / name)
    say(f"Notebooks and samples are in {root}", file=sys.stderr)
    return root


def _copied(source: Path, folder: Path) -> None:
    """Copy a folder, whole or not at all."""
    waiting = folder.with_name(f".{folder.name}-{os.getpid()}")
    try:
        with failing_as(folder):
            shutil.copytree(source, waiting)
            waiting.rename(folder)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)

"""IPython keeps no pasted evidence in its history file: off in `sinchtools lab`, told elsewhere."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

import sinchtools as st
from sinchtools.notebook import shell as traces
from sinchtools.notebook.kernels import QuietKernelManager, quiet
from sinchtools.notebook.shell import history_file, warn_of_traces
from sinchtools.terminal import cli

TOKEN = "c4n4ryS3cr3t5c1e9a7b"
PASTE = f"x = 'curl -H \"Authorization: Bearer {TOKEN}\" https://x.example'"
FILE = "/home/anna/.ipython/profile_default/history.sqlite"


def shell(**traits: Any) -> SimpleNamespace:
    return SimpleNamespace(history_manager=SimpleNamespace(**traits))


STATES = {  # what IPython is and has, and where it saves
    "not loaded": (None, None),
    "half loaded": (SimpleNamespace(), None),
    "loaded by a library": (SimpleNamespace(get_ipython=lambda: None), None),
    "a shell without history": (SimpleNamespace(get_ipython=SimpleNamespace), None),
    "a shell that has none yet": (
        SimpleNamespace(get_ipython=lambda: SimpleNamespace(history_manager=None)),
        None,
    ),
    "off": (SimpleNamespace(get_ipython=lambda: shell(enabled=False, hist_file=FILE)), None),
    "off, in memory": (
        SimpleNamespace(get_ipython=lambda: shell(enabled=False, hist_file=":memory:")),
        None,
    ),
    "in memory": (
        SimpleNamespace(get_ipython=lambda: shell(enabled=True, hist_file=":memory:")),
        None,
    ),
    "on": (SimpleNamespace(get_ipython=lambda: shell(enabled=True, hist_file=FILE)), FILE),
    "on, a path": (
        SimpleNamespace(get_ipython=lambda: shell(enabled=True, hist_file=Path(FILE))),
        FILE,
    ),
}


@pytest.mark.parametrize(("ipython", "file"), STATES.values(), ids=STATES)
def test_whether_history_goes_to_disk_is_told_and_warned_of_once(
    work: Path, monkeypatch: pytest.MonkeyPatch, ipython: Any, file: str | None
) -> None:
    monkeypatch.setattr(traces, "_warned", [])
    if ipython is None:
        monkeypatch.delitem(sys.modules, "IPython", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert history_file() == (file and Path(file))
    assert ("history" in {check.name for check in st.doctor({})}) is bool(file)
    if file is None:
        warn_of_traces()  # a warning is an error here
    else:
        with pytest.warns(UserWarning, match=r"`%config HistoryManager\.enabled = False`"):
            warn_of_traces()
        warn_of_traces()


def said_by_ipython(
    tmp_path: Path, *options: Any, code: Any = "import sinchtools, sinchtools as st"
) -> Any:
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", *options]
    environ = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


OPTIONS = {
    "as it comes": ([], 1),
    "in another file": (["--HistoryManager.hist_file=other.sqlite"], 1),
    "off": (["--HistoryManager.enabled=False"], 0),
    "in memory": (["--HistoryManager.hist_file=:memory:"], 0),
}


@pytest.mark.parametrize(("options", "warned"), OPTIONS.values(), ids=OPTIONS)
def test_ipython_in_a_terminal_is_warned_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, warned: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(st.__file__).parents[1]))
    said = said_by_ipython(tmp_path, *options)
    assert said.count("IPython saves what you run here in") == warned
    assert "Traceback" not in said


@pytest.mark.parametrize("prelude", ["", "import sys\n", "import warnings\n"])
def test_python_without_ipython_is_not_warned_and_does_not_load_it(prelude: str) -> None:
    code = f"{prelude}import sinchtools, sys; print('IPython' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(st.__file__).parents[1],
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


COMMANDS = {
    "the native kernel": ["python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "an older one": ["python", "-m", "ipykernel", "-f", "{connection_file}"],
    "of another environment": ["/opt/py/bin/python", "-m", "ipykernel_launcher", "-f", "x"],
    "of Windows": [r"C:\Python\python.exe", "-m", "ipykernel_launcher", "-f", "x"],
    "of conda": ["conda", "run", "-n", "a", "python", "-m", "ipykernel_launcher", "-f", "x"],
    "by code": ["python", "-c", "from ipykernel.kernelapp import main; main()", "-f", "x"],
    "with a profile": ["python", "-m", "ipykernel_launcher", "--profile=a", "-f", "x"],
    "with options": ["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "x"],
    "with matplotlib": ["python", "-m", "ipykernel_launcher", "--matplotlib=inline", "-f", "x"],
    "by its path": ["/opt/py/bin/ipykernel_launcher.py", "-f", "x"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_ipython_kernel_of_the_lab_starts_without_history(command: Any) -> None:
    off = "--HistoryManager.enabled=False"
    assert quiet(command) == [*command, off]
    assert quiet([*command, "--HistoryManager.enabled=True"]) == [*command, off]
    assert quiet(quiet(command)) == [*command, off]


@pytest.mark.parametrize(
    "command", [["ir", "--slave", "x"], ["julia", "-i", "x"], ["xpython", "-f", "x"], ["bash"], []]
)
def test_another_kernel_starts_as_it_did(command: Any) -> None:
    assert quiet(command) == command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of kernels that are started here."""
    for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PYTHONPATH", str(Path(st.__file__).parents[1]))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def ran(client: Any, code: Any) -> str:
    said = []
    client.execute_interactive(
        code, timeout=60, output_hook=lambda message: said.append(message["content"])
    )
    return "".join(one.get("text", "") for one in said)


def kept(home: Any) -> Any:
    """Return what stands in all history files."""
    found = []
    for path in home.rglob("*.sqlite"):
        with sqlite3.connect(path) as database:
            found += [row[0] for row in database.execute("SELECT source_raw FROM history")]
        database.close()
    return found


def test_a_kernel_as_it_comes_warns_and_forgets_what_follows_when_history_is_turned_off(
    home: Path,
) -> None:
    manager, client = start_new_kernel()
    try:
        said = ran(client, "import sinchtools as st")
        ran(client, "import sinchtools")
        ran(client, "%config HistoryManager.enabled = False")
        ran(client, PASTE)
        assert ran(client, "print(st.doctor())").count("IPython saves what you run here") == 0
        assert "curl" in ran(client, "%history")  # of this session it is known
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert said.count("IPython saves what you run here in") == 1
    assert "import sinchtools as st" in said.splitlines()[1]  # the cell, not a file of ours
    assert "import sinchtools as st" in kept(home)  # history was on until then
    assert not [one for one in kept(home) if TOKEN in one]


def test_lab_starts_its_kernels_quietly_keeps_no_shell_history_and_lets_its_user_choose(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def start(program: Any, command: Any) -> None:
        started.append(command)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", start)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    theirs = "--MultiKernelManager.kernel_manager_class=theirs.Manager"
    for arguments in (["lab"], ["lab", theirs]):
        with pytest.raises(SystemExit):
            cli.main(arguments)
    ours = (
        "--MultiKernelManager.kernel_manager_class="
        f"{QuietKernelManager.__module__}.QuietKernelManager"
    )
    assert ours in started[0] and ours not in started[1] and theirs in started[1]
    assert os.environ["HISTFILE"] == os.devnull


@pytest.mark.skipif(os.name == "nt" or not Path("/bin/bash").exists(), reason="needs bash")
def test_a_shell_with_the_labs_environment_writes_no_history(tmp_path: Path) -> None:
    main_end, shell_end = pty.openpty()
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "HISTFILE": os.devnull}
    done = subprocess.Popen(
        ["/bin/bash", "-i"], env=environ, stdin=shell_end, stdout=shell_end, stderr=shell_end
    )
    os.close(shell_end)
    os.write(main_end, f": {PASTE}\nexit\n".encode())
    assert done.wait(20) == 0
    os.close(main_end)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

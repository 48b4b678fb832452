import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAKS = {  # what a test opens and forgets
    "file": "open(__file__)",
    "bytes": "open(__file__, 'rb')",
    "descriptor": "os.fdopen(os.open(__file__, os.O_RDONLY))",
    "temporary_file": "tempfile.TemporaryFile()",
    "temporary_folder": "tempfile.TemporaryDirectory()",
    "socket": "socket.socket()",
    "pair": "socket.socketpair()",
    "server": "socket.create_server(('127.0.0.1', 0))",
    "folder": "os.scandir(tmp_path)",
    "loop": "asyncio.new_event_loop()",
    "process": "subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)",
}
if sys.version_info >= (3, 13):
    LEAKS["database"] = "sqlite3.connect(':memory:')"
FORGOTTEN = {
    "at_once": "def test_x(tmp_path): {what}",
    "in_a_ring": "def test_x(tmp_path): ring = []; ring += [ring, {what}]",
}
KEPT = "def test_x(): ring = []; ring += [ring, open(__file__)]; sys.kept = ring"  # until the next
IMPORTS = "import asyncio, os, socket, sqlite3, subprocess, sys, tempfile\n"


def test_a_test_cannot_reach_beyond_loopback() -> None:
    with socket.socket() as s, pytest.raises(pytest.fail.Exception, match="only loopback"):
        s.connect(("192.0.2.1", 80))


def test_a_test_cannot_look_up_a_name() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"example\.com"):
        socket.getaddrinfo("example.com", 443)


def test_a_test_can_talk_to_itself() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_test_has_no_credentials_and_a_work_folder_of_its_own(work: Path) -> None:
    assert not [name for name in os.environ if name.startswith("SINCH_")]
    assert os.environ["SINCHTOOLS_HOME"] == str(work)


def test_what_is_never_closed_is_an_error_whenever_it_is_collected(tmp_path: Path) -> None:
    for how, source in FORGOTTEN.items():
        for name, what in {**LEAKS, "nothing": "None"}.items():
            (tmp_path / f"test_{name}_{how}.py").write_text(IMPORTS + source.format(what=what))
    (tmp_path / "test_y.py").write_text(IMPORTS + KEPT)
    (tmp_path / "test_z.py").write_text("import sys\ndef test_z(): del sys.kept")
    setup = [
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(tmp_path),
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "-p",
        "xdist",
    ]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # others take a second
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-n", "1", *setup, str(tmp_path)]
    said = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environ, check=False
    ).stdout
    assert set(re.findall(r"^(?:FAILED|ERROR) .*test_(\w+)\.py::", said, re.MULTILINE)) == {
        *(f"{name}_{how}" for name in LEAKS for how in FORGOTTEN),
        "z",
    }

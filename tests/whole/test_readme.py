"""
The README and the pages it leads to cannot drift: what they show is run, what they name exists.

Fences: `python` (then `text`, its output), `shell run`, `bat` (Windows).
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sinchtools.terminal.cli import main
from tests.support.samples import short_samples

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
START = (ROOT / "docs/start.md").read_text(encoding="utf-8")
PROMISES = (ROOT / "docs/promises.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w[\w ]*)\n(.*?)^```$", README + START, re.MULTILINE | re.DOTALL)
NAMED = sorted(
    set(re.findall(r"\]\(([^)#:]+)\)", README))
    | set(re.findall(r"`((?:data|docs|notebooks|tests)/[\w./-]+)`", README + START + PROMISES))
)


def lines(language: str) -> list[str]:
    return [
        line.partition("  #")[0].strip()
        for kind, block in BLOCKS
        if kind == language
        for line in block.splitlines()
    ]


def test_the_python_prints_what_the_readme_shows(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    namespace: dict[str, object] = {}
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        for kind, block in BLOCKS:
            if kind == "python":
                exec(block, namespace)
    assert shown.getvalue() == "".join(block for kind, block in BLOCKS if kind == "text")


@pytest.mark.parametrize(
    "line", sorted({line.removeprefix(".venv/bin/") for line in lines("shell run")})
)
def test_a_command_runs_as_written(
    line: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short_samples(work / "data" / "samples")
    (work / "notebooks").symlink_to(ROOT / "notebooks")
    monkeypatch.chdir(work)
    program, *arguments = shlex.split(line)
    assert (program, main(arguments) in (0, 1)) == ("sinchtools", True)
    printed = capsys.readouterr().out
    assert printed or any(work.glob("*.html"))
    assert "--fix" not in line or "FIXED" in printed.splitlines()[-1]


@pytest.mark.parametrize("line", lines("shell"))
def test_a_make_command_names_a_target(line: Any) -> None:
    command, target = line.split()
    assert command == "make"
    done = subprocess.run(
        [command, "--dry-run", target], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert f"sinchtools {target}" in done.stdout


@pytest.mark.parametrize("name", NAMED)
def test_a_named_file_exists(name: Any) -> None:
    assert (ROOT / name).exists()


def test_windows_needs_three_lines() -> None:
    python = r".venv\Scripts\python -m pip install "
    assert lines("bat") == [
        "py -m venv .venv",
        python + "-r requirements.lock",
        python + "--no-deps -e .",
    ]


@pytest.mark.long
def test_the_three_windows_lines_make_a_working_environment(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(
        ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "sinchtools-work")
    )
    bin_folder = "Scripts" if os.name == "nt" else "bin"
    for line in lines("bat"):
        program, *arguments = line.split()
        executable = (
            sys.executable if program == "py" else str(checkout / ".venv" / bin_folder / "python")
        )
        subprocess.run([executable, *arguments], check=True, cwd=checkout)
    subprocess.run(
        [checkout / ".venv" / bin_folder / "sinchtools", "explain", "401"], check=True, cwd=tmp_path
    )

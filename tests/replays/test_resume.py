"""
A replay is killed, the disk fills up, the folder is read-only.

Nothing is lost, and nothing is sent twice.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sinchtools.client.log import CallLog
from tests.conftest import FULL
from tests.support.replaying import COUNT, PLAN, TOKEN, made

ROOT = Path(__file__).parents[2]
KILLS = [
    pytest.param(seed, marks=[pytest.mark.long] * (seed >= 2)) for seed in range(200 if FULL else 2)
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """The URL of a sandbox in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "sinchtools",
        "sandbox",
        "--service-plan-id",
        PLAN,
        "--api-token",
        TOKEN,
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture
def empty(sandbox: str) -> str:
    asked(sandbox, "POST", "/__sandbox__/reset")
    return sandbox


@pytest.fixture(scope="module")
def undisturbed(
    sandbox: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[Any, tuple[Any, Any, Any]]:
    asked(sandbox, "POST", "/__sandbox__/reset")
    return outcomes(run(tmp_path_factory.mktemp("undisturbed"), sandbox, 1))


def asked(url: Any, method: Any, path: Any) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(
            method, url + path, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        ).json()


def arrived(url: str) -> Counter[str]:
    """How often each message is in the sandbox."""
    pages = [
        asked(url, "GET", f"/xms/v1/{PLAN}/batches?page_size=100&page={page}")["batches"]
        for page in range(4)
    ]
    return Counter(batch["body"] for page in pages for batch in page)


def run(folder: Any, url: Any, workers: Any) -> Any:
    with made(folder, url, workers) as replay:
        return replay.run()


def outcomes(done: Any) -> dict[Any, tuple[Any, Any, Any]]:
    return {
        r.original.id: (r.child.status, r.child.code, r.verdict)
        for r in done
        if r.child is not None
    }


def known(found: Any) -> dict[Any, Any]:
    return {name: outcome for name, outcome in found.items() if outcome[0] is not None}


def start(folder: Any, url: Any, workers: Any, **rest: Any) -> Any:
    command = [sys.executable, "-m", "tests.support.replaying", str(folder), url, str(workers)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **rest
    )


def killed_at(moment: Any, folder: Any, url: Any, workers: Any) -> Any:
    """Kill a replay when it has said that so many are done; return how many it said in the end."""
    with start(folder, url, workers) as process:
        said = [int(line) for line, _ in zip(process.stdout, range(moment + 1), strict=False)]
        process.kill()
        return [*said, *(int(line) for line in process.stdout.read().split("\n")[:-1])][-1]


@pytest.mark.parametrize("seed", KILLS)
def test_a_killed_replay_goes_on_exactly(
    empty: str, undisturbed: Any, tmp_path: Path, seed: Any
) -> None:
    source = random.Random(seed)
    workers = source.choice([1, 1, 4])
    acknowledged = killed_at(source.randrange(COUNT), tmp_path, empty, workers)
    with CallLog(tmp_path / "calls.sqlite") as log:
        before = {x.parent_id: x for x in log if x.status is not None}
        assert log.verify() == []
    assert len(before) >= acknowledged

    done = run(tmp_path, empty, workers)
    children = {r.original.id: r.child for r in done}
    unknown = [r for r in done if r.child.status is None]
    assert {parent: children[parent] for parent in before} == before
    assert len(unknown) <= workers
    assert all(
        r.child.failure == "outcome unknown" and r.verdict == "INCONCLUSIVE" for r in unknown
    )
    found, there = outcomes(done), arrived(empty)
    assert known(found) == {name: undisturbed[name] for name in known(found)}
    assert len(found) == COUNT
    assert set(there.values()) == {1}
    for result in unknown:
        check_settled(result, there)


def check_settled(result: Any, there: Any) -> None:
    """
    Check that an unknown outcome was looked up by its client_reference.

    It needs one, and a body that can be read.
    """
    number = int(result.original.id[1:])
    said = [reason for reason in result.reasons if reason.startswith("checked: ")]
    if number % 2:
        assert ("so it was sent" in said[0]) == (there[f"message {number}"] == 1)
    else:
        assert said == []


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))


def test_a_full_disk_stops_the_replay_and_loses_nothing(
    empty: str, undisturbed: Any, tmp_path: Path
) -> None:
    with start(tmp_path, empty, 1, preexec_fn=small_files) as process:
        said, error = process.communicate()
    assert process.returncode == 1
    assert "cannot be written" in error.splitlines()[-1]
    acknowledged = int(said.splitlines()[-1])
    assert 10 < acknowledged < COUNT
    assert sum(arrived(empty).values()) <= acknowledged + 1
    found = outcomes(run(tmp_path, empty, 1))
    assert known(found) == {name: undisturbed[name] for name in known(found)}
    assert len(found) == COUNT
    assert set(arrived(empty).values()) == {1}


READ_ONLY = """
import os, sys
from tests.support.replaying import made
folder, url = sys.argv[1:]
import sinchtools.sandbox, sinchtools.diagnosis.diagnosis
if os.geteuid() == 0: os.seteuid(65534)
from sinchtools.core.errors import LogError
try:
    with made(folder, url, 1) as replay:
        replay.run()
except LogError as error:
    print(error)
"""


@pytest.mark.parametrize("used", [False, True], ids=["new-log", "log-of-somebody"])
def test_a_read_only_folder_is_a_clear_stop_before_anything_is_sent(
    empty: str, tmp_path: Path, used: bool
) -> None:
    if used:
        with CallLog(tmp_path / "calls.sqlite") as log:
            log.add([])
    tmp_path.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(tmp_path), empty],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    tmp_path.chmod(0o755)
    assert done.stdout.startswith("The call log "), done.stderr
    assert "SINCHTOOLS_HOME" in done.stdout
    assert arrived(empty) == {}

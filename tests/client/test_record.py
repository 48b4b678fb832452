"""
Blocks that record may overlap, nest, fail, run in threads and tasks.

One patch, each request once in a file, each block its own part.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from requests.adapters import HTTPAdapter

import sinchtools as st
from sinchtools.client.log import CallLog
from sinchtools.client.recording import record
from tests.support.present import present

URL = "https://us.sms.api.sinch.com/xms/v1/p1/batches"


@pytest.fixture(autouse=True)
def wire(work: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Requests are answered here; the patch that is found at the start is there at the end."""

    def send(adapter: Any, request: requests.PreparedRequest, **rest: Any) -> requests.Response:
        url = present(request.url)
        if "refused" in url:
            raise requests.ConnectionError("refused")
        response = requests.Response()
        response.status_code, response.url, response._content = 200, url, b"{}"
        return response

    monkeypatch.setattr(HTTPAdapter, "send", send)
    yield send
    assert vars(HTTPAdapter)["send"] is send


def get(name: Any, **headers: Any) -> None:
    with contextlib.suppress(requests.ConnectionError):
        requests.get(f"{URL}/{name}", headers=headers, timeout=1)


def shown(log: Any) -> list[Any]:
    return [row.url.rpartition("/")[2] for row in log]


def nested() -> dict[str, Any]:
    with record() as outer:
        get("a")
        with record() as inner:
            get("b")
        get("c")
    return {"abc": outer, "b": inner}


def the_first_ends_first() -> dict[str, Any]:
    first, second = record(), record()
    one = first.__enter__()
    get("a")
    two = second.__enter__()
    get("b")
    first.__exit__(None, None, None)
    get("c")
    second.__exit__(None, None, None)
    get("d")
    return {"ab": one, "bc": two}


def three_of_which_the_middle_ends_first() -> dict[str, Any]:
    made = [record() for _ in range(3)]
    logs = [block.__enter__() for block in made]
    for number, name in ((1, "a"), (0, "b"), (2, "c")):
        get(name)
        made[number].__exit__(None, None, None)
    get("d")
    return {"a": logs[1], "ab": logs[0], "abc": logs[2]}


def one_after_the_other() -> dict[str, Any]:
    logs = []
    for name in "ab":
        with record() as log:
            get(name)
        logs.append(log)
    return {"a": logs[0], "b": logs[1]}


def an_error_ends_the_inner_one() -> dict[str, Any]:
    with record() as outer:
        with contextlib.suppress(ZeroDivisionError), record() as inner:
            get("a")
            raise ZeroDivisionError
        get("b")
    return {"ab": outer, "a": inner}


def an_interrupt_ends_both() -> dict[str, Any]:
    logs = []
    with contextlib.suppress(KeyboardInterrupt), record() as outer, record() as inner:
        logs += [outer, inner]
        get("a")
        raise KeyboardInterrupt
    get("b")
    return {"a": logs[0], "a ": logs[1]}


def generators_that_are_closed_in_turn() -> dict[str, Any]:
    def opened() -> Generator[CallLog]:
        with record() as log:
            yield log

    first, second = opened(), opened()
    one, two = next(first), next(second)
    get("a")
    first.close()
    get("b")
    second.close()
    get("c")
    return {"a": one, "ab": two}


def a_generator_that_nobody_closes() -> dict[str, Any]:
    def opened() -> Generator[CallLog]:
        with record() as log:
            yield log

    left = opened()
    with record() as outer:
        inner = next(left)
        get("a")
    del left
    get("b")
    return {"a": outer, "a ": inner}


def in_threads() -> dict[str, Any]:
    started, ended, logs = threading.Barrier(2), threading.Barrier(2), {}

    def work(name: Any) -> None:
        with record() as log:
            started.wait()
            get(name)
            ended.wait()
        logs[name] = log

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(shown(logs["a"])) == sorted(shown(logs["b"])) == ["a", "b"]
    return {}


def a_thread_that_outlives_its_block() -> dict[str, Any]:
    go = threading.Event()

    def later() -> None:
        go.wait()
        get("b")

    with record() as log:
        get("a")
        thread = threading.Thread(target=later)
        thread.start()
    go.set()
    thread.join()
    return {"a": log}


def in_tasks() -> dict[str, Any]:
    async def work(name: Any, mine: Any, other: Any) -> Any:
        with record() as log:
            mine.set()
            await other.wait()
            await asyncio.to_thread(get, name)
        return log

    async def both() -> Any:
        events = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(work("a", *events), work("b", *events[::-1]))

    logs = asyncio.run(both())
    assert {"a", "b"} == {name for log in logs for name in shown(log)}
    return {}


def on_an_exit_stack() -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        logs = [stack.enter_context(record()) for _ in range(3)]
        get("a")
    get("b")
    return {"a" + " " * i: log for i, log in enumerate(logs)}


def as_a_decorator() -> dict[str, Any]:
    @record()
    def work(name: Any) -> None:
        get(name)

    work("a")
    work("b")
    return {}


def with_a_failing_request() -> dict[str, Any]:
    with record() as log:
        get("a")
        get("refused")
    assert [row.failure for row in log] == [None, "ConnectionError"]
    return {}


@pytest.mark.parametrize(
    "blocks",
    [
        nested,
        the_first_ends_first,
        three_of_which_the_middle_ends_first,
        one_after_the_other,
        an_error_ends_the_inner_one,
        an_interrupt_ends_both,
        generators_that_are_closed_in_turn,
        a_generator_that_nobody_closes,
        in_threads,
        a_thread_that_outlives_its_block,
        in_tasks,
        on_an_exit_stack,
        as_a_decorator,
        with_a_failing_request,
    ],
)
def test_each_block_shows_its_own_part_and_the_file_has_each_request_once(blocks: Any) -> None:
    for names, log in blocks().items():
        assert shown(log) == [*names.strip()]
        assert len(log) == len(log.frame()) == len(names.strip())
    with CallLog() as whole:
        names = shown(whole)
    assert len(names) == len({*names}) > 0


def test_a_block_shows_nothing_that_was_there_before() -> None:
    with record() as log:
        get("a")
    with record() as log:
        assert (shown(log), len(log), len(log.frame())) == ([], 0, 0)
    with CallLog() as whole:
        assert shown(whole) == ["a"]


def test_two_files_have_a_row_each(tmp_path: Path) -> None:
    with (
        CallLog(tmp_path / "other.sqlite") as other,
        record() as one,
        record(other) as two,
        record(other) as three,
    ):
        get("a")
        assert shown(one) == shown(two) == shown(three) == shown(other) == ["a"]
        assert [row.id for row in one] != [row.id for row in two] == [row.id for row in three]


def test_our_own_calls_are_in_the_block_once() -> None:
    with record() as log, CallLog() as own:
        st.connect(log=own).batches.list()
        assert [row.endpoint for row in log] == ["GET /batches"]
    with CallLog() as whole:
        assert len(whole) == 1


def test_each_token_keeps_its_number_in_the_file() -> None:
    with record() as outer:
        for token in ("5c1e9a7b3d2f4e68", "8d2f4c6b1a9e4f70", "5c1e9a7b3d2f4e68"):
            with record():
                get("a", Authorization=f"Bearer {token}")
        values = [row.request_headers["Authorization"] for row in outer]
    assert values == [f"Bearer [secret opaque 16 #{number}]" for number in (1, 2, 1)]


def test_a_patch_of_somebody_else_stays_and_records_nothing_twice(
    wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with record() as first:
        ours = HTTPAdapter.send
        monkeypatch.setattr(HTTPAdapter, "send", lambda *args, **rest: ours(*args, **rest))
        theirs = HTTPAdapter.send
        get("a")
    assert HTTPAdapter.send is theirs
    get("b")
    with record() as second:
        get("c")
    assert HTTPAdapter.send is theirs
    assert (shown(first), shown(second)) == (["a"], ["c"])
    monkeypatch.setattr(HTTPAdapter, "send", wire)


STEPS = some.lists(
    some.tuples(some.sampled_from(["open", "close", "send"]), some.integers(0, 5)), max_size=25
)


@pytest.mark.long
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_blocks_in_any_order_show_what_was_sent_while_they_were_open(
    tmp_path_factory: pytest.TempPathFactory, wire: Any, steps: Any
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    files = [CallLog(folder / f"{number}.sqlite") for number in range(2)]
    blocks: list[Any] = []
    expected: list[list[str]] = []
    told: list[list[str]] = [[], []]
    for number, (step, which) in enumerate(steps):
        if step == "open":
            block = record(files[which % 2])
            blocks.append((block, block.__enter__(), which % 2))
            expected.append([])
        elif step == "close" and (left := [i for i, one in enumerate(blocks) if one[0]]):
            chosen = left[which % len(left)]
            blocks[chosen][0].__exit__(None, None, None)
            blocks[chosen] = (None, *blocks[chosen][1:])
        elif step == "send":
            get(f"{number}")
            for i, (block, _, file) in enumerate(blocks):
                if block:
                    expected[i].append(f"{number}")
                    told[file] = [*dict.fromkeys([*told[file], f"{number}"])]
    for block, _, _ in blocks:
        if block:
            block.__exit__(None, None, None)
    assert [shown(log) for _, log, _ in blocks] == expected
    assert [shown(log) for log in files] == told
    assert HTTPAdapter.send is wire
    for log in [*files, *(log for _, log, _ in blocks)]:
        log.close()

"""Rows on another machine, through a connection of the caller."""

import contextlib
import gzip
import os
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sinchtools.core.errors import WrongUseError
from sinchtools.evidence import read, unread
from tests.evidence.test_scan_sources import (
    CANARY,
    NESTED,
    OTHER,
    of_lines,
    of_parquet,
    scanned,
    told,
)
from tests.support.present import present

SENT = f"POST /xms/v1/p/batches?token={CANARY} HTTP/1.1"
ACCESS = (
    f'10.0.0.7 - - [01/May/2024:10:00:00 +0000] "{SENT}" 403 52\n'
    '10.0.0.7 - - [01/May/2024:10:00:01 +0000] "GET /xms/v1/p/groups HTTP/1.1" 200 812\n'
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Some logs, and what a scan of them here gives."""
    folder = tmp_path / "logs"
    folder.mkdir()
    of_lines(OTHER, folder)
    of_parquet(NESTED, folder)
    (folder / "access.log").write_text(ACCESS)
    (folder / "access.log.gz").write_bytes(gzip.compress(ACCESS.encode()))
    (folder / "broken.jsonl").write_text((folder / "rows.jsonl").read_text() + "{broken\n")
    return folder


def check(connection: Any, place: Any, folder: Any) -> None:
    """Check that a connection gives of each file what is read of it here."""
    for file in sorted(folder.iterdir()):
        there = scanned(f"{place}/{file.name}", connection=connection)
        assert told(there) == told(scanned(file)), file.name
        sources = set(there.project("source").fetchall())
        assert sources == {(file.name,)}
        assert CANARY not in str(there.fetchall()) + repr(there)
        ids = [one for (one,) in there.project("id").fetchall()]
        statuses = [status for (status,) in there.project("status").fetchall()]
        assert sorted(present(x.status) for x in read(there, ids)) == sorted(statuses)
    whole = scanned(f"{place}/*.log", connection=connection)
    assert told(whole) == told(scanned(folder / "access.log"))
    [out] = unread(scanned(f"{place}/broken.jsonl", connection=connection))
    assert out.count == 1


def test_a_file_system_of_the_connection_gives_the_same(files: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for file in files.iterdir():
        memory.pipe(f"/logs/{file.name}", file.read_bytes())
    connection = duckdb.connect()
    connection.register_filesystem(memory)
    check(connection, "memory://logs", files)
    for name in (f"{CANARY}.jsonl", f"{CANARY}*.parquet"):
        try:
            scanned(f"memory://logs/{name}", connection=connection)
        except WrongUseError as error:
            assert "find or read" in str(error)
        else:
            raise AssertionError("it was found")


def test_a_connection_that_cannot_reach_a_place_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = "
                       "false")  # fmt: skip
    for url in ("s3://bucket/rows.jsonl", "s3://bucket/*.parquet", "nowhere://bucket/a.csv"):
        try:
            scanned(url, connection=connection)
        except WrongUseError as error:
            assert "con" in error.hint
            assert "duckdb." not in traceback.format_exc()
        else:
            raise AssertionError("it was reached")


# --- a loopback S3; pip install "moto[server]" s3fs -----------------------------------------------


@pytest.fixture
def bucket(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of S3 on this machine with the logs, and its address."""
    pytest.importorskip("moto.server", reason="needs moto[server] and s3fs")
    boto3 = pytest.importorskip("boto3")
    monkeypatch.setitem(os.environ, "AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setitem(os.environ, "AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setitem(os.environ, "AWS_DEFAULT_REGION", "us-east-1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    # a process of its own: DuckDB may wait for it without letting other threads run
    running = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", f"{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    client = boto3.client("s3", endpoint_url=f"http://{address}")
    client.create_bucket(Bucket="logs")
    for file in files.iterdir():
        client.put_object(
            Bucket="logs", Key=f"gateway/{file.name}", Body=file.read_bytes(), ACL="public-read"
        )
    client.close()
    yield address
    running.terminate()
    running.wait()


def by_s3fs(address: Any) -> Any:
    s3fs = pytest.importorskip("s3fs")
    connection = duckdb.connect()
    files = s3fs.S3FileSystem(key="testing", secret=CANARY, endpoint_url=f"http://{address}")
    connection.register_filesystem(files)
    return connection


def with_httpfs() -> Any:
    connection = duckdb.connect()
    try:
        connection.load_extension(os.environ.get("DUCKDB_HTTPFS", "httpfs"))
    except duckdb.Error:
        pytest.skip("DuckDB's extension httpfs is not installed")
    return connection


def by_settings(address: Any) -> Any:
    connection = with_httpfs()
    settings = {"endpoint": address, "use_ssl": "false", "url_style": "path"}
    settings |= {"access_key_id": "testing", "secret_access_key": CANARY}
    for name, value in settings.items():
        connection.execute(f"SET s3_{name} = '{value}'")
    return connection


def by_secret(address: Any) -> Any:
    connection = with_httpfs()
    connection.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID 'testing', SECRET '{CANARY}', ENDPOINT '{address}', "
        "USE_SSL false, URL_STYLE 'path')"
    )
    return connection


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("connect", [by_s3fs, by_secret, by_settings])
def test_s3_gives_the_same(files: Path, bucket: str, connect: Any) -> None:
    connection = connect(bucket)
    check(connection, "s3://logs/gateway", files)
    for place in ("s3://logs/gateway/none.jsonl", "s3://none/*.parquet"):
        try:
            scanned(place, connection=connection)
        except WrongUseError:
            assert CANARY not in traceback.format_exc()
        else:
            raise AssertionError("it was found")
    if connect is not by_s3fs:
        listed = f"http://{bucket}/logs/gateway/rows.jsonl"
        assert told(scanned(listed, connection=connection)) == told(
            scanned(Path(files) / "rows.jsonl")
        )

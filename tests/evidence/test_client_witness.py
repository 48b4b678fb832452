"""Each client that is here logs a real call to a loopback server, and its log is read back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from sinchtools.evidence import read

SENT = '{"to":["46700000002"],"body":"Hej å"}'
GOT = '{"code":"unknown_group","text":"Ingen å"}'
HEADER = "Content-Type: application/json"
LOGGED = """
import http.client, logging, sys
logging.basicConfig(level=1, format="%(asctime)s %(levelname)s %(name)s %(message)s",
                    stream=sys.stdout)
url, body = sys.argv[1], sys.argv[2].encode()
headers = {"Content-Type": "application/json"}
"""
COMMANDS = {  # what is run, and whether it shows bodies
    "requests": (
        [sys.executable, "-c", LOGGED + "http.client.HTTPConnection.debuglevel = 1\n"
         "import requests; requests.post(url, data=body, headers=headers)", "$URL", SENT],
        True,
    ),
    "urllib": (
        [sys.executable, "-c", LOGGED + "import urllib.request as u\n"
         "opener = u.build_opener(u.HTTPHandler(debuglevel=1))\n"
         "try: opener.open(u.Request(url, body, headers))\n"
         "except OSError: pass", "$URL", SENT],
        True,
    ),
    "httpx": (
        [sys.executable, "-c", LOGGED + "import httpx\n"
         "httpx.post(url, content=body, headers=headers)", "$URL", SENT],
        False,
    ),
    "HTTPie": (
        ["http", "--ignore-stdin", "-v", "POST", "$URL", HEADER.replace(": ", ":"), "--raw", SENT],
        True,
    ),
    "curl": (["curl", "-s", "--trace", "-", "-o", "out", "-H", HEADER, "-d", SENT, "$URL"], True),
    "wget": (["wget", "-dO", "out", f"--header={HEADER}", f"--post-data={SENT}", "$URL"], True),
    "node": (
        ["node", "-e", "fetch(process.argv[1], {method: 'POST', body: process.argv[2]})"
         ".then(r => r.text())", "$URL", SENT],
        False,
    ),
}  # fmt: skip


class Refusing(BaseHTTPRequestHandler):
    """Answers each request with the same error."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(GOT.encode())))
        self.end_headers()
        self.wfile.write(GOT.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/xms/v1/acme/batches"
    server.shutdown()
    server.server_close()


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_real_log_is_read_back(name: str, url: Any, tmp_path: Path) -> None:
    command, has_bodies = COMMANDS[name]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not here")
    done = subprocess.run(
        [url if part == "$URL" else part for part in command],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "NODE_DEBUG": "fetch,undici", "HOME": str(tmp_path)},
        capture_output=True,
        timeout=60,
    )
    text = (done.stdout + done.stderr).decode()
    rows = [(x.method, x.url, x.status, x.request_body) for x in read(text)]
    assert rows == [("POST", url, 403, SENT if has_bodies else None)], text


@pytest.mark.long
def test_error_of_aiohttp_is_read_back(url: Any) -> None:
    pytest.importorskip("aiohttp")
    script = """
import aiohttp, asyncio, sys
async def main():
    async with aiohttp.ClientSession() as session:
        async with session.post(sys.argv[1], data=sys.argv[2]) as response:
            response.raise_for_status()
asyncio.run(main())
"""
    command = [sys.executable, "-c", script, url, SENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    (row,) = read(done.stderr)
    assert (row.url, row.status) == (url, 403)  # its method stands nowhere


# what a script prints of an error of axios and of the vendor's SDK; the method of the SDK's call
# stands nowhere in it
PRINTED = {
    "axios": (
        "const axios = require('axios');"
        "axios.post(URL, JSON.parse(BODY)).catch(error => console.error(error));",
        ("POST", True),
    ),
    "the vendor's SDK": (
        "const {SmsService} = require('@sinch/sms');"
        "const options = {servicePlanId: 'acme', apiToken: 'a', smsHostname: new URL(URL).origin};"
        "new SmsService(options).batches.send({sendSMSRequestBody: JSON.parse(BODY)})"
        ".catch(error => console.error(error));",
        (None, False),
    ),
}


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("npm"):
        pytest.skip("npm is not here")
    folder = tmp_path_factory.mktemp("node")
    packages = ["axios", "@sinch/sms@1.4.0", "@sinch/sdk-client@1.4.0"]
    options = ["--silent", "--no-fund", "--no-audit"]
    done = subprocess.run(["npm", "install", *options, *packages], cwd=folder, timeout=300)
    if done.returncode:
        pytest.skip("npm installs nothing here")
    core = folder / "node_modules/@sinch/sdk-core"  # the SDK asks for its version alone
    core.mkdir(exist_ok=True)
    (core / "package.json").write_text('{"name": "@sinch/sdk-core", "version": "1.4.0"}')
    return folder


@pytest.mark.long
@pytest.mark.parametrize("name", PRINTED)
def test_printed_error_is_read_back(name: str, url: Any, node_modules: Any) -> None:
    script, (method, has_request) = PRINTED[name]
    script = script.replace("BODY", json.dumps(SENT)).replace("URL)", f"{json.dumps(url)})")
    script = script.replace("(URL,", f"({json.dumps(url)},")
    done = subprocess.run(
        ["node", "-e", script], cwd=node_modules, capture_output=True, text=True, timeout=60
    )
    (row,) = read(done.stderr)
    assert (row.method, row.status, row.code) == (method, 403, "unknown_group"), done.stderr
    assert (row.url or "").partition("://")[2] == url.partition("://")[2]
    assert row.request_body == (SENT if has_request else None)
    assert row.text == "Ingen å"

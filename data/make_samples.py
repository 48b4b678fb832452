"""
Makes data/samples: what the customer of ticket 4711 might have sent. See samples.md.

Run it as ``python data/make_samples.py`` (with ``calls``, ``curl`` or ``har`` for one of the
files). Only ``har`` needs a browser: Playwright and Chromium, found through SINCHTOOLS_CHROMIUM or
on the path.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sinchtools.evidence.exports import to_jsonl
from sinchtools.sandbox import Sandbox
from tools.traffic import CUSTOMERS, traffic

FOLDER = Path(__file__).parent / "samples"
TICKET = 4711  # also the seed
CALLS = 5_000
NOW = datetime(
    2026, 3, 9, 9, 40, tzinfo=UTC
)  # the morning of the release that forgot the callback URL

HOST = "https://eu.sms.api.sinch.com"
PLAN = CUSTOMERS[1].account
TOKEN = "5e1f0a9b8c7d46e2a3b4c5d6e7f80912"  # nobody's
BATCHES = f"{HOST}/xms/v1/{PLAN}/batches"
MISSING_ID = "01FC66621VHDBN119Z8PMV1QPU"
INBOUND = f"{HOST}/xms/v1/{PLAN}/inbounds/{MISSING_ID}"

WITH_TOKEN = '-H "Authorization: Bearer $TOKEN"'
ANOTHER_TOKEN = "77aa0b1c2d3e4f5061728394a5b6c7d8"  # nobody's
REPORT = '"delivery_report": "full"'
AS_JSON = "-H 'Content-Type: application/json'"
PARCEL = "Your parcel is at the door."
NATIONAL = f'{{"from": "447700900999", "to": ["07700900123"], "body": "{PARCEL}"}}'
NATIONAL_ESCAPED = NATIONAL.replace('"', '\\"')

HEAD = (
    "#!/bin/bash\n"
    f"# Ticket {TICKET}: what we tried by hand on Monday, 9 March 2026. "
    "Above each command stands what came back.\n"
    "# (Simulated: real curl against the sandbox of sinchtools, host put in afterwards. "
    "Token, account and numbers are nobody's.)\n"
    "\n"
    f"TOKEN={TOKEN}\n"
)
COMMANDS = (
    f"""curl -X POST '{BATCHES}' \\
  -H 'Authorization: Bearer {TOKEN}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"from": "447700900999", "to": ["+447700900123"], "body": "{PARCEL}"}}'""",
    f"""curl -s "{BATCHES}?page=0&page_size=2" -H "Authorization: Bearer $TOKEN\"""",
    f"""curl {BATCHES} \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d "{NATIONAL_ESCAPED}\"""",
    f"""curl {BATCHES} {WITH_TOKEN} {AS_JSON} --data-binary @- <<'EOF'
{{
  "from": "447700900999",
  "to": ["+447700900123", "+447700900124"],
  "body": "{PARCEL}",
}}
EOF""",
    (
        f'curl --request POST --url {BATCHES} --header "Authorization: Bearer $TOKEN" '
        """--json '{"from": "447700900999", "body": "Hello"}'"""
    ),
    (
        f"curl {BATCHES} {WITH_TOKEN} {AS_JSON} \\\n"
        """  -d $'{"from": "447700900999", "to": ["+447700900125"], """
        """"body": "It\\'s here", "expire_at": "2026-03-08T18:00:00Z"}'"""
    ),
    (
        f"curl {BATCHES} -H Authorization:\\ Bearer\\ {ANOTHER_TOKEN} "
        "-H Content-Type:\\ application/json \\\n"
        """  --data '{"from":"447700900999","to":["+447700900126"],"body":"Hello"}'"""
    ),
    (
        f"curl {BATCHES} {WITH_TOKEN} "
        """-d '{"from": "447700900999", "to": ["+447700900127"], "body": "Hello"}'"""
    ),
    f"""curl {BATCHES} {WITH_TOKEN} {AS_JSON} \\
  --data-raw '{{"from": "447700900999", "to": ["{MISSING_ID}"], "body": "To all of the group"}}'""",
    f"""curl {BATCHES} {WITH_TOKEN} {AS_JSON} \\
  --data-raw '{{"from": "447700900999", "to": ["+447700900128"], "body": "Hello", {REPORT}}}'""",
    f"""curl -H "Authorization: Bearer $TOKEN" {BATCHES}/{MISSING_ID}/delivery_report?type=full""",
    f"""curl -XDELETE -H "Authorization: Bearer $TOKEN" {INBOUND}""",
)

_JSON = {"Content-Type": "application/json"}
FETCHES: tuple[
    tuple[str, str, dict[str, str], str | None], ...
] = (  # what the customer's page asks for; headers beside the token
    ("POST", "/batches", _JSON, '{"from":"447700900999","to":["+447700900131"],"body":"Welcome!"}'),
    ("GET", "/batches?page=0&page_size=2", {}, None),
    (
        "POST",
        "/batches",
        _JSON,
        '{"from":"447700900999","to":["+447700900131"],"body":"Welcome!","delivery_report":"full"}',
    ),
    (
        "POST",
        "/batches",
        {},
        '{"from":"447700900999","to":["+447700900132"],"body":"fetch() says text/plain by itself"}',
    ),
    (
        "POST",
        "/batches",
        _JSON,
        '{"from":"447700900999","to":["++447700900133"],"body":"Welcome!"}',
    ),
    ("GET", f"/batches/{MISSING_ID}", {}, None),
    ("GET", "/groups", {"Authorization": "Bearer undefined"}, None),
)
FETCH = "async ([method, url, headers, body]) => (await fetch(url, {method, headers, body})).text()"
PAGE = "<!doctype html><title>Shop</title><h1>Shop</h1>"
VOLATILE = {
    "pageref",
    "serverIPAddress",
    "connection",
    "_serverPort",
    "_securityDetails",
    "_monotonicTime",
    "_frameref",
}


def write_calls(n: int = CALLS) -> bytes:
    """Return the gzipped native file of `n` exchanges; the same bytes each time."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as file:
        file.write(to_jsonl(traffic(n, seed=TICKET)).encode())
    return packed.getvalue()


def write_requests() -> bytes:
    """Return the shell script, each command under what real curl got for it."""
    with _sandbox() as sandbox:
        answered = [f"# {_answer(sandbox, command)}\n{command}\n" for command in COMMANDS]
    return "\n".join([HEAD, *answered]).encode()


def write_har() -> bytes:
    """
    Return the HAR that a browser recorded.

    The vendor's host and fixed times are put in. What differs between two runs is left out.
    """
    with _sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        _record(sandbox, Path(folder) / "raw.har")
        text = (Path(folder) / "raw.har").read_text(encoding="utf-8")
        text = text.replace(sandbox.url, HOST).replace(
            sandbox.url.removeprefix("http://"), HOST.removeprefix("https://")
        )
    log = json.loads(text)["log"]
    calls = [entry for entry in log["entries"] if "/xms/" in entry["request"]["url"]]
    log = {
        "version": log["version"],
        "creator": log["creator"],
        "browser": log["browser"],
        "entries": [*map(_steady, range(len(calls)), calls)],
    }
    return (json.dumps({"log": log}, ensure_ascii=False, indent=1) + "\n").encode()


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "calls": ("calls.jsonl.gz", write_calls),
    "curl": ("requests.sh", write_requests),
    "har": ("browser.har", write_har),
}


def main(names: Iterable[str]) -> None:
    """Write the files that are named, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or FILES:
        file, make = FILES[name]
        (FOLDER / file).write_bytes(content := make())
        print(f"{file}: {len(content):,} bytes")


def _sandbox() -> Sandbox:
    sandbox = Sandbox(seed=TICKET)
    sandbox.clock.freeze(NOW)
    sandbox.account(PLAN, token=TOKEN)
    return sandbox


def _answer(sandbox: Sandbox, command: str) -> str:
    wrapper = 'curl() { command curl --noproxy "*" --silent --write-out "\\n%{http_code}" "$@"; }'
    script = f"{wrapper}\nTOKEN={TOKEN}\n{command}\n".replace(HOST, sandbox.url)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    code = re.search(r'"code":"(\w+)"', body)
    return f"{status} {code[1]}" if code else status


def _record(sandbox: Sandbox, path: Path) -> None:
    from playwright.sync_api import sync_playwright

    browser_path = (
        os.environ.get("SINCHTOOLS_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("google-chrome")
    )
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"]) as browser,
    ):
        context = browser.new_context(
            record_har_path=path, record_har_content="embed", locale="en-GB"
        )
        page = context.new_page()
        page.route(
            f"{sandbox.url}/shop", lambda route: route.fulfill(body=PAGE, content_type="text/html")
        )
        page.goto(f"{sandbox.url}/shop")
        for method, below, headers, body in FETCHES:
            page.evaluate(
                FETCH,
                [
                    method,
                    f"{sandbox.url}/xms/v1/{PLAN}{below}",
                    {"Authorization": f"Bearer {TOKEN}", **headers},
                    body,
                ],
            )
        context.close()  # writes the HAR


def _steady(number: int, entry: dict[str, Any]) -> dict[str, Any]:
    took_ms = 40 + 7 * number
    kept = {name: value for name, value in entry.items() if name not in VOLATILE}
    sizes = {"headersSize": -1, "bodySize": -1}  # they count the digits of a port
    answer = {name: value for name, value in kept["response"].items() if name != "_transferSize"}
    return {
        **kept,
        "startedDateTime": (NOW + timedelta(seconds=8 * number))
        .isoformat()
        .replace("+00:00", ".000Z"),
        "time": took_ms,
        "timings": {"send": 0, "wait": took_ms, "receive": 0},
        "request": {**kept["request"], **sizes},
        "response": {**answer, **sizes},
    }


if __name__ == "__main__":
    main(sys.argv[1:])

"""What bash and curl really send is what our reading of the command says."""

import base64
import random
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import urlsplit

import pytest

from sinchtools.core.records import Exchange, header
from sinchtools.evidence import read
from sinchtools.evidence.exports import to_curl
from sinchtools.evidence.formats import curl
from sinchtools.evidence.pieces import Piece
from tests.conftest import FULL
from tests.support.present import present

COMMANDS = 1_000 if FULL else 50
LETTERS = "abcXYZ019 \t'\"\\$`!*?[]{}()<>|&;#~%^=+,.:/@-_éß\u4e2d\U0001f600\n"
TARGETS = (
    "",
    "/x",
    "/x?a=1&b=2",
    "/xms/v1/p/batches?to=%2B15551230001",
    "/a%20b/c",
    "/x?a=\\[1\\]",
    "/x?q=a+b#part",
)
HEADER_LETTERS = LETTERS.replace("\n", "").replace("\t", "").replace("@", "")
OF_CURL = {
    "host",
    "user-agent",
    "accept",
    "content-length",
    "expect",
    "connection",
    "accept-encoding",
}  # what curl adds of its own

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl"
)


class Recorder:
    """A server on loopback that keeps each request byte for byte and answers 200."""

    def __enter__(self) -> Self:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                self.requests.append(self.request(stream, connection))
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )

    @staticmethod
    def request(
        stream: BinaryIO, connection: socket.socket
    ) -> tuple[str, str, dict[str, str], bytes]:
        method, target, _ = stream.readline().decode("utf-8").split(" ", 2)
        headers: dict[str, str] = {}
        while line := stream.readline().decode("utf-8", "surrogateescape").rstrip("\r\n"):
            name, _, value = line.partition(":")
            name = next((known for known in headers if known.lower() == name.lower()), name)
            headers[name] = (
                f"{headers[name]}, {value.strip(' ')}" if name in headers else value.strip(" ")
            )
        if "100-continue" in (header(headers, "expect") or ""):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return method, target, headers, stream.read(int(header(headers, "content-length") or 0))


def command(chance: random.Random, url: Any, folder: Any) -> str:
    """Return a random curl command to `url`, its words quoted in random ways."""
    target = url + chance.choice(TARGETS)
    value = text(chance, HEADER_LETTERS).strip()
    options = [
        [chance.choice(["-s", "-sS", "-sSL", "--silent --show-error", "-sk"])],
        chance.choice([[], [], ["-X", "PUT"], ["-XPATCH"], ["--request", "DELETE"], ["-X POST"]]),
        [quoted(chance, target, all_of_it=True)],
        [
            chance.choice(["-H", "--header"]),
            quoted(chance, f"X-{chance.choice('abc')}: {value}" if value else "X-Empty;"),
        ],
        *chance.sample(
            [
                [
                    chance.choice(["-u", "--user"]),
                    quoted(chance, f"me:{text(chance, HEADER_LETTERS)}x"),
                ],
                ["-b", quoted(chance, "sid=1; a=b")],
                ["-A", quoted(chance, "tool/1 (x)")],
                ["--oauth2-bearer", "abc123"],
                ["-e", "http://a.example/"],
                ["--compressed"],
                ["--url-query", "z=1"],
                ["-H", "'Content-Type: application/json'"],
                ["-H", "'Content-Type:'"],
                ["-r", "0-9"],
            ],
            chance.randrange(3),
        ),
        data(chance, folder),
    ]
    heredoc = options[-1] == ["-d @- <<'EOF'"]
    chance.shuffle(options)
    words = [word for option in options for word in option]
    line = (
        "curl "
        + "".join(word + chance.choice([" ", " ", "  ", " \\\n  "]) for word in words).rstrip(
            " \\\n"
        )
        + "\n"
    )
    return line + '{"to": ["+15551230001"], "body": "$1 `x` \\n"}\nEOF\n' * heredoc


def data(chance: random.Random, folder: Path) -> list[str]:
    kind = chance.randrange(9)
    names = ["-d", "--data", "--data-raw", "--data-binary", "--data-ascii"]
    if kind < 3:
        more = [chance.choice(names), quoted(chance, "b=" + text(chance, LETTERS))] if kind else []
        return [chance.choice(names), quoted(chance, text(chance, LETTERS).lstrip("@")), *more]
    if kind == 3:
        content = text(chance, LETTERS.replace("=", "").replace("@", ""))
        return [
            *chance.choice([[], ["-G"]]),
            "--data-urlencode",
            quoted(chance, chance.choice(["name=", "=", ""]) + content + ".x"),
        ]
    if kind == 4:
        return [
            "--json",
            quoted(
                chance,
                '{"to":["+15551230001"],"body":"'
                + text(chance, LETTERS.replace('"', "").replace("\\", ""))
                + '"}',
            ),
        ]
    if kind == 5:
        content = text(chance, LETTERS + "\r\n") + "x"
        (folder / "body.txt").write_bytes(content.encode())
        return [
            chance.choice(["-d", "--data-binary", "--json", "--data-urlencode"]),
            chance.choice(["@body.txt", "'@body.txt'", '"@./body.txt"']),
        ]
    return ["-d @- <<'EOF'"] if kind == 6 else []


def text(chance: random.Random, letters: Any) -> str:
    return "".join(chance.choices(letters, k=chance.choice([0, 1, 5, 20])))


def quoted(chance: random.Random, value: str, *, all_of_it: bool = False) -> str:
    """Return a word that bash makes `value` of, its parts quoted in different ways."""
    parts = [value]
    if not all_of_it:
        longest = chance.choice([3, 8, 100])
        parts = re.findall(rf"[\s\S]{{1,{longest}}}", value)
    return "".join(chance.choice(QUOTINGS)(part) for part in parts) or "''"


def double_quoted(part: Any) -> str:
    return '"' + re.sub(r"([$`\"\\])", r"\\\1", part) + '"'


def ansi_c_quoted(part: Any) -> str:
    return (
        "$'"
        + "".join(
            c
            if c.isalnum() and c.isascii()
            else f"\\x{ord(c):02x}"
            if c.isascii()
            else f"\\U{ord(c):08x}"
            for c in part
        )
        + "'"
    )


def escaped(part: Any) -> str:
    return "".join(
        c if re.fullmatch(r"[\w./:=+,-]", c, re.ASCII) else "'\n'" if c == "\n" else f"\\{c}"
        for c in part
    )


def single_quoted(part: str) -> str:
    return "'" + part.replace("'", "'\\''") + "'"


QUOTINGS = (single_quoted, single_quoted, double_quoted, ansi_c_quoted, escaped)


def run(script: Any, folder: Any) -> Any:
    environment = {"LC_ALL": "C.UTF-8", "HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/local/bin"}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def as_parsed(exchange: Exchange) -> tuple[Any, str, dict[str, str], Any]:
    """Return what an exchange says will be sent, as the recorder writes it."""
    parts = urlsplit(present(exchange.url))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    body = exchange.request_body or b""
    body = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    return exchange.method, plain(target), compared(exchange.request_headers), body


def plain(target: Any) -> str:
    """
    Return the target with its escapes in capitals.

    Curl's own are small in a query that -G makes.
    """
    return re.sub("%[0-9a-f]{2}", lambda match: match[0].upper(), target)


def compared(headers: Any) -> dict[str, str]:
    return {
        name.lower(): value.strip()
        for name, value in headers.items()
        if name.lower() not in OF_CURL
    }


@pytest.mark.parametrize("first", range(0, COMMANDS, 50))
def test_curl_sends_what_our_reading_says(first: int, tmp_path: Path) -> None:
    with Recorder() as recorder:
        for seed in range(first, first + 50):
            script = command(random.Random(seed), recorder.url, tmp_path)
            recorder.requests.clear()
            done = run(script, tmp_path)
            assert len(recorder.requests) == 1, (seed, script, done.stderr)
            method, target, headers, body = recorder.requests[0]
            exchanges = [one.exchange for one in curl.find(Piece("paste", script, files=tmp_path))]
            assert [as_parsed(exchange) for exchange in exchanges] == [
                (method, plain(target), compared(headers), body)
            ], (seed, script)


def test_bash_and_curl_send_what_an_export_says(tmp_path: Path) -> None:
    with Recorder() as recorder:
        for seed in range(10):
            first = read(
                command(random.Random(seed), recorder.url, tmp_path) + "\n", files=tmp_path
            )[0]
            recorder.requests.clear()
            run(f"{to_curl(first)} -s", tmp_path)
            method, target, headers, body = recorder.requests[0]
            assert (method, plain(target), compared(headers), body) == as_parsed(first)


def test_a_pair_of_credentials_is_sent_as_base64(tmp_path: Path) -> None:
    with Recorder() as recorder:
        run(f"curl -s -u 'me:{{x}}' {recorder.url}", tmp_path)
        assert (
            recorder.requests[0][2]["Authorization"]
            == "Basic " + base64.b64encode(b"me:{x}").decode()
        )

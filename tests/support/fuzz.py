"""
A mutation fuzzer over samples of every form.

`python -m tests.support.fuzz 1000000` reads a million inputs, `... 1000 52000` a thousand from the
52,000th on.

An input is made from its number alone, so a failure is repeated by its number. Held are: nothing is
raised, no reader stops half-way, the result can be shown, a reading takes less than ten seconds and
the process less than a gigabyte.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import resource
import signal
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from sinchtools.evidence import FORMATS, read
from tests.support.evidence import CURL, ERROR_BODY, SECRET_PLACES

SECONDS, MEGABYTES = 10, 1024
SAMPLES = [
    text.encode("utf-8", "surrogatepass") for text in (*SECRET_PLACES.values(), CURL, ERROR_BODY)
]
TOKENS = [
    b"'",
    b'"',
    b"\\",
    b"^",
    b"`",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"$(",
    b"@{",
    b"<<EOF\n",
    b">",
    b"&",
    b"|",
    b";",
    b"#",
    b"=",
    b":",
    b",",
    b"%",
    b"<",
    b"\t",
    b"\n",
    b"\r\n",
    b"\\\n",
    b"^\n",
    b"`\n",
    b" -d ",
    b" -H ",
    b" -K ",
    b'\\"',
    b'""',
    b"\\\\",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\xe2\x80\x9c",
    b"\xc2\xa0",
    b"\xef\xbb\xbf",
    b"NaN",
    b"1e999",
    b"-0",
    b"9" * 30,
    b"null",
    b"[]",
    b'"log":{',
    b'"entries":[',
    b"curl ",
    b"HTTP/1.1 ",
    b"GET / ",
    b"\n\n",
    b"#Fields: ",
    b"Error 403",
    b"eyJa.b.c",
    b"token=",
    b"Bearer ",
    b"[secret opaque 3 #1]",
    b"://",
    b"2024-05-01T10:00:00",
    b"9999-99-99",
    b"status=",
    b"Invoke-WebRequest ",
    b"@/etc/passwd",
    b"{{a}}",
    b"$'\\x",
]


def made(number: int) -> tuple[bytes | str, str | None]:
    """Return the input of a number, and the format that is forced on it, if any."""
    chance = random.Random(number)
    data = bytearray(chance.choice(SAMPLES))
    for _ in range(chance.choice((1, 1, 2, 3, 8, 30))):
        chance.choice(MUTATIONS)(data, chance)
    form = chance.choice([*FORMATS]) if chance.random() < 0.1 else None
    shape = chance.random()
    if shape < 0.02:
        return gzip.compress(bytes(data))[: chance.randrange(1, 4000)], form
    if shape < 0.04:
        return zipped(bytes(data), chance), form
    if shape < 0.5:
        return "\n" + data.decode("utf-8", "surrogateescape"), form
    return bytes(data), form


def zipped(data: bytes, chance: random.Random) -> bytes:
    """Return a zip archive, often a damaged one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(chance.choice(["../a.har", "/etc/passwd", "a\\b.txt", "x" * 300]), data)
    damaged = bytearray(packed.getvalue())
    if chance.random() < 0.5:
        _overwrite(damaged, chance)
    return bytes(damaged)


def check(number: int) -> None:
    """Read the input of a number and hold what must hold."""
    source, form = made(number)
    evidence = read(source, format=form)
    json.dumps(evidence.as_json(), allow_nan=False).encode()
    evidence._repr_html_().encode()
    assert not [
        skipped for skipped in evidence.skipped if form is None and "stopped here" in skipped.reason
    ]


class HangError(BaseException):
    """A reading took too long; no `except Exception` swallows it."""


@contextmanager
def bounded() -> Iterator[None]:
    """Raise HangError when what is inside takes too long."""

    def give_up(*_: object) -> None:
        raise HangError(f"more than {SECONDS} seconds")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _cut(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    del data[start : start + chance.choice((1, 1, 5, 50))]


def _end(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _overwrite(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _insert(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    data[start:start] = chance.choice(TOKENS) * chance.choice((1, 1, 1, 2, 3, 200))


def _repeat(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    data[start:start] = (
        data[start : start + chance.choice((1, 3, 20, 100))] * chance.choice((1, 2, 50, 500))
        if len(data) < 100_000
        else b""
    )


def _splice(data: bytearray, chance: random.Random) -> None:
    other = chance.choice(SAMPLES)
    start = _place(data, chance)
    data[start : start + chance.choice((0, 10, 1000))] = other[_place(other, chance) :]


def _swap_lines(data: bytearray, chance: random.Random) -> None:
    lines = data.split(b"\n")
    chance.shuffle(lines)
    data[:] = b"\n".join(lines)


def _place(data: bytes | bytearray, chance: random.Random) -> int:
    return chance.randrange(len(data) + 1)


MUTATIONS = (_cut, _end, _overwrite, _insert, _insert, _repeat, _splice, _swap_lines)


def main(count: int, first: int = 0) -> int:
    """
    Read `count` inputs; print each number that fails and the most memory that was used.

    1 when one failed.
    """
    failed = 0
    for number in range(first, first + count):
        try:
            with bounded():
                check(number)
        except (Exception, HangError) as error:
            failed += 1
            print(number, type(error).__name__, str(error)[:200], flush=True)
        if number % 10_000 == 0:
            print(f"... {number:,}", file=sys.stderr, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{count:,} inputs, {failed} failed, at most {peak} MB")
    return int(failed > 0 or peak > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

"""The samples with short logs, for tests that look at the way and not at the numbers."""

import gzip
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOOKED_AT = (b"syntax_invalid_json", b"missing_callback_url")  # the notebooks look at these rows


def short_samples(folder: Path) -> Path:
    """Copy data/samples into a folder; of its logs a twentieth and the rows that are looked at."""
    shutil.copytree(ROOT / "data" / "samples", folder)
    calls, log = folder / "calls.jsonl.gz", folder / "tickets" / "log.jsonl"
    lines = gzip.decompress(calls.read_bytes()).splitlines(keepends=True)
    calls.write_bytes(gzip.compress(b"".join(_few(lines))))
    log.write_bytes(b"".join(_few(log.read_bytes().splitlines(keepends=True))))
    return folder


def _few(lines: Iterable[bytes]) -> Iterator[bytes]:
    for n, line in enumerate(lines):
        if n % 20 == 0 or any(word in line for word in LOOKED_AT):
            yield line

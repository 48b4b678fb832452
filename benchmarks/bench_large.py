"""
Change points and causes of a large log beside its error distribution, on the same file.

The error distribution is what a reader sees: the chart of error codes. The bare count by status and
code is printed too. It reads two columns, where a pattern must read six: of a Parquet file, which
keeps each column apart, those six alone take more than twice as long.

2 million rows, 10 with SINCHTOOLS_FULL=1, and a fifth of them to see the memory grow. CPU seconds,
as the machine may be busy. Each way runs in processes of its own, in turn, after a log of 20,000
rows, and the best counts. The floor is one plain SQL query on the same file: how many rows there
are per interval, status, code, account, endpoint and region.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROWS = 10_000_000 if os.environ.get("SINCHTOOLS_FULL") == "1" else 2_000_000
MOST, MOST_MEMORY, TURNS, WARM = 2.5, 1.2, 3, 20_000
FLOOR = """SELECT epoch_us("at") // 21600000000 AS b, status, code, account, endpoint, region,
    count(*) AS n, min("at") AS first, max("at") AS last FROM {} GROUP BY ALL"""
MAKE = """
COPY (SELECT * EXCLUDE (r, broken),
    CASE WHEN broken THEN 400 WHEN r = 0 THEN 403 WHEN r = 1 THEN 429 WHEN r = 2 THEN 500
        ELSE 201 END AS status,
    CASE WHEN broken THEN 'syntax_invalid_parameter_format'
        WHEN r = 0 THEN 'missing_callback_url' END AS code
FROM (SELECT 'x' || i AS id,
    TIMESTAMPTZ '2024-06-01 00:00:00Z'
        + to_microseconds((i * 1728000000000.0 / {rows})::BIGINT) AS "at",
    'POST' AS method, 'us' AS region, 'plan-' || hash(i, 1) % 20 AS account,
    CASE hash(i) % 3 WHEN 0 THEN 'POST /batches' WHEN 1 THEN 'GET /batches/{{batch_id}}'
        ELSE 'GET /inbounds' END AS endpoint,
    (hash(i, 3) % 100000) / 100 AS elapsed_ms,
    hash(i, 2) % 10 AS r,
    i > 0.6 * {rows} AND hash(i, 1) % 20 = 7 AND hash(i) % 3 = 0 AND hash(i, 4) % 10 < 7 AS broken
FROM range({rows}) AS t(i))) TO '{path}' (FORMAT {format})
"""
CHART = "error_codes chart"
WAYS = ("codes", "plain SQL", CHART, "pattern")


def run(way: str, path: str) -> dict[str, Any]:
    """Return the CPU seconds and the peak memory of one way, without imports."""
    import scipy.stats  # noqa: F401

    _of(way, str(Path(path).with_stem("warm")))
    before, cpu = time.perf_counter(), time.process_time()
    said = _of(way, path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"s": time.perf_counter() - before, "cpu": time.process_time() - cpu, "mb": peak,
            "said": said}  # fmt: skip


def _of(way: str, path: str) -> str:
    import duckdb

    from sinchtools import analysis, charts
    from sinchtools.evidence import scan

    is_json = path.endswith(".jsonl")
    if way == "plain SQL":
        kind = "read_json" if is_json else "read_parquet"
        query = FLOOR.format(f"{kind}('{path}')")
        return str(duckdb.connect().execute(f"SELECT count(*), max(n) FROM ({query})").fetchall())
    rows = scan(path) if is_json else duckdb.connect().read_parquet(path)
    if way == "codes":
        return str(len(analysis.codes(rows)))
    return charts.error_codes(rows).title if way == CHART else analysis.pattern(rows).sentence


def main() -> int:
    """Print the figures; the exit code says whether a bound was missed."""
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in (("log.jsonl", "JSON"), ("log.parquet", "PARQUET")):
            fifth = _measured(Path(folder) / name, kind, ROWS // 5, turns=1)["pattern"]["mb"]
            found = _measured(Path(folder) / name, kind, ROWS, turns=TURNS)
            print(f"{name}, {ROWS:,} rows; the pattern is change points, causes and sentence")
            for way, one in found.items():
                of_count, of_chart = (one["cpu"] / found[x]["cpu"] for x in ("codes", CHART))
                print(f"  {way:18} CPU {one['cpu']:6.2f} s  {of_count:5.2f} x codes  "
                      f"{of_chart:5.2f} x chart  wall {one['s']:6.2f} s  "
                      f"peak {one['mb']:6,.0f} MB", flush=True)  # fmt: skip
            print(f"  {found['pattern']['said']}")
            print(f"  a fifth of the rows: pattern peak {fifth:,.0f} MB")
            is_fast = found["pattern"]["cpu"] <= MOST * found[CHART]["cpu"]
            is_flat = found["pattern"]["mb"] <= MOST_MEMORY * fifth
            missed |= not (is_fast and is_flat)
            print(f"bound {_word(is_fast)}: {name}, pattern at most {MOST} times the chart of "
                  "the error distribution")  # fmt: skip
            print(f"bound {_word(is_flat)}: {name}, five times the rows, at most {MOST_MEMORY} "
                  "times the memory")  # fmt: skip
    return int(missed)


def _word(held: bool) -> str:
    return "held" if held else "MISSED"


def _measured(path: Path, kind: str, rows: int, turns: int) -> dict[str, dict[str, Any]]:
    """Make a file of so many rows, and return the best of each way."""
    import duckdb

    for file, count in ((path.with_stem("warm"), WARM), (path, rows)):
        duckdb.connect().execute(MAKE.format(rows=count, path=file, format=kind))
    runs = [{way: _fresh(way, path) for way in WAYS} for _ in range(turns)]
    path.unlink()
    return {way: {**min((run[way] for run in runs), key=lambda one: one["cpu"]),
                  "s": min(run[way]["s"] for run in runs)} for way in WAYS}  # fmt: skip


def _fresh(way: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, way, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(run(*sys.argv[1:])))
    else:
        sys.exit(main())

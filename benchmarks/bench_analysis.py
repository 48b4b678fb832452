"""
Error distribution and timeline of a slim access log (9 columns) beside bare DuckDB SQL and pandas.

2 million rows, 10 with SINCHTOOLS_FULL=1.
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
GIVEN, CHOSEN, SCANNED = "ours, interval given", "ours, interval chosen", "ours on st.scan, given"
ALL = ("bare", GIVEN, CHOSEN)
TYPES = {
    "id": "VARCHAR",
    "at": "TIMESTAMPTZ",
    "method": "VARCHAR",
    "endpoint": "VARCHAR",
    "region": "VARCHAR",
    "account": "VARCHAR",
    "status": "SMALLINT",
    "code": "VARCHAR",
    "elapsed_ms": "DOUBLE",
}
MAKE = """
COPY (SELECT 'x' || i AS id,
    TIMESTAMPTZ '2024-06-01 00:00:00Z'
        + to_microseconds((i * 864000000000.0 / {rows})::BIGINT) AS "at",
    'POST' AS method,
    CASE hash(i) % 3 WHEN 0 THEN 'POST /batches' WHEN 1 THEN 'GET /batches/{{batch_id}}'
        ELSE 'GET /inbounds' END AS endpoint,
    'us' AS region,
    'plan-' || hash(i, 1) % 20 AS account,
    (CASE hash(i, 2) % 10 WHEN 0 THEN 403 WHEN 1 THEN 429 WHEN 2 THEN 500
        ELSE 201 END)::SMALLINT AS status,
    CASE hash(i, 2) % 10 WHEN 0 THEN 'missing_callback_url' END AS code,
    (hash(i, 3) % 100000) / 100 AS elapsed_ms
FROM range({rows}) AS t(i)) TO '{path}' (FORMAT {format})
"""
CODES = "SELECT status, code, count(*) AS n FROM {table} GROUP BY ALL ORDER BY n DESC"
TIMELINE = (
    'SELECT time_bucket(INTERVAL 1 HOUR, "at") AS start, status, code, count(*) AS n '
    "FROM {table} GROUP BY ALL ORDER BY ALL"
)


def run(how: str, path: str) -> dict[str, float]:
    """
    Run both aggregations in this process.

    Measure the seconds and CPU seconds without imports, and the peak memory in MB. Each way counts
    one row first.
    """
    aggregate(how, str(Path(path).with_stem("one-row")))
    before, cpu = time.perf_counter(), time.process_time()
    aggregate(how, path)
    seconds = {"s": time.perf_counter() - before, "cpu_s": time.process_time() - cpu}
    return {**seconds, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def aggregate(how: str, path: str) -> None:
    """Count by status and code, and by hour, status and code."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{Path(path).parent}'; SET memory_limit = '400MB'")
    is_json = path.endswith(".jsonl")
    columns: Any = TYPES
    if how == "pandas":
        in_pandas(path)
    elif how == "bare":
        table = (
            f"read_json('{path}', columns={columns}, format='newline_delimited')"
            if is_json
            else f"'{path}'"
        )
        connection.sql(CODES.format(table=table)).df()
        connection.sql(TIMELINE.format(table=table)).df()
    else:
        from sinchtools import analysis
        from sinchtools.evidence import scan

        if how == SCANNED:  # it also drops secrets, and reads times of any form
            relation = scan(path)
        else:
            relation = (
                connection.read_json(path, columns=columns, format="newline_delimited")
                if is_json
                else connection.read_parquet(path)
            )
        analysis.codes(relation)
        analysis.timeline(relation, None if how == CHOSEN else "1h")


def in_pandas(path: str) -> None:
    """
    Do the same as the tutorials of pandas do.

    Read the whole file into memory, then count twice. Resample would take five times as long as a
    Grouper.
    """
    import pandas as pd

    frame = pd.read_json(path, lines=True)
    frame["at"] = pd.to_datetime(frame["at"], utc=True, format="ISO8601")
    frame[["status", "code"]].value_counts(dropna=False)
    frame.groupby([pd.Grouper(key="at", freq="1h"), "status", "code"], dropna=False).size()


def fresh(hows: tuple[str, ...], path: Path, script: str = __file__) -> dict[str, dict[str, float]]:
    """
    Run each in fresh processes and return the best of three.

    Take turns, so that other load on the machine affects all of them alike.
    """
    runs: dict[str, list[dict[str, float]]] = {how: [] for how in hows}
    for how in (how for turn in range(3) for how in hows if turn == 0 or how != "pandas"):
        command = [sys.executable, script, how, str(path)]
        runs[how].append(
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        )
    return {how: min(done, key=lambda one: one["s"]) for how, done in runs.items()}


def measured(
    path: Path, kind: str, rows: int, hows: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """Make the file, run each way on it, and print the figures beside the first one's."""
    import duckdb

    for name, count in ((path.with_stem("one-row"), 1), (path, rows)):
        duckdb.connect().execute(MAKE.format(rows=count, path=name, format=kind))
    found = fresh(hows, path)
    show(path, rows, found)
    path.unlink()
    return found


def show(path: Path, rows: int, found: dict[str, dict[str, float]]) -> None:
    """Print what each way costs, beside the first."""
    print(f"{path.name}, {rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
    least = next(iter(found.values()))["s"]
    for how, done in found.items():
        print(
            f"  {how:22} {done['s']:7.2f} s  {done['s'] / least:5.2f} x  "
            f"CPU {done['cpu_s']:7.2f} s  peak {done['mb']:6,.0f} MB",
            flush=True,
        )


def main() -> int:
    """Print the figures; the exit code says whether a bound was missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parquet = measured(folder / "log.parquet", "PARQUET", ROWS, ALL)
        json_lines = measured(folder / "log.jsonl", "JSON", ROWS, (*ALL, SCANNED))
        small = measured(folder / "small.jsonl", "JSON", min(ROWS, 2_000_000), (CHOSEN, "pandas"))
        grown = measured(folder / "five-times.parquet", "PARQUET", 5 * ROWS, (CHOSEN,))
    bounds = {
        "Parquet beside bare DuckDB, at most 1.3": max(parquet[how]["s"] for how in ALL)
        / parquet["bare"]["s"]
        <= 1.3,
        "JSON Lines beside bare DuckDB, at most 1.4": max(one["s"] for one in json_lines.values())
        / json_lines["bare"]["s"]
        <= 1.4,
        "JSON Lines, at most 500 MB": max(one["mb"] for one in json_lines.values()) <= 500,
        "JSON Lines, at least 8 times faster than pandas": small["pandas"]["s"] / small[CHOSEN]["s"]
        >= 8,
        "five times the rows, at most 1.2 times the memory": grown[CHOSEN]["mb"]
        / parquet[CHOSEN]["mb"]
        <= 1.2,
    }
    for words, held in bounds.items():
        print(f"bound {'held' if held else 'MISSED'}: {words}")
    return int(not all(bounds.values()))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(run(*sys.argv[1:])))
    else:
        sys.exit(main())

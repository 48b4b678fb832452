"""
Error distribution and timeline of foreign logs through `st.scan`, beside DuckDB SQL by hand.

2 million lines each, 10 with SINCHTOOLS_FULL=1; another number is SINCHTOOLS_ROWS. One line in 50
of the JSON is no call. The SQL by hand knows the file: names, types, form of time, and that each
line with a URL is a call. It looks for no secrets.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.bench_analysis import CODES, TIMELINE, fresh, show

FULL = 10_000_000 if os.environ.get("SINCHTOOLS_FULL") == "1" else 2_000_000
ROWS = int(os.environ.get("SINCHTOOLS_ROWS", FULL))
HAND, OURS = "SQL by hand", "ours on st.scan"
MOMENT = "TIMESTAMP '2026-06-01' + to_microseconds((i * 864000000000.0 / {rows})::BIGINT)"
STATUS = "CASE hash(i, 2) % 10 WHEN 0 THEN 403 WHEN 1 THEN 429 WHEN 2 THEN 500 ELSE 201 END"
PLAN = "/xms/v1/plan' || hash(i, 1) % 20 || '/batches"
JSON = f"""
COPY (SELECT strftime({MOMENT}, '%Y-%m-%dT%H:%M:%S.%gZ') AS "time", 'info' AS level,
    CASE WHEN i % 50 THEN {{{{method: 'POST', url: 'https://us.sms.api.sinch.com{PLAN}',
        headers: {{{{'user-agent': 'shop/2.1'}}}}}}}} END AS req,
    CASE WHEN i % 50 THEN {{{{statusCode: s, body: CASE s
        WHEN 403 THEN '{{{{"code": "unknown_campaign", "text": "No campaign ' || i || '"}}}}'
        WHEN 429 THEN '{{{{"code": "too_many_requests", "text": "Slow down"}}}}'
        WHEN 500 THEN '' ELSE '{{{{"id": "01HX' || i || '", "to": ["46701234567"]}}}}' END}}}} END
        AS res,
    hash(i, 3) % 1000 AS responseTime, 'request completed' AS msg
FROM (SELECT i, {STATUS} AS s FROM range({{rows}}) AS t(i))) TO '{{path}}' (FORMAT JSON)
"""
COMBINED = f"""
COPY (SELECT '203.0.113.' || hash(i) % 250 || ' - - ['
    || strftime({MOMENT}, '%d/%b/%Y:%H:%M:%S') || ' +0000] "POST {PLAN} HTTP/1.1" '
    || {STATUS} || ' ' || hash(i, 4) % 900 || ' "-" "python-requests/2.31"'
FROM range({{rows}}) AS t(i))
TO '{{path}}' (FORMAT csv, HEADER false, DELIM '\x01', QUOTE '', ESCAPE '')
"""
BY_HAND = {
    "nested.jsonl": """
(SELECT "time" AS "at", res.statusCode AS status,
    CASE WHEN res.statusCode >= 400 AND res.body LIKE '{{%'
        THEN json_extract_string(res.body, '$.code') END AS code
FROM read_json('{path}', format = 'newline_delimited', columns = {{time: 'TIMESTAMP',
    req: 'STRUCT(method VARCHAR, url VARCHAR)',
    res: 'STRUCT("statusCode" SMALLINT, body VARCHAR)'}})
WHERE req.url IS NOT NULL)""",
    "combined.log": r"""
(SELECT strptime(part['at'], '%d/%b/%Y:%H:%M:%S %z') AS "at",
    CAST(part['status'] AS SMALLINT) AS status, NULL AS code
FROM (SELECT regexp_extract(line, '^\S+ \S+ \S+ \[([^\]]+)\] "\S+ \S+ [^"]*" (\d{{3}}) ',
        ['at', 'status']) AS part
    FROM read_csv('{path}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '',
        escape = '', header = false, auto_detect = false)))""",
}


def run(how: str, path: str) -> dict[str, float]:
    """Count by status and code, and by hour; return seconds, CPU seconds and peak memory in MB."""
    aggregate(how, str(Path(path).with_stem("one-row-" + Path(path).stem)))
    before, cpu = time.perf_counter(), time.process_time()
    aggregate(how, path)
    seconds = {"s": time.perf_counter() - before, "cpu_s": time.process_time() - cpu}
    return {**seconds, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def aggregate(how: str, path: str) -> None:
    """Count by status and code, and by hour, status and code."""
    import warnings

    import duckdb

    from sinchtools import analysis
    from sinchtools.evidence import scan

    if how == OURS:
        warnings.simplefilter("ignore")  # what was taken for what
        relation = scan(path)
        analysis.codes(relation)
        analysis.timeline(relation, "1h")
        return
    connection = duckdb.connect()
    table = BY_HAND[Path(path).name.removeprefix("one-row-")].format(path=path)
    connection.sql(CODES.format(table=table)).df()
    connection.sql(TIMELINE.format(table=table)).df()


def main() -> int:
    """Print the figures; the exit code says whether a bound was missed."""
    import duckdb

    held = True
    with tempfile.TemporaryDirectory() as folder:
        for name, made in (("nested.jsonl", JSON), ("combined.log", COMBINED)):
            path = Path(folder, name)
            for file, rows in ((path.with_stem(f"one-row-{path.stem}"), 2), (path, ROWS)):
                duckdb.connect().execute(made.format(path=file, rows=rows))
            found = fresh((HAND, OURS), path, __file__)
            show(path, ROWS, found)
            path.unlink()
            is_held = found[OURS]["s"] <= 1.5 * found[HAND]["s"] and found[OURS]["mb"] <= 500
            print(f"bound {'held' if is_held else 'MISSED'}: at most 1.5 x and 500 MB")
            held = held and is_held
    return int(not held)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(run(*sys.argv[1:])))
    else:
        sys.exit(main())

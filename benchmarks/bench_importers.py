"""
Measure how fast evidence is read.

A HAR of 100 MB is compared with `json.load` and haralyzer. 1 GB of JSON Lines through `st.scan` is
compared with bare DuckDB and pandas. Ten million lines of another logger and of an access log are
compared with SQL written by hand for them.

Every secret is looked for in every body. Each figure comes from a process of its own, the best of
some; pandas reads a slice, once, scaled up.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

HAR_BYTES, JSONL_BYTES, SLICE = 100_000_000, 1_000_000_000, 10
FOREIGN_ROWS, FOREIGN_BOUND = 10_000_000, 1.5
HAR_BOUND, SCAN_BOUND, PANDAS_BOUND, MEMORY_BOUND_MB = 6.0, 1.4, 8.0, 500
COUNT = "SELECT status, code, count(*) AS n FROM {} GROUP BY ALL ORDER BY n DESC"


def by_json(path: Path) -> None:
    """Read the HAR without looking at anything."""
    with path.open(encoding="utf-8") as file:
        json.load(file)


def by_read(path: Path) -> None:
    """Read the HAR as rows without secrets, and pick the failing ones by class."""
    import sinchtools as st

    evidence = st.read(path)
    assert evidence.secrets_removed > 1000
    assert evidence.failures
    assert len(evidence.failing())


def by_haralyzer(path: Path) -> None:
    """
    Read the HAR with haralyzer and get from each entry what a row of ours has.

    Pick the failing entries by class. Secrets are not removed.
    """
    from haralyzer import HarParser

    with path.open(encoding="utf-8") as file:
        parser = HarParser(json.load(file))
    rows = [
        (
            entry.startTime,
            entry.time,
            entry.request.method,
            entry.request.url,
            entry.request.headers,
            entry.response.status,
            entry.response.headers,
        )
        for page in parser.pages
        for entry in page.entries
    ]
    assert rows
    assert [
        page.filter_entries(status_code=status)
        for page in parser.pages
        for status in ("4.*", "5.*")
    ]


def by_duckdb(path: Path) -> None:
    """Count with bare DuckDB, told the two columns that it needs."""
    import duckdb

    columns = (
        "columns = {'status': 'SMALLINT', 'code': 'VARCHAR'}, format = "
        "'newline_delimited', maximum_object_size = 67108864"
    )
    duckdb.execute(COUNT.format(f"read_json('{path}', {columns})")).fetchall()


def by_scan(path: Path) -> None:
    """Count with `st.scan`."""
    import sinchtools as st

    warnings.simplefilter("ignore")  # that say which column was taken for which
    assert st.scan(path).aggregate("status, code, count(*) AS n").order("n DESC").fetchall()


def by_duckdb_json(path: Path) -> None:
    """Count a logger's nested JSON with bare DuckDB, told where status and body stand."""
    import duckdb

    told = "{'http': 'STRUCT(response STRUCT(status_code SMALLINT, body VARCHAR))'}"
    code = "CASE WHEN s >= 400 THEN body->>'code' END"
    duckdb.execute(
        f"SELECT s, {code} AS code, count(*) FROM (SELECT http.response.status_code AS s, "
        f"http.response.body AS body FROM read_json('{path}', columns = {told}, format = "
        f"'newline_delimited')) GROUP BY ALL"
    ).fetchall()


def by_duckdb_log(path: Path) -> None:
    """Count an access log with bare DuckDB, its fields taken apart by one pattern."""
    import duckdb

    pattern = r'^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d{3}) (\d+)'
    names = "['ip', 'at', 'method', 'url', 'status', 'size']"
    duckdb.execute(
        f"SELECT x.status::SMALLINT, count(*) FROM (SELECT regexp_extract(line, '{pattern}', "
        f"{names}) AS x FROM read_csv('{path}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', "
        f"quote = '', escape = '', header = false, auto_detect = false)) GROUP BY ALL"
    ).fetchall()


def by_pandas(path: Path) -> None:
    """Count with pandas."""
    import pandas as pd

    pd.read_json(path, lines=True).groupby(["status", "code"], dropna=False).size()


def fresh(path: Path, *hows: str, times: int = 5) -> list[dict[str, float]]:
    """
    Run each in fresh processes, in turn, and return the best of each.

    The machine may have other load meanwhile.
    """
    runs: dict[str, list[dict[str, float]]] = {how: [] for how in hows}
    for how in hows * times:
        done = subprocess.run(
            [sys.executable, __file__, how, str(path)], check=True, capture_output=True, text=True
        )
        runs[how].append(json.loads(done.stdout))
    return [min(done, key=lambda one: one["s"]) for done in runs.values()]


def measured(how: str, path: Path) -> dict[str, float]:
    """Do it in this process: the seconds, imports not counted, and the peak memory."""
    import sinchtools as st

    for module in {"pandas": ("pandas",), "haralyzer": ("haralyzer",)}.get(how, ("duckdb",)):
        importlib.import_module(module)
    st.read("GET / HTTP/1.1")  # it loads the readers
    clock = (
        time.process_time if path.suffix == ".har" else time.perf_counter
    )  # one thread does it: what else the machine does is left out
    start = clock()
    globals()[f"by_{how}"](path)
    return {"s": clock() - start, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def write_har(path: Path) -> None:
    """
    Write the HAR of customers' calls, with tokens in headers and bodies.

    Put larger responses between them.
    """
    from sinchtools.evidence import read
    from sinchtools.evidence.exports import to_har
    from tools.traffic import fast_traffic

    rows = json.loads(
        fast_traffic(2_000, seed=1).drop(columns=["at", "outcome"]).to_json(orient="records")
    )
    log: dict[str, Any] = json.loads(to_har(read("\n".join(map(json.dumps, rows)))))
    message = {"to": "15551230001", "body": "Your key is in the mail; pass it on"}
    messages = [{"id": f"01FC66621XXXXX119Z8PMV{i:04}", **message} for i in range(60)]
    for number, entry in enumerate(log["log"]["entries"]):
        entry["request"]["headers"].append(
            {"name": "Authorization", "value": f"Bearer {number:064x}"}
        )
        entry["pageref"] = "page"
        del entry["_sinchtools"]
        if number % 10 == 0:
            entry["response"]["content"] = {
                "mimeType": "application/json",
                "text": json.dumps({"messages": messages, "token": f"{number:032x}"}),
            }
    timings = {"onContentLoad": 1, "onLoad": 1}
    log["log"]["pages"] = [
        {
            "startedDateTime": "2024-06-01T00:00:00Z",
            "id": "page",
            "title": "calls",
            "pageTimings": timings,
        }
    ]
    entries = json.dumps(log["log"].pop("entries"))[1:-1]
    with path.open("w", encoding="utf-8") as file:
        file.write(
            json.dumps(log)[:-2]
            + ', "entries": ['
            + ",\n".join([entries] * (HAR_BYTES // len(entries) + 1))
            + "]}}"
        )


def write_jsonl(path: Path) -> None:
    """
    Write fast traffic to a native file, repeated up to the wanted size.

    Write a slice of it for pandas too.
    """
    import duckdb

    from tools.traffic import fast_traffic

    traffic = fast_traffic(50_000, seed=1)
    connection = duckdb.connect()
    connection.register("traffic", traffic)
    connection.execute(f"COPY (SELECT * FROM traffic) TO '{path}.part' (FORMAT json)")
    part = Path(f"{path}.part").read_bytes()
    copies = JSONL_BYTES // len(part) + 1
    for target, times in ((path, copies), (path.with_suffix(".slice"), max(1, copies // SLICE))):
        with target.open("wb") as file:
            for _ in range(times):
                file.write(part)


def write_foreign(path: Path) -> None:
    """Write calls as another logger or a web server has them: the same 100,000 lines repeated."""
    host = "https://us.sms.api.sinch.com"
    error = json.dumps({"code": "unknown_group", "text": "No such group"})
    lines = []
    for i in range(100_000):
        status, at = (201, 200, 201, 403, 201, 503)[i % 6], f"{i // 3600 % 24:02}:{i // 60 % 60:02}"
        url = f"/xms/v1/plan{i % 90}/batches"
        if path.suffix == ".log":
            line = (
                f'10.0.{i % 99}.7 - - [01/Jun/2024:{at}:{i % 60:02} +0000] "POST {url} HTTP/1.1" '
            )
            lines.append(f'{line}{status} {i % 900} "-" "requests/2.31.0"')
            continue
        response = {"status_code": status, "body": error if status == 403 else '{"id": "01HX"}'}
        http = {"request": {"method": "POST", "url": host + url}, "response": response}
        row = {"timestamp": f"2024-06-01T{at}:{i % 60:02}Z", "level": "info", "http": http}
        lines.append(json.dumps(row | {"duration_ms": i % 900}))
    block = "\n".join(lines) + "\n"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(FOREIGN_ROWS // 100_000):
            file.write(block)


def foreign(folder: Path) -> bool:
    """Measure files of other names against SQL written for them; True when a bound was missed."""
    missed = False
    for name, how in (("calls.json", "duckdb_json"), ("access.log", "duckdb_log")):
        path = folder / name
        write_foreign(path)
        base, ours = fresh(path, how, "scan", times=3)
        print(f"{name}, {FOREIGN_ROWS:,} lines of {path.stat().st_size / 1e6:,.0f} MB, a count")
        say("SQL written for the file", base, base)
        say("st.scan", ours, base)
        missed |= ours["s"] > FOREIGN_BOUND * base["s"] or ours["mb"] > MEMORY_BOUND_MB
        path.unlink()
    print(f"  bounds: {FOREIGN_BOUND} x the SQL, {MEMORY_BOUND_MB} MB")
    return missed


def say(name: str, done: dict[str, float], base: dict[str, float]) -> None:
    """Print one figure."""
    print(
        f"  {name:34} {done['s']:7.2f} s  {done['s'] / base['s']:6.2f} x  "
        f"peak {done['mb']:6,.0f} MB"
    )


def har(folder: Path) -> bool:
    """Measure the HAR; True when a bound was missed."""
    path = folder / "calls.har"
    write_har(path)
    base, ours = fresh(path, "json", "read", times=3)
    print(f"HAR of {path.stat().st_size / 1e6:,.0f} MB")
    say("json.load", base, base)
    say("st.read", ours, base)
    missed = ours["s"] > HAR_BOUND * base["s"]
    if importlib.util.find_spec("haralyzer") is None:
        print("  haralyzer                          not measured: it is not installed")
    else:
        (peer,) = fresh(path, "haralyzer", times=2)
        say("haralyzer", peer, base)
        missed |= ours["s"] > peer["s"]
    print(f"  bounds: {HAR_BOUND} x json.load, faster than haralyzer")
    return missed


def lines(folder: Path) -> bool:
    """Measure the JSON Lines; True when a bound was missed."""
    path = folder / "calls.jsonl"
    write_jsonl(path)
    part = path.with_suffix(".slice")
    scale = path.stat().st_size / part.stat().st_size
    base, ours = fresh(path, "duckdb", "scan")
    (slice_,) = fresh(part, "pandas", times=1)
    print(f"JSON Lines of {path.stat().st_size / 1e6:,.0f} MB, a count by status and code")
    say("bare DuckDB", base, base)
    say("st.scan", ours, base)
    say(
        f"pandas (a slice, times {scale:.1f})", {"s": slice_["s"] * scale, "mb": slice_["mb"]}, base
    )
    print(
        f"  bounds: {SCAN_BOUND} x bare DuckDB, {MEMORY_BOUND_MB} MB, pandas at "
        f"least {PANDAS_BOUND} x of st.scan"
    )
    return (
        ours["s"] > SCAN_BOUND * base["s"]
        or ours["mb"] > MEMORY_BOUND_MB
        or slice_["s"] * scale < PANDAS_BOUND * ours["s"]
    )


def main() -> int:
    """Print the figures; the exit code says whether a bound was missed."""
    with tempfile.TemporaryDirectory() as folder:
        return int(har(Path(folder)) | lines(Path(folder)) | foreign(Path(folder)))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measured(sys.argv[1], Path(sys.argv[2]))))
    else:
        sys.exit(main())

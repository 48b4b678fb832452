"""What `scan` gives of a file is what `read` gives, but for what it holds back."""

import gzip
import json
import warnings

import pandas as pd
import polars as pl
import pytest

import sinchtools as st
from sinchtools.evidence import columns_of, read, scan, unread
from sinchtools.evidence.scanning import SCANNED

COMPARED = [name for name in SCANNED if name not in ("id", "source")]
URL = "https://eu.sms.api.sinch.com/xms/v1/plan7/batches"
ROUTES = ("/batches", "/batches/dry_run", "/batches/01HX{i}", "/groups", "/inbounds", "/nowhere")
ERROR = {403: ("unknown_group", "No such group"), 400: ("syntax_invalid_json", "Not JSON")}


def calls(seed):
    """Return facts of some calls, other ones for each seed."""
    for i in range(12):
        status = (201, 200, 403, 400, 503)[(i * seed + i) % 5]
        code, text = ERROR.get(status, (None, None))
        body = {"code": code, "text": text} if code else {"id": f"01HX{i}"}
        yield {
            "at": f"2024-0{seed + 3}-1{i % 9}T0{i % 10}:3{i % 6}:05.{i}00",
            "method": ("POST", "GET", "DELETE")[(i + seed) % 3],
            "path": "/xms/v1/plan7" + ROUTES[(i + seed) % 6].format(i=i),
            "status": status,
            "body": json.dumps(body),
            "ms": 17 * i * seed + 3,
        }


def own(one, seed):
    row = {"id": f"{seed}-{one['ms']}", "at": one["at"] + "Z", "method": one["method"]}
    row |= {"url": URL[:28] + one["path"], "status": one["status"], "elapsed_ms": one["ms"]}
    return json.dumps(row | ({"response_body": one["body"]} if seed > 1 else {}))


def flat(one, seed):
    names = (
        ("timestamp", "method", "url", "status", "response_body", "duration_ms"),
        ("ts", "http_method", "request_url", "statusCode", "responseBody", "elapsed"),
        ("@timestamp", "verb", "endpoint", "response_status", "resp_body", "latency_s"),
    )[seed - 1]
    at = (one["at"] + "Z", 1717236000123 + one["ms"], one["at"].replace("T", " ").replace(".", ","))
    url = "https://us.sms.api.sinch.com" + one["path"]
    span = (one["ms"], one["ms"] + 0.5, one["ms"] / 1000)
    values = (at[seed - 1], one["method"], url, one["status"], one["body"], span[seed - 1])
    return json.dumps(dict(zip(names, values, strict=True)) | {"level": "info", "logger": "x"})


def nested(one, seed):
    request = {"method": one["method"], "url": "https://br.sms.api.sinch.com" + one["path"]}
    if seed == 1:
        http = {"request": request, "response": {"status_code": one["status"], "body": one["body"]}}
        return json.dumps(
            {"time": one["at"] + "+02:00", "http": http, "duration": f"{one['ms']}ms"}
        )
    if seed == 2:
        response = {"status": one["status"], "data": json.loads(one["body"])}
        told = {"req": request, "res": response, "responseTime": one["ms"]}
        return json.dumps({"time": 1717236000 + one["ms"], "level": 30, "msg": "done", **told})
    message = {"request": request, "response": {"status": one["status"], "body": one["body"]}}
    return json.dumps({"t": one["at"] + "Z", "message": json.dumps(message)})


def dotted(one, seed):
    names = ("http.request.method", "http.response.status_code", "url.full", "event.duration")
    if seed == 1:
        values = (one["method"], one["status"], "https://au.sms.api.sinch.com" + one["path"],
                  one["ms"] * 1_000_000)  # fmt: skip
        told = {"@timestamp": one["at"] + "Z", "http.response.body.content": one["body"]}
        return json.dumps(dict(zip(names, values, strict=True)) | told)
    if seed == 2:
        told = {"req.method": one["method"], "req.path": one["path"], "res.status": one["status"]}
        return json.dumps(told | {"req.host": "eu.sms.api.sinch.com", "time": one["at"] + "Z"})
    told = {"attributes.http.method": one["method"], "attributes.http.target": one["path"]}
    return json.dumps(told | {"attributes.http.status_code": str(one["status"]), "at": one["at"]})


def csv(one, seed, separator=","):
    host = "https://us.sms.api.sinch.com"
    quoted = '"' + one["body"].replace('"', '""') + '"'
    cells = (
        (one["at"] + "Z", one["method"], host + one["path"], one["status"], one["ms"], quoted),
        (one["at"][:10], one["at"][11:19], one["method"], one["path"], one["status"], "-"),
        (one["status"], "x y", one["at"].replace("T", " ")[:19], host + one["path"], one["method"]),
    )[seed - 1]
    return separator.join(map(str, cells))


HEADS = (
    "timestamp,method,url,status,duration_ms,response_body",
    "date,time,verb,path,http_status,note",
    "Status Code,Note,When,URL,Method",
)


def combined(one, seed, host=""):
    at = pd.Timestamp(one["at"]).strftime("%d/%b/%Y:%H:%M:%S")
    line = (
        f"{host}10.1.2.{one['ms'] % 200} - {'-' if seed < 3 else 'jo'} [{at} +0{seed}00] "
        f'"{one["method"]} {one["path"]} HTTP/1.1" {one["status"]} {one["ms"]}'
    )
    more = (' "-" "agent \\"x\\" 1.0"', "", f' "-" "agent/2" {one["ms"] / 1000:.3f}')[seed - 1]
    return line + more


FORMS = {
    "own": ("jsonl", own, None),
    "flat": ("jsonl", flat, None),
    "nested": ("log", nested, None),
    "dotted": ("json", dotted, None),
    "csv": ("csv", csv, lambda seed: HEADS[seed - 1]),
    "tsv": ("tsv", lambda one, seed: csv(one, seed, "\t"),
            lambda seed: HEADS[seed - 1].replace(",", "\t")),
    "combined": ("log", combined, None),
    "vhost": ("txt", lambda one, seed: combined(one, seed, "zt.us.sms.api.sinch.com "), None),
}  # fmt: skip


def text_of(form, seed):
    _, line, head = FORMS[form]
    lines = [line(one, seed) for one in calls(seed)]
    return "\n".join([*([head(seed)] if head else []), *lines]) + "\n"


def scanned(source, **given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scan(source, **given)


def as_rows(lazy):
    found = lazy.project(", ".join(f'"{name}"' for name in COMPARED)).fetchall()
    return [dict(zip(COMPARED, row, strict=True)) for row in found]


def expected(evidence):
    rows = [{name: getattr(x, name) for name in COMPARED} for x in evidence]
    for row in rows:
        row["at"] = row["at"] and row["at"].replace(tzinfo=None)
    return rows


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("form", FORMS)
def test_every_column_is_the_same(tmp_path, form, seed):
    path = tmp_path / f"a.{FORMS[form][0]}"
    path.write_text(text_of(form, seed))
    whole = read(path)
    assert len(whole) == 12 and whole[0].status and whole[0].at
    lazy = scanned(path)
    assert as_rows(lazy) == expected(whole)
    ids = [one for (one,) in lazy.project("id").fetchall()]
    back = {x.id: x for x in read(lazy, ids)}
    assert [(back[i].status, back[i].response_body, back[i].at, back[i].url) for i in ids] == [
        (x.status, x.response_body, x.at, x.url) for x in whole
    ]


@pytest.mark.parametrize("form", ["flat", "combined", "csv"])
def test_a_packed_file_gives_the_same(tmp_path, form):
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(text_of(form, 1).encode()))
    assert as_rows(scanned(tmp_path / "a.log.gz")) == expected(read(tmp_path / "a.log.gz"))


def test_zstandard_gives_the_same(tmp_path):
    import duckdb

    (tmp_path / "a.jsonl").write_text(text_of("nested", 1))
    copied = f"COPY (SELECT * FROM read_csv('{tmp_path}/a.jsonl', delim = '\x01', quote = '', "
    copied += (
        f"escape = '', header = false, columns = {{'line': 'VARCHAR'}})) TO '{tmp_path}/a.zst'"
    )
    duckdb.sql(f"{copied} (FORMAT csv, DELIM '\x01', QUOTE '', ESCAPE '', HEADER false, "
               "COMPRESSION zstd)")  # fmt: skip
    assert as_rows(scanned(tmp_path / "a.zst")) == as_rows(scanned(tmp_path / "a.jsonl"))


def test_files_of_several_forms_are_one_relation(tmp_path):
    for form, (ending, *_) in FORMS.items():
        (tmp_path / f"{form}.{ending}").write_text(text_of(form, 1))
    lazy = scanned(tmp_path / "*")
    assert lazy.aggregate("count(*)").fetchall() == [(12 * len(FORMS),)]
    picked = [lazy.filter(f"source = '{form}.{FORMS[form][0]}'").limit(1).project("id").fetchall()
              for form in FORMS]  # fmt: skip
    assert len(read(lazy, [one[0][0] for one in picked])) == len(FORMS)


def test_what_was_taken_for_what_is_said_and_columns_has_the_last_word(tmp_path):
    path = tmp_path / "a.jsonl"
    row = {"when": "2024-05-01", "url": "/a", "method": "GET", "status": 201, "deep": {"n": 404}}
    path.write_text(f"{json.dumps(row)}\nno JSON\n{json.dumps({'note': 1})}\n")
    with pytest.warns(UserWarning, match="at from 'when'|2 of 3 lines"):
        lazy = scan(path)
    assert columns_of(lazy)["at"] == "when"
    assert [(one.source, one.count) for one in unread(lazy)] == [("a.jsonl", 2)]
    assert [x["status"] for x in as_rows(lazy)] == [201]
    given = scanned(path, columns={"deep.n": "status"})
    assert [x["status"] for x in as_rows(given)] == [404]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_a_frame_from_elsewhere_is_read_scanned_and_counted(kind):
    rows = [
        {"timestamp": pd.Timestamp("2024-05-01T10:00Z").to_pydatetime(), "status": status,
         "url": "https://us.sms.api.sinch.com/xms/v1/p/batches", "verb": "POST", "took_ms": 5.5}
        for status in (201, 403)
    ]  # fmt: skip
    frame = kind(rows)
    evidence = read(frame)
    assert [(x.status, x.at.hour, x.endpoint, x.elapsed_ms) for x in evidence] == [
        (201, 10, "POST /batches", 5.5),
        (403, 10, "POST /batches", 5.5),
    ]
    assert as_rows(scanned(frame)) == expected(evidence)
    assert st.analysis.overview(frame)["undated"].tolist() == [0]
    assert [x.id for x in read(evidence.frame())] == [x.id for x in evidence]


@pytest.mark.parametrize("form", ["flat", "nested", "csv", "combined"])
def test_no_secret_of_a_foreign_file_is_in_any_column(tmp_path, form):
    secret = "c4n4ryS3cr3tc4n4ry"
    text = text_of(form, 1).replace("No such group", f"password={secret}")
    text = text.replace("/batches", f"/batches?access_token={secret}").replace(
        "agent", f"pw={secret}"
    )
    (tmp_path / "a.log").write_text(text)
    lazy = scanned(tmp_path / "a.log")
    assert lazy.fetchall() and secret not in str(lazy.fetchall())
    assert "access_token" not in str(lazy.fetchall())

"""Tables as terminals show them: each way to draw one gives the same two rows."""

from __future__ import annotations

import pytest

from sinchtools.evidence import read

TABLES = {
    "psql, an empty cell at either end": """\
 run | verb | url                | http_status | error_code
-----+------+--------------------+-------------+---------------
     | PUT  | /xms/v1/p7/groups  |         403 | unknown_group
   9 | GET  | /xms/v1/p7/batches |         200 |
(2 rows)
""",
    "mysql": """\
+------+--------------------+--------+---------------+
| verb | url                | status | code          |
+------+--------------------+--------+---------------+
| PUT  | /xms/v1/p7/groups  |    403 | unknown_group |
| GET  | /xms/v1/p7/batches |    200 | NULL          |
+------+--------------------+--------+---------------+
2 rows in set (0.01 sec)
""",
    "DuckDB, with types": """\
┌─────────┬────────────────────┬────────┬───────────────┐
│  verb   │        url         │ status │     code      │
│ varchar │      varchar       │ int16  │    varchar    │
├─────────┼────────────────────┼────────┼───────────────┤
│ PUT     │ /xms/v1/p7/groups  │    403 │ unknown_group │
│ GET     │ /xms/v1/p7/batches │    200 │               │
└─────────┴────────────────────┴────────┴───────────────┘
""",
    "polars": """\
shape: (2, 4)
┌──────┬────────────────────┬────────┬───────────────┐
│ verb ┆ url                ┆ status ┆ code          │
│ ---  ┆ ---                ┆ ---    ┆ ---           │
│ str  ┆ str                ┆ i64    ┆ str           │
╞══════╪════════════════════╪════════╪═══════════════╡
│ PUT  ┆ /xms/v1/p7/groups  ┆ 403    ┆ unknown_group │
│ GET  ┆ /xms/v1/p7/batches ┆ 200    ┆ null          │
└──────┴────────────────────┴────────┴───────────────┘
""",
    "rich": """\
┏━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Verb ┃ URL                ┃ Status ┃ Code          ┃
┡━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ PUT  │ /xms/v1/p7/groups  │ 403    │ unknown_group │
│ GET  │ /xms/v1/p7/batches │ 200    │               │
└──────┴────────────────────┴────────┴───────────────┘
""",
    "ClickHouse, names in the rule": """\
   ┌─verb─┬─url────────────────┬─status─┬─code──────────┐
1. │ PUT  │ /xms/v1/p7/groups  │    403 │ unknown_group │
2. │ GET  │ /xms/v1/p7/batches │    200 │ ᴺᵁᴸᴸ          │
   └──────┴────────────────────┴────────┴───────────────┘
""",
    "console.table": """\
┌─────────┬───────┬──────────────────────┬────────┬─────────────────┐
│ (index) │ verb  │ url                  │ status │ code            │
├─────────┼───────┼──────────────────────┼────────┼─────────────────┤
│ 0       │ 'PUT' │ '/xms/v1/p7/groups'  │ 403    │ 'unknown_group' │
│ 1       │ 'GET' │ '/xms/v1/p7/batches' │ 200    │                 │
└─────────┴───────┴──────────────────────┴────────┴─────────────────┘
""",
    "a grid whose cells go on below": """\
+------+------------+--------+-----------+
| verb | url        | status | code      |
+======+============+========+===========+
| PUT  | /xms/v1/p7 |    403 | unknown_g |
|      | /groups    |        | roup      |
+------+------------+--------+-----------+
| GET  | /xms/v1/p7 |    200 |           |
|      | /batches   |        |           |
+------+------------+--------+-----------+
""",
    "sqlcmd, numbers to the right": """\
1> SELECT run, verb, url, status, code FROM dbo.sms
2> GO
run         verb   url                            status      code
----------- ------ ------------------------------ ----------- --------------------
         10 PUT    /xms/v1/p7/groups                      403 unknown_group
         11 GET    /xms/v1/p7/batches                     200

(2 rows affected)
""",
    "PowerShell, values longer than their names": """\
PS C:\\sms> Get-Calls | Format-Table

  Id Verb Url                Status Code
  -- ---- ---                ------ ----
1001 PUT  /xms/v1/p7/groups     403 unknown_group
1002 GET  /xms/v1/p7/batches    200

PS C:\\sms>
""",
    "kubectl": """\
RUN   VERB   URL                  STATUS   CODE
1     PUT    /xms/v1/p7/groups    403      unknown_group
2     GET    /xms/v1/p7/batches   200      <none>
""",
    "pandas": """\
>>> print(calls)
  verb                 url  status           code
0  PUT   /xms/v1/p7/groups     403  unknown_group
1  GET  /xms/v1/p7/batches     200            NaN
""",
    "Jira": """\
||Verb||URL||Status||Code||
|PUT|/xms/v1/p7/groups|403|unknown_group|
|GET|/xms/v1/p7/batches|200| |
""",
    "lists of PowerShell": """\

Verb   : PUT
Url    : /xms/v1/p7/groups
Status : 403
Code   : unknown_
         group

Verb   : GET
Url    : /xms/v1/p7/batches
Status : 200
Code   :

""",
    "lists of sqlite": """\
sqlite> .mode line
  verb = PUT
   url = /xms/v1/p7/groups
status = 403
  code = unknown_group

  verb = GET
   url = /xms/v1/p7/batches
status = 200
  code =
""",
    "records of mysql": """\
*************************** 1. row ***************************
  verb: PUT
   url: /xms/v1/p7/groups
status: 403
  code: unknown_group
*************************** 2. row ***************************
  verb: GET
   url: /xms/v1/p7/batches
status: 200
  code: NULL
""",
    "R": """\
# A tibble: 2 x 4
  verb  url                status code
  <chr> <chr>               <int> <chr>
1 PUT   /xms/v1/p7/groups     403 unknown_group
2 GET   /xms/v1/p7/batches    200 NA
""",
}
WANTED = [
    ("PUT", "/xms/v1/p7/groups", 403, "unknown_group"),
    ("GET", "/xms/v1/p7/batches", 200, None),
]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_gives_its_rows(name: str) -> None:
    evidence = read(TABLES[name])
    assert [(x.method, x.url, x.status, x.code) for x in evidence] == WANTED, evidence.summary


def test_a_cell_of_several_lines_is_whole_and_a_time_of_two_words_too() -> None:
    head = " at                  | verb | url | status | response_body\n"
    rule = "---------------------+------+-----+--------+-----------------------------\n"
    rows = (
        ' 2026-03-04 05:06:07 | PUT  | /x  |    403 | {"code": "unknown_group",  +\n'
        '                     |      |     |        | "text": "No such group"}\n'
    )
    (row,) = read(head + rule + rows)
    assert (str(row.at), row.status, row.text) == (
        "2026-03-04 05:06:07+00:00", 403, "No such group",
    )  # fmt: skip
    (row,) = read("At                  Verb Url Status\n2026-03-04 05:06:07 PUT  /x  403\n")
    assert (str(row.at), row.status) == ("2026-03-04 05:06:07+00:00", 403)


def test_a_record_turned_on_its_side_is_one_row() -> None:
    (row,) = read("Name   |Value\n-------+-----\nverb   |PUT\nurl    |/x\nstatus |404\n")
    assert (row.method, row.url, row.status) == ("PUT", "/x", 404)


@pytest.mark.parametrize(
    "text",
    [
        "the url  the status  the code\nyou see  is in  the mail",
        "url  status\n---  ---\n",
        "url  = /x\nverb = PUT\nwait = 401\n",
    ],
)
def test_words_between_blanks_are_no_table(text: str) -> None:
    assert not list(read(text))

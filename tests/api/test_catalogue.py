"""The catalogue is complete, explains every number, and advises on repeats from one table."""

from __future__ import annotations

import difflib
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sinchtools.api import catalogue
from sinchtools.api.catalogue import (
    delivery_codes,
    delivery_statuses,
    explain,
    retry_advice,
    smpp_codes,
    status_rows,
)
from sinchtools.api.entries import LOCATIONS, RETRY, Advice
from sinchtools.api.rows import Http, Smpp
from sinchtools.core.errors import WrongUseError
from sinchtools.core.tables import TAGS, Row, Text, place_of, read_table
from tests.support.present import present
from tests.support.status_page import NOT_ON_PAGE, PAGE, WITHOUT_CODE, in_words

EVERY_ENTRY = [*catalogue._http().values(), *delivery_codes(), *smpp_codes()]


def test_the_status_rows_are_those_of_the_page_in_its_order() -> None:
    rows = status_rows()
    assert [(row.number, row.code) for row in rows] == list(PAGE)
    assert [row.row for row in rows] == list(range(1, len(PAGE) + 1))
    assert all(row.on_page for row in rows)


@pytest.mark.parametrize("row", catalogue._http(), ids=in_words)
def test_every_status_and_code_has_a_row(row: Any) -> None:
    assert row in (*PAGE, *NOT_ON_PAGE, *WITHOUT_CODE), (
        f"Add {row} to PAGE in tests/support/status_page.py, with a way to cause it, "
        "or to NOT_ON_PAGE if the vendor's status page does not list it."
    )


@pytest.mark.parametrize("entry", EVERY_ENTRY, ids=lambda entry: entry.label)
def test_every_entry_is_complete(entry: Any) -> None:
    assert entry.title and entry.meaning.endswith(".") and entry.source
    assert 1 <= len(entry.tips) <= 5 and all(
        tip.endswith(".") and tip[0].isupper() for tip in entry.tips
    )
    assert entry.retry in RETRY and entry.retry_reason.endswith(".")
    assert entry.tag in TAGS and entry.location in (None, *LOCATIONS)


@pytest.mark.parametrize(("status", "code"), NOT_ON_PAGE)
def test_a_known_status_that_the_page_lacks_says_so(status: Any, code: Any) -> None:
    entry = explain(status, code)
    assert (entry.number, entry.code, entry.on_page, entry.row) == (status, code, False, None)


@pytest.mark.parametrize(
    "status", [100, 204, 301, 402, 418, 422, 499, 502, 504, 599, 600, 999, 0, -1, 10**9]
)
def test_any_status_has_an_answer_that_says_it_is_not_on_the_page(status: Any) -> None:
    entry = explain(status)
    assert entry.on_page is False and "not on the page" in repr(entry) and entry.tips
    assert entry.retry in RETRY


def test_an_unlisted_status_is_read_by_its_http_meaning() -> None:
    assert explain(502).title == "Bad Gateway"
    assert "Bad Gateway" in explain(502).meaning


@pytest.mark.parametrize("status", [400, 403])
def test_a_listed_status_without_a_code_is_on_the_page_without_being_a_row(status: int) -> None:
    assert explain(status).on_page and explain(status).row is None


@pytest.mark.parametrize(
    ("status", "code", "suggested"),
    [
        (403, "missing_callback_ur", "missing_callback_url"),
        (400, "Syntax_Invalid_JSON", "syntax_invalid_json"),
    ],
)
def test_a_misspelt_code_is_explained_by_its_status_with_a_suggestion(
    status: int, code: str, suggested: str
) -> None:
    entry = explain(status, code)
    assert (entry.number, entry.code, entry.on_page) == (status, code, False)
    assert f"Did you mean {suggested!r}" in entry.meaning and suggested in entry.tips[0]


def test_a_code_of_tomorrow_is_explained_by_its_status_without_a_suggestion() -> None:
    entry = explain(404, "brand_new_reason")
    assert entry.on_page is False and "Did you mean" not in entry.meaning
    assert explain(404).meaning in entry.meaning and entry.retry == explain(404).retry


def test_a_code_under_another_status_names_the_status_it_comes_with() -> None:
    assert "comes with 403" in explain(400, "unknown_group").meaning


def test_a_hostile_code_cannot_write_control_characters_or_html() -> None:
    entry = explain(400, "\x1b[31m<script>alert(1)</script>" + "x" * 500)
    assert (
        "\x1b" not in repr(entry)
        and "<script" not in entry._repr_html_()
        and len(repr(entry)) < 3000
    )


def test_404_is_a_status_and_a_delivery_code_and_never_mixed() -> None:
    assert explain(404).title == "Not found"
    assert explain(delivery=404).title == "Temporary delivery failure"
    with pytest.raises(WrongUseError, match="exactly one"):
        explain(404, delivery=404)


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ({"status": "403", "code": " unknown_group "}, "403 unknown_group"),
        ({"status": 404, "code": ""}, "404"),
        ({"status": 404.0}, "404"),
        ({"code": "unknown_group"}, "403 unknown_group"),
        ({"delivery": "412"}, "delivery code 412"),
        ({"smpp": "310"}, "SMPP code 310"),
    ],
)
def test_digits_as_text_and_a_code_alone_are_understood(given: Any, label: str) -> None:
    assert explain(**given).label == label


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "exactly one"),
        ({"delivery": 1, "smpp": 1}, "exactly one"),
        ({"code": "unknown_group", "smpp": 1}, "exactly one"),
        ({"code": "unknown_grup"}, "Did you mean 'unknown_group'"),
        ({"status": "missing_callback_url"}, "Give the status first"),
        ({"status": "abc"}, "'abc' is not a status"),
        ({"status": True}, "is not a status"),
        ({"status": 4.5}, "is not a status"),
        ({"status": "9" * 5000}, "is not a status"),
        ({"delivery": "12x"}, "'12x' is not a delivery code"),
        ({"smpp": [1]}, "is not an SMPP code"),
    ],
)
def test_wrong_use_is_named_with_a_hint(given: Any, says: str) -> None:
    with pytest.raises(WrongUseError, match=says) as caught:
        explain(**given)
    assert caught.value.hint and len(str(caught.value)) < 300


def test_the_delivery_codes_are_those_of_the_reference() -> None:
    assert [entry.number for entry in delivery_codes()] == [0, *range(400, 419)]
    assert [entry.number for entry in delivery_codes() if not entry.on_page] == [409]


def test_every_delivery_code_names_statuses_that_exist() -> None:
    names = {status.name for status in delivery_statuses()}
    assert len(names) == 10
    assert {name for entry in delivery_codes() for name in entry.statuses} <= names


def test_only_two_delivery_statuses_are_not_final() -> None:
    assert {status.name for status in delivery_statuses() if not status.final} == {
        "Queued",
        "Dispatched",
    }


def test_a_delivery_code_outside_the_rest_list_is_an_smpp_code() -> None:
    entry = explain(delivery=310)
    assert (
        entry.kind == "delivery"
        and entry.title == explain(smpp=310).title
        and "SMPP" in entry.meaning
    )


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0, 19),
        (40, 40),
        (50, 56),
        (60, 67),
        (70, 77),
        (100, 114),
        (150, 164),
        (200, 217),
        (250, 257),
        (300, 304),
        (310, 312),
        (320, 322),
        (330, 350),
        (360, 362),
        (370, 370),
        (399, 399),
    ],
)
def test_every_smpp_code_of_the_list_is_there(first: int, last: int) -> None:
    known = {entry.number for entry in smpp_codes()}
    assert set(range(first, last + 1)) <= known


@pytest.mark.parametrize(
    ("number", "permanent"),
    [
        (4, False),
        (14, False),
        (15, True),
        (18, False),
        (53, True),
        (56, False),
        (64, True),
        (72, True),
        (101, False),
        (153, False),
        (205, True),
        (310, True),
        (322, False),
        (399, False),
    ],
)
def test_an_smpp_code_says_whether_it_passes(number: int, permanent: bool) -> None:
    entry = explain(smpp=number)
    assert entry.permanent is permanent
    assert entry.retry == ("do-not-retry" if permanent else "after-wait")


def test_the_10dlc_reading_is_given_where_the_vendor_gives_one() -> None:
    assert {entry.number for entry in smpp_codes() if entry.ten_dlc} == {
        15,
        60,
        62,
        64,
        152,
        300,
        310,
        321,
        332,
        334,
        349,
        399,
    }


@pytest.mark.parametrize(
    ("number", "group"), [(355, "ESME external"), (20, None), (9999, None), (-3, None)]
)
def test_an_unlisted_smpp_code_falls_back_to_its_range_or_to_unknown(
    number: int, group: str | None
) -> None:
    entry = explain(smpp=number)
    assert (entry.on_page, entry.group, entry.retry) == (False, group, "ask-first")


R, W, C, N, A, X = "as-is", "after-wait", "after-change", "do-not-retry", "ask-first", "not-needed"


@pytest.mark.parametrize(
    ("status", "code", "method", "more", "advice"),
    [
        # no answer: only what may have sent is asked about
        (None, None, "GET", {"failure": "ReadTimeout"}, R),
        (None, None, "get", {"failure": "ReadTimeout"}, R),
        (0, None, "POST", {"failure": "ConnectTimeout"}, R),
        (None, None, "HEAD", {"failure": "ConnectionResetError"}, R),
        (None, None, "PUT", {"failure": "ReadTimeout"}, W),
        (None, None, "DELETE", {"failure": "ReadTimeout"}, W),
        (None, None, "POST", {"failure": "ReadTimeout"}, A),
        (None, None, "post", {"failure": "ConnectionError"}, A),
        (None, None, "POST", {}, A),
        (None, None, None, {"failure": "ReadTimeout"}, A),
        (0, None, "POST", {}, A),
        (-1, None, "GET", {}, R),
        (None, None, "POST", {"failure": "ConnectTimeout"}, R),
        (None, None, "POST", {"failure": "ConnectionRefusedError"}, R),
        (None, None, "POST", {"failure": "curl: (6) Could not resolve host"}, R),
        (None, None, "POST", {"failure": "ReadTimeout", "endpoint": "POST /batches/dry_run"}, W),
        (999, None, "POST", {}, A),
        (999, None, "GET", {}, R),
        (100, None, "POST", {}, A),
        # success
        (200, None, "GET", {}, X),
        (201, None, "POST", {}, X),
        (202, None, "POST", {}, X),
        (204, None, "POST", {}, X),
        # the request
        (301, None, "POST", {}, C),
        (400, "syntax_invalid_json", "POST", {}, C),
        (400, "syntax_constraint_violation", "POST", {}, C),
        (400, "syntax_invalid_parameter_format", "GET", {}, C),
        (400, None, "POST", {"html": True}, C),
        (401, None, "GET", {}, C),
        (401, None, "POST", {}, C),
        (403, "blocked_account", "POST", {}, N),
        (403, "illegal_number_type", "POST", {}, C),
        (403, "missing_callback_url", "POST", {}, C),
        (403, "unknown_group", "POST", {}, C),
        (403, "batch_already_dispatched", "POST", {}, N),
        (403, "code_of_tomorrow", "POST", {}, C),
        (404, None, "GET", {}, W),
        (404, None, "POST", {}, W),
        (405, None, "DELETE", {}, C),
        (409, None, "DELETE", {}, N),
        (415, None, "POST", {}, C),
        (408, None, "POST", {}, A),
        (418, None, "POST", {}, C),
        (499, None, "POST", {}, A),
        (499, None, "GET", {}, C),
        (429, None, "GET", {}, W),
        (429, None, "POST", {}, W),
        (429, None, "POST", {"html": True}, W),
        # the server
        (500, None, "GET", {}, R),
        (500, None, "POST", {}, R),
        (500, None, "GET", {"html": True}, R),
        (500, None, "PUT", {"html": True}, R),
        (500, None, "POST", {"html": True}, A),
        (500, None, None, {"html": True}, A),
        (500, None, "POST", {"html": True, "endpoint": "POST /batches/dry_run"}, R),
        (502, None, "GET", {}, W),
        (502, None, "POST", {}, A),
        (503, None, "GET", {}, W),
        (503, None, "DELETE", {}, W),
        (503, None, "POST", {}, A),
        (503, None, "POST", {"endpoint": "POST /batches/dry_run"}, W),
        (504, None, "GET", {"html": True}, W),
        (504, None, "POST", {"html": True}, A),
        (599, None, "POST", {}, A),
    ],
)
def test_retry_advice(
    status: int | None, code: str | None, method: str | None, more: Any, advice: str
) -> None:
    got, reason = retry_advice(status, code, method, **more)
    assert got == advice and reason.endswith(".")


def test_a_read_is_never_asked_about() -> None:
    statuses = [None, -1, 0, *range(100, 1000)]
    asked = [
        (s, h)
        for s in statuses
        for h in (True, False)
        for m in ("GET", "HEAD")
        if retry_advice(s, None, m, html=h)[0] == "ask-first"
    ]
    assert asked == []


def test_ask_first_says_where_to_look_and_a_500_says_not_processed() -> None:
    assert "GET /batches?client_reference=" in retry_advice(503, None, "POST")[1]
    assert "not processed" in retry_advice(500, None, "POST")[1]


def test_as_json_has_the_keys_of_the_contract() -> None:
    entry = explain(403, "unknown_group").as_json()
    assert {"on_page", "meaning", "tips", "retry", "source", "status", "code"} <= set(entry)
    assert (entry["status"], entry["code"], entry["on_page"]) == (403, "unknown_group", True)
    assert (explain(delivery=407).as_json()["status"], explain(delivery=407).as_json()["code"]) == (
        ["Cancelled", "Aborted"],
        407,
    )


def test_the_text_reads_as_a_few_short_lines() -> None:
    text = repr(explain(403, "missing_callback_url"))
    assert (
        text.startswith("403 missing_callback_url: ")
        and "1. " in text
        and "Retry    After fixing" in text
    )
    assert len(text.splitlines()) < 15 and max(map(len, text.splitlines())) <= 120


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: Any, attrs: Any) -> None:
        self.open.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag: Any) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "entry",
    [
        explain(429),
        explain(404, "<img src=x onerror=alert(1)>"),
        explain(smpp=310),
        explain(delivery=412),
    ],
    ids=lambda e: e.label,
)
def test_the_html_is_balanced_script_free_and_takes_the_theme_colours(entry: Any) -> None:
    page = entry._repr_html_()
    tags = _Tags()
    tags.feed(page)
    assert tags.open == [] and set(tags.attributes) <= {"class", "style"}
    assert "<script" not in page and "<img" not in page and "http" not in page.replace("HTTP", "")
    assert page.count("var(--jp-") == len(
        [part for part in page.split("var(--jp-")[1:] if "," in part.partition(")")[0]]
    )


class Titled(Row, frozen=True):
    status: int
    title: Text
    retry: Advice = "as-is"


class Titles(Row, frozen=True):
    entry: tuple[Titled, ...]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[[entry]]\nstatus = 200\ntitel = 'x'\ntitle = 'x'",
            r"http.toml: .* unknown field `titel` - at `\$.entry\[0\]`",
        ),
        ("[[entry]]\nstatus = 200", "missing required field `title`"),
        ("[[entry]]\nstatus = 200\ntitle = 'x'\nretry = 'maybe'", "'maybe' .*entry.0..retry"),
        ("[[entri]]\nstatus = 200", "unknown field `entri`"),
        ("[[entry]]\nstatus = 200\ntitle = 'x'\n[[other]]", "unknown field `other`"),
        ("[[entry]\n", "http.toml cannot be read"),
    ],
)
def test_a_catalogue_file_with_a_slip_is_refused_by_name(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "http.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongUseError, match=says):
        read_table(path, Titles)


def test_a_missing_catalogue_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"nowhere\.toml"):
        read_table(Path(tmp_path) / "nowhere.toml", Titles)


def test_no_number_is_listed_twice() -> None:
    assert len(read_table(place_of("http.toml"), Http).entry) == len(catalogue._http())
    ranges = read_table(place_of("smpp.toml"), Smpp).range
    codes = [code.number for row in ranges for code in row.codes]
    assert codes == sorted(set(codes))


def test_no_two_status_rows_tell_the_same() -> None:
    meanings = [row.meaning for row in status_rows()]
    assert all(
        difflib.SequenceMatcher(None, a, b).ratio() < 0.8
        for i, a in enumerate(meanings)
        for b in meanings[:i]
    )


def test_an_entry_cannot_be_changed() -> None:
    entry = explain(404)
    with pytest.raises(AttributeError):
        entry.title = "x"  # type: ignore[misc]  # as the type says too
    assert replace(entry, title="x") is not entry and explain(404).title == entry.title


def test_an_old_spelling_is_read_as_its_code() -> None:
    assert explain(403, "llegal_number_type") is explain(403, "illegal_number_type")
    assert catalogue.status_of("llegal_number_type") == 403


@pytest.mark.parametrize(
    ("label", "fields"),
    [
        ((200, None), {"id", "from", "to", "body", "created_at", "modified_at", "canceled"}),
        ((201, None), {"id", "name", "size", "child_groups", "auto_update"}),
        ((403, "missing_callback_url"), {"code", "text"}),
    ],
)
def test_a_row_shows_the_sample_of_the_page(label: Any, fields: Any) -> None:
    entry = explain(*label)
    assert fields <= json.loads(present(entry.sample)).keys() and "Sample" in repr(entry)

"""What a chart shows of itself, and what is written to disk, read back from the files."""

import csv
import html
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from sinchtools import analysis, charts
from sinchtools.core.errors import LeakError, WrongUseError
from sinchtools.core.records import Exchange
from tests.charts.shapes import GOOD, Draw, drawn, each_chart, each_kind_of_frame, words
from tests.support.words import NUMBER_OF_A_PERSON


@each_chart
def test_a_chart_shows_itself_once_as_an_image_with_a_text(draw: Draw) -> None:
    shown = drawn(draw, "hostile")._repr_html_()
    (alt,) = re.findall(
        r'<img alt="([^"]*)" class="[^"]*" style="[^"]*" src="data:image/png;base64,[\w+/=]+">',
        shown,
    )
    assert html.unescape(alt) == drawn(draw, "hostile").description
    assert "<script" not in shown
    assert not hasattr(charts.Chart, "_repr_png_")


def test_a_kernel_gets_the_html_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[list[str], object]] = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda bundle, raw, metadata: sent.append((sorted(bundle), metadata)),
    )
    charts.error_codes([GOOD])._ipython_display_()
    assert sent == [(["text/html", "text/plain"], {"sinchtools": "aliased"})]


def test_a_chart_that_names_somebody_is_not_marked_for_saving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw, metadata: sent.append(metadata)
    )
    body = '{"to": ["+447700900123"], "body": "Hi"}'
    charts.error_codes(
        [replace(GOOD, status=400, code="no +447700900123", request_body=body)]
    )._ipython_display_()
    assert sent == [{}]


@pytest.mark.parametrize("draw", [charts.error_codes, charts.timeline])
def test_saving_writes_title_and_description_into_each_file(draw: Draw, tmp_path: Path) -> None:
    chart = drawn(draw)
    names = [path.name for path in charts.save(chart, tmp_path / "new" / "01-codes")]
    assert names == ["01-codes.png", "01-codes.svg", "01-codes.pdf", "01-codes.csv"]
    assert sorted(names) == sorted(path.name for path in (tmp_path / "new").iterdir())
    svg = (tmp_path / "new" / "01-codes.svg").read_text()
    assert f"<title>{html.escape(chart.title, quote=False)}</title>" in svg
    assert f"<desc>{html.escape(chart.description, quote=False)}</desc>" in svg
    assert chart.title.encode() in (tmp_path / "new" / "01-codes.png").read_bytes()
    assert b"/Subject" in (tmp_path / "new" / "01-codes.pdf").read_bytes()


def test_the_suffix_chooses_the_format(tmp_path: Path) -> None:
    assert [path.name for path in charts.save(charts.error_codes([GOOD]), tmp_path / "x.svg")] == [
        "x.svg",
        "x.csv",
    ]
    assert [
        path.name
        for path in charts.save(charts.error_codes([GOOD]), tmp_path / "v1.2", formats=["pdf"])
    ] == ["v1.2.pdf", "v1.2.csv"]


def test_the_csv_holds_the_data_and_no_formula(tmp_path: Path) -> None:
    rows = [replace(GOOD, account=account) for account in ("=1+1", "+1", "-1", "@x", "\tx", "plan")]
    charts.save(charts.accounts(rows), tmp_path / "a.png")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        read = {row["account"]: row["n"] for row in csv.DictReader(file)}
    assert read == {"'=1+1": "1", "'+1": "1", "'-1": "1", "'@x": "1", "'\tx": "1", "plan": "1"}


def test_the_same_chart_gives_the_same_bytes_in_another_process_and_needs_no_pyplot(
    tmp_path: Path,
) -> None:
    code = (
        "import sys; from sinchtools import charts; from sinchtools.core.records import Exchange\n"
        "charts.save(charts.error_codes([Exchange(status=s) for s in (401, 429, 500, 429)]), "
        "sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "there" / "x")],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    chart = charts.error_codes([Exchange(status=status) for status in (401, 429, 500, 429)])
    here = charts.save(chart, tmp_path / "here" / "x")
    for path in here:
        assert path.read_bytes() == (tmp_path / "there" / path.name).read_bytes(), path.name


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("x.jpg", "cannot be written as 'jpg'", id="format"),
        pytest.param("x.doc", "cannot be written as 'doc'", id="no-picture"),
        pytest.param("file/x.svg", "cannot be written", id="a-file-is-in-the-way"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is_left(
    path: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongUseError, match=words):
        charts.save(charts.error_codes([GOOD]), tmp_path / path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("path", ["x.svg", "x.png", "x.pdf", "x"])
def test_a_secret_passes_in_no_format_and_nothing_is_written(path: str, tmp_path: Path) -> None:
    chart = charts.error_codes(
        [replace(GOOD, status=401, code="Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607")]
    )
    with pytest.raises(LeakError, match="was not written: it contains a secret"):
        charts.save(chart, tmp_path / path)
    assert not [*tmp_path.iterdir()]


def test_numbers_of_people_are_cut_out_of_filters_and_fingerprints(tmp_path: Path) -> None:
    rows = [
        replace(
            GOOD,
            status=400,
            text="to[0] +15551230001 is not valid",
            request_body='{"to": ["+15551230001"]}',
        )
    ] * 3
    chart = charts.error_codes(rows, text="+15551230001")
    found = analysis.groups(rows)
    assert "15551230001" not in words(chart) + chart.description + found.to_csv()
    assert all(
        b"15551230001" not in path.read_bytes() for path in charts.save(chart, tmp_path / "x")
    )


@each_kind_of_frame
@pytest.mark.parametrize("code", ["no number 1555-123-0001", "invalid text: See you at noon, Anna"])
def test_a_person_of_the_exchanges_behind_a_chart_passes_in_no_code(
    make: Callable[[list[Exchange]], Any], code: str, tmp_path: Path
) -> None:
    row = replace(
        GOOD,
        status=400,
        code=code,
        request_body='{"to": ["+15551230001"], "body": "See you at noon, Anna"}',
    )
    with pytest.raises(LeakError, match=r"contains (the number of a person|a message text)"):
        charts.save(charts.error_codes(make([row])), tmp_path / "x")
    assert not [*tmp_path.iterdir()]
    charts.save(charts.error_codes(make([replace(row, code="order 41555")])), tmp_path / "x")


@pytest.mark.parametrize(
    ("column", "value", "draw"),
    [
        pytest.param("code", "rejected +15551230001", charts.error_codes, id="code"),
        pytest.param("code", "rejected +15551230001", charts.endpoints, id="code-over-a-column"),
        pytest.param("account", "+15551230001", charts.accounts, id="account"),
        pytest.param("endpoint", "GET /groups/15551230001", charts.latency, id="endpoint"),
    ],
)
def test_a_number_that_stands_in_a_column_of_the_chart_alone_is_a_person_too(
    column: str, value: str, draw: Draw, tmp_path: Path
) -> None:
    body = '{"to": ["+15559870002"]}'
    change: dict[str, Any] = {column: value}
    chart = draw([replace(GOOD, status=400, request_body=body, **change)])
    assert not charts.names_nobody(chart)
    with pytest.raises(LeakError, match=NUMBER_OF_A_PERSON):
        charts.save(chart, tmp_path / "x")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param("account", "8f2d4c6b1a9e4f70b3c5d7e9f1a2b3c4", id="service-plan"),
        pytest.param("account", "01234567-1234-4234-8234-123456789012", id="project"),
        pytest.param("source", "access-20240601.log#1", id="file-named-by-its-day"),
        pytest.param("source", "report +15551230001.har#1", id="file-whose-number-is-cut-out"),
    ],
)
@each_chart
def test_ids_and_files_are_no_people(draw: Draw, column: str, value: str) -> None:
    change: dict[str, Any] = {column: value}
    assert charts.names_nobody(draw([replace(GOOD, status=400, **change)]))


def test_a_figure_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="not a chart"):
        charts.save(mpl.figure.Figure(), tmp_path / "x")  # type: ignore[arg-type]

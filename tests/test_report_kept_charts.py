"""A chart that was saved into the case is in its report and capsule, unless a person can be read in it."""

import os
import zipfile
from dataclasses import replace

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import sinchtools as st
from tests.shell import BAD

WORDS = "charts/kept-mine.png"


@pytest.fixture
def case(work):
    return st.Case("4711", [BAD, replace(BAD, id="row-2", status=401, code=None, account="plan-b")])


def page(case):
    return st.report(case, case.folder / "report.html", parts=["charts"]).read_text(encoding="utf-8")


def members(case):
    with zipfile.ZipFile(st.report(case, case.folder / "report.zip", parts=["charts"])) as capsule:
        return capsule.namelist()


def test_a_saved_chart_is_shown_with_its_words_and_lies_in_the_capsule(case):
    chart = st.charts.endpoints(case.evidence.frame())
    st.charts.save(chart, case.charts / "mine")
    assert page(case).count("<figure>") == 3
    assert "(kept as mine)" in page(case) and f'alt="{chart.description}"' in page(case)
    assert WORDS in members(case)
    assert page(case) == page(case)


def test_a_chart_that_the_report_draws_anyway_is_there_once(case):
    shown = st.Case("4712", case.evidence)
    st.charts.save(st.charts.error_codes(shown.evidence.frame()), shown.charts / "mine")
    assert page(shown).count("<figure>") == 2


def test_a_chart_in_which_a_person_can_be_read_is_left_out_and_named(case):
    said = PngInfo()
    said.add_text("Title", "Calls")
    said.add_text("Description", "Only calls to 46701740605: 2.")
    Image.new("L", (9, 9)).save(case.charts / "mine.png", pnginfo=said)
    (case.charts / "mine.csv").write_text("n\n2\n")
    text = page(case)
    assert "The chart mine is left out: a person can be read in it." in text
    assert text.count("<figure>") == 2 and "46701740605" not in text
    assert WORDS not in members(case)


def test_a_picture_that_is_no_chart_of_ours_is_passed_over(case):
    Image.new("L", (9, 9)).save(case.charts / "screenshot.png")
    assert "screenshot" not in page(case)
    assert "charts/kept-screenshot.png" not in members(case)


def test_more_charts_than_the_page_shows_are_counted(case):
    for i in range(12):
        st.charts.save(st.charts.endpoints(case.evidence.frame(), source=f"part {i}"), case.charts / f"c{i:02}")
    assert page(case).count("(kept as c") == 10
    assert "2 more charts of the case are in the capsule" in page(case)


def test_a_chart_from_before_the_last_evidence_says_so(case):
    st.charts.save(st.charts.endpoints(case.evidence.frame()), case.charts / "mine")
    os.utime(case.charts / "mine.png", (0, 0))
    assert "Drawn before evidence was last brought in." in page(case)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_passed_over(case, content):
    (case.charts / "mine.png").write_bytes(content)
    assert page(case).count("<figure>") == 2

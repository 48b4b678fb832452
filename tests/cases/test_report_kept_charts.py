"""
A chart that was saved into the case is in its report and capsule.

It is left out if a person can be read in it.
"""

import os
import shutil
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import sinchtools as st
from sinchtools.cases.case import Case
from tests.support.shell import BAD

WORDS = "charts/kept-mine.png"


@pytest.fixture
def case(work: Path) -> Case:
    return st.Case("4711", [BAD, replace(BAD, id="row-2", status=401, code=None, account="plan-b")])


def page(case: Any) -> str:
    return st.report(case, case.folder / "report.html", parts=["charts"]).read_text(
        encoding="utf-8"
    )


def members(case: Any) -> Any:
    with zipfile.ZipFile(st.report(case, case.folder / "report.zip", parts=["charts"])) as capsule:
        return capsule.namelist()


def test_a_saved_chart_is_shown_with_its_words_and_lies_in_the_capsule(case: Case) -> None:
    chart = st.charts.endpoints(case.evidence.frame())
    st.charts.save(chart, case.charts / "mine.png")
    assert page(case).count("<figure>") == 1
    assert "(mine)" in page(case) and f'alt="{chart.description}"' in page(case)
    assert WORDS in members(case)
    assert page(case) == page(case)


def test_a_chart_that_the_report_draws_anyway_is_there_once(case: Case) -> None:
    rows = [replace(BAD, id=f"{n}", at=datetime(2026, 3, 1, n, tzinfo=UTC)) for n in range(21)]
    shown = st.Case("4712", rows)
    st.charts.save(st.charts.timeline(shown.evidence.frame()), shown.charts / "mine.png")
    text = st.report(shown, shown.folder / "report.html").read_text(encoding="utf-8")
    assert text.count("<figure>") == 1


def test_a_chart_in_which_a_person_can_be_read_is_left_out_and_named(case: Case) -> None:
    said = PngInfo()
    said.add_text("Title", "Calls")
    said.add_text("Description", "Only calls to 46701740605: 2.")
    Image.new("L", (9, 9)).save(case.charts / "mine.png", pnginfo=said)
    (case.charts / "mine.csv").write_text("n\n2\n")
    text = page(case)
    assert "The chart mine is left out because a person can be read in it." in text
    assert "<figure>" not in text and "46701740605" not in text
    assert WORDS not in members(case)


def test_a_picture_that_is_no_chart_of_ours_is_passed_over(case: Case) -> None:
    Image.new("L", (9, 9)).save(case.charts / "screenshot.png")
    assert "screenshot" not in page(case)
    assert "charts/kept-screenshot.png" not in members(case)


def test_more_charts_than_the_page_shows_are_counted(case: Case) -> None:
    drawn = st.charts.save(st.charts.endpoints(case.evidence.frame()), case.charts / "c00.png")
    for i in range(1, 12):
        for path in drawn:
            shutil.copy(path, path.with_stem(f"c{i:02}"))
    text = page(case)
    assert text.count("(c") == 10 and "2 more charts in the bundle" in text


def test_a_chart_from_before_the_last_evidence_says_so(case: Case) -> None:
    st.charts.save(st.charts.endpoints(case.evidence.frame()), case.charts / "mine.png")
    os.utime(case.charts / "mine.png", (0, 0))
    assert "Drawn before the latest evidence was added." in page(case)


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(*chunks: bytes, width: int = 9, height: int = 9, pixels: bytes | None = None) -> bytes:
    """A grey picture with the words of a chart of ours, and what else it is given."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\0\0\0\0"
    words = chunk(b"tEXt", b"Title\0Calls") + chunk(b"tEXt", b"Description\0Two calls.")
    body = zlib.compress(b"\0" * ((width + 1) * height)) if pixels is None else pixels
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + words
        + b"".join(chunks)
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


ZEROS = zlib.compress(b"\0" * 30_000_000, 9)
BOMBS = {
    "60,000 by 60,000": png(width=60_000, height=60_000, pixels=b""),
    "10,000 by 10,000": png(width=10_000, height=10_000, pixels=ZEROS),
    "6,000 by 6,000": png(width=6_000, height=6_000, pixels=ZEROS),
    "one long line": png(width=2**31 - 1, height=1, pixels=ZEROS),
    "one long column": png(width=1, height=2**31 - 1, pixels=ZEROS),
    "no width": png(width=0, pixels=b""),
    "a zTXt that unpacks to 30 MB": png(chunk(b"zTXt", b"Comment\0\0" + ZEROS)),
    "an iTXt that unpacks to 30 MB": png(chunk(b"iTXt", b"Comment\0\x01\0\0\0" + ZEROS)),
    "a profile that unpacks to 30 MB": png(chunk(b"iCCP", b"x\0\0" + ZEROS)),
    "half a picture": png()[:-30],
    "a chunk that is cut off": png(chunk(b"zTXt", b"Comment\0\0" + ZEROS))[:200],
    "no pixels": png(pixels=b""),
    "damaged pixels": png(pixels=b"\x78\x9c\xff\xff"),
    "larger than is read": png(chunk(b"teSt", b"\0" * 21 * 2**20)),
}


@pytest.mark.parametrize("part", [0, 1])  # of up to ten pictures a page speaks one by one
def test_a_picture_that_cannot_be_read_or_unpacks_without_end_is_left_out_and_named(
    case: Case, part: int
) -> None:
    names = [*BOMBS][part::2]
    for n, what in enumerate(names):
        (case.charts / f"mine-{n}.png").write_bytes(BOMBS[what])
        (case.charts / f"mine-{n}.csv").write_text("n\n2\n")
    text = page(case)
    told = [
        what for n, what in enumerate(names) if f"mine-{n} is left out because it cannot" in text
    ]
    assert told == names and "<figure>" not in text


def test_a_picture_that_cannot_be_read_is_in_no_capsule(case: Case) -> None:
    (case.charts / "mine.png").write_bytes(BOMBS["half a picture"])
    (case.charts / "mine.csv").write_text("n\n2\n")
    assert WORDS not in members(case)


def test_what_is_no_file_in_the_folder_of_charts_is_left_out_and_named(case: Case) -> None:
    made: dict[str, Callable[[Path], None]] = {
        "fifo": os.mkfifo,
        "link": lambda path: path.symlink_to("/dev/zero"),
        "folder": lambda path: path.mkdir(),
    }
    for kind, make in made.items():
        for ending in ("png", "csv"):
            picture = case.charts / f"{kind}-{ending}.png"
            picture.write_bytes(png())
            picture.with_suffix(".csv").write_text("n\n2\n")
            picture.with_suffix(f".{ending}").unlink()
            make(picture.with_suffix(f".{ending}"))
    text = page(case)
    assert [
        text.count(f"The chart {kind}-{e} is left out") for kind in made for e in ("png", "csv")
    ] == [1] * 6


ZEROS_BY_THE_MEGABYTE = zlib.compress(b"\0" * 10**8, 9)
HIDDEN = {
    "chunk-that-unpacks-to-100-MB": png(chunk(b"teSt", ZEROS_BY_THE_MEGABYTE)),
    "pixels-that-unpack-to-100-MB": png(pixels=ZEROS_BY_THE_MEGABYTE),
    "number-in-another-text": png(chunk(b"tEXt", b"Comment\0+46701740605")),
    "number-behind-the-picture": png() + b"+46701740605",
    "token-in-another-text": png(
        chunk(b"tEXt", b"Comment\0Authorization: Bearer 5c1e9a7b3d2f4e68")
    ),
}


def test_what_is_hidden_in_the_file_of_a_chart_does_not_leave(case: Case) -> None:
    for what, picture in HIDDEN.items():
        (case.charts / f"{what}.png").write_bytes(picture)
        (case.charts / f"{what}.csv").write_text("n\n2\n")
    with zipfile.ZipFile(st.report(case, case.folder / "report.zip", parts=["charts"])) as capsule:
        shown = capsule.read("report.html").decode()
        for what in HIDDEN:
            assert len(capsule.read(f"charts/kept-{what}.png")) < 1000
            assert f"({what})" in shown


def test_what_is_no_picture_is_passed_over(case: Case) -> None:
    for n, content in enumerate([b"", b"no picture", b"\x89PNG\r\n\x1a\n"]):
        (case.charts / f"mine-{n}.png").write_bytes(content)
    assert "<figure>" not in page(case)

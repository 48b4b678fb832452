"""
The job done by clicking, in real JupyterLab in Chromium.

Nothing but 127.0.0.1 is asked for anything, and nothing in the evidence runs.
"""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.support.evidence import MATHEMATICS
from tests.support.lab import CURRENT, Lab, expect, run_all, use_dark_theme, wait_idle
from tests.support.present import present
from tests.support.words import GO_ON
from tests.whole.test_accessibility import found

pytestmark = pytest.mark.browser
PANELS = ("Evidence", "Replay", "Charts", "Tips", "Report")
EVIL = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg "
    "onload=alert(3)>\x1b[31m\u202egnp\u2066\u200b\x07\x9b"
)
EVIL_NAME = "<img src=x onerror=alert(4)>\u202egnp\x1b[31m.jsonl"


# --- from the start page to the report ------------------------------------------------------------


def test_a_case_is_worked_by_clicking_only_from_the_start_page_through_all_notebooks(
    lab: Lab,
) -> None:
    page = lab.open()
    choose_notebook(page, "01-replay")
    mend_and_replay(page)
    stop_a_batch_and_go_on(page)
    choose_notebook(page, "02-error")
    filter_and_export(page, lab)
    choose_notebook(page, "03-troubleshooting")
    walk_to_three_ends(page)
    choose_notebook(page, "04-case-report")
    look_and_write(page, lab)
    choose_notebook(page, "05-large-logs")
    chart_a_large_log(page)
    page.close()


def mend_and_replay(page: Any) -> None:
    panel = ran(page, "01-replay-failing-requests")
    expect(panel).to_contain_text("SANDBOX")
    choose(panel, "Failure", r"400 syntax_invalid_json")
    wait_idle(page)
    press(page, panel, "Replay in the sandbox")
    panel.locator(".st-word", has_text="SAME").wait_for()
    press(page, panel, "Apply the suggested fix")
    press(page, panel, "Replay in the sandbox")
    panel.locator(".st-word", has_text="FIXED").wait_for()
    panel.get_by_text("Changed in the request").wait_for()
    expect(panel).to_contain_text("Not compared, because")


def stop_a_batch_and_go_on(page: Any) -> None:
    panel = page.locator(f"{CURRENT} .st-panel")
    choose(panel, "Failure", r"^every failure")
    wait_idle(page)
    panel.get_by_role("button", name="Replay all of this kind").click()
    panel.get_by_role("button", name="Stop").and_(page.locator(":enabled")).click(
        force=True
    )  # it moves while the bar fills
    panel.get_by_text(re.compile("stopped by hand; click again")).wait_for()
    done = done_of(panel)
    panel.get_by_role("button", name=GO_ON).click()
    panel.get_by_text(re.compile(r"they are in the call log")).wait_for(timeout=120_000)
    assert done < done_of(panel)


def filter_and_export(page: Any, lab: Lab) -> None:
    panel = ran(page, "02-error-code-distribution")
    press(page, panel, "Export chart and data")
    panel.get_by_text(re.compile("Written to")).wait_for()
    assert {path.suffix for path in (lab.work / "case-samples/charts").iterdir()} >= {
        ".png",
        ".svg",
        ".csv",
    }


class Mouse:
    """Touches marks, chips and rows by pointer."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def take(self, item: Any) -> None:
        item.click()

    def brush(self, first: Any, last: Any) -> None:
        (x, y), (end, _) = (self._middle(item) for item in (first, last))
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(end, y, steps=4)
        self.page.mouse.up()

    def _middle(self, item: Any) -> tuple[Any, Any]:
        box = item.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class Keyboard(Mouse):
    """The same by keys alone."""

    def take(self, item: Any) -> None:
        item.focus()
        item.press("Enter")

    def brush(self, first: Any, last: Any) -> None:
        first.focus()
        steps = int(last.get_attribute("data-mark")) - int(first.get_attribute("data-mark"))
        for _ in range(steps):
            self.page.keyboard.press("Shift+ArrowRight")
        self.page.keyboard.press("Enter")


def touch_the_charts(page: Any, panel: Any, hand: Any) -> None:
    """Click a bar, brush a day, remove a chip, reach the request and replay it."""

    def take(words: str) -> None:
        hand.take(panel.get_by_role("button", name=words, exact=True))
        wait_idle(page)

    take("Error codes")
    bar = panel.locator('.st-mark[aria-label^="403 missing_callback_url"]')
    hand.take(bar)
    code = panel.locator(".st-chip", has_text="403 missing_callback_url")
    code.wait_for()
    take("Timeline")
    intervals = panel.locator(".st-mark[data-from]")
    hand.brush(intervals.nth(20), intervals.nth(30))
    panel.locator(".st-chip", has_text="Time:").wait_for()
    wait_idle(page)
    hand.take(code)
    panel.locator(".st-chip", has_text="403").wait_for(state="detached")
    wait_idle(page)
    hand.take(panel.locator("button[data-row]").first)
    panel.get_by_text("is shown below the list").wait_for()
    panel.locator("pre", has_text=" https://").first.wait_for()
    take("Replay in the sandbox")
    panel.get_by_text("Replayed in the sandbox, simulated").wait_for()
    assert found(page) == []
    hand.take(panel.locator(".st-chip", has_text="Time:"))
    panel.locator(".st-chip").wait_for(state="detached")
    wait_idle(page)


def walk_to_three_ends(page: Any) -> None:
    panel = ran(page, "03-troubleshooting-tips")
    ends = [
        walked(panel, failure, answer)
        for failure, answer in (
            (r"403 missing_callback_url", "Did not help"),
            (r"^401", "Not the cause, next"),
            (r"400 syntax_invalid_json", "That was it, solved"),
        )
    ]
    assert len(set(ends)) == 3 and "solved at" in ends[2]
    press(page, panel, "Reply to copy")
    assert "Retry:" in panel.locator("textarea[readonly]").input_value()


def walked(panel: Any, failure: Any, answer: Any) -> Any:
    """Answer every step of a failure's tips in the same way, and return the words at the end."""
    end = panel.locator(".st-word", has_text="THE END")
    choose(panel, "Failure", failure)
    end.wait_for(state="detached")
    for answers in range(1, 13):
        panel.get_by_role("button", name=answer).click()
        panel.get_by_text(
            re.compile(rf"^{answers} answers? saved")
        ).wait_for()  # the last thing that a click changes
        if end.count():
            break
    end.wait_for()
    return panel.locator(".st-card").last.inner_text()


def look_and_write(page: Any, lab: Lab) -> None:
    panel = ran(page, "04-case-report")
    press(page, panel, "Preview")
    panel.locator("iframe").wait_for()
    for words, ending in (("Write the page", "html"), ("Write the capsule", "zip")):
        press(page, panel, words)
        panel.get_by_text(re.compile(rf"Written: .*\.{ending}")).wait_for()
    case = lab.work / "case-samples"
    written = next(iter({*case.glob("*.html")} - {case / "report.html"})).read_text()
    assert "FIXED" in written  # clicked before
    assert "Does the body parse?" in written


def chart_a_large_log(page: Any) -> None:
    panel = ran(page, "05-large-logs")
    press(page, panel, "Error codes")
    panel.locator(".st-mark").first.wait_for()


@pytest.mark.parametrize(
    "hands",
    [
        (Mouse, Keyboard),
        pytest.param((Keyboard, Mouse), marks=pytest.mark.long),
    ],
    ids=["pointer in light, keys in dark", "keys in light, pointer in dark"],
)
def test_the_charts_are_touched_by_pointer_or_by_keys_alone_in_both_themes(
    lab: Lab, hands: Any
) -> None:
    cell = (
        "import sinchtools as st\nfrom tools.traffic import fast_traffic\n"
        "st.panels.ChartsPanel(fast_traffic(3000, seed=1))"
    )
    path = lab.root / "touched.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=[new_code_cell(cell)], metadata=kernel), path)
    page = lab.open(path.name)
    run_all(page)
    panel = page.locator(f"{CURRENT} .st-panel")
    panel.locator(".st-mark").first.wait_for()
    in_light, in_dark = hands
    touch_the_charts(page, panel, in_light(page))
    use_dark_theme(page)
    touch_the_charts(page, panel, in_dark(page))
    page.close()


# --- hostile text, and the twin that stands where no widget is ------------------------------------


@pytest.fixture(scope="module")
def evil_page(jupyterlab: Lab) -> Iterator[Any]:
    """A page with all that hostile evidence is shown in, run and saved."""
    jupyterlab.start()
    page = jupyterlab.open(hostile(jupyterlab))
    run_all(page)
    page.locator(".st-panel").nth(len(PANELS) - 1).wait_for()
    wait_idle(page)
    page.keyboard.press("Control+s")
    page.locator(".jp-mod-dirty").first.wait_for(state="detached")
    yield page
    page.close()


def test_nothing_in_bodies_headers_codes_and_file_names_runs_or_hides(
    lab: Lab, evil_page: Any
) -> None:
    for words in ("Replay in the sandbox", "What stands out", "Not the cause, next"):
        press(evil_page, evil_page.locator(".st-panel"), words)
    evil_page.locator(".st-panel").nth(PANELS.index("Charts")).locator(
        "button[data-row]"
    ).first.click()
    wait_idle(evil_page)
    texts = evil_page.locator(".jp-OutputArea-output").all_text_contents()
    assert sum("onerror=alert" in text for text in texts) > len(PANELS)  # shown, as text
    assert [text[:200] for text in texts if hidden(text)] == []


def test_the_twin_is_hidden_beside_a_live_panel_and_alone_in_a_saved_or_exported_notebook(
    lab: Lab, evil_page: Any
) -> None:
    from nbconvert.exporters import HTMLExporter

    twins = evil_page.locator(".st-static")
    expect(twins).to_have_count(len(PANELS))
    expect(twins.locator("visible=true")).to_have_count(0)
    shutil.copy(lab.root / "hostile.ipynb", lab.root / "again.ipynb")
    page = lab.open("again.ipynb")
    twins = page.locator(".st-static").locator("visible=true")
    expect(twins).to_have_count(len(PANELS))
    expect(twins.nth(PANELS.index("Replay"))).to_contain_text("Chosen:")
    assert present(twins.locator("img").get_attribute("alt")).startswith("Error codes")
    body, _ = HTMLExporter(template_name="basic").from_filename(str(lab.root / "again.ipynb"))
    page.goto("about:blank")
    page.set_content(body)
    expect(twins).to_have_count(len(PANELS))
    page.close()


@pytest.mark.long
def test_nothing_in_the_evidence_is_typeset_as_mathematics(lab: Lab) -> None:
    evil = " ".join(MATHEMATICS)
    page = lab.open(hostile(lab, evil, "mathematics", SHOWN_TOO))
    run_all(page)
    page.locator(".st-panel").nth(len(PANELS) - 1).wait_for()
    wait_idle(page)
    for words in ("Replay in the sandbox", "What stands out", "Not the cause, next"):
        press(page, page.locator(".st-panel"), words)
    page.locator(".st-panel").nth(PANELS.index("Charts")).locator("button[data-row]").first.click()
    wait_idle(page)
    page.locator(".mine").last.locator("mjx-container").wait_for()  # what a user shows is
    expect(page.locator(".mine:has(mjx-container)")).to_have_count(len(MATHEMATICS))
    expect(page.locator("mjx-container:not(.mine mjx-container)")).to_have_count(0)
    shown = "".join(page.locator(".jp-OutputArea-output").all_text_contents())
    assert shown.count(evil) > len(PANELS)
    page.close()


SHOWN_TOO = [  # beside what every hostile notebook shows
    "case.evidence.frame()",
    "st.diagnose([x]).frame()",
    "st.plan([x]).frame()",
    "display(st.plan([x]), st.replay([x], target='preview'), st.explain(418, x.code), st.doctor())",
    "display(st.diagnose(case.evidence), st.prove(st.diagnose(x)), "
    "st.charts.error_codes(case.evidence))",
    "y = x.text\ny",
    "y = 1",
    "raise ValueError(x.text)",
    "st.explain(x.text, x.text)",
    f"from IPython.display import HTML\ndisplay(*[HTML(f'<p class=mine>{{one}}</p>') for one "
    f"in {MATHEMATICS!r}])",
]


def hostile(lab: Lab, evil: Any = EVIL, name: Any = "hostile", more: Any = ()) -> str:
    """Write a notebook that shows hostile evidence in every way that there is; return its path."""
    folder = lab.root / name
    folder.mkdir(exist_ok=True)
    row = {
        "method": "POST",
        "url": f"https://us.sms.api.sinch.com/xms/v1/p1/{evil}",
        "code": evil,
        "text": evil,
        "at": "2026-11-20T08:00:00Z",
        "request_headers": {"X-Evil": evil},
        "response_headers": {"X-Evil": evil},
        "request_body": evil,
        "response_body": json.dumps({"code": evil}),
    }
    lines = [
        json.dumps({**row, "id": f"{evil}{i}", "status": status})
        for i, status in enumerate((400, 403, 500, 201))
    ]
    (folder / EVIL_NAME).write_text("\n".join([*lines, evil]))
    cells = [
        "import sinchtools as st",
        f"case = st.Case({name!r}, {name!r})\nx = case.evidence[0]\ncase.evidence",
        f"case.note({evil!r})\ncase",
        "display(x, st.diagnose(x), st.tips(x), st.replay(x, log=case.log))",
        "print(case.evidence)\nprint(st.diagnose(x).as_text())\nprint(st.diagnose(x).answer())\n"
        "print(st.tips(x))",
        *more,
        *(f"st.panels.{name}Panel(case)" for name in PANELS),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    written = [new_code_cell(cell, metadata={"tags": ["raises-exception"]}) for cell in cells]
    nbformat.write(new_notebook(cells=written, metadata=kernel), lab.root / f"{name}.ipynb")
    return f"{name}.ipynb"


def hidden(text: Any) -> set[Any]:
    """What turns text around or commands a terminal; ipywidgets itself writes U+200B."""
    return {
        character
        for character in text
        if unicodedata.category(character) in ("Cc", "Cf") and character not in "\n\t\u200b"
    }


# --- clicking -------------------------------------------------------------------------------------


def ran(page: Any, name: Any) -> Any:
    """Run all cells of the notebook in front, and return its panel."""
    page.locator(f"{CURRENT} .jp-NotebookPanel-toolbar").wait_for()
    page.locator(".lm-TabBar-tab.jp-mod-current", has_text=name).wait_for()
    run_all(page)
    panel = page.locator(f"{CURRENT} .st-panel").first
    panel.wait_for()
    wait_idle(page)
    assert (
        page.locator(
            f"{CURRENT} .jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']"
        ).count()
        == 0
    )
    expect(page.locator(f"{CURRENT} .st-panel .st-stale:visible")).to_have_count(0)
    return panel


def choose_notebook(page: Any, name: Any) -> None:
    """Open a notebook from the list of files."""
    page.locator(".jp-DirListing-item", has_text=name).dblclick()


def choose(panel: Any, label: Any, pattern: Any) -> None:
    """
    Choose the first option of a labelled dropdown that fits the pattern.

    Ipywidgets writes its spaces as no-break ones.
    """
    box = panel.get_by_label(label, exact=True)
    option = box.locator("option", has_text=re.compile(pattern.replace(" ", r"\s"))).first
    option.wait_for(state="attached")
    box.select_option(label=option.text_content())


def press(page: Any, panel: Any, words: Any) -> None:
    panel.get_by_role("button", name=words, exact=True).click()
    wait_idle(page)


def done_of(panel: Any) -> int:
    told = present(re.search(r"([\d,]+) of ([\d,]+) done", panel.inner_text()))
    return int(told[1].replace(",", ""))

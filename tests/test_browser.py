"""The job done by clicking, in real JupyterLab in Chromium; nothing but 127.0.0.1 is asked for anything."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.lab import Lab, run_all, wait_idle

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    root, home = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("home")
    for name in ("notebooks", "data/samples"):
        shutil.copytree(ROOT / name, root / name)
    with Lab(root, home) as lab:
        yield lab
    assert lab.elsewhere == []
    assert lab.console_errors == []


@pytest.fixture
def opened(lab):
    pages = []

    def opened(name):
        page = lab.open(f"notebooks/{name}.ipynb")
        pages.append(page)
        run_all(page)
        page.locator(".st-panel").first.wait_for()
        wait_idle(page)
        assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        return page, page.locator(".st-panel").last

    yield opened
    for page in pages:
        page.close()


def choose(panel, label, pattern):
    """Choose the first option of a labelled dropdown that fits the pattern; ipywidgets writes its spaces as no-break ones."""
    box = panel.get_by_label(label, exact=True)
    option = box.locator("option", has_text=re.compile(pattern.replace(" ", r"\s"))).first
    option.wait_for(state="attached")
    box.select_option(label=option.text_content())


def press(page, panel, words):
    panel.get_by_role("button", name=words).click()
    wait_idle(page)


def test_a_failing_exchange_is_chosen_replayed_mended_and_replayed_again(opened):
    page, panel = opened("01-replay-failing-requests")
    assert "SANDBOX" in panel.inner_text()
    choose(panel, "Failure", r"400 syntax_invalid_json")
    wait_idle(page)
    press(page, panel, "Replay in the sandbox")
    panel.locator(".st-word", has_text="SAME").wait_for()
    press(page, panel, "Apply the certain fix")
    press(page, panel, "Replay in the sandbox")
    panel.locator(".st-word", has_text="FIXED").wait_for()


def test_a_batch_is_stopped_half_way_goes_on_and_what_is_different_is_read(opened):
    page, panel = opened("01-replay-failing-requests")
    choose(panel, "Failure", r"^every failure")
    wait_idle(page)
    panel.get_by_role("button", name="Replay all of this kind").click()
    panel.get_by_role("button", name="Stop").and_(page.locator(":enabled")).click()
    panel.get_by_text(re.compile("Stopped by hand")).wait_for()
    done = int(re.search(r"([\d,]+) of ([\d,]+) done", panel.inner_text())[1].replace(",", ""))
    panel.get_by_role("button", name="Go on with the rest").click()
    panel.get_by_text(re.compile(r"They are in the call log")).wait_for(timeout=120_000)
    assert done < int(re.search(r"([\d,]+) of ([\d,]+) done", panel.inner_text())[1].replace(",", ""))
    press(page, panel, "Apply the certain fix")
    press(page, panel, "Replay in the sandbox")
    panel.get_by_text("Changed in the request").wait_for()
    assert "Not compared in answers" in panel.inner_text()


def test_a_change_of_filter_changes_the_chart_and_export_lands_on_disk(opened, lab):
    page, panel = opened("02-error-code-distribution")
    picture = panel.locator("img").first
    before, words = picture.get_attribute("src"), picture.get_attribute("alt")
    choose(panel, "Code", r"missing_callback_url")
    page.wait_for_function("([old]) => [...document.querySelectorAll('.st-panel img')].every(img => img.src !== old)", arg=[before])
    assert panel.locator("img").first.get_attribute("alt") != words
    press(page, panel, "Export chart and data")
    panel.get_by_text(re.compile("Written to")).wait_for()
    written = {path.suffix for path in lab.root.rglob("sinchtools-work/charts/*")}
    assert written >= {".png", ".svg", ".csv"}


def test_three_tips_are_walked_to_three_ends_and_the_answer_can_be_copied(opened):
    page, panel = opened("03-troubleshooting-tips")
    ends = [
        walked(page, panel, failure, answer)
        for failure, answer in (
            (r"403 missing_callback_url", "Did not help"),
            (r"^401", "Not the cause, next"),
            (r"400 syntax_invalid_json", "That was it, solved"),
        )
    ]
    assert len(set(ends)) == 3 and "solved at" in ends[2]
    press(page, panel, "Answer to copy")
    assert "Retry:" in panel.locator("textarea[readonly]").input_value()


def walked(page, panel, failure, answer):
    """Answer every step of a failure's tips in the same way, and return the words at the end."""
    end = panel.locator(".st-word", has_text="THE END")
    choose(panel, "Failure", failure)
    end.wait_for(state="detached")
    for answers in range(1, 13):
        panel.get_by_role("button", name=answer).click()
        panel.get_by_text(f"{answers} answers written down").wait_for()  # the last thing that a click changes
        if end.count():
            break
    end.wait_for()
    return panel.locator(".st-card").last.inner_text()


def test_a_paste_is_read_by_clicking_and_its_token_is_gone(opened):
    page, panel = opened("00-start-here")
    panel.locator("textarea").first.fill(
        "curl https://us.sms.api.sinch.com/xms/v1/p1/batches -H 'Authorization: Bearer 5c1e9a7b3d2f4e6880a1b2c3d4e5f607'"
    )
    panel.locator("textarea").first.blur()
    press(page, panel, "Read")
    panel.get_by_text(re.compile("1 secrets? removed")).first.wait_for()
    assert "5c1e9a7b" not in page.locator(".jp-Notebook").inner_text()

"""
Six tickets are solved on the workbench in real JupyterLab, by pasting and clicking only.

SINCHTOOLS_TICKETS names another folder of tickets, with an index.json of the same form.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import sinchtools as st
from tests.support.lab import Lab, run_all, use_dark_theme, wait_idle
from tests.whole.test_accessibility import found

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("SINCHTOOLS_TICKETS") or ROOT / "data/samples/tickets")
INDEXES = (FOLDER / "index.json", Path(__file__).with_name("tickets.json"))
TICKETS = json.loads(next(filter(Path.exists, INDEXES)).read_text(encoding="utf-8"))
IN_MAKE_TEST = {"curl", "delivery"}
PANEL = ".widget-vbox.st"  # and not the still view beside it
MOST_CLICKS = 8
LONGEST_PASTE = 100_000
HAS_FOCUS = "selector => document.activeElement?.matches(selector)"
TOKEN = re.compile(r"Bearer [\"']?([0-9a-f]{32})\b")


def marked(ticket: Any) -> Any:
    marks = [] if ticket["id"] in IN_MAKE_TEST else [pytest.mark.long]
    return pytest.param(ticket, id=ticket["id"], marks=marks)


class Hand:
    """A user who pastes and clicks; the clicks are counted."""

    def __init__(self, page: Any) -> None:
        self.page, self.clicks = page, 0

    def click(self, selector: Any) -> None:
        self.clicks += 1
        self.page.locator(f"{PANEL} {selector}").and_(self.page.locator(":enabled")).first.click()

    def copied(self, selector: Any) -> Any:
        """Click a copy button, and return what is in the clipboard when it says so."""
        self.page.bring_to_front()
        self.click(selector)
        self.page.locator(f"{PANEL} {selector}.done").wait_for()
        return self.page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("ticket", [marked(one) for one in TICKETS])
def test_a_ticket_is_solved_by_pasting_and_clicking_only(
    lab: Lab, tmp_path: Path, ticket: Any
) -> None:
    paths = files_of(ticket, tmp_path)
    hand = begun(lab)
    page = hand.page
    for i, path in enumerate(paths):
        hand.click(".st-evidence button:has-text('Add evidence')" if i else ".st-paste textarea")
        page.locator(f"{PANEL} .st-paste textarea").fill(pasted(path))
        page.keyboard.press("Control+Enter")
        page.locator(f"{PANEL} .st-read b:text-matches('.')").first.wait_for()
    page.locator(f"{PANEL} .st-title").wait_for()
    wait_idle(page)
    curl = ""
    if page.locator(f"{PANEL} .st-replay").is_visible():
        hand.click(".st-replay")
        page.locator(f"{PANEL} .st-verdict").wait_for()
        wait_idle(page)
    if page.locator(f"{PANEL} .st-copy-curl").is_visible():
        curl = hand.copied(".st-copy-curl")
    reply = hand.copied(".st-copy-reply")
    with page.expect_popup() as tab:
        hand.click("button:has-text('Open report')")
    tab.value.locator("h1").wait_for()
    tab.value.close()
    report = words_of(written(lab))
    verdicts = page.locator(f"{PANEL} .st-verdict strong").all_inner_texts()
    page.close()
    assert hand.clicks <= MOST_CLICKS
    assert verdicts == ([ticket["verdict"]] if "verdict" in ticket else verdicts)
    assert list(missing(ticket, reply, report, curl)) == []
    assert secrets_in(paths, reply + report + curl) == []
    if curl:
        as_sent = curl.replace("$SINCH_API_TOKEN", "0123456789abcdef" * 2)
        now = st.read([str(path) for path in paths]).failing()[0].at
        [sent] = st.read(as_sent)
        assert not st.diagnose(sent, now=now).failing


def test_a_ticket_is_solved_by_keyboard_alone_and_nothing_serious_is_found(lab: Lab) -> None:
    page = begun(lab).page
    keys = page.keyboard
    page.locator(f"{PANEL} .st-cases select").focus()
    tab_to(page, ".st-paste textarea")
    keys.insert_text((ROOT / "data/samples/tickets/curl.md").read_text(encoding="utf-8"))
    keys.press("Control+Enter")
    page.locator(f"{PANEL} .st-title").wait_for()
    page.wait_for_function(HAS_FOCUS, arg=".st-title")
    keys.press("2")
    page.locator(f"{PANEL} .st-replay", has_text="3 fixes").wait_for()
    keys.press("2")
    page.locator(f"{PANEL} .st-replay", has_text="4 fixes").wait_for()
    keys.press("Control+Enter")
    page.locator(f"{PANEL} .st-verdict.fixed").wait_for()
    page.locator(f"{PANEL} .st-copy-reply:enabled").wait_for()
    wait_idle(page)
    for key, name in (("c", "curl"), ("r", "reply")):
        page.bring_to_front()
        keys.press(key)
        page.locator(f"{PANEL} .st-copy-{name}.done", has_text="Copied").wait_for()
    assert "four changes" in page.evaluate("navigator.clipboard.readText()")
    tab_to(page, ".st-replay")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab_to(page, ".st-helped input")
    keys.insert_text("comma behind the last entry")
    keys.press("Enter")
    page.locator(f"{PANEL} .st-closing", has_text="Closed.").wait_for()
    assert found(page) == []
    use_dark_theme(page)
    assert found(page) == []
    touch_the_log(page)
    assert found(page) == []
    page.close()


def touch_the_log(page: Any) -> None:
    """Narrow the list of a log by its chart, open a request, and take the chips away again."""
    for name in ("button:has-text('New case')", ".st-create"):
        page.locator(f"{PANEL} {name}:visible").press("Enter")
        wait_idle(page)
    page.locator(f"{PANEL} .st-paste textarea").fill(str(ROOT / "data/samples/tickets/log.jsonl"))
    page.keyboard.press("Control+Enter")
    mark = page.locator(f'{PANEL} .st-mark[aria-label*="8 of 14 calls"]')
    mark.wait_for()
    wait_idle(page)
    mark.hover()
    page.locator(f"{PANEL} .st-touch-tip", has_text="8 of 14 calls (57.1%)").wait_for()
    mark.click()
    head, chips = page.locator(f"{PANEL} .st-head"), page.locator(f"{PANEL} .st-chip")
    head.filter(has_text="1 to 8 of 8 failed requests").wait_for()
    page.locator(f"{PANEL} tr[data-id]").nth(4).click()
    page.locator(f"{PANEL} .st-walk", has_text="5 of 8").wait_for()
    for words, left in (("Time:", 239), ("Account:", 233)):
        chips.filter(has_text=words).press("Enter")
        head.filter(has_text=f"of {left} failed requests").wait_for()
    wait_idle(page)


def tab_to(page: Any, selector: Any) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(HAS_FOCUS, selector):
            return
    raise AssertionError(f"Tab does not reach {selector}.")


def begun(lab: Lab) -> Hand:
    """Open the first notebook, run it, and begin a new case."""
    page = lab.open("notebooks/00-start-here.ipynb", width=1280)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    run_all(page)
    wait_idle(page)
    ways_in = page.locator(f"{PANEL} .st-paste textarea, {PANEL} button:has-text('New case')")
    ways_in.locator("visible=true").first.wait_for()
    if not page.locator(f"{PANEL} .st-paste textarea").is_visible():
        page.locator("button:has-text('New case')").click()
        page.locator(f"{PANEL} .st-create").click()
    page.locator(f"{PANEL} .st-paste textarea").wait_for()
    wait_idle(page)
    return Hand(page)


def files_of(ticket: Any, folder: Any) -> list[Any]:
    if "make" in ticket:
        subprocess.run([sys.executable, FOLDER / ticket["make"], folder], check=True)
    return [(folder if "make" in ticket else FOLDER) / name for name in ticket["files"]]


def pasted(path: Any) -> str:
    is_large = path.stat().st_size > LONGEST_PASTE
    return str(path) if is_large else path.read_text(encoding="utf-8")


def written(lab: Lab) -> str:
    pages = sorted(lab.work.glob("case-*/report.html"), key=lambda path: path.stat().st_mtime)
    return pages[-1].read_text(encoding="utf-8")


def words_of(page: Any) -> str:
    bare = re.sub(r"(?s)<style.*?</style>|<svg.*?</svg>|src=\"data:[^\"]*\"|<[^>]+>", " ", page)
    return re.sub(r"\s+", " ", unescape(bare))


def missing(ticket: Any, reply: Any, report: Any, curl: Any) -> Iterator[Any]:
    for text, has, lacks in ((reply, "reply_has", "reply_lacks"), (curl, "curl_has", "curl_lacks")):
        yield from (f"{has}: {word}" for word in ticket.get(has, []) if word not in text)
        yield from (f"{lacks}: {word}" for word in ticket.get(lacks, []) if word in text)
    low = report.lower()
    for group in ticket.get("report_has", []):
        if not any(word.lower() in low for word in group):
            yield f"report_has: {group}"
    yield from (f"report_lacks: {w}" for w in ticket.get("report_lacks", []) if w.lower() in low)


def secrets_in(paths: Any, text: Any) -> list[Any]:
    tokens = {one for path in paths for one in TOKEN.findall(path.read_text(encoding="utf-8"))}
    return [token for token in tokens if token in text]

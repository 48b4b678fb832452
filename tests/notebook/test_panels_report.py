"""The report panel writes what `st.report` writes, and says what went wrong."""

from pathlib import Path

import pytest

from sinchtools.cases.case import Case
from sinchtools.cases.reports import report
from sinchtools.core.records import Exchange
from sinchtools.notebook.panels import ReportPanel
from tests.support.present import present
from tests.support.words import DID_NOT_WORK

BAD = Exchange(
    id="row-1",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/p1/batches",
    request_body='{"to": ["+46701740605"]',
    status=400,
)


@pytest.fixture
def case(work: Path) -> Case:
    made = Case("7")
    made.add(BAD)
    return made


def test_the_page_is_that_of_the_function(case: Case, work: Path) -> None:
    panel = ReportPanel(case)
    for part in ("charts", "when"):
        panel.parts[part].value = False
    panel.page_button.click()
    assert panel.path and panel.path == work / "case-7.html"
    twin = report(case, work / "twin.html", parts=panel.chosen)
    assert panel.path.read_bytes() == twin.read_bytes()
    assert "Written:" in panel.status.value


def test_a_preview_runs_nothing_and_leaves_no_file(case: Case, work: Path) -> None:
    before = sorted(work.iterdir())
    panel = ReportPanel(case)
    panel.parts["charts"].value = False
    panel.preview_button.click()
    assert 'sandbox src="data:text/html;base64,' in panel.preview.value
    assert sorted(work.iterdir()) == before


def test_a_note_goes_in_without_its_secret(case: Case) -> None:
    panel = ReportPanel(case)
    panel.parts["charts"].value = False
    panel.note.value = "Seen with Bearer 5c1e9a7b3d2f4e68 by +46701740605"
    panel.page_button.click()
    text = present(panel.path).read_text()
    assert (
        "Seen with Bearer [secret opaque 16 #1] by +4670•••••05" in text
        and "46701740605" not in text
    )


def test_what_cannot_be_written_is_said_in_the_panel(case: Case, work: Path) -> None:
    panel = ReportPanel(case, folder=work / "case-7" / "key" / "below")
    panel.page_button.click()
    assert DID_NOT_WORK in panel.status.value and not panel.page_button.disabled


def test_every_control_has_a_label_and_a_tooltip(case: Case) -> None:
    panel = ReportPanel(case)
    for control in (
        *panel.parts.values(),
        panel.name,
        panel.note,
        panel.preview_button,
        panel.page_button,
        panel.capsule_button,
    ):
        assert control.description and control.tooltip

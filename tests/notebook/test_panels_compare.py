"""The compare panel, without a browser: two requests chosen, what differs, what decides."""

from dataclasses import replace
from pathlib import Path

from sinchtools.cases import Case
from sinchtools.notebook.panels import ComparePanel
from sinchtools.privacy.aliases import Aliases
from tests.notebook.test_panels import BAD, GOOD, NO_URL
from tests.support.present import present

CURL = replace(GOOD, id="curl", request_headers={"User-Agent": "curl/8"}, source="works.txt")
APP = replace(
    BAD,
    id="app",
    request_body='{"to": ["07700900123"], "from": "15559870002", "body": "Hi"}',
    code="syntax_invalid_parameter_format",
)


def compared(panel: ComparePanel) -> tuple[str, str]:
    found = present(panel.found)
    return found.a.id, found.b.id


def test_it_begins_with_a_failure_and_what_succeeded_and_says_what_differs() -> None:
    panel = ComparePanel([GOOD, NO_URL, APP])
    found = present(panel.found)
    assert {found.a.failed, found.b.failed} == {True, False}
    assert "What differs" in panel.result.value


def test_it_begins_with_the_most_frequent_failure() -> None:
    rare = replace(APP, id="rare", status=503, code=None)
    panel = ComparePanel([rare, GOOD, APP, replace(APP, id="again")])
    assert panel.found is not None and panel.found.a.id == "app"


def test_the_sandbox_says_which_difference_decides() -> None:
    panel = ComparePanel([APP], [CURL])
    panel.prove_button.click()
    found = present(panel.found)
    assert [one.what for one in found.cause] == ["body to"]
    assert found.headline == 'Simulated: "to" in the body decides'
    assert "✓ body to" in panel.result.value


def test_another_choice_is_another_comparison_without_a_cause() -> None:
    panel = ComparePanel([APP, NO_URL, GOOD])
    panel.prove_button.click()
    panel.first.value = "no-url"
    found = present(panel.found)
    assert (found.a.id, found.cause) == ("no-url", ())


def test_one_request_alone_is_nothing_to_compare() -> None:
    panel = ComparePanel([APP])
    assert panel.found is None and panel.prove_button.disabled
    assert "Choose two requests" in panel.status.value


def test_what_comes_into_the_case_is_offered_and_the_choice_stays(work: Path) -> None:
    case = Case("compared", [APP, GOOD])
    panel = ComparePanel(case)
    before = compared(panel)
    case.add([NO_URL])
    assert panel.freshen()
    assert NO_URL.id in panel.first.exchanges
    assert compared(panel) == before


def test_the_still_picture_names_nobody() -> None:
    odd = replace(APP, request_headers={"X-Customer": "+447700900123"})
    html, _ = ComparePanel([odd], [CURL]).static(Aliases(b"k" * 32))
    assert "447700900123" not in html and "header x-customer" in html

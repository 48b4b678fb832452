"""What a step's check says and what the diagnosis says never contradict each other."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sinchtools.core.records import Exchange, Finding
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.playbooks.check_rows import Checked
from sinchtools.playbooks.checks import CHECKS
from sinchtools.playbooks.playbook import tips
from tests.support import corpus

SAMPLES = [(sample.kind, sample.exchange) for sample in corpus.samples(1)]


def contradictions(
    exchange: Exchange, findings: Sequence[Finding], checks: Any = CHECKS
) -> Iterator[str]:
    """Yield each step that says what no finding says, or leaves out what the first one says."""
    book = tips(exchange, findings=findings).playbook
    lines = {str(one.line) for one in findings}
    worth = [one for one in findings if one.severity != "note"]
    problems = 0
    for step in filter(lambda one: one.check, book.steps):
        checked = checks[step.check](exchange, findings)
        problems += checked.state == "problem"
        if checked.state == "problem" and not worth:
            yield f"{step.check} finds what the diagnosis does not"
        if set(re.findall(r"[Ll]ine (\d+)", checked.proof)) - lines:
            yield f"{step.check} names another line"
    top = next((one for one in findings if one.severity == "error"), None)
    if top and not problems and not top.rule.startswith("observed") and book.status == top.status:
        yield f"no step knows {top.rule}"


@pytest.mark.parametrize(("kind", "exchange"), SAMPLES, ids=lambda one: getattr(one, "name", None))
def test_a_defect_is_told_the_same_by_steps_and_diagnosis(kind: Any, exchange: Exchange) -> None:
    findings = diagnose(exchange, now=corpus.NOW).findings
    assert list(contradictions(exchange, findings)) == []


@pytest.mark.parametrize("seed", range(40))
def test_no_step_finds_a_problem_in_a_valid_request(seed: int) -> None:
    exchange = corpus.valid(seed)
    findings = diagnose(exchange, now=corpus.NOW).findings
    assert list(contradictions(exchange, findings)) == []


@pytest.mark.parametrize(
    "lie", [Checked("ok", "All is well."), Checked("problem", "Line 999 is broken.")]
)
def test_a_check_that_lies_is_found(lie: Any) -> None:
    lying = dict.fromkeys(CHECKS, lambda exchange, findings: lie)
    found = [
        one
        for _, exchange in SAMPLES[:60]
        for one in contradictions(exchange, diagnose(exchange, now=corpus.NOW).findings, lying)
    ]
    assert len(found) > 20

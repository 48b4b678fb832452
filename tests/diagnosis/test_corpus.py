"""
Labelled defects on valid requests of every endpoint.

A few seeds here, all of them in the long run.
"""

from typing import Any

import pytest

from sinchtools.api.description import ENDPOINTS
from tests.support import corpus


def test_there_are_at_least_sixty_kinds_of_defects_on_every_endpoint() -> None:
    assert len({(kind.rule, kind.operation, kind.field) for kind in corpus.KINDS}) >= 60
    assert corpus.covered(corpus.SEEDS) == {endpoint.operation for endpoint in ENDPOINTS}


@pytest.mark.parametrize("view", corpus.VIEWS)
def test_each_labelled_defect_is_found(view: Any) -> None:
    _, missed = corpus.measured(corpus.VIEWS[view], corpus.SEEDS)
    assert not missed


def test_valid_requests_have_no_error() -> None:
    assert corpus.false_alarms(corpus.VALID) == []


@pytest.mark.long
@pytest.mark.parametrize("view", corpus.VIEWS)
def test_labelled_defects_are_found_at_full_size(view: Any) -> None:
    check(view, 25)


@pytest.mark.long
def test_a_thousand_valid_requests_have_no_error() -> None:
    assert corpus.false_alarms(1000) == []


def check(view: Any, seeds: Any) -> None:
    right, missed = corpus.measured(corpus.VIEWS[view], seeds)
    assert right["rule"] >= 97 and right["caret"] == 100, missed

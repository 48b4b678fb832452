"""
Whatever a paste was mutilated to, it is read or listed.

Nothing is raised, nothing hangs, memory stays bounded.
"""

from typing import Any

import pytest

from tests.conftest import FULL
from tests.support import fuzz

INPUTS = 20_000 if FULL else 2_000
STEP = 200
FIRST = [n if n == 0 else pytest.param(n, marks=pytest.mark.long) for n in range(0, INPUTS, STEP)]


@pytest.mark.parametrize("first", FIRST)
def test_mutilated_evidence_is_read_or_listed(first: Any) -> None:
    for number in range(first, first + STEP):
        with fuzz.bounded():
            fuzz.check(number)


@pytest.mark.parametrize("number", [4333])  # code whose tree was deeper than Python's stack
def test_what_once_stopped_a_reader_is_read_or_listed(number: int) -> None:
    fuzz.check(number)


def test_a_number_makes_the_same_input_each_time() -> None:
    assert fuzz.made(7) == fuzz.made(7) != fuzz.made(8)

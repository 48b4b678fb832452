"""
Whatever a paste was mutilated to, it is read or listed.

Nothing is raised, nothing hangs, memory stays bounded.
"""

import pytest

from tests.conftest import FULL
from tests.support import fuzz

INPUTS = 20_000 if FULL else 2_000
STEP = 200


@pytest.mark.parametrize("first", range(0, INPUTS, STEP))
def test_mutilated_evidence_is_read_or_listed(first):
    for number in range(first, first + STEP):
        with fuzz.bounded():
            fuzz.check(number)


def test_a_number_makes_the_same_input_each_time():
    assert fuzz.made(7) == fuzz.made(7) != fuzz.made(8)

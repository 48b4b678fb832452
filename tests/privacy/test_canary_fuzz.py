"""
What is handed over contains none of the tokens, numbers and texts planted at random.

It is not refused either.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FULL
from tests.support import canary_fuzz

SIZE = 20 if FULL else 10


@pytest.mark.parametrize(
    "first",
    [pytest.param(n, marks=[pytest.mark.long] * (n >= 2)) for n in range(len(canary_fuzz.FORMATS))],
)
def test_nothing_planted_is_in_a_file_that_is_handed_over(work: Path, first: Any) -> None:
    figures = canary_fuzz.run(SIZE, first, SIZE)
    assert (figures.inputs, figures.leaks, figures.refused) == (SIZE, [], [])


def test_a_planted_canary_is_found(tmp_path: Path) -> None:
    planted = canary_fuzz.Canary("5c1e9a7b3d2f4e68", "46701740605", "Dear Anna, your parcel")
    (tmp_path / "x").write_text(f"a {planted.token} b +46 70 174 06 05 c {planted.text}")
    found = [kind for kind, _ in canary_fuzz._found(tmp_path / "x", [planted])]
    assert found == ["token", "number", "text"]


@pytest.mark.long
@pytest.mark.skipif(not FULL, reason="at full size only: make check-long")
def test_nothing_planted_is_in_any_file_of_twenty_thousand_requests(work: Path) -> None:
    figures = canary_fuzz.run(20_000, first=1_000)
    assert (figures.inputs, figures.leaks[:20]) == (20_000, [])
    assert len(figures.refused) <= figures.files / 1000, figures.refused[:20]

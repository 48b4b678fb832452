"""What docs/adding.md shows stands in the code."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXCERPTS = re.findall(
    r"^```\w+\n# (\S+)\n(.*?)^```$",
    (ROOT / "docs/adding.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(("name", "excerpt"), EXCERPTS)
def test_an_excerpt_stands_in_the_file_that_it_names(name: Any, excerpt: Any) -> None:
    assert excerpt in (ROOT / name).read_text(encoding="utf-8")


def test_each_kind_of_addition_is_shown() -> None:
    assert {name.partition("/")[0] for name, _ in EXCERPTS} == {"data", "sinchtools", "tests"}
    assert len(EXCERPTS) == 15

"""Each file of the catalogue is checked when it is read; a mistake is named with its place."""

from pathlib import Path

import pytest

from sinchtools.core.errors import WrongUseError
from sinchtools.core.tables import load, place_of, read_rows, read_texts
from sinchtools.diagnosis.rules import Rule

RULE = {"says": "It is wrong.", "then": "Fix it.", "page": "a page"}
PACKAGE = Path(__file__).parents[2] / "sinchtools"


def written(folder: Path, name: str, table: str, row: dict[str, str]) -> Path:
    path = folder / name
    path.write_text(f"{table}\n" + "".join(f'{key} = "{value}"\n' for key, value in row.items()))
    return path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"sayz": "x"}, "unknown field `sayz`", id="unknown"),
        pytest.param({"then": ""}, r"at `\$.then`", id="empty"),
        pytest.param({"tag": "sure"}, r"Invalid enum value 'sure' - at `\$.tag`", id="not-allowed"),
    ],
)
def test_a_mistake_in_a_row_is_named_with_its_place(
    tmp_path: Path, change: dict[str, str], says: str
) -> None:
    path = written(tmp_path, "rules.toml", "[my-rule]", RULE | change)
    with pytest.raises(WrongUseError, match=rf"rules.toml, \[my-rule\]: .*{says}"):
        read_rows(path, Rule)


def test_a_text_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pages.toml"
    path.write_text("[pages]\nReference = 7\n")
    with pytest.raises(WrongUseError, match=r"pages.toml, \[pages\]: Expected `str`, got `int`"):
        read_texts(path, "pages")


def test_a_file_that_is_no_toml_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "http.toml"
    path.write_text("[[entry\n")
    with pytest.raises(WrongUseError, match=r"The catalogue file http\.toml cannot be read"):
        load(path)


def test_the_catalogue_is_read_in_one_place() -> None:
    readers = [path.name for path in PACKAGE.rglob("*.py") if "tomllib" in path.read_text()]
    assert readers == ["tables.py"]
    assert place_of("http.toml").is_file()

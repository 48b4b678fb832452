from pathlib import Path

from sinchtools.api.catalogue import status_rows
from sinchtools.diagnosis.rules import rules
from tools.assumptions import table

DOCUMENT = Path(__file__).parents[2] / "docs" / "assumed.md"


def test_the_document_is_fresh() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == table()


def test_every_assumed_rule_stands_in_it_and_no_other() -> None:
    rows = [line.split(" | ")[1] for line in table().splitlines() if line.startswith("| rule |")]
    assert set(rows) == {name for name, rule in rules().items() if rule.tag == "assumed"} and len(
        rows
    ) == len(set(rows))


def test_no_row_of_the_status_page_is_assumed() -> None:
    assert [row.label for row in status_rows() if row.tag == "assumed"] == []


def test_a_cell_does_not_break_the_table() -> None:
    assert {
        line.replace("\\|", "").count("|") for line in table().splitlines() if line.startswith("|")
    } == {5}

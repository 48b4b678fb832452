"""
Find the tables that programs draw in a terminal, and what stands in their cells.

Three ways to draw one are known: bars between the columns (psql, mysql, DuckDB, rich, Markdown), a
rule of dashes below each name (PowerShell, sqlcmd, SQL*Plus, sqlite), or blanks alone (kubectl,
pandas).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sinchtools.evidence.formats.table_columns import KNOWN
from sinchtools.evidence.times import squashed


class Drawn(NamedTuple):
    """A table: its names, its rows with the number of their line, and the lines that it takes."""

    names: list[str]
    rows: list[tuple[int, list[str]]]
    first: int
    last: int


_BARS = str.maketrans("│┃┆║", "||||")
_ANY_BAR, _ANY_RULE = "|│┃┆║", ("--", "==", "─", "━", "═", "||", "|-", "|:")
_RULE = re.compile(r"(?=[^\n]*[-=\u2500-\u257f])[\s|+:=\-\u2500-\u257f]{3,}")
_JIRA = re.compile(r"\|\|(?:[^|]+\|\|){2,}")  # names between two bars: no rule follows
_NUMBERED = re.compile(r"\s*\d+\. (?=[│┃])")
_BAR = re.compile(r"(?<!\\)\|")
_WRAPPED = "+"  # what psql puts behind a line of a cell that goes on
_DASHES = re.compile(r"[ \t]*-{2,}(?: +-{2,})+[ \t]*")
_WORD = re.compile(r"\S+")
_HEAD = re.compile(r"[^\d:{}<>=|\"/]{8,400}")
_TYPE = re.compile(r"<[a-z]{2,8}>|[a-z]{1,20}\d{0,3}(?:[\[(][^\])]{0,40}[\])])?")
_LONGEST = 5_000
_MOST_ROWS = 100_000


def drawn(text: str) -> Iterator[Drawn]:
    r"""
    Yield the tables in a text, in their order for each way to draw one.

    Examples
    --------
    >>> table = next(drawn(" id | status\n----+-------\n  1 |    201\n  2 |"))
    >>> table.names, [cells for _, cells in table.rows]
    (['id', 'status'], [['1', '201'], ['2', '']])
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    has_bars = any(bar in text for bar in _ANY_BAR) and any(rule in text for rule in _ANY_RULE)
    barred = _barred(lines) if has_bars else ()
    ruled = _ruled(lines) if "-- -" in text or "--  " in text else ()
    for table in (*barred, *ruled, *_aligned(lines)):
        rows = [row for row in table.rows if not _are_types(row[1])]
        if rows:
            yield table._replace(rows=rows)


def _are_types(cells: list[str]) -> bool:
    """Tell whether a row says only of which type each column is: DuckDB, polars, R."""
    return all(_TYPE.fullmatch(cell) for cell in cells if cell)


def _barred(lines: list[str]) -> Iterator[Drawn]:
    """Yield the tables whose columns are divided by bars: a rule stands below their names."""
    block: list[tuple[int, list[str]]] = []
    rules: list[int] = []  # before which of the rows one stands
    boxed = False
    for number, line in enumerate([*lines, ""], start=1):
        bare = _NUMBERED.sub("", line).strip() if len(line) <= _LONGEST else ""
        if bare and _RULE.fullmatch(bare):
            if block:
                rules.append(len(block))
            continue
        if names := _names_in_rule(bare):
            block, rules, boxed = [(number, names)], [1], True
            continue
        boxed = _is_boxed(bare) if not block else boxed
        cells = _cells(bare if boxed else line, boxed)
        if len(cells) > 1 and (not block or len(cells) == len(block[0][1])):
            block.append((number, cells))
            continue
        if rules and (table := _of_block(block, rules)):
            yield table
        boxed = _is_boxed(bare)
        cells = _cells(bare if boxed else line, boxed)
        block, rules = ([(number, cells)] if len(cells) > 1 else []), []


def _names_in_rule(line: str) -> list[str]:
    if _JIRA.fullmatch(line):
        return [name.strip() for name in line[2:-2].split("||")]
    if line[:1] not in ("┌", "┏") or not any(map(str.isalpha, line)):  # of ClickHouse
        return []
    return [name.strip("─━┌┐┏┓ ") for name in re.split("[┬┳]", line)]


def _is_boxed(line: str) -> bool:
    plain = line.translate(_BARS)
    return plain.startswith("|") and plain.endswith("|") and len(plain) > 1


def _cells(line: str, boxed: bool) -> list[str]:
    plain = line.translate(_BARS)
    if "|" not in plain:
        return []
    parts = _BAR.split(plain[1:-1] if boxed else plain)
    return [_unquoted(part.replace("\\|", "|").strip()) for part in parts]


def _unquoted(cell: str) -> str:
    """Return a cell without the quotes of Markdown's code or of JavaScript's `console.table`."""
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "`'\""
    return cell[1:-1] if is_quoted else cell


def _of_block(block: list[tuple[int, list[str]]], rules: list[int]) -> Drawn | None:
    """Return the table of rows with bars: what stands above the first rule are its names."""
    head, segments = rules[0], {place for place in rules if rules[0] < place < len(block)}
    rows: list[tuple[int, list[str]]] = []
    wraps = False
    for place, (number, cells) in enumerate(block[head:], start=head):
        goes_on = segments and place not in segments and not cells[0]
        if rows and (wraps or goes_on):
            whole = zip(rows[-1][1], cells, strict=True)
            rows[-1] = rows[-1][0], [_joined(one, more) for one, more in whole]
        else:
            rows.append((number, cells))
        wraps = any(cell.endswith(" " + _WRAPPED) for cell in cells)
    return Drawn(block[0][1], rows, block[0][0], block[-1][0]) if rows else None


def _joined(one: str, more: str) -> str:
    """Return a cell that stands on two lines: text is wrapped at a blank, all else anywhere."""
    if one.endswith(_WRAPPED):
        return f"{one.removesuffix(_WRAPPED).rstrip()}\n{more}"
    blank = " " if one and more and "://" not in one and (" " in one or " " in more) else ""
    return f"{one}{blank}{more}"


def _ruled(lines: list[str]) -> Iterator[Drawn]:
    """Yield the tables with dashes below each name: they say where each column begins."""
    done = 0
    for at, line in enumerate(lines[1:], start=1):
        if at < done or len(line) > _LONGEST or not _DASHES.fullmatch(line):
            continue
        starts = [run.start() for run in re.finditer("-+", line)]
        names = _sliced(lines[at - 1], starts)
        end = _end_of_rows(lines, at + 1)
        rows = [(n + 1, _sliced(lines[n], starts)) for n in range(at + 1, end)]
        done = end
        if all(names) and rows:
            yield Drawn(names, rows, at, end)


def _end_of_rows(lines: list[str], at: int) -> int:
    end = at
    while end < min(len(lines), at + _MOST_ROWS) and 0 < len(lines[end].strip()) <= _LONGEST:
        end += 1
    return end


def _sliced(line: str, starts: list[int]) -> list[str]:
    """Return the cells of a line: a value that is longer than its name may begin before it."""
    places = []
    for start in starts:
        while 0 < start < len(line) and not line[start - 1].isspace() and not line[start].isspace():
            start -= 1
        places.append(start)
    ends = [*places[1:], len(line)]
    return [line[a:b].strip() for a, b in zip([0, *places[1:]], ends, strict=True)]


def _aligned(lines: list[str]) -> Iterator[Drawn]:
    """Yield the tables of which only blanks tell the columns: their names have to be known."""
    done = 0
    for at, line in enumerate(lines):
        if at < done or not _is_head(line):
            continue
        done = _end_of_rows(lines, at + 1)
        body = lines[at + 1 : done]
        if body and _DASHES.fullmatch(body[0]):
            continue
        columns = _columns(line, body)
        rows = [(at + 2 + n, [row[a:b].strip() for a, b in columns]) for n, row in enumerate(body)]
        names = [line[a:b].strip() or f"column {n}" for n, (a, b) in enumerate(columns, start=1)]
        if len(columns) > 1 and rows:
            yield Drawn(names, rows, at + 1, done)


def _is_head(line: str) -> bool:
    if line[:1].isdigit() or not _HEAD.fullmatch(line) or "  " not in line.strip():
        return False
    known = {KNOWN.get(squashed(word)) for word in line.split()}
    return len(known - {None}) > 1 and not known.isdisjoint(("status", "url"))


def _columns(head: str, body: list[str]) -> list[tuple[int, int]]:
    """Return from where to where each column goes: between them, all lines are blank."""
    width = max(map(len, (head, *body)))
    filled = [False] * (width + 1)
    for line in (head, *body):
        for word in _WORD.finditer(line):
            filled[word.start() : word.end()] = [True] * len(word[0])
    runs: list[tuple[int, int]] = []
    for place, is_filled in enumerate(filled):
        if is_filled and not (place and filled[place - 1]):
            runs.append((place, place))
        if is_filled:
            runs[-1] = runs[-1][0], place + 1
    firsts = (line[: runs[0][1]].strip() for line in body)
    is_counted = all(first.isdigit() for first in firsts if first)
    return _with_names(head, runs, is_counted=is_counted)


def _with_names(
    head: str, runs: list[tuple[int, int]], *, is_counted: bool
) -> list[tuple[int, int]]:
    """Return the columns; one without a name, a blank away from its neighbour, is a part of it."""
    columns = runs[:1]
    for start, end in runs[1:]:
        begins, ends = columns[-1]
        both_named = head[start:end].strip() and head[begins:ends].strip()
        if start - ends > 1 or both_named or (is_counted and len(columns) == 1):
            columns.append((start, end))
        else:
            columns[-1] = begins, end
    return columns

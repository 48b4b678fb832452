"""
Lay out a request as numbered lines, with the places at fault marked, and two of them side by side.

What is shown are the characters that were sent: only white space between JSON values is set anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sinchtools.cases import side_by_side
from sinchtools.cases.side_by_side import lines_side_by_side
from sinchtools.core.records import visible
from sinchtools.core.words import counted
from sinchtools.diagnosis import json_errors
from sinchtools.privacy.markers import MARKER

MOST_SHOWN = 20_000  # characters of a body
_SHORT_LIST = 56
_AROUND, _FOLDED_OVER = 3, 40
_LONGEST_LINE, _BESIDE = 80, 12
_KEY = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"(?=\s*:)|^[A-Za-z][\w-]*(?=: )")
_SPACES = {" ": "␣", "\t": "⇥", "\n": "↵"}
_OPEN, _CLOSE = "{[", "}]"


class Part(NamedTuple):
    """A piece of a line: plain, a key, or a mark."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    One line of a listing.

    Attributes
    ----------
    number
        As it is counted in the body; None for a line of the head beside a body.
    kind
        ``hit`` or ``see`` (an error, or less, is here), ``out`` or ``in`` (of a comparison),
        ``fold``.
    badges
        Number and severity of the findings that this line is about.
    """

    number: int | None = None
    parts: tuple[Part, ...] = ()
    kind: str = ""
    badges: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place in a text that a finding is about."""

    start: int
    end: int
    number: int
    severity: str = "error"


@dataclass(slots=True)
class Laid:
    """A text as it is shown; `origin` has for each character its place in the text as sent."""

    text: str = ""
    origin: list[int] = field(default_factory=list)

    def add(self, text: str, at: int = -1) -> None:
        """Add characters that stand at a place, or that only the layout has (-1)."""
        self.text += text
        self.origin += [at + i if at >= 0 else -1 for i in range(len(text))]


def laid_out(text: str, *, anew: bool | None = None) -> Laid:
    r"""
    Return a body as it is shown: JSON indented by its depth, everything else as it is.

    Broken JSON is laid out too. Lines of the sender are kept, unless there is only one, or `anew`.

    Examples
    --------
    >>> print(laid_out('{"to": ["1", "2"],}').text)
    {
      "to": ["1", "2"],
    }
    """
    text = text[:MOST_SHOWN]
    if not text.lstrip().startswith(("{", "[")):
        laid = Laid()
        laid.add(text, 0)
        return laid
    one_line = "\n" not in text.strip() if anew is None else anew
    return _json(text, breaks=one_line)


def _json(text: str, *, breaks: bool) -> Laid:
    laid, depth, at = Laid(), 0, 0
    flat_until = -1
    for token in _tokens(text):
        start, at = at, at + len(token)
        if token.isspace():
            _space(laid, token, start, depth, breaks=breaks)
            continue
        is_open, is_close = token in _OPEN, token in _CLOSE
        flat = start < flat_until
        if is_close:
            depth = max(0, depth - 1)
            is_blank = not laid.text.rpartition("\n")[2].strip()
            if breaks and not flat and not is_blank and not laid.text.endswith(tuple(_OPEN)):
                laid.add("\n" + "  " * depth)
            elif not breaks or is_blank:
                _outdent(laid, depth)
        laid.add(token, start)
        if is_open:
            depth += 1
            if breaks and not flat and (end := _end_of_short_list(text, start)):
                flat_until = end
                flat = True
        if breaks and (is_open or token == ",") and not flat and text[at:].strip():
            laid.add("\n" + "  " * depth)
        elif breaks and (token == ":" or (token == "," and flat)):
            laid.add(" ")
    return laid


def _space(laid: Laid, token: str, at: int, depth: int, *, breaks: bool) -> None:
    if breaks:
        return
    lines = token.count("\n")
    if not lines:
        laid.add(token, at)
        return
    laid.add("\n", at + token.index("\n"))
    laid.add("\n" * (lines - 1) + "  " * depth)


def _outdent(laid: Laid, depth: int) -> None:
    """Take back the indentation of a line that begins with a closing bracket."""
    line = laid.text.rpartition("\n")[2]
    if line and not line.strip():
        del laid.origin[-len(line) :]
        laid.text = laid.text[: -len(line)]
        laid.add("  " * depth)


def _tokens(text: str) -> Iterator[str]:
    """Yield strings, brackets, commas, colons, white space, and all else, in order."""
    at = 0
    while at < len(text):
        char = text[at]
        end = at + 1
        if char == '"' or (char == "'" and text[:at].rstrip()[-1:] in ("{", "[", ",", ":")):
            end = _string_end(text, at)
        elif char.isspace():
            while end < len(text) and text[end].isspace():
                end += 1
        elif char not in "{}[],:":
            while end < len(text) and not text[end].isspace() and text[end] not in "{}[],:\"'":
                end += 1
        yield text[at:end]
        at = end


def _string_end(text: str, at: int) -> int:
    quote, end = text[at], at + 1
    while end < len(text) and text[end] not in (quote, "\n"):
        end += 2 if text[end] == "\\" else 1
    return min(len(text), end + (text[end : end + 1] == quote))


def _end_of_short_list(text: str, at: int) -> int:
    """Return where a list of plain values ends, if it fits on a line; else 0."""
    end = text.find("]", at)
    inner = text[at + 1 : end] if text[at] == "[" and end > 0 else "{"
    return end + 1 if len(inner) <= _SHORT_LIST and not set(inner) & set("{[\n") else 0


# --- marks --------------------------------------------------------------------------------------


def listing(laid: Laid, spots: Sequence[Spot] = (), *, numbered: bool = True) -> list[Line]:
    """Return a laid-out text as lines, each with its marks and the numbers of its findings."""
    marked: dict[int, list[Spot]] = {}
    for spot in spots:
        for i in range(spot.start, spot.end):
            marked.setdefault(i, []).append(spot)
    lines, begin = [], 0
    for number, text in enumerate(laid.text.split("\n"), start=1):
        here = laid.origin[begin : begin + len(text)]
        end_of_line = laid.origin[begin + len(text) : begin + len(text) + 1]
        met = [spot for i in (*here, *end_of_line) for spot in marked.get(i, ())]
        parts = _parts(text, [bool(marked.get(i)) for i in here])
        begin += len(text) + 1
        lines.append(
            Line(
                number=number if numbered else None,
                parts=tuple(parts),
                kind=_kind_of(met),
                badges=tuple(sorted({(spot.number, spot.severity) for spot in met})),
            )
        )
    return lines


def _kind_of(spots: Sequence[Spot]) -> str:
    if not spots:
        return ""
    return "hit" if any(spot.severity == "error" for spot in spots) else "see"


def _parts(text: str, marked: Sequence[bool]) -> Iterator[Part]:
    keys = {i for found in _KEY.finditer(text) for i in range(*found.span())}
    kinds = ["mark" if m else "key" if i in keys else "" for i, m in enumerate(marked)]
    at = 0
    while at < len(text):
        end = at
        while end < len(text) and kinds[end] == kinds[at]:
            end += 1
        piece = text[at:end]
        yield Part(_seen(piece) if kinds[at] == "mark" else visible(piece), kinds[at])
        at = end


def _seen(piece: str) -> str:
    """Return marked text in which white space that is all, or at an end, can be seen."""
    inner = piece.strip()
    if not inner:
        return "".join(_SPACES.get(char, visible(char)) for char in piece)
    before, _, after = piece.partition(inner)
    ends = ["".join(_SPACES.get(char, visible(char)) for char in end) for end in (before, after)]
    return ends[0] + visible(inner) + ends[1]


def spot_of(
    text: str, number: int, severity: str, *, line: int | None, column: int | None, pointer: str
) -> Spot | None:
    """Return the place in a body that a finding names: the value at fault, else the character."""
    start = _offset(text, line, column) if line and column else None
    value = json_errors.position_of(text, pointer) if pointer else None
    start = value if value is not None and pointer else start
    if start is None or start > len(text):
        return None
    start = min(start, len(text) - 1)
    return Spot(start=start, end=_value_end(text, start), number=number, severity=severity)


def _offset(text: str, line: int, column: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return at + column - 1


def _value_end(text: str, start: int) -> int:
    if text[start] == '"':
        return _string_end(text, start)
    try:
        return min(json.JSONDecoder().raw_decode(text, start)[1], start + 400)
    except (ValueError, RecursionError):
        word = re.compile(r"[\w.+-]+").match(text, start)
        return word.end() if word else start + 1


def folded(lines: Sequence[Line], longest: int = _FOLDED_OVER) -> list[Line]:
    """Return the lines, those far from every mark folded when there are many."""
    if len(lines) <= longest:
        return list(lines)
    marks = [i for i, line in enumerate(lines) if line.kind] or [0]
    kept = {i for mark in marks for i in range(mark - _AROUND, mark + _AROUND + 1)}
    return _without(lines, [i in kept for i in range(len(lines))])


def _without(lines: Sequence[Line], kept: Sequence[bool]) -> list[Line]:
    found: list[Line] = []
    run = 0
    for line, is_kept in zip((*lines, Line()), (*kept, True), strict=True):
        if is_kept:
            if run:
                found.append(Line(parts=(Part(counted(run, "more line")),), kind="fold"))
            run = 0
            found.append(line)
        else:
            run += 1
    return found[:-1]


# --- before and after ---------------------------------------------------------------------------


def compared(before: str, after: str) -> tuple[list[Line], list[Line]]:
    """Return two texts as lines, the changed characters marked."""
    anew = None if ("\n" in before.strip()) == ("\n" in after.strip()) else True
    left, right = (laid_out(text, anew=anew).text.split("\n") for text in (before, after))
    return paired(left, right)


def paired(left: Sequence[str], right: Sequence[str]) -> tuple[list[Line], list[Line]]:
    """Return lines of both sides, changed characters marked, long equal runs folded."""
    was, now = lines_side_by_side(left, right)
    return [_in_listing(line, "out") for line in was], [_in_listing(line, "in") for line in now]


def _in_listing(line: side_by_side.Line, kind: str) -> Line:
    if not line.number:
        return Line(parts=(Part(line.text),), kind="fold")
    marked = [is_marked for text, is_marked in line.parts for _ in text]
    parts = tuple(_parts(line.text, marked))
    return Line(number=line.number, parts=parts, kind=kind if line.is_changed else "")


def swap(before: str, after: str) -> tuple[str, str]:
    """
    Return the changed value, as it was and as it is.

    Examples
    --------
    >>> swap('{"a": "per-x"}', '{"a": "per_x"}')
    ('per-x', 'per_x')
    >>> swap('"a": 1,', '"a": 1')
    ('1,', '1')
    """
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    stop, halt = len(before) - end, len(after) - end
    left = max(before.rfind(char, 0, start) for char in "\"' \n:[{,") + 1
    if stop == start or halt == start:  # only added, or only taken away: show what it stands beside
        left = _value_start(before, start)
    right = _right_of(before, stop)
    return before[left:right][:80], after[left : halt + right - stop][:80]


def _value_start(text: str, at: int) -> int:
    """Return where the value begins that ends at a place in a line."""
    line = text.rfind("\n", 0, at) + 1
    if at - line > _LONGEST_LINE:
        return at - _BESIDE
    value = re.compile(r'\s*(?:"[^"\n]*"\s*:\s*)?').match(text, line)
    return min(at, value.end() if value else line)


def _right_of(text: str, at: int) -> int:
    found = re.compile(r"[^\"'\n,\]}]*").match(text, at)
    return found.end() if found else at


# --- secrets ------------------------------------------------------------------------------------


def with_token_named(text: str, name: str = "<token>") -> str:
    """
    Return a header in which the secret is named, with the white space that stood around it.

    Examples
    --------
    >>> with_token_named("Bearer [secret opaque 32 #1 trailing-space]")
    'Bearer <token> '
    """

    def named(found: re.Match[str]) -> str:
        facts = found["facts"].split()
        quote = '"' if "quoted" in facts else ""
        before = " " if "leading-space" in facts else ""
        after = " " if "trailing-space" in facts else ""
        if "trailing-newline" in facts:
            after = "\n"
        return f"{before}{quote}{name}{quote}{after}"

    return MARKER.sub(named, text)

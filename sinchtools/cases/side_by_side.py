"""Two texts side by side, line by line, with the changed characters marked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from sinchtools.api.description import split_url
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, header
from sinchtools.privacy.markers import MARKER, marker_facts

MOST_EQUAL, KEPT = 6, 2  # equal lines in a row that are shown; of more, so many at each end
_ALIKE = 0.4  # below it, two lines are marked whole
_HIDDEN = re.compile(r"•+")
_STRAY = {"trailing-space": "{}␣", "leading-space": "␣{}", "trailing-newline": "{}⏎",
          "quoted": '"{}"', "bracketed": "<{}>", "inner-space": "{}␣{}"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one side."""

    number: int  # 1-based; 0 where lines are folded away
    parts: tuple[tuple[str, bool], ...]  # its text in parts, each with whether it is marked
    is_changed: bool = False  # whether the other side differs here

    @property
    def text(self) -> str:
        """The whole line."""
        return "".join(text for text, _ in self.parts)


def side_by_side(
    before: Exchange, after: Exchange, mask: Callable[[Exchange], Exchange] = lambda x: x
) -> tuple[list[Line], list[Line]]:
    r"""
    Return two requests as lines: the parts outside the body only where they differ.

    Parameters
    ----------
    mask
        Hides people in what is shown. What changed is found in the requests themselves.

    Examples
    --------
    >>> old, new = (Exchange(request_body=b) for b in ('{\n"to": 1,\n}', '{\n"to": 1\n}'))
    >>> [[(line.number, line.text) for line in side if line.is_changed]
    ...  for side in side_by_side(old, new)]
    [[(2, '"to": 1,')], [(2, '"to": 1')]]
    """
    clear = _texts(before, after)
    shown = _texts(mask(before), mask(after))
    if [len(side) for side in clear] != [len(side) for side in shown]:
        clear = shown  # a break inside a message is hidden with it
    left, right = _compared(clear, shown)
    return _folded(left), _folded(right)


def lines_side_by_side(
    before: Sequence[str], after: Sequence[str]
) -> tuple[list[Line], list[Line]]:
    """Return the lines of two texts, those that differ with the changed characters marked."""
    texts = list(before), list(after)
    left, right = _compared(texts, texts)
    return _folded(left), _folded(right)


def _texts(before: Exchange, after: Exchange) -> tuple[list[str], list[str]]:
    heads = [_head(one, other) for one, other in ((before, after), (after, before))]
    bodies = _bodies(before, after)
    is_shown = heads[0] != heads[1]
    left, right = (
        [*(head if is_shown else []), *([""] if is_shown and head and body else []), *body]
        for head, body in zip(heads, bodies, strict=True)
    )
    return left, right


def _head(one: Exchange, other: Exchange) -> list[str]:
    """Return the request line and the headers that differ."""
    lines = []
    if (one.method, one.url) != (other.method, other.url):
        is_same_host = split_url(one.url or "").netloc == split_url(other.url or "").netloc
        parts = split_url(one.url or "")
        where = parts._replace(scheme="", netloc="").geturl() if is_same_host else one.url
        lines.append(f"{one.method or ''} {where or ''}".strip())
    for name, value in one.request_headers.items():
        if header(other.request_headers, name) != value:
            lines.append(f"{name}: {_readable(value)}")
    return lines


def _readable(value: str) -> str:
    """Return a header with words for its secret, and what is stray about it made visible."""

    def shown(found: object) -> str:
        facts, words = marker_facts(str(found)) or {}, "<token>"
        for fact, form in _STRAY.items():
            words = form.format(words, words) if fact in facts else words
        return words

    return MARKER.sub(lambda found: shown(found[0]), value)


def _bodies(before: Exchange, after: Exchange) -> tuple[list[str], list[str]]:
    left, right = (_text(one.request_body) for one in (before, after))
    is_one_line = "\n" not in left.strip() or "\n" not in right.strip()
    if is_one_line and value_of(right) is not None:
        right = _laid_out(right)
        left = _laid_out(left) if value_of(left) is not None else left
    return left.splitlines(), right.splitlines()


def _text(body: str | bytes | None) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""


def _laid_out(text: str) -> str:
    value = value_of(text)
    if not isinstance(value, dict | list):
        return text
    laid = json.dumps(value, ensure_ascii=False, indent=2)
    return re.sub(r"\[\s+([^\[\]{}]{0,80}?)\s+\]", lambda m: f"[{_joined(m[1])}]", laid)


def _joined(entries: str) -> str:
    return re.sub(r",\s*\n\s*", ", ", entries)


def _compared(
    clear: tuple[list[str], list[str]], shown: tuple[list[str], list[str]]
) -> tuple[list[Line], list[Line]]:
    left: list[Line] = []
    right: list[Line] = []
    blocks = SequenceMatcher(None, *clear, autojunk=False).get_opcodes()
    for kind, a, b, c, d in blocks:
        old, new = shown[0][a:b], shown[1][c:d]
        if kind == "equal":
            left += [Line(a + i + 1, ((text, False),)) for i, text in enumerate(old)]
            right += [Line(c + i + 1, ((text, False),)) for i, text in enumerate(new)]
            continue
        pairs = list(zip(old, new, strict=False)) if len(old) == len(new) else []
        marked = [_marked(one, other) for one, other in pairs]
        olds = [one for one, _ in marked] if pairs else [((text, True),) for text in old]
        news = [other for _, other in marked] if pairs else [((text, True),) for text in new]
        left += [Line(a + i + 1, parts, True) for i, parts in enumerate(olds)]
        right += [Line(c + i + 1, parts, True) for i, parts in enumerate(news)]
    return left, right


_Parts = tuple[tuple[str, bool], ...]


def _marked(old: str, new: str) -> tuple[_Parts, _Parts]:
    """Return two lines with the characters marked in which they differ."""
    if old == new:  # what changed is hidden
        return _hidden(old), _hidden(new)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return _whole(old), _whole(new)
    blocks = matcher.get_opcodes()
    left = tuple((old[a:b], kind != "equal") for kind, a, b, _, _ in blocks if a < b)
    right = tuple((new[c:d], kind != "equal") for kind, _, _, c, d in blocks if c < d)
    return left, right


def _whole(text: str) -> _Parts:
    bare = text.lstrip()
    indent = text[: len(text) - len(bare)]
    return tuple(part for part in ((indent, False), (bare, True)) if part[0])


def _hidden(text: str) -> _Parts:
    parts, at = [], 0
    for match in _HIDDEN.finditer(text):
        parts += [(text[at : match.start()], False), (match[0], True)]
        at = match.end()
    return tuple(part for part in (*parts, (text[at:], False)) if part[0])


def _folded(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with long runs of equal ones folded to a line without a number."""
    return [line for run in _runs(lines) for line in run]


def _runs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    run: list[Line] = []
    at_start = True
    for line in lines:
        if not line.is_changed:
            run.append(line)
            continue
        yield _fold(run, at_start=at_start, at_end=False)
        yield [line]
        run, at_start = [], False
    yield _fold(run, at_start=at_start, at_end=True)


def _fold(run: list[Line], *, at_start: bool, at_end: bool) -> list[Line]:
    if len(run) <= MOST_EQUAL:
        return run
    first, last = (0 if at_start else KEPT), (0 if at_end else KEPT)
    first, last = max(first, 1), max(last, 1)
    gone = len(run) - first - last
    folded = replace(run[0], number=0, parts=((f"… {gone} more lines", False),))
    return [*run[:first], folded, *run[len(run) - last :]]

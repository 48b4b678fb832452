"""What a terminal adds to the text that is copied from it: colours, meters, glued prompts."""

from __future__ import annotations

import re
from collections.abc import Callable

from sinchtools.evidence.pieces import METHODS

_CONTROL = re.compile(
    r"\x1b(?:\[[0-9;?]{0,20}[A-Za-z]|\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)|[()][A-Z0-9])"
)
_SECTION = re.compile(
    r"^section_(?:start|end):\d+:[\w.-]+(?:\[[^\]\n]*\])?\r?", re.MULTILINE
)  # GitLab's
_EXPRESSION = re.compile(r"\$\{\{ {0,9}([\w.-]{1,120}) {0,9}\}\}")  # of a CI system: one word
_TIME = r"(?:--|\d+):(?:--|\d\d):(?:--|\d\d)"
_METER = re.compile(
    rf"^[ \t]*\d+ +[\d.]+[kMG]? +\d+ +[\d.]+[kMG]? +\d+ +[\d.]+[kMG]? +[\d.]+[kMG]? +[\d.]+[kMG]?"
    rf" +{_TIME} +{_TIME} +{_TIME} +[\d.]+[kMG]?",
    re.MULTILINE,
)
_METER_HEAD = re.compile(r"^ +% Total +% Received.*\n +Dload +Upload.*$", re.MULTILINE)
# a response as a text that a console prints: of R, Ruby, Elixir, Python, JavaScript
_PRINTED = re.compile(
    r"^(?:\[1\] |=> |(?:Out)?\[\d+\]: )?(\"\{\\\"(?:code|id|error|count)\\\"(?:[^\"\\\n]|\\.)*+\""
    r"|'\{\"(?:code|id|error|count)\"(?:[^'\\\n]|\\.)*+')$",
    re.MULTILINE,
)
_ESCAPED = re.compile(r"\\([\"'\\])")
_BORDERED = re.compile(r"\s*[│┃][^│┃]*[│┃]?\s*")


def _section(match: re.Match[str]) -> str:
    return "Body:" if match[1] else "Headers:"


# the boxes of PrettyDioLogger, as the arrows that other loggers write: what stands for what
_BOXES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"^╔╣ ?Request ?║ ?(\w+) *\n║ +(\S+)", re.MULTILINE), r"--> \1 \2\n"),
    (
        re.compile(
            r"^╔╣ ?\w+ ?║ ?(?:\w+ ║ ?)?Status: (\d{3}[^║\n]*?) *(?:║ Time: ?(\d+ ?ms) *)?"
            r"\n║ +(\S+)",
            re.MULTILINE,
        ),
        r"<-- \1 \3 (\2)\n",
    ),
    (re.compile(r"^╔ (?:Headers|(Body|Dio\w.*)) *$", re.MULTILINE), _section),
    (re.compile(r"^(?:╔[^╣\n]*|╚═*╝?|║ *)$", re.MULTILINE), ""),
    (re.compile(r"^(?:╟|║ ?) *", re.MULTILINE), ""),
)
PROMPT = (
    r"(?:\[\d\d:\d\d(?::\d\d)?\] |\([\w.-]{1,40}\) )?"
    r"(?:\[[\w.-]+@[\w.-]+[^\]\n]{0,80}\][$#%]|[\w.-]+@[\w.-]+(?:[: ][^\n$#%{}<>]{0,80})?[$#%>]"
    r"|PS (?:[A-Z]:|/)[^>\n]{0,120}>|[A-Za-z]:\\[^>\n]{0,120}>|(?:ba|z|k)?sh-[\d.]+[$#]"
    r"|[~/][\w./-]{0,80} [$#%❯>])"
)
# what certainly begins a new line: right after the end of a body, or where a stream goes on
_GLUED = re.compile(
    rf"(?:(?<=[}}\]>])|(?<=^[1-5]\d\d))(?={PROMPT}|\* (?:Connection|Closing|Leaving)|%[ \t]*$)"
    rf"|(?<=[^\s\"'`])(?=(?:HTTP/[12](?:\.\d)? [1-5]\d\d(?: [^\n\"]{{0,40}})?"
    rf"|(?:{METHODS}) /\S* HTTP/[12](?:\.\d)?)\r?\n[A-Za-z][\w-]{{1,60}}: )",
    re.MULTILINE,
)


def plain(text: str) -> str:
    r"""
    Return the text without colours, progress meters and the blanks of a CI system's variables.

    Examples
    --------
    >>> plain("\x1b[32m$ curl localhost\x1b[0m")
    '$ curl localhost'
    """
    if "\x1b" in text:
        text = _CONTROL.sub("", text)
    if "section_" in text:
        text = _SECTION.sub("", text)
    if "${{" in text:
        text = _EXPRESSION.sub(r"${{\1}}", text)
    if '"{\\"' in text or "'{\"" in text:
        text = _PRINTED.sub(lambda match: _ESCAPED.sub(r"\1", match[1][1:-1]), text)
    if "│" in text or "┃" in text:
        text = _without_borders(text)
    if "╔╣" in text:
        for form, arrow in _BOXES:
            text = form.sub(arrow, text)
    if ":--" in text or "% Total" in text:
        text = _METER.sub("", _METER_HEAD.sub("\n", text))
    return text


def _without_borders(text: str) -> str:
    """Return the text without the borders of the one pane that it was copied from."""
    lines = text.split("\n")
    filled = [line for line in lines if line.strip()]
    if not all(_BORDERED.fullmatch(line) for line in filled):
        return text
    return "\n".join(line.strip().strip("│┃").rstrip() for line in lines)


def unglued(text: str) -> tuple[str, list[int] | None]:
    """
    Return the text with each prompt or message that is glued to the end of a body on a new line.

    Also return the number that each line had before; None when nothing was glued.
    """
    if not _GLUED.search(text):
        return text, None
    parts = _GLUED.split(text)
    numbers: list[int] = []
    number = 1
    for part in parts:
        end = number + part.count("\n")
        numbers += range(number, end + 1)
        number = end
    return "\n".join(parts), numbers

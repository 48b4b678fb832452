"""What is printed: data to standard output, messages to standard error, colours on a terminal."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from sinchtools.core.errors import WriteError
from sinchtools.core.files import failing_as
from sinchtools.core.records import visible
from sinchtools.evidence.exports import to_json

Part = str | tuple[str, str]  # a text, or a text with its style
Line = Sequence[Part]
WIDTH = 110
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_ASCII = str.maketrans({"✕": "x", "✓": "v", "≠": "#", "→": ">", "…": ".", "␣": "_", "•": "*"})


def has_colours(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """
    Tell whether a stream shows colours.

    ``NO_COLOR`` switches them off and ``FORCE_COLOR`` on; else it is a terminal that has them.

    Examples
    --------
    >>> has_colours(None, {"FORCE_COLOR": "1"}), has_colours(None, {"NO_COLOR": "1"})
    (True, False)
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream is not None and stream.isatty() and environ.get("TERM") != "dumb"


def say(words: object, *, file: TextIO | None = None) -> None:
    """Print, with every control or bidirectional character of the evidence as its code point."""
    _write(visible(str(words)), file)


def say_lines(lines: Iterable[Line], *, file: TextIO | None = None) -> None:
    """Print lines in colours, if the stream shows them; the evidence in them commands nothing."""
    stream = sys.stdout if file is None else file
    is_coloured = has_colours(stream)
    text = "\n".join("".join(_painted(part, is_coloured) for part in line) for line in lines)
    _write(_encodable(text, stream), file)


def wrapped(lead: Line, text: str, style: str = "", indent: int = 0) -> Iterable[Line]:
    """Yield a text in lines of at most `WIDTH` characters, the first behind its lead."""
    size = indent or sum(len(part if isinstance(part, str) else part[0]) for part in lead)
    lines = textwrap.wrap(visible(text), WIDTH - size, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        start: Line = lead if number == 0 else [" " * size]
        yield [*start, (line, style)]


def say_json(value: dict[str, Any]) -> None:
    """Print a document as JSON."""
    say(to_json(value, indent=1))


def _painted(part: Part, is_coloured: bool) -> str:
    text, style = (part, "") if isinstance(part, str) else part
    text = visible(text)
    if not (style and is_coloured and text):
        return text
    codes = ";".join(_CODES[name] for name in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def _encodable(text: str, stream: TextIO | None) -> str:
    """Return a text with plain signs where the encoding of the stream lacks ours."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return text.translate(_ASCII)
    return text


def _write(text: str, file: TextIO | None) -> None:
    if file is not None:  # a message: it may be lost, what was done is not undone
        with suppress(OSError):
            print(text, file=file, flush=True)
        return
    if sys.stdout is None:
        raise WriteError(Path("standard output"), OSError(0, "it is closed"))
    with failing_as(Path("standard output")):
        print(text)


def flush() -> None:
    """
    Write what was printed.

    If that fails, Python does not try again when it ends.
    """
    try:
        with failing_as(Path("standard output")):
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError:
        let_go(sys.stdout)
        raise


def let_go(stream: TextIO | None) -> None:
    """
    Silence a stream that accepts nothing more.

    Otherwise Python would complain about it when it ends.
    """
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())

"""What sinchtools raises on purpose: each error names the case, the value and what to do now."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Collection
from pathlib import Path

from sinchtools.core.records import visible

_PART = re.compile(r"[A-Z]?[a-z]{0,16}|[A-Z]{1,16}|[A-Za-z\d]{1,5}")
_SECRET_LIKE = re.compile(
    r"\d{9,}|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{16,}|[A-Za-z\d]{33,}"
)  # a number of a person, a token, an id
_PASTED = re.compile(r"[<>|\"'{}=;]|://")  # in a text, not in the name of a file
_LONGEST = 40
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def told(value: object) -> str:
    """
    Return what an error may say of a value.

    A word as it stands, all else by type and size, since it may be evidence.

    Examples
    --------
    >>> told("sandbx"), told("Dear Anna, it is 5c1e9a7b3d2f4e68"), told({"to": "+15551230001"})
    ("'sandbx'", '<text of 33 characters>', '<dict of 1>')
    """
    if (
        value is None
        or isinstance(value, bool)
        or (isinstance(value, int | float) and abs(value) < 100_000)
    ):
        return repr(value)
    if isinstance(value, str):
        return repr(value) if _is_word(value) else f"<text of {len(value):,} characters>"
    size = (
        f" of {len(value):,}"
        if isinstance(value, bytes | bytearray | list | tuple | set | dict)
        else ""
    )
    return f"<{type(value).__name__}{size}>"


def _is_word(text: str) -> bool:
    if len(text) > _LONGEST or sum(map(str.isdigit, text)) > 4:
        return False
    return all(map(_PART.fullmatch, re.split(r"[._/:+-]|(?<=^\d) ", text)))


def told_path(path: Path | str) -> str:
    """
    Return what an error may say of a path or a file name.

    What could be a person's number, a token or an ID is left out.

    Examples
    --------
    >>> told_path("logs/case of +15551230001.har")
    "'logs/case of +….har'"
    """
    text = str(path)
    is_pasted = isinstance(path, str) and (
        re.search(r"[/\\.*]", text) is None or _PASTED.search(text)
    )
    if len(text) > 1000 or "\n" in text or is_pasted:
        return told(text)
    return repr(_SECRET_LIKE.sub("…", text))


class SinchToolsError(Exception):
    """
    Base of every error that sinchtools raises on purpose.

    The text never holds a secret, a header or a body, and no character that hides or commands a
    terminal.

    Attributes
    ----------
    hint
        What to do now, one sentence.

    Examples
    --------
    >>> from sinchtools import explain
    >>> try:
    ...     explain(code="unknown_grup")
    ... except SinchToolsError as error:
    ...     error.hint
    "Did you mean 'unknown_group', which comes with 403?"
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        return visible(" ".join(filter(None, (self.args[0], self.hint))))

    def _render_traceback_(self) -> list[str]:
        """Show one clear sentence in a notebook instead of a traceback (IPython calls this)."""
        return [f"{type(self).__name__}: {self}"]


class WrongUseError(SinchToolsError, ValueError):
    """A function was called with something that it cannot work with."""


class NoExchangeError(WrongUseError, IndexError, KeyError):
    """The evidence has no exchange at that position or with that id."""


class MissingInputError(SinchToolsError, FileNotFoundError):
    """A path that was asked for does not exist or cannot be read."""

    def __init__(self, path: Path | str, reason: str = "does not exist") -> None:
        super().__init__(
            f"{told_path(path)} {reason}.", hint="Check the path, or paste the text itself."
        )


class WriteError(WrongUseError, OSError):
    """A file, or the output, cannot be written; what was there before is as it was."""

    def __init__(self, place: Path | str, error: OSError | ValueError) -> None:
        reason = getattr(error, "strerror", None) or "its name cannot be used"
        full = getattr(error, "errno", None) in _FULL
        hint = (
            "Free some space, then do it again."
            if full
            else "Choose a place that you may write to."
        )
        super().__init__(f"{told_path(place)} cannot be written: {reason}.", hint=hint)
        self.strerror = reason


class UnknownRegionError(SinchToolsError, ValueError):
    """No base URL is known for the region."""

    def __init__(self, region: str, known: Collection[str]) -> None:
        close = difflib.get_close_matches(region, known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Use one of: {', '.join(known)}."
        super().__init__(f"No base URL is known for region {told(region)}.", hint=hint)


class MissingCredentialsError(SinchToolsError):
    """A call to the vendor was asked for and the environment holds no credentials."""

    def __init__(self, missing: Collection[str]) -> None:
        super().__init__(
            f"No credentials are configured for a live call: {', '.join(missing)} not set.",
            hint="Set them in the environment that starts JupyterLab, never in a cell. The "
            "sandbox needs none.",
        )


class NotAllowedError(SinchToolsError):
    """A call that could reach real people or cost money was not switched on or not confirmed."""


class LogError(SinchToolsError):
    """The call log cannot be opened, written or trusted."""


class AlreadySentError(SinchToolsError):
    """The call log shows that this attempt was sent, or is about to be; it is not sent again."""


class PortInUseError(SinchToolsError):
    """The sandbox cannot listen on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is in use.",
            hint="Choose another one, or 0 for any free port.",
        )


class LeakError(SinchToolsError):
    """
    Something about to be written holds a secret or a person known to the case.

    Nothing was written.
    """

"""Which log a message goes out through: one only, so that no two logs of the work folder send it to people."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sinchtools.errors import AlreadySentError, LogError
from sinchtools.settings import work_folder


def claim(call_id: str, log: Path) -> None:
    """
    Take a call for a log before it is sent; what another log has taken stays there, whatever became of it.

    A claim is a file named by the call, which is a digest; it holds the path of the log, and nobody's number or text.

    Raises
    ------
    AlreadySentError
        Another log has it.
    LogError
        The work folder cannot be written.
    """
    file = _file(call_id)
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        _write(file, str(log.resolve()))
    except OSError as error:
        if reason := claimed([call_id], log).get(call_id):
            raise AlreadySentError(f"It {reason}.", hint="Look at its row there, and go on with that log.") from None
        if not (isinstance(error, FileExistsError) and file.is_file()):  # else it is our own
            raise LogError(
                f"The work folder {str(work_folder())!r} cannot be written: {error.strerror}.",
                hint="Nothing was sent after this; free the disk, or set SINCHTOOLS_HOME to another folder.",
            ) from None


def claimed(call_ids: Iterable[str], log: Path) -> dict[str, str]:
    """Return, of the calls that another log has taken, where they went, in words."""
    files = {call_id: _file(call_id) for call_id in call_ids}
    owners = {call_id: file.read_text(encoding="utf-8", errors="replace") for call_id, file in files.items() if file.is_file()}
    return {
        call_id: f"was sent through another log, {owner or 'unknown since its kernel was killed'}" + _if_gone(owner, files[call_id])
        for call_id, owner in owners.items()
        if owner != str(log.resolve())
    }


def _if_gone(owner: str, claim_file: Path) -> str:
    return "" if owner and Path(owner).exists() else f", which is gone: if you know that it was not sent, delete {claim_file}"


def _file(call_id: str) -> Path:
    return work_folder() / ".sent" / call_id


def _write(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as new:
        try:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        except OSError:  # a full disk: an empty claim would hold the call back for good
            file.unlink()
            raise

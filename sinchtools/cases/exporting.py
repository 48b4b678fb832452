"""Exchanges as files to hand over: people are aliases, and one gate checks every file."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

from sinchtools.cases.case import Case
from sinchtools.cases.folder import KEY_BYTES
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.records import Exchange
from sinchtools.evidence.exports import to_curl, to_har, to_jsonl
from sinchtools.privacy import gate
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.gate import Known, write_checked
from sinchtools.privacy.redaction import without_quotes

_WRITERS: dict[str, Callable[[list[Exchange]], str]] = {
    ".jsonl": to_jsonl,
    ".har": to_har,
    ".sh": lambda exchanges: "".join(f"{to_curl(exchange)}\n" for exchange in exchanges),
}


def export(
    exchanges: Exchange | Iterable[Exchange],
    path: str | Path,
    *,
    key: bytes | Case | None = None,
    keep_people: bool = False,
) -> Path:
    """
    Write exchanges as ``.jsonl``, ``.har`` or bash commands (``.sh``), people as aliases.

    The leak gate checks every file.

    Parameters
    ----------
    key
        The case, or its key: the same key gives the same aliases. None takes one that nobody keeps.
    keep_people
        Leave numbers and texts as they are; secrets never leave.
    exchanges
        One exchange or several.
    path
        Where to write; its ending is the format.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    LeakError
        The file would hold a secret, or a person known to the exchanges; nothing is written.
    WrongUseError
        The ending of the path is none of the three.

    Examples
    --------
    >>> import tempfile
    >>> sent = Exchange(method="GET", url="https://us.sms.api.sinch.com/xms/v1/p1/batches")
    >>> export(sent, tempfile.mkdtemp() + "/sent.sh").read_text().strip()
    'curl https://us.sms.api.sinch.com/xms/v1/p1/batches'
    """
    path, given = Path(path), [exchanges] if isinstance(exchanges, Exchange) else exchanges
    written_as = _WRITERS.get(path.suffix.lower())
    if written_as is None:
        ending = told(path.suffix) if path.suffix else "a file without an ending"
        raise WrongUseError(
            f"Exchanges cannot be written as {ending}.", hint=f"Use {', '.join(_WRITERS)}."
        )
    rows = without_quotes(given)
    shown, known = (rows, Known()) if keep_people else gate.aliased(rows, _aliases(key))
    return write_checked(path, written_as(shown).encode("utf-8", "replace"), known, shown)


def aliased(exchanges: Iterable[Exchange], key: bytes | Case | None = None) -> list[Exchange]:
    """
    Return the exchanges with people as the aliases of a case, or of a key.

    With None the key is new and is not kept.
    """
    return gate.aliased(exchanges, _aliases(key))[0]


def _aliases(key: bytes | Case | None) -> Aliases:
    return Aliases(key.key if isinstance(key, Case) else key or secrets.token_bytes(KEY_BYTES))

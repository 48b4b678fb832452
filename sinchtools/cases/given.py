"""What a case is given: rows, a path or a text, and the signs by which it is known again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sinchtools.cases.lines import wrong_field
from sinchtools.cases.same_ids import sign_of
from sinchtools.core.errors import WrongUseError
from sinchtools.core.progress import told
from sinchtools.core.records import Exchange, Skipped
from sinchtools.evidence import Evidence
from sinchtools.evidence.files import files_of, path_of
from sinchtools.privacy.redaction import Redactor


def signs(given: Sequence[Exchange] | Evidence | str | Path, key: bytes) -> dict[str, str]:
    """
    Return what identifies evidence when it is given again, and where it is.

    A pasted text is not kept itself, because it may contain a secret.
    """
    files = files_of(given)
    states = [f"{file.resolve()} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    rows = () if isinstance(given, str | Path) else (row for row in given if not wrong_field(row))
    text = "\n".join(states) or (
        str(given)
        if isinstance(given, str | Path)
        else "\n".join(f"{row.id} {sign_of(row)}" for row in rows)
    )
    path = given if isinstance(given, Path) else path_of(given) if isinstance(given, str) else None
    return {"given": _sign(text, key)} | (
        {"place": _sign(str(path.expanduser().resolve()), key)} if path else {}
    )


def _sign(text: str, key: bytes) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16, key=key).hexdigest()


def name_of(given: object) -> str:
    """Return what a reading is called: its file, or how it came."""
    path = given if isinstance(given, Path) else path_of(given) if isinstance(given, str) else None
    return path.name if path else "Pasted text" if isinstance(given, str) else ""


def given_as(
    evidence: Exchange | Iterable[Exchange] | str | Path,
) -> Evidence | list[Exchange] | str | Path:
    """Return evidence in a form that can be gone through more than once."""
    if isinstance(evidence, Evidence | str | Path):
        return evidence
    return [evidence] if isinstance(evidence, Exchange) else list(evidence)


def cleaned(rows: Iterable[Exchange], redactor: Redactor) -> Iterator[Exchange]:
    """
    Yield rows without their secrets.

    Raises
    ------
    WrongUseError
        A row that was made by hand has a value that its column cannot hold.
    """
    for number, exchange in enumerate(told("rows checked", list(rows)), start=1):
        if wrong := wrong_field(exchange):
            hint = "docs/columns.md says what each may be."
            raise WrongUseError(
                f"Row {number} cannot be kept: its {wrong} is of the wrong kind.", hint=hint
            )
        yield redactor.exchange(exchange)


def listed(readings: Iterable[dict[str, Any]], name: str) -> list[Skipped]:
    """Return what readings say was skipped or guessed, each once."""
    return list(
        dict.fromkeys(Skipped(**one) for reading in readings for one in reading.get(name, ()))
    )

"""Close a case with what helped, and look whether its problem was solved before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sinchtools.cases.helped import checked
from sinchtools.cases.solved import (
    NAME,
    Fingerprint,
    SeenBefore,
    folder_of,
    keep,
    new_name,
    seen_before,
)
from sinchtools.cases.telling import told_of
from sinchtools.cases.vocabulary import shape_of
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange, calls_of
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose

if TYPE_CHECKING:
    from sinchtools.cases.case import Case
    from sinchtools.cases.folder import Folder

_MOST_KINDS = 50  # of failures, that are diagnosed


def close(
    case: Case, files: Folder, helped: str, about: Exchange | str | None, folder: str | Path | None
) -> Path:
    """Write the file of a case, in place of the one that it had; see `Case.close`."""
    rows = list(case.evidence)
    diagnosis = _solved(case, about) or problem_of(rows, case.read_at)
    found = None if diagnosis is None else Fingerprint.of(diagnosis)
    if found is None:
        raise WrongUseError("Nothing was wrong here.", hint="Name the exchange that it helped.")
    line = checked(helped, rows, case.name)
    place, before = folder_of(folder), case.closed_as
    is_kept = NAME.fullmatch(before) and before.rpartition("-")[0] == found.prefix
    name = before if is_kept else new_name(found)
    path = keep(found, line, place / name)
    if NAME.fullmatch(before) and name != before:
        (place / before).unlink(missing_ok=True)
    files.remember("closed", files.history("closed")[-1:], file=name, helped=line)
    return path


def _solved(case: Case, about: Exchange | str | None) -> Diagnosis | None:
    """Return what is wrong with the request that was named, or whose fix was proven."""
    is_proven = any(row["verdict"] == "FIXED" for row in case.replays)
    return told_of(case, about=about, is_text=True).diagnosis if about or is_proven else None


def seen(case: Case) -> SeenBefore:
    """Return the closed cases of the same kind, without this one."""
    diagnosis = problem_of(case.evidence, case.read_at)
    if diagnosis is None:
        return SeenBefore()
    return seen_before(diagnosis, without=case.closed_as)


def problem_of(evidence: Iterable[Exchange], as_of: datetime | None = None) -> Diagnosis | None:
    """
    Return what is wrong with most requests, wherever they go; None when nothing is.

    Parameters
    ----------
    as_of
        The time to judge requests by that have none of their own.
    """
    rows = [replace(row, at=row.at or as_of) for row in evidence]
    kinds: dict[object, list[Exchange]] = {}
    for number, row in enumerate(calls_of(rows)):
        if row.outcome != "success":
            kinds.setdefault(_kind(row, number), []).append(row)
    alike = sorted(kinds.values(), key=len, reverse=True)[:_MOST_KINDS]
    found = diagnose([some[0] for some in alike], history=rows) if alike else ()
    return _most(list(found), [len(some) for some in alike])


def _kind(row: Exchange, number: int) -> object:
    if not row.failed:
        return number  # without a response, each request is looked at
    return row.status, row.code, row.endpoint, row.delivery_code, shape_of(row.text or row.failure)


def _most(found: Sequence[Diagnosis], sizes: Sequence[int]) -> Diagnosis | None:
    counts: Counter[Fingerprint] = Counter()
    first: dict[Fingerprint, Diagnosis] = {}
    for one, size in zip(found, sizes, strict=True):
        if (kind := Fingerprint.of(one)) is not None:
            counts[kind] += size
            first.setdefault(kind, one)
    return first[counts.most_common(1)[0][0]] if counts else None

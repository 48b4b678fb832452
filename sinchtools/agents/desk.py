"""What the agents of this process have read: kept in memory, gone when the process ends."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.records import Exchange
from sinchtools.core.settings import work_folder
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.evidence.evidence import Evidence
from sinchtools.evidence.files import files_of
from sinchtools.evidence.reading import read
from sinchtools.privacy.gate import Known
from sinchtools.privacy.redaction import without_quotes

MOST_KEPT = 20  # pieces of evidence; the oldest goes first
MOST_DIAGNOSED = 300  # rows of one piece of evidence
_MOST_ALIKE = 3
KEY = secrets.token_bytes(32)  # of the aliases: the same person has one alias in all results


@dataclass(frozen=True)
class Held:
    """
    Evidence that was read, under the name by which the tools refer to it.

    Attributes
    ----------
    name
        Such as ``e1``.
    evidence
        What was read; people are in clear, so it is not shown as it is.
    rows
        Its exchanges. A tool names a row by its number, from 1.
    """

    name: str
    evidence: Evidence
    rows: Sequence[Exchange]

    @cached_property
    def known(self) -> Known:
        """The people who must not be in any result."""
        return Known.of(self.rows)

    def row(self, number: int) -> Exchange:
        """Return a row by its number."""
        if not 1 <= number <= len(self.rows):
            raise WrongUseError(
                f"There is no row {told(number)}: the evidence has {len(self.rows)}.",
                hint="Rows are numbered from 1.",
            )
        return self.rows[number - 1]

    def diagnosed(
        self, numbers: Iterable[int], as_of: datetime | None = None
    ) -> list[tuple[int, Diagnosis]]:
        """Return what is wrong with some rows, judged with the rest of the evidence."""
        wanted = list(numbers)
        found = diagnose([self.row(n) for n in wanted], now=as_of, history=self.rows)
        return list(zip(wanted, found, strict=True))

    @cached_property
    def worth_a_look(self) -> dict[int, int]:
        """
        The rows to diagnose, each with how many it stands for.

        All of a few rows, else some of each kind of failure: the first stands for its kind.
        """
        if len(self.rows) <= MOST_DIAGNOSED:
            return dict.fromkeys(range(1, len(self.rows) + 1), 1)
        alike: dict[object, list[int]] = {}
        for number, row in enumerate(self.rows, start=1):
            if row.outcome != "success":
                alike.setdefault((row.status_in_words, row.endpoint, row.text), []).append(number)
        largest = sorted(alike.values(), key=len, reverse=True)[: MOST_DIAGNOSED // _MOST_ALIKE]
        stands_for = {
            n: len(kind) if n == kind[0] else 0 for kind in largest for n in kind[:_MOST_ALIKE]
        }
        return dict(sorted(stands_for.items()))


_held: dict[str, Held] = {}
_numbers = itertools.count(1)


def hold(source: bytes | list[Path]) -> Held:
    """Read evidence and keep it; the secrets in it are removed before anything else."""
    evidence = read(source)
    made = Held(f"e{next(_numbers)}", evidence, without_quotes(evidence))
    _held[made.name] = made
    while len(_held) > MOST_KEPT:
        del _held[next(iter(_held))]
    return made


def held(name: str) -> Held:
    """
    Return evidence that was read before.

    Raises
    ------
    WrongUseError
        Nothing was read under this name, or it is too long ago.
    """
    if name not in _held:
        raise WrongUseError(
            "There is no evidence of this name.", hint="Read it first, or again, with read."
        )
    return _held[name]


def files_inside(given: str) -> list[Path]:
    """
    Return the files that a path, folder or glob names, all of them inside the work folder.

    Raises
    ------
    WrongUseError
        There are none, or one of them is somewhere else.
    """
    folder = work_folder().resolve()
    hint = "Copy the file into the work folder, or give its text."
    try:
        path = (folder / given).resolve()
        is_inside = ".." not in Path(given).parts and path.is_relative_to(folder)
        case = path / "evidence.jsonl"
        found = [case] if is_inside and case.is_file() else files_of(path) if is_inside else []
        real = [file.resolve() for file in found]
    except (OSError, ValueError, RuntimeError):
        raise WrongUseError("This path cannot be used.", hint=hint) from None
    if not is_inside or not all(file.is_relative_to(folder) for file in real):
        raise WrongUseError("Only files inside the work folder are read.", hint=hint)
    if not real:
        raise WrongUseError("There is no such file in the work folder.", hint=hint)
    return real

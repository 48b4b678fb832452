"""
What helped before: a small file for each case that was closed, in a folder that a team may share.

A file says what kind of problem it was and what helped. Nothing in it, its name or its time leads
to the customer, or to another file of the same customer.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sinchtools.api.description import field_names
from sinchtools.cases.helped import is_fit
from sinchtools.cases.vocabulary import MOST_WORDS, are_alike, shape_of, words
from sinchtools.core import settings
from sinchtools.core.errors import WrongUseError, told_path
from sinchtools.core.files import put_shared
from sinchtools.diagnosis.diagnosis import Diagnosis
from sinchtools.diagnosis.fitting import codes_on_the_page
from sinchtools.diagnosis.rules import rules

KIND = "sinchtools-solved"
UNLISTED = "unlisted"  # a code that is not on the vendor's page
_LARGEST, _MOST_FILES, _MOST_HELPED = 4096, 2000, 3
NAME = re.compile(r"[a-z0-9_-]{1,120}-[0-9a-f]{16}\.json")
_MOMENT = 315_532_800  # 1980: a time would link the files of one day
_PLAIN_FILES = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_SEEN_IN_RESPONSE = "observed-"  # rules whose cause the request does not show


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What kind of problem a request has; nobody's words."""

    # status, code: the response; ``unlisted`` for a code that the vendor's page does not list
    status: int | None = None
    code: str | None = None
    rule: str | None = None  # of the first finding; a field that is not the API's own is left out
    field: str | None = None
    delivery_code: int | None = None  # of a delivery report
    # the words of the API's message that are in the catalogue, where the request does not show the
    # cause
    shape: str = ""

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Fingerprint | None:
        """Return the fingerprint of what is wrong; None when nothing is."""
        x, top = diagnosis.exchange, diagnosis.top
        if top is None or not (diagnosis.failing or x.failed):
            return None
        is_known = x.status is not None or x.code is not None
        code = x.code if is_known else diagnosis.expected_code
        is_json = top.rule.startswith("json-")  # the field is where it breaks by chance
        return cls(
            status=x.status if is_known else diagnosis.expected_status,
            code=code if code is None or code in codes_on_the_page() else UNLISTED,
            rule=top.rule,
            field=top.field if top.field in field_names() and not is_json else None,
            delivery_code=x.delivery_code,
            shape=shape_of(_told(diagnosis)),
        )

    def matches(self, other: Fingerprint) -> bool:
        """Whether both are the same kind of problem."""
        ours, theirs = (_plain(one) for one in (self, other))
        return ours == theirs and (self._is_told or are_alike(self.shape, other.shape))

    @property
    def _is_told(self) -> bool:
        """Whether rule and code say what it is, without the words of the message."""
        is_cause = self.code not in (None, UNLISTED) and (self.status or 0) != 400
        return is_cause or not (self.rule or "").startswith(_SEEN_IN_RESPONSE)

    @property
    def prefix(self) -> str:
        """How the names of its files begin."""
        parts = (self.status, self.code, self.delivery_code)
        return "-".join(str(one) for one in parts if one is not None) or "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBefore:
    """The closed cases of the same kind, and what helped."""

    times: int = 0  # how many there are
    helped: tuple[tuple[str, int], ...] = ()  # what helped, with how often; the most frequent first
    unread: int = 0  # how many files could not be used

    @property
    def sentence(self) -> str:
        """
        What there is to say, or nothing.

        Examples
        --------
        >>> SeenBefore(times=4, helped=(("callback URL on the plan", 4),)).sentence
        'Seen 4 times; helped: callback URL on the plan.'
        """
        if not self.times:
            return ""
        count = "once" if self.times == 1 else f"{self.times:,} times"
        several = len(self.helped) > 1
        named = (f"{text} ({n})" if several else text for text, n in self.helped[:_MOST_HELPED])
        return f"Seen {count}; helped: {', '.join(named)}."

    def __str__(self) -> str:
        return self.sentence

    def __bool__(self) -> bool:
        return self.times > 0


def new_name(fingerprint: Fingerprint) -> str:
    """Return a new name for a file; only chance tells two of a kind apart."""
    return f"{fingerprint.prefix}-{secrets.token_hex(8)}.json"


def keep(fingerprint: Fingerprint, helped: str, path: Path) -> Path:
    """
    Write the file of a closed case, whole or not at all.

    Whoever can read the folder can read it.

    Raises
    ------
    WriteError
        It cannot be written there.
    """
    record = {"kind": KIND, "version": 1, **asdict(fingerprint), "helped": helped}
    data = (json.dumps(record, sort_keys=True) + "\n").encode("utf-8")
    return put_shared(path, data, _MOMENT)


def folder_of(given: str | Path | None) -> Path:
    """
    Return the folder for closed cases; the one in the work folder is made.

    Raises
    ------
    WrongUseError
        It does not exist.
    """
    folder = settings.solved_folder() if given is None else Path(given)
    if folder == settings.work_folder() / "solved":
        folder.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise WrongUseError(
            f"The folder for closed cases {told_path(folder)} does not exist.",
            hint="Make it, or correct SINCHTOOLS_SOLVED.",
        )
    return folder


def seen_before(
    diagnosis: Diagnosis, *, folder: str | Path | None = None, without: str = ""
) -> SeenBefore:
    """
    Look whether a problem of this kind was solved before.

    Parameters
    ----------
    folder
        Where the files are; SINCHTOOLS_SOLVED, else ``solved`` in the work folder.
    without
        The name of a file that does not count: the case's own.

    Returns
    -------
    SeenBefore
        Its `.sentence` is empty when there is none. A folder that is not there holds none.

    Examples
    --------
    >>> from sinchtools import Exchange, diagnose
    >>> seen_before(diagnose(Exchange(status=403, code="missing_callback_url"))).times
    0
    """
    wanted = Fingerprint.of(diagnosis)
    if wanted is None:
        return SeenBefore()
    found, unread = Counter[str](), 0
    for path in _files(settings.solved_folder() if folder is None else Path(folder), wanted):
        if path.name == without:
            continue
        record = _read(path)
        if record is None:
            unread += 1
        elif wanted.matches(record[0]):
            found[record[1]] += 1
    return SeenBefore(times=found.total(), helped=_counted(found), unread=unread)


def _counted(found: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Return what helped, the same words in other letters once."""
    same: dict[str, Counter[str]] = {}
    for text, n in found.items():
        same.setdefault(text.casefold().rstrip("."), Counter())[text.rstrip(".")] += n
    counted = [(max(one, key=lambda text: (one[text], text)), one.total()) for one in same.values()]
    return tuple(sorted(counted, key=lambda pair: (-pair[1], pair[0])))


def _files(folder: Path, wanted: Fingerprint) -> Iterator[Path]:
    try:
        names = sorted(
            entry.name
            for entry in os.scandir(folder)
            if entry.name.rpartition("-")[0] == wanted.prefix and NAME.fullmatch(entry.name)
        )
    except OSError:
        return
    yield from (folder / name for name in names[:_MOST_FILES])


def _read(path: Path) -> tuple[Fingerprint, str] | None:
    """Return what a file says; None when it is not one of ours, for others may write there."""
    try:
        handle = os.open(path, os.O_RDONLY | _PLAIN_FILES)
        with os.fdopen(handle, "rb") as file:
            record = json.loads(file.read(_LARGEST + 1))
        helped = record.pop("helped")
        is_ours = (record.pop("kind"), record.pop("version")) == (KIND, 1)
        fingerprint = Fingerprint(**record)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return (fingerprint, helped) if is_ours and _is_sound(fingerprint) and is_fit(helped) else None


def _is_sound(one: Fingerprint) -> bool:
    """Whether every value is one that this version could have written."""
    numbers, texts = (one.status, one.delivery_code), (one.code, one.rule, one.field)
    if not isinstance(one.shape, str) or not all(isinstance(x, str | None) for x in texts):
        return False
    shape = one.shape.split()
    return (
        all(n is None or (type(n) is int and 0 <= n < 10_000) for n in numbers)
        and (one.code is None or one.code == UNLISTED or one.code in codes_on_the_page())
        and (one.rule is None or one.rule in rules())
        and (one.field is None or one.field in field_names())
        and len(shape) <= MOST_WORDS
        and words().issuperset(shape)
    )


def _told(diagnosis: Diagnosis) -> str:
    top, x = diagnosis.top, diagnosis.exchange
    is_seen_in_response = top is not None and top.rule.startswith(_SEEN_IN_RESPONSE)
    words_of_code = x.code if x.code not in codes_on_the_page() else ""
    return f"{words_of_code or ''} {x.text or x.failure or ''}" if is_seen_in_response else ""


def _plain(one: Fingerprint) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "shape"}

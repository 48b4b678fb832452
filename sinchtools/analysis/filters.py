"""The rows of a frame that a filter names, of any engine."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
import pandas as pd

from sinchtools.analysis.frames import (
    CALLBACK,
    NO_RESPONSE,
    NOT_DELIVERED,
    SEARCHED,
    names_of,
    rows_where,
    unwrap,
)
from sinchtools.core.errors import WrongUseError, told
from sinchtools.privacy.alias_forms import NUMBER_ALIAS
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.redaction import Redactor

_FIRST_STATUS = {"success": 200, "user_error": 400, "sinch_error": 500}
DATE = re.compile(  # without dashes; twelve digits on end are a number of Egypt
    r"((?<![\d+])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[T_.-][0-2]\d[0-5]\d"
    r"(?:[0-5]\d)?(?!\d))?(?! ?\d))"
)


def filtered(
    frame: Any,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    outcome: str | Collection[str] | None = None,
    status: int | str | Collection[int | str] | None = None,
    code: str | Collection[str] | None = None,
    endpoint: str | Collection[str] | None = None,
    account: str | Collection[str] | None = None,
    text: str | None = None,
) -> Any:
    """
    Return the rows that fit every filter.

    A row is an attempt: to look at calls, fold first, ``filtered(calls(frame), ...)``; a refusal
    whose retry went well would else be left as a call.

    Parameters
    ----------
    frame
        As in `codes`.
    since, until
        From this time on, up to but not at this time; without a time zone it is UTC.
    outcome
        One value or several; an empty string is a row whose answer is not known.
    status
        One or several: 403, or a class such as `4xx`.
    code, endpoint, account
        One or several; an empty string is a row without one.
    text
        Found anywhere in code, text, URL, endpoint, network error or bodies, whatever the case.

    Returns
    -------
    pd.DataFrame or the kind of frame that was given
        The same columns.

    Raises
    ------
    WrongUseError
        A time, an outcome or a status is not one.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> rows = [Exchange(id="a", status=201), Exchange(id="b", status=403)]
    >>> filtered(rows, status="4xx")["id"].tolist()
    ['b']
    """
    given = {"since": since, "until": until, "outcome": outcome, "status": status, "code": code}
    given |= {"endpoint": endpoint, "account": account, "text": text}
    found = unwrap(frame)
    searched = [c for c in SEARCHED if c in names_of(found)]
    conditions = [
        *([nw.col("at_us") >= _micros(since)] if since is not None else []),
        *([nw.col("at_us") < _micros(until)] if until is not None else []),
        *([_outcome_is(_several(outcome))] if outcome is not None else []),
        *([_status_is(_several(status))] if status is not None else []),
        *(
            nw.col(c).fill_null("").is_in(_several(given[c]))
            for c in ("code", "endpoint", "account")
            if given[c] is not None
        ),
        *([_anywhere(text, searched)] if text else []),
    ]
    return rows_where(found, conditions, described(given))


def described(filters: dict[str, Any]) -> list[str]:
    """
    Return filters in words, for a footer, without people.

    Examples
    --------
    >>> described({"status": "4xx", "code": None, "text": "+15551230001"})
    ['status 4xx', 'text [number]']
    """
    told = {
        name: ", ".join(str(v) or "''" for v in _several(value))
        for name, value in filters.items()
        if value is not None
    }
    return [f"{name} {without_people(value)}" for name, value in told.items()]


def without_people(text: str) -> str:
    """
    Return a text for display beside a chart, such as a file name, without people and secrets.

    A date stays.

    Examples
    --------
    >>> without_people("report +15551230001.har, access-20240601.log")
    'report [number].har, access-20240601.log'
    """
    parts = DATE.split(Redactor().text(text))
    nobody = Aliases(b"nobody keeps this: no alias is told")
    parts[::2] = [NUMBER_ALIAS.sub("[number]", nobody.words(part)) for part in parts[::2]]
    return "".join(parts)


def _outcome_is(wanted: Collection[str]) -> nw.Expr:
    answer = nw.col("answer")
    among = {
        name: (answer >= least) & (answer < least + 100) for name, least in _FIRST_STATUS.items()
    }
    among["success"] = among["success"] | (answer == CALLBACK)
    among |= {"no_response": answer == NO_RESPONSE, "not_delivered": answer == NOT_DELIVERED}
    among[""] = answer.is_null()
    among["other"] = ~nw.any_horizontal(*among.values(), ignore_nulls=True)
    if unknown := [name for name in wanted if name not in among]:
        hint = f"Use {', '.join(filter(None, among))}, or '' for an unknown response."
        raise WrongUseError(f"Outcome {told(unknown[0])} is not known.", hint=hint)
    nothing = answer.is_null() & ~answer.is_null()
    return nw.any_horizontal(nothing, *(among[name] for name in wanted), ignore_nulls=True)


def _status_is(wanted: list[Any]) -> nw.Expr:
    classes = [int(str(w)[0]) for w in wanted if re.fullmatch(r"[1-5]xx", str(w), re.IGNORECASE)]
    plain = [w for w in wanted if not re.fullmatch(r"[1-5]xx", str(w), re.IGNORECASE)]
    if odd := [w for w in plain if not re.fullmatch(r"-?\d{1,9}", str(w).strip(), re.ASCII)]:
        raise WrongUseError(
            f"Status {told(odd[0])} is not known.",
            hint="Use a number such as 403, or a class such as '4xx'.",
        )
    return nw.col("status").is_in([int(w) for w in plain]) | (nw.col("status") // 100).is_in(
        classes
    )


def _anywhere(text: str, columns: Collection[str]) -> nw.Expr:
    found = [
        nw.col(c).fill_null("").str.to_lowercase().str.contains(text.lower(), literal=True)
        for c in columns
    ]
    return nw.any_horizontal(*found, ignore_nulls=True)


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, (str, int, datetime)) else list(value)


def _timestamp(time: datetime | str) -> pd.Timestamp | None:
    try:
        at = pd.Timestamp(time)
    except (TypeError, ValueError):
        return None
    return None if pd.isna(at) else at


def _micros(time: datetime | str) -> int:
    at = _timestamp(time)
    if at is None:  # raised here, where no error that quotes it is its context
        raise WrongUseError(f"{told(time)} is not a time.", hint="Write it like 2024-06-01T12:00Z.")
    at = at.tz_localize(UTC) if at.tzinfo is None else at.tz_convert(UTC)
    return int((at - pd.Timestamp(0, tz=UTC)) // pd.Timedelta(microseconds=1))

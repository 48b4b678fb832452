"""
Tell what each HTTP status, delivery code and SMPP code means, and whether to repeat.

It is read from data/catalogue/. No code branches on it.
"""

from __future__ import annotations

import difflib
import operator
import re
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar

from msgspec.structs import asdict

from sinchtools.api import rows
from sinchtools.api.entries import RETRY as RETRY
from sinchtools.api.entries import DeliveryStatus, Entry, shown
from sinchtools.api.entries import retry_in_words as retry_in_words
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.records import Exchange, header
from sinchtools.core.tables import place_of, read_table

_Kind = TypeVar("_Kind")
_SPELLINGS = {"llegal_number_type": "illegal_number_type"}  # as a guide of 2021 spells it
_MOST_SAID = 2_000  # characters of what a client says
_NOT_SAID = re.compile(  # what a browser says of a call that CORS stops, for the page must not know
    r"net::ERR_FAILED|Failed to fetch|NetworkError when|Load failed|Network Error|Unknown Error"
)


def explain(
    status: int | str | None = None,
    code: str | None = None,
    *,
    delivery: int | str | None = None,
    smpp: int | str | None = None,
) -> Entry:
    """
    Return what an HTTP status (with its `code`), a delivery code or an SMPP code means.

    Any number has an answer.

    Parameters
    ----------
    status
        An HTTP status.
    code
        The code of the response, such as ``unknown_group``.
    delivery
        A delivery code of a delivery report.
    smpp
        An SMPP error code of an operator.

    Returns
    -------
    Entry
        Title, meaning, causes, tips, whether to repeat, and the source of each.

    Raises
    ------
    WrongUseError
        None or several of status, delivery and smpp were given, or something that is not a number.

    Examples
    --------
    >>> explain(403, "missing_callback_url").retry
    'after-change'
    >>> explain(delivery=404).title
    'Temporary delivery failure'
    """
    code = code_name(code.strip() or None if isinstance(code, str) else code)
    http = status if status is not None else code
    if sum(value is not None for value in (http, delivery, smpp)) != 1:
        raise WrongUseError(
            "Give exactly one of a status, a delivery code and an SMPP code.",
            hint="Such as explain(403, 'missing_callback_url'), explain(delivery=412) or "
            "explain(smpp=310); 404 is a status and a delivery code.",
        )
    if delivery is not None:
        return _explain_delivery(_number(delivery, "delivery code"))
    if smpp is not None:
        return _explain_smpp(_number(smpp, "SMPP code"))
    if status is None:
        return _explain_code_alone(str(code))
    return _explain_http(_number(status, "status"), code)


def retry_advice(
    status: int | None,
    code: str | None,
    method: str | None,
    *,
    failure: str | None = None,
    html: bool = False,
    endpoint: str | None = None,
) -> tuple[str, str]:
    """
    Return whether to repeat a request, one of `RETRY`, and why.

    The first fitting rule of retry.toml, else the status' own advice.

    Parameters
    ----------
    status
        None, 0 or below when no response came back.
    method
        None when the evidence does not say: then it is treated as one that may send.
    failure
        Network error class when no response came back.
    html
        Whether the answer's body is HTML: then a gateway answered, not the API.
    endpoint
        Template such as ``POST /batches/dry_run``, when known: it tells calls that send nothing.

    Examples
    --------
    >>> retry_advice(None, None, "POST", failure="ReadTimeout")[0]
    'ask-first'
    >>> retry_advice(None, None, "GET", failure="ReadTimeout")[0]
    'as-is'
    """
    labels = _labels(status)
    method = method.upper() if method else "unknown"
    failed = (failure or "").lower()
    for rule in _file("retry.toml", rows.Retry).rule:
        if (
            not labels.isdisjoint(rule.when)
            and labels.isdisjoint(rule.unless)
            and (rule.methods is None or method in rule.methods)
            and (rule.endpoints is None or endpoint in rule.endpoints)
            and (rule.html is None or html == rule.html)
            and (rule.failures is None or any(one.lower() in failed for one in rule.failures))
        ):
            return rule.advice, rule.reason
    entry = explain(status, code)
    return entry.retry, entry.retry_reason


def advice_on(exchange: Exchange) -> tuple[str, str]:
    """Return whether to repeat an exchange, one of `RETRY`, and why."""
    return retry_advice(
        exchange.status,
        exchange.code,
        exchange.method,
        failure=words_of_failure(exchange),
        html=exchange.status is not None and exchange.is_html,
        endpoint=exchange.endpoint,
    )


def words_of_failure(exchange: Exchange) -> str:
    """Return what a client says of a call without a response: its error, and the text of it."""
    if exchange.status is not None and exchange.status > 0:
        return exchange.failure or ""
    words = f"{exchange.failure or ''} {exchange.text or ''}"[:_MOST_SAID].strip()
    if _NOT_SAID.search(words) and header(exchange.request_headers, "Origin") is not None:
        return f"{words} (CORS)"
    return words


def status_rows() -> tuple[Entry, ...]:
    """
    Return the rows of the vendor's status page, in its order.

    Examples
    --------
    >>> status_rows()[0].label
    '200'
    """
    return tuple(
        sorted((entry for entry in _http().values() if entry.row), key=lambda entry: entry.row or 0)
    )


def is_listed(status: int | None, code: str | None = None) -> bool:
    """
    Return whether the catalogue has an entry for exactly this status and code.

    Examples
    --------
    >>> is_listed(403, "unknown_group"), is_listed(400, "unknown_group")
    (True, False)
    """
    return (status, code_name(code)) in _http()


def code_name(code: str | None) -> str | None:
    """Return a code as the status page spells it."""
    return _SPELLINGS.get(code or "", code)


def status_of(code: str | None) -> int | None:
    """
    Return the status that the vendor's status page gives for a code.

    Return None for a code that is not on the page.

    Examples
    --------
    >>> status_of("unknown_group"), status_of("unknown_campaign"), status_of(None)
    (403, None, None)
    """
    code = code_name(code)
    return next((entry.number for entry in status_rows() if code and entry.code == code), None)


def usual_status_of(code: str | None) -> int | None:
    """
    Return the status that a code is documented with anywhere, the page or older material.

    Examples
    --------
    >>> usual_status_of("unknown_campaign"), usual_status_of("conflict_send_at")
    (403, None)
    """
    code = code_name(code)
    documented = (one for one in _http().values() if one.tag == "documented")
    return next((one.number for one in documented if code and one.code == code), None)


def delivery_codes() -> tuple[Entry, ...]:
    """Return the delivery codes of the REST layer; other codes in a report are SMPP codes."""
    return tuple(_delivery().values())


def delivery_statuses() -> tuple[DeliveryStatus, ...]:
    """Return the ten statuses of delivery reports."""
    statuses = _file("delivery.toml", rows.Delivery).status
    return tuple(DeliveryStatus(**asdict(one)) for one in statuses)


def smpp_codes() -> tuple[Entry, ...]:
    """Return every SMPP code that the vendor lists."""
    return tuple(_smpp().values())


@cache
def field_hints() -> dict[str, str]:
    """Return the field that each phrase in the `text` of a refusal points at."""
    hints = _file("texts.toml", rows.Texts).hint
    return {phrase: hint.field for hint in hints for phrase in hint.phrases}


def classic_codes() -> dict[int, str]:
    """
    Return what the error numbers of the retired Classic Sinch API mean.

    Examples
    --------
    >>> classic_codes()[40303]
    'only verified numbers may be used'
    """
    return {one.number: one.meaning for one in _file("http.toml", rows.Http).classic}


def _explain_http(status: int, code: str | None) -> Entry:
    known = _http().get((status, code))
    if known:
        return known
    base = _http().get((status, None)) or _by_class(status)
    return base if code is None else _with_unlisted_code(base, code)


def _explain_code_alone(code: str) -> Entry:
    for (_, known), entry in _http().items():
        if known == code:
            return entry
    raise WrongUseError(
        f"The code {told(code)} is not known, and no status was given to read it by.",
        hint=_suggestion(code) or "Give the status too, such as explain(403, 'unknown_group').",
    )


def _with_unlisted_code(base: Entry, code: str) -> Entry:
    hint = _suggestion(code)
    meaning = (
        f"The code {shown(code)!r} is not on the vendor's page with "
        f"status {base.number}; read by its status: {base.meaning}"
    )
    tips = (hint, *base.tips) if hint else base.tips
    return replace(
        base,
        code=code,
        on_page=False,
        row=None,
        meaning=" ".join(filter(None, (meaning, hint))),
        tips=tips,
        tag="assumed",
    )


def _suggestion(code: str) -> str:
    known = {name: status for status, name in _http() if name}
    close = difflib.get_close_matches(code.lower()[:80], known, n=1, cutoff=0.75)
    return f"Did you mean {close[0]!r}, which comes with {known[close[0]]}?" if close else ""


def _by_class(status: int) -> Entry:
    hundreds = status // 100 if 100 <= status <= 599 else 0
    classes = _file("http.toml", rows.Http).by_class
    row = next(one for one in classes if one.hundreds == hundreds)
    try:
        standard = HTTPStatus(status)
        title, words = standard.phrase, f"HTTP {status} means {standard.phrase}."
    except ValueError:
        title, words = row.title, f"HTTP does not define {status}."
    return Entry(
        kind="http",
        number=status,
        on_page=False,
        title=title,
        meaning=f"{words} {row.meaning}",
        tips=row.tips,
        retry=row.retry,
        retry_reason=row.retry_reason,
        location=row.location,
        source="HTTP status registry and classes (RFC 9110)",
        tag="assumed",
    )


def _explain_delivery(number: int) -> Entry:
    known = _delivery().get(number)
    if known:
        return known
    entry = _explain_smpp(number)
    meaning = (
        f"The REST API has no delivery code {number}, so it is read as an SMPP code. "
        f"{entry.meaning}"
    )
    return replace(entry, kind="delivery", meaning=meaning)


def _explain_smpp(number: int) -> Entry:
    known = _smpp().get(number)
    if known:
        return known
    ranges = _file("smpp.toml", rows.Smpp).range
    row = next((one for one in ranges if one.first <= number <= one.last), None)
    retry = _smpp_retry("unknown")
    if row is None:
        unknown: dict[str, Any] = {
            "title": "Unknown SMPP code",
            "meaning": "The API's list of SMPP codes does not contain it.",
            "tips": ("Give the batch ID and this code to the account manager.",),
            "source": "absent from SMPP error codes",
        }
        return Entry(kind="smpp", number=number, on_page=False, tag="assumed", **unknown, **retry)
    meaning = (
        f"The API's list has no entry for it. It is in the range {row.first}-{row.last} "
        f"({row.group}). {row.meaning}"
    )
    return Entry(
        kind="smpp",
        number=number,
        on_page=False,
        title=f"Unlisted {row.group} code",
        meaning=meaning,
        group=row.group,
        tips=row.tips,
        source=row.source,
        tag="assumed",
        **retry,
    )


@cache
def _http() -> dict[tuple[int, str | None], Entry]:
    return {(one.status, one.code): _entry(one) for one in _file("http.toml", rows.Http).entry}


def _entry(row: rows.Status) -> Entry:
    facts = asdict(row)
    return Entry(kind="http", number=facts.pop("status"), **facts)


@cache
def _delivery() -> dict[int, Entry]:
    codes = _file("delivery.toml", rows.Delivery).code
    return {one.number: Entry(kind="delivery", **asdict(one)) for one in codes}


@cache
def _smpp() -> dict[int, Entry]:
    ranges = _file("smpp.toml", rows.Smpp).range
    return {code.number: _smpp_entry(row, code) for row in ranges for code in row.codes}


def _smpp_entry(row: rows.SmppRange, code: rows.SmppCode) -> Entry:
    when = {True: "permanent", False: "temporary", None: "none"}[code.permanent]
    ten_dlc = f" With a 10DLC sender: {code.ten_dlc}." if code.ten_dlc else ""
    return Entry(
        kind="smpp",
        number=code.number,
        title=code.title,
        meaning=f"{code.title}. {row.meaning}{ten_dlc}" if code.number else row.meaning,
        tips=row.tips if code.tips is None else code.tips,
        group=row.group,
        permanent=code.permanent,
        ten_dlc=code.ten_dlc,
        source=row.source,
        tag=row.tag,
        **_smpp_retry(when),
    )


def _smpp_retry(when: str) -> dict[str, Any]:
    row = next(one for one in _file("smpp.toml", rows.Smpp).retry if one.when == when)
    return {"retry": row.advice, "retry_reason": row.reason}


@cache
def _file(name: str, kind: type[_Kind]) -> _Kind:
    return read_table(place_of(name), kind)


def _labels(status: int | None) -> set[str]:
    if status is None or status <= 0:
        return {"none"}
    return {str(status), f"{status // 100}xx"} if 100 <= status <= 599 else {"odd"}


def _number(value: object, what: str) -> int:
    number = _whole(value)
    if number is None:
        hint = _suggestion(value) if isinstance(value, str) else ""
        hint = (
            f"{hint} Give the status first, then the code."
            if hint
            else "Give a whole number, such as 403."
        )
        article = "an" if what.startswith("SMPP") else "a"
        raise WrongUseError(f"{told(value)} is not {article} {what}.", hint=hint)
    return number


def _whole(value: object) -> int | None:
    try:
        if isinstance(value, str):
            return int(value.strip())
        if isinstance(value, bool):
            return None
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return operator.index(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None

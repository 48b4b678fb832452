"""Counts of what bodies say: countries, senders and delivery codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from sinchtools.analysis import body_fields
from sinchtools.analysis.frames import (
    Per,
    lazy_rows,
    to_pandas,
)
from sinchtools.analysis.results import (
    RESULTS,
    SIDES,
    result,
    with_shares,
    with_sides,
)


def countries(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by country of the first recipient (ISO 3166; <NA> when not known); largest first.

    Requests without a recipient are left out.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        country (string), then as in `endpoints`; largest first.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> sent = Exchange(status=201, request_body='{"to": ["+46701234567"], "body": "Hi"}')
    >>> countries([sent])[["country", "n"]].values.tolist()
    [['SE', 1]]
    """
    return _by_body(frame, "countries", body_fields.country, per)


def senders(frame: Any, *, per: Per = "call") -> pd.DataFrame:
    """
    Count by kind of sender (number, short code, alphanumeric, none); largest first.

    Requests without a recipient are left out.

    Parameters
    ----------
    frame, per
        As in `codes`.

    Returns
    -------
    pd.DataFrame
        sender (string), then as in `endpoints`; largest first.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> sent = Exchange(status=201, request_body='{"from": "ACME", "to": ["+46701234567"]}')
    >>> senders([sent])[["sender", "n"]].values.tolist()
    [['alphanumeric', 1]]
    """
    return _by_body(frame, "senders", body_fields.sender_kind, per)


def delivery_codes(frame: Any) -> pd.DataFrame:
    """
    Count recipients by delivery code, from the delivery reports that were fetched or sent.

    A report that was asked for again counts once, as last seen; a batch's own report is preferred
    to those of its recipients.

    Parameters
    ----------
    frame
        As in `codes`; it has to have bodies.

    Returns
    -------
    pd.DataFrame
        code (Int16), status (string), n (Int64, recipients), share (Float64, 0 to 1); largest
        first.

    Raises
    ------
    WrongUseError
        The frame has no bodies, as that of a scan.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> report = ('{"type": "recipient_delivery_report_sms", "batch_id": "b", '
    ...           '"recipient": "+1555", "code": 401, "status": "Dispatched"}')
    >>> seen = delivery_codes([Exchange(endpoint="callback", request_body=report)])
    >>> seen[["code", "n"]].values.tolist()
    [[401, 1]]
    """
    names = ("endpoint", "request_body", "response_body")
    every = lazy_rows(frame, *names, per="attempt", needs="response_body", with_callbacks=True)
    is_sent = (nw.col("endpoint") == "callback").fill_null(False)
    body = nw.when(is_sent).then(nw.col("request_body")).otherwise(nw.col("response_body"))
    told = every.filter(
        is_sent | nw.col("endpoint").str.contains("delivery_report", literal=True)
    ).with_columns(body=body)
    told = told.filter(~nw.col("body").is_null())
    reports = to_pandas(told.group_by("body").agg(nw.col("at_us").max().alias("at_us")))
    reports["at_us"] = reports["at_us"].astype("Float64").fillna(-1.0)
    counts = body_fields.delivered(list(reports.sort_values(["at_us", "body"])["body"].astype(str)))
    found = pd.DataFrame([(*key, n) for key, n in counts.items()], columns=["code", "status", "n"])
    found["share"] = found["n"] / max(found["n"].sum(), 1)
    return result(
        "delivery_codes",
        found.sort_values(
            ["n", "code", "status"], ascending=[False, True, True], na_position="last"
        ),
    )


def _by_body(
    frame: Any, name: str, of_body: Callable[[dict[str, Any]], str | None], per: Per
) -> pd.DataFrame:
    by = next(iter(RESULTS[name]))
    sent = lazy_rows(frame, "request_body", per=per, needs="request_body").filter(
        ~nw.col("request_body").is_null()
    )
    counts = to_pandas(with_sides(sent).group_by("request_body").agg(*SIDES))
    objects = [body_fields.json_object(body) for body in counts["request_body"]]
    counts[by] = pd.array([of_body(body) for body in objects], dtype="string")
    addressed = counts[
        np.array([bool(body_fields.recipients(body)) for body in objects], dtype=bool)
    ]
    return with_shares(
        addressed.groupby(by, dropna=False, as_index=False)[["n", "n_failing", "not_known"]].sum(),
        name,
    )

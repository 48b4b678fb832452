"""Write a chart to files; nothing leaves that names a person or holds a secret."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, cast

import narwhals as nw
import pandas as pd
from matplotlib.text import Text

from sinchtools.analysis.filters import DATE
from sinchtools.analysis.frames import to_pandas
from sinchtools.analysis.results import missing
from sinchtools.charts.chart import Chart, rendered
from sinchtools.core.errors import LeakError, WrongUseError, told
from sinchtools.core.files import put_all
from sinchtools.core.records import Exchange
from sinchtools.privacy import gate

FORMATS = ("png", "svg", "pdf")
_ENDING = re.compile(r"[A-Za-z]{1,5}")  # `v1.2` is a name
_MAYBE_A_NUMBER = re.compile(r"\d(?:[ \u00a0().\-/]{0,2}\d){7,}")
_NO_NUMBER = re.compile(  # a time, a UUID, the ID of a service plan
    r"(?:19|20)\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[\d.]+Z)?|\b(?:[0-9a-f]{8}"
    r"(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\b"
)
_TELLING = (
    "url",
    "request_body",
    "response_body",
    "text",
    "code",
    "account",
    "endpoint",
    "source",
    "failure",
)  # columns that can name somebody


def save(fig: Chart, path: Path | str, formats: Collection[str] = FORMATS) -> list[Path]:
    """
    Write the chart and, beside it, its data as CSV.

    The same chart gives the same bytes, and nothing is written by half.

    Parameters
    ----------
    fig
        What a function of this module returned.
    path
        `x.svg` writes that format; a path without `.png`, `.svg` or `.pdf` writes all of `formats`.
        A missing folder is made.
    formats
        Of png, svg, pdf.

    Returns
    -------
    list[Path]
        What was written, the CSV last.

    Raises
    ------
    WrongUseError
        The format is not known.
    WriteError
        The files cannot be written there; none of them is.
    LeakError
        A secret, or a person of the exchanges behind the chart, would be in a file; nothing is
        written.

    Examples
    --------
    >>> import tempfile
    >>> from sinchtools import Exchange, charts
    >>> drawn = charts.error_codes([Exchange(status=500)])
    >>> [path.name for path in save(drawn, tempfile.mkdtemp() + "/codes.svg")]
    ['codes.svg', 'codes.csv']
    """
    path = Path(path)
    suffix = path.suffix[1:].lower()
    wanted, stem = (
        ([suffix], path.stem) if _ENDING.fullmatch(suffix) else (list(formats), path.name)
    )
    if unknown := [name for name in wanted if name not in FORMATS]:
        raise WrongUseError(
            f"A chart cannot be written as {told(unknown[0])}.",
            hint=f"Use {', '.join(FORMATS)}, or no ending for all.",
        )
    if not isinstance(fig, Chart):
        raise WrongUseError(
            f"A {type(fig).__name__} is not a chart of sinchtools.",
            hint="Give what st.charts.error_codes or another one returned.",
        )
    contents = {
        path.with_name(f"{stem}.{name}"): rendered(fig, name) for name in dict.fromkeys(wanted)
    }
    return _write({**contents, path.with_name(f"{stem}.csv"): _csv(fig.data)}, fig)


def names_nobody(chart: Chart) -> bool:
    """
    Whether the chart as it is shown may be saved with a notebook.

    Its words contain no secret and no person of the exchanges behind it.
    """
    try:
        _pass([], chart)
    except LeakError:
        return False
    return True


def _people(chart: Chart, words: str) -> gate.Known:
    """
    Return the people behind the chart, if anything in its words can be one.

    That is a long number, or a sentence in place of a code.
    """
    sentences = (
        " " in str(told) for name in ("code", "account") for told in chart.data.get(name, ())
    )
    if not (_MAYBE_A_NUMBER.search(_NO_NUMBER.sub("", words)) or any(sentences)):
        return gate.Known()
    rows: Any = nw.from_native(chart._rows).lazy()
    told = [name for name in _TELLING if name in rows.columns]
    if not told:
        return gate.Known()
    found: list[dict[Any, Any]] = (
        to_pandas(rows.select(*told).unique()).astype(object).to_dict("records")
    )
    return gate.Known.of(
        Exchange(
            **{name: _telling(name, value) for name, value in cast("dict[str, Any]", row).items()}
        )
        for row in found
    )


def _telling(name: str, value: Any) -> Any:
    return (
        None if missing(value) else DATE.sub("", value) if name == "source" else value
    )  # an access log is named by its day


def _csv(data: pd.DataFrame) -> bytes:
    safe = data.copy()
    for name in safe.columns:
        if isinstance(safe[name].dtype, pd.DatetimeTZDtype):
            safe[name] = safe[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        elif not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = safe[name].map(_no_formula, na_action="ignore")
    safe.columns = [_no_formula(name) for name in safe.columns]
    return safe.to_csv(index=False, lineterminator="\n").encode("utf-8", "backslashreplace")


def _no_formula(cell: Any) -> Any:
    """Return the cell so that a spreadsheet reads it as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r\n") else cell


def _pass(contents: Iterable[tuple[Path, bytes]], chart: Chart) -> None:
    """Let files, and what is drawn in them, through the leak gate, or raise."""
    words = "\n".join(
        [
            chart.title,
            chart.description,
            *(" ".join(text.get_text().split("\n")) for text in chart.findobj(Text)),
        ]
    )
    names = _csv(chart.data.select_dtypes(exclude="number")).decode("utf-8", "replace")
    known = _people(chart, "\n".join([words, *map(str, chart.data.columns), names]))
    for path, content in (*contents, (Path("the chart"), words.encode("utf-8", "replace"))):
        gate.refuse_leaks(content, known, where=path.name)


def _write(contents: dict[Path, bytes], chart: Chart) -> list[Path]:
    _pass(contents.items(), chart)
    return put_all(contents)

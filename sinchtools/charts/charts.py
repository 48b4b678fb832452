"""
Turn a frame into a matplotlib Figure.

The charts say what they count. They are readable in light, in dark and on paper, by eye and by
screen reader.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
import textwrap
import warnings
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
import narwhals as nw
import numpy as np
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import offset_copy

from sinchtools import analysis
from sinchtools.analysis import results
from sinchtools.analysis.aggregations import Per, label, timeline_of
from sinchtools.analysis.frames import DATE, is_failing, to_pandas, without_people
from sinchtools.analysis.results import missing
from sinchtools.core.errors import LeakError, WrongUseError, told
from sinchtools.core.files import put_all
from sinchtools.core.html import UNTYPESET
from sinchtools.core.records import Exchange
from sinchtools.privacy import gate
from sinchtools.privacy.aliases import ALIASED

FORMATS = ("png", "svg", "pdf")
_ENDING = re.compile(r"[A-Za-z]{1,5}")  # `v1.2` is a name
INK, QUIET, FACE = "#1a1a1a", "#595959", "#ffffff"
# colours of Okabe and Ito, which colour-blind people can tell apart, each with a hatch so that
# colour never stands alone
OUTCOMES = {  # outcome: (words, colour, hatch)
    "success": ("success", "#009E73", ""),
    "user_error": ("error of the request (4xx)", "#E69F00", "//"),
    "sinch_error": ("error of the API (5xx)", "#D55E00", "xx"),
    "not_delivered": ("accepted, not delivered", "#0072B2", "++"),
    "no_response": ("no status: no response, or a code alone", "#56B4E9", ".."),
    "other": ("other status", "#CC79A7", "\\\\"),
}
DELIVERIES = {  # the same for what became of a message
    "delivered": ("delivered (0)", "#009E73", ""),
    "underway": ("on its way (400, 401)", "#56B4E9", ".."),
    "failed": ("not delivered", "#D55E00", "xx"),
    "other": ("no code", "#CC79A7", "\\\\"),
}
SERIES = (  # one line of the stack each: (colour, hatch)
    ("#E69F00", "//"),
    ("#56B4E9", ".."),
    ("#D55E00", "xx"),
    ("#CC79A7", "\\\\"),
    ("#0072B2", "++"),
    ("#F0E442", "oo"),
    ("#009E73", "--"),
    ("#999999", ""),
)
_REST = ("#C4C4C4", "")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NO_ENDPOINT, NO_ACCOUNT = "no route of the API fits", "no account in the evidence"
_STYLE = {  # whatever style the notebook has chosen for its own figures
    **{
        k: v
        for k, v in mpl.rcParamsDefault.items()
        if re.match(r"(axes|figure|font|grid|hatch|legend|lines|patch|savefig|text|[xy]tick)\.", k)
    },
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.facecolor": FACE,
    "axes.labelcolor": INK,
    "axes.unicode_minus": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "sinchtools",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "path.simplify": False,
}
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
_styled = mpl.rc_context(_STYLE)
_SHADES = LinearSegmentedColormap.from_list("shades", ["#F7FBFF", "#9ECAE1", "#2171B5", "#08306B"])


class Chart(Figure):
    """
    A figure that shows itself in Jupyter as an image with an alternative text.

    Attributes
    ----------
    title
        What is charted, how many, and the period.
    description
        What is seen, in one or two sentences with the numbers; the alternative text.
    data
        The small frame behind the chart, as `save` writes it beside the image.
    bars
        Each bar, cell or point by its name, and which rows are behind it; `behind` gives them.
    """

    def __init__(self, *, width: float = 9.6, height: float = 4.0) -> None:
        super().__init__(figsize=(width, height), layout="constrained", facecolor=FACE)
        self.title = self.description = ""
        self.data = pd.DataFrame()
        self.bars: dict[str, nw.Expr] = {}
        self._rows: Any = None

    def behind(self, bar: str | None = None) -> Any:
        """
        Return the exchanges that a bar counts, in a frame of the kind that was charted.

        With None, return all exchanges that the chart counts.

        Examples
        --------
        >>> chart = error_codes([Exchange(id="a", status=401), Exchange(id="b", status=500)])
        >>> chart.behind("401 Unauthorized")["id"].tolist()
        ['a']
        """
        if bar is not None and bar not in self.bars:
            raise WrongUseError(
                f"The chart has no bar {told(bar)}.", hint="Its bars are the keys of `bars`."
            )
        return analysis.where(self._rows, *([self.bars[bar]] if bar is not None else []))

    def _repr_html_(self) -> str:
        image = base64.b64encode(_rendered(self, "png", dpi=144)).decode("ascii")
        width = round(self.get_figwidth() * 100)
        style = f"width:100%;max-width:{width}px;height:auto;background:{FACE}"
        return (
            f'<img alt="{html.escape(self.description)}" class="{UNTYPESET}" style="{style}" '
            f'src="data:image/png;base64,{image}">'
        )

    def _ipython_display_(self) -> None:
        """
        Show the HTML alone.

        With `%matplotlib inline` a Figure would be shown a second time, without its text.
        """
        from IPython.display import display

        data = {"text/html": self._repr_html_(), "text/plain": f"{self.title}\n{self.description}"}
        display(data, raw=True, metadata=ALIASED if names_nobody(self) else {})  # type: ignore[no-untyped-call]


@_styled
def error_codes(
    frame: Any,
    *,
    per: Per = "call",
    successes: bool = False,
    top: int = 20,
    source: str | None = None,
    **filters: Any,
) -> Chart:
    """
    Draw how often each status and code came, as sorted bars; the shares are of all calls.

    Parameters
    ----------
    frame
        A frame, exchanges, or what has a `.frame`, as in `analysis.codes`.
    per
        `call`: automatic retries count as one, the last; `attempt`: each counts.
    successes
        Whether successes have a bar too.
    top
        So many bars; all others are folded into one, `other (k codes)`.
    source
        What the footer names as source; None takes the file names in the frame.
    **filters
        As in `analysis.filtered`; the footer names them.
    """
    facts = _facts(frame, per, source, filters)
    counts = analysis.codes(facts.rows, per="attempt", successes=successes, top=top)
    chart = _bars(
        facts.titled("Status and error codes" if successes else "Error codes"),
        counts.assign(
            label=[label(s, c) for s, c in zip(counts["status"], counts["code"], strict=True)]
        ),
        facts,
        nothing=f"No {facts.one} failed." if facts.n else "",
    )
    chart.data = counts
    chart._rows = facts.rows if successes else analysis.where(facts.rows, ~_IS_SUCCESS)
    chart.bars = _with_rest(_of_codes(counts))
    return _told(chart, facts, _listing(counts, facts.unit))


@_styled
def timeline(
    frame: Any,
    interval: str | None = None,
    *,
    per: Per = "call",
    successes: bool = False,
    top: int = 7,
    source: str | None = None,
    **filters: Any,
) -> Chart:
    """
    Draw how many rows of each status and code came per interval, stacked.

    Spikes are marked and listed.

    Parameters are those of `error_codes`, and `interval` such as `1h`; None chooses one that suits
    the span.
    """
    facts = _facts(frame, per, source, filters)
    drawn = facts.rows if successes else analysis.where(facts.rows, _IS_FAILING)
    binned, step = results.binned(drawn, interval, "attempt")
    found = _spikes_at(facts.rows, step).head(5)
    counts = timeline_of(
        binned,
        step,
        top,
        keep=[label(s, c) for s, c in zip(found["status"], found["code"], strict=True)],
    )
    title = facts.titled(
        f"{'Status and error' if successes else 'Error'} codes per {_duration(step)}"
    )
    if counts.empty:
        return _nothing(
            title,
            facts,
            counts,
            ""
            if not facts.n
            else "No failure has a time."
            if facts.failing
            else f"No {facts.one} failed.",
        )
    spikes = [f"Spike {i}: {_spike(spike)}" for i, spike in enumerate(found.to_dict("records"), 1)]
    undated = (
        f"{counts.attrs['undated']:,} without a time are not shown."
        if counts.attrs["undated"]
        else ""
    )
    names = _legend(counts)
    key = sum(0.1 + 0.155 * (name.count("\n") + 1) for name in names)
    chart = _started(
        title, facts, max(4.6, 1.4 + key) + 0.16 * len(spikes), notes=[*spikes, undated]
    )
    ax = chart.subplots()
    _stack(ax, counts, step, names)
    _mark(ax, found)
    _time_axis(ax, step)
    stacked = [part[::-1] for part in ax.get_legend_handles_labels()]
    ax.legend(
        *stacked,
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
        frameon=False,
        fontsize=8.5,
        handlelength=2.2,
        handleheight=1.4,
        labelspacing=0.7,
    )
    chart.data = counts
    highest = counts.groupby("start")["n"].sum()
    chart._rows = analysis.where(drawn, _IS_DATED)
    chart.bars = _of_times(counts, found, highest, step)
    peak = f"The most in one interval: {highest.max():,} at {highest.idxmax():%Y-%m-%d %H:%M} UTC."
    return _told(
        chart,
        facts,
        " ".join([peak, *(f"{spike}." for spike in spikes[:3] or ["No spike stands out"])]),
    )


@_styled
def heatmap(frame: Any, *, per: Per = "call", source: str | None = None, **filters: Any) -> Chart:
    """
    Draw at which hour and weekday (UTC) rows failed.

    A cell without any row is told from one without a failure.
    """
    facts = _facts(frame, per, source, filters)
    cells = analysis.heatmap(facts.rows, per="attempt")
    title = facts.titled(f"Failing {facts.unit} by weekday and hour (UTC)")
    if cells.empty:
        return _nothing(title, facts, cells, "No row has a time." if facts.n else "")
    failing = cells["n_failing"].to_numpy(dtype=float).reshape(7, 24)
    seen = cells["n"].to_numpy(dtype=float).reshape(7, 24)
    undated = (
        f"{cells.attrs['undated']:,} without a time are not shown."
        if cells.attrs["undated"]
        else ""
    )
    chart = _started(title, facts, 4.2, notes=[f"A dot: no {facts.one} at all.", undated])
    ax = chart.subplots()
    _grid(
        ax,
        failing,
        [
            [f"{int(f):,}" if n else "·" for f, n in zip(*pair, strict=True)]
            for pair in zip(failing, seen, strict=True)
        ],
        size=8,
    )
    ax.set_xticks(np.arange(24) + 0.5, [f"{hour:02}" for hour in range(24)])
    ax.set_yticks(np.arange(7) + 0.5, WEEKDAYS)
    ax.set_xlabel("hour, UTC")
    chart.data = cells
    worst = cells.sort_values(["n_failing", "weekday", "hour"], ascending=[False, True, True]).iloc[
        0
    ]
    when = f"{WEEKDAYS[int(worst['weekday']) - 1]} {int(worst['hour']):02}:00"
    chart._rows, chart.bars = analysis.where(facts.rows, _IS_FAILING, _IS_DATED), _of_hours(cells)
    return _told(
        chart,
        facts,
        f"Most failures: {int(worst['n_failing']):,} of {int(worst['n']):,} {facts.unit} "
        f"on {when} UTC.",
    )


@_styled
def endpoints(
    frame: Any, *, per: Per = "call", top: int = 12, source: str | None = None, **filters: Any
) -> Chart:
    """Draw a matrix of endpoint by status and code with the count in each cell."""
    facts = _facts(frame, per, source, filters)
    counts = analysis.matrix(facts.rows, "endpoint", per="attempt")
    title = facts.titled("Endpoints by status and code")
    if counts.empty:
        return _nothing(title, facts, counts, "")
    codes = _of_codes(counts)
    counts = counts.assign(
        endpoint=_top(counts["endpoint"].fillna(NO_ENDPOINT), counts["n"], top, "endpoints"),
        label=_top(
            pd.Series([label(s, c) for s, c in zip(counts["status"], counts["code"], strict=True)]),
            counts["n"],
            9,
            "codes",
        ),
    )
    table = counts.pivot_table(
        index="endpoint", columns="label", values="n", aggfunc="sum", fill_value=0, sort=False
    ).astype("int64")
    table = table.loc[_ordered(table.sum(axis=1)), _ordered(table.sum(axis=0))]
    chart = _matrix(title, facts, table)
    chart.data = table.reset_index()
    chart.data.columns.name = None
    rows, columns = (
        _with_rest(_of_names("endpoint", table.index, NO_ENDPOINT)),
        _with_rest({name: codes.get(name) for name in table.columns}),
    )
    cells: Any = pd.Series(table.stack()).sort_values(ascending=False, kind="stable")
    chart.bars = {
        f"{row}, {column}": rows[row] & columns[column] for row, column in cells[cells > 0].index
    }
    told = [
        f"{_plain(name)}: {row.sum():,}, most often {_plain(row.idxmax())}"
        for name, row in table.head(3).iterrows()
    ]
    return _told(chart, facts, f"{'; '.join(told)}.")


@_styled
def accounts(
    frame: Any, *, per: Per = "call", top: int = 20, source: str | None = None, **filters: Any
) -> Chart:
    """Draw for each account (service plan or project) how many rows failed and how many did not."""
    facts = _facts(frame, per, source, filters)
    counts = analysis.accounts(facts.rows, per="attempt")
    title = facts.titled("Accounts")
    if counts.empty:
        return _nothing(title, facts, counts, "")
    named = counts.assign(
        account=_top(counts["account"].fillna(NO_ACCOUNT), counts["n"], top, "accounts")
    )
    summed = named.groupby("account", sort=False)[["n", "n_failing"]].sum()
    summed = summed.loc[_ordered(summed["n"])].reset_index()
    names = [_wrapped(a, 34) for a in summed["account"]]
    chart = _started(title, facts, _height(names))
    ax = chart.subplots()
    failing, rest = (
        summed["n_failing"].to_numpy(dtype=float),
        (summed["n"] - summed["n_failing"]).to_numpy(dtype=float),
    )
    y = _places(names)
    ax.barh(
        y,
        failing,
        height=0.24,
        color=OUTCOMES["sinch_error"][1],
        hatch="xx",
        edgecolor=INK,
        linewidth=0.6,
        label="failing",
    )
    ax.barh(
        y,
        rest,
        left=failing,
        height=0.24,
        color=OUTCOMES["success"][1],
        edgecolor=INK,
        linewidth=0.6,
        label="not failing",
    )
    texts = [
        f"{int(f):,} of {int(n):,} failing ({_percent(f / n)})"
        for f, n in zip(summed["n_failing"], summed["n"], strict=True)
    ]
    _beside(ax, y, names, failing + rest, texts)
    _key(ax, *ax.get_legend_handles_labels())
    chart.data = summed.assign(share_failing=summed["n_failing"] / summed["n"])
    bars = _with_rest(_of_names("account", summed["account"], NO_ACCOUNT))
    chart.bars = {f"{name}, failing": bar & _IS_FAILING for name, bar in bars.items()} | bars
    return _told(
        chart,
        facts,
        "; ".join(
            f"{_plain(a)}: {t}" for a, t in list(zip(summed["account"], texts, strict=True))[:3]
        )
        + ".",
    )


@_styled
def latency(
    frame: Any, *, per: Per = "attempt", top: int = 20, source: str | None = None, **filters: Any
) -> Chart:
    """
    Draw the median, 90 % and 99 % quantile of the duration by endpoint and code.

    The chart shows the rows with the most values.
    """
    facts = _facts(frame, per, source, filters)
    table = analysis.latency(facts.rows, per="attempt")
    title = facts.titled("Duration by endpoint and code", of=int(table["n"].sum()))
    if table.empty:
        return _nothing(title, facts, table, "No row has a duration." if facts.n else "")
    shown = table.head(top)
    routes = [_wrapped(route, 40) for route in shown["endpoint"].fillna("no known route")]
    names = [
        f"{route}\n{_wrapped(label(s, c), 40)}"
        for route, s, c in zip(routes, shown["status"], shown["code"], strict=True)
    ]
    left_out = (
        f"{len(table) - len(shown):,} more combinations are in the data only."
        if len(table) > len(shown)
        else ""
    )
    chart = _started(title, facts, _height(names) + 0.4, notes=[left_out])
    quantiles = shown[["p50_ms", "p90_ms", "p99_ms"]].to_numpy(dtype=float)
    texts = [
        f"{a:,.0f} / {b:,.0f} / {c:,.0f} ms, n {n:,}"
        for (a, b, c), n in zip(quantiles, shown["n"], strict=True)
    ]
    _points(chart.subplots(), names, quantiles, texts)
    chart.data = table
    flat = [name.replace("\n", ", ") for name in names]
    keys = zip(flat, shown["endpoint"], shown["status"], shown["code"], strict=True)
    chart.bars = {
        name: _is("endpoint", e) & _is("status", s) & _is("code", c) for name, e, s, c in keys
    }
    chart._rows = analysis.where(facts.rows, _IS_TIMED)
    return _told(
        chart,
        facts,
        "Median / 90 % / 99 %: "
        + "; ".join(f"{a}: {t}" for a, t in list(zip(flat, texts, strict=True))[:3])
        + ".",
    )


@_styled
def delivery_codes(
    frame: Any, *, top: int = 20, source: str | None = None, **filters: Any
) -> Chart:
    """
    Draw how many recipients have each delivery code.

    The counts come from the delivery reports among the responses.
    """
    facts = _facts(frame, "attempt", source, filters, of_answers=False)
    counts = analysis.delivery_codes(facts.rows)
    footer = facts.footer.replace(
        "Each attempt counts", "Each recipient counts once, as last reported"
    )
    facts = replace(facts, n=int(counts["n"].sum()), failing=0, unit="recipients", footer=footer)
    names = [
        " ".join(str(part) for part in row if not pd.isna(part)) or "no code"
        for row in counts[["code", "status"]].itertuples(index=False)
    ]
    drawn = _top(pd.Series(names, dtype=object), counts["n"], top, "codes")
    shown = counts.assign(label=drawn, outcome=_delivery_outcome(counts["code"]))
    shown = shown.groupby("label", sort=False, as_index=False).agg(
        {"n": "sum", "share": "sum", "outcome": "first"}
    )
    shown = (
        shown.set_index("label").loc[_ordered(shown.set_index("label")["n"])].reset_index()
        if len(shown)
        else shown
    )
    chart = _bars(
        facts.titled("Delivery codes"),
        shown,
        facts,
        nothing="The evidence has no delivery report with a code.",
        words=DELIVERIES,
    )
    chart.data = counts
    chart._rows = analysis.where(facts.rows, _IS_REPORT)
    chart.bars = {name: _reports(counts[[one == name for one in drawn]]) for name in shown["label"]}
    return _told(chart, facts, _listing(counts, "recipients", names))


ALL: tuple[Callable[..., Chart], ...] = (
    error_codes,
    timeline,
    heatmap,
    endpoints,
    accounts,
    latency,
    delivery_codes,
)


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
            f"A {type(fig).__name__} is no chart of sinchtools.",
            hint="Give what st.charts.error_codes or another one returned.",
        )
    contents = {
        path.with_name(f"{stem}.{name}"): _rendered(fig, name) for name in dict.fromkeys(wanted)
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


# --- what is said around every chart --------------------------------------------------------------


@dataclass(frozen=True)
class _Facts:
    n: int
    failing: int
    unit: str
    period: str
    footer: str
    rows: Any
    left_out: str
    simulated: str

    @property
    def one(self) -> str:
        return self.unit[:-1]

    def titled(self, what: str, of: int | None = None) -> str:
        n = self.n if of is None else of
        failing = (
            f", {self.failing:,} failing ({_percent(self.failing / self.n)})"
            if self.n and of is None and self.unit != "recipients"
            else ""
        )
        return f"{what}: {n:,} {self.unit if n != 1 else self.one}{failing}, {self.period}"


def _facts(
    frame: Any, per: Per, source: str | None, filters: dict[str, Any], *, of_answers: bool = True
) -> _Facts:
    """
    Return what is said around a chart, and the rows that it counts.

    It counts rows with a known response. A filter applies to calls, not to their attempts.
    """
    rows = analysis.filtered(analysis.calls(frame) if per == "call" else frame, **filters)
    given = getattr(rows, "attrs", {}).get("filters") or analysis.described(filters)
    overview = analysis.overview(rows, per="attempt")
    sources, not_known = (
        _sources(overview, source),
        int(overview["not_known"].iloc[0]) if of_answers else 0,
    )
    if not_known:
        rows = analysis.known(rows)
        overview = analysis.overview(rows, per="attempt")
    n, failing = (int(overview[name].iloc[0]) for name in ("n", "n_failing"))
    left_out = (
        f"{not_known:,} {per if not_known == 1 else f'{per}s'} with no known answer not counted"
        if not_known
        else ""
    )
    simulated = (
        "SIMULATED: answers of the sandbox are among these" if overview.attrs["simulated"] else ""
    )
    counted = "Automatic retries count as one call" if per == "call" else "Each attempt counts"
    said = (
        f"Source: {sources}",
        f"Filter: {'; '.join(map(_plain, given)) or 'none'}",
        counted,
        left_out,
        simulated,
    )
    return _Facts(
        n,
        failing,
        f"{per}s",
        _period(overview),
        ". ".join(filter(None, said)) + ".",
        rows,
        left_out,
        simulated,
    )


def _sources(overview: pd.DataFrame, source: str | None) -> str:
    files = overview.attrs["sources"]
    more = f" and {len(files) - 2:,} more" if len(files) > 2 else ""
    return (
        ", ".join(_plain(without_people(name)) for name in ([source] if source else files[:2]))
        + more
        or "not known"
    )


def _period(overview: pd.DataFrame) -> str:
    since, until = overview[["since", "until"]].iloc[0]
    return (
        "time not known"
        if pd.isna(since)
        else f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    )


def _started(title: str, facts: _Facts, height: float, notes: Iterable[str] = ()) -> Chart:
    lines = [
        line
        for text in (*filter(None, notes), facts.footer)
        for line in textwrap.wrap(_one_line(text), 125)
    ]
    what, _, rest = title.partition(": ")
    chart = Chart(height=height + 0.14 * len(lines))
    chart.title, chart._rows = title, facts.rows
    heading = "\n".join([*textwrap.wrap(what, 95), *textwrap.wrap(rest, 95)])
    chart.suptitle(heading, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    chart.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color=QUIET)
    return chart


def _told(chart: Chart, facts: _Facts, words: str) -> Chart:
    """
    Give the chart its description.

    Say what it is, what it shows, and what a reader must know about it.
    """
    chart.description = " ".join(
        [
            f"{chart.title}.",
            words,
            *(f"{more}." for more in (facts.left_out, facts.simulated) if more),
        ]
    )
    return chart


def _nothing(title: str, facts: _Facts, data: pd.DataFrame, sentence: str) -> Chart:
    known = " with a known answer" if facts.left_out else ""
    sentence = sentence or f"Nothing to show: there are no {facts.unit}{known}."
    chart = _started(title, facts, 2.4)
    ax = chart.subplots()
    ax.set_axis_off()
    chart._rows = analysis.where(facts.rows, _IS_DATED & ~_IS_DATED)
    ax.text(
        0.5, 0.5, sentence, ha="center", va="center", fontsize=12, color=INK, transform=ax.transAxes
    )
    chart.data = data
    return _told(chart, facts, sentence)


def _listing(counts: pd.DataFrame, unit: str, names: list[str] | None = None) -> str:
    names = names or [label(s, c) for s, c in zip(counts["status"], counts["code"], strict=True)]
    told = [
        f"{_plain(name)} {n:,} ({_percent(share)})"
        for name, n, share in zip(names, counts["n"], counts["share"], strict=True)
    ][:3]
    more = f", and {len(counts) - 3:,} more" if len(counts) > 3 else ""
    return (
        f"Most often: {', '.join(told)}{more}."
        if told
        else f"There is nothing to count among the {unit}."
    )


# --- which rows are behind a bar ------------------------------------------------------------------

_IS_SUCCESS = (nw.col("status") // 100 == 2).fill_null(False)
_IS_FAILING = is_failing()
_IS_DATED = ~nw.col("at_us").is_null()
_IS_TIMED = ~nw.col("elapsed_ms").is_null()
_ANY_CODE = r'"code"\s*:\s*"?\d'
_SPECIAL = re.compile(r"[\\.^$|?*+()\[\]{}]")
_REPORT = r'"(?:statuses|recipient)"\s*:'
_IS_REPORT = (
    nw.col("endpoint").str.contains("delivery_report", literal=True)
    & nw.col("response_body").str.contains(_REPORT)
) | ((nw.col("endpoint") == "callback") & nw.col("request_body").str.contains(_REPORT))


def _is(column: str, value: Any) -> nw.Expr:
    plain = int(value) if column == "status" and not missing(value) else value
    return (
        nw.col(column).is_null() if missing(value) else (nw.col(column) == plain).fill_null(False)
    )


def _reports(counts: pd.DataFrame) -> nw.Expr:
    """Whether a report names one of the codes, with its status beside it."""
    return nw.any_horizontal(
        *(_named(*row) for row in counts[["code", "status"]].itertuples(index=False)),
        ignore_nulls=True,
    )


def _named(code: Any, status: Any) -> nw.Expr:
    """
    Tell whether both are members of one object, in either order.

    The regular expressions are those that every engine understands.
    """
    body = nw.col("response_body").str
    a = _ANY_CODE if missing(code) else rf'"code"\s*:\s*"?0*{int(code)}\b'
    if missing(status):
        return ~body.contains(a) if missing(code) else body.contains(a)
    b = r'"status"\s*:\s*' + _SPECIAL.sub(r"\\\g<0>", json.dumps(status, ensure_ascii=False))
    return body.contains(b if missing(code) else rf"{a}[^{{}}]*{b}|{b}[^{{}}]*{a}")


def _of_codes(counts: pd.DataFrame) -> dict[str, nw.Expr | None]:
    pairs = counts[["status", "code"]].drop_duplicates().itertuples(index=False)
    return {
        label(s, c): None if _is_folded(s, c) else _is("status", s) & _is("code", c)
        for s, c in pairs
    }


def _of_names(column: str, names: Iterable[str], missing: str) -> dict[str, nw.Expr | None]:
    return {
        name: None if _FOLDED.fullmatch(name) else _is(column, None if name == missing else name)
        for name in names
    }


def _with_rest(bars: dict[str, nw.Expr | None]) -> dict[str, nw.Expr]:
    """Give the bar of the others (None) what no other bar has."""
    kept = [bar for bar in bars.values() if bar is not None]
    return {
        name: bar if bar is not None else ~nw.any_horizontal(*kept, ignore_nulls=True)
        for name, bar in bars.items()
    }


def _spikes_at(rows: Any, step: int) -> pd.DataFrame:
    """
    Return the spikes per step.

    If the rows are too far apart for a step, an interval that suits them is used.
    """
    try:
        return analysis.spikes(rows, pd.Timedelta(seconds=step).isoformat(), per="attempt")
    except WrongUseError:
        return analysis.spikes(rows, per="attempt")


def _of_times(
    counts: pd.DataFrame, spikes: pd.DataFrame, n: pd.Series[Any], step: int
) -> dict[str, nw.Expr]:
    bars = {
        f"Spike {i}: {label(s, c)}": _between(start, end) & _is("status", s) & _is("code", c)
        for i, (s, c, start, end) in enumerate(
            spikes[["status", "code", "start", "end"]].itertuples(index=False), 1
        )
    }
    bars |= {name: bar & _IS_DATED for name, bar in _with_rest(_of_codes(counts)).items()}
    length = pd.Timedelta(seconds=step)
    spans = [(start, min(start + length, _END_OF_TIME)) for start in n[n > 0].index]
    return bars | {
        f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}": _between(start, end)
        for start, end in spans
    }


_END_OF_TIME = pd.Timestamp("9999-12-31T23:59:59Z")  # nothing later can be written as a date


def _between(start: pd.Timestamp, end: pd.Timestamp) -> nw.Expr:
    first, last = (int(time.as_unit("us").asm8.view("i8")) for time in (start, end))
    return (nw.col("at_us") >= first) & (nw.col("at_us") < last)


def _of_hours(cells: pd.DataFrame) -> dict[str, nw.Expr]:
    hour = (
        nw.col("at_us") // 3_600_000_000 + 168 * 10**5 + 72
    ) % 168  # 1970-01-01 was a Thursday; never negative
    worst = cells[cells["n_failing"] > 0].sort_values(
        ["n_failing", "weekday", "hour"], ascending=[False, True, True]
    )
    return {
        f"{WEEKDAYS[d - 1]} {h:02}:00": (hour == (d - 1) * 24 + h) & _IS_FAILING
        for d, h in zip(worst["weekday"].astype(int), worst["hour"].astype(int), strict=True)
    }


# --- drawing --------------------------------------------------------------------------------------


def _bars(
    title: str,
    counts: pd.DataFrame,
    facts: _Facts,
    *,
    nothing: str,
    words: dict[str, tuple[str, str, str]] = OUTCOMES,
) -> Chart:
    if counts.empty:
        return _nothing(title, facts, counts, nothing)
    names = [_wrapped(name, 40) for name in counts["label"]]
    chart = _started(title, facts, _height(names) + 0.25)
    ax = chart.subplots()
    y, n = _places(names), counts["n"].to_numpy(dtype=float)
    outcomes = ["rest" if pd.isna(outcome) else outcome for outcome in counts["outcome"]]
    for place, width, outcome in zip(y, n, outcomes, strict=True):
        _, colour, hatch = words.get(outcome, ("", *_REST))
        ax.barh(place, width, height=0.24, color=colour, hatch=hatch, edgecolor=INK, linewidth=0.6)
    _beside(
        ax,
        y,
        names,
        n,
        [f"{int(k):,} ({_percent(share)})" for k, share in zip(n, counts["share"], strict=True)],
    )
    kinds = [
        Patch(facecolor=c, hatch=h, edgecolor=INK, linewidth=0.6, label=word)
        for key, (word, c, h) in words.items()
        if key in outcomes
    ]
    if kinds:
        _key(ax, kinds, [str(kind.get_label()) for kind in kinds])
    return chart


def _places(names: list[str]) -> np.ndarray[Any, Any]:
    """
    Return the middle of each row, the first on top.

    A row takes as much height as its name has lines.
    """
    heights = [0.22 + 0.165 * (name.count("\n") + 1) for name in names]
    return np.array([sum(heights[:i]) + h / 2 for i, h in enumerate(heights)])


def _height(names: list[str]) -> float:
    return 1.15 + sum(0.22 + 0.165 * (name.count("\n") + 1) for name in names)


def _beside(
    ax: Axes,
    y: np.ndarray[Any, Any],
    names: list[str],
    ends: np.ndarray[Any, Any],
    texts: list[str],
    points_off: int = 6,
) -> None:
    ax.set_yticks(y, names)
    ax.set_ylim(max(y[-1] * 2 - (y[-2] if len(y) > 1 else 0), 0.4) if len(y) > 1 else y[0] * 2, 0)
    ax.set_xlim(0, (ends.max() or 1) * (1.12 + 0.012 * max(map(len, texts))))
    for end, place, text in zip(ends, y, texts, strict=True):
        ax.annotate(
            text,
            (end, place),
            xytext=(points_off, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            annotation_clip=False,
        )
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.xaxis.set_visible(False)
    ax.tick_params(axis="y", length=0)


def _points(ax: Axes, names: list[str], quantiles: np.ndarray[Any, Any], texts: list[str]) -> None:
    y = _places(names)
    ax.hlines(y, quantiles[:, 0], quantiles[:, 2], color=QUIET, linewidth=1.4, zorder=1)
    for column, (name, marker, colour) in enumerate(
        (("median", "o", "#0072B2"), ("90 %", "s", "#E69F00"), ("99 %", "D", "#D55E00"))
    ):
        ax.scatter(
            quantiles[:, column],
            y,
            marker=marker,
            s=38,
            color=colour,
            edgecolor=INK,
            linewidth=0.6,
            label=name,
            zorder=2,
        )
    _beside(ax, y, names, quantiles[:, 2], texts, points_off=10)
    ax.xaxis.set_visible(True)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_xlabel("milliseconds")
    _key(ax, *ax.get_legend_handles_labels(), inches_below=0.5)


def _key(ax: Axes, handles: list[Any], labels: list[str], inches_below: float = 0.0) -> None:
    corner = offset_copy(ax.transAxes, fig=ax.get_figure(root=True), y=-inches_below)
    ax.legend(
        handles,
        labels,
        loc="upper right",
        bbox_to_anchor=(1, 0),
        bbox_transform=corner,
        borderaxespad=0.2,
        ncols=len(labels),
        frameon=False,
    )


def _legend(counts: pd.DataFrame) -> list[str]:
    sums: Any = counts.groupby(["status", "code"], dropna=False, sort=False)["n"].sum()
    return [f"{_wrapped(label(*key), 26)}: {n:,}" for key, n in sums.items()]


def _stack(ax: Axes, counts: pd.DataFrame, step: int, names: list[str]) -> None:
    starts = counts["start"].drop_duplicates()
    naive = starts.dt.tz_convert(None)
    edges = _days(
        np.append(naive.to_numpy(), (naive.iloc[-1:] + pd.Timedelta(seconds=step)).to_numpy())
    )
    series: Any = counts.groupby([counts["status"], counts["code"]], dropna=False, sort=False)["n"]
    base = np.zeros(len(starts))
    outline = 0.3 if len(starts) <= 60 else 0.0  # of narrow steps only the outline would be seen
    for i, ((status, code), n) in enumerate(series):
        colour, hatch = _REST if _is_folded(status, code) else SERIES[i % len(SERIES)]
        values = n.to_numpy(dtype=float)
        ax.stairs(
            base + values,
            edges,
            baseline=base,
            fill=True,
            color=colour,
            hatch=hatch,
            edgecolor=INK,
            linewidth=outline,
            label=names[i],
        )
        base = base + values
    ax.set_ylim(0, (base.max() or 1) * 1.12)
    ax.set_xlim(edges[0], edges[-1])


def _mark(ax: Axes, spikes: pd.DataFrame) -> None:
    starts, ends = (_days(spikes[name].dt.tz_convert(None).to_numpy()) for name in ("start", "end"))
    least = 0.012 * (
        ax.get_xlim()[1] - ax.get_xlim()[0]
    )  # a box around one narrow step would hide it
    for i, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        beside = max(0.0, least - (end - start)) / 2
        ax.axvspan(
            start - beside,
            end + beside,
            facecolor="none",
            edgecolor=INK,
            linewidth=0.9,
            linestyle=(0, (3, 2)),
        )
        above: dict[str, Any] = {
            "xycoords": ("data", "axes fraction"),
            "xytext": (0, 2),
            "textcoords": "offset points",
        }
        ax.annotate(
            f"{i}", ((start + end) / 2, 1), ha="center", va="bottom", fontweight="bold", **above
        )


def _days(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(dates.date2num(times.astype("datetime64[us]")))  # type: ignore[no-untyped-call]  # the unit of a time axis


def _time_axis(ax: Axes, step: int) -> None:
    locator = dates.AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_xlabel("UTC")
    ax.set_ylabel(f"per {_duration(step)}")
    ax.spines[["top", "right"]].set_visible(False)


def _matrix(title: str, facts: _Facts, table: pd.DataFrame) -> Chart:
    down = [_wrapped(e, 34) for e in table.index]
    slanted = all(len(_plain(c)) <= 36 for c in table.columns)
    across = [
        _plain(c)
        if slanted
        else _wrapped(c, max(24, max(map(len, map(_plain, table.columns))) // 3))
        for c in table.columns
    ]
    longest = max(len(line) for name in across for line in name.split("\n"))
    chart = _started(
        title,
        facts,
        1.5
        + longest * (0.045 if slanted else 0.085)
        + 0.17 * sum(d.count("\n") + 1.6 for d in down),
    )
    ax = chart.subplots()
    _grid(
        ax,
        table.to_numpy(dtype=float),
        [[f"{n:,}" if n else "" for n in row] for row in table.to_numpy()],
        size=9,
    )
    turned: dict[str, Any] = (
        {"rotation": 35, "ha": "left", "rotation_mode": "anchor"}
        if slanted
        else {"rotation": 90, "ha": "center"}
    )
    ax.set_xticks(np.arange(len(across)) + 0.5, across, **turned)
    ax.xaxis.tick_top()
    ax.set_yticks(np.arange(len(down)) + 0.5, down)
    return chart


def _grid(ax: Axes, values: np.ndarray[Any, Any], texts: list[list[str]], size: float) -> None:
    scaled = np.sqrt(values / (values.max() or 1))
    ax.pcolormesh(scaled, cmap=_SHADES, vmin=0, vmax=1, edgecolors="#BDBDBD", linewidth=0.5)
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            colour = _readable_on(_SHADES(scaled[row, column])[:3])
            ax.text(
                column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size, color=colour
            )
    ax.xaxis.set_major_locator(mpl.ticker.NullLocator())
    ax.set_xlim(0, values.shape[1])
    ax.set_ylim(values.shape[0], 0)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def contrast(one: Any, other: Any) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    lights = sorted(_luminance(to_rgb(colour)) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(rgb: Iterable[float]) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _readable_on(face: Any) -> str:
    return max((INK, FACE), key=lambda ink: contrast(ink, face))


# --- words ----------------------------------------------------------------------------------------


def _top(names: pd.Series[Any], n: pd.Series[Any], top: int, what: str) -> list[str]:
    totals = n.groupby(names.to_numpy()).sum()
    kept = set(
        sorted(totals.index, key=lambda name: (-totals[name], name))[
            : top if len(totals) > top + 1 else None
        ]
    )
    return [
        name if name in kept else f"other ({len(totals) - len(kept):,} {what})" for name in names
    ]


_FOLDED = re.compile(r"other \([\d,]+ \w+\)")


def _is_folded(status: Any, code: Any) -> bool:
    return missing(status) and not missing(code) and bool(_FOLDED.fullmatch(code))


def _ordered(totals: pd.Series[Any]) -> list[str]:
    return sorted(
        totals.index, key=lambda name: (bool(_FOLDED.fullmatch(name)), -totals[name], name)
    )


def _delivery_outcome(codes: pd.Series[Any]) -> list[str]:
    return [
        "other"
        if pd.isna(code)
        else {0: "delivered", 400: "underway", 401: "underway"}.get(int(code), "failed")
        for code in codes
    ]


def _plain(text: Any) -> str:
    """Return text that is one line, of printable characters, and of a length that can be drawn."""
    line = _one_line(text)
    return line if len(line) <= 160 else f"{line[:140]}... ({len(line):,} characters)"


def _one_line(text: Any) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def _wrapped(text: Any, width: int) -> str:
    lines = [""]
    for part in re.findall(
        rf"[^\s_/.-]{{1,{width}}}[\s_/.-]*|[\s_/.-]+", _plain(text)
    ):  # breaks where a name has a joint
        if len(lines[-1] + part.rstrip()) > width and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def _percent(share: float) -> str:
    return "less than 0.1 %" if 0 < share < 0.0005 else f"{share * 100:.1f} %"


def _duration(seconds: int) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            count = seconds // size
            return unit if count == 1 else f"{count} {unit}s"
    return f"{seconds} seconds"


def _spike(spike: dict[Any, Any]) -> str:
    period = f"{spike['start']:%Y-%m-%d %H:%M} to {spike['end']:%Y-%m-%d %H:%M} UTC"
    usual = f"{spike['expected']:,.1f}" if spike["expected"] >= 0.05 else "fewer than 0.1"
    return (
        f"{label(spike['status'], spike['code'])}, {spike['n']:,} where {usual} are usual, {period}"
    )


# --- files ----------------------------------------------------------------------------------------


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


def _rendered(chart: Chart, name: str, dpi: int = 200) -> bytes:
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Title": chart.title, "Description": chart.description, "Software": None},
        "svg": {
            "Title": chart.title,
            "Description": chart.description,
            "Creator": "sinchtools",
            "Date": None,
        },
        "pdf": {
            "Title": chart.title,
            "Subject": chart.description,
            "Creator": "sinchtools",
            "Producer": None,
            "CreationDate": None,
        },
    }
    with io.BytesIO() as buffer, mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        chart.savefig(buffer, format=name, dpi=dpi, metadata=metadata[name])
        content = buffer.getvalue()
    return _with_description(content, chart.description) if name == "svg" else content


def _with_description(svg: bytes, description: str) -> bytes:
    return svg.replace(
        b"</title>",
        b"</title>\n <desc>" + html.escape(description, quote=False).encode() + b"</desc>",
        1,
    )


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
        gate.gate(content, known, where=path.name)


def _write(contents: dict[Path, bytes], chart: Chart) -> list[Path]:
    _pass(contents.items(), chart)
    return put_all(contents)

"""A figure that shows itself in Jupyter, knows its data, and what is behind each bar."""

from __future__ import annotations

import base64
import html
import io
import warnings
from typing import Any

import matplotlib as mpl
import narwhals as nw
import pandas as pd
from matplotlib.figure import Figure

from sinchtools import analysis
from sinchtools.charts.style import FACE, STYLE
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.html import UNTYPESET
from sinchtools.privacy.alias_forms import ALIASED


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
        image = base64.b64encode(rendered(self, "png", dpi=144)).decode("ascii")
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

        from sinchtools.charts.saving import names_nobody

        data = {"text/html": self._repr_html_(), "text/plain": f"{self.title}\n{self.description}"}
        display(data, raw=True, metadata=ALIASED if names_nobody(self) else {})  # type: ignore[no-untyped-call]


def rendered(chart: Chart, name: str, dpi: int = 200) -> bytes:
    """Return the chart as a file of one format, title and description in its metadata."""
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
    with io.BytesIO() as buffer, mpl.rc_context(STYLE), warnings.catch_warnings():
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

"""A figure that shows itself in Jupyter, knows its data, and what is behind each mark."""

from __future__ import annotations

import base64
import html
import io
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Protocol

import matplotlib as mpl
import narwhals as nw
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sinchtools import analysis
from sinchtools.charts.style import DPI, KINDS, LIGHT, SMALL, STYLE, TITLE, styled
from sinchtools.charts.words import text_width, wrapped
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.html import UNTYPESET
from sinchtools.privacy.alias_forms import ALIASED

WIDTH = 922  # pixels of a chart in a cell or a file; a panel gives its own
EDGE, LINE = 8, 17  # pixels
# a picture in the dark theme: white becomes the dark face, and a hue stays the hue that it was
_DARK = (
    '<style>[data-jp-theme-light="false"] img.st-picture '
    "{filter: invert(.87) hue-rotate(180deg)}</style>"
)


@dataclass(frozen=True)
class Mark:
    """
    A bar, cell, point or interval that can be pointed at.

    Attributes
    ----------
    name
        Its key in `Chart.bars`; empty for an interval in which nothing failed.
    words
        What it is and its exact values, a line each.
    box
        Left, top, width and height in pixels of the chart.
    span
        The seconds since 1970 between which an interval lies.
    """

    name: str
    words: str
    box: tuple[float, float, float, float]
    span: tuple[float, float] | None = None


class Body(Protocol):
    """What a chart draws between its note and its footer."""

    def height(self, width: float) -> float:
        """Return the pixels that it needs at this width."""

    def draw(self, chart: Chart, top: float) -> None:
        """Draw it below `top`, and tell the chart its marks."""


@dataclass
class Around:
    """What is written around the body of a chart: what it is, what it counts, how to read it."""

    heading: str
    note: str
    says: str = ""
    footer: tuple[str, ...] = ()
    key: tuple[str, ...] = ()  # kinds of the palette that the body uses
    words: dict[str, str] = field(default_factory=dict)  # of the key, where a chart has its own


@dataclass
class Sentence:
    """What a chart says in words, since there is nothing to draw."""

    text: str

    def height(self, width: float) -> float:
        """Return the pixels of its lines."""
        return LINE * len(wrapped(self.text, width - 6 * EDGE)) + 60

    def draw(self, chart: Chart, top: float) -> None:
        """Write it in the middle."""
        lines = wrapped(self.text, chart.pixels[0] - 6 * EDGE)
        down = chart.pixels[1]
        middle = 1 - (top + self.height(chart.pixels[0]) / 2) / down
        chart.text(0.5, middle, "\n".join(lines), ha="center", va="center", linespacing=1.35)


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
    choices
        Bars that a filter can say: the arguments of `analysis.filtered` for each.
    marks
        What can be pointed at, and where it is.
    """

    def __init__(self, around: Around, body: Body) -> None:
        super().__init__(figsize=(WIDTH / DPI, 1), dpi=DPI, facecolor=LIGHT["face"])
        noted = f"{around.note} {around.says}".rstrip(". ")
        self.title, self.description = f"{around.heading}: {noted}", ""
        self.data = pd.DataFrame()
        self.bars: dict[str, nw.Expr] = {}
        self.choices: dict[str, dict[str, Any]] = {}
        self._marks: list[Mark] = []
        self.chosen: Collection[str] = ()
        self.pixels = (float(WIDTH), 1.0)
        self._rows: Any = None
        self._around, self._body = around, body
        self._hatched: list[tuple[Artist, str]] = []
        self._is_painted = False

    def behind(self, bar: str | None = None) -> Any:
        """
        Return the exchanges that a bar counts, in a frame of the kind that was charted.

        With None, return all exchanges that the chart counts.

        Examples
        --------
        >>> from sinchtools import Exchange, charts
        >>> chart = charts.error_codes([Exchange(id="a", status=401), Exchange(id="b", status=500)])
        >>> chart.behind("401 Unauthorized")["id"].tolist()
        ['a']
        """
        if bar is not None and bar not in self.bars:
            raise WrongUseError(
                f"The chart has no bar {told(bar)}.", hint="Its bars are the keys of `bars`."
            )
        return analysis.where(self._rows, *([self.bars[bar]] if bar is not None else []))

    def at(self, width: int, chosen: Collection[str] = (), *, is_titled: bool = True) -> Chart:
        """
        Return the chart as a panel shows it: of this width in pixels, and without a footer.

        Marks that are not among those chosen are pale. Beside its own sentence, a chart needs no
        title.
        """
        shown = Chart.__new__(Chart)
        Figure.__init__(shown, figsize=(1, 1), dpi=DPI, facecolor=LIGHT["face"])
        for name in ("title", "description", "data", "bars", "choices", "_rows", "_body"):
            setattr(shown, name, getattr(self, name))
        shown._around, shown.chosen, shown._hatched = copy(self._around), chosen, []
        shown._is_painted = True
        shown._around.footer = ()
        shown._around.heading = self._around.heading if is_titled else ""
        shown._paint(width)
        return shown

    # --- painted when it is first looked at: a panel has a width of its own -----------------------

    def _painted(self) -> None:
        if not getattr(self, "_is_painted", True):
            self._is_painted = True
            self._paint(WIDTH)

    @property
    def marks(self) -> list[Mark]:
        """What can be pointed at."""
        self._painted()
        return self._marks

    @property  # type: ignore[misc]
    def axes(self) -> list[Axes]:  # type: ignore[override]
        """The axes of the figure."""
        self._painted()
        return super().axes

    def findobj(self, *given: Any, **named: Any) -> list[Any]:
        """Find what is drawn, as any figure does."""
        self._painted()
        return super().findobj(*given, **named)

    def draw(self, renderer: Any) -> None:
        """Draw the figure, as any figure does."""
        self._painted()
        super().draw(renderer)

    def savefig(self, *given: Any, **named: Any) -> None:
        """Write the figure, as any figure does."""
        self._painted()
        super().savefig(*given, **named)

    # --- for what is drawn ------------------------------------------------------------------------

    def axes_at(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes at a place in pixels, from the top left."""
        across, down = self.pixels
        place = (left / across, 1 - (top + height) / down, width / across, height / down)
        return self.add_axes(place)

    def write_at(self, left: float, top: float, words: str, **look: Any) -> None:
        """Write a line at a place in pixels, from the top left."""
        across, down = self.pixels
        self.text(left / across, 1 - top / down, words, va="top", **look)

    def strength(self, name: str) -> float:
        """Return how strong a mark is drawn: pale where others are chosen."""
        return 0.35 if self.chosen and name not in self.chosen else 1.0

    def hatch(self, artist: Artist, kind: str) -> None:
        """Give an artist the hatch of its kind, which only files show."""
        if KINDS[kind][1]:
            self._hatched.append((artist, KINDS[kind][1]))

    def mark(self, mark: Mark) -> None:
        """Remember what can be pointed at."""
        self._marks.append(mark)

    @property
    def seen(self) -> str:
        """The description without the title, for a page that shows it; nothing if it is drawn."""
        is_drawn = isinstance(self._body, Sentence)
        return "" if is_drawn else self.description.removeprefix(f"{self.title}. ")

    @styled
    def _paint(self, width: int) -> None:
        around, body = self._around, self._body
        inner = width - 2 * EDGE
        title = around.heading
        if ". " in title:  # several sentences end in a period
            title += "."
        heading = wrapped(title, inner, TITLE, "bold") if title else []
        note = wrapped(f"{around.note} {around.says}", inner)
        if len(note) > 1 and around.says:  # a line each, rather than one broken anywhere
            note = [*wrapped(around.note, inner), *wrapped(around.says, inner)]
        footer = [line for text in around.footer for line in wrapped(text, inner)]
        key = self._key_places(inner)
        top = EDGE + 20 * len(heading) + LINE * len(note) + 4 + 20 * (key[-1][1] + 1 if key else 0)
        height = top + body.height(width) + (LINE * len(footer) + 12 if footer else 0) + EDGE
        self.pixels, self._marks = (float(width), height), []
        self.set_size_inches(width / DPI, height / DPI)
        self._write(heading, EDGE, 20, size=TITLE, weight="bold")
        self._write(note, EDGE + 20 * len(heading), LINE, color=LIGHT["muted"])
        self._write_key(key, EDGE + 20 * len(heading) + LINE * len(note) + 5)
        body.draw(self, top)
        self._write(footer, height - EDGE - LINE * len(footer), LINE, color=LIGHT["muted"])

    def _write(
        self, lines: list[str], top: float, step: float, size: float = SMALL, **look: Any
    ) -> None:
        for i, line in enumerate(lines):
            self.write_at(EDGE, top + i * step, line, fontsize=size, **look)

    def _key_places(self, inner: float) -> list[tuple[float, int, str, str]]:
        """Return the left edge, line, kind and words of each entry of the key."""
        found: list[tuple[float, int, str, str]] = []
        left, line = float(EDGE), 0
        for kind in self._around.key:
            words = self._around.words.get(kind, KINDS[kind][0])
            wide = 15 + text_width(words)
            if left > EDGE and left + wide > EDGE + inner:
                left, line = float(EDGE), line + 1
            found.append((left, line, kind, words))
            left += wide + 18
        return found

    def _write_key(self, key: list[tuple[float, int, str, str]], top: float) -> None:
        across, down = self.pixels
        for left, line, kind, words in key:
            y = top + 20 * line
            look: dict[str, Any] = {"color": LIGHT[kind], "linewidth": 0}
            corner, size = (left / across, 1 - (y + 12) / down), (10 / across, 10 / down)
            square = Rectangle(corner, *size, transform=self.transFigure, **look)
            self.add_artist(square)
            self.hatch(square, kind)
            self.write_at(left + 15, y, words, color=LIGHT["muted"])

    # --- shown ------------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        image = base64.b64encode(rendered(self, "png", dpi=144, hatched=False)).decode("ascii")
        style = f"width:100%;max-width:{WIDTH}px;height:auto;background:{LIGHT['face']}"
        return (
            f'<img alt="{html.escape(self.description)}" class="{UNTYPESET} st-picture" '
            f'style="{style}" src="data:image/png;base64,{image}">'
        )

    def _ipython_display_(self) -> None:
        """
        Show the HTML alone.

        With `%matplotlib inline` a Figure would be shown a second time, without its text.
        """
        from IPython.display import display

        from sinchtools.charts.saving import names_nobody

        shown = f"{_DARK}{self._repr_html_()}"
        data = {"text/html": shown, "text/plain": f"{self.title}\n{self.description}"}
        metadata = ALIASED if names_nobody(self) else {}
        display(data, raw=True, metadata=metadata)

    @contextmanager
    def _for_print(self) -> Iterator[None]:
        """Show the hatches: in a file, colour does not stand alone."""
        self._painted()
        for artist, hatch in self._hatched:
            artist.set(hatch=hatch, edgecolor=LIGHT["face"])
        try:
            yield
        finally:
            for artist, _ in self._hatched:
                artist.set(hatch="", edgecolor="none")


def rendered(chart: Chart, name: str, dpi: int = 200, *, hatched: bool = True) -> bytes:
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
        chart._painted()
        if hatched:
            with chart._for_print():
                chart.savefig(buffer, format=name, dpi=dpi, metadata=metadata[name])
        else:
            chart.savefig(buffer, format=name, dpi=dpi, metadata=metadata[name])
        content = buffer.getvalue()
    return _with_description(content, chart.description) if name == "svg" else content


def _with_description(svg: bytes, description: str) -> bytes:
    return svg.replace(
        b"</title>",
        b"</title>\n <desc>" + html.escape(description, quote=False).encode() + b"</desc>",
        1,
    )

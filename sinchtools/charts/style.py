"""
The look of every chart: colours by meaning, sizes, and the settings of one sheet.

A colour says whose fault a row is; all that is context is grey. The series differ for
colour-blind readers too, and each has a hatch that only print shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_rgb

from sinchtools.analysis.results import missing

# one name for one meaning; the stylesheet of the panels has the same names (--st-c-request)
LIGHT = {
    "face": "#ffffff",
    "ink": "#1f2328",  # titles, direct labels, change points: 15.8 to 1
    "muted": "#59636e",  # axes and notes: 6.1 to 1
    "grid": "#e7eaed",
    "ok": "#c9cfd6",  # succeeded, or all traffic: never the message of a chart
    "request": "#b8330a",  # 4xx: the request
    "auth": "#b58a00",  # 401: the token
    "limit": "#2979c2",  # 429: too fast
    "vendor": "#5318a8",  # 5xx: the vendor
    "undelivered": "#5c0f33",  # accepted, then not delivered
    "silent": "#6b727e",  # no response; also every series that is context
}
DARK = {
    "face": "#212121",
    "ink": "#e8eaed",
    "muted": "#a9b1ba",
    "grid": "#383838",
    "ok": "#5c636d",
    "request": "#ff8059",
    "auth": "#f0cb45",
    "limit": "#6fc3f7",
    "vendor": "#a970ff",
    "undelivered": "#ff5cb8",
    "silent": "#c9ced4",
}
KINDS = {  # kind: (words, hatch in print)
    "request": ("request (4xx)", "///"),
    "auth": ("token (401)", "..."),
    "limit": ("too fast (429)", "\\\\\\"),
    "vendor": ("vendor (5xx)", "xxx"),
    "undelivered": ("accepted, not delivered", "+++"),
    "silent": ("no response, or other", "---"),
    "ok": ("succeeded", ""),
}
DELIVERIES = {  # what became of a message: (words, kind)
    "delivered": ("delivered (0)", "ok"),
    "underway": ("on its way (400, 401)", "limit"),
    "failed": ("not delivered", "undelivered"),
    "other": ("no code", "silent"),
}
SMALL, TITLE = 9, 10.5  # points: 12 and 14 pixels; nothing is smaller
DPI = 96
STYLE = {  # whatever style the notebook has chosen for its own figures
    **{
        k: v
        for k, v in mpl.rcParamsDefault.items()
        if re.match(r"(axes|figure|font|grid|hatch|legend|lines|patch|savefig|text|[xy]tick)\.", k)
    },
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": ["DejaVu Sans"],
    "font.size": SMALL,
    "text.color": LIGHT["ink"],
    "axes.edgecolor": LIGHT["grid"],
    "axes.facecolor": "none",
    "axes.labelcolor": LIGHT["ink"],
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": LIGHT["muted"],
    "ytick.color": LIGHT["muted"],
    "ytick.alignment": "center",
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "hatch.linewidth": 0.7,
    "svg.hashsalt": "sinchtools",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "path.simplify": False,
}
styled = mpl.rc_context(STYLE)


def kind_of(status: Any, outcome: Any = None) -> str:
    """
    Return whose fault a status is, as a name of the palette.

    Examples
    --------
    >>> kind_of(403), kind_of(401), kind_of(503), kind_of(201), kind_of(None)
    ('request', 'auth', 'vendor', 'ok', 'silent')
    """
    if outcome == "not_delivered":
        return "undelivered"
    if missing(status) or not 200 <= int(status) < 600:
        return "silent"
    special = {401: "auth", 429: "limit"}
    by_class = {2: "ok", 3: "silent", 4: "request", 5: "vendor"}
    return special.get(int(status), by_class[int(status) // 100])


def contrast(one: Any, other: Any) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    lights = sorted(_luminance(to_rgb(colour)) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(rgb: Iterable[float]) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

"""The look of every chart: colours by meaning, and one sheet of settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap, to_rgb

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
REST = ("#C4C4C4", "")
STYLE = {  # whatever style the notebook has chosen for its own figures
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
styled = mpl.rc_context(STYLE)
SHADES = LinearSegmentedColormap.from_list("shades", ["#F7FBFF", "#9ECAE1", "#2171B5", "#08306B"])


def contrast(one: Any, other: Any) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    lights = sorted(_luminance(to_rgb(colour)) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(rgb: Iterable[float]) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable_on(face: Any) -> str:
    """Return the ink that has the higher contrast on a face."""
    return max((INK, FACE), key=lambda ink: contrast(ink, face))

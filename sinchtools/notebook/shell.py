"""
Handle what IPython does with evidence by itself.

It saves pasted cells, and lets JupyterLab typeset frames.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sinchtools.core.html import untypeset

HOW_TO_TURN_OFF = (
    "Before you paste, run `%config HistoryManager.enabled = False`, "
    "or start JupyterLab with `sinchtools lab`."
)
_FRAMES = (  # module and class of what shows itself as an HTML table of evidence
    ("pandas", "DataFrame"),
    ("pandas.io.formats.style", "Styler"),
    ("polars.dataframe.frame", "DataFrame"),
)


# --- the history file --------------------------------------------------------------------------


def ipython_shell() -> Any:
    """Return the IPython shell that this runs in, or None; IPython is not loaded for it."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()


def history_file() -> Path | None:
    """Return the file in which IPython saves what is run here; None when it saves nothing."""
    manager: Any = getattr(ipython_shell(), "history_manager", None)
    if manager is None or not manager.enabled or str(manager.hist_file) == ":memory:":
        return None
    return Path(manager.hist_file)


def warn_of_history() -> None:
    """Warn, where sinchtools is imported, that pasted evidence stays in a file of IPython's."""
    if path := history_file():
        says = f"IPython saves what you run here in {path}, pasted tokens and numbers included."
        warnings.warn(f"{says} {HOW_TO_TURN_OFF}", stacklevel=3)


# --- frames --------------------------------------------------------------------------------------


def show_frames_as_text() -> None:
    """Let the frames that IPython shows pass JupyterLab without being typeset as mathematics."""
    formatter: Any = getattr(ipython_shell(), "display_formatter", None)
    if formatter is None:
        return
    html = formatter.formatters["text/html"]
    for module, name in _FRAMES:
        try:
            html.lookup_by_type(f"{module}.{name}")  # what the user chose stays
        except KeyError:
            html.for_type_by_name(module, name, _as_text)


def _as_text(frame: Any) -> str | None:
    show: Callable[[], str | None] = frame._repr_html_
    html = show()
    return None if html is None else untypeset(html)

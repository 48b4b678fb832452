"""
Handle what IPython does with evidence by itself.

It saves pasted cells, and lets JupyterLab typeset frames.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
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


def show_frames_as_text(shell: Any) -> None:
    """Let the frames that a shell shows pass JupyterLab without being typeset as mathematics."""
    for module, name in _FRAMES:
        if _shown_by(shell, module, name) is None:  # else by what the user chose
            _html_formatter(shell).for_type_by_name(module, name, _as_text)


def show_frames_as_before(shell: Any) -> None:
    """Undo `show_frames_as_text`."""
    for module, name in _FRAMES:
        if _shown_by(shell, module, name) is _as_text:
            _html_formatter(shell).pop(f"{module}.{name}")


def _shown_by(shell: Any, module: str, name: str) -> Any:
    with suppress(KeyError):
        return _html_formatter(shell).lookup_by_type(f"{module}.{name}")


def _html_formatter(shell: Any) -> Any:
    return shell.display_formatter.formatters["text/html"]


def _as_text(frame: Any) -> str | None:
    show: Callable[[], str | None] = frame._repr_html_
    html = show()
    return None if html is None else untypeset(html)

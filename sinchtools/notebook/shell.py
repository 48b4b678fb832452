"""
Handle what IPython does with evidence by itself.

It saves pasted cells, and lets JupyterLab typeset frames.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sinchtools.core.html import untypeset

KERNEL = "Sinch troubleshooting"  # the kernelspec of the wheel
# in the environment of the kernels of a server that cleans what it saves
SWITCHED_ON = "SINCHTOOLS_SAVES_CLEAN"
SAVES_HISTORY = "IPython saves what you run here in {}, pasted tokens and numbers included."
TURN_HISTORY_OFF = "Before you paste, run `%config HistoryManager.enabled = False`."
SAVED_AS_SHOWN = (
    "This notebook is saved with everything that you paste and that its cells show: "
    "tokens, phone numbers and message texts included."
)
CLEAN_IT = "Before you share the file, run `sinchtools clean` on it."
_INSTEAD = f'In JupyterLab, the kernel "{KERNEL}" takes care of this.'
_FRAMES = (  # module and class of what shows itself as an HTML table of evidence
    ("pandas", "DataFrame"),
    ("pandas.io.formats.style", "Styler"),
    ("polars.dataframe.frame", "DataFrame"),
)


# --- what stays in files --------------------------------------------------------------------------


def ipython_shell() -> Any:
    """Return the IPython shell that this runs in, or None; IPython is not loaded for it."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()


def history_file() -> Path | None:
    """Return the file in which IPython saves what is run here; None when it saves nothing."""
    manager: Any = getattr(ipython_shell(), "history_manager", None)
    if manager is None or not manager.enabled or str(manager.hist_file) == ":memory:":
        return None
    return Path(manager.hist_file)


def saves_as_shown() -> bool:
    """Return whether this is a kernel of a notebook that no save hook of ours cleans."""
    is_kernel = type(ipython_shell()).__name__ == "ZMQInteractiveShell"
    return is_kernel and SWITCHED_ON not in os.environ


def traces() -> str:
    """Return what this session leaves in files, and what to do; empty when it leaves nothing."""
    path = history_file()
    says = []
    if path:
        says += [SAVES_HISTORY.format(path), TURN_HISTORY_OFF]
    if saves_as_shown():
        says += [SAVED_AS_SHOWN, CLEAN_IT]
    return " ".join([*says, _INSTEAD]) if says else ""


def warn_of_traces() -> None:
    """Warn once, where sinchtools is imported, that pasted evidence stays in files."""
    if _warned or not (says := traces()):
        return
    _warned.append(says)
    if _is_starting():
        _warn_in_the_first_cell(says)
    else:
        warnings.warn(says, stacklevel=3)


_warned: list[str] = []


def _is_starting() -> bool:
    """Return whether a kernel runs this before any cell: what it prints would be seen nowhere."""
    return not getattr(ipython_shell(), "get_parent", lambda: True)()


def _warn_in_the_first_cell(says: str) -> None:
    events: Any = ipython_shell().events

    def warn(*_: object) -> None:
        events.unregister("pre_run_cell", warn)
        warnings.warn_explicit(says, UserWarning, "sinchtools", 1)

    events.register("pre_run_cell", warn)


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

"""
Troubleshooting for the Sinch SMS REST API: from a pasted failing request to a proven fix.

The heavy libraries (pandas, matplotlib, ipywidgets, tornado ...) are loaded where they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

from sinchtools.calllog import CallLog
from sinchtools.case import Case, export
from sinchtools.catalogue import explain
from sinchtools.client import connect, record
from sinchtools.diagnosis import diagnose
from sinchtools.doctor import doctor
from sinchtools.errors import SinchToolsError
from sinchtools.importers import read, scan
from sinchtools.notebook import show_frames_as_before, show_frames_as_text, warn_of_history
from sinchtools.playbook import tips
from sinchtools.proof import prove, smallest_change
from sinchtools.records import Exchange, Finding, Step
from sinchtools.replay import plan, replay
from sinchtools.report import report

if TYPE_CHECKING:
    from sinchtools import analysis, charts, panels
    from sinchtools.sandbox import Sandbox

__all__ = [
    "CallLog", "Case", "Exchange", "Finding", "Sandbox", "SinchToolsError", "Step", "analysis", "charts", "connect", "diagnose", "doctor",
    "explain", "export", "panels", "plan", "prove", "read", "record", "replay", "report", "scan", "smallest_change", "tips",
]  # fmt: skip

_ON_FIRST_USE = {"Sandbox": "sinchtools.sandbox", "analysis": "sinchtools.analysis", "charts": "sinchtools.charts", "panels": "sinchtools.panels"}


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'sinchtools' has no attribute {name!r}")
    module = importlib.import_module(_ON_FIRST_USE[name])
    return getattr(module, name, module) if name == "Sandbox" else module


def load_ipython_extension(shell: Any) -> None:
    """
    Say below a cell when it is out of date, and in the place of a NameError which cell to run first (``%load_ext sinchtools``).

    Frames are shown as text: without it, JupyterLab typesets what stands between two dollar signs in them as mathematics.
    """
    importlib.import_module("sinchtools.freshness").load(shell)
    show_frames_as_text(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Say it no more."""
    importlib.import_module("sinchtools.freshness").unload(shell)
    show_frames_as_before(shell)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


warn_of_history()

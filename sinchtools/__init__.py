"""
Troubleshooting for the Sinch SMS REST API: from a pasted failing request to a proven fix.

Each name is loaded when it is first used, so that importing this costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinchtools import analysis, charts
    from sinchtools.api import explain
    from sinchtools.cases import Case, export, reply, report
    from sinchtools.client import CallLog, connect, record
    from sinchtools.core import Exchange, Finding, SinchToolsError, Step
    from sinchtools.diagnosis import diagnose
    from sinchtools.evidence import read, scan
    from sinchtools.notebook import panels
    from sinchtools.notebook.workbench import workbench
    from sinchtools.playbooks import tips
    from sinchtools.replays import compare, plan, prove, replay, smallest_change
    from sinchtools.sandbox import Sandbox
    from sinchtools.terminal import doctor

__all__ = [
    "CallLog", "Case", "Exchange", "Finding", "Sandbox", "SinchToolsError", "Step", "analysis",
    "charts", "compare", "connect", "diagnose", "doctor", "explain", "export", "panels", "plan",
    "prove", "read", "record", "replay", "reply", "report", "scan", "smallest_change", "tips",
    "workbench",
]  # fmt: skip

_HOME = {
    "CallLog": "client", "Case": "cases", "Exchange": "core", "Finding": "core",
    "Sandbox": "sandbox", "SinchToolsError": "core", "Step": "core", "compare": "replays",
    "connect": "client",
    "diagnose": "diagnosis", "doctor": "terminal", "explain": "api", "export": "cases",
    "panels": "notebook", "plan": "replays", "prove": "replays", "read": "evidence",
    "record": "client", "replay": "replays", "reply": "cases", "report": "cases",
    "scan": "evidence", "smallest_change": "replays", "tips": "playbooks",
    "workbench": "notebook.workbench",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("analysis", "charts"):
        return importlib.import_module(f"sinchtools.{name}")
    if name == "panels":
        return importlib.import_module("sinchtools.notebook.panels")
    if name not in _HOME:
        raise AttributeError(f"module 'sinchtools' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sinchtools.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)


if "IPython" in sys.modules:
    _shell = importlib.import_module("sinchtools.notebook.shell")
    _shell.show_frames_as_text()
    _shell.warn_of_traces()

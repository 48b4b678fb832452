"""Panels of ipywidgets, one for each question; each has a function twin that does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sinchtools.notebook.panels.compare import ComparePanel
from sinchtools.notebook.panels.evidence import EvidencePanel
from sinchtools.notebook.panels.replay import ReplayPanel
from sinchtools.notebook.panels.report import ReportPanel
from sinchtools.notebook.panels.tips import TipsPanel

if TYPE_CHECKING:
    from sinchtools.notebook.panels.charts import ChartsPanel

__all__ = [
    "ChartsPanel",
    "ComparePanel",
    "EvidencePanel",
    "ReplayPanel",
    "ReportPanel",
    "TipsPanel",
]


def __getattr__(name: str) -> Any:
    if name != "ChartsPanel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sinchtools.notebook.panels.charts import (
        # with it come pandas and matplotlib: two seconds that the first panel does not wait
        ChartsPanel,
    )

    return ChartsPanel


def __dir__() -> list[str]:
    return list(__all__)

"""Panels of ipywidgets, one for each question; each has a function twin that does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sinchtools.panels.evidence import EvidencePanel
from sinchtools.panels.replay import ReplayPanel
from sinchtools.panels.report import ReportPanel
from sinchtools.panels.tips import TipsPanel

if TYPE_CHECKING:
    from sinchtools.panels.charts import ChartsPanel

__all__ = ["ChartsPanel", "EvidencePanel", "ReplayPanel", "ReportPanel", "TipsPanel"]


def __getattr__(name: str) -> Any:
    if name != "ChartsPanel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sinchtools.panels.charts import ChartsPanel  # with it come pandas and matplotlib: two seconds that the first panel does not wait

    return ChartsPanel

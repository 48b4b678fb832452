"""Panels of ipywidgets, one for each question; each has a function twin that does the same."""

from sinchtools.panels.charts import ChartsPanel
from sinchtools.panels.evidence import EvidencePanel
from sinchtools.panels.replay import ReplayPanel
from sinchtools.panels.report import ReportPanel
from sinchtools.panels.tips import TipsPanel

__all__ = ["ChartsPanel", "EvidencePanel", "ReplayPanel", "ReportPanel", "TipsPanel"]

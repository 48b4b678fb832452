"""The seven charts, and saving them."""

from sinchtools.charts.by_account import accounts
from sinchtools.charts.chart import Chart as Chart
from sinchtools.charts.figures import ALL as ALL
from sinchtools.charts.figures import delivery_codes, endpoints, error_codes, heatmap, latency
from sinchtools.charts.over_time import timeline
from sinchtools.charts.saving import names_nobody as names_nobody
from sinchtools.charts.saving import save

__all__ = [
    "accounts",
    "delivery_codes",
    "endpoints",
    "error_codes",
    "heatmap",
    "latency",
    "save",
    "timeline",
]


def __dir__() -> list[str]:
    return list(__all__)

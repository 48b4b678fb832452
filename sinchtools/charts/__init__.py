"""The seven charts, and saving them."""

from sinchtools.charts.charts import (
    ALL,
    Chart,
    accounts,
    delivery_codes,
    endpoints,
    error_codes,
    heatmap,
    latency,
    save,
    timeline,
)
from sinchtools.charts.charts import DELIVERIES as DELIVERIES
from sinchtools.charts.charts import FORMATS as FORMATS
from sinchtools.charts.charts import OUTCOMES as OUTCOMES
from sinchtools.charts.charts import SERIES as SERIES
from sinchtools.charts.charts import WEEKDAYS as WEEKDAYS
from sinchtools.charts.charts import contrast as contrast
from sinchtools.charts.charts import names_nobody as names_nobody

__all__ = [
    "ALL",
    "Chart",
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

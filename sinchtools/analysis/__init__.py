"""
How often, since when, for whom: aggregations over any frame of exchanges.

What is imported under its own name is for the other packages, and not shown by completion.
"""

from sinchtools.analysis.aggregations import (
    accounts,
    codes,
    endpoints,
    heatmap,
    latency,
    matrix,
    overview,
    regions,
    to_parquet,
)
from sinchtools.analysis.by_time import timeline
from sinchtools.analysis.causes import differences
from sinchtools.analysis.changes import change_points
from sinchtools.analysis.filters import described as described
from sinchtools.analysis.filters import filtered
from sinchtools.analysis.frames import FAILING, calls, in_memory, spark_session
from sinchtools.analysis.frames import Per as Per
from sinchtools.analysis.frames import known as known
from sinchtools.analysis.frames import where as where
from sinchtools.analysis.from_bodies import countries, delivery_codes, senders
from sinchtools.analysis.patterns import fingerprint as fingerprint
from sinchtools.analysis.patterns import groups, spikes
from sinchtools.analysis.results import INTERVALS as INTERVALS
from sinchtools.analysis.results import MOST_INTERVALS as MOST_INTERVALS
from sinchtools.analysis.results import RESULTS as RESULTS
from sinchtools.analysis.results import label as label
from sinchtools.analysis.sentence import Pattern, pattern
from sinchtools.analysis.sentence import change_in_words as change_in_words

__all__ = [
    "FAILING",
    "Pattern",
    "accounts",
    "calls",
    "change_points",
    "codes",
    "countries",
    "delivery_codes",
    "differences",
    "endpoints",
    "filtered",
    "groups",
    "heatmap",
    "in_memory",
    "latency",
    "matrix",
    "overview",
    "pattern",
    "regions",
    "senders",
    "spark_session",
    "spikes",
    "timeline",
    "to_parquet",
]


def __dir__() -> list[str]:
    return list(__all__)

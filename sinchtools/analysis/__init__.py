"""
How often, since when, for whom: aggregations over any frame of exchanges.

What is imported under its own name is for the other packages, and not shown by completion.
"""

from sinchtools.analysis.aggregations import (
    FAILING,
    accounts,
    calls,
    codes,
    countries,
    delivery_codes,
    differences,
    endpoints,
    filtered,
    groups,
    heatmap,
    in_memory,
    known,
    latency,
    matrix,
    overview,
    regions,
    senders,
    spark_session,
    spikes,
    timeline,
    to_parquet,
    where,
)
from sinchtools.analysis.aggregations import (
    INTERVALS as INTERVALS,
)
from sinchtools.analysis.aggregations import (
    MOST_INTERVALS as MOST_INTERVALS,
)
from sinchtools.analysis.aggregations import (
    RESULTS as RESULTS,
)
from sinchtools.analysis.aggregations import (
    Per as Per,
)
from sinchtools.analysis.aggregations import (
    described as described,
)
from sinchtools.analysis.aggregations import (
    fingerprint as fingerprint,
)
from sinchtools.analysis.aggregations import (
    label as label,
)
from sinchtools.analysis.changes import change_points
from sinchtools.analysis.sentence import Pattern, change_in_words, pattern

__all__ = [
    "FAILING",
    "Pattern",
    "accounts",
    "calls",
    "change_in_words",
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
    "known",
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
    "where",
]


def __dir__() -> list[str]:
    return list(__all__)

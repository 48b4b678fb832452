"""
The charts, and saving them.

`KINDS` is the one place that lists them: the panels, the workbench, `sinchtools chart`, the docs
and the tests read it.
"""

from collections.abc import Callable
from typing import NamedTuple

from sinchtools.charts.by_account import accounts as accounts
from sinchtools.charts.chart import Chart as Chart
from sinchtools.charts.figures import delivery_codes as delivery_codes
from sinchtools.charts.figures import endpoints as endpoints
from sinchtools.charts.figures import error_codes as error_codes
from sinchtools.charts.figures import heatmap as heatmap
from sinchtools.charts.figures import latency as latency
from sinchtools.charts.over_time import timeline as timeline
from sinchtools.charts.saving import names_nobody as names_nobody
from sinchtools.charts.saving import save as save


class Kind(NamedTuple):
    """
    A chart, and how it is offered.

    Attributes
    ----------
    draw
        The function; its name is the name of the chart.
    tab
        What the tab of a panel says.
    question
        What it answers, as the docs head it.
    counts_failures
        Whether the requests behind it are the failing ones only.
    filter
        The filter that a click on it sets. The chart is drawn without it, or it would show
        nothing but what was clicked.
    in_workbench
        Whether the workbench has a tab for it; the panel has one for each.
    """

    draw: Callable[..., Chart]
    tab: str
    question: str
    counts_failures: bool = False
    filter: str = ""
    in_workbench: bool = True

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.draw.__name__

    @property
    def file(self) -> str:
        """The name of its files, without an ending."""
        return self.name.replace("_", "-")


KINDS = (  # in the order of the tabs
    Kind(timeline, "Timeline", "Since when?", counts_failures=True),
    Kind(error_codes, "Error codes", "Which errors?", counts_failures=True),
    Kind(accounts, "Accounts", "Whose?", filter="account"),
    Kind(heatmap, "Hour of week", "At which hours?", counts_failures=True, filter="hour"),
    Kind(endpoints, "Endpoints", "Where?", filter="endpoint", in_workbench=False),
    Kind(latency, "Response time", "How slow?", filter="endpoint"),
    Kind(delivery_codes, "Delivery codes", "Did it arrive?", in_workbench=False),
)
__all__ = [*sorted(kind.name for kind in KINDS), "save"]


def __dir__() -> list[str]:
    return list(__all__)

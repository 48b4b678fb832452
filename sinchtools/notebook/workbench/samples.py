"""The six sample tickets to try the workbench on; none of them is a real customer's."""

from __future__ import annotations

from typing import NamedTuple

from sinchtools.core.settings import share_folder


class Sample(NamedTuple):
    """A ticket in ``data/samples/tickets``."""

    name: str
    title: str
    words: str

    @property
    def path(self) -> str:
        """Where the ticket is."""
        return str(share_folder("data/samples") / "tickets" / self.name)


SAMPLES = (
    Sample("curl.md", "Broken curl", "A curl command with four mistakes, and the 400 it got"),
    Sample("browser.har", "Unknown group", "A HAR from a browser: 403 for one group ID"),
    Sample("log.jsonl", "Log of calls", "A log: one account fails since a deployment"),
    Sample("traceback.md", "SDK traceback", "An exception of the Python SDK, without the request"),
    Sample("not-delivered.md", "Not delivered", "201 Created, then a delivery report that failed"),
    Sample("token.md", "Token refused", "401 after the API token was rotated"),
)
